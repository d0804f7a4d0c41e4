"""Stretches along a given path: at constant speed as a device does, or smoothly as a hand does; then a hold.

For the torque during a stretch at constant speed the closed form (`limb.ramp`) is faster; these also give the hold,
what each tissue adds, and traces to look at. Before a stretch the limb lies still, long enough for all reflex
activity to settle.

Equation
    smooth: theta = theta_0 + S (10 s^3 - 15 s^4 + 6 s^5), s = t/T, T = 1.875 S / v_peak          (least jerk)
"""

from __future__ import annotations

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia.limb.swing import Limb, Motion, ReflexConstants, follow

# Steps in one delay: 1 ms, in which the fastest stretch goes 0.4 deg.
_STEPS = 50


def stretch_and_hold(
    limb: Limb,
    constants: ReflexConstants,
    path: tuple[float, float],
    speed: float,
    total_s: float,
    *,
    steps: int = _STEPS,
) -> Motion:
    """Move every limb along `path` (from, to; rad) at `speed` (rad/s), then hold it, `total_s` seconds in all."""
    step = float(constants.delay) / steps
    samples = math.ceil(total_s / step) + 1
    return _stretched(limb, constants, jnp.asarray([*path, speed]), samples, steps)


def stretch_by_hand(
    limb: Limb,
    constants: ReflexConstants,
    path: tuple[float, float],
    peak_speed: float,
    total_s: float,
    *,
    steps: int = _STEPS,
) -> Motion:
    """Move every limb smoothly along `path` (from, to; rad), with `peak_speed` (rad/s) half-way, then hold it."""
    step = float(constants.delay) / steps
    samples = math.ceil(total_s / step) + 1
    return _smooth(limb, constants, jnp.asarray([*path, peak_speed]), samples, steps)


@eqx.filter_jit
def _stretched(limb: Limb, constants: ReflexConstants, path: Float[Array, "3"], samples: int, steps: int) -> Motion:
    begin, end, speed = path
    time = constants.delay / steps * jnp.arange(samples)
    travel = jnp.clip(speed * time, 0.0, end - begin)
    return _along(limb, constants, begin + travel, jnp.where(speed * time < end - begin, speed, 0.0), steps)


@eqx.filter_jit
def _smooth(limb: Limb, constants: ReflexConstants, path: Float[Array, "3"], samples: int, steps: int) -> Motion:
    begin, end, peak = path
    lasting = _PEAK_OVER_MEAN * (end - begin) / peak
    s = jnp.minimum(constants.delay / steps * jnp.arange(samples) / lasting, 1.0)
    angle = begin + (end - begin) * s**3 * (10.0 - 15.0 * s + 6.0 * s**2)
    speed = (end - begin) / lasting * 30.0 * s**2 * (1.0 - s) ** 2
    return _along(limb, constants, angle, speed, steps)


def _along(
    limb: Limb, constants: ReflexConstants, angle: Float[Array, " time"], speed: Float[Array, " time"], steps: int
) -> Motion:
    one = jnp.ones((1, jnp.shape(limb.threshold)[-1]))
    return follow(limb, angle[:, None] * one, speed[:, None] * one, constants, steps=steps)[0]


# Of a movement of least jerk: mathematics.
_PEAK_OVER_MEAN = 1.875
