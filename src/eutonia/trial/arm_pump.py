"""The pumps of an arm: each person's played by the `Player` of every pump program, as their doses and failures want it.

The clock stops at times that the study file alone tells: the turns of the program, the decisions of a policy, and every
midnight where people's pumps may differ. In between everybody is given the mean of what leaves the tip of their own
pump, so that no drug is lost or made. People whose pumps have done the same share one player.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Int

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.pump import Program, Therapy, play
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.breach import Breach
from eutonia.drug.pump.course import Delivery
from eutonia.drug.pump.player import MINIMUM, Player
from eutonia.drug.pump.rules import breaches
from eutonia.study.pump_treatment import IN_TIME, PumpTreatment
from eutonia.trial.broken_rules import at_visits
from eutonia.trial.failures import Failures
from eutonia.trial.given import GivenTreatment, given_of
from eutonia.trial.period import DOSE, PeriodClock, Task
from eutonia.trial.pump_turns import turns

Patients = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]

_SAME_H = 1e-6
#: What `PumpCourses` holds of each person beside the number of the course.
OF_EACH = ("failed_h", "repaired_h", "is_catheter", "is_severe")


@dataclass
class _Course:
    """The pump of people to whom all the same has happened so far, by how much of the program they are given."""

    player: Player
    share: float
    last: Program | None = None
    filled_h: float = 0.0
    seen: int = 0

    def copy(self) -> _Course:
        """Return another one at the same moment."""
        return dataclasses.replace(self, player=self.player.copy(self.player.pump.flow_error))

    def program(self, at_h: float) -> None:
        """Programme the share that these people are given now."""
        if self.last is not None:
            self.player.act(happens.Programmed(at_h, self.last.scaled(self.share)))

    def act(self, event: happens.Event) -> None:
        """Do what the program file says, of the share that these people are given."""
        if isinstance(event, happens.Programmed):
            self.last = event.program
            event = event if self.last is None else dataclasses.replace(event, program=self.last.scaled(self.share))
        elif isinstance(event, happens.Bridge):
            event = dataclasses.replace(event, keeps_ug_per_h=self.share * event.keeps_ug_per_h)
        if isinstance(event, (*happens.FILLINGS, happens.Emptied)):
            self.filled_h = event.at_h
        if not (isinstance(event, happens.Bridge) and self.share == 0.0):
            self.player.act(event)

    def fill_in_time(self, at_h: float) -> None:
        """Fill the pump if its alarm, or the end of the drug's life in it, would come before the next visit."""
        pump, records = self.player.pump, parameters.load("pump")
        ahead, life = records.value("refill_ahead", "h"), records.value("refill_cap", "h")
        daily = 0.0 if self.last is None else self.share * self.last.ug_per_day
        left = (pump.volume - pump.alarm_volume) * pump.believed - daily * ahead / HOURS_A_DAY
        if (daily > 0 and left <= 0) or at_h - self.filled_h >= life - ahead:
            self.act(happens.Refill(at_h))

    def mean(self, begin_h: float, end_h: float) -> float:
        """Play on to `end_h`, and return the mean rate at the tip since `begin_h`, ug/h."""
        self.player.advance(end_h)
        pieces = [one for one in self.player.pieces[self.seen :] if one.hours > 0]
        self.seen = len(self.player.pieces)
        if len({one.delivered for one in pieces}) <= 1:
            return pieces[0].delivered if pieces else 0.0
        return sum(one.delivered * one.hours for one in pieces) / (end_h - begin_h)


@dataclass(frozen=True)
class PumpCourses:
    """What the pumps of one arm have done by the end of a phase.

    Attributes
    ----------
    course
        Number of the course of each person's pump in `broken`; -1 for who has no pump.
    broken
        The rules that each course breaks.
    failed_h, repaired_h
        Failure and repair, h of the phase; inf for who has none. NaN where failures are not drawn.
    is_catheter, is_severe
        Whether the catheter failed, and whether withdrawal takes the severe form.
    """

    course: Int[np.ndarray, " patient"]
    broken: tuple[tuple[Breach, ...], ...]
    failed_h: Patients
    repaired_h: Patients
    is_catheter: Flags
    is_severe: Flags

    @classmethod
    def nobody(cls) -> PumpCourses:
        """Return what there is of one who has no pump."""
        none, no = np.full(1, np.nan), np.zeros(1, dtype=bool)
        return cls(np.full(1, -1), (), none, none, no, no)

    @property
    def may_fail(self) -> bool:
        """Whether failures were drawn."""
        return not bool(np.isnan(self.failed_h).all())

    def of(self, who: Flags, others: PumpCourses) -> PumpCourses:
        """Return these of the people `who`, and the others' of all others."""
        rest = np.where(others.course < 0, -1, others.course + len(self.broken))
        mixed = {name: np.where(who, getattr(self, name), getattr(others, name)) for name in OF_EACH}
        return PumpCourses(np.where(who, self.course, rest), self.broken + others.broken, **mixed)

    def take(self, who: slice | Int[np.ndarray, " place"]) -> PumpCourses:
        """Return those of some of the people, in their order."""
        return dataclasses.replace(self, **{name: getattr(self, name)[who] for name in ("course", *OF_EACH)})


