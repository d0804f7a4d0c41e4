"""Conduct a trial on one block of people: recruit, treat, chart, gate, drop out. Every arm sees the same people and
the same luck.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from eutonia import _streams, parameters
from eutonia.assessment.scoring import Chart
from eutonia.drug.effect.adverse import Origin
from eutonia.patient import Cohort, is_cord
from eutonia.patient.lesion import KINDS
from eutonia.simulation.course import Course, CourseState, start
from eutonia.simulation.people import People
from eutonia.study.design import TrialStudy
from eutonia.study.parts import Arm, Gate, OralTreatment, Phase
from eutonia.study.titration import LabelTitration
from eutonia.trial.arms import ArmRun, Screening, score_fall, target_score
from eutonia.trial.period import LOOK, VISIT, PeriodClock, Task, run_period
from eutonia.trial.reactions import Reactions, ReactionWatch, luck, read_hours
from eutonia.trial.recruitment import Pool, recruit

Patients = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]

# Luck of visits: phases are this many apart, policies take the upper half.
VISITS_PER_PHASE = 10_000
_HOURS_PER_YEAR, _HOURS_PER_MONTH = 8766.0, 730.5


@dataclass
class VisitRecord:
    """One charted visit of one arm: every score of everybody, and who was there."""

    phase: str
    arm: str
    visit: int
    time_h: float
    scores: dict[str, np.ndarray]
    present: Flags
    rate_ug_per_h: Patients
    tablets_mg_per_day: Patients


@dataclass
class BlockOutcome:
    """What one block of people went through."""

    person: Int[np.ndarray, " patient"]
    member: Int[np.ndarray, " patient"]
    visits: list[VisitRecord] = field(default_factory=list)
    entered: dict[str, Flags] = field(default_factory=dict)
    passed: dict[str, Flags] = field(default_factory=dict)
    assigned: dict[str, Int[np.ndarray, " patient"]] = field(default_factory=dict)
    left: dict[str, Flags] = field(default_factory=dict)
    relieved_ug_per_h: dict[tuple[str, str], Patients] = field(default_factory=dict)
    features: dict[str, Patients] = field(default_factory=dict)
    known: dict[str, np.ndarray] = field(default_factory=dict)
    left_h: dict[str, Patients] = field(default_factory=dict)
    reactions: dict[tuple[str, str], Reactions] = field(default_factory=dict)

    def head(self, n: int) -> BlockOutcome:
        """Return the first `n` people (the others only filled the block)."""

        def cut(value: Any) -> Any:
            if isinstance(value, np.ndarray):
                return value[..., :n]
            if isinstance(value, dict):
                return {key: cut(item) for key, item in value.items()}
            if isinstance(value, VisitRecord | Reactions):
                return type(value)(**{f.name: cut(getattr(value, f.name)) for f in fields(value)})
            if isinstance(value, list):
                return [cut(item) for item in value]
            return value

        return BlockOutcome(**{f.name: cut(getattr(self, f.name)) for f in fields(self)})


@dataclass
class _Conductor:
    study: TrialStudy
    seed: int
    people: People
    outcome: BlockOutcome
    nonspecific: Patients
    screening: Screening | None = None

    @property
    def person(self) -> np.ndarray:
        return self.outcome.person

    def run(self) -> BlockOutcome:
        for index, phase in enumerate(self.study.phases):
            entered = np.ones(len(self.person), dtype=bool)
            if phase.follows is not None:
                stayed = self.outcome.entered[phase.follows] & ~self.outcome.left[phase.follows]
                entered = self.outcome.passed[phase.follows] & stayed
            self.outcome.entered[phase.name] = entered
            leaves_h = self._dropout(phase, index)
            self.outcome.left_h[phase.name] = leaves_h
            self.outcome.left[phase.name] = leaves_h <= length_of(phase)
            self._phase(phase, index, entered, leaves_h)
            self.outcome.passed[phase.name] = self._gate(phase)
        return self.outcome

    def _luck(self, purpose: _streams.Purpose, index: int) -> Patients:
        key = _streams.keys(self.seed, purpose, jnp.asarray(self.person), index)
        return np.asarray(_streams.uniform(key, 1)[0])

    def _dropout(self, phase: Phase, index: int) -> Patients:
        """Return the hour at which each person leaves the phase (infinite for those who never do)."""
        if not phase.dropout:
            return np.full(len(self.person), np.inf)
        oral = any(treatment.route == "oral" for arm in phase.arms for treatment in arm.treatments)
        rate = parameters.load("trial").value("oral_dropout_rate" if oral else "dropout_rate_background")
        return -np.log1p(-self._luck(_streams.Purpose.DROPOUT, index)) / rate * _HOURS_PER_YEAR

    def _phase(self, phase: Phase, index: int, entered: Flags, leaves_h: Patients) -> None:
        luck = self._luck(_streams.Purpose.ALLOCATION, index)
        if phase.design == "crossover":
            order = np.minimum((luck * len(phase.arms)).astype(int), len(phase.arms) - 1)
            self.outcome.assigned[phase.name] = order
            state = start(self.people)
            for period in range(len(phase.arms)):
                receives = (order + period) % len(phase.arms)
                runs = [self._arm_run(phase, index, arm, receives == k) for k, arm in enumerate(phase.arms)]
                state = self._period(phase, index, runs, state, entered, leaves_h - period * period_of(phase))
            return
        shares = np.cumsum([arm.allocation for arm in phase.arms], dtype=float)
        self.outcome.assigned[phase.name] = np.searchsorted(shares / shares[-1], luck, side="right")
        for arm in phase.arms:
            everybody = np.ones(len(self.person), dtype=bool)
            self._period(
                phase, index, [self._arm_run(phase, index, arm, everybody)], start(self.people), entered, leaves_h
            )

    def _arm_run(self, phase: Phase, index: int, arm: Arm, member: Flags) -> ArmRun:
        watch = ReactionWatch(arm, origin_of(self.study), luck(self.seed, self.person, index))
        return ArmRun(arm, member, float(phase.visits_h[-1]), index * VISITS_PER_PHASE, self.screening, watch)

    def _period(
        self, phase: Phase, index: int, runs: list[ArmRun], state: CourseState, entered: Flags, leaves_h: Patients
    ) -> CourseState:
        course = Course(with_tip(self.people, runs))
        clock = PeriodClock(course, state, self.seed, self.study.assessment.rater == "noiseless", self.nonspecific)
        charts: dict[int, Chart] = {}
        tasks = [task for run in runs for task in run.tasks()]
        for k, time_h in enumerate(phase.visits_h):

            def visit_now(now: PeriodClock, k: int = k) -> None:
                self._visit(now, phase, index, k, runs, entered, leaves_h, charts)

            tasks.append(Task(time_h, VISIT, visit_now))
        watch = self._watch(phase)
        late: dict[str, Chart] = {}
        if watch is not None and watch > 0:
            visit = index * VISITS_PER_PHASE + VISITS_PER_PHASE // 2 - 1
            tasks.append(Task(watch, VISIT, lambda c: late.update(chart=c.look(visit, nonspecific=False).chart)))
        hours = read_hours(float(phase.visits_h[-1])) if "adverse" in self.study.assessment.scales else []
        tasks += [Task(0.0, VISIT, run.watch.read) for run in runs]
        tasks += [Task(hour, LOOK, run.watch.read) for hour in hours for run in runs]
        run_period(clock, tasks)
        self._react(phase, runs, leaves_h)
        self._learn(phase, runs, charts, late)
        for run in runs:
            if run.relieved_ug_per_h is not None:
                self.outcome.relieved_ug_per_h[phase.name, run.arm.name] = run.relieved_ug_per_h
        if phase.design == "crossover" and phase.washout_h:
            clock.stop_all()
            clock.advance_to(clock.now_h + phase.washout_h)
        return clock.state

    def _visit(
        self,
        clock: PeriodClock,
        phase: Phase,
        index: int,
        k: int,
        runs: list[ArmRun],
        entered: Flags,
        leaves_h: Patients,
        charts: dict[int, Chart],
    ) -> None:
        """Chart everybody, and file the visit under the arm of each person."""
        shift = phase.nonspecific and phase.visits_h[k] > 0
        finding = clock.look(index * VISITS_PER_PHASE + k, nonspecific=shift)
        charts[k] = finding.chart
        scores = {name: np.asarray(value) for name, value in vars(finding.chart).items()}
        for run in runs:
            present = entered & run.member & (leaves_h > phase.visits_h[k])
            self.outcome.visits.append(
                VisitRecord(
                    phase=phase.name,
                    arm=run.arm.name,
                    visit=k,
                    time_h=float(phase.visits_h[k]),
                    scores=scores,
                    present=present,
                    rate_ug_per_h=clock.rate,
                    tablets_mg_per_day=clock.tablets_mg_per_day,
                )
            )

    def _react(self, phase: Phase, runs: list[ArmRun], leaves_h: Patients) -> None:
        """File what came to the people of each arm; in a crossover each of them was in it for one period."""
        if "adverse" not in self.study.assessment.scales:
            return
        for run in runs:
            key, found = (phase.name, run.arm.name), run.watch.found(leaves_h)
            old = self.outcome.reactions.get(key)
            self.outcome.reactions[key] = found if old is None else found.of(run.member, old)

    # --- what a phase teaches the next one ---

    def _follower(self, phase: Phase) -> LabelTitration | None:
        """Return the label titration of a later phase that starts from this one's test bolus."""
        for later in self.study.phases:
            for arm in later.arms:
                if later.follows == phase.name and isinstance(arm.titration, LabelTitration):
                    return arm.titration
        return None

    def _watch(self, phase: Phase) -> float | None:
        """Return the hour at which the label asks whether a test bolus still works, when a pump phase follows."""
        if self._follower(phase) is None:
            return None
        return parameters.load("label_dosing").value("prolonged_effect")

    def _learn(self, phase: Phase, runs: list[ArmRun], charts: dict[int, Chart], late: dict[str, Chart]) -> None:
        titration = self._follower(phase)
        if titration is None:
            return
        n = len(self.person)
        if self.screening is None:
            self.screening = Screening(np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=bool))
        for run in runs:
            doses = [t.dose_ug for t in run.arm.treatments if t.route == "intrathecal bolus"]
            if run.arm.placebo or not doses:
                continue
            mine = run.member
            effective = run.effective_ug if run.effective_ug is not None else np.full(n, doses[0])
            after = [target_score(charts[k], titration.target) for k in charts if phase.visits_h[k] > 0]
            best = np.min(after, axis=0)
            lasted = (
                self._rules_met(phase, charts[0], late["chart"]) if late and phase.gate else np.zeros(n, dtype=bool)
            )
            self.screening.effective_ug[mine] = effective[mine]
            self.screening.best_score[mine] = best[mine]
            self.screening.lasted[mine] = lasted[mine]

    def _rules_met(self, phase: Phase, before: Chart, after: Chart) -> Flags:
        assert phase.gate is not None
        met = [score_fall(before, after, r.scale, r.limb, r.over) >= r.fall for r in phase.gate.rules]
        return np.all(met, axis=0) if phase.gate.need == "all" else np.any(met, axis=0)

    def _gate(self, phase: Phase) -> Flags:
        """Return who may go on: everybody without a gate, else those whose scores fell enough in the named arm."""
        gate = phase.gate
        if gate is None:
            return np.ones(len(self.person), dtype=bool)
        met = [self._rule_met(phase, gate, i) for i in range(len(gate.rules))]
        return np.all(met, axis=0) if gate.need == "all" else np.any(met, axis=0)

    def _rule_met(self, phase: Phase, gate: Gate, i: int) -> Flags:
        rule = gate.rules[i]
        met = np.zeros(len(self.person), dtype=bool)
        mine = [v for v in self.outcome.visits if v.phase == phase.name and v.arm == rule.arm]
        baseline: VisitRecord | None = None
        for visit in mine:
            if visit.visit == 0:
                baseline = visit
                continue
            if baseline is None or (rule.visit_h is not None and visit.time_h != rule.visit_h):
                continue
            before, after = chart_of(baseline), chart_of(visit)
            met |= (score_fall(before, after, rule.scale, rule.limb, rule.over) >= rule.fall) & visit.present
        return met


