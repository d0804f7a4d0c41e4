"""A pump therapy: the implant, what is programmed, filled, injected and drawn when, and what goes wrong with it.

Events of one time happen in the order in which a clinic works, whatever their order in a list; what has no such order
(two programs, a stop and a bolus) is refused.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from eutonia._hours import HOURS_A_DAY
from eutonia.drug.pump.device import Device
from eutonia.drug.pump.program import Program
from eutonia.errors import StudyError


@dataclass(frozen=True, slots=True)
class _Event:
    """Something at one time, h since midnight of day 0."""

    at_h: float


@dataclass(frozen=True, slots=True)
class Programmed(_Event):
    """A new program; None is the minimum-rate mode. A stop or the minimum rate ends every bolus that runs."""

    program: Program | None

    @property
    def is_stop(self) -> bool:
        """Whether nothing, or only what keeps the tubing open, is pumped from here on."""
        return self.program is None or not any(self.program.rates)


@dataclass(frozen=True, slots=True)
class Refill(_Event):
    """The reservoir is emptied and filled: to the top, with the same concentration, unless others are given.

    `found` is the volume in mL that was drawn out before; it tells how fast the pump has run.
    """

    concentration: float | None = None
    volume: float | None = None
    found: float | None = None


@dataclass(frozen=True, slots=True)
class PocketFill(_Event):
    """A refill that misses the port: the reservoir was emptied, the new drug lies under the skin."""

    concentration: float | None = None
    volume: float | None = None


@dataclass(frozen=True, slots=True)
class Emptied(_Event):
    """The reservoir is emptied and left so."""


@dataclass(frozen=True, slots=True)
class Entered(_Event):
    """The programmer is told this concentration, ug/mL, whatever is in the reservoir."""

    concentration: float


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
class Aspiration(_Event):
    """The catheter is drawn out through its access port, mL; what it holds unless another volume is given."""

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
class Revision(_Event):
    """A new catheter, without drug in it and nothing wrong with it; length in cm and tip as before unless given."""

    catheter_cm: float | None = None
    tip: str | None = None


@dataclass(frozen=True, slots=True)
class Magnet(_Event):
    """A magnetic resonance examination: the rotor stalls for so many hours, or a valve shuts until a restart."""

    lasts_h: float


@dataclass(frozen=True, slots=True)
class Restart(_Event):
    """The pump is interrogated and set going again."""


@dataclass(frozen=True, slots=True)
class Replacement(_Event):
    """A new pump on the old catheter, newly connected and filled to the top; its own tubing holds no drug.

    Model, volumes in mL and concentration are as before unless given; another model brings its own alarm volume.
    """

    concentration: float | None = None
    device: Device | None = None
    reservoir: float | None = None
    alarm_volume: float | None = None


@dataclass(frozen=True, slots=True)
class PatientBolus(_Event):
    """From here on the person may call a bolus: ug over h on top of the program, no sooner than the lockout, so many
    in any 24 h.
    """

    dose_ug: float
    over_h: float
    lockout_h: float
    most_a_day: int


@dataclass(frozen=True, slots=True)
class Activation(_Event):
    """The person calls a bolus."""


Event = (
    Aspiration | Flush | Kink | Leak | Repair | Revision | Replacement | Emptied | Refill | PocketFill | Entered
    | Restart | Prime | Bridge | Programmed | PatientBolus | Activation | Magnet
)  # fmt: skip

#: In which order a clinic works at one time: the catheter is drawn and mended, the pump filled, told and set going.
ORDER: tuple[type[Event], ...] = (
    Aspiration, Flush, Kink, Leak, Repair, Revision, Replacement, Emptied, Refill, PocketFill, Entered, Restart, Prime,
    Bridge, Programmed, PatientBolus, Activation, Magnet,
)  # fmt: skip
FILLINGS = (Refill, PocketFill, Replacement)

# What excludes another at one time, and why; a kind excludes itself.
_EXCLUDE: tuple[tuple[tuple[type[Event], ...], tuple[type[Event], ...], str], ...] = (
    ((Refill, PocketFill, Emptied), (Refill, PocketFill, Emptied), "a reservoir is filled or emptied once"),
    ((Emptied,), (Replacement,), "a new pump comes filled"),
    ((Kink, Leak), (Repair, Revision), "a catheter is broken or mended"),
    ((Repair,), (Revision,), "a new catheter needs no repair"),
    ((Magnet,), (Restart,), "a pump is set going after the magnet"),
)
_STOPPED = "nothing is pumped after a stop, and a bolus is"


def rank(event: Event) -> tuple[float, int, str]:
    """Return the key by which events are put in order: time, then the order of work."""
    return event.at_h, ORDER.index(type(event)), repr(event)


def conflicts(events: Sequence[Event]) -> list[tuple[int, int, str]]:
    """Return pairs of events of one time that have no order, by their places, and why they exclude each other."""
    found = []
    places = sorted(range(len(events)), key=lambda k: rank(events[k]))
    for _, group in groupby(places, key=lambda k: events[k].at_h):
        here = list(group)
        for n, first in enumerate(here):
            for second in here[n + 1 :]:
                if why := _excludes(events[first], events[second]):
                    found.append((min(first, second), max(first, second), why))
    return found


def _excludes(one: Event, other: Event) -> str:
    if type(one) is type(other):
        return "of two of one kind nobody knows which holds"
    for kinds, excluded, why in _EXCLUDE:
        if (isinstance(one, kinds) and isinstance(other, excluded)) or (
            isinstance(other, kinds) and isinstance(one, excluded)
        ):
            return why
    stops = [event for event in (one, other) if isinstance(event, Programmed) and event.is_stop]
    bolus = any(isinstance(event, Prime | Bridge | Activation) for event in (one, other))
    return _STOPPED if stops and bolus else ""


def in_order(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return events by time and order of work; refuse those of one time that have none."""
    given = tuple(events)
    for first, second, why in conflicts(given):
        one, other = (type(given[k]).__name__.lower() for k in (first, second))
        raise StudyError(
            f"{one} and {other} at {given[first].at_h:g} h: {why}. Allowed at one time: what a clinic does one after "
            "the other. Drop one of the two, or move it to the time at which it is done."
        )
    return tuple(sorted(given, key=rank))


