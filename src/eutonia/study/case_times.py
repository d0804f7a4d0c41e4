"""When something happens in a case: a time since the onset, or a day and time of day by the calendar.

A case whose table [case] names the day of the onset has a calendar; its time 0 is the midnight before.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError

from eutonia.study.fields import ONSET, Checking, Given, refuse
from eutonia.study.pump_parts import DAY, WHEN, Dated
from eutonia.study.read_field import ReadField
from eutonia.study.studyfile import Problem

#: In the place of an onset that is no day.
UNREADABLE = "unreadable"


@dataclass(frozen=True)
class _SinceOnset(ReadField):
    """A time since the onset in h that remembers its text, whichever way it is written."""

    def published(self) -> JsonSchemaValue:
        return WHEN.published()

    def read_in(self, value: object, info: Checking) -> Given:
        """Return the time since the onset, h."""
        when = WHEN.read_in(value.text if isinstance(value, Given) else value)
        if not isinstance(when, Dated):
            return when
        onset = (info.context or {}).get(ONSET)
        if onset == UNREADABLE:
            return Given(0.0, when.text)  # the onset is refused, and the file with it
        if onset is None:
            do = "Add onset to [case], such as onset = 2026-03-02."
            why = "Without the date of the onset nobody knows when that is."
            refuse(Problem((), why, when.text, 'a case with a date, or a time such as "30 day"', do=do))
        since = when.hours_since(onset)
        if since < 0:
            refuse(Problem((), "It is before the onset.", when.text, f"{onset} or later", do="Correct one of the two."))
        return Given(since, when.text)


def onset_of(tables: Mapping[str, Any]) -> datetime.date | str | None:
    """Return the day of the onset that the tables of a case name; `UNREADABLE` where it is no day, None without one."""
    case = tables.get("case")
    given = case.get("onset") if isinstance(case, Mapping) else None
    try:
        return None if given is None else DAY.read_in(given)
    except PydanticCustomError:
        return UNREADABLE


SINCE_ONSET = _SinceOnset()
Moment = Annotated[Given, SINCE_ONSET]
