"""Verb on the numbers of the science: which of them move what a study predicts."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eutonia import parameters
from eutonia._arguments import CALL, NUMBER, WHOLE, accepts
from eutonia._bounds import count
from eutonia._progress import Progress, silent
from eutonia.api.study import held, replicates_of, run
from eutonia.errors import StudyError
from eutonia.study.design import STUDY, CaseStudy, TrialStudy
from eutonia.trial import sensitivity as screens
from eutonia.trial.cost import Cost, affordable
from eutonia.trial.record import repeat, study_record
from eutonia.trial.sensitivity import Factor, Sensitivity

#: Paths through the ranges of all records that a screen takes, unless more are asked for; with one nothing is ranked.
USUAL_PATHS, FEWEST_PATHS = 4, 2
#: Replicate trials of each run, unless more are asked for.
USUAL_TRIALS = 2
#: Records that Sobol indices are of, unless others are asked for.
USUAL_MOST = 4
_LARGEST_FOLD = 10.0


@dataclass(frozen=True)
class ScreenPlan:
    """What a screen will do: the records that it moves, those that it does not by reason, and how often it runs."""

    study: TrialStudy | CaseStudy
    moved: tuple[Factor, ...]
    held: Mapping[str, int]
    replicates: int | None
    paths: int
    sobol: int
    most: int

    @property
    def runs(self) -> int:
        """Number of runs."""
        return screens.runs(len(self.moved), self.paths, self.sobol, self.most)

    @property
    def needs(self) -> Cost:
        """What all runs together need, at most: each is counted as if the program began anew."""
        one = affordable(self.study, self.replicates or 1)
        return dataclasses.replace(one, seconds=one.seconds * self.runs)


@accepts(study=STUDY, fold=NUMBER.or_none(), sobol=WHOLE, progress=CALL)
def plan(
    study: TrialStudy | CaseStudy,
    *,
    replicates: int | None = None,
    paths: int = USUAL_PATHS,
    fold: float | None = None,
    sobol: int = 0,
    most: int | None = None,
    progress: Progress = silent,
) -> ScreenPlan:
    """Return what `sensitivity` will do; one replicate is run to learn which numbers a study reads.

    Raises
    ------
    StudyError
        Fewer paths than two, a fold that moves nothing, a sample that is no power of 2, or nothing to move.
    """
    replicates = replicates_of(study, replicates, USUAL_TRIALS)
    count("paths", paths)
    most = _check(paths, fold, sobol, most)
    read = run(study, replicates=replicates and 1, progress=progress).run["rests_on"]
    with parameters.unrecorded(), parameters.beneath(study.parameters):
        records = [parameters.load(name.partition(".")[0])[name.partition(".")[2]] for name in read]
        moved, held = screens.factors(records, fold)
    if not moved:
        raise StudyError(
            f"{study.name} reads {len(records)} numbers, and none has a spread of what is not known of it. Allowed: "
            "one or more. Nearest: --fold 1.2, which moves every other number by a fifth. Give a fold."
        )
    return ScreenPlan(study, tuple(moved), held, replicates, paths, sobol, most)


@accepts(study=STUDY, fold=NUMBER.or_none(), sobol=WHOLE, progress=CALL)
def sensitivity(
    study: TrialStudy | CaseStudy,
    *,
    replicates: int | None = None,
    paths: int = USUAL_PATHS,
    fold: float | None = None,
    sobol: int = 0,
    most: int | None = None,
    progress: Progress = silent,
) -> Sensitivity:
    """Move the numbers behind a study over what is not known of them, and rank them by how far predictions move.

    Every run has the same people and the same luck; only records change, as `eutonia.using` changes them. All are
    screened by elementary effects (Morris 1991); of the first, Sobol indices are computed where asked.

    Parameters
    ----------
    study : TrialStudy or CaseStudy
        What `load_study` returned.
    replicates : int or None
        Number of replicate trials of each run of a trial; 2 when left out.
    paths : int
        Number of paths through the ranges, 2 or more; each needs one run more than there are records.
    fold : float or None
        What records without a spread of their own are moved by, up and down, such as 1.2; none leaves them where they
        are.
    sobol, most : int
        Base sample of the Sobol indices, a power of 2 or 0 for none, and how many records they are of, 4 when left out.
    progress : callable
        Called with a stage and the share of it that is done, 0 to 1.

    Returns
    -------
    Sensitivity
        `frame()` has one row a record and prediction; `ranking()` the records, the one that moves most first.

    Raises
    ------
    ArgumentError
        No study.
    StudyError
        Fewer paths than two, a fold that moves nothing, a sample that is no power of 2, nothing to move, or what would
        count for nothing: replicate trials of a case, records of Sobol indices without a sample.

    Notes
    -----
    An effect is over the whole range of a record: one whose spread is wide, or has been guessed wide, moves more. A
    record with no spread does not move, and may matter all the same.
    """
    began = time.perf_counter()
    asked: dict[str, Any] = {"replicates": replicates, "paths": paths, "fold": fold, "sobol": sobol, "most": most}
    with parameters.recording() as used:
        made = plan(study, **asked, progress=progress)
        again = functools.partial(run, held(study), replicates=made.replicates)
        how = {"paths": paths, "sobol": sobol, "most": made.most, "seed": study.seed}
        with parameters.beneath(study.parameters):
            found = screens.screen(study.name, again, made.moved, made.held, progress=progress, **how)
    command = repeat("sensitivity", study.word, own=study.parameters, seed=study.seed, **asked)
    wall_s = time.perf_counter() - began
    return dataclasses.replace(found, run=study_record(study, used, wall_s, command, runs=found.runs))


def _check(paths: int, fold: float | None, sobol: int, most: int | None) -> int:
    """Return how many records Sobol indices are of, or say what cannot be asked."""
    if paths < FEWEST_PATHS:
        raise StudyError(
            f"paths is {paths}. Allowed: {FEWEST_PATHS} or more, for one path cannot tell an effect from its scatter. "
            f"Nearest: {FEWEST_PATHS}. Take more."
        )
    if fold is not None and not 1.0 < fold <= _LARGEST_FOLD:
        raise StudyError(
            f"fold is {fold:g}. Allowed: above 1, to {_LARGEST_FOLD:g}: a number is moved from 1/fold to fold times "
            "itself. Nearest: 1.2. Correct it."
        )
    if sobol < 0 or sobol & (sobol - 1):
        raise StudyError(f"sobol is {sobol}. Allowed: 0, or a power of 2. Nearest: 8. Correct it.")
    if most is not None and not sobol:
        raise StudyError(
            f"most is {most}, and no Sobol indices are asked for. Allowed: beside sobol, their base sample. Nearest: "
            "sobol 8. Give it, or leave most out."
        )
    return USUAL_MOST if most is None else count("most", most)
