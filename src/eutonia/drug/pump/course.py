"""What a pump therapy delivers: its events played through, piece by piece, with no step and no error of one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.implant import Piece, Pump
from eutonia.drug.pump.program import Program
from eutonia.drug.pump.therapy import Event, Therapy

_MINUTES_AN_HOUR = 60.0


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened, or what the pump did by itself: `what` is one of filled, alarm, empty, or an event's name."""

    at_h: float
    what: str
    words: str


@dataclass(frozen=True, slots=True)
class Setting:
    """What was programmed when, of which concentration (ug/mL), and whether at a filling."""

    at_h: float
    program: Program
    concentration: float
    at_filling: bool


@dataclass(frozen=True, slots=True)
class Course:
    """A therapy played through: pieces of constant delivery, what happened, what was programmed, the last pump."""

    therapy: Therapy
    pieces: tuple[Piece, ...]
    happenings: tuple[Happening, ...]
    settings: tuple[Setting, ...]
    pump: Pump

    def totals(self, edges_h: Sequence[float] | Float[np.ndarray, " edge"]) -> Float[np.ndarray, "kind span"]:
        """Return what was pumped, what left the tip and what leaked between neighbouring times, ug."""
        pieces = [piece for piece in self.pieces if piece.hours > 0]
        ends = np.array([pieces[0].start_h if pieces else 0.0, *(piece.end_h for piece in pieces)])
        spent = np.array([[p.pumped, p.delivered, p.leaked] for p in pieces]).reshape(-1, 3)
        held = np.concatenate([np.zeros((1, 3)), np.cumsum(spent * np.diff(ends)[:, None], axis=0)])
        return np.stack([np.diff(np.interp(np.asarray(edges_h), ends, column)) for column in held.T])

    def first(self, what: str, after_h: float) -> float:
        """Return when something first happens after a time; infinite if it does not."""
        return next((one.at_h for one in self.happenings if one.what == what and one.at_h >= after_h), math.inf)


