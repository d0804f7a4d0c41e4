"""Stretches along a given path: at constant speed as a device does, or smoothly as a hand does; then a hold.

For the torque during a stretch at constant speed the closed form (`limb.ramp`) is faster; these also give the hold,
what each tissue adds, and traces to look at. Before a stretch the limb lies still, long enough for all reflex
activity to settle.

Equation
    smooth: theta = theta_0 + S (10 s^3 - 15 s^4 + 6 s^5), s = t/T, T = 1.875 S / v_peak          (least jerk)
"""

from __future__ import annotations

import math

import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia._compiled import compiled
from eutonia.limb.swing import Limb, Motion, ReflexConstants, follow

Scalar = Float[Array, ""]
Times = Float[Array, " time"]

# Steps in one delay: 1 ms, in which the fastest stretch goes 0.4 deg.
_STEPS = 50


def stretch_and_hold(
    limb: Limb,
    constants: ReflexConstants,
    path: tuple[float, float],
    speed: float,
    total_s: float,
    *,
    by_hand: bool = False,
    steps: int = _STEPS,
) -> Motion:
    """Move every limb along `path` (from, to; rad), then hold it, `total_s` seconds in all.

    `speed` (rad/s) is that of the whole stretch, or its peak half-way if it is done smoothly, `by_hand`.
    """
    samples = math.ceil(total_s / (float(constants.delay) / steps)) + 1
    return _moved(limb, constants, jnp.asarray([*path, speed]), samples, steps, by_hand)


@compiled
def _moved(
    limb: Limb, constants: ReflexConstants, path: Float[Array, "3"], samples: int, steps: int, by_hand: bool
) -> Motion:
    begin, end, speed = path
    time = constants.delay / steps * jnp.arange(samples)
    angle, velocity = (_least_jerk if by_hand else _steady)(end - begin, speed, time)
    one = jnp.ones((1, jnp.shape(limb.threshold)[-1]))
    return follow(limb, (begin + angle)[:, None] * one, velocity[:, None] * one, constants, steps=steps)[0]


def _steady(way: Scalar, speed: Scalar, time: Times) -> tuple[Times, Times]:
    return jnp.clip(speed * time, 0.0, way), jnp.where(speed * time < way, speed, 0.0)


def _least_jerk(way: Scalar, peak: Scalar, time: Times) -> tuple[Times, Times]:
    lasting = _PEAK_OVER_MEAN * way / peak
    s = jnp.minimum(time / lasting, 1.0)
    return way * s**3 * (10.0 - 15.0 * s + 6.0 * s**2), way / lasting * 30.0 * s**2 * (1.0 - s) ** 2


# Of a movement of least jerk: mathematics.
_PEAK_OVER_MEAN = 1.875
