"""What a pump program file may say to happen: what is programmed, filled, injected, drawn, called or broken when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from eutonia import _bounds
from eutonia.drug.pump import Device
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.program import Program, ProgramStep
from eutonia.errors import StudyError
from eutonia.study.fields import (
    Given,
    Interval,
    Level,
    Part,
    PartOfOne,
    PumpModel,
    QuantityField,
    Reservoir,
    described,
)
from eutonia.study.pump_parts import (
    Catheter,
    Clock,
    Dose,
    Injected,
    Kept,
    NotAll,
    Rate,
    Strength,
    When,
)
from eutonia.study.studyfile import Problem

#: Calls of a bolus that one event may stand for; a guard rail.
MOST_CALLS = 2000
Drawn = Annotated[Given, QuantityField("volume", _bounds.DRAWN)]


class FlexStep(Part):
    """A step of a day: from this time of day on, this rate."""

    from_h: Clock = described("Time of day.", alias="from")
    rate_ug_per_h: Rate = described("Rate from then on.", alias="rate")


class _Event(Part):
    """Something that happens at one time: `makes` of what stands in the other keys, in their order."""

    makes: ClassVar[Callable[..., happens.Event]]
    at: When = described("When: time since midnight of day 0, or day and time of day by the calendar.")

    def event(self, at_h: float) -> happens.Event:
        """Return what happens, at an hour of the therapy."""
        return self.makes(at_h, *(_plain(value) for key, value in self if key not in ("at", "kind")))


class Simple(_Event):
    """One rate, day and night."""

    kind: Literal["simple"] = described("One rate, day and night.")
    rate_ug_per_h: Rate = described("The rate.", alias="rate")

    def event(self, at_h: float) -> happens.Event:
        """Return what happens."""
        return happens.Programmed(at_h, Program.simple(float(self.rate_ug_per_h)))


class Flex(_Event):
    """Steps of the day, with others at the weekend if given."""

    kind: Literal["flex"] = described("Steps of the day.")
    steps: Annotated[tuple[FlexStep, ...], Field(min_length=1, max_length=96)] = described("From midnight on.")
    weekend: Annotated[tuple[FlexStep, ...], Field(min_length=1, max_length=96)] | None = described(
        "Steps on Saturday and Sunday; left out, as on other days.", default=None
    )

    def _problems(self) -> Iterable[Problem]:
        for key, steps in (("steps", self.steps), ("weekend", self.weekend or ())):
            if steps and steps[0].from_h != 0:
                do = 'Let the first step begin at "00:00".'
                yield Problem((key, 0, "from"), "Nothing is said of the time before.", None, '"00:00"', do=do)
            for k in range(1, len(steps)):
                if steps[k].from_h <= steps[k - 1].from_h:
                    why = "It does not come after the step in front."
                    yield Problem((key, k, "from"), why, None, "a rising list", do="Sort the steps by time of day.")

    def event(self, at_h: float) -> happens.Event:
        """Return what happens."""
        week, weekend = (
            None if steps is None else [ProgramStep(step.from_h, float(step.rate_ug_per_h)) for step in steps]
            for steps in (self.steps, self.weekend)
        )
        return happens.Programmed(at_h, Program.flex(week or (), weekend))


class ScheduledBolus(_Event):
    """A basal rate with boluses at times of the day."""

    kind: Literal["scheduled bolus"] = described("Boluses at times of the day, over a basal rate.")
    basal_ug_per_h: Rate = described("Rate between the boluses.", alias="basal")
    dose_ug: Dose = described("Each bolus.", alias="dose")
    over_h: Interval = described("Time over which a bolus runs.", alias="over")
    times_h: Annotated[tuple[Clock, ...], Field(min_length=1, max_length=48)] = described(
        "Times of day.", alias="times"
    )

    def _problems(self) -> Iterable[Problem]:
        try:
            self.event(0.0)
        except StudyError as error:
            why, _, do = str(error).partition(" Allowed: ")
            yield Problem(("times",), f"{why[0].upper()}{why[1:]}", None, do.split(". ")[0], do=do.split(". ")[-1])

    def event(self, at_h: float) -> happens.Event:
        """Return what happens."""
        numbers = (float(self.basal_ug_per_h), float(self.dose_ug), float(self.over_h))
        return happens.Programmed(at_h, Program.pulsatile(*numbers, sorted(set(self.times_h))))


class MinimumRate(_Event):
    """The mode that only keeps the tubing open."""

    kind: Literal["minimum rate"] = described("The mode that only keeps the tubing open.")

    def event(self, at_h: float) -> happens.Event:
        """Return what happens."""
        return happens.Programmed(at_h, None)


class Stop(_Event):
    """The pump is stopped."""

    kind: Literal["stop"] = described("The pump stands still from here on.")

    def event(self, at_h: float) -> happens.Event:
        """Return what happens."""
        return happens.Programmed(at_h, Program.simple(0.0))


class PumpRefillEvent(_Event):
    """The reservoir is emptied and filled."""

    makes = happens.Refill
    kind: Literal["refill"] = described("The reservoir is emptied and filled.")
    concentration_ug_per_ml: Strength | None = described(
        "New concentration; left out, as before.", alias="concentration", default=None
    )
    volume_ml: Reservoir | None = described("How much; left out, to the top.", alias="volume", default=None)
    found_ml: Drawn | None = described(
        "Volume that was drawn out before, which tells how fast the pump has run.", alias="found", default=None
    )


class PocketFillEvent(_Event):
    """A refill that misses the port."""

    makes = happens.PocketFill
    kind: Literal["pocket fill"] = described("A refill beside the port: the drug lies under the skin.")
    concentration_ug_per_ml: Strength | None = described(
        "Concentration; left out, as before.", alias="concentration", default=None
    )
    volume_ml: Reservoir | None = described("How much; left out, a reservoir.", alias="volume", default=None)


class EnteredEvent(_Event):
    """The programmer is told a concentration."""

    makes = happens.Entered
    kind: Literal["concentration entered"] = described(
        "The programmer is told this concentration, whatever is in the reservoir; a refill enters its own."
    )
    concentration_ug_per_ml: Strength = described("What is entered.", alias="concentration")


class PatientBolusEvent(_Event):
    """Boluses that the person may call."""

    makes = happens.PatientBolus
    kind: Literal["patient bolus"] = described("From here on the person may call a bolus, on top of the program.")
    dose_ug: Dose = described("Each bolus.", alias="dose")
    over_h: Interval = described("Time over which a bolus runs.", alias="over")
    lockout_h: Interval = described("Least time from bolus to bolus.", alias="lockout")
    most_a_day: Annotated[int, Field(strict=True, ge=1, le=96)] = described("Most boluses in any 24 hours.")

    def _problems(self) -> Iterable[Problem]:
        if self.lockout_h < self.over_h:
            why, allowed = "The next bolus could begin while one runs.", f"at least {self.over_h.text}"
            yield Problem(("lockout",), why, self.lockout_h.text, allowed, do="Make it longer.")


class ActivationEvent(_Event):
    """The person calls a bolus, once or again and again."""

    kind: Literal["activation"] = described("The person calls a bolus; it is given if lockout and number allow it.")
    every_h: Interval | None = described("Time from call to call; left out, it is one.", alias="every", default=None)
    until: When | None = described("Last time at which it may be called, with every.", default=None)

    def _problems(self) -> Iterable[Problem]:
        if (self.every_h is None) != (self.until is None):
            key, other = ("until", "every") if self.until is None else ("every", "until")
            why, do = f"Calls that repeat have every and until; {other} stands alone.", f"Add {key}, or remove {other}."
            yield Problem((key,), why, None, '"6 hour" and "30 day", or neither', do=do)

    def events(self, at_h: float, until_h: float | None) -> list[happens.Event]:
        """Return every call."""
        if self.every_h is None or until_h is None:
            return [happens.Activation(at_h)]
        count = int((until_h - at_h) / self.every_h + 1e-9) + 1
        return [happens.Activation(at_h + k * float(self.every_h)) for k in range(max(min(count, MOST_CALLS + 1), 0))]


class PrimeEvent(_Event):
    """A priming bolus."""

    makes = happens.Prime
    kind: Literal["prime"] = described("The pump fills tubing and catheter as fast as it can.")
    volume_ml: Injected | None = described("How much; left out, what they hold.", alias="volume", default=None)


class BridgeEvent(_Event):
    """A bridge bolus after a change of concentration."""

    makes = happens.Bridge
    kind: Literal["bridge"] = described("Keeps a dose of the old solution until it has left the tubing.")
    keeps_ug_per_h: Kept = described("Dose that the person keeps meanwhile.", alias="keeps")


class FlushEvent(_Event):
    """The catheter is flushed by hand."""

    makes = happens.Flush
    kind: Literal["flush"] = described("Saline is injected into the catheter by hand.")
    volume_ml: Injected | None = described("How much; left out, what the catheter holds.", alias="volume", default=None)


class AspirationEvent(_Event):
    """The catheter is drawn out through its access port."""

    makes = happens.Aspiration
    kind: Literal["aspiration"] = described("The catheter is drawn out by hand through its access port.")
    volume_ml: Injected | None = described("How much; left out, what the catheter holds.", alias="volume", default=None)


class RevisionEvent(_Event):
    """The catheter is revised."""

    makes = happens.Revision
    kind: Literal["revision"] = described("A new catheter on the old pump, without drug in it.")
    catheter_cm: Catheter | None = described(
        "Its implanted length; left out, as before.", alias="catheter", default=None
    )
    tip: Level | None = described("Vertebral level of its tip; left out, as before.", default=None)


class KinkEvent(_Event):
    """The catheter is kinked."""

    makes = happens.Kink
    kind: Literal["kink"] = described("The catheter is kinked.")
    passes: NotAll = described("Share of the flow that passes, 0 (shut) to 1.")


class LeakEvent(_Event):
    """The connector leaks."""

    makes = happens.Leak
    kind: Literal["leak"] = described("The connector between pump and catheter leaks.")
    share: PartOfOne = described("Share of the flow that is lost, up to 1 (disconnected).")


class MagnetEvent(_Event):
    """A magnetic resonance examination."""

    makes = happens.Magnet
    kind: Literal["magnet"] = described("A magnetic resonance examination.")
    lasts_h: Interval = described("Time for which a rotor stalls.", alias="lasts")


class ReplacementEvent(_Event):
    """The pump is replaced."""

    kind: Literal["replacement"] = described("A new pump on the old catheter, full, its tubing without drug.")
    concentration_ug_per_ml: Strength | None = described(
        "Its concentration; left out, as before.", alias="concentration", default=None
    )
    model: PumpModel | None = described("Its model by name; left out, as before.", default=None)
    reservoir_ml: Reservoir | None = described("Its reservoir; left out, as before.", alias="reservoir", default=None)
    alarm_volume_ml: Reservoir | None = described(
        "Volume left at its low-reservoir alarm; left out, as before, or that of another model.",
        alias="alarm_volume",
        default=None,
    )

    def event(self, at_h: float) -> happens.Event:
        """Return what happens."""
        device = None if self.model is None else Device.named(self.model)
        volumes = (_plain(self.reservoir_ml), _plain(self.alarm_volume_ml))
        return happens.Replacement(at_h, _plain(self.concentration_ug_per_ml), device, *volumes)


class PlainEvent(_Event):
    """What needs no more than a time."""

    kind: Literal["disconnection", "repair", "restart", "empty"] = described(
        "The catheter comes off; it is repaired; the pump is set going again after a magnet; it is emptied."
    )

    def event(self, at_h: float) -> happens.Event:
        """Return what happens."""
        if self.kind == "disconnection":
            return happens.Leak(at_h, 1.0)
        if self.kind == "repair":
            return happens.Repair(at_h)
        return happens.Restart(at_h) if self.kind == "restart" else happens.Emptied(at_h)


Event = Annotated[
    Simple
    | Flex
    | ScheduledBolus
    | MinimumRate
    | Stop
    | PumpRefillEvent
    | PocketFillEvent
    | EnteredEvent
    | PrimeEvent
    | BridgeEvent
    | PatientBolusEvent
    | ActivationEvent
    | FlushEvent
    | AspirationEvent
    | RevisionEvent
    | KinkEvent
    | LeakEvent
    | MagnetEvent
    | ReplacementEvent
    | PlainEvent,
    Field(discriminator="kind"),
]


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Given) else value
