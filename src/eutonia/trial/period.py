"""One period of a trial: a clock that gives every person the treatments of their arm and charts the visits.

Amounts are arrays over people, zero for those who get none, so that arms, sham doses and crossover orders are all
the same code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from eutonia._hours import HOURS_A_DAY
from eutonia._types import replaced
from eutonia.assessment.scoring import Chart, chart, chart_constants, draw_luck, no_luck
from eutonia.simulation.course import Course, CourseState, Snapshot, Tissue, snapshot_of, whole_steps
from eutonia.simulation.encounter import Encounter, as_lesioned
from eutonia.simulation.examine import Examination, body_constants, examine
from eutonia.simulation.lesion_course import LesionCourse, Lesioned
from eutonia.simulation.people import People
from eutonia.simulation.practice import Practice
from eutonia.simulation.stance import stance
from eutonia.simulation.tissue import STEP_H, is_touched, settled, with_noted
from eutonia.simulation.treated import joined, under
from eutonia.treatment import AbstractTherapy, Effects
from eutonia.trial.doses import DoseLog

Patients = Float[np.ndarray, " patient"]

# The clock compares times to this many hours: below any step, above rounding.
_SAME_TIME_H = 1e-6
# A change of an infusion, or a week of tablets, needs no finer steps than six hours: start its clock there.
_AFTER_FINE_STEPS_H = 72.0
_LONG_AGO_H = 1e4
# Order of tasks at one time: a visit at time 0 comes before the dose, and so does a decision.
VISIT, DECISION, DOSE, LOOK = range(4)


@dataclass(eq=False)
class TabletPlan:
    """Tablets of one schedule: each person's dose in mg, interval and time of the next dose in h."""

    dose_mg: Patients
    every_h: float
    next_h: float
    stop_h: float = np.inf


@dataclass
class VisitFinding:
    """What one look at everybody found: the chart, and what lies behind it."""

    chart: Chart
    exam: Examination
    snapshot: Snapshot


@dataclass(frozen=True)
class _Mark:
    """Where the drug's own steps have come to: state, hour, hour of the last event, next tablet of each schedule."""

    state: CourseState
    now_h: float
    last_event_h: float
    next_h: tuple[float, ...]


