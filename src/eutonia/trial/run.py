"""Run a trial study: blocks of people on all cores, then tables, in the same order whatever the blocks."""

from __future__ import annotations

import contextlib
import json
import pickle
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from eutonia import parameters, session
from eutonia._progress import Progress, silent
from eutonia.engine import identity
from eutonia.engine.execute import apart, each, rehearsed, uncollected, while_needed
from eutonia.engine.store import FolderStore, Store
from eutonia.engine.unfinished import opened
from eutonia.errors import StudyError
from eutonia.study.design import TrialStudy
from eutonia.study.pump_treatment import PumpTreatment
from eutonia.trial import blocks, parameter_draws
from eutonia.trial.analyse import analyse
from eutonia.trial.analysis import Outcome, consort, quantities
from eutonia.trial.broken_rules import of_trial
from eutonia.trial.caveats import caveats
from eutonia.trial.conduct import origin_of
from eutonia.trial.dose_finding import dose_finding
from eutonia.trial.failure_table import failed_pumps
from eutonia.trial.n_of_1 import series_of
from eutonia.trial.patients import patient_table
from eutonia.trial.predictors import predictor_table
from eutonia.trial.reactions import adverse_table, event_table
from eutonia.trial.record import inputs, repeat, study_record
from eutonia.trial.recruitment import Pool, draw_pool, people_told
from eutonia.trial.responders import responder_table, response_of
from eutonia.trial.result import StudyResult
from eutonia.trial.roll import Roll
from eutonia.trial.stored import outcome_of
from eutonia.trial.tables import dose_table, scores_of
from eutonia.trial.trace import sample_course
from eutonia.trial.unblinded import unblinded_told
from eutonia.trial.work import Do, TrialJob, rehearse, through_phases, workers_of

_WORKERS = 2


@dataclass(frozen=True)
class RunOptions:
    """How to run, never what: results are the same for every block size, number of workers and executor.

    `executor` is where blocks are computed, threads of this process if none; `keep` the folder in which they are kept
    until the run is whole, memory if none.
    """

    replicates: int
    block: int = 1024
    workers: int = _WORKERS
    potential_outcomes: bool = False
    executor: Executor | None = None
    keep: Path | FolderStore | None = None


def run_trial(study: TrialStudy, options: RunOptions, progress: Progress = silent) -> StudyResult:
    """Run every replicate of a trial and return its result.

    Parameters
    ----------
    study
        The validated study file; its seed is the start of all luck.
    options
        Number of replicate trials, block size, workers, whether to keep the outcomes in arms that people were not in.
    progress
        Called with a stage and the share of it that is done, 0 to 1.
    """
    began = time.perf_counter()
    width = blocks.width_for(study.population.n * options.replicates, options.block)
    progress("Recruitment", 0.0)
    rehearsed(options.executor, lambda: partial(rehearse, pickle.dumps(study), width, session.bits()))
    with parameters.recording() as used:
        pool = draw_pool(study.population, study.seed, width, study.oral_model)
        progress("Recruitment", 1.0)
        if parameter_draws.asked(study, options.replicates):
            outcome = simulate_drawn(study, pool, options, progress)
        else:
            outcome = simulate(study, pool, options, width, progress)
        progress("Tables", 0.0)
        course, adverse = sample_course(study, pool, width), adverse_table(outcome)
        reported = quantities(outcome, adverse)
        responders, response = responder_table(outcome), response_of(study)
        analysed, series = analyse(outcome), series_of(outcome)
        known_limits = (*caveats(study), *unblinded_told(outcome), *people_told(study.population, pool))
        broken, patients = of_trial(outcome, origin_of(study)), patient_table(outcome)
        drug_arms = [] if response is None else [arm.name for arm in response.phase.arms if not arm.placebo]
    progress("Tables", 1.0)
    return StudyResult(
        title=study.title,
        kind="trial",
        study_name=study.name,
        description=study.note or "",
        quantities=reported,
        consort=consort(outcome),
        scores=scores_of(outcome),
        doses=dose_table(outcome),
        course=course,
        run=_record(study, options, used, time.perf_counter() - began, parameter_draws.told(outcome, reported)),
        events=_given(study),
        adverse=adverse,
        reactions=event_table(outcome),
        patients=patients,
        endpoint=response.definition if response else "",
        judged_at=response.judged_at if response else None,
        responders=responders,
        predictors=predictor_table(patients, drug_arms),
        analysed=analysed,
        dose_finding=dose_finding(outcome),
        series=series,
        caveats=known_limits,
        broken=broken,
        failures=failed_pumps(outcome),
        potential_scores=scores_of(outcome, unobserved=True) if options.potential_outcomes else None,
        placebo_arms=tuple((phase.name, arm.name) for phase in study.phases for arm in phase.arms if arm.placebo),
    )


def _given(study: TrialStudy) -> tuple[tuple[float, str], ...]:
    """Return what each arm is given beside the drug, which has doses of its own, what is done to its pumps, and of a
    factorial every sham: hour of the phase, and words.
    """
    found = [
        (time_h, f"{arm.name}{' (sham)' if is_sham else ''}: {said}")
        for phase in study.phases
        for arm in phase.arms
        for one in (*arm.treatments, *arm.shams)
        if ((is_sham := arm.placebo or one in arm.shams) and phase.factors)
        or one.case_event is None
        or isinstance(one, PumpTreatment)
        for time_h, said in one.happenings(float(phase.visits_h[-1]))
    ]
    return tuple(sorted(found, key=lambda one: one[0]))


