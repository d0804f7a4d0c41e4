"""Conduct a trial on one block of people: recruit, treat, chart, gate, drop out. Every arm sees the same people and
the same luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from eutonia import _streams, parameters
from eutonia.assessment.scoring import Chart
from eutonia.drug.effect.adverse import Origin
from eutonia.patient import label_origin
from eutonia.simulation.course import Course, CourseState, start
from eutonia.simulation.lesion_course import LesionCourse
from eutonia.simulation.people import People
from eutonia.study.analysis_checks import without_rescue
from eutonia.study.design import TrialStudy
from eutonia.study.parts import Arm, Gate, Phase
from eutonia.study.policies import Policy, Screening
from eutonia.study.sides import OTHER_SIDE
from eutonia.trial import visit_numbers
from eutonia.trial.allocation import orders
from eutonia.trial.arms import ArmRun, has_fallen, tip_of, with_tip
from eutonia.trial.block_outcome import BlockOutcome, VisitRecord, chart_of
from eutonia.trial.doses import DoseLog
from eutonia.trial.leaving import Leaving, at_a_rate, leave_after, missed
from eutonia.trial.period import LOOK, VISIT, PeriodClock, Task, run_period
from eutonia.trial.reactions import read_hours, read_until
from eutonia.trial.recruitment import Recruits, features_of
from eutonia.trial.roll import Before

Patients = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]


@dataclass
class Block:
    """A block of people on their way through one phase of a trial."""

    study: TrialStudy
    seed: int
    people: People
    outcome: BlockOutcome
    nonspecific: Patients
    lesions: LesionCourse
    screening: Screening | None = None
    since_entry_h: float = 0.0
    _courses: dict[str | None, Course] = field(default_factory=dict)

    @property
    def person(self) -> np.ndarray:
        """Who they are, over all replicates."""
        return self.outcome.person

    def play(self, phase: Phase, index: int, entered: Flags, assigned: Int[np.ndarray, " patient"]) -> None:
        """Take everybody through a phase; `assigned` is the number of the arm, or of the first one in a crossover.

        Whoever has a score that is no number did not take part: what was computed of them is told, and never counted.
        """
        found, name = self.outcome, phase.name
        found.entered[name], found.assigned[name] = entered, assigned
        leaves = [at_a_rate(phase, index, arm, self.seed, self.person) for arm in phase.arms]
        self._phase(phase, index, entered, leaves)
        mine = np.maximum(assigned, 0) if phase.design == "parallel" else np.zeros_like(assigned)
        each = np.arange(len(mine))
        found.left_h[name] = np.stack([one.hour for one in leaves])[mine, each]
        found.left_why[name] = np.stack([one.why for one in leaves])[mine, each]
        found.left[name] = found.left_h[name] <= length_of(phase)
        found.exclude(name)
        found.passed[name] = self._gate(phase) & self._has_a_test_dose(phase) & ~found.failed[name]
        found.screening = self.screening

    def _phase(self, phase: Phase, index: int, entered: Flags, leaves: list[Leaving]) -> None:
        if phase.design == "crossover":
            state, n = start(self.people), len(phase.arms)
            first = orders(phase, index, self.seed, self.person, self.outcome.assigned[phase.name])
            for period in range(n * phase.rounds):
                pair, later = divmod(period, n)
                receives = (first[pair] + later) % n
                runs = [self._arm_run(phase, index, arm, receives == k, period) for k, arm in enumerate(phase.arms)]
                state = self._period(phase, index, runs, state, entered, leaves[0], period)
            return
        everybody = np.ones(len(self.person), dtype=bool)
        for arm, mine in zip(phase.arms, leaves, strict=True):
            run = self._arm_run(phase, index, arm, everybody)
            self._period(phase, index, [run], start(self.people), entered, mine)
            if names := without_rescue(self.study, phase):
                self._play_without_rescue(phase, index, arm, names)

    def _arm_run(
        self, phase: Phase, index: int, arm: Arm, member: Flags, period: int = 0, *, is_rescued: bool = True
    ) -> ArmRun:
        at = (self.study, phase, index, arm, member, self.person)
        return ArmRun.of(*at, screening=self.screening, period=period, is_rescued=is_rescued)

    def _play_without_rescue(self, phase: Phase, index: int, arm: Arm, names: Sequence[str]) -> None:
        """File beside the scores of an arm those that the same people would have had without rescue."""
        run = self._arm_run(phase, index, arm, np.ones(len(self.person), dtype=bool), is_rescued=False)
        charts: list[Chart] = []
        visits = [
            Task(time_h, VISIT, lambda now, k=k: charts.append(charted(now, phase, index, k)))  # type: ignore[misc]
            for k, time_h in enumerate(phase.visits_h)
        ]
        self._played(phase, [run], start(self.people), visits)
        for record, chart in zip(self.outcome.visits[-len(visits) :], charts, strict=True):
            record.without_rescue = {name: np.asarray(chart[name]) for name in names}

    def _played(
        self, phase: Phase, runs: list[ArmRun], state: CourseState, looks: list[Task], before_h: float = 0.0
    ) -> PeriodClock:
        """Let a period happen, so many hours after the phase began; `looks` are its visits and what else is seen."""
        clock = PeriodClock(
            self._course(runs),
            state,
            self.seed,
            self.study.assessment.rater == "noiseless",
            self.nonspecific,
            lesions=self.lesions,
            since_entry_h=self.since_entry_h + before_h,
        )
        # What people expect at a visit goes with what they have felt by then.
        asked = phase.visits_h if phase.unblinding is not None else ()
        reads = [Task(hour, VISIT, run.read) for hour in asked for run in runs]
        tasks = [*(task for run in runs for task in run.tasks()), *reads, *looks]
        clock.begin_at(begin_of(tasks))
        hours = read_hours(float(phase.visits_h[-1])) if "adverse" in self.study.assessment.scales else []
        tasks += [Task(0.0, VISIT, run.read) for run in runs]
        tasks += [Task(hour, LOOK, run.read) for hour in hours for run in runs]
        run_period(clock, tasks)
        return clock

    def _course(self, runs: list[ArmRun]) -> Course:
        """Return the slow clock of the people with the catheter tip of the arms of a period."""
        tip = tip_of(runs)
        if tip not in self._courses:
            self._courses[tip] = Course(with_tip(self.people, tip))
        return self._courses[tip]

    def _period(
        self,
        phase: Phase,
        index: int,
        runs: list[ArmRun],
        state: CourseState,
        entered: Flags,
        leaves: Leaving,
        period: int = 0,
    ) -> CourseState:
        """Take everybody through one period of the phase, by its number."""
        before_h = period * period_of(phase)
        leaves_h = leaves.hour - before_h
        charts: dict[int, Chart] = {}
        looks: list[Task] = []
        for k, time_h in enumerate(phase.visits_h):

            def visit_now(now: PeriodClock, k: int = k) -> None:
                self._visit(now, phase, index, k, runs, entered, leaves_h, charts, period)

            looks.append(Task(time_h, VISIT, visit_now))
        watch = self._watch(phase)
        late: dict[str, Chart] = {}
        if watch is not None and watch > 0:
            visit = visit_numbers.last_charted(index)
            looks.append(Task(watch, VISIT, lambda c: late.update(chart=c.look(visit, nonspecific=False).chart)))
        clock = self._played(phase, runs, state, looks, before_h)
        if phase.leaving:
            leaves_h = self._leave(phase, index, runs[0], leaves)
        for run in runs:
            self._file(phase, run, clock.doses, period)
        self._react(phase, runs, leaves_h, period)
        self._learn(phase, runs, charts, late)
        if phase.design == "crossover" and phase.washout_h:
            clock.stop_all()
            watches = [run.watch for run in runs] if "adverse" in self.study.assessment.scales else []
            read_until(clock, watches, clock.now_h + phase.washout_h)
        self._react(phase, runs, leaves_h, period)
        return clock.settle()

    def _leave(self, phase: Phase, index: int, run: ArmRun, leaves: Leaving) -> Patients:
        """Let people leave an arm by the rules of the phase; return when each of them leaves it."""
        came, visits = run.watch.found(np.full_like(leaves.hour, np.inf)), self.outcome.visits[-len(phase.visits_h) :]
        rescued = None if run.rescue is None else run.rescue.at
        leave_after(leaves, phase, index, came, visits, self.seed, self.person, rescued)
        return leaves.hour

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
        period: int,
    ) -> None:
        """Chart everybody, and file the visit under the arm of each person."""
        charts[k] = charted(clock, phase, index, k, period)
        scores = {name: np.asarray(value) for name, value in charts[k].scores.items()}
        for run in runs:
            run.rescue_at(phase.visits_h[k], charts[0], charts[k])
            present = entered & run.member & (leaves_h > phase.visits_h[k])
            self.outcome.visits.append(
                VisitRecord(
                    phase=phase.name,
                    arm=run.arm.name,
                    visit=period // len(phase.arms) * len(phase.visits_h) + k,
                    time_h=pair_begins(phase, period) + float(phase.visits_h[k]),
                    scores=scores,
                    present=present,
                    rate_ug_per_h=clock.dose,
                    tablets_mg_per_day=clock.tablets_mg_per_day,
                    member=run.member,
                )
            )

    def _file(self, phase: Phase, run: ArmRun, doses: DoseLog, period: int) -> None:
        """File what the people of an arm were given in a period, and how pumps and test doses did."""
        key, found = (phase.name, run.arm.name), self.outcome
        log = found.doses.get(key, DoseLog.empty(len(self.person)))
        if phase.pairs is None:
            found.doses[key] = log.replaced(doses, run.member)
        else:
            found.doses[key] = log.followed(pair_begins(phase, period), run.end_h, doses, run.member)
        if run.passed is not None:
            found.tested[key] = run.passed
        if run.rescue is not None:
            found.rescued[key] = run.rescue.at
        if (pumps := run.pumps) is not None:
            earlier = found.pumps.get(key)
            found.pumps[key] = pumps if earlier is None else pumps.of(run.member, earlier)
        if (now := run.relieved_ug_per_h) is not None:
            before = found.relieved_ug_per_h.get(key, now)
            found.relieved_ug_per_h[key] = np.where(run.member, now, before)

    def _react(self, phase: Phase, runs: list[ArmRun], leaves_h: Patients, period: int) -> None:
        """File what came to the people of each arm; in a crossover each of them was in it for one period of a pair."""
        if "adverse" not in self.study.assessment.scales:
            return
        for run in runs:
            key, found = (phase.name, run.arm.name), run.watch.found(leaves_h).later(pair_begins(phase, period))
            old = self.outcome.reactions.get(key)
            if period >= len(phase.arms) and old is not None:  # the first of its kind, whichever pair it came in
                self.outcome.reactions[key] = found.of(run.member & np.isnan(old.time_h), old)
                continue
            self.outcome.reactions[key] = found if old is None else found.of(run.member, old)

    # --- what a phase teaches the next one ---

    def _has_a_test_dose(self, phase: Phase) -> Flags:
        """Return for whom a test dose worked, where a later phase starts from it: twice an unknown dose is no dose."""
        found, titration = np.ones(len(self.person), dtype=bool), self._follower(phase)
        if titration is not None and titration.begins_with == "twice screening" and self.screening is not None:
            found = ~np.isnan(self.screening.effective_ug)
        return found

    def _follower(self, phase: Phase) -> Policy | None:
        """Return the policy of a later phase that learns from this one's test bolus."""
        for later in self.study.phases:
            for arm in later.arms:
                if later.follows == phase.name and arm.titration is not None and arm.titration.learns_from_screening:
                    return arm.titration
        return None

    def _watch(self, phase: Phase) -> float | None:
        """Return the hour at which the label asks whether a test bolus still works, when a pump phase follows."""
        if self._follower(phase) is None:
            return None
        return parameters.load("label_dosing").value("prolonged_effect", "h")

    def _learn(self, phase: Phase, runs: list[ArmRun], charts: dict[int, Chart], late: dict[str, Chart]) -> None:
        titration = self._follower(phase)
        if titration is None:
            return
        n = len(self.person)
        if self.screening is None:
            self.screening = Screening(np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=bool))
        for run in runs:
            doses = [float(one.amount) for one in run.arm.test_doses if one.amount is not None]
            if run.arm.placebo or not doses:
                continue
            mine = run.member & self._is_given(phase, run.arm)
            effective = run.effective_ug if run.effective_ug is not None else np.full(n, doses[0])
            after = [titration.aimed_at(charts[k]) for k in charts if phase.visits_h[k] > 0]
            best = np.min(after, axis=0)
            lasted = (
                self._rules_met(phase, charts[0], late["chart"]) if late and phase.gate else np.zeros(n, dtype=bool)
            )
            self.screening.effective_ug[mine] = effective[mine]
            self.screening.best_score[mine] = best[mine]
            self.screening.lasted[mine] = lasted[mine]

    def _rules_met(self, phase: Phase, before: Chart, after: Chart) -> Flags:
        assert phase.gate is not None
        met = [has_fallen(before, after, rule) for rule in phase.gate.rules]
        return np.all(met, axis=0) if phase.gate.need == "all" else np.any(met, axis=0)

    def _gate(self, phase: Phase) -> Flags:
        """Return who may go on: everybody without a gate, else those whose scores fell enough in the named arm."""
        gate = phase.gate
        if gate is None:
            return np.ones(len(self.person), dtype=bool)
        met = [self._rule_met(phase, gate, i) for i in range(len(gate.rules))]
        return np.all(met, axis=0) if gate.need == "all" else np.any(met, axis=0)

    def _is_given(self, phase: Phase, arm: Arm) -> Flags:
        """Return who is given an arm: in a parallel phase those allocated to it, and nobody else."""
        if phase.design != "parallel":
            return np.ones(len(self.person), dtype=bool)
        return self.outcome.assigned[phase.name] == phase.arms.index(arm)

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
            index = self.study.phases.index(phase)
            came = visit.present & ~missed(phase, index, rule.arm, visit.visit, self.seed, self.person)
            met |= has_fallen(chart_of(baseline), chart_of(visit), rule) & came
        return met & self._is_given(phase, phase.arm(rule.arm))