@dataclass
class PeriodClock:
    """Moves a block of people through one period. Times are hours since the start of the period.

    `lesions` moves tone with the time since the onset; `since_entry_h` had passed since people's entry when the period
    began. Without it tone stays as it was.

    Looking never moves the drug: a look goes on from the last whole step, and the next advance starts again from there,
    so that steps, and with them results, are the same however often somebody looks.
    """

    course: Course
    state: CourseState
    seed: int
    noiseless: bool
    nonspecific: Patients
    rates: dict[object, Patients] = field(default_factory=dict)
    told: dict[object, Patients] = field(default_factory=dict)
    practice: Practice = field(init=False)
    doses: DoseLog = field(init=False)
    tablets: list[TabletPlan] = field(default_factory=list)
    now_h: float = 0.0
    last_event_h: float = -_LONG_AGO_H
    lesions: LesionCourse | None = None
    since_entry_h: float = 0.0
    others: list[AbstractTherapy] = field(default_factory=list)
    expected: Patients | float = 1.0
    _nothing: Effects = field(init=False)
    _mark: _Mark | None = None
    _settled_h: float = 0.0
    _noted_h: float = 0.0

    def __post_init__(self) -> None:
        """Start without any practice or dose."""
        self.practice = Practice(self.seed, self.people.person)
        self.doses = DoseLog.empty(self.people.n)
        self._nothing = Effects.none(self.people.n)

    def begin_at(self, time_h: float) -> None:
        """Begin at another hour than that of the first visit: before it, where people come with something."""
        self.now_h = self._settled_h = self._noted_h = time_h

    @property
    def people(self) -> People:
        """The people of this period."""
        return self.course.people

    @property
    def now(self) -> tuple[People, Effects]:
        """The people as their lesion and what treatments have changed of it make them by now, and those `effects`."""
        return self.encounter().met(self.lesions)

    def encounter(self) -> Encounter:
        """Return what is known of everybody now."""
        done, state = self._joined_at(self.now_h), replaced(self.state, tissue=self._tissue_by_now())
        return Encounter(self.people, state, self._nothing if done is None else done, self._left_at(self.now_h))

    def _left_at(self, time_h: float) -> Lesioned | None:
        """Return what lesions have left by an hour of the period."""
        return None if self.lesions is None else self.lesions.left_at(self.since_entry_h + time_h)

    @property
    def people_now(self) -> People:
        """The people as their lesion and what treatments have changed of it make them by now."""
        return self.now[0]

    def people_at(self, time_h: float) -> People:
        """Return the people as their lesion alone makes them by an hour of the period."""
        return as_lesioned(self.people, self._left_at(time_h), self.lesions)

    @property
    def effects(self) -> Effects:
        """What all treatments do now beside the drug, and what all have made of tissue."""
        return self.now[1]

    @property
    def snapshot(self) -> Snapshot:
        """What an examination sees of all treatments now."""
        people, effects = self.now
        return under(snapshot_of(people, self.state), effects)

    def _joined_at(self, time_h: float) -> Effects | None:
        """Return what is done beside the drug at an hour; None where nothing is."""
        return joined((self.practice, *self.others), time_h)

    def _noted(self) -> Tissue:
        """Return tissue with what treatments beside the drug have done up to now."""
        span_h = self.now_h - self._noted_h
        if span_h <= _SAME_TIME_H:
            return self.state.tissue
        return with_noted(self.state.tissue, self._joined_at(self._noted_h + span_h / 2), span_h)

    def _tissue_by_now(self) -> Tissue:
        """Return tissue as it is now, whoever looks: from when it was last settled on."""
        tissue, span_h = self._noted(), self.now_h - self._settled_h
        if span_h <= _SAME_TIME_H or not is_touched(tissue):
            return tissue
        left = self._left_at(self._settled_h + span_h / 2)
        alone = self.people if left is None or self.lesions is None else (left, self.lesions)
        return settled(tissue, alone, self.people.receptor, span_h)

    def _keep(self, tissue: Tissue) -> None:
        self.state, self._noted_h = replaced(self.state, tissue=tissue), self.now_h
        if self._mark is not None:
            before = self._mark.state
            kept = replaced(tissue, felt=before.tissue.felt)
            self._mark = replace(self._mark, state=replaced(before, tissue=kept))

    def note_treatments(self) -> None:
        """Keep for tissue what treatments beside the drug have done up to now, as one of them is about to change."""
        self._keep(self._noted())

    def settle(self) -> CourseState:
        """Bring tissue up to now, and return the state."""
        self._keep(self._tissue_by_now())
        self._settled_h = self.now_h
        return self.state

    @property
    def rate(self) -> Patients:
        """What flows into everybody's spinal fluid now, ug/h: the sum over treatments, the same in any order."""
        return self._sum(self.rates)

    @property
    def dose(self) -> Patients:
        """What everybody's pump is programmed to, ug/h: of a pump with a catheter that may fail not what flows."""
        return self._sum({**self.rates, **self.told})

    def _sum(self, rates: dict[object, Patients]) -> Patients:
        if len(rates) == 1:
            return 0.0 + next(iter(rates.values()))
        return np.sort(np.array([np.zeros(self.people.n), *rates.values()]), axis=0).sum(axis=0)

    @property
    def tablets_mg_per_day(self) -> Patients:
        """Everybody's daily dose by mouth now; a schedule counts up to the hour of its stop."""
        taken = [plan for plan in self.tablets if plan.stop_h > self.now_h - _SAME_TIME_H]
        return sum((plan.dose_mg * HOURS_A_DAY / plan.every_h for plan in taken), np.zeros(self.people.n))

    def note_doses(self) -> None:
        """Keep what everybody is given from now on, and from each hour at which tablets have stopped since.

        What people come with counts from the begin of the period.
        """
        since = float(self.doses.time_h[-1])
        stops = sorted({plan.stop_h for plan in self.tablets if since < plan.stop_h <= self.now_h})
        for time_h in (*stops, self.now_h):
            daily = [plan.dose_mg * HOURS_A_DAY / plan.every_h for plan in self.tablets if plan.stop_h > time_h]
            rate = self.dose if time_h == self.now_h else self.doses.rate_ug_per_h[-1]
            self.doses = self.doses.noted(max(time_h, 0.0), rate, sum(daily, np.zeros(self.people.n)))

    def look(self, visit: int, *, nonspecific: bool) -> VisitFinding:
        """Examine and chart everybody now; `visit` names the luck of raters and reports."""
        people, effects = self.now
        snapshot = under(snapshot_of(people, self.state), effects)
        exam = examine(people, snapshot, body_constants())
        standing = stance(people, snapshot, body_constants())
        constants = chart_constants()
        luck = no_luck(people.n) if self.noiseless else draw_luck(self.seed, people.person, visit, constants)
        shift = jnp.asarray(self.nonspecific * self.expected if nonspecific else np.zeros(people.n))
        return VisitFinding(chart(people, exam, standing, luck, shift, constants), exam, snapshot)

    def advance_to(self, time_h: float, *, looking: bool = False) -> None:
        """Advance everybody to `time_h`, giving the tablets that are due before it; `looking` if only to look.

        Tissue is settled on the way, at hours that do not depend on who looks.
        """
        while (settles_h := self._settled_h + STEP_H) < time_h:
            self._advance_to(settles_h, looking=True)
            self.settle()
        self._advance_to(time_h, looking=looking)

    def _advance_to(self, time_h: float, *, looking: bool) -> None:
        if self._mark is not None and time_h == self.now_h:  # a look has come here by the same steps
            self._mark = self._mark if looking else None
            return
        self._back()
        if looking:
            self._advance(time_h, whole=True)
            dues = tuple(plan.next_h for plan in self.tablets)
            self._mark = _Mark(self.state, self.now_h, self.last_event_h, dues)
        self._advance(time_h, whole=False)

    def _back(self) -> None:
        """Return from a look to where the drug's own steps had come to."""
        if self._mark is None:
            return
        self.state, self.now_h, self.last_event_h = self._mark.state, self._mark.now_h, self._mark.last_event_h
        for plan, due in zip(self.tablets, self._mark.next_h, strict=True):
            plan.next_h = due
        self._mark = None

    def _advance(self, time_h: float, *, whole: bool) -> None:
        """Advance to `time_h`, or, in whole steps and dosing intervals only, to the last of them before it."""
        while time_h - self.now_h > _SAME_TIME_H:
            due = [plan for plan in self.tablets if plan.next_h < min(time_h, plan.stop_h) - _SAME_TIME_H]
            upcoming = min((plan.next_h for plan in due), default=time_h)
            if upcoming - self.now_h > _SAME_TIME_H:
                is_look = whole and not due
                self._drift(self._last_step(upcoming) if is_look else upcoming)
                if is_look:
                    return
            elif len({(plan.next_h, plan.every_h) for plan in self.tablets}) == 1:
                stop = min(time_h, *(plan.stop_h for plan in due))
                count = int((stop - self.now_h + _SAME_TIME_H) // due[0].every_h)
                if count == 0 and whole:
                    return
                self._cycles(due, count)
            else:
                self._give(due)

    def _last_step(self, time_h: float) -> float:
        """Return the hour of the last whole step before `time_h`."""
        return self.now_h + whole_steps(self.now_h - self.last_event_h, time_h - self.now_h)

    def _drift(self, time_h: float) -> None:
        span, since = time_h - self.now_h, self.now_h - self.last_event_h
        self.state = self.course.advance(self.state, span, self.rate, since)
        self.now_h = time_h

    def _cycles(self, plans: list[TabletPlan], count: int) -> None:
        """Go through the intervals of tablets that are all taken at the same times, as one tablet of their sum."""
        if count == 0:
            self._give(plans)
            return
        dose, rate = np.asarray(sum(plan.dose_mg for plan in plans)), self.rate
        every = plans[0].every_h
        self.state = self.course.advance_tablets(self.state, dose, every, count, rate)
        self.now_h += count * every
        for plan in plans:
            plan.next_h = self.now_h
        self.last_event_h = max(self.last_event_h, self.now_h - _AFTER_FINE_STEPS_H)

    def _give(self, due: list[TabletPlan]) -> None:
        for plan in due:
            if plan.next_h - self.now_h <= _SAME_TIME_H:
                self.state = self.course.tablet(self.state, plan.dose_mg)
                plan.next_h += plan.every_h
                self.last_event_h = self.now_h

    def bolus(self, amount_ug: Patients, access: str) -> None:
        """Give an intrathecal bolus now."""
        self._mark = None
        self.state = self.course.bolus(self.state, amount_ug, access)
        self.last_event_h = self.now_h

    def set_rate(
        self, rate_ug_per_h: Patients, *, abrupt: bool, of: object = None, told: Patients | None = None
    ) -> None:
        """Programme the infusion `of` one treatment now; the others flow on.

        `abrupt` is for starts and stops, which need the finest steps. Steps are as fine where the rate stays: they may
        not depend on who else is in the block.
        """
        self._mark = None
        self.rates[of] = rate_ug_per_h
        self.last_event_h = self.now_h if abrupt else max(self.last_event_h, self.now_h - _AFTER_FINE_STEPS_H)

    def stop_all(self) -> None:
        """Stop every infusion, all tablets, practice and what else is given beside the drug now."""
        self.note_treatments()
        self._mark = None
        for of in tuple(self.rates):
            self.set_rate(np.zeros(self.people.n), abrupt=True, of=of)
        self.tablets.clear()
        self.practice.stop(self.now_h)
        for other in self.others:
            other.stop(self.now_h)


@dataclass(frozen=True)
class Task:
    """Something to do at a time: `order` VISIT, DECISION, DOSE or LOOK, so that a visit at time 0 comes before the
    dose. A visit or look changes nothing of what is given; what is no drug need not move the drug either.
    """

    time_h: float
    order: int
    act: Callable[[PeriodClock], None]
    moves_drug: bool = True


def run_period(clock: PeriodClock, tasks: list[Task]) -> None:
    """Do every task in the order of time, then of kind, then as listed; visits and looks leave the drug alone."""
    for task in sorted(tasks, key=lambda t: (t.time_h, t.order)):
        clock.advance_to(task.time_h, looking=task.order in (VISIT, LOOK) or not task.moves_drug)
        task.act(clock)
        clock.note_doses()
