"""The implanted pump at one moment: reservoir, tubing, catheter, program, faults, and where its drug has gone.

Equation
    flow (mL/h) = rate (ug/h) / concentration (ug/mL), within what the device can run
    reservoir falls by flow until it is dry; the tubing passes on what it holds, first in first out
    tip = flow (1 - leak) x concentration that leaves the catheter
Assumptions
    Plug flow in the tubing; the connector between pump and catheter is where it leaks and comes apart; a kink lets a
    share of the flow pass and the pump draws only what passes; a reservoir is refilled with nothing left in it.
Source
    SynchroMed_manual, Prometra_manual.
Not for
    Pressure: a kink is given as the share that passes, not computed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from eutonia.drug.pump.device import Device
from eutonia.drug.pump.tubing import Tube

# A volume below this (mL, a thousandth of a nanolitre) is rounding of the moment at which a reservoir ran dry or low.
_DRY_ML = 1e-9


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where the drug went since the start, ug: put in, taken out again at refills, out of the tip, out of a leak."""

    filled: float = 0.0
    withdrawn: float = 0.0
    delivered: float = 0.0
    leaked: float = 0.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A span in which nothing changes: rates in ug/h out of the reservoir, of the tip and of a leak; flow in mL/h."""

    start_h: float
    end_h: float
    flow: float
    pumped: float
    delivered: float
    leaked: float

    @property
    def hours(self) -> float:
        """Length, h."""
        return self.end_h - self.start_h


@dataclass(frozen=True, slots=True)
class Pump:
    """An implanted pump at one moment; frozen, each change returns a new one.

    Attributes
    ----------
    reservoir, alarm_volume, volume
        Size of the reservoir, volume at which its alarm sounds, volume in it now, mL.
    concentration
        Of the drug in the reservoir, ug/mL.
    tubing, catheter
        What lies between reservoir and connector, and between connector and tip.
    programmed
        Rate that the programmer shows, ug/h of the concentration in the reservoir.
    passes, leaks
        Share of the flow that a kink lets pass; share that is lost at the connector (1: disconnected).
    is_halted
        A rotor stalled or a valve shut.
    flow_error
        Share by which this pump runs faster than programmed.
    """

    device: Device
    reservoir: float
    alarm_volume: float
    concentration: float
    tubing: Tube
    catheter: Tube
    volume: float
    programmed: float = 0.0
    time_h: float = 0.0
    passes: float = 1.0
    leaks: float = 0.0
    is_halted: bool = False
    flow_error: float = 0.0
    ledger: Ledger = Ledger()

    @classmethod
    def implanted(
        cls,
        device: Device,
        reservoir: float,
        concentration: float,
        catheter_cm: float,
        *,
        alarm_volume: float | None = None,
        is_primed: bool = False,
        time_h: float = 0.0,
    ) -> Pump:
        """Return a pump with a full reservoir, its tubing without drug unless it is primed."""
        inside = concentration if is_primed else 0.0
        tubing = Tube.filled(device.internal_volume, inside)
        catheter = Tube.filled(device.catheter_volume(catheter_cm), inside)
        return cls(
            device=device,
            reservoir=reservoir,
            alarm_volume=device.alarm_volume if alarm_volume is None else alarm_volume,
            concentration=concentration,
            tubing=tubing,
            catheter=catheter,
            volume=reservoir,
            time_h=time_h,
            ledger=Ledger(filled=reservoir * concentration + tubing.amount + catheter.amount),
        )

    @property
    def flow(self) -> float:
        """Flow out of the reservoir now, mL/h; 0 once it is dry or halted."""
        if self.is_halted or self.volume <= 0:
            return 0.0
        return self.device.runs(self.programmed / self.concentration) * self.passes * (1.0 + self.flow_error)

    @property
    def delivered(self) -> float:
        """Rate of the drug that leaves the tip now, ug/h."""
        entering = self.tubing.leaving(self.concentration)
        return self.flow * (1.0 - self.leaks) * self.catheter.leaving(entering)

    @property
    def dead_volume(self) -> float:
        """Volume of tubing and catheter, mL."""
        return self.tubing.volume + self.catheter.volume

    @property
    def content(self) -> float:
        """Drug in reservoir, tubing and catheter, ug."""
        return self.volume * self.concentration + self.tubing.amount + self.catheter.amount

    @property
    def dry_at_h(self) -> float:
        """When the reservoir will be dry if nothing is done (infinite at zero flow)."""
        return self.time_h + self.volume / self.flow if self.flow > 0 else math.inf

    @property
    def alarm_at_h(self) -> float:
        """When the low-reservoir alarm will sound if nothing is done (infinite if it has, or at zero flow)."""
        left = self.volume - self.alarm_volume
        return self.time_h + left / self.flow if self.flow > 0 and left > _DRY_ML else math.inf

    @property
    def turns_at_h(self) -> float:
        """When the rate at the tip will change by itself: the reservoir dry, or another solution at the tip."""
        return self.time_h + self._volume_to_turn() / self.flow if self.flow > 0 else math.inf

    def _volume_to_turn(self) -> float:
        entering, kept = self.concentration, 1.0 - self.leaks
        after = self.tubing.until_change(entering)
        if kept > 0:
            after = min(after, self.catheter.until_change(self.tubing.leaving(entering)) / kept)
        return min(after, self.volume)

    def at(self, time_h: float) -> Pump:
        """Return the pump at a later time."""
        return self.course(time_h)[0]

    def course(self, time_h: float) -> tuple[Pump, tuple[Piece, ...]]:
        """Return the pump at a later time, and the pieces of its course until then."""
        pump, pieces = self, []
        while pump.time_h < time_h:
            pump, piece = pump._next(time_h)
            pieces.append(piece)
        return pump, tuple(pieces)

    def _next(self, time_h: float) -> tuple[Pump, Piece]:
        """Return the pump at its next turn or at `time_h`, whichever comes first, and the piece until then."""
        flow, kept, entering = self.flow, 1.0 - self.leaks, self.concentration
        if flow == 0.0:
            return replace(self, time_h=time_h), Piece(self.time_h, time_h, 0.0, 0.0, 0.0, 0.0)
        turn, end = self._volume_to_turn(), min(self.turns_at_h, time_h)
        moved = turn if self.turns_at_h <= time_h else min(flow * (time_h - self.time_h), turn)
        at_connector = self.tubing.leaving(entering)
        tubing, through = self.tubing.push(moved, entering)
        catheter, out = self.catheter.push(moved * kept, at_connector) if kept > 0 else (self.catheter, 0.0)
        tip = flow * kept * self.catheter.leaving(at_connector)
        left = self.volume - moved
        lost = max(left, 0.0) if left <= _DRY_ML else 0.0
        piece = Piece(self.time_h, end, flow, flow * entering, tip, flow * self.leaks * at_connector)
        ledger = replace(
            self.ledger,
            delivered=self.ledger.delivered + out,
            leaked=self.ledger.leaked + through - moved * kept * at_connector,
            withdrawn=self.ledger.withdrawn + lost * entering,
        )
        after = replace(self, volume=left if left > _DRY_ML else 0.0, tubing=tubing, catheter=catheter, ledger=ledger)
        return replace(after, time_h=end), piece

    def program(self, rate_ug_per_h: float) -> Pump:
        """Return the pump with a new programmed rate, ug/h."""
        return replace(self, programmed=rate_ug_per_h)

    def refill(self, concentration: float | None = None, volume: float | None = None) -> Pump:
        """Return the pump emptied and filled, programmed to the same rate of the new concentration."""
        strength = concentration or self.concentration
        amount = self.reservoir if volume is None else volume
        ledger = replace(
            self.ledger,
            withdrawn=self.ledger.withdrawn + self.volume * self.concentration,
            filled=self.ledger.filled + amount * strength,
        )
        return replace(self, volume=amount, concentration=strength, ledger=ledger)

    def emptied(self) -> Pump:
        """Return the pump with an empty reservoir; its content was drawn out."""
        return self.refill(volume=0.0)

    def flushed(self, volume: float, over_h: float) -> tuple[Pump, Piece]:
        """Return the pump after saline was injected into the catheter by hand, and the piece of it.

        The injection is what comes out of the tip meanwhile; the pump's own flow of that minute is left out.
        """
        catheter, out = self.catheter.push(volume, 0.0)
        ledger = replace(self.ledger, delivered=self.ledger.delivered + out)
        end = self.time_h + over_h
        piece = Piece(self.time_h, end, 0.0, 0.0, out / over_h, 0.0)
        return replace(self, catheter=catheter, ledger=ledger, time_h=end), piece

    def replaced(self, reservoir: float, concentration: float) -> Pump:
        """Return a new pump on the old catheter: full, its tubing without drug, nothing wrong with it."""
        gone = self.volume * self.concentration + self.tubing.amount
        ledger = replace(
            self.ledger,
            withdrawn=self.ledger.withdrawn + gone,
            filled=self.ledger.filled + reservoir * concentration,
        )
        return replace(
            self,
            reservoir=reservoir,
            volume=reservoir,
            concentration=concentration,
            tubing=Tube.filled(self.tubing.volume, 0.0),
            is_halted=False,
            ledger=ledger,
        )
