"""A joint whose muscles' torques are given from outside, moved on step by step.

Equation
    I v' = m g l cos(theta - theta_g) + T_load - d v - T_p - T_stop - T_a FV(v) + T_n FV(-v)
T_a torque of the muscle that is stretched as the angle grows, T_n of its antagonist; the rest as in `swing`. Angle and
speed advance by the second-order Adams-Bashforth and trapezoid rules, one evaluation of the torque a step.
Not for: short-range stiffness (the movement before has broken it).
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from eutonia._types import Scalar
from eutonia.limb.swing import Limb, ReflexConstants, force_velocity, gravity_torque, passive_torque, stop_torque


class Moving(eqx.Module):
    """Angle rad, velocity rad/s and the acceleration of the step before, rad/s2."""

    angle: Float[Array, " patient"]
    velocity: Float[Array, " patient"]
    acceleration: Float[Array, " patient"]


def moved(
    limb: Limb,
    now: Moving,
    muscles: tuple[Array, Array],
    is_new: Bool[Array, ""],
    step: Scalar,
    constants: ReflexConstants,
) -> Moving:
    """Return the joint a step (s) on, under torques of agonist and antagonist (N m) as they are when still.

    `is_new`: the joint was held until now, so that it has no acceleration of a step before.
    """
    angle, velocity = now.angle, now.velocity
    held = muscle_torque(muscles, velocity, constants) + passive_torque(angle, limb) + stop_torque(angle, limb)
    held = held + limb.damping * velocity
    acceleration = (gravity_torque(angle, limb) + limb.load - held) / limb.inertia
    before = jnp.where(is_new, acceleration, now.acceleration)
    faster = velocity + step * (1.5 * acceleration - 0.5 * before)
    return Moving(angle + 0.5 * step * (velocity + faster), faster, acceleration)


def muscle_torque(muscles: tuple[Array, Array], velocity: Array, constants: ReflexConstants) -> Array:
    """Return the torque against stretch of both muscles at a speed (rad/s), N m."""
    agonist, antagonist = muscles
    return agonist * force_velocity(velocity, constants) - antagonist * force_velocity(-velocity, constants)
