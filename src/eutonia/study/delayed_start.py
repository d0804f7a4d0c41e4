"""A delayed start: one arm is treated from the first visit, another has a sham until a later visit, and then the same.

Both are treated at the end. Once the late arm has had the time that the treatment needs, what only acts while it is
given has brought both arms to the same score; a difference that is left speaks for more than that.

Source: DAgostino_2009
Not for: a late arm that is seen too soon, in which the effect is still building up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eutonia.study.fields import not_a_name
from eutonia.study.studyfile import Key, Problem

if TYPE_CHECKING:
    from eutonia.study.parts import Arm, Phase


def own_problems(arm: Arm) -> Iterator[Problem]:
    """Yield what in an arm does not fit its sham of the beginning."""
    until = arm.placebo_until_h
    if until is None:
        return
    if arm.placebo:
        why, do = "The whole arm is a sham, so nothing begins later.", "Remove one of the two keys."
        yield Problem(("placebo_until",), why, until.text, "placebo or placebo_until", do=do)
    if arm.practice is not None:
        why, do = "Practice begins with the phase, and is never a sham.", "Remove one of the two."
        yield Problem(("practice",), why, "practice", "none in an arm that starts late", do=do)
    if not arm.treatments:
        why, do = "Nothing is given after the sham.", "Add [[phase.arm.treatment]], or write placebo = true."
        yield Problem(("treatment",), why, "no treatment", "one or more", do=do)
    for position, given in enumerate(arm.treatments):
        if given.since_h < until:
            why = f"Until {until.text} this arm has a sham only."
            key = given.begins_key if given.since_h == given.begins_h else "taken_for"
            do = f'Write {given.begins_key} = "{until.text}".' if key != "taken_for" else "Remove the key."
            yield Problem(("treatment", position, key), why, given.begins_h.text, f"{until.text} or later", do=do)


def delayed_problems(phase: Phase, where: Key) -> Iterator[Problem]:
    """Yield what in a phase does not fit its arms that start late."""
    for number, arm in enumerate(phase.arms):
        if arm.placebo_until_h is None:
            continue
        here: Key = (*where, "arm", number, "placebo_until")
        if phase.design != "parallel":
            why, do = "Arms that start at different visits are compared side by side.", 'Write design = "parallel".'
            yield Problem(here, why, phase.design, '"parallel"', do=do)
        between = [visit.text for visit in phase.visits_h[1:-1]]
        if arm.placebo_until_h not in phase.visits_h[1:-1]:
            what = f'visit between the first and the last of phase "{phase.name}"'
            yield not_a_name(here, what, arm.placebo_until_h.text, between)
        if all(other.placebo or other.placebo_until_h is not None for other in phase.arms):
            why = "No arm is treated from the first visit, so that this one is late beside nobody."
            allowed = "an arm without placebo and placebo_until beside it"
            yield Problem(here, why, arm.placebo_until_h.text, allowed, do="Add such an arm.")


def told(phase: Phase, arm: str, against: str, visit: int) -> str:
    """Return what a difference of two arms at a visit says where one of them starts late; empty where none does."""
    late = [one for one in (phase.arm(arm), phase.arm(against)) if one.placebo_until_h is not None]
    if len(late) != 1 or phase.arm(arm).placebo or phase.arm(against).placebo:
        return ""
    # The first treatment may begin after the sham has ended.
    begins, at = min((one.begins_h for one in late[0].treatments), key=float), phase.visits_h[visit]
    name = late[0].name
    if at <= begins:
        return f"Delayed start: up to this visit {name} has had a sham only, so this is the effect of treatment."
    return (
        f"Delayed start: {name} has been treated since {begins.text}, so at this visit both arms are. What acts only "
        "while it is given leaves no difference once the late arm has had the time that it needs; a difference that "
        "stays speaks for more."
    )
