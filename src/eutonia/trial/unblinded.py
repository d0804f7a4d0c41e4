"""Who of a masked phase could tell by reactions what they were given."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eutonia.study.parts import Arm, Phase
from eutonia.trial.analysis import Outcome


def unblinded_told(outcome: Outcome) -> Iterator[str]:
    """Yield for each phase that says what a reaction makes people expect, who felt one, and what that tells them."""
    for phase in outcome.study.phases:
        if (rule := phase.unblinding) is None:
            continue
        each = [(arm.name, share, index) for arm in phase.arms for share, index in [_told(outcome, phase, arm)]]
        felt = ", ".join(f"{name} {100.0 * share:.0f} %" for name, share, _ in each)
        indices = ", ".join(f"{name} {index:+.2f}" for name, _, index in each)
        yield (
            f"{phase.name}: who feels a reaction takes it for the drug, and changes without any drug {rule.felt:g} "
            f"times as much as usual, who feels none {rule.unfelt:g} times. A reaction was felt by the end in {felt}. "
            f"Bang's blinding index (1: all know what they are given, 0: they guess, -1: all are wrong) is {indices}."
        )


def _told(outcome: Outcome, phase: Phase, arm: Arm) -> tuple[float, float]:
    """Return the share of an arm that felt a reaction, and Bang's index where these guess drug and the others none."""
    mine = outcome.in_arm(phase.name, arm.name)
    share = float(np.mean(~np.isnan(outcome.reactions[phase.name, arm.name].time_h[:, mine]).all(axis=0)))
    return share, (1.0 - 2.0 * share if arm.placebo else 2.0 * share - 1.0)