@dataclass
class _Player:
    """The pump while a therapy is played: what it is programmed to, and what overrides that for a while."""

    therapy: Therapy
    pump: Pump
    program: Program = field(default_factory=lambda: Program.simple(0.0))
    override: float = 0.0
    override_until: float = -math.inf
    halted_until: float = -math.inf
    pieces: list[Piece] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)

    def log(self, what: str, words: str, at_h: float | None = None) -> None:
        """Keep what happened."""
        self.happenings.append(Happening(self.pump.time_h if at_h is None else at_h, what, words))

    def advance(self, time_h: float) -> None:
        """Play on to a time."""
        while self.pump.time_h < time_h:
            now = self.pump.time_h
            if self.pump.is_halted and self.halted_until <= now:
                self.pump = replace(self.pump, is_halted=False)
                self.log("restart", "the rotor turns again")
            rate, until = self.program.rate_until(now, self.therapy.first_weekday)
            if now < self.override_until:
                rate, until = self.override, self.override_until
            stop = min(time_h, until, self.halted_until if self.pump.is_halted else math.inf)
            self.pump = self.pump.program(rate)
            self._watch(stop)
            self.pump, pieces = self.pump.course(stop)
            self.pieces += pieces

    def _watch(self, stop: float) -> None:
        """Note the alarm and the end of the reservoir, if either comes before `stop`."""
        if self.pump.alarm_at_h <= stop:
            self.log("alarm", "low-reservoir alarm", self.pump.alarm_at_h)
        if self.pump.dry_at_h <= stop:
            self.log("empty", "the reservoir is empty, nothing is delivered", self.pump.dry_at_h)

    def act(self, event: Event) -> None:
        """Do one event now."""
        match event:
            case happens.Programmed():
                self._program(event)
            case happens.Refill():
                self._fill(self.pump.refill(event.concentration, event.volume))
            case happens.Emptied():
                self.pump = self.pump.emptied()
                self.log("emptied", "reservoir emptied")
            case happens.Replacement():
                strength = event.concentration or self.pump.concentration
                self.halted_until = -math.inf
                self._fill(self.pump.replaced(self.pump.reservoir, strength))
                self.log("replaced", "pump replaced; its tubing holds no drug")
            case happens.Prime() | happens.Bridge() | happens.Flush():
                self._push(event)
            case happens.Magnet() | happens.Restart():
                self._magnet(event)
            case _:
                self._fault(event)

    def _program(self, event: happens.Programmed) -> None:
        floor = self.pump.device.flow_minimum_mode * self.pump.concentration
        program = event.program
        if program is None:
            program = replace(Program.simple(floor), kind="minimum rate")
        self.program = program
        filled = any(one.what == "filled" and one.at_h == self.pump.time_h for one in self.happenings)
        self.settings.append(Setting(self.pump.time_h, program, self.pump.concentration, filled))
        self.log("programmed", f"{program.kind}, {program.ug_per_day:.4g} ug/day")

    def _fill(self, pump: Pump) -> None:
        self.pump = pump
        self.log("filled", f"filled with {pump.volume:g} mL of {pump.concentration:g} ug/mL")

    def _push(self, event: happens.Prime | happens.Bridge | happens.Flush) -> None:
        pump = self.pump
        if isinstance(event, happens.Flush):
            volume = pump.catheter.volume if event.volume is None else event.volume
            minutes = parameters.load("pump").value("flush_length")
            before = pump.ledger.delivered
            self.pump, piece = pump.flushed(volume, minutes / _MINUTES_AN_HOUR)
            self.pieces.append(piece)
            out = self.pump.ledger.delivered - before
            self.log("flush", f"catheter flushed by hand, {out:.4g} ug of drug in it", pump.time_h)
            return
        if isinstance(event, happens.Prime):
            volume, flow = pump.dead_volume if event.volume is None else event.volume, pump.device.flow_highest
            self.log("prime", f"primed with {volume:.3g} mL, {volume * pump.concentration:.4g} ug")
        else:
            old = pump.catheter.leaving(pump.tubing.leaving(pump.concentration))
            volume, flow = pump.dead_volume, event.keeps_ug_per_h / old if old > 0 else 0.0
            told = f"{volume * pump.concentration:.4g} ug over {volume / flow:.3g} h" if flow > 0 else "no drug inside"
            self.log("bridge", f"bridge bolus, programmed as {told}")
        if flow > 0:
            self.override, self.override_until = flow * pump.concentration, pump.time_h + volume / flow

    def _magnet(self, event: happens.Magnet | happens.Restart) -> None:
        if isinstance(event, happens.Restart):
            self.halted_until = -math.inf
            self.pump = replace(self.pump, is_halted=False)
            self.log("restart", "set going again")
            return
        most = self.pump.device.magnet_volume
        if most is None:
            self.halted_until = self.pump.time_h + event.lasts_h
            self.log("stall", f"rotor stalls in the magnet for {event.lasts_h:.3g} h")
        else:
            self.log("shut", "the magnet shuts the valve until the pump is reset")
            if self.pump.volume > 0:
                self.override = self.pump.device.flow_highest * self.pump.concentration
                self.override_until = self.pump.time_h + most / self.pump.device.flow_highest
                self.advance(self.override_until)
            self.halted_until = math.inf
        self.pump = replace(self.pump, is_halted=True)

    def _fault(self, event: Event) -> None:
        if isinstance(event, happens.Kink):
            self.pump = replace(self.pump, passes=event.passes)
            self.log("kink", f"catheter kinked: {100 * event.passes:.3g} % of the flow passes")
        elif isinstance(event, happens.Leak):
            self.pump = replace(self.pump, leaks=event.share)
            words = "catheter disconnected" if event.share == 1.0 else f"leak of {100 * event.share:.3g} % of the flow"
            self.log("leak", words)
        else:
            self.pump = replace(self.pump, passes=1.0, leaks=0.0)
            self.log("repair", "catheter repaired")


def play(therapy: Therapy, *, flow_error: float = 0.0, until_h: float | None = None) -> Course:
    """Play a therapy through.

    Parameters
    ----------
    therapy
        What was done and what went wrong.
    flow_error
        Share by which this pump runs faster than programmed, within the tolerance of the device.
    until_h
        End, if not that of the therapy; events after it are left out.
    """
    pump = Pump.implanted(
        therapy.device,
        therapy.reservoir,
        therapy.concentration,
        therapy.catheter_cm,
        alarm_volume=therapy.alarm_volume,
    )
    player = _Player(therapy, replace(pump, flow_error=flow_error))
    player.log("filled", f"filled with {pump.volume:g} mL of {pump.concentration:g} ug/mL")
    end = therapy.duration_h if until_h is None else until_h
    for event in therapy.events:
        if event.at_h > end:
            break
        player.advance(event.at_h)
        player.act(event)
    player.advance(end)
    ordered = tuple(sorted(player.happenings, key=lambda one: one.at_h))
    return Course(therapy, tuple(player.pieces), ordered, tuple(player.settings), player.pump)
