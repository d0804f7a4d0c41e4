"""Withdrawal in a case: how long the person has been without drug, what the model shows of it, and how often stops of
that kind end badly.

The model's withdrawal is a rebound of tone: excitability has risen against the drug within weeks, and is left over for
days when the drug is gone. Fever, itching, delirium and muscle breakdown are not in it; for the severe form there is
a hazard that follows how far excitability stands above its untreated level in the person: it grows with dose and
length of treatment, a slow taper leaves little of it, and it is over when excitability has come back.

Equation
    P(h) = 1 - exp(-l integral of W^2 dt) without drug, W = max(0, -e) at the leg's tone (`drug.effect.gaba_b`)
    it falls to 0 over the published time of a response after it
l is such that an abrupt stop after a year at the label's maintenance dose has the published share of severe forms
after 72 h (calibration/adverse_exposure.py); the square, by which little adaptation has little risk, is judgement.
Not for: stops of tablets, for which no share is known; prediction in one person.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY

if TYPE_CHECKING:
    import xarray

Hours = Float[np.ndarray, " time"]
Risen = Float[np.ndarray, "time patient"]

# Hours without drug that are put into words, where somebody looked then; the worst hour is added.
_SAID_H = (6.0, 18.0, 24.0, 48.0, 72.0, 168.0)
_NEAR_H = 1.0
#: From these on a rebound, mV, and a share of people are told: no examiner could feel less.
SAID_MV = 0.05
SAID_SHARE = 0.0005
_MISSING = (
    "The model's withdrawal is a rebound of tone and spasms only. Itching, fever, altered mind, muscle breakdown and "
    "organ failure are not in it. "
)
OF_PUMP = (
    _MISSING + "The risk of the severe form follows how far this person has adapted; it is scaled to "
    "the published share of stops (4 %), as after a year on 250 mcg/day. A stop of intrathecal baclofen is an "
    "emergency from its first hour."
)
OF_TABLETS = (
    _MISSING + "How often stops of tablets end badly is not known here; their label warns of hallucinations and "
    "seizures after a sudden stop, and has them tapered."
)


def what_it_misses(courses: Iterable[xarray.Dataset]) -> str:
    """Return what a reader has to know of withdrawal in these courses, by the route of what was stopped."""
    return OF_PUMP if any("withdrawal_severe" in course for course in courses) else OF_TABLETS


@dataclass
class Interruption:
    """A time without drug after treatment, or without that of a pump: hours of its start and end, and which it is."""

    start_h: float
    is_of_pump: bool
    end_h: float = np.inf

    def hours_at(self, time_h: Hours) -> Hours:
        """Return the hours without drug at each time, NaN outside of the interruption."""
        inside = (time_h >= self.start_h) & (time_h <= self.end_h)
        return np.where(inside, time_h - self.start_h, np.nan)


@dataclass
class Interruptions:
    """Follows what a person is given and keeps the times without drug."""

    found: list[Interruption] = field(default_factory=list)
    _pumped: bool = False
    _swallowed: bool = False

    def given(self, time_h: float, *, pump: bool, tablets: bool) -> None:
        """Take note of whether the pump delivers and tablets are taken from now on."""
        last = self.found[-1] if self.found and np.isinf(self.found[-1].end_h) else None
        # Little of a tablet reaches the cord: tablets neither prevent nor end the withdrawal of a pump.
        if last is not None and (pump or (tablets and not last.is_of_pump)):
            last.end_h = time_h
        if self._pumped and not pump:
            self.found.append(Interruption(time_h, is_of_pump=True))
        elif self._swallowed and not tablets and not pump and last is None:
            self.found.append(Interruption(time_h, is_of_pump=False))
        self._pumped, self._swallowed = pump, tablets

    def bolus(self, time_h: float) -> None:
        """Take note of a single dose: hours without drug are counted anew from it."""
        if self.found and np.isinf(self.found[-1].end_h):
            self.found[-1].end_h = time_h
            self.found.append(Interruption(time_h, self.found[-1].is_of_pump))

    def hours(self, time_h: Hours) -> Hours:
        """Return the hours without drug, or without the pump's, at each time; 0 while it is given and before."""
        each = [np.nan_to_num(one.hours_at(time_h)) for one in self.found]
        return np.max([np.zeros_like(time_h), *each], axis=0)

    def severe(self, time_h: Hours, risen: Risen) -> Risen | None:
        """Return each person's risk that a stop has brought them into the severe form; None without a pump's stop.

        `risen` is how far excitability stands above its untreated level, as a share of full effect.
        """
        stops = [one for one in self.found if one.is_of_pump]
        if not stops:
            return None
        from scipy.integrate import cumulative_trapezoid

        records = parameters.load("adverse")
        recovery = records.ends("withdrawal_response", "h")[1]
        hazard = records.value("withdrawal_severe_hazard", "1/h")
        found = np.zeros_like(risen)
        for stop in stops:
            without = np.clip(time_h, stop.start_h, stop.end_h) - stop.start_h
            met = cumulative_trapezoid(risen**2, without, axis=0, initial=0.0)
            reached = -np.expm1(-hazard * met)
            since = np.maximum(time_h - stop.end_h, 0.0) if np.isfinite(stop.end_h) else np.zeros_like(time_h)
            found = np.maximum(found, reached * np.clip(1.0 - since / recovery, 0.0, 1.0)[:, None])
        return found