def charted(clock: PeriodClock, phase: Phase, index: int, k: int, period: int = 0) -> Chart:
    """Return what is charted of everybody at a visit of a period."""
    shift = phase.nonspecific and phase.visits_h[k] > 0
    return clock.look(visit_numbers.charted(index, period) + k, nonspecific=shift).chart


def nonspecific_of(study: TrialStudy, person: np.ndarray) -> Patients:
    """Return by how many grades the chart of each person falls without any drug, by the site of their trial."""
    change = parameters.load("trial")["nonspecific_change_mean"].to("grade")
    replicate = person // study.population.n
    return np.asarray(change.value + (change.spread.sd or 0.0) * site_luck(study.seed, replicate))


def period_of(phase: Phase) -> float:
    """Return the hours from the start of one period of a phase to the start of the next."""
    return float(phase.visits_h[-1]) + float(phase.washout_h or 0.0)


def pair_begins(phase: Phase, period: int) -> float:
    """Return the hours from the start of a phase to that of the periods, one an arm, that one of them belongs to."""
    return period // len(phase.arms) * len(phase.arms) * period_of(phase)


def length_of(phase: Phase) -> float:
    """Return the hours from the first visit of a phase to the last, over all periods of a crossover."""
    periods = len(phase.arms) * phase.rounds if phase.design == "crossover" else 1
    return (periods - 1) * period_of(phase) + float(phase.visits_h[-1])


