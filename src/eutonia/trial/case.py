"""One person from the onset on: lesion, tone, drug, pump and chart on one time axis.

The person is known by age, kidneys, lesion and charted scores, not by receptors and muscles. So the case is run for
many people who share what is known and differ by luck in what is not; their spread is the honest uncertainty of the
forecast.
"""

from __future__ import annotations

import dataclasses
import heapq
import time
from collections import deque
from collections.abc import Collection, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia._progress import Progress, silent
from eutonia.drug.kinetics import Dialysis, Kinetics
from eutonia.examination import TESTS
from eutonia.examination.findings import Finding
from eutonia.patient import LIMBS
from eutonia.simulation.bedside import bedside
from eutonia.simulation.course import Course, Snapshot, start
from eutonia.simulation.lesion_course import LesionCourse
from eutonia.simulation.make_people import people_of
from eutonia.simulation.people import People, Traits
from eutonia.study.case import DialysisEvent, Event, ExaminationEvent
from eutonia.study.case_checks import first_treatment
from eutonia.study.design import CaseStudy
from eutonia.study.other_uses import refuse_tone, use_of
from eutonia.study.sides import OTHER_SIDE
from eutonia.treatment import Effects
from eutonia.trial.broken_rules import of_case
from eutonia.trial.case_person import cohort_of, lesion_of, mask_record, without_tone
from eutonia.trial.case_pump import CasePumpCourse
from eutonia.trial.case_responders import case_response
from eutonia.trial.case_risks import POSSIBLE_PEOPLE, with_risks
from eutonia.trial.caveats import caveats, is_overdose
from eutonia.trial.chart_fit import solve_factors
from eutonia.trial.given import tasks_of
from eutonia.trial.period import PeriodClock, TabletPlan
from eutonia.trial.record import inputs, repeat, study_record
from eutonia.trial.result import StudyResult, Zoom
from eutonia.trial.scores import ScoreTable
from eutonia.trial.trace import Recorder
from eutonia.trial.withdrawal import Interruptions, told

# Looks after a start, a stop or a large change, whatever the examinations: (step, until) in h.
_DENSE = ((0.5, 8.0), (2.0, 24.0), (6.0, 168.0), (24.0, 21 * HOURS_A_DAY))
# Before and after a zoomed event, h.
_ZOOM_BEFORE_H, _ZOOM_BOLUS_H, _ZOOM_OVERDOSE_H = 2.0, 26.0, 70.0
# Looks after a session of haemodialysis begins or ends, h, where there are not more sessions than this.
_AROUND_SESSION_H, _MOST_SESSIONS_SEEN = (0.5, 1.0, 2.0, 3.0, 6.0, 12.0), 40


