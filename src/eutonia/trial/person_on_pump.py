"""One person under a pump program: the person of a case, with the pump of the program in place of any of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from eutonia._hours import HOURS_A_DAY
from eutonia._progress import Progress, silent
from eutonia.errors import StudyError
from eutonia.study.case_therapy import CaseTherapy, day_0
from eutonia.study.design import CaseStudy, from_tables
from eutonia.study.fields import ONSET
from eutonia.trial.case import run_case
from eutonia.trial.result import StudyResult, Zoom

if TYPE_CHECKING:
    import xarray

_OF_PUMPS = ("infusion", "stop infusion", "refill")


@dataclass(frozen=True)
class PersonOnPump:
    """A person under a pump program.

    Attributes
    ----------
    study
        The case that was run: the person with the program as its pump.
    result
        What came of it, on the clock of the program: time 0 is midnight of its day 0.
    begun_h
        Day 0 of the program, h since the onset.
    """

    study: CaseStudy
    result: StudyResult
    begun_h: float

    @property
    def course(self) -> xarray.Dataset:
        """Physiology and scores over time since day 0 of the program, h."""
        return self.result.course


def with_program(person: CaseStudy, program: Path, duration_h: float, implanted: str | None) -> CaseStudy:
    """Return the person of a case with a pump program in place of a pump of its own.

    Parameters
    ----------
    person
        A case; what it does with a pump of its own is left out, all else stays.
    program, duration_h
        File of the program, and how long it runs, h.
    implanted
        Day 0 of the program, time since the onset with its unit; if left out, the day on which the case has its pump,
        or that of the dates of both.

    Raises
    ------
    StudyError
        Nobody knows when, or person and program do not fit together.
    """
    tables: dict[str, Any] = person.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    tables["study"].pop("source", None)
    own = tables.pop("pump", {}).get("implanted") or tables.get("therapy", {}).get("implanted")
    when = implanted or own
    tables["therapy"] = {"program": str(program.resolve())} | ({} if when is None else {"implanted": when})
    end = _begun(person, tables["therapy"]) + duration_h
    every = min(float(person.case.examine_every_h), duration_h)
    tables["case"] |= {"duration": f"{end:.9g} hour", "examine_every": f"{every:.9g} hour"}
    kept = [one for one in person.events_as_written if one.kind not in _OF_PUMPS and one.at_h <= end]
    own = list(zip(tables.pop("treatment", []), person.treatments, strict=True))
    tables["treatment"] = [told for told, one in own if one.begins_h < end]
    tables["event"] = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in kept]
    return from_tables(CaseStudy, tables, f"{person.name} with {program.stem}")


def _begun(person: CaseStudy, therapy: dict[str, str]) -> float:
    """Return day 0 of the program in the life of the person, h since the onset."""
    when = therapy.get("implanted")
    try:
        given = CaseTherapy.model_validate(therapy, context={ONSET: person.case.onset})
    except ValidationError:
        raise StudyError(
            f'--implanted "{when}" is no time since the onset. Allowed: a time with its unit. Nearest: "274 day". '
            "Write it so."
        ) from None
    begun = day_0(person, given)
    if begun is None:
        raise StudyError(
            f"{person.name} has no pump, so nobody knows when the program begins. Allowed: a time since the onset. "
            f'Nearest: --implanted "{_day_after_chart(person)} day", the day after the last charted score. Say when.'
        )
    return begun


def _day_after_chart(person: CaseStudy) -> int:
    """Return the first whole day after everything that the chart knew before treatment."""
    return int(max((float(one.at_h) for one in person.charted), default=0.0) // HOURS_A_DAY) + 1


def run_person(study: CaseStudy, looks_h: Sequence[float], progress: Progress = silent) -> PersonOnPump:
    """Run the person of a case on the program that the case names.

    `looks_h` are hours of the program at which somebody looks, besides those at which something happens.
    """
    assert study.pump_therapy is not None
    begun = study.pump_therapy.starts_h
    result = run_case(study, progress, looks_h=[begun + hour for hour in looks_h])
    kept = result.course["time_h"].to_numpy() >= begun
    course = result.course.isel(time_h=np.flatnonzero(kept))
    course = course.assign_coords(time_h=("time_h", course["time_h"].to_numpy() - begun, course["time_h"].attrs))
    events = tuple((at - begun, label) for at, label in result.events if at >= begun)
    zooms = tuple(Zoom(one.title, one.start_h - begun, one.end_h - begun) for one in result.zooms)
    return PersonOnPump(study, dataclasses.replace(result, course=course, events=events, zooms=zooms), begun)
