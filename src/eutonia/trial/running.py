"""From a name on the command line to a result: load, begin the session, run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eutonia import session
from eutonia._arguments import CALL, accepts, instance
from eutonia._bounds import count
from eutonia._progress import Progress, silent
from eutonia.errors import StudyError
from eutonia.study.design import STUDY, CaseStudy, TrialStudy, load_study

if TYPE_CHECKING:
    from eutonia.trial.result import StudyResult


def load(study: str, *, seed: int | None = None, patients: int | None = None) -> TrialStudy | CaseStudy:
    """Read a study and replace its seed or number of people where asked."""
    given = load_study(study)
    return given.override(n=patients, seed=seed) if (seed, patients) != (None, None) else given


@accepts(study=STUDY, potential_outcomes=instance("True or False", "False", bool), progress=CALL)
def run(
    study: TrialStudy | CaseStudy,
    *,
    replicates: int = 500,
    block: int = 1024,
    workers: int = 2,
    potential_outcomes: bool = False,
    progress: Progress = silent,
) -> StudyResult:
    """Run a trial or a case in 64-bit, with compiled programs kept on disk between runs.

    Parameters
    ----------
    study
        What `load_study` returned.
    replicates
        Number of replicate trials (a case has none).
    block, workers
        People computed together, and blocks at a time; neither changes a result.
    potential_outcomes
        Whether the result also holds what people would have scored in the arms of a parallel phase that they were not
        allocated to.
    progress
        Called with a stage and the share of it that is done, 0 to 1.
    """
    from eutonia.trial.cost import affordable

    for what, given in (("replicates", replicates), ("block", block), ("workers", workers)):
        count(what, given)
    affordable(study, replicates, block, workers)
    session.begin()
    if potential_outcomes and not any(phase.design == "parallel" for phase in getattr(study, "phases", ())):
        raise StudyError(
            f"potential outcomes of {study.name}: nobody is allocated to one of several arms. Allowed: a trial with a "
            "parallel phase. Leave the option out."
        )
    if isinstance(study, CaseStudy):
        from eutonia.trial.case import run_case

        return run_case(study, progress)
    from eutonia.trial.run import RunOptions, run_trial

    return run_trial(study, RunOptions(replicates, block, workers, potential_outcomes), progress)
