"""Stretch and hold: the examiner or a device moves a joint at constant speed to an angle and holds it there.

For the torque during a stretch alone the closed form (`limb.ramp`) is faster; this one also gives the hold, what each
tissue adds, and traces to look at.
"""

from __future__ import annotations

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia.limb.swing import STEPS, Limb, Motion, ReflexConstants, follow


def stretch_and_hold(
    limb: Limb,
    constants: ReflexConstants,
    path: tuple[float, float],
    speed: float,
    total_s: float,
    *,
    steps: int = STEPS,
) -> Motion:
    """Move every limb along `path` (from, to; rad) at `speed` (rad/s), then hold it, `total_s` seconds in all.

    Before the stretch the limb lies still at the first angle, long enough for all reflex activity to settle.
    """
    step = float(constants.delay) / steps
    samples = math.ceil(total_s / step) + 1
    return _stretched(limb, constants, jnp.asarray([*path, speed]), samples, steps)


@eqx.filter_jit
def _stretched(
    limb: Limb, constants: ReflexConstants, path: Float[Array, "3"], samples: int, steps: int
) -> Motion:
    begin, end, speed = path
    time = constants.delay / steps * jnp.arange(samples)
    travel = jnp.clip(speed * time, 0.0, end - begin)
    moving = speed * time < end - begin
    one = jnp.ones((1, *jax.tree.leaves(limb.threshold)[0].shape))
    angle, velocity = (begin + travel)[:, None] * one, jnp.where(moving, speed, 0.0)[:, None] * one
    return follow(limb, angle, velocity, constants, steps=steps)[0]
