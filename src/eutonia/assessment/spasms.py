"""Penn spasm frequency: 0 none, 1 on stimulation only, 2 less than one an hour, 3 more than one, 4 more than ten.

Equation
    log10 rate (1/h) = b_0 + b_1 D + person
    score = number of marks (0.01, 0.1, 1, 10 per hour) that the rate passes
The marks 1 and 10 per hour are the scale's definition; below them the scale has no rate, and decades are assumed.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array

from eutonia._types import Scalar

# log10 of spasms per hour that separates the scores 0|1|2|3|4.
_MARKS = (-2.0, -1.0, 0.0, 1.0)


def spasm_rate_log10(bias: Array, person: Array, intercept: Scalar, decades_per_bias: Scalar) -> Array:
    """Return log10 of spasms per hour for a bias in mV and a person's own deviation in decades."""
    return intercept + decades_per_bias * bias + person


def penn_score(rate_log10: Array, noise: Array | Scalar = 0.0) -> Array:
    """Return the Penn spasm frequency score 0-4."""
    told = rate_log10 + noise
    return jnp.stack([told > mark for mark in _MARKS]).sum(axis=0).astype(told.dtype)