class _Case:
    """The people that the person may be, their clock and pump, and everything noted on the way."""

    def __init__(self, study: CaseStudy) -> None:
        n = POSSIBLE_PEOPLE
        self.study = study
        self.person = np.arange(n)
        self.lesion = lesion_of(study)
        one = cohort_of(study, self.lesion)
        self.cohort = one.take(np.zeros(n, dtype=np.int64)).in_brains(study.seed, self.person)
        self.lesions = LesionCourse.of(self.cohort, study.seed, self.person)
        traits = Traits.draw(study.seed, jnp.asarray(self.person), self.cohort.origin)
        zero = jnp.zeros((len(LIMBS), n))
        self.base = people_of(self.cohort, traits, zero, zero, self.person, study.seed, study.oral_model)
        if study.tip is not None:
            self.base = dataclasses.replace(self.base, kinetics=self.base.kinetics.with_tip(study.tip))
        ceiling = self.lesions.constants.bias_ceiling
        solved = solve_factors(self.base, self.plateau, self.lesions.factor, study.charted, ceiling)
        self.base, self.unmet = solved.people, solved.told
        self.cohort = self.cohort.with_lesions_of(solved.who)
        spared = study.assessment.side == OTHER_SIDE
        self.lesions = self.lesions.known(self.cohort, solved.factor, is_spared=spared)
        self.clock = PeriodClock(
            Course(self.base), start(self.base), study.seed, True, np.zeros(n), lesions=self.lesions
        )
        self.kinetics = self.base.kinetics
        therapy = study.pump_therapy
        self.pump = None if therapy is None else CasePumpCourse(therapy, is_named=study.therapy is not None)
        sessions = [one for event in study.events if isinstance(event, DialysisEvent) for one in event.sessions_h]
        self.sessions = deque(
            sorted((at, is_begin) for both in sessions for at, is_begin in ((both[0], True), (both[1], False)))
        )
        self.is_dialysed = False
        self._courses: dict[bool, Course] = {}
        self.recorder = Recorder()
        self.events: list[tuple[float, str]] = []
        self.zooms: list[Zoom] = []
        self.looks: list[float] = []
        self.found: list[tuple[float, Finding]] = []
        self.interruptions = Interruptions()
        end = float(study.case.duration_h)
        self.events += [one for given in study.treatments for one in given.happenings(end)]
        self.treatments = tasks_of(study.treatments, np.ones(n, dtype=bool), end)

    def plateau(self, time_h: float) -> Float[np.ndarray, "limb patient"]:
        """Return the bias in mV that this lesion gives a person of factor 1 at a time since its onset."""
        one = jnp.ones((len(LIMBS), len(self.person)))
        return np.asarray(dataclasses.replace(self.lesions, factor=one).by(float(time_h))[0])

    def note(self, time_h: float) -> None:
        """Advance to `time_h`, whatever runs dry on the way, and note what is found."""
        self.advance(time_h, looking=True)
        if self.recorder.times and self.recorder.times[-1] >= time_h:
            return
        self.recorder.note(time_h, self.clock)

    @property
    def turns_at_h(self) -> float:
        """Hour of the next turn of the pump, or of the next beginning or end of a session of haemodialysis."""
        pump = self.pump.turns[0].time_h if self.pump is not None and self.pump.turns else np.inf
        return min(pump, self.sessions[0][0] if self.sessions else np.inf)

    @property
    def is_seen(self) -> bool:
        """Whether somebody looks at the next turn."""
        pump = self.pump.turns[0] if self.pump is not None and self.pump.turns else None
        return pump is None or pump.time_h > self.turns_at_h or pump.is_seen

    def advance(self, time_h: float, *, looking: bool = False) -> None:
        """Advance the drug, by way of every turn and of every begin and end of a treatment before `time_h`."""
        while self.treatments and self.treatments[0].time_h < time_h:
            task = self.treatments.pop(0)
            self.advance(task.time_h, looking=True)
            task.act(self.clock)
        while self.turns_at_h < time_h:
            self.turn()
        self.clock.advance_to(time_h, looking=looking)

    @property
    def takes_tablets(self) -> bool:
        """Whether there is any drug in the tablets that are taken."""
        return bool(np.any(self.clock.tablets_mg_per_day))

    def turn(self) -> bool:
        """Let the pump do what it does next, now; return whether it is large enough for a dense look afterwards."""
        at_h = self.turns_at_h
        if self.sessions and self.sessions[0][0] == at_h:
            self.clock.advance_to(at_h)
            self._dialyse(*self.sessions.popleft())
            return False
        assert self.pump is not None
        turn = self.pump.turns.popleft()
        if not turn.is_idle:
            self.clock.advance_to(at_h)
        self.events += [(at_h, label) for label in self.pump.labels(turn)]
        if (zoom := self.pump.zoom(turn)) is not None:
            self.zooms.append(zoom)
        for look in self.pump.looks(turn):
            heapq.heappush(self.looks, look)
        if (tip := self.pump.tip(turn)) is not None:
            self._be(self.kinetics.with_tip(tip))
        if turn.is_quiet:
            return False
        self.clock.set_rate(np.full(len(self.person), turn.rate), abrupt=turn.is_abrupt)
        self.recorder.dose_changed(self.clock)
        self.interruptions.given(turn.time_h, pump=self.is_pumped(turn.time_h), tablets=self.takes_tablets)
        return turn.is_large

    def is_pumped(self, time_h: float) -> bool:
        """Whether the pump gives drug now, or soon again."""
        return self.pump is not None and self.pump.flows_from(time_h)

    def look_after(self, start_h: float) -> None:
        """Look densely after a change, whatever else is planned."""
        at = start_h
        for step, until in _DENSE:
            while at + step <= start_h + until:
                at += step
                heapq.heappush(self.looks, at)

    def log(self, time_h: float, label: str) -> None:
        """Keep an event for the report."""
        self.events.append((time_h, label))

    def act(self, event: Event) -> bool:
        """Do one event of the file now; return whether it is abrupt enough for a dense look afterwards."""
        if event.kind == "examination":  # a look: it moves no clock
            return self._examine(event)
        n = len(self.person)
        self.clock.advance_to(event.at_h)
        if event.kind == "bolus":
            self.clock.bolus(np.full(n, event.dose_ug), event.access)
            self.interruptions.bolus(event.at_h)
            self.log(event.at_h, f"test bolus {event.dose_ug.text}")
            self.zooms.append(Zoom("Test bolus", event.at_h - _ZOOM_BEFORE_H, event.at_h + _ZOOM_BOLUS_H))
            return True
        if event.kind in ("infusion", "stop infusion", "refill", "dialysis"):
            self.log(event.at_h, _words(event))
            return False  # what it does is a turn
        if event.kind == "creatinine clearance":
            self._be(self.kinetics.with_creatinine_clearance(jnp.full(n, event.value_ml_per_min)))
            self.log(event.at_h, f"creatinine clearance {event.value_ml_per_min.text}")
            return False
        if event.kind == "weight":
            self._grow(event.weight_kg)
            self.log(event.at_h, f"weight {event.weight_kg.text}")
            return False
        if event.kind == "practice":
            self.clock.note_treatments()
            self.clock.practice.begin(event.method, event.limb, np.full(n, event.sessions_per_week), event.at_h)
            self.log(event.at_h, f"{event.method}, {event.sessions_per_week:g} a week")
            return False
        if event.kind == "stop practice":
            self.clock.note_treatments()
            self.clock.practice.stop(event.at_h)
            self.log(event.at_h, "practice stopped")
            return False
        self.clock.tablets.clear()
        if event.kind == "tablets":
            plan = TabletPlan(np.full(n, event.dose_mg), event.every_h, event.at_h)
            self.clock.tablets.append(plan)
            self.log(event.at_h, f"baclofen {event.dose_mg.text} every {event.every_h.text}")
            if is_overdose(event.dose_mg):
                self.zooms.append(Zoom("Overdose", event.at_h - _ZOOM_BEFORE_H, event.at_h + _ZOOM_OVERDOSE_H))
        else:
            self.log(event.at_h, "tablets of baclofen stopped")
        self.interruptions.given(event.at_h, pump=self.is_pumped(event.at_h), tablets=self.takes_tablets)
        return True

    def _examine(self, event: ExaminationEvent) -> bool:
        test, at = TESTS[event.test], bedside(self.clock.people_now, self.clock.snapshot)
        self.found += [(float(event.at_h), one) for one in test.done(at, event.limbs, self.study.seed)[0]]
        self.log(event.at_h, f"examined: {test.label}")
        return False

    def _grow(self, weight_kg: float) -> None:
        """Let everybody weigh so much from now on; kidneys and the catheter's tip stay as they are by now."""
        cohort = dataclasses.replace(self.cohort, weight_kg=np.full(len(self.person), float(weight_kg)))
        base = self.base
        of = (base.traits, base.bias, base.strength, self.person, self.study.seed, self.study.oral_model)
        kinetics = people_of(cohort, *of).kinetics.with_creatinine_clearance(self.kinetics.blood.creatinine_clearance)
        spinal = dataclasses.replace(kinetics.spinal, tip=self.kinetics.spinal.tip)
        self._be(dataclasses.replace(kinetics, spinal=spinal))

    def _be(self, kinetics: Kinetics, *, is_dialysed: bool | None = None) -> None:
        """Let the body handle the drug otherwise from now on: other kidneys, another tip, a machine beside them."""
        if kinetics is not self.kinetics:
            self.kinetics, self._courses = kinetics, {}
        self.is_dialysed = self.is_dialysed if is_dialysed is None else is_dialysed
        if self.is_dialysed not in self._courses:
            now = kinetics.on_dialysis(Dialysis.from_records(())) if self.is_dialysed else kinetics
            self._courses[self.is_dialysed] = Course(dataclasses.replace(self.clock.people, kinetics=now))
        self.clock.course = self._courses[self.is_dialysed]

    def _dialyse(self, at_h: float, is_begun: bool) -> None:
        """Begin or end a session of haemodialysis."""
        self._be(self.kinetics, is_dialysed=is_begun)
        self.clock.set_rate(self.clock.rates.get(None, np.zeros(len(self.person))), abrupt=True)
        if len(self.sessions) <= 2 * _MOST_SESSIONS_SEEN:
            for hours in _AROUND_SESSION_H:
                heapq.heappush(self.looks, at_h + hours)


