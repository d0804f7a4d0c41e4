"""The middle 95 % that every interval of a page, a table or a file means: the one home of its ends."""

from __future__ import annotations

import numpy as np

LEVEL = 0.95
TAIL = 0.025
MIDDLE_95 = (TAIL, 0.5, 1 - TAIL)
#: Standard errors from the middle of a normal distribution to either end: what scipy.stats.norm.ppf(1 - TAIL) gives.
Z_95 = 1.959963984540054


def over_people(values: np.ndarray) -> np.ndarray:
    """Return low end, middle and high end at each time (3, time) of what people have (people, time); NaN only where
    nobody has a value.
    """
    out = np.full((3, values.shape[1]), np.nan)
    whole, some = np.isfinite(values).all(axis=0), np.isfinite(values).any(axis=0)
    # All at once where everybody has a value: NumPy goes through the others one by one.
    out[:, whole] = np.quantile(values[:, whole], MIDDLE_95, axis=0)
    if (some & ~whole).any():
        out[:, some & ~whole] = np.nanquantile(values[:, some & ~whole], MIDDLE_95, axis=0)
    return out


def wilson(share: float, n: float) -> tuple[float, float]:
    """Return the 95 % interval of a share seen in n people (Wilson 1927)."""
    z = Z_95
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)))
    # Of none or of all an end is known, and is not what rounding makes of it.
    return (max(middle - half, 0.0) if share > 0 else 0.0), (min(middle + half, 1.0) if share < 1 else 1.0)
