"""How a number is spread over a population: a share of people below it in, the number out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from eutonia.errors import SimulationError

_SMALLEST_SHARE = 1e-12

Shares = Float[np.ndarray, "..."]


@dataclass(frozen=True, slots=True)
class TruncatedNormal:
    """A normal distribution cut at both ends; `mean` and `sd` are those before the cut. With sd 0 a constant."""

    mean: float
    sd: float = 0.0
    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        _check(self.mean, self.sd, self.low, self.high)

    def quantile(self, share: Shares) -> Shares:
        """Return the number below which this share of the people lies."""
        if self.sd == 0.0:
            return np.full_like(share, self.mean)
        return np.asarray(
            np.clip(_normal_quantile(share, self.mean, self.sd, self.low, self.high), self.low, self.high)
        )


@dataclass(frozen=True, slots=True)
class LogNormal:
    """A lognormal distribution with this mean and sd, cut at both ends. With sd 0 a constant."""

    mean: float
    sd: float = 0.0
    low: float = 0.0
    high: float = math.inf

    def __post_init__(self) -> None:
        _check(self.mean, self.sd, self.low, self.high)
        if self.mean <= 0.0 or self.low < 0.0:
            raise SimulationError(
                f"a lognormal distribution has mean {self.mean:g} and lower end {self.low:g}. Allowed: mean above 0, "
                "lower end at least 0. Correct it, or use a normal one."
            )

    @classmethod
    def of_median(cls, median: float, sd_log: float, low: float = 0.0, high: float = math.inf) -> LogNormal:
        """Return the one with this median and standard deviation of the natural logarithm."""
        mean = median * math.exp(sd_log**2 / 2.0)
        return cls(mean, mean * math.sqrt(math.expm1(sd_log**2)), low, high)

    def quantile(self, share: Shares) -> Shares:
        """Return the number below which this share of the people lies."""
        if self.sd == 0.0:
            return np.full_like(share, self.mean)
        variance = math.log1p((self.sd / self.mean) ** 2)
        ends = (math.log(end) if end > 0.0 else -math.inf for end in (self.low, self.high))
        logs = _normal_quantile(share, math.log(self.mean) - variance / 2.0, math.sqrt(variance), *ends)
        return np.asarray(np.clip(np.exp(logs), self.low, self.high))


@dataclass(frozen=True, slots=True)
class Even:
    """Every number between two ends as likely as every other."""

    low: float
    high: float

    def __post_init__(self) -> None:
        _check((self.low + self.high) / 2.0, 0.0, self.low, self.high)

    def quantile(self, share: Shares) -> Shares:
        """Return the number below which this share of the people lies."""
        return np.asarray(self.low + (self.high - self.low) * share)


def standard_normal(share: Shares) -> Shares:
    """Return standard normal deviates from shares between 0 and 1."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.clip(share, _SMALLEST_SHARE, 1.0 - _SMALLEST_SHARE)))


def _normal_quantile(share: Shares, mean: float, sd: float, low: float, high: float) -> Shares:
    from scipy.special import ndtr

    below, up_to = ndtr((low - mean) / sd), ndtr((high - mean) / sd)
    return mean + sd * standard_normal(below + share * (up_to - below))


def _check(mean: float, sd: float, low: float, high: float) -> None:
    finite = math.isfinite(mean) and math.isfinite(sd)
    if not finite or sd < 0.0 or not low <= high or (sd == 0.0 and not low <= mean <= high):
        raise SimulationError(
            f"a distribution has mean {mean:g}, sd {sd:g}, range {low:g} to {high:g}. Allowed: finite mean, sd at "
            "least 0, low below high, and a constant inside its range. Correct it."
        )
