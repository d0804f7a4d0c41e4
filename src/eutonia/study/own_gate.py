"""A gate inside an arm: its people are given a test dose, and what they are given afterwards depends on its effect.

Nobody leaves by it: whoever does not respond stays in the arm, and is analysed in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from eutonia import parameters
from eutonia.study.fields import Part, described
from eutonia.study.studyfile import Key, Problem
from eutonia.study.targets import Response
from eutonia.study.treatments import EVERYBODY, RESPONDERS, Treatment

if TYPE_CHECKING:
    from eutonia.study.parts import Arm, Phase


class OwnGate(Part):
    """Who of an arm goes on to what is given to responders."""

    need: Literal["any", "all"] = described("Whether one rule is enough or all must hold.")
    rules: Annotated[tuple[Response, ...], Field(min_length=1, max_length=20)] = described(
        "Rules of response to the test dose of the arm, within the time in which the label judges one.", alias="rule"
    )


def watched_h() -> tuple[float, float, float]:
    """Return the hours after a test dose at which it is judged, and at which it is asked whether it still works."""
    label = parameters.load("label_dosing")
    first, last = (label.value(f"screening_observation_{end}", "h") for end in ("first", "last"))
    return first, last, label.value("prolonged_effect", "h")


def test_dose_of(arm: Arm) -> Treatment:
    """Return the test dose of an arm with a gate of its own."""
    return arm.test_doses[0]


def closes_h(arm: Arm) -> float:
    """Return the hour of the phase at which the gate of an arm has decided."""
    return float(test_dose_of(arm).begins_h) + max(watched_h())


def own_gate_problems(phase: Phase, arm: Arm, here: Key) -> Iterator[Problem]:
    """Find a gate without one test dose, and what is given to some of an arm before anybody knows to whom."""
    gated = [(position, one) for position, one in enumerate(arm.treatments) if one.given_to != EVERYBODY]
    if arm.gate is None:
        for position, one in gated:
            why, do = "This arm has no gate that tells them apart.", "Add [phase.arm.gate], or remove the key."
            yield Problem((*here, "treatment", position, "given_to"), why, one.given_to, f'"{EVERYBODY}"', do=do)
        return
    if arm.placebo or phase.design == "crossover":
        why = "Nobody responds to a sham." if arm.placebo else "In a crossover everybody goes through every arm."
        do = "Remove the gate, or give the drug." if arm.placebo else 'Write design = "parallel".'
        yield Problem((*here, "gate"), why, "a gate", "an arm with a drug, in a parallel or single design", do=do)
    tests = arm.test_doses
    if len(tests) != 1 or (arm.titration is not None and arm.titration.tests_doses):
        why, given = "The gate of an arm looks at the one test dose that the arm gives.", f"{len(tests)} test doses"
        do = 'Give the arm one treatment of route "intrathecal bolus", and no screening ladder.'
        yield Problem((*here, "gate"), why, given, "one test dose", do=do)
        return
    closes = closes_h(arm)
    for position, one in gated:
        where = (*here, "treatment", position)
        if one.tests:
            why, do = "Everybody of the arm is given the test dose.", "Remove the key."
            yield Problem((*where, "given_to"), why, one.given_to, f'"{EVERYBODY}"', do=do)
        elif one.begins_h < closes:
            why, least = f"Who responds is known {closes:g} h after the start of the phase.", f'"{closes:g} hour"'
            do = "Give it later, or an earlier part of it to everybody."
            yield Problem((*where, one.begins_key), why, one.begins_h.text, f"{least} or later", (least,), do)
    for key, told in () if arm.titration is None else arm.titration.looks_back():
        for one in arm.steered:
            if one.given_to != RESPONDERS:
                why = "Whoever does not respond has no test dose that worked."
                do = f'Write given_to = "{RESPONDERS}" in the treatment that the titration steers.'
                yield Problem((*here, "titration", *key), why, told, "a treatment of responders", do=do)
