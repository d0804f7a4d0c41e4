"""The pump while a therapy is played: what it is told to do, what overrides that for a while, what happens to it.

After a stop nothing is pumped, whatever runs: a bolus ends with the program that it belongs to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.pump import cause as causes
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.cause import Order
from eutonia.drug.pump.implant import Piece, Pump
from eutonia.drug.pump.notes import Happening, Implanted, Override, Setting
from eutonia.drug.pump.program import Program
from eutonia.drug.pump.therapy import Event, Therapy

#: Kind of the program that only keeps the tubing open.
MINIMUM = "minimum rate"
_MINUTES_AN_HOUR = 60.0
# Times that differ by less than this (h) are one: rounding of sums of hours.
_SAME_H = 1e-6


@dataclass
class Player:
    """The pump, its program and bolus, and everything noted on the way."""

    therapy: Therapy
    pump: Pump
    program: Program = field(default_factory=lambda: Program.simple(0.0))
    bolus: Override | None = None
    waiting: happens.Bridge | None = None
    patient: happens.PatientBolus | None = None
    given_h: list[float] = field(default_factory=list)
    halted_until: float = -math.inf
    is_alarm_on: bool = False
    pieces: list[Piece] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)
    implants: list[Implanted] = field(default_factory=list)

    @classmethod
    def begun(cls, therapy: Therapy, flow_error: float) -> Player:
        """Return the player of a therapy at its first filling."""
        pump = Pump.implanted(
            therapy.device,
            therapy.reservoir,
            therapy.concentration,
            therapy.catheter_cm,
            alarm_volume=therapy.alarm_volume,
            is_primed=therapy.is_primed,
            time_h=therapy.starts_h,
        )
        player = cls(therapy, replace(pump, flow_error=flow_error))
        player.log("filled", f"filled with {pump.volume:g} mL of {pump.concentration:g} ug/mL")
        player._implant(therapy.tip, therapy.catheter_cm)
        return player

    def copy(self, flow_error: float) -> Player:
        """Return another player at the same moment, whose pump runs faster than programmed by this share."""
        return replace(
            self,
            pump=replace(self.pump, flow_error=flow_error),
            given_h=list(self.given_h),
            pieces=list(self.pieces),
            happenings=list(self.happenings),
            settings=list(self.settings),
            implants=list(self.implants),
        )

    def _implant(self, tip: str, catheter_cm: float) -> None:
        """Keep what lies in the person from now on."""
        pump = self.pump
        volumes = (pump.tubing.volume, pump.catheter.volume)
        self.implants.append(Implanted(pump.time_h, pump.device, pump.reservoir, tip, *volumes, catheter_cm))

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
            if self.bolus is not None and self.bolus.until_h <= now:
                self._end_bolus()
            order, until = self._order(now)
            stop = min(time_h, until, self.halted_until if self.pump.is_halted else math.inf)
            error = self.pump.flow_error
            # A priming is watched through: what drifts is the slow flow of weeks.
            given = 0.0 if order.running == causes.PRIME else error
            start = self.pump = replace(self.pump.program(order.flow * self.pump.believed), flow_error=given)
            self._watch(stop)
            self.pump, pieces = start.course(stop)
            self.pump = replace(self.pump, flow_error=error)
            # The minimum rate keeps the tubing open: no dose is meant by it, so none is missing.
            is_open_only = self.bolus is None and self.program.kind == MINIMUM
            for piece in pieces:
                why = "" if is_open_only else causes.cause(start, piece, order)
                self.pieces.append(replace(piece, wanted=piece.delivered if is_open_only else order.wanted, cause=why))

    def _order(self, now: float) -> tuple[Order, float]:
        """Return what the pump is told now, and until when."""
        rate, until = self.program.rate_until(now, self.therapy.first_weekday)
        believed, bolus = self.pump.believed, self.bolus
        if self.program.kind == MINIMUM:  # a flow, whatever the solution
            rate = self.pump.device.flow_minimum_mode * believed
        if bolus is None:
            return Order(rate / believed, believed, rate), until
        until = min(until, bolus.until_h)
        if bolus.kind == causes.PATIENT:
            rate += bolus.flow * bolus.strength
            return Order(rate / believed, believed, rate), until
        wanted = rate if bolus.keeps is None else bolus.keeps
        return Order(bolus.flow, bolus.strength, wanted, bolus.kind), until

    def _watch(self, stop: float) -> None:
        """Note the alarm and the end of the reservoir, if either comes before `stop`."""
        if self.pump.alarm_at_h <= stop:
            self._alarm(self.pump.alarm_at_h)
        if self.pump.dry_at_h <= stop:
            self.log("empty", "the reservoir is empty, nothing is delivered", self.pump.dry_at_h)

    def _alarm(self, at_h: float) -> None:
        self.log("alarm", "low-reservoir alarm", at_h)
        self.is_alarm_on = True

    def act(self, event: Event) -> None:
        """Do one event now."""
        match event:
            case happens.Programmed():
                self._program(event)
            case happens.Refill() | happens.PocketFill() | happens.Emptied() | happens.Entered():
                self._reservoir(event)
            case happens.Replacement():
                self._replace(event)
            case happens.Prime() | happens.Bridge():
                self._push(event)
            case happens.Flush() | happens.Aspiration():
                self._by_hand(event)
            case happens.Magnet():
                self._magnet(event)
            case happens.Restart():
                self.halted_until = -math.inf
                self.pump = replace(self.pump, is_halted=False)
                self.log("restart", "interrogated and set going again")
            case happens.PatientBolus() | happens.Activation():
                self._patient(event)
            case happens.Kink() | happens.Leak() | happens.Revision() | happens.Repair():
                self._catheter(event)

    def _interrogate(self) -> None:
        """Set a pump going again that waited for it after a magnet; a valve that a magnet shut needs more."""
        if self.pump.is_halted and math.isinf(self.halted_until) and self.pump.device.stays_stopped:
            self.pump = replace(self.pump, is_halted=False)
            self.halted_until = -math.inf
            self.log("restart", "interrogated: the rotor turns again")

    def _cancel(self) -> None:
        """End every bolus that runs or waits."""
        self.bolus = self.waiting = None

    def _end_bolus(self) -> None:
        """End the bolus that has run; a bridge that waited for a prime begins."""
        self.bolus, waiting = None, self.waiting
        self.waiting = None
        if waiting is not None:
            self._bridge(waiting)

    def _program(self, event: happens.Programmed) -> None:
        self._interrogate()
        floor = self.pump.device.flow_minimum_mode * self.pump.believed
        program = event.program
        if program is None:
            program = replace(Program.simple(floor), kind=MINIMUM)
        if event.is_stop:
            self._cancel()
        elif self.bolus is not None and self.bolus.keeps is not None and not self._began_now(self.bolus.kind):
            self.bolus = replace(self.bolus, keeps=None)  # what is wanted now is the new program
        self.program = program
        filled = self._began_now("filled")
        pump = self.pump
        self.settings.append(Setting(pump.time_h, program, pump.believed, filled, pump.device))
        self.log("programmed", f"{program.kind}, {program.ug_per_day:.4g} ug/day")

    def _began_now(self, what: str) -> bool:
        return any(one.what == what and one.at_h == self.pump.time_h for one in self.happenings)

    def _reservoir(self, event: happens.Refill | happens.PocketFill | happens.Emptied | happens.Entered) -> None:
        if isinstance(event, happens.Entered):
            self.pump = replace(self.pump, entered=event.concentration)
            self.log("entered", f"the programmer is told {event.concentration:g} ug/mL")
            return
        if isinstance(event, happens.Refill):
            self._interrogate()
            if event.concentration not in (None, self.pump.concentration):
                self._cancel()
            left = "" if event.found is None else f"{event.found:g} mL found; "
            self._fill(self.pump.refill(event.concentration, event.volume), left)
            return
        self._cancel()
        self.is_alarm_on = False
        if isinstance(event, happens.Emptied):
            self.pump = self.pump.emptied()
            self.log("emptied", "reservoir emptied")
        else:
            self._interrogate()
            before = self.pump.ledger.pocket
            self.pump = self.pump.missed(event.concentration, event.volume)
            amount = (self.pump.ledger.pocket - before) / 1000.0
            self.log("pocket", f"refill beside the port: {amount:.4g} mg lie under the skin, the reservoir is empty")

    def _fill(self, pump: Pump, before: str = "") -> None:
        self.pump = pump
        self.is_alarm_on = False
        self.log("filled", f"{before}filled with {pump.volume:g} mL of {pump.concentration:g} ug/mL")
        if pump.volume <= pump.alarm_volume:
            self._alarm(pump.time_h)

    def _replace(self, event: happens.Replacement) -> None:
        old = self.pump
        device = event.device or old.device
        alarm = old.alarm_volume if event.device is None else device.alarm_volume
        alarm = alarm if event.alarm_volume is None else event.alarm_volume
        self.halted_until = -math.inf
        self._cancel()
        self._fill(
            old.replaced(device, event.reservoir or old.reservoir, event.concentration or old.concentration, alarm)
        )
        is_other = event.device is not None or event.reservoir is not None
        new = f" by {device.model}, {self.pump.reservoir:g} mL" if is_other else ""
        empty = "; its tubing holds no drug" if device.internal_volume > 0 else ""
        self.log("replaced", f"pump replaced{new}{empty}")
        self._implant(self.implants[-1].tip, self.implants[-1].catheter_cm)

    def _push(self, event: happens.Prime | happens.Bridge) -> None:
        if isinstance(event, happens.Bridge):
            if self.bolus is not None and self.bolus.kind == causes.PRIME:
                self.waiting = event  # tubing is filled first, and bridged then
            else:
                self._bridge(event)
            return
        pump = self.pump
        volume, flow = pump.dead_volume if event.volume is None else event.volume, pump.device.flow_highest
        self.log("prime", f"primed with {volume:.3g} mL, {volume * pump.concentration:.4g} ug")
        self._cancel()
        self.bolus = Override(causes.PRIME, flow, pump.time_h + volume / flow, pump.believed)

    def _bridge(self, event: happens.Bridge) -> None:
        pump, keeps = self.pump, event.keeps_ug_per_h
        old = pump.catheter.leaving(pump.tubing.leaving(pump.concentration))
        if old <= 0 or pump.dead_volume <= 0:
            self.log("bridge", "bridge bolus: no drug inside to bridge with")
            return
        volume, flow = pump.dead_volume, keeps / old
        told = f"{volume * pump.believed:.4g} ug over {volume / flow:.3g} h"
        self.log("bridge", f"bridge bolus to keep {keeps * HOURS_A_DAY:.4g} ug/day, programmed as {told}")
        self.bolus = Override(causes.BRIDGE, flow, pump.time_h + volume / flow, old, keeps)

    def _by_hand(self, event: happens.Flush | happens.Aspiration) -> None:
        pump = self.pump
        volume = pump.catheter.volume if event.volume is None else event.volume
        if isinstance(event, happens.Aspiration):
            self.pump, drawn = pump.aspirated(volume)
            words = f"{volume:.3g} mL drawn out of the catheter, {drawn:.4g} ug of drug in it"
            if pump.is_open:
                self.log("aspirated", words)
            else:
                self.log("not drawn", "nothing can be drawn out of the catheter: it is not open")
            return
        minutes = parameters.load("pump").value("flush_length", "min")
        order, _ = self._order(pump.time_h)
        self.pump, piece = pump.flushed(volume, minutes / _MINUTES_AN_HOUR)
        why = causes.FLUSH if piece.delivered > order.wanted else ""
        self.pieces.append(replace(piece, wanted=order.wanted, cause=why))
        out = self.pump.ledger.delivered - pump.ledger.delivered
        self.log("flush", f"catheter flushed by hand, {out:.4g} ug of drug in it", pump.time_h)

    def _magnet(self, event: happens.Magnet) -> None:
        most = self.pump.device.magnet_volume
        if most is None:
            waits_already = self.pump.is_halted and math.isinf(self.halted_until)
            waits = waits_already or (self.is_alarm_on and self.pump.device.stays_stopped)
            self.halted_until = math.inf if waits else self.pump.time_h + event.lasts_h
            words = f"rotor stalls in the magnet for {event.lasts_h:.3g} h"
            if waits:
                words = "rotor stalls in the magnet while an alarm sounds: it stays stopped until it is interrogated"
            self.log("stall", words)
        else:
            self.log("shut", "the magnet shuts the valve until the pump is reset")
            self._cancel()
            if self.pump.volume > 0:
                flow = self.pump.device.flow_highest
                self.bolus = Override(causes.MAGNET, flow, self.pump.time_h + most / flow, self.pump.believed)
                self.advance(self.bolus.until_h)
                self._cancel()
            self.halted_until = math.inf
        self.pump = replace(self.pump, is_halted=True)

    def _patient(self, event: happens.PatientBolus | happens.Activation) -> None:
        if isinstance(event, happens.PatientBolus):
            self.patient = event
            minutes = event.over_h * _MINUTES_AN_HOUR
            words = f"the person may call {event.dose_ug:.4g} ug over {minutes:.3g} min, at most "
            words += f"every {event.lockout_h:.3g} h and {event.most_a_day} in 24 h"
            self.log("patient bolus", words)
            return
        now, allowed = self.pump.time_h, self.patient
        if why := self._refuses(now):
            self.log("refused", f"a bolus is called and refused: {why}")
            return
        assert allowed is not None
        self.given_h.append(now)
        strength = self.pump.believed
        flow = allowed.dose_ug / allowed.over_h / strength
        self.bolus = Override(causes.PATIENT, flow, now + allowed.over_h, strength)
        self.log("called", f"a bolus of {allowed.dose_ug:.4g} ug is called and given")

    def _refuses(self, now: float) -> str:
        """Return why a bolus that is called now is not given; empty if it is."""
        if self.patient is None:
            return "none is programmed"
        if not any(self.program.rates) or self.program.kind == MINIMUM:
            return "the pump is stopped"
        if self.pump.is_halted and now < self.halted_until:
            return "the pump stands still"
        if self.bolus is not None and now < self.bolus.until_h:
            return "another bolus runs"
        if self.given_h and now - self.given_h[-1] < self.patient.lockout_h - _SAME_H:
            return f"the last was {now - self.given_h[-1]:.3g} h ago"
        if sum(now - at < HOURS_A_DAY - _SAME_H for at in self.given_h) >= self.patient.most_a_day:
            return f"{self.patient.most_a_day} were given in the last 24 h"
        return ""

    def _catheter(self, event: happens.Kink | happens.Leak | happens.Revision | happens.Repair) -> None:
        if isinstance(event, happens.Kink):
            self.pump = replace(self.pump, passes=event.passes)
            self.log("kink", f"catheter kinked: {100 * event.passes:.3g} % of the flow passes")
        elif isinstance(event, happens.Leak):
            self.pump = replace(self.pump, leaks=event.share)
            words = "catheter disconnected" if event.share == 1.0 else f"leak of {100 * event.share:.3g} % of the flow"
            self.log("leak", words)
        elif isinstance(event, happens.Revision):
            last = self.implants[-1]
            length = last.catheter_cm if event.catheter_cm is None else event.catheter_cm
            tip = event.tip or last.tip
            self.pump = self.pump.revised(length)
            self._implant(tip, length)
            self.log("revised", f"catheter revised: {length:g} cm to {tip}, without drug in it")
        else:
            self.pump = replace(self.pump, passes=1.0, leaks=0.0)
            self.log("repair", "catheter repaired")
