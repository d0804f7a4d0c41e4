"""Rescue at work in one arm: who needs it by the chart of a visit, what they are given from there, and who had it.

Everybody is judged as if nobody left, like all that is computed of an arm; what comes after leaving is not seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from eutonia.assessment.reading import ROUNDING, score_of
from eutonia.assessment.scales import SCALES
from eutonia.assessment.scoring import Chart
from eutonia.study.parts import Phase
from eutonia.study.rescue import Rescue
from eutonia.study.treatments import Treatment
from eutonia.trial.given import GivenTreatment, given_of, taken_by
from eutonia.trial.period import Task

if TYPE_CHECKING:
    from eutonia.trial.analysis import Outcome

Patients = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]
#: Who is given rescue at each of its visits.
Rescued = Bool[np.ndarray, "visit patient"]


def needs(rescue: Rescue, before: Chart, now: Chart) -> Flags:
    """Return who is charted badly enough at a visit."""
    scale = SCALES[rescue.scale]
    first, score = (np.asarray(score_of(chart, rescue.scale, rescue.limb)) for chart in (before, now))
    found = np.ones(score.shape, dtype=bool)
    if rescue.score is not None:
        found &= scale.worse * (score - rescue.score) >= -ROUNDING
    if rescue.improvement is not None:
        found &= scale.better(first, score) < rescue.improvement - ROUNDING
    return found


@dataclass
class RescueWatch:
    """Gives rescue in one arm, and keeps who was given it at which visit.

    `is_given` false lets nobody have any; `taken` is the share of their tablets that people take. What is given, by its
    place among all rescues of the phase, is dealt at its visit to whoever needs it.
    """

    rescue: Rescue
    n_patients: int
    is_given: bool = True
    taken: Patients | None = None
    at: Rescued = field(init=False)
    _given: list[list[tuple[Treatment, GivenTreatment]]] = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what is given at each visit, to nobody yet."""
        nothing = np.zeros(self.n_patients)
        self.at = np.zeros((len(self.rescue.visits_h), self.n_patients), dtype=bool)
        self._given = [
            [(one, taken_by(given_of(one, nothing), self.taken)) for one in given] for given in self.rescue.at_visits
        ]

    def tasks(self) -> list[Task]:
        """Return the starts and stops of everything that may be given."""
        return [task for given in self._given for _, one in given for task in one.tasks()]

    def decide(self, time_h: float, before: Chart, now: Chart, came: Flags) -> None:
        """Deal what is given from a visit on to those who came, need it, and have not had it often enough."""
        if not self.is_given or time_h not in self.rescue.visits_h:
            return
        visit = self.rescue.visits_h.index(time_h)
        self.at[visit] = came & needs(self.rescue, before, now) & (self.at.sum(axis=0) < self.rescue.times)
        for treatment, one in self._given[visit]:
            one.deal(np.where(self.at[visit], treatment.first_amount, 0.0))

    def dealt_to(self, treatment: Treatment) -> Flags | None:
        """Return who is given one of the treatments of rescue; None of any other."""
        for visit, given in enumerate(self._given):
            if any(one is treatment for one, _ in given):
                return np.asarray(self.at[visit])
        return None


def first_rescue_h(outcome: Outcome, phase: Phase, arm: str) -> Patients:
    """Return when each person would first be given rescue in an arm if nobody left, h of the phase; infinite: never."""
    found = outcome.rescued.get((phase.name, arm))
    if phase.rescue is None or found is None:
        return np.full(len(outcome.member), np.inf)
    return np.where(found, np.array(phase.rescue.visits_h)[:, None], np.inf).min(axis=0)


def rescues(outcome: Outcome, phase: Phase) -> Rescued:
    """Return who was given rescue at each of its visits, in the arm that they were in, and before leaving it."""
    visits_h = () if phase.rescue is None else phase.rescue.visits_h
    found = np.zeros((len(visits_h), len(outcome.member)), dtype=bool)
    for arm in phase.arms:
        if (given := outcome.rescued.get((phase.name, arm.name))) is not None:
            found |= given & outcome.in_arm(phase.name, arm.name)
    stays_until = np.where(outcome.left[phase.name], outcome.left_h.get(phase.name, -np.inf), np.inf)
    return found & (stays_until > np.array(visits_h)[:, None])
