"""The implanted pump at one moment: reservoir, tubing, catheter, program, faults, and where its drug has gone.

Equation
    flow (mL/h) = rate (ug/h) / concentration that the programmer holds (ug/mL), within what the device can run
    reservoir falls by flow until it is dry; the tubing passes on what it holds, first in first out
    tip = flow (1 - leak) x concentration that leaves the catheter
Assumptions
    Plug flow in the tubing; the connector between pump and catheter is where it leaks and comes apart; a kink lets a
    share of the flow pass and the pump draws only what passes; a reservoir is refilled with nothing left in it; a
    catheter that is drawn out by hand fills with spinal fluid from its tip.
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
    """Where the drug went since the start, ug: put in, drawn out, out of the tip, out of a leak, beside the port."""

    filled: float = 0.0
    withdrawn: float = 0.0
    delivered: float = 0.0
    leaked: float = 0.0
    pocket: float = 0.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A span in which nothing changes: rates in ug/h out of the reservoir, of the tip and of a leak; flow in mL/h.

    `strength` is what leaves the catheter, ug/mL; `wanted` the rate that was wanted meanwhile, and `cause` why the tip
    gives another.
    """

    start_h: float
    end_h: float
    flow: float
    pumped: float
    delivered: float
    leaked: float
    strength: float = 0.0
    wanted: float = 0.0
    cause: str = ""

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
    concentration, entered
        Of the drug in the reservoir, and what the programmer holds it to be (None: the same), ug/mL.
    tubing, catheter
        What lies between reservoir and connector, and between connector and tip.
    programmed
        Rate that the programmer shows, ug/h of the concentration that it holds.
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
    entered: float | None = None

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
    def believed(self) -> float:
        """Concentration by which the programmer turns a rate into a flow, ug/mL."""
        return self.concentration if self.entered is None else self.entered

    @property
    def flow(self) -> float:
        """Flow out of the reservoir now, mL/h; 0 once it is dry or halted."""
        if self.is_halted or self.volume <= 0:
            return 0.0
        return self.device.runs(self.programmed / self.believed) * self.passes * (1.0 + self.flow_error)

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
            still = self.catheter.leaving(self.tubing.leaving(entering))
            return replace(self, time_h=time_h), Piece(self.time_h, time_h, 0.0, 0.0, 0.0, 0.0, still)
        turn, end = self._volume_to_turn(), min(self.turns_at_h, time_h)
        moved = turn if self.turns_at_h <= time_h else min(flow * (time_h - self.time_h), turn)
        at_connector = self.tubing.leaving(entering)
        tubing, through = self.tubing.push(moved, entering)
        catheter, out = self.catheter.push(moved * kept, at_connector) if kept > 0 else (self.catheter, 0.0)
        strength = self.catheter.leaving(at_connector)
        tip = flow * kept * strength
        left = self.volume - moved
        lost = max(left, 0.0) if left <= _DRY_ML else 0.0
        piece = Piece(self.time_h, end, flow, flow * entering, tip, flow * self.leaks * at_connector, strength)
        ledger = replace(
            self.ledger,
            delivered=self.ledger.delivered + out,
            leaked=self.ledger.leaked + through * self.leaks,
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
        return replace(self, volume=amount, concentration=strength, entered=None, ledger=ledger)

    def missed(self, concentration: float | None = None, volume: float | None = None) -> Pump:
        """Return the pump after a refill beside its port: emptied, and the new drug under the skin."""
        strength = concentration or self.concentration
        amount = (self.reservoir if volume is None else volume) * strength
        pump = self.emptied()
        ledger = replace(pump.ledger, filled=pump.ledger.filled + amount, pocket=pump.ledger.pocket + amount)
        return replace(pump, ledger=ledger)

    def emptied(self) -> Pump:
        """Return the pump with an empty reservoir; its content was drawn out."""
        ledger = replace(self.ledger, withdrawn=self.ledger.withdrawn + self.volume * self.concentration)
        return replace(self, volume=0.0, ledger=ledger)

    @property
    def is_open(self) -> bool:
        """Whether the catheter passes anything from its access port to its tip."""
        return self.passes > 0.0 and self.leaks < 1.0

    def flushed(self, volume: float, over_h: float) -> tuple[Pump, Piece]:
        """Return the pump after saline was injected into the catheter by hand, and the piece of it.

        The injection is what comes out of the tip meanwhile; the pump's own flow of that minute is left out. A leak
        loses its share of the saline, and nothing goes through a catheter that is shut or off.
        """
        through = volume * (1.0 - self.leaks) if self.is_open else 0.0
        catheter, out = self.catheter.push(through, 0.0) if through > 0 else (self.catheter, 0.0)
        ledger = replace(self.ledger, delivered=self.ledger.delivered + out)
        end = self.time_h + over_h
        piece = Piece(self.time_h, end, 0.0, 0.0, out / over_h, 0.0)
        return replace(self, catheter=catheter, ledger=ledger, time_h=end), piece

    def aspirated(self, volume: float) -> tuple[Pump, float]:
        """Return the pump after so much was drawn out of the catheter at its pump end, and the drug drawn in ug.

        Spinal fluid follows in at the tip; the little drug in it is left out. Out of a catheter that is shut or off
        nothing can be drawn.
        """
        if not self.is_open:
            return self, 0.0
        catheter, drawn = self.catheter.pull(volume, 0.0)
        ledger = replace(self.ledger, withdrawn=self.ledger.withdrawn + drawn)
        return replace(self, catheter=catheter, ledger=ledger), drawn

    def revised(self, length_cm: float) -> Pump:
        """Return the pump with a new catheter, without drug and with nothing wrong; the old one is taken out."""
        ledger = replace(self.ledger, withdrawn=self.ledger.withdrawn + self.catheter.amount)
        catheter = Tube.filled(self.device.catheter_volume(length_cm), 0.0)
        return replace(self, catheter=catheter, passes=1.0, leaks=0.0, ledger=ledger)

    def replaced(self, device: Device, reservoir: float, concentration: float, alarm_volume: float) -> Pump:
        """Return a new pump, newly connected to the old catheter: full, no drug in its tubing, programmed as before."""
        gone = self.volume * self.concentration + self.tubing.amount
        ledger = replace(
            self.ledger,
            withdrawn=self.ledger.withdrawn + gone,
            filled=self.ledger.filled + reservoir * concentration,
        )
        return replace(
            self,
            device=device,
            reservoir=reservoir,
            alarm_volume=alarm_volume,
            volume=reservoir,
            concentration=concentration,
            entered=None,
            tubing=Tube.filled(device.internal_volume, 0.0),
            leaks=0.0,
            is_halted=False,
            ledger=ledger,
        )
