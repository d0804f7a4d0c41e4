"""Who of a masked phase could tell by reactions what they were given."""

from __future__ import annotations

from collections.abc import Iterator

from eutonia.study.parts import Arm, Phase
from eutonia.trial.analysis import Outcome


def unblinded_told(outcome: Outcome) -> Iterator[str]:
    """Yield for each phase that says what a reaction makes people expect, who felt one, and what that tells them."""
    for phase in outcome.study.phases:
        if (rule := phase.unblinding) is None:
            continue
        arms = [arm for arm in phase.arms if outcome.in_arm(phase.name, arm.name).any()]
        each = [(arm.name, *_told(outcome, phase, arm)) for arm in arms]
        if not each:  # nobody entered
            continue
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
    share = float(outcome.reactions[phase.name, arm.name].felt[mine].mean())
    return share, (1.0 - 2.0 * share if arm.placebo else 2.0 * share - 1.0)
