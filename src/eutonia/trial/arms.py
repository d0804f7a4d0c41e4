"""From the arms of a study file to tasks on the clock: what is given (`given.py`) and the policies that move it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from eutonia import parameters
from eutonia.assessment.scales import SCALES
from eutonia.assessment.scoring import Chart, charted_muscles
from eutonia.drug import policy
from eutonia.patient import LIMBS
from eutonia.study.parts import Arm, BolusTreatment, GateRule, InfusionTreatment, OralTreatment, Practice
from eutonia.study.titration import (
    LabelTitration,
    LadderTitration,
    OralTitration,
    ReliefTitration,
    Response,
    StopTitration,
    Target,
)
from eutonia.trial.charting import ROUNDING, of_limb
from eutonia.trial.given import Flow, Schedule
from eutonia.trial.period import DECISION, DOSE, Finding, PeriodClock, Task
from eutonia.trial.reactions import ReactionWatch

Patients = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]

# Visits of a policy draw their own luck, apart from the charted visits of the phase.
_POLICY_VISITS = 5000


@dataclass
class Screening:
    """What the test bolus taught about each person: effective dose in ug, best score after it, whether it lasted
    over 8 h.
    """

    effective_ug: Patients
    best_score: Patients
    lasted: Flags


@dataclass
class ArmRun:
    """One arm in one period: who is in it (`member`), when its drug is given, and what its policy decided."""

    arm: Arm
    member: Flags
    end_h: float
    first_visit: int
    screening: Screening | None
    watch: ReactionWatch
    relieved_ug_per_h: Patients | None = None
    effective_ug: Patients | None = None
    _visits: int = 0

    def tasks(self) -> list[Task]:
        """Return everything that this arm does, in no particular order; nothing is given after the end of the phase.

        Treatments are taken in an order of their own, so that the order of the file never matters.
        """
        found: list[Task] = []
        for treatment in sorted(self.arm.treatments, key=lambda one: one.model_dump_json()):
            if isinstance(treatment, BolusTreatment):
                found += self._bolus(treatment)
            elif isinstance(treatment, InfusionTreatment):
                found += self._infusion(treatment)
            else:
                found += self._tablets(treatment)
        if self.arm.practice is not None:
            found += self._practice(self.arm.practice)
        return [task for task in found if task.order != DOSE or task.time_h <= self.end_h]

    def _practice(self, practice: Practice) -> list[Task]:
        """Begin practice at the start of the phase, and stop it where the arm says so."""
        sessions = np.where(self.member, practice.sessions_per_week, 0.0)

        def begin(clock: PeriodClock) -> None:
            clock.practice.begin(practice.method, practice.limb, sessions, clock.now_h)

        def stop(clock: PeriodClock) -> None:
            clock.practice.stop(clock.now_h)

        found = [Task(0.0, DOSE, begin)]
        return found if practice.stop_h is None else [*found, Task(practice.stop_h, DOSE, stop)]

    def _given(self, amount: float | Patients) -> Patients:
        """Return the amount for members, 0 for others and for a sham."""
        return np.where(self.member & (not self.arm.placebo), amount, 0.0)

    def _next_visit(self) -> int:
        self._visits += 1
        return self.first_visit + _POLICY_VISITS + self._visits

    # --- boluses ---

    def _bolus(self, treatment: BolusTreatment) -> list[Task]:
        if isinstance(self.arm.titration, LadderTitration):
            return self._ladder(treatment, self.arm.titration)
        amount = self._given(treatment.dose_ug)
        return [Task(treatment.at_h, DOSE, lambda clock: clock.bolus(amount, treatment.access))]

    def _ladder(self, treatment: BolusTreatment, ladder: LadderTitration) -> list[Task]:
        """Give rising test doses on successive days to those who have not responded."""
        n = len(self.member)
        done = np.zeros(n, dtype=bool)
        effective = np.full(n, np.nan)
        self.effective_ug = effective
        before: dict[str, Chart] = {}
        watch = parameters.load("label_dosing").values(screening_observation_first="h", screening_observation_last="h")
        found = []
        for k, dose in enumerate(ladder.doses_ug):
            at = treatment.at_h + k * ladder.every_h
            if at > self.end_h:
                break

            def inject(clock: PeriodClock, dose: float = dose) -> None:
                before["chart"] = clock.look(self._next_visit(), nonspecific=False).chart
                clock.bolus(self._given(dose) * ~done, treatment.access)

            def judge(clock: PeriodClock, dose: float = dose, at: float = at) -> None:
                after = clock.look(self._next_visit(), nonspecific=False).chart
                rule = ladder.response
                fell = has_fallen(before["chart"], after, rule)
                new = fell & ~done & self.member
                effective[new] = dose
                done[new] = True

            found.append(Task(at, DOSE, inject))
            found += [Task(at + hours, DECISION, judge) for hours in watch]
        return found

    # --- pump ---

    def _infusion(self, treatment: InfusionTreatment) -> list[Task]:
        flow = Flow(treatment.start_h, treatment.stop_h, self._given(treatment.rate_ug_per_h or 0.0))
        return [*flow.tasks(), *self._policy(flow)]

    def _policy(self, flow: Flow) -> list[Task]:
        """Return the decisions of the arm's policy on one infusion."""
        titration = self.arm.titration
        if isinstance(titration, LabelTitration):
            return self._label(flow, titration)
        if isinstance(titration, ReliefTitration):
            return self._relief(flow, titration)
        return self._taper(titration, flow) if isinstance(titration, StopTitration) else []

    def _label(self, flow: Flow, titration: LabelTitration) -> list[Task]:
        limits = policy.pump_limits(titration.max_ug_per_h)
        daily_end = flow.start_h + (titration.daily_until_h or 0.0)
        early, later = policy.daily_step(titration.origin), policy.visit_step(titration.origin)
        state = {"rate": np.clip(self._first_rate(titration), limits.lowest, limits.highest)}
        flow.amount = self._given(state["rate"])

        def decide(clock: PeriodClock) -> None:
            finding = clock.look(self._next_visit(), nonspecific=True)
            score = target_score(finding.chart, titration.target)
            step = early if clock.now_h <= daily_end else later
            target = self._target(titration.target)
            limiting = dose_limiting(finding)
            state["rate"] = policy.titrate(state["rate"], score, target, limiting, step, limits)
            flow.propose(clock, self._given(state["rate"]))

        return [Task(at, DECISION, decide) for at in self._decision_times(flow, daily_end, titration)]

    def _first_rate(self, titration: LabelTitration) -> Patients:
        n = len(self.member)
        if titration.start != "twice screening":
            return np.full(n, float(titration.start))
        if self.screening is None:
            first = parameters.load("label_dosing")["screening_ladder"].array()[0]
            return policy.first_pump_rate(np.full(n, first), np.zeros(n, dtype=bool))
        # Whoever had no test dose that worked does not enter.
        return policy.first_pump_rate(np.nan_to_num(self.screening.effective_ug), self.screening.lasted)

    def _target(self, target: Target) -> Patients:
        at_most = np.full(len(self.member), float(target.at_most))
        if target.below_screening is None or self.screening is None:
            return at_most
        return np.fmax(at_most, self.screening.best_score - target.below_screening + ROUNDING)

    def _decision_times(self, flow: Flow, daily_end: float, titration: LabelTitration) -> list[float]:
        times: list[float] = []
        begin = at = flow.start_h
        while True:
            if at < daily_end:
                step = 24.0
            elif titration.later_after_h is None or at - begin < titration.later_after_h:
                step = titration.every_h
            else:
                step = titration.later_every_h or titration.every_h
            at += step
            if at > flow.last_h(self.end_h):
                return times
            times.append(at)

    def _relief(self, flow: Flow, titration: ReliefTitration) -> list[Task]:
        n = len(self.member)
        state = {"rate": np.full(n, float(titration.start_ug_per_h))}
        flow.amount = self._given(state["rate"])
        relieved_at = np.full(n, np.nan)
        self.relieved_ug_per_h = relieved_at

        def decide(clock: PeriodClock) -> None:
            score = target_score(clock.look(self._next_visit(), nonspecific=False).chart, titration.target)
            relieved = (score <= titration.target.at_most) & np.isnan(relieved_at)
            relieved_at[relieved] = state["rate"][relieved]
            climbing = policy.relieve(
                state["rate"],
                score,
                np.full(n, titration.target.at_most),
                titration.step_ug_per_h,
                titration.max_ug_per_h,
            )
            state["rate"] = np.where(np.isnan(relieved_at), climbing, state["rate"])
            flow.propose(clock, self._given(state["rate"]))

        return [Task(at, DECISION, decide) for at in flow.every(titration.every_h, self.end_h)]

    # --- tablets ---

    def _tablets(self, treatment: OralTreatment) -> list[Task]:
        titration = self.arm.titration
        schedule = Schedule(treatment.start_h, treatment.stop_h, self._given(treatment.dose_mg), treatment.every_h)
        found = schedule.tasks()
        if isinstance(titration, OralTitration):
            found += self._oral_steps(schedule, titration)
        if isinstance(titration, StopTitration):
            found += self._taper(titration, schedule)
        return found

    def _oral_steps(self, schedule: Schedule, titration: OralTitration) -> list[Task]:
        """Raise the dose step by step; who reports drowsiness goes back a step and stays there."""
        first, went_back = schedule.amount, np.zeros(len(self.member), dtype=bool)

        def decide(clock: PeriodClock) -> None:
            finding = clock.look(self._next_visit(), nonspecific=True)
            wants = np.ones(len(self.member), dtype=bool)
            if titration.target is not None:
                wants = target_score(finding.chart, titration.target) > titration.target.at_most
            dose = schedule.amount
            drowsy = self.watch.has_had("drowsiness", clock)
            up = wants & ~dose_limiting(finding) & ~drowsy & (dose > 0)
            raised = np.where(up, np.minimum(dose + titration.step_mg, titration.max_mg), dose)
            lowered = np.maximum(dose - titration.step_mg, np.minimum(first, dose))
            schedule.propose(clock, np.where(drowsy & ~went_back, lowered, raised))
            went_back[drowsy] = True

        return [Task(at, DECISION, decide) for at in schedule.every(titration.every_h, self.end_h)]

    def _taper(self, titration: StopTitration, given: Flow | Schedule) -> list[Task]:
        """Take a treatment away at once, or in equal steps."""
        steps = int(parameters.load("label_dosing").value("taper_steps", "1")) if titration.over_h > 0 else 1
        whole, found = given.amount, []
        for k in range(steps):

            def lower(clock: PeriodClock, share: float = 1.0 - (k + 1) / steps) -> None:
                given.propose(clock, whole * share, abrupt=not titration.over_h > 0)

            found.append(Task(titration.at_h + titration.over_h * k / steps, DOSE, lower))
        return found