def run_case(
    study: CaseStudy,
    progress: Progress = silent,
    *,
    looks_h: Sequence[float] = (),
    muscles: Collection[str] = (),
) -> StudyResult:
    """Run a case and return its result; the spread over people is what is not known of this one.

    `looks_h` are hours since the onset at which somebody looks beside all others; nothing of the drug depends on them.
    `muscles` are groups whose Ashworth score the course has even where nothing is done to them.
    """
    from eutonia.trial.case_tables import dose_table, quantities, visit_table

    began = time.perf_counter()
    files = [] if study.therapy is None else [study.therapy.program.path]
    files += [] if study.lesion.mask is None else [study.lesion.mask.path]
    programs: dict[str, Any] = {"inputs": inputs(files)} if files else {}
    with parameters.recording() as used:
        case = _Case(study)
        case.recorder.muscles = frozenset(muscles)
        case.looks += [float(at) for at in looks_h]
        _live(case, progress)
        course = without_tone(study, with_risks(study, case.recorder, case.cohort.origin, case.interruptions))
        pump = case.pump
        known_limits = (*caveats(study), *case.unmet, *(() if pump is None else pump.caveats))
        broken = () if pump is None else of_case(pump.broken, pump.delivery.therapy)
        begun = first_treatment(study)
        responds = None if begun is None else case_response(study, course, case.clock.people_at(float(begun)))
        course.attrs |= {} if begun is None else {"treated_from_h": float(begun)}
    return StudyResult(
        title=study.title,
        kind="case",
        study_name=study.name,
        description=study.note or "",
        quantities=quantities(course, study),
        consort=(),
        scores=ScoreTable.of(visit_table(course, study)),
        doses=dose_table(course),
        course=course,
        lesion=None if use_of(study) is not None else case.lesion,
        events=tuple(sorted(case.events, key=lambda one: one[0])),
        findings=tuple(case.found),
        run=study_record(
            study,
            used,
            time.perf_counter() - began,
            repeat("run", study.word, own=study.parameters, seed=study.seed),
            possible_people=POSSIBLE_PEOPLE,
            **programs,
            **mask_record(case.lesion),
        ),
        zooms=tuple(case.zooms),
        caveats=known_limits,
        broken=broken,
        pump_dates=() if pump is None else pump.dates,
        withdrawal=() if use_of(study) is not None else told(course, case.interruptions),
        **({} if responds is None else vars(responds)),
    )


