"""The parts of a pump program file that do not happen: quantities, times and days, the therapy, the implant.

Time 0 is midnight of day 0. Names of attributes carry the unit; the keys of the file do not.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field
from pydantic.json_schema import JsonSchemaValue

from eutonia import _bounds
from eutonia._hours import HOURS_A_DAY
from eutonia.drug import products
from eutonia.study import vocabulary
from eutonia.study.fields import (
    FileName,
    Given,
    Hours,
    Level,
    Named,
    Part,
    PumpModel,
    QuantityField,
    Reservoir,
    Text,
    described,
    refuse,
)
from eutonia.study.parts import reservoir_fits
from eutonia.study.read_field import ReadField
from eutonia.study.studyfile import Problem

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T]+([01]?\d|2[0-3]):([0-5]\d)(?::00)?)?", re.ASCII)
_DATE_LIKE = re.compile(r"\d[/-]\d|\d\.\d+\.\d|\d:\d")
_SINCE = QuantityField("duration", _bounds.TIME)
_MINUTES, _SECONDS_AN_HOUR = 60.0, 3600.0

# Guard rails against slips of the keyboard; what a label or a manual allows is a rule, and is reported as one.
Rate = Annotated[Given, QuantityField("intrathecal_rate", _bounds.PUMP_RATE, smallest=vocabulary.smallest_rate)]
Kept = Annotated[Given, QuantityField("intrathecal_rate", _bounds.KEPT_RATE)]
Dose = Annotated[Given, QuantityField("intrathecal_dose", _bounds.PUMP_DOSE)]
Strength = Annotated[Given, QuantityField("concentration_pump", _bounds.PUMP_CONCENTRATION)]
Injected = Annotated[Given, QuantityField("volume", _bounds.INJECTED)]
Catheter = Annotated[Given, QuantityField("length", _bounds.CATHETER)]
Duration = Annotated[Given, QuantityField("duration", _bounds.THERAPY)]
NotAll = Annotated[float, Field(strict=True, ge=0, lt=1, allow_inf_nan=False)]
PumpProduct = Annotated[
    str, Named("product for a pump", lambda: {n: p for n, p in vocabulary.products().items() if _goes_in_a_pump(n)})
]


def _goes_in_a_pump(name: str) -> bool:
    return products.find(name).route == products.INTRATHECAL


@dataclass(frozen=True)
class _Clock(ReadField):
    """A time of day written as "HH:MM", read as h since midnight."""

    def published(self) -> JsonSchemaValue:
        return {"type": "string", "pattern": f"^{_CLOCK.pattern}$", "examples": ["06:30"]}

    def read_in(self, value: object, info: object = None) -> float:
        """Return the hours since midnight."""
        found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            do = 'Write hours and minutes in quotation marks: "06:30".'
            refuse(Problem((), "It is not a time of day.", value, '"00:00" to "23:59"', do=do))
        return int(found[1]) + int(found[2]) / _MINUTES


@dataclass(frozen=True)
class _Day(ReadField):
    """A calendar day, as TOML writes it or in quotation marks."""

    def published(self) -> JsonSchemaValue:
        return {"type": "string", "format": "date", "examples": ["2026-03-02"]}

    def read_in(self, value: object, info: object = None) -> datetime.date:
        """Return the day."""
        if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
            return _near(value)
        found = _DATE.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None or found[4] is not None:
            do = "Write year, month and day: 2026-03-02."
            refuse(Problem((), "It is not a day.", value, "a day such as 2026-03-02", do=do))
        return _date(found, value)


@dataclass(frozen=True)
class Dated:
    """A moment by the calendar, and how the file writes it."""

    moment: datetime.datetime
    text: str

    def hours_since(self, day: datetime.date) -> float:
        """Return the hours since the midnight of a day, below 0 before it; no summer time."""
        return (self.moment - datetime.datetime.combine(day, datetime.time())).total_seconds() / _SECONDS_AN_HOUR


@dataclass(frozen=True)
class _When(ReadField):
    """When something happens: a time since midnight of day 0, or a day and a time of day by the calendar."""

    def published(self) -> JsonSchemaValue:
        since = {"type": "string", "pattern": "^\\s*[-+.0-9]", "examples": ["30 day"], "x-canonical-unit": "h"}
        return {"anyOf": [since, {"type": "string", "format": "date-time", "examples": ["2026-04-02 09:00"]}]}

    def read_in(self, value: object, info: object = None) -> Given | Dated:
        """Return the time since day 0, or the moment by the calendar."""
        if isinstance(value, datetime.datetime):
            if value.tzinfo is not None:
                do = "Write the time of the clock on the wall, without a zone: 2026-04-02 09:00."
                refuse(Problem((), "It names a time zone.", value.isoformat(), '"2026-04-02 09:00"', do=do))
            _near(value.date())
            return Dated(value, str(value))
        if isinstance(value, datetime.date):
            return Dated(datetime.datetime.combine(_near(value), datetime.time()), str(value))
        if isinstance(value, str) and (found := _DATE.fullmatch(value.strip())):
            clock = datetime.time(int(found[4] or 0), int(found[5] or 0))
            return Dated(datetime.datetime.combine(_date(found, value), clock), value.strip())
        if isinstance(value, str) and _DATE_LIKE.search(value):
            do = 'Write year, month, day and, if it is known, the time of day: "2026-04-02 09:00".'
            refuse(
                Problem((), "It is no day that is read one way only.", value, '"2026-04-02 09:00" or "31 day"', do=do)
            )
        found_h = _SINCE.read(value)
        assert isinstance(found_h, Given)
        return found_h


def _date(found: re.Match[str], value: object) -> datetime.date:
    try:
        day = datetime.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        refuse(Problem((), "There is no such day.", value, "a day of the calendar", do="Check month and day."))
    return _near(day)


def _near(day: datetime.date) -> datetime.date:
    """Return a day that is near enough to reckon with."""
    first, last = _bounds.FIRST_DAY, _bounds.LAST_DAY
    if not first <= day <= last:
        why, nearest = "It is in no year of ours, so a digit has slipped.", str(min(max(day, first), last))
        refuse(Problem((), why, str(day), f"{first} to {last}", (nearest,), "Correct the year."))
    return day


DAY, WHEN = _Day(), _When()
Clock = Annotated[float, _Clock()]
Day = Annotated[datetime.date, DAY]
When = Annotated[Given | Dated, WHEN]


class TherapyHead(Part):
    """What the therapy is."""

    name: FileName = described("Short name, for files.")
    title: Text = described("Title, in a sentence.")
    note: Text | None = described("Anything else.", default=None)
    origin: Literal["cerebral", "spinal"] = described("Origin of the spasticity: decides the steps the label allows.")
    begins: Day | None = described("Date of day 0.", default=None)
    duration_h: Duration = described("How long the therapy is followed.", alias="duration")
    screening_ug: Dose | None = described("Test dose that worked, if one was given.", alias="screening", default=None)
    screening_effect_h: Hours | None = described(
        "How long the effect of the test dose lasted.", alias="screening_effect", default=None
    )

    def _problems(self) -> Iterable[Problem]:
        if self.duration_h < HOURS_A_DAY:
            why, do = "There is no whole day to look at.", "Make it longer."
            yield Problem(("duration",), why, self.duration_h.text, '"1 day" or more', do=do)


class Implant(Part):
    """The implanted pump and its catheter. The tubing holds no drug until it is primed."""

    model: PumpModel = described("Model by name.")
    product: PumpProduct = described("Product with which it is filled.")
    reservoir_ml: Reservoir = described("Volume of the reservoir; it is full on day 0.", alias="reservoir")
    concentration_ug_per_ml: Strength = described("Concentration of the first filling.", alias="concentration")
    alarm_volume_ml: Reservoir | None = described(
        "Volume left at which the low-reservoir alarm sounds; left out, that of the model.",
        alias="alarm_volume",
        default=None,
    )
    implanted: Day | None = described("Date on which it is implanted and filled: that of day 0.", default=None)
    catheter_cm: Catheter = described("Implanted length of the catheter.", alias="catheter")
    tip: Level = described("Vertebral level of the catheter tip.")

    def _problems(self) -> Iterable[Problem]:
        return reservoir_fits(self.model, self.reservoir_ml, self.alarm_volume_ml)
