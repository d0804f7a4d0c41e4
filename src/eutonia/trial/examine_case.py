"""Examine the person of a case at one moment with the mechanical tests of the bedside and the laboratory.

The person is run as many people who share what is known; every finding is a spread over them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eutonia import parameters, session
from eutonia._arguments import CALL, TEXT, accepts
from eutonia._hours import HOURS_A_DAY
from eutonia._printed import Printed
from eutonia._progress import Progress, silent
from eutonia.errors import StudyError, unknown
from eutonia.examination import TESTS, groups
from eutonia.examination.findings import Finding, MovementTrace
from eutonia.parameters import citations
from eutonia.patient import LIMBS
from eutonia.simulation.bedside import bedside
from eutonia.study.design import STUDY, CaseStudy, TrialStudy
from eutonia.trial.case import people_of_case
from eutonia.trial.case_risks import POSSIBLE_PEOPLE
from eutonia.trial.moment import moment
from eutonia.trial.record import repeat, study_record
from eutonia.trial.trace import moment_course

if TYPE_CHECKING:
    import polars
    import xarray


@dataclass(frozen=True, repr=False)
class BedsideResult(Printed):
    """What an examination found: `at_h` since the onset, `happened` until then (h, what), findings and recordings;
    `course` has tone and drug of everybody possible at that hour, as the course of a case has.
    """

    study_name: str
    title: str
    at_h: float
    tests: tuple[str, ...]
    happened: tuple[tuple[float, str], ...]
    findings: tuple[Finding, ...]
    traces: tuple[MovementTrace, ...]
    people: int
    run: Mapping[str, Any]
    course: xarray.Dataset | None = None

    def prose(self) -> str:
        """Return who was examined, when and by what."""
        return (
            f"{self.title} (case {self.study_name}), examined {self.at_h / HOURS_A_DAY:g} days after the onset by "
            f"{', '.join(self.tests)}: {len(self.findings)} findings over {self.people} people who share what is "
            "known. See frame()."
        )

    def frame(self) -> polars.DataFrame:
        """Return every finding of everybody possible: test, of, what, unit, patient, value, grade (its name), key."""
        import polars as pl

        parts = []
        for one in self.findings:
            steps = dict(enumerate(one.grades))
            named = [steps.get(int(x), "") if steps and x == x else None for x in one.values.tolist()]
            columns = {"patient": range(len(one.values)), "value": one.values, "grade": named}
            about = {"test": one.test, "of": one.of, "what": one.what, "unit": one.unit, "key": one.key}
            frame = pl.DataFrame(columns, schema={"patient": pl.Int64, "value": pl.Float64, "grade": pl.String})
            parts.append(frame.with_columns([pl.lit(value).alias(name) for name, value in about.items()]))
        order = ["test", "of", "what", "unit", "patient", "value", "grade", "key"]
        return pl.concat(parts).select(order).with_columns(pl.col("value").fill_nan(None))


@accepts(study=STUDY, test=TEXT, at=TEXT.or_none(), limb=TEXT.or_none(), progress=CALL)
def examine_case(
    study: CaseStudy | TrialStudy,
    test: str = "bedside",
    at: str | None = None,
    limb: str | None = None,
    progress: Progress = silent,
) -> BedsideResult:
    """Examine the person of a case.

    Parameters
    ----------
    study
        A case; its lesion, chart, drug and pump until then decide what is found.
    test
        A name out of `TESTS`, or a group of them: "bedside", "nerve" or "all".
    at
        A moment, such as "day 90", "3 month" or "4 h after the bolus"; the end of the case when left out.
    limb
        "leg" or "arm" of the affected side; both when left out.
    progress
        Called with a stage and the share of it that is done, 0 to 1.

    Raises
    ------
    StudyError
        No case, no such test, limb or time.
    """
    session.begin()
    case, names = _case(study), _tests(test, limb)
    with parameters.beneath(case.parameters):
        return _examine(case, names, test, at, limb, progress)


def check(study: CaseStudy | TrialStudy, test: str = "bedside", at: str | None = None, limb: str | None = None) -> None:
    """Refuse what `examine_case` would refuse; nobody is examined.

    Raises
    ------
    StudyError
        No case, no such test, limb or time.
    """
    _tests(test, limb)
    moment(_case(study), at)


def _examine(
    case: CaseStudy, names: tuple[str, ...], test: str, at: str | None, limb: str | None, progress: Progress
) -> BedsideResult:
    began = time.perf_counter()
    at_h = moment(case, at)
    findings: list[Finding] = []
    traces: list[MovementTrace] = []
    with parameters.recording() as used:
        people, snapshot, happened, effects = people_of_case(case, at_h, progress)
        ready = bedside(people, snapshot)
        for done, name in enumerate(names):
            progress("Examination", done / len(names))
            limbs = [one for one in TESTS[name].limbs if limb in (None, one)]
            found, recorded = TESTS[name].done(ready, limbs, case.seed)
            findings += found
            traces += recorded
    progress("Examination", 1.0)
    run = study_record(
        case,
        used,
        time.perf_counter() - began,
        repeat("examine", case.word, own=case.parameters, test=test, at=at, limb=limb),
        citations.cited((source for name in names for source in TESTS[name].sources), "bedside_test"),
        possible_people=POSSIBLE_PEOPLE,
    )
    course = moment_course(people, snapshot, effects, at_h)
    return BedsideResult(
        case.name, case.title, at_h, names, happened, tuple(findings), tuple(traces), POSSIBLE_PEOPLE, run, course
    )


def _case(study: CaseStudy | TrialStudy) -> CaseStudy:
    if isinstance(study, CaseStudy):
        return study
    raise StudyError(
        f'"{study.name}" is a trial: many people, not one. Allowed: a study of kind "case", such as '
        "case_haemorrhage_pump. To examine one of its people, write a case with that person's lesion and drug."
    )


def _tests(test: str, limb: str | None) -> tuple[str, ...]:
    if limb is not None and limb not in LIMBS:
        raise StudyError(unknown("limb", limb, LIMBS, "Leave --limb out for both."))
    several = groups()
    if test not in (*TESTS, *several):
        do = "Give one of them. One more: eutonia.examination.register"
        raise StudyError(unknown("test", test, (*TESTS, *several), do))
    names = several.get(test, (test,))
    found = tuple(name for name in names if limb is None or limb in TESTS[name].limbs)
    if not found:
        fitting = ", ".join(name for name, one in TESTS.items() if limb in one.limbs)
        raise StudyError(
            f"the test {test} is one of the {' or '.join(TESTS[names[0]].limbs)}, not of the {limb}. "
            f"Tests of the {limb}: {fitting}. Leave --limb out, or choose one of those."
        )
    return found
