"""Neural, elastic and viscous resistance from a slow and a fast stretch, as the NeuroFlexor reports them.

Equation
    elastic = T_slow(after the hold) - T(before)
    viscous = max(0, T_fast - T_slow) at the angle that the fast stretch reaches before any reflex can act
    neural  = T_fast(end) - T_slow(after the hold) - viscous
Torques in N m; the device reports N at the hand. Inertia is no part of it: the device takes it off, and here the
stretch runs at one speed.
Assumptions: viscosity in proportion to speed. Reflex activity that outlasts the hold counts as elastic, in the device
too.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia._compiled import compiled
from eutonia.limb.swing import Limb, Motion, ReflexConstants, torques

Patients = Float[Array, " patient"]


class Split(eqx.Module):
    """`neural`, `elastic` and `viscous` as the device finds them, and `reflex`, what the reflex really added at the
    end of the fast stretch; N m.
    """

    neural: Patients
    elastic: Patients
    viscous: Patients
    reflex: Patients


@compiled
def split(slow: Motion, fast: Motion, limb: Limb, constants: ReflexConstants) -> Split:
    """Return the split of a slow and a fast stretch along the same path, each with its hold."""
    slowly, quickly = torques(slow, limb, constants), torques(fast, limb, constants)
    early = jnp.searchsorted(fast.time, constants.delay, side="right") - 1
    reached = jnp.searchsorted(slow.angle[:, 0], fast.angle[early, 0])
    end = jnp.argmin(fast.velocity[:, 0] > 0.0) - 1
    held = slowly.total[-1]
    viscous = jnp.maximum(quickly.total[early] - slowly.total[reached], 0.0)
    neural = quickly.total[end] - held - viscous
    return Split(neural, held - slowly.total[0], viscous, quickly.reflex[end])