@dataclass(frozen=True, slots=True)
class Therapy:
    """One person's pump from the first filling on.

    Attributes
    ----------
    device, reservoir, alarm_volume, catheter_cm, tip
        The first implant: volumes in mL, length of the catheter in cm, vertebral level of its tip.
    concentration
        Of the first filling, ug/mL. The tubing holds no drug until the pump is primed.
    origin
        "cerebral" or "spinal", which decides the steps that the label allows.
    screening_ug, screening_lasted
        The effective test dose, and whether its effect lasted long; None if not told.
    events
        Put in order of time and of work, whatever order they are given in.
    duration_h
        How long the therapy is followed.
    begins
        Date of day 0, if it has one.
    product
        Name of the product in the pump; empty if not told.
    starts_h, is_primed
        When the pump is implanted and filled, on the clock of the events, and whether its tubing holds drug by then.

    Raises
    ------
    StudyError
        Two events of one time exclude each other.
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
    starts_h: float = 0.0
    is_primed: bool = False
    name: str = ""
    title: str = ""
    note: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Put the events in order."""
        object.__setattr__(self, "events", in_order(self.events))

    @property
    def dead_volume(self) -> float:
        """Volume between reservoir and tip of the first implant, mL."""
        return self.device.dead_volume(self.catheter_cm)

    @property
    def last_device(self) -> Device:
        """The pump in place at the end."""
        new = (one.device for one in reversed(self.events) if isinstance(one, Replacement))
        return next((device for device in new if device is not None), self.device)

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
