"""Verb on options: several ways to treat one person, beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eutonia import parameters, session
from eutonia._arguments import CALL, TEXT, Kind, accepts
from eutonia._progress import Progress, silent
from eutonia.study.design import CaseStudy, Study, TrialStudy
from eutonia.study.same_person import check_options

if TYPE_CHECKING:
    from eutonia.trial.options import OptionComparison

_CASES = Kind(
    "a list of cases, as load_study returns them",
    '[load_study("case_ischaemic_tablets"), load_study("case_ischaemic_pump")]',
    lambda given: isinstance(given, list | tuple) and all(isinstance(one, Study) for one in given),
)


@accepts(options=_CASES, against=TEXT.or_none(), progress=CALL)
def compare_options(
    options: Sequence[TrialStudy | CaseStudy], *, against: str | None = None, progress: Progress = silent
) -> OptionComparison:
    """Run several cases of one person and compare what each treatment does.

    Parameters
    ----------
    options : sequence of CaseStudy
        Two to seven cases with one seed, person, lesion and chart, which differ in what is given.
    against : str or None
        Name of the case that the others are compared with; when left out the first.
    progress : callable
        Called with a stage and the share of it that is done, 0 to 1.

    Returns
    -------
    OptionComparison
        `frame()` has the median and the middle 95 % over the possible people of each option and of its difference from
        `against`, person by person: of each score in its unit ("last": at the last look; "mean": over time since the
        first treatment of any option), of each risk the highest.

    Raises
    ------
    ArgumentError
        No list of cases.
    StudyError
        A trial, fewer than two or more than seven, two of one name, another person or seed, or no such option.

    Notes
    -----
    **Not for** choosing a treatment: research and teaching only.
    """
    cases, base = check_options(options, against)
    from eutonia.trial.cost import affordable
    from eutonia.trial.options import run_options

    with parameters.beneath(cases[0].parameters):
        for one in cases:
            affordable(one)
        session.begin()
        return run_options(cases, base, progress)
