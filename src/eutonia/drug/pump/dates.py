"""The dates that a clinic books: alarm, empty reservoir, refill, stability, battery; each as an interval."""

from __future__ import annotations

from dataclasses import dataclass

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY, HOURS_A_MONTH
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.course import play
from eutonia.drug.pump.device import Interval
from eutonia.drug.pump.therapy import Therapy


@dataclass(frozen=True, slots=True)
class Date:
    """What is due, earliest, as programmed and latest (h; infinite: not within the time looked at), and why."""

    what: str
    at_h: Interval
    because: str


def stability_h() -> float:
    """Return how long a filling may stay in a pump, h."""
    return parameters.load("pump").value("refill_cap", "day") * HOURS_A_DAY


def next_dates(therapy: Therapy) -> tuple[Date, ...]:
    """Return the dates that follow the last filling, if nothing else is done.

    The specified error of flow moves alarm and empty reservoir either way; a refill is due before the earliest.
    """
    filled = last_filling(therapy)
    far = max(therapy.duration_h, filled + 2.0 * stability_h())
    tolerance = therapy.last_device.flow_tolerance
    fast, typical, slow = (play(therapy, flow_error=error, until_h=far) for error in (tolerance, 0.0, -tolerance))
    because = f"flow may be off by {100 * tolerance:.3g} % either way"
    alarm, empty = (
        Interval(*(course.first(what, filled) for course in (fast, typical, slow))) for what in ("alarm", "empty")
    )
    cap = filled + stability_h()
    due = Interval(*(min(at, cap) for at in (alarm.low, alarm.typical, alarm.high)))
    why = "the drug's stability" if due.low == cap else "the earliest alarm"
    dates = [
        Date("low-reservoir alarm", alarm, because),
        Date("empty reservoir", empty, because),
        Date("stability limit", Interval(cap, cap, cap), "days since the last filling"),
        Date("refill due", Interval(due.low, due.low, due.low), f"before {why}"),
    ]
    return (*dates, *_battery(therapy))


def last_filling(therapy: Therapy) -> float:
    """Return when the reservoir was last filled, h."""
    return max(
        (event.at_h for event in therapy.events if isinstance(event, happens.FILLINGS)), default=therapy.starts_h
    )


def _battery(therapy: Therapy) -> tuple[Date, ...]:
    """Return when the battery ends and when its replacement must be booked, counted from the last implantation."""
    replaced = [event.at_h for event in therapy.events if isinstance(event, happens.Replacement)]
    device = therapy.last_device
    begun, life = max(replaced, default=therapy.starts_h), device.battery_life
    ahead = parameters.load("pump").value("replacement_ahead", "month") * HOURS_A_MONTH
    end = Interval(*(begun + years for years in (life.low, life.typical, life.high)))
    booked = Interval(*(max(at - ahead, begun) for at in (end.low, end.typical, end.high)))
    dates = [Date("book the replacement", booked, "months ahead of the end of service")]
    warning = device.replacement_warning
    if warning is not None:
        signal = Interval(*(at - warning for at in (end.low, end.typical, end.high)))
        dates.append(Date("replacement signal", signal, "by the manual, before the end of service"))
    return (*dates, Date("battery ends", end, "life by the manual, longer at low flow"))
