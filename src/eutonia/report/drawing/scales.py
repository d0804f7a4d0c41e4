"""The scales of a panel: from values to px, and the round numbers that are written beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from eutonia.assessment.scales import Scale
from eutonia.report.words import Number

#: What is drawn: one number for each point.
Values = Sequence[Number] | np.ndarray
#: A clinical scale with no more grades than these has each of them written.
_MOST_GRADES = 5
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
# A dose that towers over all others and lasts this share of the time shown ends at the edge of its panel.
_BRIEF_SHARE, _TOWERS, _ROOM = 0.01, 3.0, 1.4


def ticks(low: Number, high: Number, most: int) -> list[float]:
    """Return round numbers from `low` to `high`, with at most `most` steps between them."""
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        return [float(low)]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in _NICE if nice * power >= rough * (1 - 1e-9))
    return multiples(low, high, step)


def whole(scale: Scale | None, low: Number, high: Number) -> tuple[float, float]:
    """Return the ends of a scale up that holds `low` to `high` and begins where it begins.

    A clinical scale is shown from end to end, everything else from zero: a scale that begins in the middle makes
    little look like much.
    """
    if scale is not None and not math.isinf(scale.highest):
        room = 0.04 * (scale.highest - scale.lowest)
        return min(scale.lowest, low) - room, max(scale.highest, high) + room
    low, high = min(low, 0.0), max(high, 0.0)
    room = 0.08 * (high - low) or 0.5
    return float(low - room if low < 0 else 0.0), float(high + room if high > 0 or low == 0 else 0.0)


def steps_of(scale: Scale | None, low: Number, high: Number) -> list[float]:
    """Return the numbers that are written beside a scale up: every grade of a short clinical scale, else round ones."""
    if scale is not None and scale.unit == "score" and scale.highest - scale.lowest <= _MOST_GRADES:
        return multiples(scale.lowest, scale.highest, 1.0)
    return ticks(low, high, 4)


def multiples(low: Number, high: Number, step: Number) -> list[float]:
    """Return the multiples of `step` from `low` to `high`."""
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{step * k:.12g}") for k in range(first, last + 1)]


def decades(low: Number, high: Number) -> list[float]:
    """Return the powers of ten from `low` to `high`."""
    return [10.0**k for k in range(math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9) + 1)]


def shown(values: Sequence[Number]) -> list[str]:
    """Return the labels of ticks, all with the decimals of the finest; zero stays a plain zero."""
    decimals = max((len(f"{value:g}".partition(".")[2]) for value in values), default=0)
    return [f"{value:.{decimals}f}".replace("-", "−") if value else "0" for value in values]


@dataclass(frozen=True)
class Axis:
    """A straight or logarithmic way from values to px: the value at either end and where that end is."""

    low: Number
    high: Number
    start: Number
    end: Number
    is_log: bool = False

    def __call__(self, values: Values) -> Float[np.ndarray, " point"]:
        """Return where values lie, px; on a log scale what is not above zero lies far below the panel."""
        given = np.asarray(values, dtype=float)
        ends = self.low, self.high
        if self.is_log:
            given = np.log10(np.maximum(given, self.low * 1e-3))
            ends = math.log10(self.low), math.log10(self.high)
        return self.start + (given - ends[0]) * ((self.end - self.start) / ((ends[1] - ends[0]) or 1.0))

    def at(self, value: Number) -> float:
        """Return where one value lies, px."""
        return float(self([value])[0])


def usual_most(dose: Float[np.ndarray, " look"], time: Float[np.ndarray, " look"], end_h: Number) -> float:
    """Return the highest dose worth a scale: minutes of a bolus do not press months of a program flat."""
    held, order = np.diff(time, append=end_h), np.argsort(dose)
    share = np.cumsum(held[order]) / max(float(held.sum()), 1e-9)
    usual = float(dose[order][np.searchsorted(share, 1.0 - _BRIEF_SHARE)])
    return _ROOM * usual if dose.max() > _TOWERS * usual > 0 else float(dose.max())
