"""The verb program: what a pump program delivers. Twin of `eutonia pump`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia import parameters, session
from eutonia._arguments import CALL, TEXT, WHOLE, accepts, instance
from eutonia._hours import HOURS_A_DAY
from eutonia._printed import Printed
from eutonia._progress import Progress, silent
from eutonia.drug.pump import Therapy, play
from eutonia.drug.pump.forecast import Forecast, forecast
from eutonia.errors import StudyError
from eutonia.report import words
from eutonia.report.pump import files as report
from eutonia.report.pump import words as pump_words
from eutonia.study.design import CaseStudy, load_study
from eutonia.study.pump_file import file_of, load_therapy
from eutonia.trial.person_on_pump import PersonOnPump, run_person, with_program
from eutonia.trial.record import inputs, repeat, run_record

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True, repr=False)
class PumpResult(Printed):
    """A pump program played through: its `forecast`, the `day` to show hour by hour, `run` to repeat it.

    `person` is what it does to a person, if one was given; `person.course` holds tone and scores over time.
    """

    forecast: Forecast
    day: int
    run: Mapping[str, Any]
    person: PersonOnPump | None = None

    def prose(self) -> str:
        """Return which pump it is, how many rules are broken, and where the drug is."""
        therapy, broken = self.forecast.course.therapy, len(self.forecast.broken)
        rules = f"{broken} rule{'s' * (broken != 1)} broken" if broken else "no rule is broken"
        return (
            f"{words.clinic(therapy.title)}: {therapy.device.model}, "
            f"{therapy.duration_h / HOURS_A_DAY:g} days; {rules}. "
            f"{report.balance(self.forecast)} {words.DISCLAIMER}."
        )

    def frame(self) -> polars.DataFrame:
        """Return a row an hour: time_h, pumped_ug, tip_ug, lost_ug, levels of each region and case in ng/mL."""
        import polars as pl

        heads, *rows = pump_words.table(self.forecast)
        return pl.DataFrame([[float(x) for x in row] for row in rows], schema=heads, orient="row")

    def write(self, folder: str | os.PathLike[str]) -> Path:
        """Write page, hourly table and record into a folder, whole or not at all."""
        return report.write(self.forecast, folder, self.day, self.run, self.person)


@accepts(
    therapy=instance("a file, a name or a therapy", '"first_pump"', str, os.PathLike, Therapy),
    day=WHOLE.or_none(),
    person=instance("a file, a name or a case", '"case_haemorrhage_pump"', str, os.PathLike, CaseStudy).or_none(),
    implanted=TEXT.or_none(),
    progress=CALL,
)
def program(
    therapy: str | os.PathLike[str] | Therapy,
    *,
    day: int | None = None,
    person: str | os.PathLike[str] | CaseStudy | None = None,
    implanted: str | None = None,
    progress: Progress = silent,
) -> PumpResult:
    """Play a pump program: what it delivers, the next dates, levels in the spinal fluid, every rule it breaks.

    Parameters
    ----------
    therapy : path, name or Therapy
        A pump program file, the name of one that ships, or one read by `load_therapy`.
    day : int or None
        Day to show hour by hour; the last when left out.
    person : path, name or CaseStudy, or None
        A case, whose person gets this pump: all of the case but a pump of its own.
    implanted : str or None
        Day 0 of the program, time since the person's onset; left out, the day on which the case has its own pump.
    progress : callable
        Called with a stage and the share of it that is done.

    Returns
    -------
    PumpResult
        `frame()` has the hours, `forecast.dates` the next dates, `forecast.broken` the broken rules, `write(folder)`
        page and table.

    Raises
    ------
    StudyError
        A file that is none, with every fault in `.faults`; a person who does not fit the program.
    SimulationError
        A day beyond the end.
    ArgumentError
        An argument of another type.

    Notes
    -----
    **Equation** plug flow in the tubing, six segments of spinal fluid (`eutonia.drug.kinetics.geometry`).

    **Not for** programming a pump: research and teaching only.
    """
    began = time.perf_counter()
    with parameters.recording() as used:
        chosen = therapy if isinstance(therapy, Therapy) else load_therapy(os.fspath(therapy))
        shown = pump_words.shown_day(chosen, day)
        session.begin()
        found = forecast(play(chosen))
        case = _case(person)
        whose = _person(therapy, chosen, case, implanted, shown, progress)
    files = [] if isinstance(therapy, Therapy) else [file_of(os.fspath(therapy))]
    word = chosen.name if isinstance(therapy, Therapy) else os.fspath(therapy)
    who = person.word if isinstance(person, CaseStudy) else None if person is None else os.fspath(person)
    command = repeat("pump", word, day=day, person=who, implanted=implanted)
    read = inputs([*files, *([] if case is None or case.path is None else [case.path])])
    run = run_record(None, "", used, time.perf_counter() - began, command=command, inputs=read)
    return PumpResult(found, shown, run, whose)


def _case(person: str | os.PathLike[str] | CaseStudy | None) -> CaseStudy | None:
    """Return the case of a person, read once; None without a person."""
    case = person if person is None or isinstance(person, CaseStudy) else load_study(person)
    if case is None or isinstance(case, CaseStudy):
        return case
    raise StudyError(
        f"{case.name} is a trial, and a pump has one person. Allowed: a case. Nearest: case_haemorrhage_pump. Name "
        "a case."
    )


def _person(
    given: str | os.PathLike[str] | Therapy,
    therapy: Therapy,
    case: CaseStudy | None,
    implanted: str | None,
    day: int,
    progress: Progress,
) -> PersonOnPump | None:
    """Return the person on the program, looked at in every hour of the day that is shown; None without a person."""
    if case is None and implanted is not None:
        raise StudyError(
            f'implanted "{implanted}" without a person: a program has its own day 0. Allowed: implanted with a person. '
            "Nearest: --person case_haemorrhage_pump. Name the person, or leave implanted out."
        )
    if case is None:
        return None
    if isinstance(given, Therapy):
        raise StudyError(
            "a person on a therapy that stands in no file. Allowed: the file of a pump program, or the name of one "
            'that ships. Nearest: "first_pump". Write the program into a file.'
        )
    with parameters.beneath(case.parameters):
        study = with_program(case, file_of(given), therapy.duration_h, implanted)
        return run_person(study, [HOURS_A_DAY * day + hour for hour in range(25)], progress)