def side_by_side(blocks: Sequence[PumpCourses]) -> PumpCourses:
    """Return the pumps of several blocks of people, one block after the other."""
    begins = np.cumsum([0, *(len(one.broken) for one in blocks)])
    courses = [np.where(one.course < 0, -1, one.course + b) for one, b in zip(blocks, begins, strict=False)]
    more = {name: np.concatenate([getattr(one, name) for one in blocks]) for name in OF_EACH}
    return PumpCourses(np.concatenate(courses), tuple(one for block in blocks for one in block.broken), **more)


@dataclass
class _Plan:
    """What the study file alone tells: the program on the clock of the phase, and when the clock stops."""

    therapy: Therapy
    base: Delivery
    stops: tuple[float, ...]
    abrupt: frozenset[float]
    errors: dict[float, float] = field(default_factory=dict)

    @classmethod
    def of(cls, treatment: PumpTreatment, end_h: float, asked_h: Sequence[float]) -> _Plan:
        """Return the plan of a phase that ends at an hour, with a policy that is asked at others."""
        therapy = treatment.therapy(end_h)
        base = play(therapy)
        found = turns(base)
        stops = {therapy.starts_h, end_h, *(one.time_h for one in found), *(one.at_h for one in therapy.events)}
        if asked_h or treatment.failures or treatment.refills == IN_TIME:
            stops |= {*np.arange(therapy.starts_h, end_h, HOURS_A_DAY).tolist(), *asked_h}
        if treatment.ends_h <= end_h:
            stops.add(treatment.ends_h)
        kept: list[float] = []
        for at in sorted(stops):
            if therapy.starts_h <= at <= end_h and (not kept or at - kept[-1] > _SAME_H):
                kept.append(at)
        steep = [one.time_h for one in found if one.is_abrupt]
        abrupt = frozenset(at for at in kept if any(abs(at - one) <= _SAME_H for one in steep))
        return cls(therapy, base, tuple(kept), abrupt, {one.since_h: one.flow_error for one in base.measured})


