"""A pump therapy: the implant, what is programmed, filled and injected when, and what goes wrong with it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

from eutonia.drug.pump.device import Device
from eutonia.drug.pump.program import Program
from eutonia.drug.regimen import HOURS_A_DAY


@dataclass(frozen=True, slots=True)
class _Event:
    """Something at one time, h since midnight of day 0."""

    at_h: float


@dataclass(frozen=True, slots=True)
class Programmed(_Event):
    """A new program; None is the minimum-rate mode."""

    program: Program | None


@dataclass(frozen=True, slots=True)
class Refill(_Event):
    """The reservoir is emptied and filled: to the top, with the same concentration, unless others are given."""

    concentration: float | None = None
    volume: float | None = None


@dataclass(frozen=True, slots=True)
class Emptied(_Event):
    """The reservoir is emptied and left so."""


@dataclass(frozen=True, slots=True)
class Prime(_Event):
    """The pump runs as fast as it can for a volume, that of tubing and catheter unless another is given, mL."""

    volume: float | None = None


@dataclass(frozen=True, slots=True)
class Bridge(_Event):
    """Until the old solution has left the tubing, the pump runs at the flow that keeps this rate of it, ug/h."""

    keeps_ug_per_h: float


@dataclass(frozen=True, slots=True)
class Flush(_Event):
    """Saline is injected into the catheter by hand, mL; the volume of the catheter unless another is given."""

    volume: float | None = None


@dataclass(frozen=True, slots=True)
class Kink(_Event):
    """The catheter is kinked: this share of the flow passes."""

    passes: float


@dataclass(frozen=True, slots=True)
class Leak(_Event):
    """A share of the flow is lost at the connector; 1 is a disconnection."""

    share: float


@dataclass(frozen=True, slots=True)
class Repair(_Event):
    """Catheter and connector are whole again; what is in them stays."""


@dataclass(frozen=True, slots=True)
class Magnet(_Event):
    """A magnetic resonance examination: the rotor stalls for so many hours, or a valve shuts until a restart."""

    lasts_h: float


@dataclass(frozen=True, slots=True)
class Restart(_Event):
    """The pump is interrogated and set going again."""


@dataclass(frozen=True, slots=True)
class Replacement(_Event):
    """A new pump on the old catheter, filled to the top; its own tubing holds no drug."""

    concentration: float | None = None


Event = Programmed | Refill | Emptied | Prime | Bridge | Flush | Kink | Leak | Repair | Magnet | Restart | Replacement


@dataclass(frozen=True, slots=True)
class Therapy:
    """One person's pump from the first filling on.

    Attributes
    ----------
    device, reservoir, alarm_volume, catheter_cm, tip
        The implant: volumes in mL, length of the catheter in cm, vertebral level of its tip.
    concentration
        Of the first filling, ug/mL. The tubing holds no drug until the pump is primed.
    origin
        "cerebral" or "spinal", which decides the steps that the label allows.
    screening_ug, screening_lasted
        The effective test dose, and whether its effect lasted long; None if not told.
    events
        In order of time.
    duration_h
        How long the therapy is followed.
    begins
        Date of day 0, if it has one.
    product
        Name of the product in the pump; empty if not told.
    """

    device: Device
    reservoir: float
    alarm_volume: float
    catheter_cm: float
    tip: str
    concentration: float
    origin: str
    events: tuple[Event, ...]
    duration_h: float
    screening_ug: float | None = None
    screening_lasted: bool = False
    begins: datetime.date | None = None
    product: str = ""
    name: str = ""
    title: str = ""
    note: str = field(default="", compare=False)

    @property
    def dead_volume(self) -> float:
        """Volume between reservoir and tip, mL."""
        return self.device.dead_volume(self.catheter_cm)

    @property
    def first_weekday(self) -> int:
        """Weekday of day 0, Monday 0."""
        return self.begins.weekday() if self.begins else 0

    def day(self, time_h: float) -> str:
        """Return a time as day and, if day 0 has a date, date."""
        whole = int(time_h // HOURS_A_DAY)
        if self.begins is None:
            return f"day {whole}"
        try:
            return f"day {whole} ({self.begins + datetime.timedelta(days=whole):%d %b %Y})"
        except OverflowError:
            return f"day {whole}"
