"""Walking: strength carries speed, tone brakes swing and props stance.

Equation
    v        = v_0 S^a exp(-b max(0, D_swing)) g          comfortable speed, m/s
    g        = min(1, max(k, support))                    a leg that gives way slows its owner
    support  = (M_vol + M_tone) / M_need                  stance stability index
    FAC      = 5, 4 or 3 by speed where support >= 1; 2, 1 or 0 by support below
S voluntary strength of the leg, that of its hip flexors (0..1); M in N m per kg of hip, knee and ankle together.
A leg whose voluntary strength alone does not reach the need stands on its tone: take the tone away and the index falls
below 1. So the response to a drug turns back where S is small.
Source: proposed form; strength against speed Nadeau 1999; numbers mostly judgement (see the records).
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from eutonia import parameters
from eutonia._types import Scalar


class WalkingConstants(eqx.Module):
    """Records of the set `walking`: v_0 m/s, a, b 1/mV, M_need N m/kg, k, marks of the FAC (support, m/s)."""

    healthy_speed: Scalar
    strength_exponent: Scalar
    swing_brake: Scalar
    needed_torque: float
    speed_without_support: Scalar
    support_marks: tuple[Scalar, ...]
    speed_marks: tuple[Scalar, ...]

    @classmethod
    def from_records(cls) -> WalkingConstants:
        """Read the records."""
        gait = parameters.load("walking")
        torques = gait.values(hip_torque="N m/kg", voluntary_torque="N m/kg", ankle_torque="N m/kg")
        single = {"healthy_speed": "m/s", "strength_exponent": "1", "swing_brake": "1/mV", "speed_without_support": "1"}
        return cls(
            needed_torque=gait.value("needed_share", "1") * sum(torques),
            support_marks=gait.ends("support_marks", "1"),
            speed_marks=gait.ends("speed_marks", "m/s"),
            **gait.named(single),
        )


def comfortable_speed(strength: Array, bias: Array, support: Array, c: WalkingConstants) -> Array:
    """Return comfortable walking speed in m/s, from strength (0..1), bias left (mV) and stance support."""
    free = c.healthy_speed * jnp.maximum(strength, 0.0) ** c.strength_exponent
    braked = free * jnp.exp(-c.swing_brake * jnp.maximum(bias, 0.0))
    return braked * jnp.clip(support, c.speed_without_support, 1.0)


def stance_support(voluntary: Array, tone_torque: Array, needed: Scalar) -> Array:
    """Return the stance stability index: 1 or more carries the body on that leg.

    `voluntary` and `tone_torque` (what hip, knee and ankle bring together) and `needed` are in N m per kg body weight.
    """
    return (voluntary + tone_torque) / needed


def ambulation_category(support: Array, speed: Array, c: WalkingConstants) -> Array:
    """Return the Functional Ambulation Category, 0 to 5: who depends on another (0 to 2) has no support of a leg.

    0 cannot walk; 1 needs firm, 2 light support by a person; 3 supervision; 4 walks alone on level ground; 5 anywhere.
    """
    dependent = sum(jnp.where(support >= mark, 1.0, 0.0) for mark in c.support_marks)
    independent = 3.0 + sum(jnp.where(speed >= mark, 1.0, 0.0) for mark in c.speed_marks)
    return jnp.where(support >= 1.0, independent, dependent)
