"""Doses, infusions and regimens: what is given, by which route, when.

Milligrams by mouth and micrograms in the spinal fluid are different types; adding one to the other is an error.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass

from eutonia import _bounds
from eutonia._arguments import Kind, expect
from eutonia._bounds import COARSEST, number, told
from eutonia._hours import HOURS_A_DAY
from eutonia.errors import StudyError, UnitError, unknown

Number = float | int
ACCESSES = ("lumbar puncture", "catheter")
_SHORTEST_INTERVAL_H = _bounds.INTERVAL.low
_ROUTES_DIFFER = (
    "{0:g} mg by mouth and {1:g} ug in the spinal fluid are not the same drug amount in two units: the routes differ "
    "about a thousandfold in effect. Allowed: oral with oral, intrathecal with intrathecal. Keep them separate doses."
)


@dataclass(frozen=True, slots=True, order=True)
class OralDose:
    """An amount taken by mouth, mg."""

    mg: Number

    def __post_init__(self) -> None:
        """Refuse what cannot be an amount."""
        object.__setattr__(self, "mg", _amount(self.mg, "an oral dose", "mg"))

    def __str__(self) -> str:
        """Print as a label does."""
        return f"{self.mg:g} mg"

    def __add__(self, other: object) -> OralDose:
        """Add another oral dose; an intrathecal one is refused."""
        if isinstance(other, IntrathecalDose):
            raise UnitError(_ROUTES_DIFFER.format(self.mg, other.ug))
        return OralDose(self.mg + other.mg) if isinstance(other, OralDose) else NotImplemented

    def __mul__(self, factor: Number) -> OralDose:
        """Scale the dose."""
        return OralDose(self.mg * factor)

    __rmul__ = __mul__


@dataclass(frozen=True, slots=True, order=True)
class IntrathecalDose:
    """An amount given into the spinal fluid, ug."""

    ug: Number

    def __post_init__(self) -> None:
        """Refuse what cannot be an amount."""
        object.__setattr__(self, "ug", _amount(self.ug, "an intrathecal dose", "ug"))

    def __str__(self) -> str:
        """Print as a label does."""
        return f"{self.ug:g} ug"

    def __add__(self, other: object) -> IntrathecalDose:
        """Add another intrathecal dose; an oral one is refused."""
        if isinstance(other, OralDose):
            raise UnitError(_ROUTES_DIFFER.format(other.mg, self.ug))
        return IntrathecalDose(self.ug + other.ug) if isinstance(other, IntrathecalDose) else NotImplemented

    def __mul__(self, factor: Number) -> IntrathecalDose:
        """Scale the dose."""
        return IntrathecalDose(self.ug * factor)

    __rmul__ = __mul__


@dataclass(frozen=True, slots=True, order=True)
class Infusion:
    """A constant rate into the spinal fluid, ug/h; 0 is a stopped or dry pump."""

    ug_per_h: Number

    def __post_init__(self) -> None:
        """Refuse what cannot be a rate."""
        object.__setattr__(self, "ug_per_h", _amount(self.ug_per_h, "an infusion", "ug/h"))

    @classmethod
    def per_day(cls, ug_per_day: Number) -> Infusion:
        """Return the infusion that delivers so many ug a day."""
        return cls(_amount(ug_per_day, "an infusion", "ug/day") / HOURS_A_DAY)

    @property
    def ug_per_day(self) -> float:
        """Amount delivered in a day, ug."""
        return self.ug_per_h * HOURS_A_DAY

    def over(self, hours: Number) -> IntrathecalDose:
        """Return the amount delivered in so many hours."""
        return IntrathecalDose(self.ug_per_h * hours)

    def __str__(self) -> str:
        """Print as a pump does."""
        return f"{self.ug_per_day:g} ug/day"

    def __mul__(self, factor: Number) -> Infusion:
        """Scale the rate."""
        return Infusion(self.ug_per_h * factor)

    __rmul__ = __mul__


@dataclass(frozen=True, slots=True)
class TabletTaken:
    """One oral dose at one time."""

    time_h: Number
    dose: OralDose
    product: str = ""


@dataclass(frozen=True, slots=True)
class Bolus:
    """One dose into the spinal fluid at one time; `tip` is the level of the catheter, None for that of the patient."""

    time_h: Number
    dose: IntrathecalDose
    access: str = "lumbar puncture"
    tip: str | None = None
    product: str = ""

    def __post_init__(self) -> None:
        """Refuse an unknown way in, or a tip without a catheter."""
        object.__setattr__(self, "time_h", _time(self.time_h, "a bolus"))
        _is(self.dose, IntrathecalDose, "a bolus into the spinal fluid", "IntrathecalDose(ug=50)")
        if self.access not in ACCESSES:
            raise StudyError(unknown("way into the spinal fluid", self.access, ACCESSES))
        if self.tip is not None and self.access != "catheter":
            raise StudyError(f'a bolus by {self.access} has a tip "{self.tip}". Only a catheter has one: leave it out.')


@dataclass(frozen=True, slots=True)
class InfusionChange:
    """From this time on the pump delivers this rate."""

    time_h: Number
    infusion: Infusion
    product: str = ""

    def __post_init__(self) -> None:
        """Refuse a time that is none."""
        object.__setattr__(self, "time_h", _time(self.time_h, "a change of infusion"))
        _is(self.infusion, Infusion, "a pump", "Infusion.per_day(100)")


Event = TabletTaken | Bolus | InfusionChange


@dataclass(frozen=True, slots=True)
class Tablets:
    """An oral dose at a fixed interval: at start, start + every, ... before stop."""

    dose: OralDose
    every_h: Number
    start_h: Number = 0.0
    stop_h: Number = math.inf
    product: str = ""

    def __post_init__(self) -> None:
        """Refuse an interval that is none, and a stop before the start."""
        _is(self.dose, OralDose, "tablets", "OralDose(mg=10)")
        for name in ("start_h", "every_h", "stop_h"):
            given = getattr(self, name)
            object.__setattr__(self, name, number(given))
            if math.isnan(getattr(self, name)) or (name == "start_h" and not abs(self.start_h) <= COARSEST):
                raise StudyError(f"{name} of tablets is {told(given)}. Allowed: a number of hours. Correct it.")
        if not (math.isfinite(self.every_h) and self.every_h >= _SHORTEST_INTERVAL_H):
            raise StudyError(
                f"tablets every {self.every_h:g} h. Allowed: more than 0 h, and not below a minute. "
                "Three times a day is every 8 h."
            )
        if self.stop_h < self.start_h:
            raise StudyError(f"tablets stop at {self.stop_h:g} h, before their start at {self.start_h:g} h. Swap them.")

    @property
    def mg_per_day(self) -> float:
        """Amount taken in a day, mg."""
        return self.dose.mg * HOURS_A_DAY / self.every_h

    def times(self, start_h: Number, stop_h: Number) -> tuple[float, ...]:
        """Return the times of tablets in [start, stop)."""
        first = max(0, math.ceil((start_h - self.start_h) / self.every_h - _SAME_TIME))
        end = min(stop_h, self.stop_h)
        if not math.isfinite(end):
            raise StudyError("tablets without a stop, asked for all their times. Allowed: a finite time. Name an end.")
        count = max(0, math.ceil((end - self.start_h) / self.every_h - _SAME_TIME))
        return tuple(self.start_h + i * self.every_h for i in range(first, count))


_SAME_TIME = 1e-9  # of an interval: rounding of start + i * every must not move a tablet across a border


@dataclass(frozen=True, slots=True)
class Regimen:
    """Everything that one patient is given, over time in hours.

    Two regimens add up to one that gives both. An infusion holds until the next change; two changes at one time are
    refused, because their order would decide.
    """

    tablets: tuple[Tablets, ...] = ()
    boluses: tuple[Bolus, ...] = ()
    infusions: tuple[InfusionChange, ...] = ()

    def __post_init__(self) -> None:
        """Sort by time; refuse two infusion changes at one time."""
        for name, of in (("tablets", Tablets), ("boluses", Bolus), ("infusions", InfusionChange)):
            expect(f"{name} of a regimen", getattr(self, name), _several(of))
        object.__setattr__(self, "tablets", tuple(self.tablets))
        object.__setattr__(self, "boluses", tuple(sorted(self.boluses, key=lambda event: event.time_h)))
        object.__setattr__(self, "infusions", tuple(sorted(self.infusions, key=lambda event: event.time_h)))
        times = [event.time_h for event in self.infusions]
        twice = sorted({time for time in times if times.count(time) > 1})
        if twice:
            rates = ", ".join(str(event.infusion) for event in self.infusions if event.time_h == twice[0])
            raise StudyError(
                f"the pump is given {rates} at the same time, {twice[0]:g} h. Allowed: one rate at a time. "
                "Remove one, or move it."
            )

    @classmethod
    def placebo(cls) -> Regimen:
        """Return the regimen without drug."""
        return cls()

    @classmethod
    def oral(
        cls, dose: OralDose, every_h: Number, start_h: Number = 0.0, stop_h: Number = math.inf, product: str = ""
    ) -> Regimen:
        """Return tablets at a fixed interval."""
        return cls(tablets=(Tablets(dose, every_h, start_h, stop_h, product),))

    @classmethod
    def bolus(
        cls,
        dose: IntrathecalDose,
        time_h: Number = 0.0,
        access: str = "lumbar puncture",
        tip: str | None = None,
        product: str = "",
    ) -> Regimen:
        """Return one dose into the spinal fluid."""
        return cls(boluses=(Bolus(time_h, dose, access, tip, product),))

    @classmethod
    def infusion(
        cls, infusion: Infusion, start_h: Number = 0.0, stop_h: Number | None = None, product: str = ""
    ) -> Regimen:
        """Return a constant infusion from start, until stop if there is one."""
        changes = (InfusionChange(start_h, infusion, product),)
        if stop_h is None:
            return cls(infusions=changes)
        _time(stop_h, "stop of an infusion")
        if not stop_h > start_h:
            raise StudyError(f"an infusion stops at {stop_h:g} h, not after its start at {start_h:g} h. Swap them.")
        return cls(infusions=(*changes, InfusionChange(stop_h, Infusion(0.0), product)))

    @property
    def is_placebo(self) -> bool:
        """Whether nothing but zero doses is ever given."""
        amounts = [tablet.dose.mg for tablet in self.tablets] + [bolus.dose.ug for bolus in self.boluses]
        return not any(amounts + [change.infusion.ug_per_h for change in self.infusions])

    def __add__(self, other: object) -> Regimen:
        """Give both."""
        if not isinstance(other, Regimen):
            return NotImplemented
        return Regimen(self.tablets + other.tablets, self.boluses + other.boluses, self.infusions + other.infusions)

    def events(self, start_h: Number, stop_h: Number) -> tuple[Event, ...]:
        """Return what is given in [start, stop), by time; at one time infusion changes come first, then boluses."""
        single: Iterable[Event] = (*self.infusions, *self.boluses)
        found: list[Event] = [event for event in single if start_h <= event.time_h < stop_h]
        for tablets in self.tablets:
            times = tablets.times(start_h, stop_h)
            found += [TabletTaken(time, tablets.dose, tablets.product) for time in times]
        return tuple(sorted(found, key=lambda event: event.time_h))

    def times(self, start_h: Number, stop_h: Number) -> tuple[float, ...]:
        """Return the distinct times at which anything is given or changed in [start, stop)."""
        return tuple(sorted({event.time_h for event in self.events(start_h, stop_h)}))

    def shift(self, hours: Number) -> Regimen:
        """Return the same regimen so many hours later."""
        replace = dataclasses.replace
        return Regimen(
            tuple(replace(x, start_h=x.start_h + hours, stop_h=x.stop_h + hours) for x in self.tablets),
            tuple(replace(x, time_h=x.time_h + hours) for x in self.boluses),
            tuple(replace(x, time_h=x.time_h + hours) for x in self.infusions),
        )

    def scale(self, factor: Number) -> Regimen:
        """Return the same regimen with every dose and rate multiplied."""
        replace = dataclasses.replace
        return Regimen(
            tuple(replace(x, dose=x.dose * factor) for x in self.tablets),
            tuple(replace(x, dose=x.dose * factor) for x in self.boluses),
            tuple(replace(x, infusion=x.infusion * factor) for x in self.infusions),
        )


def _amount(value: Number, what: str, unit: str) -> float:
    if not 0 <= (amount := number(value)) <= COARSEST:
        raise UnitError(f"{what} of {told(value)} {unit}. Allowed: 0 {unit} or more, a finite number. Correct it.")
    return amount


def _time(value: Number, what: str) -> float:
    if not abs(time := number(value)) <= COARSEST:
        raise StudyError(f"{what} is at {told(value)} h. Allowed: a finite time in hours. Correct the number.")
    return time


def _several(of: type) -> Kind:
    words = f"a tuple or list of {of.__name__}"
    return Kind(words, "()", lambda given: isinstance(given, tuple | list) and all(isinstance(x, of) for x in given))


def _is(given: object, wanted: type, what: str, example: str) -> None:
    if not isinstance(given, wanted):
        raise UnitError(
            f"{what} was given {given!s} ({type(given).__name__}). Allowed: {wanted.__name__}. Write {example}."
        )