def target_score(chart: Chart, target: Target) -> Patients:
    """Return the score that a policy looks at: one limb's, or the mean of leg and arm."""
    score = np.asarray(chart[target.scale])
    return score.mean(axis=0) if target.limb == "leg and arm" else of_limb(score, target.limb)


def has_fallen(before: Chart, after: Chart, rule: Response | GateRule) -> Flags:
    """Return whose score fell by at least as much as a rule asks for."""
    return score_fall(before, after, rule.scale, rule.limb, rule.over) >= rule.fall - ROUNDING


def score_fall(before: Chart, after: Chart, scale: str, limb: str | None, over: str) -> Patients:
    """Return by how much a score fell; over "spastic muscles" only groups that scored 3 or more (2 modified) count."""
    if over == "spastic muscles":
        old, new = (np.asarray(c[f"{scale}_muscle"]) for c in (before, after))
        counted = np.array([limb in (None, of) for _, of in charted_muscles()])[:, None]
        spastic = (old >= SCALES[scale].spastic) & counted
        count = spastic.sum(axis=0)
        return np.where(count > 0, ((old - new) * spastic).sum(axis=0) / np.maximum(count, 1), 0.0)
    old, new = (np.asarray(c[scale]) for c in (before, after))
    return of_limb(old - new, limb)


def dose_limiting(finding: Finding) -> Flags:
    """Return who shows hypotonia of the leg, the sign that makes a policy step down."""
    limit = parameters.load("label_dosing").value("hypotonia_latent", "grade")
    return np.asarray(finding.exam.bias[LIMBS.index("leg")]) < limit
