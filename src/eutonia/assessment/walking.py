"""Walking: strength carries speed, tone brakes swing and props stance.

Equation
    v        = v_0 S^a exp(-b max(0, D_swing))                                 comfortable speed, m/s
    support  = (S M_vol + M_tone) / M_need                                     stance stability index
S voluntary leg strength (0..1), M in N m per kg. A leg whose voluntary strength alone does not reach the need stands
on its tone: take the tone away and the index falls below 1. So the response to a drug is U-shaped when S is small.
Source: proposed form; strength against speed Nadeau 1999; numbers mostly judgement (see the records).
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array

from eutonia._types import Scalar


def comfortable_speed(strength: Array, bias: Array, healthy: Scalar, exponent: Scalar, brake: Scalar) -> Array:
    """Return comfortable walking speed in m/s."""
    return healthy * jnp.maximum(strength, 0.0) ** exponent * jnp.exp(-brake * jnp.maximum(bias, 0.0))


def stance_support(strength: Array, tone_torque: Array, voluntary: Scalar, needed: Scalar) -> Array:
    """Return the stance stability index: 1 or more carries the body on that leg.

    `tone_torque` and `voluntary` (extensor torque at full strength) and `needed` are in N m per kg body weight.
    """
    return (strength * voluntary + tone_torque) / needed
