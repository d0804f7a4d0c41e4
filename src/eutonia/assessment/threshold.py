"""Tonic stretch reflex threshold: stretches at several speeds, and the angle at which the muscle would answer at
speed zero.

Equation
    theta_k = lambda - mu v_k + tau v_k + noise          angle at which activity begins in stretch k
    theta   = TSRT - slope v                             least squares; TSRT and its standard error
Source: Feldman, Levin (threshold control). The delay between crossing the threshold and activity goes into the slope
and leaves the intercept alone.
Not for: fewer than three stretches that make the muscle answer (NaN).
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia._compiled import compiled
from eutonia._types import Scalar

Patients = Float[Array, " patient"]
Stretches = Float[Array, "stretch patient"]

# A straight line and its error need this many points.
_LEAST = 3


class ThresholdScore(eqx.Module):
    """`threshold` deg from the shortest position, its `standard_error` deg, `slope` s, and `answered`, the number of
    stretches that made the muscle answer.
    """

    threshold: Patients
    standard_error: Patients
    slope: Patients
    answered: Patients


def onset_angles(
    threshold: Patients,
    velocity_sensitivity: Patients,
    delay: Scalar,
    speed: Float[Array, " stretch"],
    noise: Stretches,
) -> Stretches:
    """Return the angle (unit of `threshold`) at which activity begins at each speed."""
    pace = speed[:, None]
    return jnp.maximum(threshold - velocity_sensitivity * pace, 0.0) + delay * pace + noise


@compiled
def threshold_score(angle: Stretches, speed: Float[Array, " stretch"], range_of_motion: Scalar) -> ThresholdScore:
    """Return the threshold from the angles (deg) at which activity began; beyond the range there was none."""
    seen = ((angle > 0.0) & (angle < range_of_motion)).astype(angle.dtype)
    pace = speed[:, None]
    n = seen.sum(axis=0)
    enough = n >= _LEAST
    count = jnp.where(enough, n, _LEAST)
    mean_v, mean_a = (seen * pace).sum(axis=0) / count, (seen * angle).sum(axis=0) / count
    spread = jnp.where(enough, (seen * (pace - mean_v) ** 2).sum(axis=0), 1.0)
    slope = (seen * (pace - mean_v) * (angle - mean_a)).sum(axis=0) / spread
    intercept = mean_a - slope * mean_v
    left = (seen * (angle - intercept - slope * pace) ** 2).sum(axis=0)
    variance = left / jnp.maximum(count - 2, 1)
    error = jnp.sqrt(variance * (1.0 / count + mean_v**2 / spread))
    intercept, error, slope = (jnp.where(enough, x, jnp.nan) for x in (intercept, error, slope))
    return ThresholdScore(intercept, error, -slope, n)
