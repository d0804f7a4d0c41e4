"""Stretches of the ankle, and commands that a person gives: stretch reflex, its threshold, paired motor units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from eutonia import parameters
from eutonia.tone.segment import stimuli
from eutonia.tone.segment.protocols import Person, Row
from eutonia.tone.segment.readout import Activity

#: Rest before a movement and watching after it, s.
LEAD_S, _AFTER_S = 0.4, 0.1
_SMOOTH = 0.2  # s, half width of the window of a smoothed discharge rate


@dataclass(frozen=True)
class StretchReflex:
    """Answers to stretches of several speeds (deg/s).

    `size` largest share of the pool that fires within the record `reflex_window`, beyond the largest at rest;
    `onset_deg` how far the ankle was stretched when that reached what can be seen (nan: never); `torque` largest less
    that at rest, N m.
    """

    speed: Row
    size: Row
    onset_deg: Row
    torque: Row

    @property
    def threshold_deg_s(self) -> float:
        """The speed at which the reflex begins to be seen (nan: none), between two tested speeds by size."""
        least = parameters.load("examination").value("reflex_seen", "1")
        above = self.size >= least
        if not above.any():
            return float("nan")
        first = int(above.argmax())
        if first == 0:
            return float(self.speed[0])
        below = self.size[first - 1]
        share = (least - below) / (self.size[first] - below)
        return float(self.speed[first - 1] + share * (self.speed[first] - self.speed[first - 1]))


def stretch_reflex(person: Person, speed: Sequence[float], range_deg: float = 20.0) -> StretchReflex:
    """Stretch the soleus through a range at several speeds (deg/s) and read impulses and torque."""
    found = []
    for rate in speed:
        plan = stimuli.rest(LEAD_S + range_deg / rate + _AFTER_S, 1)
        angle = stimuli.ramp(plan, LEAD_S, rate, range_deg)
        activity = person.copies(1, stimuli.stretch(plan, angle, float(person.condition.fusimotor[0])))
        found.append(read_stretch(activity, angle, np.array([plan.n_steps])))
    size, onset, torque = np.concatenate(found, axis=1)
    return StretchReflex(np.asarray(speed, dtype=float), size, onset, torque)


def read_stretch(
    activity: Activity, angle: Float[np.ndarray, "time copy"], end: Int[np.ndarray, " copy"]
) -> Float[np.ndarray, "3 copy"]:
    """Read size, onset (deg) and torque (N m) of stretches that begin at the usual time, until the step `end`."""
    plan = activity.plan
    least, window = parameters.load("examination").values(reflex_seen="1", reflex_window="s")
    start, wide = (round(t * 1000.0 / plan.dt_ms) for t in (LEAD_S, window))
    rows = activity.motor[activity.motor[:, 1] == stimuli.SOLEUS]
    fired = np.zeros((plan.n_steps + wide, len(end)))
    np.add.at(fired, (rows[:, 0] + wide, rows[:, 3]), 1.0 / activity.units.n_units)
    total = np.cumsum(fired, axis=0)
    recent = total[wide:] - total[:-wide]
    beyond = recent - recent[start // 2 : start].max(0)
    step = np.arange(plan.n_steps)[:, None]
    inside = (step >= start) & (step < end)
    seen = inside & (beyond >= least)
    at = np.take_along_axis(angle, seen.argmax(0)[None], axis=0)[0]
    torque = activity.torque()
    return np.stack(
        [
            np.where(inside, beyond, 0.0).max(0),
            np.where(seen.any(0), at - angle[0], np.nan),
            np.where(inside, torque, 0.0).max(0) - torque[:start].max(0),
        ]
    )


@dataclass(frozen=True)
class PairedUnits:
    """Rates of two motor units in a contraction that grows and fades: the pair of the delta-F technique.

    Times in s, rates in impulses/s of the reporter unit (low threshold) and the times at which the test unit (higher
    threshold) starts and stops; nothing and nan if the command did not fire both.
    """

    time_s: Row
    reporter: Row
    starts_s: float
    stops_s: float

    @property
    def delta_f(self) -> float:
        """Rate of the reporter when the test unit starts less that when it stops, impulses/s."""
        if not self.time_s.size:
            return float("nan")
        return float(np.diff(np.interp([self.stops_s, self.starts_s], self.time_s, self.reporter))[0])


def usual_contraction() -> tuple[float, float]:
    """Return the peak of the usual command, mV in the smallest motoneuron, and the time in which it grows, s."""
    peak, rise = parameters.load("examination").values(contraction_peak="mV", contraction_rise="s")
    return peak, rise


def paired_units(person: Person, test: float = 0.3, reporter: float = 0.02, rise_s: float | None = None) -> PairedUnits:
    """Let a command grow to a peak and fade (triangle), and follow two units at these places in the pool (0 to 1)."""
    peak, usual = usual_contraction()
    rise = usual if rise_s is None else rise_s
    plan = stimuli.rest(LEAD_S + 2.0 * rise + 0.5, 1)
    plan = stimuli.command(plan, stimuli.triangle(plan, LEAD_S, rise, peak))
    activity = person.copies(1, plan)
    high, low = (activity.train(int(place * activity.units.n_units)) for place in (test, reporter))
    low, high = (train[train > LEAD_S] for train in (low, high))
    if low.size <= 1 or high.size == 0:
        return PairedUnits(np.zeros(0), np.zeros(0), float("nan"), float("nan"))
    time = (low[1:] + low[:-1]) / 2.0
    rate = 1.0 / np.diff(low)
    smooth = np.array([rate[np.abs(time - t) <= _SMOOTH].mean() for t in time])
    return PairedUnits(time, smooth, float(high[0]), float(high[-1]))