def begin_of(tasks: Sequence[Task]) -> float:
    """Return when a period begins, h before its first visit: with the first of what people come with."""
    return min([0.0, *(task.time_h for task in tasks)])


def origin_of(study: TrialStudy) -> Origin:
    """Return which rows of the label's tables a trial's people belong to."""
    return label_origin(study.population.origin)


def site_luck(seed: int, replicate: Int[np.ndarray, " n"]) -> Float[Array, " n"]:
    """Return by how many standard deviations the site of each replicate trial differs from the mean site."""
    return _streams.normal(_streams.keys(seed, _streams.Purpose.STUDY, jnp.asarray(replicate)), 1)[0]


def lesions_of(study: TrialStudy, recruits: Recruits) -> LesionCourse:
    """Return the course of the lesions of people from the pool, on the side that the study charts."""
    found = LesionCourse.of(recruits.cohort, study.seed)
    return replace(found, is_spared=study.assessment.side == OTHER_SIDE)


def play_block(study: TrialStudy, recruits: Recruits, index: int, before: Before) -> BlockOutcome:
    """Take people from the pool (numbers over all replicates) through the phase `index`: a pure function of these."""
    seed, person, people = study.seed, recruits.person, recruits.people(study.seed)
    outcome = BlockOutcome(person=person, member=recruits.member, features=features_of(people))
    nonspecific = nonspecific_of(study, person)
    lesions = lesions_of(study, recruits)
    since_h = float(sum(length_of(phase) for phase in study.phases[:index]))
    screening = None if before.screening is None else before.screening.taken(slice(None))
    block = Block(study, seed, people, outcome, nonspecific, lesions, screening, since_h)
    block.play(study.phases[index], index, before.entered, before.assigned)
    return outcome
