"""How many people a trial needs: the share of simulated trials that find something, as a curve over their size.

Equation
    probit(power) = a + b sqrt(n)
Of a test of a mean this is exact but for the other tail, with a = -z(1 - alpha/2) and b the effect in standard
errors of one person; it is fitted to the trials that were simulated, each size by its own Monte Carlo error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from eutonia._middle import Z_95

# Agresti and Coull: a share of none or of all trials is not known exactly.
_HITS, _MORE = 2.0, 4.0
# How far the curve of a t test of few people may bend from the line, in probits a squared probit: numerical scheme.
_BENT = 0.1


def share(hits: int, trials: int) -> tuple[float, float]:
    """Return the share of trials that is used for fits, and its Monte Carlo error; never quite 0 or 1."""
    p = (hits + _HITS) / (trials + _MORE)
    return p, math.sqrt(p * (1.0 - p) / (trials + _MORE))


def mean_error(values: np.ndarray) -> float:
    """Return the Monte Carlo error of a mean over trials; NaN of one trial alone."""
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")


@dataclass(frozen=True)
class PowerCurve:
    """The fitted curve: both coefficients and their covariance."""

    coefficients: Float[np.ndarray, " two"]
    covariance: Float[np.ndarray, "two two"]

    def at(self, people: float) -> float:
        """Return the power of a trial of so many people."""
        from scipy.stats import norm

        return float(norm.cdf(self.coefficients @ (1.0, math.sqrt(people))))

    def size(self, target: float) -> float:
        """Return the number of people at which the curve reaches a power; inf where it never does."""
        from scipy.stats import norm

        a, b = self.coefficients
        root = (float(norm.ppf(target)) - a) / b if b > 0 else math.inf
        return max(root, 0.0) ** 2

    def interval(self, target: float) -> tuple[float, float]:
        """Return the 95 % Monte Carlo interval of that number, by Fieller's theorem.

        **Equation** all n with (a + b sqrt(n) - z)^2 <= q^2 var(a + b sqrt(n))
        """
        from scipy.stats import norm

        a, b = self.coefficients
        q2, z = Z_95**2, float(norm.ppf(target))
        (vaa, vab), (_, vbb) = self.covariance
        square, linear, rest = b * b - q2 * vbb, b * (a - z) - q2 * vab, (a - z) ** 2 - q2 * vaa
        inside = linear * linear - square * rest
        if b <= 0 or square <= 0 or inside < 0:
            return 0.0, math.inf
        low, high = ((-linear + sign * math.sqrt(inside)) / square for sign in (-1.0, 1.0))
        return max(low, 0.0) ** 2, max(high, 0.0) ** 2


def fitted(people: Sequence[int], hits: Sequence[int], trials: int, alpha: float, target: float) -> PowerCurve:
    """Return the curve through shares of trials at several sizes; through one, that of a test of a mean.

    Parameters
    ----------
    people, hits
        Size of the trials, and how many of `trials` found something, of each size.
    trials
        Simulated trials of each size.
    alpha
        Level of the two-sided test: what the power is where nothing is to be found.
    target
        The power that is asked for: the further a size is from it, the less its share tells, for small trials follow
        the line near it only.
    """
    from scipy.stats import norm

    found = [share(one, trials) for one in hits]
    y = norm.ppf([p for p, _ in found])
    far = _BENT * (y - norm.ppf(target)) ** 2
    error = np.hypot(np.array([se for _, se in found]) / norm.pdf(y), far)
    root = np.sqrt(np.asarray(people, dtype=float))
    start = float(norm.ppf(alpha / 2))
    if len(set(people)) == 1:
        b, se = (y[0] - start) / root[0], error[0] / root[0] / math.sqrt(len(people))
        return PowerCurve(np.array([start, b]), np.array([[0.0, 0.0], [0.0, se * se]]))
    design = np.stack([np.ones_like(root), root], axis=1) / error[:, None]
    covariance = np.linalg.inv(design.T @ design)
    return PowerCurve(covariance @ (design.T @ (y / error)), covariance)