def period_of(phase: Phase) -> float:
    """Return the hours from the start of one period of a phase to the start of the next."""
    return float(phase.visits_h[-1]) + float(phase.washout_h or 0.0)


def length_of(phase: Phase) -> float:
    """Return the hours from the first visit of a phase to the last, over all periods of a crossover."""
    periods = len(phase.arms) if phase.design == "crossover" else 1
    return (periods - 1) * period_of(phase) + float(phase.visits_h[-1])


def known_of(cohort: Cohort) -> dict[str, np.ndarray]:
    """Return what is known of each person before the trial, by column."""
    lesions = cohort.lesions
    return {
        "age_year": cohort.age_year,
        "sex": np.where(cohort.is_woman, "woman", "man"),
        "weight_kg": cohort.weight_kg,
        "creatinine_clearance_ml_per_min": cohort.creatinine_clearance_mL_min,
        "months_since_onset": cohort.time_since_onset_h / _HOURS_PER_MONTH,
        "side": np.where(cohort.is_right_affected, "right", "left"),
        "lesion": np.array(KINDS)[lesions.kind],
        "lesion_place": lesions.place_names(),
        "lesion_volume_ml": lesions.volume_mL,
    }


def origin_of(study: TrialStudy) -> Origin:
    """Return which rows of the label's tables a trial's people belong to."""
    return "spinal" if is_cord(study.population.origin) else "cerebral"


