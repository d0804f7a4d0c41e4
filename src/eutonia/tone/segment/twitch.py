"""From impulses at the muscle to torque: the sum of twitches, over a whole recording or step by step as it grows.

Equation
    T(t) = r sum P_i (x/T_i) e^(1 - x/T_i),  x = t - s          (twitches simply add up)
sampled exactly: with f = e^(-dt/T), p <- f p + P n and y <- f (y + e p dt/T).
Assumptions
    Units of like speed share a time to peak: sixteen classes stand for all.
Not for: force at high rates, where twitches fuse to less than their sum in some units and more in others.
"""

from __future__ import annotations

import math

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from eutonia import parameters
from eutonia.tone.segment.units import MotorUnits

_CLASSES = 16  # numerical: within one, times to peak differ by 3 % or less of their mean


class Twitches(eqx.Module):
    """Twitches of one pool on a clock: `family` of every unit, `size` of its twitch N m, `ratio` dt over time to peak
    of every class.
    """

    family: Int[np.ndarray, " unit"]
    size: Float[np.ndarray, " unit"]
    ratio: Float[np.ndarray, " family"]

    @classmethod
    def of(cls, units: MotorUnits, dt_ms: float) -> Twitches:
        """Return the twitches of a pool, at steps of `dt_ms`."""
        time = units.twitch_time
        edges = np.linspace(time.min(), time.max(), _CLASSES + 1)
        family = np.clip(np.searchsorted(edges, time, side="right") - 1, 0, _CLASSES - 1)
        size = units.twitch_force * parameters.load("segment").value("moment_arm", "m")
        return cls(family, size, dt_ms / ((edges[1:] + edges[:-1]) / 2.0))

    def gathered(self, arrives: Array) -> Array:
        """Return the impulses of every class, N m: (..., unit, patient) to (..., family, patient)."""
        share = jnp.asarray(self.size * (self.family == np.arange(_CLASSES)[:, None]), arrives.dtype)
        return jnp.einsum("fu,...up->...fp", share, arrives)

    def step(self, state: tuple[Array, Array], impulses: Array) -> tuple[tuple[Array, Array], Array]:
        """Advance (past impulses, torque of every class) by a step; return the torque, N m, at its end."""
        ratio = jnp.asarray(self.ratio, impulses.dtype)[:, None]
        fade = jnp.exp(-ratio)
        past, torque = state
        torque = fade * (torque + math.e * ratio * past)
        return (fade * past + impulses, torque), torque.sum(-2)