def _record(
    study: TrialStudy, options: RunOptions, used: parameters.Used, wall_time_s: float, numbers: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return what a reader needs to repeat and to judge the run."""
    drawn: dict[str, Any] = {"patients": study.population.n, "replicates": options.replicates}
    held = study.head.parameters
    more = {"seed": study.seed, **drawn, "parameters": held, "potential_outcomes": options.potential_outcomes}
    command = repeat("run", study.word, own=study.parameters, **more)
    drawn |= {"inputs": inputs(programs)} if (programs := _programs(study)) else {}
    return study_record(study, used, wall_time_s, command, **drawn, pool=study.population.pool, numbers=numbers)


def _programs(study: TrialStudy) -> list[Path]:
    """Return the files that a trial names, each once: pump programs of its arms, and its table of people."""
    named = [one.program.path for arm in study.arms for one in arm.treatments if isinstance(one, PumpTreatment)]
    table = study.population.table
    return list(dict.fromkeys(named + ([] if table is None else [table.path])))


def simulate(study: TrialStudy, pool: Pool, options: RunOptions, width: int, progress: Progress = silent) -> Outcome:
    """Conduct all replicates in blocks of `width` people, and return what came of them.

    Raises
    ------
    SimulationError
        Blocks that are kept belong to another run, or a worker ended.
    """
    lots = list(blocks.split(np.arange(study.population.n * options.replicates), width))
    report = _counted(progress, len(lots) * len(study.phases))
    rolls: list[Roll] = []

    def course(do: Do) -> _Course:
        rolls.append(
            (yield from through_phases(TrialJob(study, pool, options.potential_outcomes), lots, store, do, report))
        )

    with opened(options.keep, lambda: plan_of(study, options, width)) as store:
        _conduct(study, options, store, report, [course])
        return outcome_of(study, pool, rolls[0], store)


def simulate_drawn(study: TrialStudy, pool: Pool, options: RunOptions, progress: Progress = silent) -> Outcome:
    """Conduct the replicates of each draw of numbers with it, from the same pool as it then is, and join all in order.

    A draw under which the pool cannot have the published entry scores is one that the trial speaks against: its
    replicates have the numbers that hold here, and the outcome counts them.

    Raises
    ------
    SimulationError
        Blocks that are kept belong to another run, or a worker ended.
    """
    n, draw = study.population.n, np.arange(options.replicates) % parameter_draws.DRAWS
    trials = [np.flatnonzero(draw == k) for k in range(parameter_draws.DRAWS)]
    width = blocks.width_for(n * len(trials[0]), options.block)
    lots = [list(blocks.split((mine[:, None] * n + np.arange(n)).ravel(), width)) for mine in trials]
    report = _counted(progress, sum(map(len, lots)) * len(study.phases))
    rolls: dict[int, Roll] = {}
    refused: set[int] = set()
    first = np.cumsum([0, *map(len, lots)])

    def course(k: int, do: Do) -> _Course:
        own, held = _pool_of(study, pool, drawn[k], width)
        if own is pool:
            refused.add(k)
        with parameter_draws.holding(held):
            job = TrialJob(study, own, options.potential_outcomes)
            rolls[k] = yield from through_phases(job, lots[k], store, do, report, int(first[k]))

    drawn = parameter_draws.drawn(study)
    with opened(options.keep, lambda: plan_of(study, options, width, drawn)) as store:
        _conduct(study, options, store, report, [partial(course, k) for k in range(len(drawn))])
        found = outcome_of(study, pool, Roll.joined([rolls[k] for k in range(len(drawn))]), store)
        return replace(found, draw=draw, refused=len(refused))


def _pool_of(study: TrialStudy, pool: Pool, numbers: Mapping[str, str], width: int) -> tuple[Pool, Mapping[str, str]]:
    """Return a pool under a draw, and the draw; where it speaks against that, the pool itself and no numbers."""
    try:
        with parameter_draws.holding(numbers):
            return draw_pool(study.population, study.seed, width, study.oral_model, pool.cohort), numbers
    except StudyError:
        return pool, {}


_Course = Generator[Sequence[Callable[[], Future[None]]], None, None]


def _conduct(
    study: TrialStudy, options: RunOptions, store: Store, report: Callable[[], None],
    courses: Sequence[Callable[[Do], _Course]],
) -> None:  # fmt: skip
    """Go through courses of blocks, each in a context of its own, in which the numbers of its draw hold."""
    workers = workers_of(study, store, options.executor, options.workers)
    with (
        while_needed(options.executor),
        workers as do,
        uncollected(),
        contextlib.closing(each((apart(course(do)) for course in courses), options.workers)) as done,
    ):
        for _ in done:
            report()


def _counted(progress: Progress, whole: int) -> Callable[[], None]:
    """Return what is called when a block has gone through a phase."""
    done = 0

    def report() -> None:
        nonlocal done
        done += 1
        progress("Patients", done / whole)

    return report


def plan_of(
    study: TrialStudy, options: RunOptions, width: int, drawn: Sequence[Mapping[str, str]] = ()
) -> dict[str, Any]:
    """Return all that the bits of a block depend on, and how people are cut into blocks: a run goes on with these."""
    return {
        "study": study.name,
        "design": identity.digest_of(json.loads(study.model_dump_json(by_alias=True))),
        "files": [one["sha256"] for one in inputs(_programs(study))],
        "seed": study.seed,
        "people": study.population.n,
        "replicates": options.replicates,
        "block": width,
        "everybody": options.potential_outcomes,
        "overrides": dict(parameters.active().given),
        "draws_of_numbers": identity.digest_of([dict(numbers) for numbers in drawn]),
        **identity.facts(parameters.digests()),
    }
