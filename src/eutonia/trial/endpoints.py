"""Endpoints of an analysis with everything filled in: whose scores they compare, seen and as they would have been."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from eutonia.assessment.reading import ROUNDING, of_limb
from eutonia.assessment.scales import Scale
from eutonia.assessment.scoring import charted_muscles
from eutonia.statistics.rounding import exact
from eutonia.study import delayed_start
from eutonia.study.analysis_checks import arms_of, phase_of
from eutonia.study.analysis_plan import AnalysedEndpoint
from eutonia.study.design import TrialStudy
from eutonia.study.endpoint import IMPORTANT
from eutonia.study.parts import Phase
from eutonia.trial import factorial
from eutonia.trial.rescue import first_rescue_h
from eutonia.trial.responders import usual_least
from eutonia.trial.statistics import Flags, Values

if TYPE_CHECKING:
    from eutonia.trial.analysis import Outcome
    from eutonia.trial.block_outcome import VisitRecord

Visits = Float[np.ndarray, "patient visit"]
Seen = Bool[np.ndarray, "patient visit"]
# Ways of counting an event by which what comes after it does not.
_ENDS = ("composite", "while on treatment")
# What a logarithm is of, by the method that estimates one.
_LOGARITHMS = {"proportional odds": "log odds ratio", "time to event": "log hazard ratio"}


@dataclass(frozen=True)
class Contrast:
    """One endpoint: the arm, what it is compared with, the visit, and what is measured there.

    `terms` are the arms that are analysed and what each has in the terms of the model; the first is what is asked for:
    of two arms 1 and 0, of a factorial phase the factors.
    """

    given: AnalysedEndpoint
    phase: Phase
    arm: str
    against: str
    visit: int
    improvement: float
    terms: Mapping[str, tuple[int, ...]]

    @property
    def scale(self) -> Scale:
        """Its scale."""
        return self.given.on

    @property
    def limb(self) -> str:
        """Its limb; empty for a score of the whole person."""
        return dict(charted_muscles())[self.given.muscle] if self.given.muscle else self.given.limb or ""

    @property
    def gives_the_same(self) -> bool:
        """Whether both arms give the same; people of a crossover still differ, as each period has its own luck."""
        if len(self.terms) > 2:
            return False
        one, other = (self.phase.arm(name) for name in (self.arm, self.against))
        return (one.placebo and other.placebo) or one.model_dump(exclude={"name"}) == other.model_dump(exclude={"name"})

    @property
    def told_by_design(self) -> str:
        """What a difference says by the design of the phase; empty where nothing is special."""
        if len(self.terms) > 2:
            return factorial.told(self)
        late = delayed_start.told(self.phase, self.arm, self.against, self.visit)
        return " ".join(filter(None, (late, _of_unequal_arms(self))))

    @property
    def visit_name(self) -> str:
        """The visit in the words of the study file; of each pair where there are several."""
        return self.phase.visits_h[self.visit].text

    @property
    def what(self) -> str:
        """What is scored: "leg Ashworth"; or what happens."""
        if self.given.is_event:
            return self.given.measure
        return f"{self.given.muscle or self.given.limb or ''} {self.scale.label}".strip()

    @property
    def name(self) -> str:
        """Its name, or one made of what it is: "leg Ashworth, change at 12 week"."""
        return self.given.called(self.visit_name)

    @property
    def unit(self) -> str:
        """Unit of the difference: that of the scale, 1 for a share, or a logarithm of odds."""
        if self.given.way in _LOGARITHMS:
            return _LOGARITHMS[self.given.way]
        return "1" if self.given.measure == "responder" else self.scale.unit

    @property
    def better(self) -> int:
        """The sign of a difference where the arm is better than the other: 1 or -1."""
        if self.given.is_event:
            return -1
        return 1 if self.given.measure in ("responder", "time to improvement") else -self.scale.worse

    @property
    def rescue(self) -> str:
        """How rescue counts; empty where the phase gives none, or it is the event itself."""
        return self.given.rescue_way if self.phase.rescue is not None and not self.given.is_event else ""

    def _records(self, outcome: Outcome, arm: str, pair: int) -> list[VisitRecord]:
        first = pair * len(self.phase.visits_h)
        return [outcome.visits[self.phase.name, arm, first + k] for k in range(self.visit + 1)]

    def scores(self, outcome: Outcome, arm: str, pair: int = 0) -> Visits:
        """Return what everybody scores in an arm at each visit up to that of the endpoint, as if nobody left, and as if
        no rescue were given where that is asked; of an event 1 from the visit on at which it is found.

        `pair` is the number of the pair of periods in a series of N-of-1 trials.
        """
        if self.given.is_event:
            return self._happened(outcome, arm).astype(float)
        records = self._records(outcome, arm, pair)
        return np.stack([self._of(record) for record in records], axis=1)

    def _happened(self, outcome: Outcome, arm: str) -> Seen:
        is_gone = ~self.stays(outcome, arm)
        if self.given.measure == "time to leaving":
            return is_gone
        found = first_rescue_h(outcome, self.phase, arm)[:, None] <= np.array(self.phase.visits_h[: self.visit + 1])
        return found | is_gone if self.given.estimand == "composite" else found

    def _of(self, record: VisitRecord) -> Values:
        scale, scores = str(self.given.scale), record.without_rescue if self.rescue == "hypothetical" else record.scores
        if self.given.muscle is None:
            return of_limb(scores[scale], self.given.limb)
        place = [name for name, _ in charted_muscles()].index(self.given.muscle)
        return scores[f"{scale}_muscle"][place]

    def stays(self, outcome: Outcome, arm: str, pair: int = 0) -> Seen:
        """Return who would not have left by each of these visits, were they in an arm."""
        records = self._records(outcome, arm, pair)
        return np.stack([record.present for record in records], axis=1)

    def has_none(self, outcome: Outcome, arm: str) -> Seen:
        """Return who would have been given no rescue before each of these visits, were they in an arm."""
        return np.array(self.phase.visits_h[: self.visit + 1]) <= first_rescue_h(outcome, self.phase, arm)[:, None]

    def goes_on(self, outcome: Outcome, arm: str, pair: int = 0) -> Seen:
        """Return of whom nothing has come by each of these visits that the estimand ends at, or counts as no response,
        were they in an arm.
        """
        stays = self.stays(outcome, arm, pair)
        found = stays if self.given.estimand in _ENDS else np.ones_like(stays)
        return found & self.has_none(outcome, arm) if self.rescue in _ENDS else found

    def seen(self, outcome: Outcome, arm: str, pair: int = 0) -> Seen:
        """Return who would be seen at each of these visits, were they in an arm: who stays, misses it not, and has been
        given no rescue unless that does not matter.

        Leaving and rescue are no response where the estimand says so; of who else is not seen at the visit of a
        responder nothing is known, and nothing is seen here. Whether an event has come is known of a missed visit too.
        """
        stays, records = self.stays(outcome, arm, pair), self._records(outcome, arm, pair)
        if self.given.is_event:
            return stays if self.given.estimand == "hypothetical" else np.ones_like(stays)
        seen = stays & ~np.stack([outcome.missed(one.phase, one.arm, one.visit) for one in records], axis=1)
        has_none = self.has_none(outcome, arm) if self.rescue else np.ones_like(stays)
        if self.rescue != "treatment policy":
            seen &= has_none
        if self.given.measure == "responder" and self._counts_as_none:
            failed = ~stays[:, -1] & (self.given.estimand == "composite")
            there = stays[np.arange(len(stays)), has_none.sum(axis=1) - 1]  # when rescue was given
            failed |= ~has_none[:, -1] & there & (self.rescue == "composite")
            seen &= (seen[:, -1] | failed)[:, None]
            seen[failed] = np.arange(seen.shape[1]) == 0
        return seen

    @property
    def _counts_as_none(self) -> bool:
        return "composite" in (self.given.estimand, self.rescue)

    def improved(self, scores: Float[np.ndarray, "*people visit"]) -> Bool[np.ndarray, "*people visit"]:
        """Return at which visits a score is better than the first one by what a responder improves by, or an event has
        come.
        """
        if self.given.is_event:
            return scores > 0.0
        return self.scale.better(scores[..., :1], scores) >= self.improvement - ROUNDING

    def responded(self, scores: Visits) -> Flags:
        """Return whose last score is better than the first by what a responder improves by."""
        return self.improved(scores)[:, -1]

    def first_improved(self, scores: Float[np.ndarray, "*people visit"]) -> Float[np.ndarray, "*people"]:
        """Return the number of the first visit at which each person is better so; infinite for who never is, or is
        not seen there (NaN).
        """
        better = self.improved(scores)
        return np.where(better.any(axis=-1), np.argmax(better, axis=-1), np.inf)

    def target(self, scores: Visits, seen: Seen) -> Values:
        """Return the number of each person that the estimand speaks of, as if everything could be seen."""
        estimand, measure = self.given.estimand, self.given.measure
        if self.given.is_event:
            return self.first_improved(scores)
        if estimand == "while on treatment":
            last = np.maximum(seen.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1), 0)
            last = np.where(seen.any(axis=1), last, 0)
            scores = np.stack([scores[:, 0], scores[np.arange(len(scores)), last]], axis=1)
        if measure == "time to improvement":
            return self.first_improved(np.where(seen, scores, np.nan) if estimand == "composite" else scores)
        if measure == "responder":
            hits = self.responded(scores)
            return (hits & seen[:, -1] if self._counts_as_none else hits).astype(float)
        return exact(scores[:, -1] - (scores[:, 0] if measure == "change" else 0.0))

    def known(self, seen: Seen) -> Flags:
        """Return of whom that number is known: of whoever is seen at the visit, or of everybody who is treated."""
        return seen[:, 0] if self._counts_as_none or self.given.estimand in _ENDS else seen[:, -1]


def contrasts_of(study: TrialStudy) -> tuple[Contrast, ...]:
    """Return the endpoints of a study that says its analysis; none where it does not."""
    return tuple(_contrast(study, given) for given in (study.analysis.endpoints if study.analysis else ()))


def _contrast(study: TrialStudy, given: AnalysedEndpoint) -> Contrast:
    phase = phase_of(study.phases, given)
    assert phase is not None
    if given.factor is not None or given.interaction:
        arm, against, terms = factorial.asked(phase, given)
    else:
        one, other = arms_of(phase, given)
        assert one is not None
        assert other is not None
        arm, against, terms = one.name, other.name, {one.name: (1,), other.name: (0,)}
    visit = len(phase.visits_h) - 1 if given.visit_h is None else phase.visits_h.index(given.visit_h)
    limb = dict(charted_muscles())[given.muscle] if given.muscle else given.limb
    improvement = 1.0 if given.is_event else _least(given, limb)
    return Contrast(given, phase, arm, against, visit, improvement, terms)


def _least(given: AnalysedEndpoint, limb: str | None) -> float:
    """Return what a responder improves by."""
    least = given.improvement
    if least is None:
        least = usual_least(given.on, limb)[0] if given.way == "N-of-1" else given.on.step
    improvement = given.on.important_change(limb) if least == IMPORTANT else float(least)
    assert improvement is not None
    return improvement


def _of_unequal_arms(contrast: Contrast) -> str:
    """Return what arms of different sizes do to a method that takes one spread for all; empty where they do nothing."""
    sizes = {contrast.phase.arm(name).allocation for name in (contrast.arm, contrast.against)}
    if len(sizes) == 1 or contrast.given.way not in ("ANCOVA", "MMRM"):
        return ""
    return (
        f"The arms differ in size, and {contrast.given.way} takes one spread of scores for both: where people of the "
        "smaller arm differ more than those of the other, the interval is too narrow and holds the truth less often "
        "than it says; where they differ less, more often. Arms of one size have no such fault."
    )