class Pumps(GivenTreatment):
    """A pump in each person of an arm; `amount` is the mean rate that is programmed, ug/h."""

    after_policy = True

    def __init__(self, treatment: PumpTreatment, amount: Patients) -> None:
        super().__init__(treatment.start_h, treatment.stop_h, amount)
        self.treatment, self.reference = treatment, treatment.first_amount
        self.of = np.full(len(amount), -1, dtype=np.int64)
        self.given = np.zeros_like(amount)
        self.courses: list[_Course] = []
        self._steep = self._is_steered = False
        self._plan: _Plan | None = None
        self._failures: Failures | None = None

    @property
    def plan(self) -> _Plan:
        """What the study file alone tells."""
        assert self._plan is not None
        return self._plan

    def expects(self, end_h: float, asked_h: Sequence[float], failures: Failures | None) -> None:
        """Take note of the end of the phase, of when a policy decides, and of what fails."""
        self._plan, self._is_steered = _Plan.of(self.treatment, end_h, asked_h), bool(asked_h)
        self._failures = failures if self.treatment.failures else None

    def apply(self, clock: PeriodClock, *, abrupt: bool) -> None:
        """Wait for the stop of the clock at this time, at which the pumps are programmed."""
        self._steep |= abrupt

    def tasks(self) -> list[Task]:
        """Return every stop of the clock: from each of them on, people are given what their pumps do until the next."""
        ends = (*self.plan.stops[1:], math.inf)
        return [Task(at, DOSE, partial(self._stop, at, end)) for at, end in zip(self.plan.stops, ends, strict=True)]

    def _stop(self, at_h: float, end_h: float, clock: PeriodClock) -> None:
        plan = self.plan
        if at_h == plan.stops[0]:
            self._begin()
        if at_h >= self.stop_h:
            self.amount = np.zeros_like(self.amount)
        happen = [one for one in plan.therapy.events if abs(one.at_h - at_h) <= _SAME_H]
        for course in self.courses:
            for event in happen:
                course.act(event)
                if isinstance(event, (*happens.FILLINGS, happens.Emptied)):
                    self._run_as_measured(course, at_h)
        self._redose(at_h)
        self._fail(at_h)
        self._prune()
        for course in self.courses if self.treatment.refills == IN_TIME else ():
            course.fill_in_time(at_h)
        rates = np.zeros(len(self.courses) + 1)  # the last is that of people without a pump
        for k, course in enumerate(self.courses):
            rates[k] = course.mean(at_h, min(end_h, plan.therapy.duration_h)) if end_h < math.inf else 0.0
        is_last = end_h == math.inf
        told = self._programmed(at_h)
        if not is_last:
            abrupt = self._steep or at_h in plan.abrupt or at_h == plan.stops[0]
            clock.set_rate(rates[self.of], abrupt=abrupt, of=self, told=told)
        self._steep = False

    def _programmed(self, at_h: float) -> Patients:
        """Return the mean rate that everybody's pump is programmed to, ug/h, whatever leaves its tip."""
        told = np.zeros(len(self.courses) + 1)
        for k, course in enumerate(self.courses):
            program = course.last
            told[k] = 0.0 if program is None or program.kind == MINIMUM else course.share * program.ug_per_day
        return told[self.of] / HOURS_A_DAY

    def _begin(self) -> None:
        """Implant a pump in whoever gets one."""
        who = self.amount > 0
        for amount in np.unique(self.amount[who]):
            player = Player.begun(self.plan.therapy, 0.0)
            course = _Course(player, float(amount) / self.reference, filled_h=self.plan.therapy.starts_h)
            self._run_as_measured(course, self.plan.therapy.starts_h)
            self.of[self.amount == amount] = len(self.courses)
            self.courses.append(course)
        self.given = self.amount.copy()

    def _run_as_measured(self, course: _Course, filled_h: float) -> None:
        """Let a pump run as fast, from a filling on, as the volume that is found at the next one tells."""
        error = self.plan.errors.get(filled_h, 0.0)
        course.player.pump = dataclasses.replace(course.player.pump, flow_error=error)

    def _redose(self, at_h: float) -> None:
        """Programme other amounts, for whom they have changed."""
        changed = (self.of >= 0) & (self.amount != self.given)
        for old in np.unique(self.of[changed]):
            mine = changed & (self.of == old)
            for amount in np.unique(self.amount[mine]):
                self._apart(mine & (self.amount == amount), at_h, float(amount) / self.reference)
        self.given = np.where(changed, self.amount, self.given)

    def _apart(self, who: Flags, at_h: float, share: float | None = None) -> _Course:
        """Return the course of people who part from the others of their course: all of them have one already."""
        old = int(self.of[who][0])
        course = self.courses[old].copy()
        self.of[who] = len(self.courses)
        self.courses.append(course)
        if share is not None:
            course.share = share
            course.program(at_h)
        return course

    def _prune(self) -> None:
        """Forget courses that nobody has any more."""
        kept = np.unique(self.of[self.of >= 0])
        self.courses = [self.courses[k] for k in kept]
        self.of = np.where(self.of >= 0, np.searchsorted(kept, self.of), -1)

    def _fail(self, at_h: float) -> None:
        """Let pumps and catheters fail, and repair them."""
        if self._failures is None:
            return
        failed, repaired = self._hours()
        is_catheter = self._failures.is_catheter
        for times, act in ((failed, self._break), (repaired, self._mend)):
            now = (self.of >= 0) & (np.abs(times - at_h) <= _SAME_H)
            for old in np.unique(self.of[now]):
                for catheter in (True, False):
                    who = now & (self.of == old) & (is_catheter == catheter)
                    if np.any(who):
                        act(self._apart(who, at_h), at_h, catheter)

    def _hours(self) -> tuple[Patients, Patients]:
        """Return failure and repair of each person, h of the phase."""
        assert self._failures is not None
        failed = self.start_h + self._failures.since_h
        return failed, failed + self._failures.lasts_h

    @staticmethod
    def _break(course: _Course, at_h: float, is_catheter: bool) -> None:
        if is_catheter:
            course.player.act(happens.Leak(at_h, 1.0))
            return
        course.player.pump = dataclasses.replace(course.player.pump, passes=0.0)
        course.player.log("failed", "the pump has failed")

    @staticmethod
    def _mend(course: _Course, at_h: float, is_catheter: bool) -> None:
        """Put in a new catheter, or a new pump on the old one once it was drawn out, and fill what holds no drug."""
        if is_catheter:
            course.player.act(happens.Revision(at_h))
            empty = course.player.pump.catheter.volume
        else:
            course.player.pump = dataclasses.replace(course.player.pump, passes=1.0)
            course.player.act(happens.Aspiration(at_h))
            course.act(happens.Replacement(at_h))
            empty = course.player.pump.dead_volume
        if empty > 0 and course.share > 0:
            course.player.act(happens.Prime(at_h, empty))

    def found(self) -> PumpCourses:
        """Return what the pumps have done."""
        n = len(self.of)
        failed = repaired = np.full(n, np.nan)
        flags = (np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))
        if self._failures is not None:
            end = min(self.plan.stops[-1], self.stop_h)
            came = (self.of >= 0) & (self._hours()[0] < end)
            failed, repaired = (np.where(came, times, np.inf) for times in self._hours())
            flags = (came & self._failures.is_catheter, came & self._failures.is_severe)
        judged = tuple(self._judged(course) for course in self.courses)
        return PumpCourses(self.of.copy(), judged, failed, repaired, *flags)

    def _judged(self, course: _Course) -> tuple[Breach, ...]:
        player = course.player
        happened = tuple(sorted(player.happenings, key=lambda one: one.at_h))
        pieces, settings, implants = tuple(player.pieces), tuple(player.settings), tuple(player.implants)
        settings = at_visits(settings) if self._is_steered else settings
        return tuple(breaches(Delivery(self.plan.therapy, pieces, happened, settings, player.pump, (), implants)))


@given_of.register
def _(treatment: PumpTreatment, amount: Patients) -> GivenTreatment:
    return Pumps(treatment, amount)
