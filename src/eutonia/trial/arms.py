"""From the arms of a study file to tasks on the clock: what is given (`given.py`) and the policies that move it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from jaxtyping import Bool, Float

from eutonia import parameters
from eutonia.assessment.reading import ROUNDING, has_lost, is_loose, score_fall
from eutonia.assessment.scoring import Chart
from eutonia.patient import label_origin
from eutonia.simulation.people import People
from eutonia.study.design import TrialStudy
from eutonia.study.parts import Arm, GateRule, Phase, PracticePlan
from eutonia.study.policies import History, Moment, Policy, Screening
from eutonia.study.treatments import EVERYBODY, Treatment
from eutonia.study.unblinding import Unblinding
from eutonia.trial import visit_numbers
from eutonia.trial.arm_pump import PumpCourses, Pumps
from eutonia.trial.failures import Failures, drawn_for
from eutonia.trial.given import GivenTreatment, given_of, taken_by
from eutonia.trial.leaving import Attendance, tablets_taken
from eutonia.trial.own_gate import GateWatch, dealt_to
from eutonia.trial.period import DECISION, DOSE, PeriodClock, Task
from eutonia.trial.reactions import ReactionWatch, as_given, luck
from eutonia.trial.rescue import RescueWatch

Patients = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]

# Signs that compare with the person before any dose.
_LOOKS_BACK = ("lost stance", "enough")


@dataclass
class ArmRun:
    """One arm in one period: who is in it (`member`), when its drug is given, and what its policy decided.

    `before_any` is the number of the look before any dose, from which visits of policies count; `attendance` says who
    misses them, nobody if it is None; `rescue` gives what the phase gives besides; `taken` is
    the share of their tablets that people take, all of them if it is None; `unblinding` says what a reaction makes them
    expect, nothing if it is None.
    """

    arm: Arm
    member: Flags
    end_h: float
    before_any: int
    screening: Screening | None
    watch: ReactionWatch
    failures: Failures | None = None
    attendance: Attendance | None = None
    rescue: RescueWatch | None = None
    taken: Patients | None = None
    unblinding: Unblinding | None = None
    _visits: int = 0
    _steered: list[_Steering] = field(default_factory=list)
    passed: Flags | None = None
    _pumps: list[Pumps] = field(default_factory=list)
    _gated: list[_Gated] = field(default_factory=list)

    @classmethod
    def of(
        cls, study: TrialStudy, phase: Phase, index: int, arm: Arm, member: Flags, person: np.ndarray,
        *, screening: Screening | None = None, period: int = 0, is_rescued: bool = True,
    ) -> ArmRun:  # fmt: skip
        """Return an arm of a period of a phase for people of a trial, each with their own luck."""
        end_h, before_any, seed = float(phase.visits_h[-1]), visit_numbers.of_policy(index, period), study.seed
        reacts = luck(seed, person, index)  # who bears a drug badly does so in every period
        taken = tablets_taken(phase, seed, person)
        rescue = None if phase.rescue is None else RescueWatch(phase.rescue, len(member), is_rescued, taken)
        origin = label_origin(study.population.origin)
        watch = ReactionWatch(as_given(phase, arm), origin, reacts, end_h, rescue=rescue)
        failures = drawn_for(arm, seed, person, index, period)
        away = Attendance(phase, index, arm.name, period, seed, person)
        return cls(arm, member, end_h, before_any, screening, watch, failures, away, rescue, taken, phase.unblinding)

    def read(self, clock: PeriodClock) -> None:
        """Read what has come to whom, and let what its members expect go with that."""
        self.watch.read(clock)
        if self.unblinding is not None:
            expected = np.where(self.watch.felt, self.unblinding.felt, self.unblinding.unfelt)
            clock.expected = np.where(self.member, expected, clock.expected)

    def rescue_at(self, time_h: float, before: Chart, now: Chart) -> None:
        """Give rescue to whoever needs it by the chart of a visit, and came to it."""
        if self.rescue is not None:
            away = None if self.attendance is None else self.attendance.away(time_h, 0)
            came = np.ones(len(self.member), dtype=bool) if away is None else ~away
            self.rescue.decide(time_h, before, now, came)

    def tasks(self) -> list[Task]:
        """Return everything that this arm does, in no particular order; nothing is given after the end of the phase.

        Treatments are taken in an order of their own, so that the order of the file never matters.
        """
        found: list[Task] = []
        for treatment in sorted(self.arm.treatments, key=lambda one: one.model_dump_json()):
            found += self._treatment(treatment)
        if self.arm.gate is not None:
            found += GateWatch(self.arm, self.next_visit, self._close).tasks()
        if self.arm.practice is not None:
            found += self._practice(self.arm.practice)
        if self.rescue is not None:
            found += self.rescue.tasks()
        return [task for task in found if task.order != DOSE or task.time_h <= self.end_h]

    def noted(self, name: str) -> Patients | None:
        """Return what the policy has noted of each person under a name; None if it notes no such thing."""
        return next((one.notes[name] for one in self._steered if name in one.notes), None)

    @property
    def relieved_ug_per_h(self) -> Patients | None:
        """The rate at which each person was relieved, NaN for who was not; None where the policy does not say."""
        return self.noted("relieved")

    @property
    def effective_ug(self) -> Patients | None:
        """The test dose that worked in each person, NaN for who had none; None where the policy does not say."""
        return self.noted("effective")

    def _practice(self, practice: PracticePlan) -> list[Task]:
        """Begin practice at the start of the phase, and stop it where the arm says so."""
        sessions = np.where(self.member, practice.sessions_per_week, 0.0)

        def begin(clock: PeriodClock) -> None:
            clock.note_treatments()
            clock.practice.begin(practice.method, practice.limb, sessions, clock.now_h)

        def stop(clock: PeriodClock) -> None:
            clock.note_treatments()
            clock.practice.stop(clock.now_h)

        found = [Task(0.0, DOSE, begin)]
        return found if practice.stop_h is None else [*found, Task(practice.stop_h, DOSE, stop)]

    def _treatment(self, treatment: Treatment) -> list[Task]:
        """Return what gives a treatment, and the decisions of the policy where it steers this one."""
        n = len(self.member)
        policy = self.arm.titration if treatment in self.arm.steered else None
        first = np.full(n, treatment.first_amount)
        if policy is not None:
            first = policy.first(first, self.screening)
        given = taken_by(given_of(treatment, self.dealt(first, treatment)), self.taken)
        moments = [] if policy is None else policy.moments(treatment, given.last_h(self.end_h), self.end_h)
        if isinstance(given, Pumps):
            self._pumps.append(given)
            given.expects(self.end_h, [one.time_h for one in moments], self.failures)
        steering = None if policy is None else _Steering(self, policy, treatment, given, first)
        if treatment.given_to != EVERYBODY:
            self._gated.append(_Gated(treatment, given, steering))
        if steering is None:
            return given.tasks()
        self._steered.append(steering)
        # Where each dose is one of the policy's own, it gives the first one too.
        own = [] if any(moment.gives for moment in moments) else given.tasks()
        decisions = steering.tasks(moments)
        return [*decisions, *own] if given.after_policy else [*own, *decisions]

    @property
    def pumps(self) -> PumpCourses | None:
        """What the pumps of the arm have done; None without a pump that runs a program."""
        return self._pumps[0].found() if self._pumps else None

    def dealt(self, amount: Patients, treatment: Treatment) -> Patients:
        """Return the amount for members to whom a treatment is given, 0 for others and for a sham."""
        who = self.member & (not self.arm.placebo) & dealt_to(treatment, self.passed, len(self.member))
        return np.where(who, amount, 0.0)

    def _close(self, passed: Flags, screening: Screening) -> None:
        """Deal what the gate decides on, now that it has."""
        self.passed, self.watch.passed, self.screening = passed, passed, screening
        for one in self._gated:
            first = np.full(len(passed), one.treatment.first_amount)
            if one.steering is not None:
                one.steering.first = first = one.steering.policy.first(first, screening)
            one.given.deal(self.dealt(first, one.treatment))

    def next_visit(self) -> int:
        """Return the number of the next visit of a policy, which names its luck."""
        self._visits += 1
        return self.before_any + self._visits

    def signs(
        self, names: tuple[str, ...], clock: PeriodClock, now: Chart, before: Chart | None
    ) -> Mapping[str, Flags]:
        """Return who has each sign: those of the chart now, reported reactions ever since the start."""
        found = {}
        for name in names:
            if name == "loose leg":
                absent = parameters.load("label_dosing").value("absent_reflex", "score")
                found[name] = is_loose(now, "leg", absent)
            elif name == "lost stance":
                assert before is not None
                found[name] = has_lost(before, now, "stance_support")
            else:
                found[name] = self.watch.has_had(name.replace(" ", "_"), clock)
        return found


@dataclass
class _Steering:
    """A policy at work on one treatment of one arm: it keeps the doses and what the policy notes."""

    run: ArmRun
    policy: Policy
    treatment: Treatment
    given: GivenTreatment
    first: Patients
    notes: Mapping[str, np.ndarray] = field(default_factory=dict)
    _amount: Patients | None = None
    _before: Chart | None = None
    _earlier: Mapping[str, Flags] = field(default_factory=dict)

    def tasks(self, moments: list[Moment]) -> list[Task]:
        """Return the decisions, and a look before any dose where a sign compares with it."""
        found = [
            Task(one.time_h, DOSE if one.gives or not one.looks else DECISION, partial(self._decide, one))
            for one in moments
        ]
        asked = (*self.policy.signs, *(rule.sign for rule in self.policy.stop_rules))
        if any(sign in _LOOKS_BACK for sign in asked):
            found.append(Task(0.0, DECISION, self._look_before))
        return found

    def _look_before(self, clock: PeriodClock) -> None:
        self._before = clock.look(self.run.before_any, nonspecific=False).chart

    def _decide(self, moment: Moment, clock: PeriodClock) -> None:
        """Ask the policy, and give what it proposes; whoever misses the visit goes on as before."""
        visit = self.run.next_visit() if moment.looks else 0
        now = clock.look(visit, nonspecific=moment.nonspecific).chart if moment.looks else None
        signs = {} if now is None else self.run.signs(self.policy.signs, clock, now, self._before)
        amount = self.first if self._amount is None else self._amount
        history = History(
            moment,
            float(self.treatment.begins_h),
            amount,
            self.first,
            now,
            self._before,
            signs,
            self._earlier,
            self.run.screening,
            self.notes,
        )
        proposal, away = self.policy.decide(history), self._away(moment, visit)
        self.notes, self._earlier = (
            _but(away, proposal.notes, self.notes),
            _but(away, signs or self._earlier, self._earlier),
        )
        if proposal.amount is not None:
            self._amount = proposal.amount if away is None else np.where(away, amount, proposal.amount)
            self.given.propose(clock, self.run.dealt(self._amount, self.treatment), abrupt=proposal.abrupt)

    def _away(self, moment: Moment, visit: int) -> Flags | None:
        """Return who misses a visit of the policy; None where nobody may, as at test doses and where nobody is seen."""
        if self.run.attendance is None or not moment.looks or self.policy.tests_doses:
            return None
        return self.run.attendance.away(moment.time_h, visit - self.run.before_any)


def _but(
    away: Flags | None, now: Mapping[str, np.ndarray], before: Mapping[str, np.ndarray]
) -> Mapping[str, np.ndarray]:
    """Return what is known now, of who is away what was known before: nothing, where that was nothing."""
    if away is None:
        return now
    nothing = {name: np.full_like(value, np.nan if value.dtype.kind == "f" else 0) for name, value in now.items()}
    return {name: np.where(away, before.get(name, nothing[name]), value) for name, value in now.items()}


@dataclass(frozen=True)
class _Gated:
    """A treatment that waits for the gate of its arm, and the policy that steers it, if any."""

    treatment: Treatment
    given: GivenTreatment
    steering: _Steering | None


def has_fallen(before: Chart, after: Chart, rule: GateRule) -> Flags:
    """Return whose score fell by at least as much as a rule asks for."""
    return score_fall(before, after, rule.scale, rule.limb, rule.over) >= rule.fall - ROUNDING


def tip_of(runs: list[ArmRun]) -> str | None:
    """Return the catheter tip of the arms of a period, if they name one."""
    return min((t.where_tip for run in runs for t in run.arm.treatments if t.where_tip is not None), default=None)


def with_tip(people: People, tip: str | None) -> People:
    """Return the people with a catheter tip at a vertebral level, or as they are."""
    return people if tip is None else replace(people, kinetics=people.kinetics.with_tip(tip))
