"""The movement behind a recorded angle: its speed and acceleration, and how far they may err.

An acceleration that is read off a noisy angle is mostly noise, and noise that a model takes for movement biases all
that it fits. So the angle is fitted by a curve that is free to bend only where the recording says that it bends.

Equation
    angle = sum of quintic B-splines ;  knots halve their distance where that changes the curve by more than noise
    in interval k of width h_k: fourth derivative ~ N(0, q_k / h_k) ;  q_k = E[h_k (fourth derivative)^2 | angle]
The q_k are found by turns (expectation-maximisation), each shared with its neighbours; where the speed is steady they
die out, and the curve is stiff. Errors are those of the coefficients given q.

Source: penalised splines; automatic relevance determination.
Assumptions: errors of neighbouring angles are independent and of one size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.interpolate import BSpline

Samples = Float[np.ndarray, " sample"]
Knots = Float[np.ndarray, " knot"]
Matrix = Float[np.ndarray, "row column"]

# Numerics. Distances of knots, s: the widest, and the narrowest (but two samples); a halving counts when it moves the
# curve by so many standard errors; order of the splines and of the derivative that is held small; turns.
_WIDEST_S, _NARROWEST_S, _CHANGED, _BENDS = 0.2, 0.003, 2.0, 0.75
_ORDER, _HELD, _TURNS = 5, 4, 25
# What an interval takes from itself and its neighbours.
_SHARED = np.array([0.25, 0.5, 0.25])
# Nothing is surer than this, rad; and what keeps a matrix invertible, as a share of its diagonal.
_SUREST, _RIDGE = 1e-5, 1e-12


@dataclass(frozen=True)
class Movement:
    """A curve through the angles: coefficients and their covariance, in rad, on `knots` (s from the first sample)."""

    knots: Knots
    coefficients: Float[np.ndarray, " column"]
    covariance: Float[np.ndarray, "column column"]

    def at(self, time: Samples, order: int = 0) -> Samples:
        """Return angle (order 0, rad), speed (1) or acceleration (2) at times within the recording."""
        return self.basis(time, order) @ self.coefficients

    def error(self, time: Samples, order: int = 0) -> Samples:
        """Return the standard error of angle, speed or acceleration at times."""
        rows = self.basis(time, order)
        return np.sqrt(np.einsum("ni,ij,nj->n", rows, self.covariance, rows, optimize=True))

    def scatter(self) -> Matrix:
        """Return what turns independent standard normal numbers into errors of the coefficients."""
        # Not Cholesky: where the curve is stiff, rounding takes the least variances below zero.
        sizes, axes = np.linalg.eigh(self.covariance)
        return np.asarray(axes * np.sqrt(np.maximum(sizes, 0.0)))

    def basis(self, time: Samples, order: int = 0) -> Matrix:
        """Return how angle, speed or acceleration at each time follow from the coefficients."""
        return _basis(self.knots, time, order)


def movement(angle: Samples, step: float) -> Movement:
    """Fit evenly sampled angles, rad."""
    time, noise = step * np.arange(angle.size), _spread_of_noise(angle)
    knots = _refined(time, angle / noise, max(_NARROWEST_S, 2.0 * step))
    width = np.diff(knots)
    columns = _basis(knots, time) / noise
    told, seen = columns.T @ columns, columns.T @ (angle / noise)
    bends = _basis(knots, 0.5 * (knots[1:] + knots[:-1]), _HELD) * np.sqrt(width)[:, None]
    size = np.full(width.size, np.mean((bends @ _solve(told, seen)) ** 2))
    coefficients = covariance = np.empty(0)  # the first turn makes them
    for _ in range(_TURNS):
        covariance = np.linalg.inv(told + (bends.T / size) @ bends)
        coefficients = covariance @ seen
        size = (bends @ coefficients) ** 2 + np.einsum("ni,ij,nj->n", bends, covariance, bends, optimize=True)
        size = np.convolve(np.pad(size, 1, mode="edge"), _SHARED, "valid")
    return Movement(knots, coefficients, covariance)


def _spread_of_noise(angle: Samples) -> float:
    """Return the standard deviation of errors, from second differences; it is at least the sensor's grain."""
    steps = np.abs(np.diff(angle))
    grain = float(steps[steps > 0.0].min()) if (steps > 0.0).any() else 0.0
    bends = np.diff(angle, 2)
    # Of a normal error half lies within 0.6745 standard deviations; a second difference has the variance of six.
    return max(float(np.median(np.abs(bends))) / (0.6745 * np.sqrt(6.0)), grain / np.sqrt(12.0), _SUREST)


def _refined(time: Samples, angle: Samples, narrowest: float) -> Float[np.ndarray, " finer"]:
    """Return knots, close together where the curve through angles of unit error bends."""
    knots = np.linspace(time[0], time[-1], max(1, round((time[-1] - time[0]) / _WIDEST_S)) + 1)
    while (wide := np.diff(knots) >= 2.0 * narrowest).any():
        middles = 0.5 * (knots[1:] + knots[:-1])
        halved = np.sort(np.concatenate([knots, middles[wide]]))
        (whole, its), (half, halves) = (_least_squares(k, time, angle, middles) for k in (knots, halved))
        # A curve with more knots errs more, by the variance of its difference from the one with fewer.
        doubt = np.sqrt(np.maximum(halves - its, 1e-12))
        differs = wide & (np.abs(half - whole) > _CHANGED * doubt)
        if not differs.any():
            break
        near = wide & (differs | np.append(differs[1:], False) | np.append(False, differs[:-1]))
        knots = np.sort(np.concatenate([knots, middles[near]]))
    # Once more where it bends: the error of a curve holds only what its knots could show.
    width = np.diff(knots)
    finer = (width < _BENDS * _WIDEST_S) & (width >= 2.0 * narrowest)
    return np.sort(np.concatenate([knots, 0.5 * (knots[1:] + knots[:-1])[finer]]))


def _least_squares(
    knots: Knots, time: Samples, angle: Samples, places: Float[np.ndarray, " place"]
) -> tuple[Float[np.ndarray, " place"], Float[np.ndarray, " place"]]:
    """Return the curve of least squares at places, and its variance."""
    columns, there = _basis(knots, time), _basis(knots, places)
    solved = _solve(columns.T @ columns, np.column_stack([columns.T @ angle, there.T]))
    return there @ solved[:, 0], np.einsum("ni,in->n", there, solved[:, 1:])


def _solve(square: Matrix, right: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    return np.linalg.solve(square + _RIDGE * np.trace(square) * np.eye(len(square)), right)


def _basis(knots: Knots, time: Samples, order: int = 0) -> Matrix:
    padded = np.pad(knots, _ORDER, mode="edge")
    spline = BSpline(padded, np.eye(padded.size - _ORDER - 1), _ORDER)
    return np.asarray((spline.derivative(order) if order else spline)(np.clip(time, knots[0], knots[-1])))
