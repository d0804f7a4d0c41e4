"""A pump forecast in rows of words and numbers: what the screen, the page and the tables all print."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from eutonia._hours import HOURS_A_DAY
from eutonia.drug.pump.forecast import CASES, SITES, Forecast
from eutonia.drug.pump.therapy import Therapy
from eutonia.errors import SimulationError

_DAY_H = int(HOURS_A_DAY)
#: Two daily totals that differ by less than this share are printed as one stretch.
_ALIKE = 5e-4
#: Amounts and levels below this (ug, ng/mL) are written as 0: far below a molecule of interest, far above rounding.
_DUST = 1e-9


@dataclass(frozen=True)
class Hour:
    """One hour of a day: amounts in ug, typical levels in ng/mL by site."""

    label: str
    pumped: float
    tip: float
    lost: float
    levels: tuple[float, ...]


@dataclass(frozen=True)
class AlikeDays:
    """Days that deliver the same: first and last day, daily totals in ug."""

    first: int
    last: int
    wanted: float
    pumped: float
    tip: float
    lost: float


def shown_day(therapy: Therapy, day: int | None) -> int:
    """Return the day whose hours are printed: that asked for, or the last whole one.

    Raises
    ------
    SimulationError
        The therapy ends before.
    """
    last = max(int(therapy.duration_h) // _DAY_H - 1, 0)
    if day is not None and day > last:
        raise SimulationError(
            f"--day {day}: {therapy.name} ends before. Allowed: 0 to {last}. Nearest: {last}. Give another day, or "
            "lengthen duration in [therapy]."
        )
    return last if day is None else day


def hours(forecast: Forecast, day: int) -> list[Hour]:
    """Return the hours of a day."""
    begin = day * _DAY_H
    spent = [forecast.hourly(what)[begin : begin + _DAY_H].tolist() for what in range(3)]
    levels = [forecast.site(name)[begin + 1 : begin + 1 + _DAY_H, 0].tolist() for name in SITES]
    rows = zip(*spent, *levels, strict=True)
    return [Hour(f"{k:02d}:00", row[0], row[1], row[2], tuple(row[3:])) for k, row in enumerate(rows)]


def stretches(forecast: Forecast) -> list[AlikeDays]:
    """Return the daily totals, days that are alike joined."""
    days = math.ceil(forecast.course.therapy.duration_h / _DAY_H)
    edges = np.arange(days + 1) * float(_DAY_H)
    totals = np.concatenate([forecast.course.wanted(edges)[None], forecast.course.totals(edges)])
    size = max(float(totals.max(initial=0.0)), 1e-12)
    keys = np.round(totals / (size * _ALIKE)).astype(int).T.tolist()
    found = []
    for _, group in groupby(range(days), key=lambda day: tuple(keys[day])):
        inside = list(group)
        means = totals[:, inside].mean(axis=1)
        found.append(AlikeDays(inside[0], inside[-1], *(float(x) for x in means)))
    return found


def dates(forecast: Forecast) -> list[tuple[str, str, str, str, str]]:
    """Return each date as what, earliest, as programmed, latest, why."""
    therapy = forecast.course.therapy

    def told(at: float) -> str:
        return "not within a year" if math.isinf(at) else therapy.day(at)

    rows = []
    for date in forecast.dates:
        at = date.at_h
        low, high = ("", "") if at.low == at.high else (told(at.low), told(at.high))
        rows.append((date.what, low, told(at.typical), high, date.because))
    return rows


def broken(forecast: Forecast) -> list[tuple[str, str, str, str, bool]]:
    """Return each broken rule as when, rule, what is wrong, what to do, and whether it is a hazard."""
    day = forecast.course.therapy.day
    return [(day(one.at_h), one.rule, one.says, f"{one.do} ({one.source})", one.is_hazard) for one in forecast.broken]


def levels(forecast: Forecast, day: int) -> list[tuple[str, str, str, str]]:
    """Return the mean level of a day by site, typical and at both ends of the published spread, ng/mL."""
    begin = day * _DAY_H
    inside = slice(begin + 1, begin + 1 + _DAY_H)
    rows = [(name, forecast.site(name)[inside].mean(axis=0)) for name in SITES]
    rows.append(("at the catheter tip", forecast.tip[inside].mean(axis=0)))
    rows.append(("plasma", forecast.plasma[inside].mean(axis=0)))
    return [(name, level(row[0]), level(row[1]), level(row[2])) for name, row in rows]


#: A share that is less than this is rounding, not drug.
_ROUNDING = 1e-9


def ledger(forecast: Forecast) -> list[tuple[str, str]]:
    """Return what was filled in mcg, and where it went; what nothing went to is left out, but for the tip."""
    kept, pump = forecast.course.pump.ledger, forecast.course.pump
    rows = [
        ("filled", kept.filled),
        ("left the tip", kept.delivered),
        ("leaked", kept.leaked),
        ("under the skin beside the port", kept.pocket),
        ("drawn out by needle", kept.withdrawn),
        ("in pump and tubing", pump.content),
    ]
    told = [(name, f"{value:.6g}" if value > _ROUNDING * kept.filled else "0") for name, value in rows]
    return [row for row in told if row[1] != "0" or row[0] in ("filled", "left the tip")]


def unaccounted(forecast: Forecast) -> str:
    """Return which share of the drug nobody can account for, in words."""
    share = forecast.unaccounted
    return "nothing" if share < _ROUNDING else f"{share:.0e} of what was filled"


def level(value: float) -> str:
    """Return a concentration in words: three digits, and nothing below a thousandth."""
    return "0" if value < 1e-3 else f"{float(f'{value:.3g}'):g}"


def amount(value: float) -> str:
    """Return an amount in words."""
    return "0" if abs(value) < 5e-4 else f"{value:.4g}"


def table(forecast: Forecast) -> Iterator[list[str]]:
    """Yield the hourly table, its names first: amounts in ug, levels in ng/mL of every case."""
    spread = [f"{name}_{case.replace(' ', '_')}_ng_per_ml" for name in SITES for case in CASES]
    yield ["time_h", "pumped_ug", "tip_ug", "lost_ug", *spread, "tip_ng_per_ml", "plasma_ng_per_ml"]
    spent = np.stack([forecast.hourly(what) for what in range(3)], axis=1)
    rows = [forecast.site(name)[1:] for name in SITES]
    columns = [forecast.time_h[1:, None], spent, *rows, forecast.tip[1:, :1], forecast.plasma[1:, :1]]
    for row in np.concatenate(columns, axis=1):
        yield ["0" if abs(value) < _DUST else f"{value:.9g}" for value in row]
