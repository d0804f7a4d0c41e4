"""Pendulum test (Wartenberg): the relaxed leg is let go from the horizontal and swings until it rests.

Posture: lying or half sitting, thigh supported, shank held level (knee straight), then dropped. Angles are knee
flexion from the horizontal, so the start is at 0 and a free leg hangs at 90 deg.
"""

from __future__ import annotations

import math

import jax.numpy as jnp

from eutonia import parameters
from eutonia._compiled import compiled
from eutonia.limb.swing import KEPT, STEPS, Limb, Motion, ReflexConstants, at_rest, swing

# Muscle group that a falling shank stretches.
MUSCLE = "knee extensors"


def pendulum(
    limb: Limb,
    constants: ReflexConstants,
    duration_s: float | None = None,
    *,
    steps: int = STEPS,
    moved_before: bool = False,
) -> Motion:
    """Let the leg of each person fall from the horizontal.

    Parameters
    ----------
    limb
        The knee of each person.
    constants
        Constants of the reflex; `delay` decides the time step.
    duration_s
        How long it is watched, s; that of the record `pendulum_time` when left out.
    steps
        Steps in one reflex delay.
    moved_before
        Whether the leg was moved just before release: short-range stiffness is then gone (Willaert 2020).
    """
    seconds = parameters.load("examination").value("pendulum_time", "s") if duration_s is None else duration_s
    blocks = math.ceil(seconds / float(constants.delay) - _SAME)
    return _fall(limb, constants, blocks, steps, moved_before)


# A duration that is a whole number of delays, but for rounding, needs no further block.
_SAME = 1e-6


@compiled
def _fall(limb: Limb, constants: ReflexConstants, blocks: int, steps: int, moved_before: bool) -> Motion:
    level = jnp.zeros_like(jnp.asarray(limb.threshold))
    start = at_rest(level, limb, steps=steps, moved_before=moved_before)
    return swing(limb, start, constants, blocks, steps=steps, kept=KEPT * steps // STEPS)
