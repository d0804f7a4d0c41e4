"""Clonus test: the foot is pushed quickly into dorsiflexion and pressed there.

Posture: lying, knee a little bent, foot hanging free of the table, in the examiner's hand. The examiner moves the
ankle from full plantarflexion to the end of range as fast as in a fast Tardieu stretch, stops, and goes on pressing
with the torque that a healthy ankle needs to be held there. Foot and hand then move together.
"""

from __future__ import annotations

import dataclasses
import math

import jax.numpy as jnp
import numpy as np

from eutonia import parameters
from eutonia._compiled import compiled
from eutonia.limb.joint import joint
from eutonia.limb.swing import (
    KEPT,
    STEPS,
    Limb,
    Motion,
    ReflexConstants,
    Start,
    follow,
    passive_torque,
    stop_torque,
    swing,
)
from eutonia.simulation.bedside import group

MUSCLE = "ankle plantarflexors"


def clonus(limb: Limb, healthy: Limb, constants: ReflexConstants, *, steps: int = STEPS) -> Motion:
    """Push and press the foot of each person.

    Parameters
    ----------
    limb
        The ankle of each person, in N m and rad.
    healthy
        The ankle of a healthy person of the same size: it decides how hard the examiner presses.
    constants
        Constants of the reflex; `delay` decides the time step.
    steps
        Steps in one reflex delay.
    """
    angle, speed = push()
    held = in_hand(limb, healthy)
    step = float(constants.delay) / steps
    times = step * np.arange(round(angle / speed / step) + 1)
    blocks = math.ceil(parameters.load("examination").value("clonus_time", "s") / float(constants.delay))
    return _push(held, jnp.asarray(speed * times), jnp.asarray(speed), constants, blocks, steps)


def push() -> tuple[float, float]:
    """Return the angle (rad) to which the foot is pushed from full plantarflexion, and how fast (rad/s)."""
    hold = parameters.load("examination").value("clonus_hold", "1")
    fast = parameters.load("bedside").value("fast_stretch_speed_ankle", "deg/s")
    return hold * joint(group(MUSCLE).joint).range_rad, math.radians(fast)


def in_hand(limb: Limb, healthy: Limb) -> Limb:
    """Return the foot of each person with the examiner's hand, which carries it and presses as hard as a healthy ankle
    needs to be held where the push ends.
    """
    hand_inertia, hand_damping = parameters.load("examination").values(hand_inertia="kg m^2", hand_damping="N m s/rad")
    angle, _ = push()
    return dataclasses.replace(
        limb,
        inertia=limb.inertia + hand_inertia,
        damping=limb.damping + hand_damping,
        gravity=0.0 * limb.gravity,
        load=healthy.background + passive_torque(angle, healthy) + stop_torque(angle, healthy),
    )


@compiled
def _push(
    limb: Limb, path: jnp.ndarray, speed: jnp.ndarray, constants: ReflexConstants, blocks: int, steps: int
) -> Motion:
    one = jnp.ones_like(limb.threshold)
    angle = path[:, None] * one
    _, end = follow(limb, angle, speed * jnp.ones_like(angle), constants, steps=steps)
    stopped = Start(end.angle, 0.0 * one, end.resource, end.first, end.second, end.excitation, end.fresh)
    return swing(limb, stopped, constants, blocks, steps=steps, kept=KEPT * steps // STEPS)