def chart_of(record: VisitRecord) -> Chart:
    """Return the chart of a filed visit."""
    return Chart(**{name: jnp.asarray(score) for name, score in record.scores.items()})


def conduct(study: TrialStudy, seed: int, pool: Pool, person: Int[np.ndarray, " patient"]) -> BlockOutcome:
    """Run a whole trial on the people `person` (numbers over all replicates), block by block or all at once."""
    people, member = recruit(pool, seed, person)
    replicate = person // study.population.n
    change = parameters.load("trial")["nonspecific_change_mean"]
    luck = _streams.normal(_streams.keys(seed, _streams.Purpose.STUDY, jnp.asarray(replicate)), 1)[0]
    known = known_of(pool.cohort.take(member))
    outcome = BlockOutcome(person=person, member=member, features=_features(people), known=known)
    return _Conductor(study, seed, people, outcome, np.asarray(change.value + (change.spread.sd or 0.0) * luck)).run()


def with_tip(people: People, runs: list[ArmRun]) -> People:
    """Return the people with the catheter tip of the arms of a period."""
    tips = {t.tip for run in runs for t in run.arm.treatments if not isinstance(t, OralTreatment) and t.tip is not None}
    if not tips:
        return people
    return replace(people, kinetics=people.kinetics.with_tip(sorted(tips)[0]))


def _features(people: People) -> dict[str, Patients]:
    """Return what is known of a person before treatment and may tell responders from others."""
    return {
        "bias_leg": np.asarray(people.bias[0]),
        "bias_arm": np.asarray(people.bias[1]),
        "strength_leg": np.asarray(people.strength[0]),
        "contracture_leg": np.asarray(people.traits.contracture[0]),
        "ec50": np.asarray(people.receptor.ec50),
    }
