"""The parts of a pump program file: the implant, and what is programmed, filled, injected or broken when.

Time 0 is midnight of day 0. Names of attributes carry the unit; the keys of the file do not.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from eutonia import _bounds
from eutonia.drug import products
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.program import Program, Step
from eutonia.drug.regimen import HOURS_A_DAY
from eutonia.errors import StudyError
from eutonia.study import vocabulary
from eutonia.study.fields import (
    FileName,
    Given,
    Hours,
    Interval,
    Level,
    Named,
    Part,
    PumpModel,
    Quantity,
    Reservoir,
    Text,
    described,
    refuse,
)
from eutonia.study.parts import reservoir_fits
from eutonia.study.studyfile import Problem

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_MINUTES = 60.0

# Guard rails against slips of the keyboard; what a label or a manual allows is a rule, and is reported as one.
Rate = Annotated[Given, Quantity("intrathecal_rate", _bounds.PUMP_RATE, smallest=vocabulary.smallest_rate)]
Kept = Annotated[Given, Quantity("intrathecal_rate", _bounds.KEPT_RATE)]
Dose = Annotated[Given, Quantity("intrathecal_dose", _bounds.PUMP_DOSE)]
Strength = Annotated[Given, Quantity("concentration_pump", _bounds.PUMP_CONCENTRATION)]
Injected = Annotated[Given, Quantity("volume", _bounds.INJECTED)]
Catheter = Annotated[Given, Quantity("length", _bounds.CATHETER)]
Duration = Annotated[Given, Quantity("duration", _bounds.THERAPY)]
PartOfOne = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
NotAll = Annotated[float, Field(strict=True, ge=0, lt=1, allow_inf_nan=False)]
PumpProduct = Annotated[
    str, Named("product for a pump", lambda: {n: p for n, p in vocabulary.products().items() if _goes_in_a_pump(n)})
]


def _goes_in_a_pump(name: str) -> bool:
    return products.find(name).route == products.INTRATHECAL


@dataclass(frozen=True)
class _Clock:
    """A time of day written as "HH:MM", read as h since midnight."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def read(self, value: object) -> float:
        """Return the hours since midnight."""
        found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            do = 'Write hours and minutes in quotation marks: "06:30".'
            refuse(Problem((), "It is not a time of day.", value, '"00:00" to "23:59"', do=do))
        return int(found[1]) + int(found[2]) / _MINUTES


