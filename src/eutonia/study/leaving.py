"""How people leave an arm before its end: at a rate of the arm, or after a reaction or for lack of effect.

A rate is a constant hazard; a share of those whom a drug does harm, or no good, leaves at that moment. Whoever misses a
visit stays in the trial: the score of that visit is missing, and no intercurrent event.

Source: ICH_E9_R1
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from eutonia import _bounds
from eutonia.study.fields import (
    Given,
    Hours,
    Part,
    PartOfOne,
    Positive,
    QuantityField,
    Reaction,
    ScaleName,
    described,
    not_a_name,
)
from eutonia.study.scales import limb_fits, on_scale
from eutonia.study.studyfile import Key, Problem
from eutonia.study.vocabulary import LimbName

if TYPE_CHECKING:
    from eutonia.study.parts import Assessment, Phase

RateOfLeaving = Annotated[Given, QuantityField("leaving", _bounds.LEAVING)]


class AfterReaction(Part):
    """Who has a reaction leaves there and then, or a share of them do."""

    after: Literal["reaction"] = described("What people leave after.")
    reactions: Annotated[tuple[Reaction, ...], Field(min_length=1)] = described(
        "The reactions; the first of them that comes to a person counts."
    )
    share: PartOfOne = described("Share of those people who leave.")


class AfterNoEffect(Part):
    """Who is not better at a visit leaves right after it, or a share of them do."""

    after: Literal["lack of effect"] = described("What people leave after.")
    scale: ScaleName = described("Scale.")
    limb: LimbName | None = described("Limb; left out for scales of the whole person.", default=None)
    visit_h: Hours = described("Visit after which people leave; whoever misses it stays.", alias="visit")
    improvement: Positive = described(
        "Who is better by less than this since the first visit, in units of the scale, has no effect."
    )
    share: PartOfOne = described("Share of those people who leave.")

    def _problems(self) -> Iterable[Problem]:
        found = limb_fits(self.scale, self.limb)
        found += on_scale(self.scale, self.improvement, "improvement", is_difference=True)
        return found


LeavingRule = Annotated[AfterReaction | AfterNoEffect, Field(discriminator="after")]


def leaving_problems(phase: Phase, assessment: Assessment, where: Key) -> Iterator[Problem]:
    """Yield what in rates and rules of leaving does not fit their phase."""
    rated = [("arm", number, "dropout") for number, arm in enumerate(phase.arms) if arm.dropout is not None]
    rules = [("leaving", number) for number in range(len(phase.leaving))]
    for at in (*rated, *rules):
        if phase.design == "crossover":
            why = "In a crossover people are in all arms, and leave at one rate."
            do = "Remove the key, or compare the arms in a parallel phase."
            yield Problem((*where, *at), why, phase.design, '"parallel" or "single"', do=do)
        elif phase.reassessment is not None:
            why, do = "Dose finding judges people at every level, where they leave at one rate.", "Remove the key."
            yield Problem((*where, *at), why, "[phase.reassessment]", "no rate and no rule of its own", do=do)
        elif not phase.dropout:
            why, do = "The phase says that nobody leaves.", "Write dropout = true in the phase, or remove the key."
            yield Problem((*where, *at), why, "dropout = false", "dropout = true", do=do)
    for number, rule in enumerate(phase.leaving):
        yield from _rule(phase, rule, assessment, (*where, "leaving", number))


def _rule(phase: Phase, rule: AfterReaction | AfterNoEffect, assessment: Assessment, here: Key) -> Iterator[Problem]:
    wanted, key = ("adverse", "reactions") if isinstance(rule, AfterReaction) else (rule.scale, "scale")
    if wanted not in assessment.scales:
        why = f"It is not charted: [assessment] scales does not name {wanted}."
        given = list(rule.reactions) if isinstance(rule, AfterReaction) else rule.scale
        yield Problem((*here, key), why, given, do=f'Add "{wanted}" to [assessment] scales.')
    if isinstance(rule, AfterReaction):
        return
    if rule.limb is not None and rule.limb not in assessment.limbs:
        why, do = f"The {rule.limb} is not examined.", f'Add "{rule.limb}" to [assessment] limbs.'
        yield Problem((*here, "limb"), why, rule.limb, do=do)
    between = phase.visits_h[1:-1]
    if rule.visit_h not in between:
        what = f'visit between the first and the last in phase "{phase.name}"'
        yield not_a_name((*here, "visit"), what, rule.visit_h.text, [visit.text for visit in between])
