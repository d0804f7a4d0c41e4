"""Penn spasm frequency: 0 none, 1 on stimulation only, 2 less than one an hour, 3 more than one, 4 more than ten.

Equation
    log10 rate (1/h) = b_0 + b_1 D + person
    score = number of marks that the rate passes
    The scale has marks for scores 3 and 4 (1 and 10 an hour); those below them go on in the same steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array

from eutonia import parameters
from eutonia._types import Scalar


def spasm_rate_log10(bias: Array, person: Array, intercept: Scalar, decades_per_bias: Scalar) -> Array:
    """Return log10 of spasms per hour for a bias in mV and a person's own deviation in decades."""
    return intercept + decades_per_bias * bias + person


def penn_marks() -> tuple[float, ...]:
    """Return log10 of the spasms per hour that separate the scores 0|1|2|3|4."""
    third, fourth = map(math.log10, parameters.load("spasm").values(rate_of_score_3="1/h", rate_of_score_4="1/h"))
    return tuple(third + (score - 3) * (fourth - third) for score in range(1, 5))


def penn_score(rate_log10: Array, marks: Sequence[Scalar], noise: Array | Scalar = 0.0) -> Array:
    """Return the Penn spasm frequency score 0-4; `marks` as `penn_marks` gives them."""
    told = rate_log10 + noise
    return jnp.stack([told > mark for mark in marks]).sum(axis=0).astype(told.dtype)