@dataclass(frozen=True)
class _Day:
    """A calendar day, which TOML writes without quotation marks."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def read(self, value: object) -> datetime.date:
        """Return the day."""
        if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
            do = "Write year, month and day without quotation marks: 2026-03-02."
            refuse(Problem((), "It is not a day.", value, "a day such as 2026-03-02", do=do))
        return value


Clock = Annotated[float, _Clock()]
Day = Annotated[datetime.date, _Day()]


class TherapyHead(Part):
    """What the therapy is."""

    name: FileName = described("Short name, for files.")
    title: Text = described("Title, in a sentence.")
    note: Text | None = described("Anything else.", default=None)
    origin: Literal["cerebral", "spinal"] = described("Origin of the spasticity: decides the steps the label allows.")
    begins: Day | None = described("Date of day 0, without quotation marks.", default=None)
    duration_h: Duration = described("How long the therapy is followed.", alias="duration")
    screening_ug: Dose | None = described("Test dose that worked, if one was given.", alias="screening", default=None)
    screening_effect_h: Hours | None = described(
        "How long the effect of the test dose lasted.", alias="screening_effect", default=None
    )

    @model_validator(mode="after")
    def _a_day(self) -> TherapyHead:
        if self.duration_h < HOURS_A_DAY:
            why, do = "There is no whole day to look at.", "Make it longer."
            refuse(Problem(("duration",), why, self.duration_h.text, '"1 day" or more', do=do))
        return self


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
    catheter_cm: Catheter = described("Implanted length of the catheter.", alias="catheter")
    tip: Level = described("Vertebral level of the catheter tip.")

    @model_validator(mode="after")
    def _fits(self) -> Implant:
        if found := reservoir_fits(self.model, self.reservoir_ml, self.alarm_volume_ml):
            refuse(*found)
        return self


class FlexStep(Part):
    """A step of a day: from this time of day on, this rate."""

    from_h: Clock = described("Time of day.", alias="from")
    rate_ug_per_h: Rate = described("Rate from then on.", alias="rate")


class _Event(Part):
    """Something that happens at one time."""

    at_h: Hours = described("When, time since midnight of day 0.", alias="at")


class Simple(_Event):
    """One rate, day and night."""

    kind: Literal["simple"] = described("One rate, day and night.")
    rate_ug_per_h: Rate = described("The rate.", alias="rate")

    def event(self) -> happens.Event:
        """Return what happens."""
        return happens.Programmed(float(self.at_h), Program.simple(float(self.rate_ug_per_h)))


class Flex(_Event):
    """Steps of the day, with others at the weekend if given."""

    kind: Literal["flex"] = described("Steps of the day.")
    steps: Annotated[tuple[FlexStep, ...], Field(min_length=1, max_length=96)] = described("From midnight on.")
    weekend: Annotated[tuple[FlexStep, ...], Field(min_length=1, max_length=96)] | None = described(
        "Steps on Saturday and Sunday; left out, as on other days.", default=None
    )

    @model_validator(mode="after")
    def _whole_days(self) -> Flex:
        for key, steps in (("steps", self.steps), ("weekend", self.weekend or ())):
            if steps and steps[0].from_h != 0:
                do = 'Let the first step begin at "00:00".'
                refuse(Problem((key, 0, "from"), "Nothing is said of the time before.", None, '"00:00"', do=do))
            for k in range(1, len(steps)):
                if steps[k].from_h <= steps[k - 1].from_h:
                    why = "It does not come after the step in front."
                    refuse(Problem((key, k, "from"), why, None, "a rising list", do="Sort the steps by time of day."))
        return self

    def event(self) -> happens.Event:
        """Return what happens."""
        week, weekend = (
            None if steps is None else [Step(step.from_h, float(step.rate_ug_per_h)) for step in steps]
            for steps in (self.steps, self.weekend)
        )
        return happens.Programmed(float(self.at_h), Program.flex(week or (), weekend))


class ScheduledBolus(_Event):
    """A basal rate with boluses at times of the day."""

    kind: Literal["scheduled bolus"] = described("Boluses at times of the day, over a basal rate.")
    basal_ug_per_h: Rate = described("Rate between the boluses.", alias="basal")
    dose_ug: Dose = described("Each bolus.", alias="dose")
    over_h: Interval = described("Time over which a bolus runs.", alias="over")
    times_h: Annotated[tuple[Clock, ...], Field(min_length=1, max_length=48)] = described(
        "Times of day.", alias="times"
    )

    @model_validator(mode="after")
    def _apart(self) -> ScheduledBolus:
        try:
            self.event()
        except StudyError as error:
            why, _, do = str(error).partition(" Allowed: ")
            refuse(Problem(("times",), f"{why[0].upper()}{why[1:]}", None, do.split(". ")[0], do=do.split(". ")[-1]))
        return self

    def event(self) -> happens.Event:
        """Return what happens."""
        numbers = (float(self.basal_ug_per_h), float(self.dose_ug), float(self.over_h))
        return happens.Programmed(float(self.at_h), Program.pulsatile(*numbers, sorted(set(self.times_h))))


class MinimumRate(_Event):
    """The mode that only keeps the tubing open."""

    kind: Literal["minimum rate"] = described("The mode that only keeps the tubing open.")

    def event(self) -> happens.Event:
        """Return what happens."""
        return happens.Programmed(float(self.at_h), None)


class Stop(_Event):
    """The pump is stopped."""

    kind: Literal["stop"] = described("The pump stands still from here on.")

    def event(self) -> happens.Event:
        """Return what happens."""
        return happens.Programmed(float(self.at_h), Program.simple(0.0))


class RefillEvent(_Event):
    """The reservoir is emptied and filled."""

    kind: Literal["refill"] = described("The reservoir is emptied and filled.")
    concentration_ug_per_ml: Strength | None = described(
        "New concentration; left out, as before.", alias="concentration", default=None
    )
    volume_ml: Reservoir | None = described("How much; left out, to the top.", alias="volume", default=None)

    def event(self) -> happens.Event:
        """Return what happens."""
        return happens.Refill(float(self.at_h), _number(self.concentration_ug_per_ml), _number(self.volume_ml))


class Prime(_Event):
    """A priming bolus."""

    kind: Literal["prime"] = described("The pump fills tubing and catheter as fast as it can.")
    volume_ml: Injected | None = described("How much; left out, what they hold.", alias="volume", default=None)

    def event(self) -> happens.Event:
        """Return what happens."""
        return happens.Prime(float(self.at_h), _number(self.volume_ml))


class Bridge(_Event):
    """A bridge bolus after a change of concentration."""

    kind: Literal["bridge"] = described("Keeps a dose of the old solution until it has left the tubing.")
    keeps_ug_per_h: Kept = described("Dose that the person keeps meanwhile.", alias="keeps")

    def event(self) -> happens.Event:
        """Return what happens."""
        return happens.Bridge(float(self.at_h), float(self.keeps_ug_per_h))


class Flush(_Event):
    """The catheter is flushed by hand."""

    kind: Literal["flush"] = described("Saline is injected into the catheter by hand.")
    volume_ml: Injected | None = described("How much; left out, what the catheter holds.", alias="volume", default=None)

    def event(self) -> happens.Event:
        """Return what happens."""
        return happens.Flush(float(self.at_h), _number(self.volume_ml))


class Kink(_Event):
    """The catheter is kinked."""

    kind: Literal["kink"] = described("The catheter is kinked.")
    passes: NotAll = described("Share of the flow that passes, 0 (shut) to 1.")

    def event(self) -> happens.Event:
        """Return what happens."""
        return happens.Kink(float(self.at_h), self.passes)


class Leak(_Event):
    """The connector leaks."""

    kind: Literal["leak"] = described("The connector between pump and catheter leaks.")
    share: PartOfOne = described("Share of the flow that is lost, up to 1 (disconnected).")

    def event(self) -> happens.Event:
        """Return what happens."""
        return happens.Leak(float(self.at_h), self.share)


class Magnet(_Event):
    """A magnetic resonance examination."""

    kind: Literal["magnet"] = described("A magnetic resonance examination.")
    lasts_h: Interval = described("Time for which a rotor stalls.", alias="lasts")

    def event(self) -> happens.Event:
        """Return what happens."""
        return happens.Magnet(float(self.at_h), float(self.lasts_h))


class Replacement(_Event):
    """The pump is replaced."""

    kind: Literal["replacement"] = described("A new pump on the old catheter, full, its tubing without drug.")
    concentration_ug_per_ml: Strength | None = described(
        "Its concentration; left out, as before.", alias="concentration", default=None
    )

    def event(self) -> happens.Event:
        """Return what happens."""
        return happens.Replacement(float(self.at_h), _number(self.concentration_ug_per_ml))


class Plain(_Event):
    """What needs no more than a time."""

    kind: Literal["disconnection", "repair", "restart", "empty"] = described(
        "The catheter comes off; it is repaired; the pump is set going again after a magnet; it is emptied."
    )

    def event(self) -> happens.Event:
        """Return what happens."""
        at = float(self.at_h)
        if self.kind == "disconnection":
            return happens.Leak(at, 1.0)
        if self.kind == "repair":
            return happens.Repair(at)
        return happens.Restart(at) if self.kind == "restart" else happens.Emptied(at)


Event = Annotated[
    Simple
    | Flex
    | ScheduledBolus
    | MinimumRate
    | Stop
    | RefillEvent
    | Prime
    | Bridge
    | Flush
    | Kink
    | Leak
    | Magnet
    | Replacement
    | Plain,
    Field(discriminator="kind"),
]


def _number(value: Given | None) -> float | None:
    return None if value is None else float(value)
