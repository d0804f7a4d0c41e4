"""The pump's reservoir: what is programmed is delivered until the reservoir is dry.

Equation
    flow (mL/h) = rate (ug/h) / concentration (ug/mL) ;  volume falls by flow until 0, then nothing is delivered.
Not for: catheter dead volume, bridge boluses and device faults, which need a model of the tubing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Pump:
    """An implanted pump at one moment: volumes in mL, `concentration` in ug/mL, `programmed` in ug/h, `time_h` in h."""

    reservoir: float
    concentration: float
    alarm_volume: float
    volume: float
    programmed: float = 0.0
    time_h: float = 0.0

    @property
    def flow(self) -> float:
        """Programmed flow in mL/h."""
        return self.programmed / self.concentration

    @property
    def delivered(self) -> float:
        """Rate in ug/h that reaches the fluid now: 0 once the reservoir is dry."""
        return self.programmed if self.volume > 0 else 0.0

    @property
    def dry_at_h(self) -> float:
        """When the reservoir will be dry if nothing changes (infinite at zero flow)."""
        return self.time_h + self.volume / self.flow if self.flow > 0 and self.volume > 0 else float("inf")

    @property
    def alarm_at_h(self) -> float:
        """When the low-reservoir alarm will sound (infinite if it has, or at zero flow)."""
        left = self.volume - self.alarm_volume
        return self.time_h + left / self.flow if self.flow > 0 and left > 0 else float("inf")

    def at(self, time_h: float) -> Pump:
        """Return the pump at a later time."""
        used = self.flow * (time_h - self.time_h) if self.volume > 0 else 0.0
        # A residue below a nanolitre is rounding of the hour at which the reservoir runs dry.
        left = self.volume - used
        return replace(self, volume=left if left > _NANOLITRE else 0.0, time_h=time_h)

    def program(self, rate_ug_per_h: float) -> Pump:
        """Return the pump with a new programmed rate."""
        return replace(self, programmed=rate_ug_per_h)

    def refill(self, concentration: float | None = None) -> Pump:
        """Return the pump with a full reservoir, with drug of a new concentration if one is given."""
        return replace(self, volume=self.reservoir, concentration=concentration or self.concentration)


_NANOLITRE = 1e-6
