"""Allocation that moves, in words: who is given what in which stage, how large arms get, and how often trials err."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eutonia._bounds import FEWEST_FOR_VERDICT
from eutonia.trial.analysed import Analysed


def plain(analysed: Analysed) -> list[str]:
    """Return what moving the allocation does, in sentences; nothing of a trial whose allocation stays."""
    if analysed.stages is None:
        return []
    row, stages = analysed.characteristics.row(0, named=True), analysed.stages.to_dicts()
    arm, against = stages[0]["arm"], stages[0]["against"]
    if row["trials"] < FEWEST_FOR_VERDICT:
        return [
            f"Allocation moves between {arm} and {against}; {row['trials']} replicate trials are too few to say how."
        ]

    def shown(of: Mapping[str, Any], key: str, factor: float = 1.0) -> str:
        return f"{factor * of[key]:.1f}\u00a0±\u00a0{factor * of[f'{key}_error']:.1f}"

    first, *later = stages
    each = "; ".join(
        f"then {shown(one, 'allocated')} of {one['people']} "
        f"(a share of {100 * one['allocated_share_low']:.0f} to {100 * one['allocated_share_high']:.0f}% in 95% of "
        "trials)"
        for one in later
    )
    told = [
        f"Allocation moves towards the arm that seems to be better. Of the first {first['people']} people "
        f"half are given {arm}; {each}. In all {shown(row, 'people_arm')} are given {arm}, and "
        f"{shown(row, 'people_against')} {against}.",
        f"Were both arms as {against}, {shown(row, 'null_rejected', 100.0)}% of such trials would find a difference.",
    ]
    if row["selects_best"] is not None:
        told[1] += f" In {shown(row, 'selects_best', 100.0)}% of trials the arm that is truly better looks better."
    return told
