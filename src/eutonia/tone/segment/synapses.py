"""What a synapse does: a conductance that jumps and decays, a store of transmitter that runs down, a gate before it.

Equation
    g(t + dt) = g(t) e^(-dt/tau) + w n                          (n impulses; a step feels the mean within it)
    P         = rho (1 - k + k x)(1 - PAD),   x' = (1 - x)/tau_D,  x -> x (1 - U rho) at an impulse
    PAD'      = (PAD_0 - PAD)/tau_PAD,        PAD -> PAD + step at an impulse of every afferent
k is the share of release that can be depressed: without it a muscle spindle that fires for seconds would fall silent
at its synapse. Less release spends less of the store, so GABA-B weakens depression too.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar


class Synapses(eqx.Module):
    """Sizes and times of all synapses of a segment (set `segment`); conductances in shares of a cell's leak, ms."""

    ia_conductance: Scalar
    ii_conductance: Scalar
    inhibitory_conductance: Scalar
    renshaw_conductance: Scalar
    motor_to_renshaw: Scalar
    excitatory_decay: Scalar
    inhibitory_decay: Scalar
    renshaw_decay: Scalar
    depletion: Scalar
    recovery_ms: Scalar
    pad_time: Scalar
    pad_most: Scalar

    @classmethod
    def from_records(cls) -> Synapses:
        """Read the set `segment`, and the recovery of depression from the set `tone`."""
        s = parameters.load("segment")
        in_ms = ("excitatory_decay", "inhibitory_decay", "renshaw_decay", "pad_time")
        names = [name for name in cls.__dataclass_fields__ if name != "recovery_ms"]
        named = s.named({name: "ms" if name in in_ms else "1" for name in names})
        return cls(recovery_ms=1000.0 * parameters.load("tone").value("depression_recovery_time", "s"), **named)


def decay(time: Scalar, dt: float) -> tuple[Array, Array]:
    """Return what a decay leaves of a conductance after a step, and its mean within the step."""
    keep = jnp.exp(-dt / jnp.asarray(time, dtype=float))
    return keep, (1.0 - keep) * time / dt


def efficacy(store: Array, depressible: Array) -> Array:
    """Release of one impulse of each afferent, share of that of a rested one, before drug and gate."""
    return 1.0 - depressible + depressible * store


def spent(store: Array, spike: Array, spend: Array) -> Array:
    """Return the store after an impulse of those afferents that fired; `spend` is the share that one takes."""
    return jnp.where(spike, store * (1.0 - spend), store)


def rested_store(rate: Array, spend: Array, recovery_s: Scalar) -> Float[Array, "..."]:
    """Return the store in balance with a steady afferent rate in impulses/s."""
    return 1.0 / (1.0 + spend * rate * recovery_s)
