"""What is kept while a therapy is played: what happened, what was programmed, what lay in the person, what ran."""

from __future__ import annotations

from dataclasses import dataclass

from eutonia.drug.pump.device import Device
from eutonia.drug.pump.program import Program


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened, or what the pump did by itself: `what` is one of filled, alarm, empty, or an event's name."""

    at_h: float
    what: str
    words: str


@dataclass(frozen=True, slots=True)
class Setting:
    """What was programmed when, of which concentration (ug/mL), in which pump, and whether at a filling."""

    at_h: float
    program: Program
    concentration: float
    at_filling: bool
    device: Device


@dataclass(frozen=True, slots=True)
class Implanted:
    """What lies in the person from a time on: pump, reservoir, tip, volumes of tubing and catheter (mL), its length."""

    at_h: float
    device: Device
    reservoir: float
    tip: str
    tubing: float
    catheter: float
    catheter_cm: float

    @property
    def dead_volume(self) -> float:
        """Volume of tubing and catheter, mL."""
        return self.tubing + self.catheter


@dataclass(frozen=True, slots=True)
class Override:
    """A flow (mL/h) that overrides the program until a time, meant for a strength (ug/mL) at the tip.

    `keeps` is the rate that is wanted meanwhile, ug/h; None is that of the program.
    """

    kind: str
    flow: float
    until_h: float
    strength: float
    keeps: float | None = None