def people_of_case(
    study: CaseStudy, at_h: float, progress: Progress = silent
) -> tuple[People, Snapshot, tuple[tuple[float, str], ...], Effects]:
    """Return the possible people of a case at a time since the onset, the drug in them, what had happened by then, and
    what other treatments do.

    Events of that very time are still to come, as at a visit before which nobody changes a dose.
    """
    refuse_tone(study, "The people")
    case = _Case(study)
    for event in study.events:
        if event.at_h >= at_h:
            break
        if event.kind == "examination":
            continue
        case.advance(event.at_h)
        while case.turns_at_h <= event.at_h:
            case.turn()
        case.act(event)
        progress("Course", event.at_h / at_h)
    case.advance(at_h)
    happened = tuple(one for one in case.events if one[0] < at_h)
    return case.clock.people_now, case.clock.snapshot, happened, case.clock.effects


def _live(case: _Case, progress: Progress) -> None:
    """Go through the examinations and events of the file in order, and look closely after every large change."""
    study, end = case.study, float(case.study.case.duration_h)
    events = [event for event in study.events if event.at_h <= end]
    happens = [float(event.at_h) for event in events] + [time_h for time_h, _ in case.events]
    case.looks += [*np.arange(0.0, end + 1e-6, study.case.examine_every_h), *happens, end]
    heapq.heapify(case.looks)
    while case.looks and (at := min(case.looks[0], case.turns_at_h)) <= end:
        is_planned = case.looks[0] <= at
        while case.looks and case.looks[0] <= at:
            heapq.heappop(case.looks)
        if is_planned or case.is_seen:
            case.note(float(at))
        abrupt = []
        while case.turns_at_h <= at:
            abrupt.append(case.turn())
        abrupt += [case.act(event) for event in events if event.at_h == at]
        case.recorder.dose_changed(case.clock)
        if any(abrupt):
            case.look_after(float(at))
        progress("Course", at / end)


def _words(event: Event) -> str:
    """Return what an event does to the pump, or to the blood, in the words of the file."""
    if event.kind == "infusion":
        return f"pump {event.rate_ug_per_h.text}" if event.rate_ug_per_h else "pump stopped"
    if event.kind == "dialysis":
        again = f", every {event.every_h.text} until {event.until_h.text}" if event.every_h and event.until_h else ""
        return f"haemodialysis for {event.length_h:g} h{again}"
    return "refill" if event.kind == "refill" else "pump stopped"
