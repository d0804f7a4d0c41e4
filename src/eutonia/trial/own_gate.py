"""The gate of an arm at work: charts around the test dose, who responds, and what a later pump learns from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from jaxtyping import Bool

from eutonia.assessment.scoring import Chart
from eutonia.study.own_gate import test_dose_of, watched_h
from eutonia.study.parts import Arm
from eutonia.study.policies import Screening
from eutonia.study.targets import Response
from eutonia.study.treatments import EVERYBODY, RESPONDERS, Treatment
from eutonia.trial.period import DECISION, PeriodClock, Task

Flags = Bool[np.ndarray, " patient"]


def dealt_to(treatment: Treatment, passed: Flags | None, n_patients: int) -> Flags:
    """Return to whom of an arm a treatment is given; `passed` who responded, None before the gate has decided.

    Before that nobody is given anything on which it decides.
    """
    if treatment.given_to == EVERYBODY:
        return np.ones(n_patients, dtype=bool)
    if passed is None:
        return np.zeros(n_patients, dtype=bool)
    return passed if treatment.given_to == RESPONDERS else ~passed


@dataclass
class GateWatch:
    """Looks at everybody before and after the test dose of an arm, and says who responds.

    Parameters
    ----------
    arm
        With its gate and its one test dose.
    visit
        Gives the number of the next visit, which names its luck.
    closed
        Told who responded and what was learned, once all is known.
    """

    arm: Arm
    visit: Callable[[], int]
    closed: Callable[[Flags, Screening], None]
    _before: Chart | None = None
    _charts: dict[float, Chart] = field(default_factory=dict)

    def tasks(self) -> list[Task]:
        """Return the looks: before the dose, in the hours in which it is judged, and at the hour of a long effect."""
        at = float(test_dose_of(self.arm).begins_h)
        found = [Task(at, DECISION, self._look_before)]
        return [*found, *(Task(at + hour, DECISION, partial(self._look, hour)) for hour in sorted(set(watched_h())))]

    def _look_before(self, clock: PeriodClock) -> None:
        self._before = clock.look(self.visit(), nonspecific=False).chart

    def _look(self, hour: float, clock: PeriodClock) -> None:
        self._charts[hour] = clock.look(self.visit(), nonspecific=False).chart
        if hour == max(watched_h()):
            self._close()

    def _close(self) -> None:
        first, last, prolonged = watched_h()
        judged = [self._charts[first], self._charts[last]]
        passed = self._met([np.any([rule.fell(self._begun, one) for one in judged], axis=0) for rule in self._rules])
        lasted = self._met([rule.fell(self._begun, self._charts[prolonged]) for rule in self._rules])
        dose, policy = test_dose_of(self.arm).first_amount, self.arm.titration
        best = np.full(len(passed), np.nan)
        if policy is not None and policy.learns_from_screening:
            best = np.min([policy.aimed_at(one) for one in judged], axis=0)
        self.closed(passed, Screening(np.where(passed, dose, np.nan), best, lasted))

    @property
    def _begun(self) -> Chart:
        assert self._before is not None
        return self._before

    @property
    def _rules(self) -> tuple[Response, ...]:
        assert self.arm.gate is not None
        return self.arm.gate.rules

    def _met(self, each: list[Flags]) -> Flags:
        assert self.arm.gate is not None
        return (np.all if self.arm.gate.need == "all" else np.any)(each, axis=0)
