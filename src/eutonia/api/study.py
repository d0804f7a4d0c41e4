"""Verbs on studies: run one, run many that differ in a few fields, compare the arms of one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from eutonia import parameters, session
from eutonia._arguments import CALL, TEXT, accepts, instance
from eutonia._bounds import FEWEST_FOR_VERDICT, USUAL_REPLICATES, count, usual_block
from eutonia._middle import TAIL
from eutonia._printed import Printed
from eutonia._progress import Progress, silent
from eutonia.engine.store import FolderStore
from eutonia.errors import StudyError, unknown
from eutonia.study.design import STUDY, CaseStudy, TrialStudy, load_study
from eutonia.study.for_trials import for_trials
from eutonia.trial.result import StudyResult

if TYPE_CHECKING:
    import polars

#: What stands for a result in the arguments of verbs.
_RESULT = instance("a result, as run returns it", "run(study)", StudyResult)
_EXECUTOR = instance("an executor of concurrent.futures", "ThreadPoolExecutor(2)", Executor)
_USUAL_WORKERS = 2
_KEEP = instance("a path", '"run.unfinished"', str, os.PathLike, FolderStore)


def load(
    study: str, *, seed: int | None = None, patients: int | None = None, parameters: str | None = None
) -> TrialStudy | CaseStudy:
    """Read a study and replace its seed or number of people, or whether its numbers are drawn, where asked."""
    given = load_study(study)
    if (seed, patients, parameters) == (None, None, None):
        return given
    return given.override(n=patients, seed=seed, parameters=parameters)


@accepts(
    study=STUDY,
    potential_outcomes=instance("True or False", "False", bool),
    executor=_EXECUTOR.or_none(),
    keep=_KEEP.or_none(),
    progress=CALL,
)
def run(
    study: TrialStudy | CaseStudy,
    *,
    replicates: int | None = None,
    block: int | None = None,
    workers: int | None = None,
    potential_outcomes: bool = False,
    executor: Executor | None = None,
    keep: str | os.PathLike[str] | FolderStore | None = None,
    progress: Progress = silent,
) -> StudyResult:
    """Run a trial or a case in 64-bit, with compiled programs kept on disk between runs.

    Parameters
    ----------
    study : TrialStudy or CaseStudy
        What `load_study` returned.
    replicates, block, workers : int or None
        Of a trial, number of replicate trials, 500 when left out; people computed together, 1024 (4096
        of 65,536 or more), and blocks at a time, 2, neither of which changes a result.
    potential_outcomes : bool
        Whether the result also holds what people would have scored in the arms of a parallel phase that they were not
        allocated to.
    executor : concurrent.futures.Executor or None
        Where the blocks of a trial are computed, such as `eutonia.engine.execute.processes(4)` or, on other machines
        that share `keep`, Dask's `client.get_executor()`; `workers` threads when left out. A worker with another
        program, other numbers or another instruction set is refused.
    keep : path or None
        Folder in which the blocks of a trial are kept as they come: a run that was stopped goes on there, with the same
        bits. Memory when left out, which other processes cannot share.
    progress : callable
        Called with a stage and the share of it that is done, 0 to 1.

    Returns
    -------
    StudyResult
        `frame()` has every reported quantity, `visits`, `patients`, `doses` the tables, `course` physiology over time.

    Raises
    ------
    ArgumentError
        No study.
    SimulationError
        A number that counts nothing, or a run that this machine cannot hold.
    StudyError
        Potential outcomes where nobody is allocated, or what only trials have, of a case.
    SimulationError
        A `keep` of another run or in use, workers that would give other bits or that ended.

    Notes
    -----
    **Not for** treating anybody: research and teaching only.
    """
    with parameters.beneath(study.parameters):
        how = _How(replicates, block, workers, potential_outcomes, executor, keep)
        return _run(study, how, progress)


class _How(NamedTuple):
    """The options of a run."""

    replicates: int | None
    block: int | None
    workers: int | None
    potential_outcomes: bool
    executor: Executor | None
    keep: str | os.PathLike[str] | FolderStore | None


def _run(study: TrialStudy | CaseStudy, how: _How, progress: Progress) -> StudyResult:
    """Check the options of a run, and run."""
    from eutonia.trial.cost import affordable

    check_how(study, **how._asdict())
    replicates = how.replicates or USUAL_REPLICATES
    workers = how.workers or _USUAL_WORKERS
    people = affordable(study, replicates, how.block, workers, kept=how.keep is not None).people
    session.begin()
    if isinstance(study, CaseStudy):
        from eutonia.trial.case import run_case

        return run_case(study, progress)
    from eutonia.trial.run import RunOptions, run_trial

    keep = Path(how.keep).resolve() if isinstance(how.keep, str | os.PathLike) else how.keep
    return run_trial(
        study,
        RunOptions(replicates, how.block or usual_block(people), workers, how.potential_outcomes, how.executor, keep),
        progress,
    )


def check_how(study: TrialStudy | CaseStudy, **options: object) -> None:
    """Refuse options of a run that its study has no use for, by name; what is None or False is not asked for.

    Raises
    ------
    SimulationError
        A number that counts nothing.
    StudyError
        What only trials have, of a case; potential outcomes where nobody is allocated.
    """
    for what in ("replicates", "block", "workers"):
        if options.get(what) is not None:
            count(what, options[what])
    for_trials(study, **options)
    if options.get("potential_outcomes") and not any(one.design == "parallel" for one in getattr(study, "phases", ())):
        raise StudyError(
            f"potential outcomes of {study.name}: nobody is allocated to one of several arms. Allowed: a trial with a "
            "parallel phase. Nearest: parallel_tablets, which ships with one. Leave the option out."
        )


def replicates_of(study: TrialStudy | CaseStudy, given: int | None, usual: int = USUAL_REPLICATES) -> int | None:
    """Return how many replicate trials each run has: as many as given, or as usual; None of a case, which has none."""
    for_trials(study, replicates=given)
    return None if isinstance(study, CaseStudy) else usual if given is None else count("replicates", given)


def held(study: TrialStudy | CaseStudy) -> TrialStudy | CaseStudy:
    """Return a study whose numbers are held, unless it asks for draws: where many runs are laid beside each other."""
    return study if isinstance(study, CaseStudy) else study.override(parameters=study.head.parameters or "frozen")


@dataclass(frozen=True, repr=False)
class ArmComparison(Printed):
    """Differences between the arms of a trial: `table` has the columns of `frame()`."""

    study_name: str
    replicates: int
    table: polars.DataFrame

    def prose(self) -> str:
        """Return what was compared, and how much of it lies apart from no difference."""
        pairs = self.table.select("phase", "arm", "against").unique(maintain_order=True).rows()
        told = "; ".join(f"{phase}: {arm} less {against}" for phase, arm, against in pairs)
        if self.replicates < FEWEST_FOR_VERDICT:
            more = (
                f"No intervals: {self.replicates} replicate trials, and an interval needs {FEWEST_FOR_VERDICT} or more."
            )
        else:
            apart = self.table.filter((self.table["low"] > 0) | (self.table["high"] < 0)).height
            more = f"Of {self.table.height} differences {apart} have a 95 % interval of one trial that leaves out 0."
        return f"{self.study_name}, difference of means ({told}). {more}"

    def frame(self) -> polars.DataFrame:
        """Return phase, visit, time_h, limb, scale, arm, against, difference, low, high, one row a difference."""
        return self.table


@accepts(result=_RESULT, against=TEXT.or_none())
def compare(result: StudyResult, against: str | None = None) -> ArmComparison:
    """Compare the arms of a trial at every visit.

    Parameters
    ----------
    result : StudyResult
        Of a trial in which some phase has two arms or more.
    against : str or None
        The arm that the others are compared with; when left out the placebo of each phase, or else its first arm.

    Returns
    -------
    ArmComparison
        `frame()` has `difference` in the unit of the scale, and `low` and `high`, between which the difference of one
        trial lies with 95 %; null below 40 replicate trials.

    Raises
    ------
    StudyError
        A case, one arm only, or no such arm.

    Notes
    -----
    **Equation** d_r = mean_r(arm) - mean_r(against) in replicate trial r, of those seen at the visit; `difference` is
    the mean of d_r, `low` and `high` its 2.5 % and 97.5 % quantiles.
    """
    import polars as pl

    arms = result.visits.select(pl.col("phase", "arm").cast(pl.String)).unique(maintain_order=True).rows()
    several = {phase: [arm for of, arm in arms if of == phase] for phase, _ in arms}
    several = {phase: names for phase, names in several.items() if len(names) > 1}
    if not several:
        raise StudyError(
            f"{result.study_name} has no two arms to compare. Allowed: a trial with a phase of two arms or more. "
            "Nearest: result.frame(), which lays predictions beside what was published. Use that."
        )
    known = {arm for names in several.values() for arm in names}
    if against is not None and against not in known:
        raise StudyError(unknown("arm", str(against), known, "Name one of them, or leave it out."))
    base = _bases(several, against, result.placebo_arms)
    keys = ["phase", "visit", "time_h", "limb", "scale", "replicate"]
    means = (
        result.visits.filter(pl.col("item") == "mean")
        .with_columns(pl.col("phase", "arm", "visit", "limb", "scale").cast(pl.String))
        .filter(pl.col("phase").is_in(list(base)))
        .group_by(*keys, "arm", maintain_order=True)
        .agg(pl.col("score").mean())
        .with_columns(pl.col("phase").replace_strict(base, return_dtype=pl.String).alias("against"))
    )
    theirs = means.filter(pl.col("arm") == pl.col("against")).select(*keys, pl.col("score").alias("other"))
    apart = means.filter(pl.col("arm") != pl.col("against")).join(theirs, on=keys, maintain_order="left")
    replicates = int(result.visits["replicate"].n_unique())
    return ArmComparison(result.study_name, replicates, _over_trials(apart, keys[:-1], replicates, TAIL))


def _bases(
    several: Mapping[str, list[str]], against: str | None, placebos: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """Return the arm that the others of each phase are compared with."""
    if against is not None:
        return {phase: against for phase, names in several.items() if against in names}
    shams = {phase: [arm for arm in names if (phase, arm) in placebos] for phase, names in several.items()}
    return {phase: (shams[phase] or names)[0] for phase, names in several.items()}


def _over_trials(apart: polars.DataFrame, keys: list[str], replicates: int, tail: float) -> polars.DataFrame:
    """Return mean and interval over replicate trials of the difference in each."""
    import polars as pl

    difference: Any = pl.col("score") - pl.col("other")
    ends = {
        name: difference.quantile(q, interpolation="linear") if replicates >= FEWEST_FOR_VERDICT else pl.lit(None)
        for name, q in (("low", tail), ("high", 1 - tail))
    }
    found = apart.group_by(*keys, "arm", "against", maintain_order=True).agg(
        difference.mean().alias("difference"), *(one.cast(pl.Float64).alias(name) for name, one in ends.items())
    )
    return found.with_columns(pl.when(pl.col("limb") != "").then(pl.col("limb")).alias("limb"))
