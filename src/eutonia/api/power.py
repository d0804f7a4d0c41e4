"""Verb on the size of a trial: how many people it needs for a power, by simulation of its own analysis."""

from __future__ import annotations

import itertools
import time
from typing import Any

from eutonia import parameters
from eutonia._arguments import CALL, NUMBER, TEXT, accepts
from eutonia._bounds import FEWEST_FOR_VERDICT, count
from eutonia._progress import Progress, silent
from eutonia.api.study import held, run
from eutonia.errors import StudyError, unknown
from eutonia.study.analysis_plan import AnalysisPlan
from eutonia.study.design import STUDY, CaseStudy, TrialStudy
from eutonia.trial.endpoints import contrasts_of
from eutonia.trial.power import MOST_SIZES, Look, PowerFound, answer, search
from eutonia.trial.record import repeat, study_record

#: Simulated trials of each size, and the power, unless others are asked for.
USUAL_TRIALS, USUAL_TARGET = 400, 0.9
_LOWEST, _HIGHEST = 0.1, 0.999


@accepts(study=STUDY, target=NUMBER, endpoint=TEXT.or_none(), progress=CALL)
def power(
    study: TrialStudy | CaseStudy,
    target: float = USUAL_TARGET,
    *,
    endpoint: str | None = None,
    replicates: int = USUAL_TRIALS,
    progress: Progress = silent,
) -> PowerFound:
    """Return how many people a trial needs: its own analysis on simulated trials of several sizes.

    Parameters
    ----------
    study : TrialStudy
        A trial that says its [analysis].
    target : float
        Power that is asked for, 0.1 to 0.999.
    endpoint : str or None
        Name of an endpoint of the analysis; its first primary one when left out. Its test is the adjusted one.
    replicates : int
        Simulated trials of each size, 40 or more.
    progress : callable
        Called with "Sizes" and the share of them that is done.

    Returns
    -------
    PowerFound
        `people`, its Monte Carlo interval `low` to `high`, and `frame()` with every simulated size.

    Raises
    ------
    ArgumentError
        No study.
    StudyError
        A case, a trial without [analysis], an unknown endpoint, a target that is no power, or an effect so small that
        no size that is looked at reaches it.

    Notes
    -----
    **Equation** probit(power) = a + b sqrt(n), fitted to the simulated sizes; each next size is where the fit so far
    reaches the target. People, luck and allocation of each size are those that `run` would give it. The numbers of the
    science are held at their records, unless the study says `parameters = "posterior"`: power is then an average.
    """
    began = time.perf_counter()
    plan, name = _asked(study, target, endpoint, replicates)
    assert isinstance(study, TrialStudy)
    with parameters.recording() as used, parameters.beneath(study.parameters):
        rows = search(study, target, plan.alpha, replicates, _look(study, name, replicates, progress))
        asked = {"target": target, "endpoint": endpoint, "replicates": replicates, "seed": study.seed}
        command = repeat("power", study.word, own=study.parameters, **asked)
        record = study_record(study, used, time.perf_counter() - began, command, replicates=replicates)
    progress("Sizes", 1.0)
    return answer(study, name, plan.alpha, target, replicates, rows, record)


def _look(study: TrialStudy, endpoint: str, replicates: int, progress: Progress) -> Look:
    """Return what simulates a size and returns what the analysis of one endpoint found there."""
    looked = itertools.count()

    def look(people: int) -> dict[str, Any]:
        progress("Sizes", next(looked) / MOST_SIZES)
        found = run(held(study).override(n=people), replicates=replicates)
        assert found.analysed is not None
        row = found.analysed.characteristics.filter(found.analysed.characteristics["endpoint"] == endpoint)
        return {**row.row(0, named=True), "people": people}

    return look


def _asked(
    study: TrialStudy | CaseStudy, target: float, endpoint: str | None, replicates: int
) -> tuple[AnalysisPlan, str]:
    """Return the analysis and the name of the endpoint, or say why there is none."""
    count("replicates", replicates)
    if isinstance(study, CaseStudy) or study.analysis is None:
        raise StudyError(
            f"{study.name} says no analysis, so nothing has a power. Allowed: a trial with a table [analysis]. "
            "Nearest: parallel_tablets, which ships with one. Write [analysis] and its [[analysis.endpoint]]."
        )
    if not _LOWEST <= target <= _HIGHEST:
        near = target / 100 if target >= 100 * _LOWEST else target  # a percentage
        raise StudyError(
            f"target is {target:g}. Allowed: a power from {_LOWEST:g} to {_HIGHEST:g}. Nearest: "
            f"{min(max(near, _LOWEST), _HIGHEST):g}. Correct it."
        )
    if replicates < FEWEST_FOR_VERDICT:
        raise StudyError(
            f"replicates is {replicates}, and a share of so few trials is no power. Allowed: {FEWEST_FOR_VERDICT} or "
            f"more. Nearest: {FEWEST_FOR_VERDICT}. Take more."
        )
    contrasts = contrasts_of(study)
    names = [one.name for one in contrasts]
    if endpoint is None:
        return study.analysis, next((one.name for one in contrasts if one.given.role == "primary"), names[0])
    if endpoint not in names:
        raise StudyError(unknown("endpoint", endpoint, names, "Name one of them, or leave it out."))
    return study.analysis, endpoint
