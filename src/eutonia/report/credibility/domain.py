"""Who of a run lies outside what the calibration data have seen: age, weight, kidneys, time since stroke, dose."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from eutonia._hours import HOURS_A_DAY, HOURS_A_MONTH, HOURS_A_WEEK, HOURS_A_YEAR

_HOURS = {"h": 1.0, "days": HOURS_A_DAY, "weeks": HOURS_A_WEEK, "months": HOURS_A_MONTH, "years": HOURS_A_YEAR}
_ADULT = 18.0
_AGES = re.compile(r"\b(\d+)-(\d+) y\b")
_KIDNEYS = re.compile(r"\bCLcr (<\s*)?(\d+)(?:-(\d+))? mL/min")
#: Words for a stroke in studies and cases.
STROKES = ("stroke", "ischaemic", "haemorrhagic")
_STROKE = re.compile(r"\bstroke|haemorrhag|paretic", re.IGNORECASE)

Row = Mapping[str, str]


@dataclass(frozen=True)
class Seen:
    """What the calibration data have seen of one thing: a range in its unit, how many rows say it, in what words."""

    low: float
    high: float
    rows: int
    told: str


@dataclass(frozen=True)
class Checked:
    """One thing of the people of a run beside what was seen.

    `values` are those of the run's people (or the ends that the file allows); `outside` the share of them outside what
    was seen, None where nothing was seen or only ends are known.
    """

    what: str
    unit: str
    low: float | None
    high: float | None
    seen: Seen | None
    outside: float | None
    values: tuple[float, ...] = field(default=(), repr=False)


def is_of_stroke(row: Row) -> bool:
    """Whether a row of the calibration data is of people after a stroke."""
    return bool(_STROKE.search(row["population"]))


def ages(rows: Sequence[Row], _: str = "") -> Seen | None:
    """Return the ages of treated people: what rows print, and 18 years and more where they say adults."""
    found: list[float] = []
    adults = 0
    for row in rows:
        if row["layer"] in ("population", "rater"):
            continue
        if match := _AGES.search(row["population"]):
            found += map(float, match.groups())
        adults += bool(re.search(r"\badult", row["population"]))
    if not adults and not found:
        return None
    low = min(found, default=_ADULT)
    return Seen(low, math.inf, adults + len(found) // 2, f"from {low:g} years; rows that say adults give no upper end")


def kidneys(rows: Sequence[Row], _: str = "") -> Seen | None:
    """Return the creatinine clearances of the renal rows, mL/min."""
    found = [match for row in rows if (match := _KIDNEYS.search(row["population"]))]
    numbers = [float(one) for match in found for one in match.groups()[1:] if one]
    numbers += [0.0 for match in found if match[1]]
    return Seen(min(numbers), max(numbers), len(found), "renal rows") if found else None


def months(rows: Sequence[Row], origin: str) -> Seen | None:
    """Return the months since a stroke at which survivors were looked at; of other origins nothing is said."""
    if origin not in STROKES:
        return None
    looked = [
        float(row["timepoint"]) * _HOURS[row["timepoint_unit"]] / _HOURS["months"]
        for row in rows
        if row["layer"] == "population" and row["timepoint"] and row["timepoint_unit"] in _HOURS and is_of_stroke(row)
    ]
    return Seen(min(looked), max(looked), len(looked), "rows of survivors") if looked else None


def doses(rows: Sequence[Row], route: str, unit: str) -> Seen | None:
    """Return the doses of a route in a unit ("ug", "ug/d", "mg/d") that effects were measured at."""
    layers = ("tone_bolus", "tone_steady", "oral_effect", "reflex", "tolerance", "csf_pk", "oral_pk")
    found = []
    for row in rows:
        if row["layer"] not in layers or not row["route"].startswith(route):
            continue
        if row["dose"] and row["dose_unit"] == unit:
            found.append(float(row["dose"]))
        elif "dose" in row["outcome"] and row["value"] and row["value_unit"] == unit:
            found.append(float(row["value"]))
    return Seen(min(found), max(found), len(found), f"{route} rows in {unit}") if found else None


#: What is checked of people: words, unit, column of the table of patients, and what was seen.
PEOPLE: tuple[tuple[str, str, str, Callable[[Sequence[Row], str], Seen | None]], ...] = (
    ("age", "year", "age_year", ages),
    ("weight", "kg", "weight_kg", lambda rows, origin: None),
    ("creatinine clearance", "mL/min", "creatinine_clearance_ml_per_min", kidneys),
    ("time since onset", "month", "months_since_onset", months),
)


def checked(what: str, unit: str, values: Sequence[float], seen: Seen | None, *, are_ends: bool) -> Checked:
    """Return people's values beside what was seen; `are_ends` where only the ends of their range are known."""
    known = np.asarray([one for one in values if math.isfinite(one)], dtype=float)
    low, high = (float(known.min()), float(known.max())) if known.size else (None, None)
    share = None
    if seen is not None and known.size and not are_ends:
        share = float(np.mean((known < seen.low) | (known > seen.high)))
    return Checked(what, unit, low, high, seen, share, tuple(known.tolist()))


def sentence(one: Checked) -> str:
    """Return in words what lies outside."""
    if one.low is None:
        return "the run does not say"
    if one.seen is None:
        return "no row of the calibration data gives any: whatever is said of it rests on records alone"
    if one.outside is not None:
        return "none outside" if one.outside == 0.0 else f"{one.outside:.0%} outside"
    out = [f"below {one.seen.low:.3g}"] * (one.low < one.seen.low)
    out += [f"above {one.seen.high:.3g}"] * ((one.high or 0.0) > one.seen.high)
    return f"allows people {' and '.join(out)}, who are outside" if out else "all that it allows was seen"
