"""Dose finding: who is given which level hangs on the reactions of those before them (continual reassessment)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from eutonia.statistics.reassessment import USUAL_SD, RiskModel, skeleton_of
from eutonia.study import vocabulary
from eutonia.study.fields import Inside, Interval, Name, Part, Reaction, described, not_a_name
from eutonia.study.studyfile import Key, Problem

if TYPE_CHECKING:
    from eutonia.study.design import TrialStudy
    from eutonia.study.parts import Phase

USUAL_HALF_WIDTH = 0.05
# Share thought of the lowest level: no trial of people tells a smaller one from none, and far below it the model's
# powers underflow to 0, from which no reaction ever moves a risk.
LEAST_SHARE = 1e-6


class Reassessment(Part):
    """The table [phase.reassessment]: the arms of the phase are dose levels, from the lowest to the highest."""

    reactions: Annotated[tuple[Reaction, ...], Field(min_length=1)] = described(
        "Limiting reactions: whoever has one of them counts against the level."
    )
    target: Inside = described("Share of people with a limiting reaction that is aimed at, between 0 and 1.")
    cohort: Annotated[int, Field(strict=True, ge=1, le=100)] = described("People a cohort.", default=3)
    start: Name | None = described("Arm of the first cohort; left out, the lowest.", default=None)
    within_h: Interval | None = described(
        "How long a person is watched before the next cohort begins; left out, to the last visit.",
        alias="within",
        default=None,
    )
    expected: Name | None = described(
        "Arm that is thought to have the target share, from which the skeleton is made.", default=None
    )
    half_width: Inside | None = described(
        f"Half width of the indifference interval of that skeleton; left out, {USUAL_HALF_WIDTH:g}.", default=None
    )
    skeleton: tuple[Inside, ...] | None = described(
        "Share that each level is thought to have beforehand, rising, in place of `expected`.", default=None
    )
    prior_sd: Annotated[float, Field(strict=True, ge=0.1, le=10, allow_inf_nan=False)] = described(
        "SD beforehand of the model's one parameter; left out, the square root of 1.34.", default=USUAL_SD
    )
    stop_above: Inside | None = described(
        "The trial stops where the lowest level is above the target with at least this probability; left out, never.",
        default=None,
    )
    enough: Annotated[int, Field(strict=True, ge=1)] | None = described(
        "The trial stops where so many people were given the level that the next cohort would be; left out, never.",
        default=None,
    )

    def _problems(self) -> Iterable[Problem]:
        found: list[Problem] = []
        if (self.skeleton is None) == (self.expected is None):
            why = "What is thought of the levels beforehand is told once: by a skeleton, or by the level expected."
            do = "Add the key expected, the arm with the target share." if self.skeleton is None else "Remove one."
            given = "neither" if self.skeleton is None else "both"
            found.append(Problem(("expected",), why, given, "expected or skeleton, one of the two", do=do))
        if self.skeleton is not None:
            if self.half_width is not None:
                why, do = "A skeleton that is given is not made from a half width.", "Remove the key half_width."
                found.append(Problem(("half_width",), why, self.half_width, do=do))
            if any(low >= high for low, high in pairwise(self.skeleton)):
                why = "A higher level is thought to bring more."
                found.append(Problem(("skeleton",), why, list(self.skeleton), "rising shares", do="Put them in order."))
        most = min(self.target, 1.0 - self.target)
        if self.half_width is not None and self.half_width >= most:
            why = "The interval around the target would reach 0 or 1."
            do = "Choose a smaller one; 0.03 to 0.08 are usual."
            found.append(Problem(("half_width",), why, self.half_width, f"less than {most:g}", do=do))
        found += [
            Problem(("reactions", place), "It stands there twice.", one, do="Remove one of the two.")
            for place, one in enumerate(self.reactions)
            if one in self.reactions[:place]
        ]
        return found

    def model(self, arms: tuple[str, ...]) -> RiskModel:
        """Return the model of the risk over the levels, which are these arms."""
        if self.skeleton is not None:
            return RiskModel(np.array(self.skeleton), self.target, self.prior_sd)
        assert self.expected is not None
        most = min(self.target, 1.0 - self.target)
        half = min(USUAL_HALF_WIDTH, most / 2) if self.half_width is None else self.half_width
        return RiskModel(
            skeleton_of(self.target, arms.index(self.expected), len(arms), half), self.target, self.prior_sd
        )


def reassessment_problems(study: TrialStudy) -> Iterator[Problem]:
    """Yield everything in a dose finding that does not fit its trial."""
    for position, phase in enumerate(study.phases):
        rules, where = phase.reassessment, ("phase", position)
        if rules is None:
            continue
        here: Key = (*where, "reassessment")
        if len(study.phases) > 1:
            why = "Who is given what is known when all have been watched, so dose finding is a trial of its own."
            yield Problem(here, why, f"{len(study.phases)} phases", "one phase", do="Put it in a file of its own.")
        yield from _phase(phase, where)
        yield from _levels(phase, rules, where)
        n = study.population.n
        if n % rules.cohort:
            near = tuple(str(rules.cohort * k) for k in (n // rules.cohort, n // rules.cohort + 1) if k)
            why = f"People come in whole cohorts of {rules.cohort}."
            do = "Choose one of them, or another cohort."
            yield Problem(("population", "n"), why, n, f"a multiple of {rules.cohort}", near, do)
        if "adverse" not in study.assessment.scales:
            why = "Reactions are not charted: [assessment] scales does not name them."
            do = 'Add "adverse" to [assessment] scales.'
            yield Problem((*here, "reactions"), why, list(rules.reactions), do=do)
        if study.analysis is not None:
            why = "The levels are not randomised, so their difference is not that of the drug."
            yield Problem(("analysis",), why, "a table [analysis]", "no [analysis]", do="Remove it.")


def _phase(phase: Phase, where: Key) -> Iterator[Problem]:
    """Find what a phase has that cannot be beside a dose finding."""
    if phase.design != "parallel":
        why, do = "Each person is given one level, so the levels are parallel arms.", 'Write design = "parallel".'
        yield Problem((*where, "design"), why, phase.design, '"parallel"', do=do)
    if phase.randomisation is not None:
        why = "Nobody is randomised: the reactions of earlier cohorts decide."
        yield Problem((*where, "randomisation"), why, "a table", do="Remove [phase.randomisation].")
    if phase.gate is not None:
        why, do = "Nothing follows a dose finding that a gate could open.", "Remove [phase.gate]."
        yield Problem((*where, "gate"), why, "a gate", do=do)
    last = phase.visits_h[-1]
    within = None if phase.reassessment is None else phase.reassessment.within_h
    if within is not None and within > last:
        why, do = "Nobody is watched after the last visit.", f'Write within = "{last.text}", or add a later visit.'
        yield Problem((*where, "reassessment", "within"), why, within.text, f"at most {last.text}", do=do)


def _levels(phase: Phase, rules: Reassessment, where: Key) -> Iterator[Problem]:
    """Check that arms are levels of one drug, rising, and that what names levels does so."""
    names = [arm.name for arm in phase.arms]
    here: Key = (*where, "reassessment")
    for key in ("start", "expected"):
        given = getattr(rules, key)
        if given is not None and given not in names:
            yield not_a_name((*here, key), f'arm in phase "{phase.name}"', given, names)
    if rules.skeleton is not None and len(rules.skeleton) != len(names):
        why, do = "The skeleton has one share a level, and the arms are the levels.", "Give each arm its share."
        yield Problem((*here, "skeleton"), why, f"{len(rules.skeleton)} shares", f"{len(names)}", do=do)
    elif rules.skeleton is not None or rules.expected in names:
        yield from _skeleton(rules, tuple(names), here)
    for number, arm in enumerate(phase.arms):
        if arm.placebo:
            why, do = "Every arm is a dose level, and a placebo has no dose.", "Remove the arm."
            yield Problem((*where, "arm", number, "placebo"), why, arm.name, "arms with a dose", do=do)
        if arm.allocation != 1:
            why, do = "Nobody is randomised, so there is no ratio.", "Remove the key."
            yield Problem((*where, "arm", number, "allocation"), why, arm.allocation, do=do)
        listed = {one for given in arm.treatments if given.hazards for one in vocabulary.reactions_by(given.hazards)}
        own = any(given.harms is not None for given in arm.treatments)
        for place, reaction in enumerate(rules.reactions if number == 0 and not own else ()):
            if reaction not in listed:
                why = "The label does not list this reaction for what the arms give, so it would never come."
                known = ", ".join(f'"{one}"' for one in sorted(listed))
                yield Problem((*here, "reactions", place), why, reaction, known, do="Choose one of them.")
    yield from _rising(phase, where)


def _skeleton(rules: Reassessment, arms: tuple[str, ...], here: Key) -> Iterator[Problem]:
    """Find a skeleton that does not rise strictly between the least share and 1, as numbers of the machine."""
    shares = [float(one) for one in rules.model(arms).skeleton]
    if shares[0] >= LEAST_SHARE and shares[-1] < 1.0 and all(low < high for low, high in pairwise(shares)):
        return
    why = "What is thought of the levels is too far from the target at the ends for reactions to tell anything of them."
    if rules.skeleton is not None:
        do, key = "Give the lowest level a share that people could show.", "skeleton"
    else:
        do = "Choose a smaller half_width, fewer arms, or an expected arm nearer to the middle."
        key = "expected" if rules.half_width is None else "half_width"
    given = ", ".join(f"{one:.3g}" for one in shares)
    allowed = f"shares that rise from {LEAST_SHARE:g} or more to less than 1"
    yield Problem((*here, key), why, given, allowed, do=do)


def _rising(phase: Phase, where: Key) -> Iterator[Problem]:
    """Find a level that gives no more than the one before it; arms of several treatments are taken as they stand."""
    if any(len(arm.treatments) != 1 or arm.treatments[0].amount is None for arm in phase.arms):
        return
    for number, (low, high) in enumerate(pairwise(arm.treatments[0] for arm in phase.arms), start=1):
        assert low.amount is not None
        assert high.amount is not None
        if low.route == high.route and high.amount <= low.amount:
            why = f'Levels stand from the lowest to the highest, and "{phase.arms[number - 1].name}" gives as much.'
            here = (*where, "arm", number, "treatment", 0, high.amount_key)
            yield Problem(here, why, high.amount.text, f"more than {low.amount.text}", do="Put the arms in order.")