def severe_share(without_h: Hours) -> Hours:
    """Return the share of abrupt stops of an infusion that have turned severe after so many hours without drug."""
    records = parameters.load("adverse")
    share, (first, last) = records.value("withdrawal_severe_share", "1"), records.ends("withdrawal_onset", "h")
    return share * np.clip((without_h - first) / (last - first), 0.0, 1.0)


def add_withdrawal(course: xarray.Dataset, interruptions: Interruptions) -> None:
    """Add to a course the rebound, the hours without drug, and the risk that the stop turns severe."""
    import xarray as xr

    time = course["time_h"].to_numpy()
    rebound = (course["bias"] - course["untreated_bias"]).clip(min=0.0)
    course["rebound"] = rebound.assign_attrs(units="mV", long_name="Bias above the untreated level (rebound)")
    if not interruptions.found:
        return
    label = {"units": "h", "long_name": "Hours without drug, or without that of the pump"}
    course["without_drug"] = xr.Variable(("time_h",), interruptions.hours(time), label)
    if (severe := interruptions.severe(time, _risen(course))) is not None:
        label = {"units": "1", "long_name": "Severe form, risk of the stop"}
        course["withdrawal_severe"] = xr.Variable(("time_h", "patient"), severe, label)


def _risen(course: xarray.Dataset) -> Risen:
    """Return how far excitability stands above its untreated level where the leg's tone is made."""
    effect = course["receptor_effect"].sel(limb="leg").transpose("time_h", "patient").to_numpy()
    return np.maximum(-effect, 0.0)


def told(course: xarray.Dataset, interruptions: Interruptions) -> tuple[str, ...]:
    """Return in words what hours without drug look like: a sentence an hour, the worst of each stop among them."""
    time = course["time_h"].to_numpy()
    each = interruptions.severe(time, _risen(course))
    severe = None if each is None else each.mean(axis=1)
    found = []
    for one in interruptions.found:
        hours = one.hours_at(time)
        leg = course["ashworth"].sel(limb="leg").transpose("time_h", "patient").to_numpy().mean(axis=1)
        inside = np.flatnonzero(np.isfinite(hours))
        if inside.size < 2:
            continue
        places = {place for at in _SAID_H if (place := _nearest(hours, at)) is not None}
        rebound = course["rebound"].sel(limb="leg").mean("patient").to_numpy()
        before, height = int(inside[0]), leg + rebound
        worst = int(inside[np.argmax(height[inside])])
        if height[worst] - height[before] < SAID_MV:
            worst = before  # nothing rises: no hour is the worst
        for i in sorted({*places, worst} - {before}):
            which = f"From day {one.start_h / HOURS_A_DAY:.0f} on: " if len(interruptions.found) > 1 else ""
            said = _sentence(course, i, before, one, is_worst=i == worst, severe=severe)
            found.append(which + said)
    return tuple(found)


def _nearest(hours: Hours, at: float) -> int | None:
    """Return the place of the look nearest to an hour without drug, or None if nobody looked near it."""
    away = np.where(np.isfinite(hours), np.abs(hours - at), np.inf)
    place = int(np.argmin(away))
    return place if away[place] <= _NEAR_H else None


def _sentence(
    course: xarray.Dataset, i: int, before: int, one: Interruption, *, is_worst: bool, severe: Hours | None
) -> str:
    def middle(name: str, at: int) -> float:
        variable = course[name].isel(time_h=at)
        return float(variable.sel(limb="leg").median("patient"))

    has_tablets = one.is_of_pump and "dose_oral" in course
    on_tablets = has_tablets and bool((course["dose_oral"].isel(time_h=i) > 0).any())
    lacks = "without the pump, on tablets" if on_tablets else "without drug"
    lacks += " (the worst hour looked at)" if is_worst else ""
    over: Bool[np.ndarray, " patient"] = course["rebound"].sel(limb="leg").isel(time_h=i).to_numpy() >= SAID_MV
    said = (
        f"{float(course['time_h'][i]) - one.start_h:.0f} h {lacks}: leg Ashworth "
        f"{middle('ashworth', i):.1f} (was {middle('ashworth', before):.1f}), leg spasms {middle('spasm', i):.1f} "
        f"(was {middle('spasm', before):.1f})"
    )
    if over.any():
        said += f"; tone above its untreated level in {100 * over.mean():.0f}% of possible people"
        said += f", by {middle('rebound', i):.1f} mV in the middle one" if middle("rebound", i) >= SAID_MV else ""
    if severe is not None and severe[i] >= SAID_SHARE:
        said += f"; {100 * severe[i]:.1f}% of such stops have turned severe by then"
    return said + "."
