"""One motoneuron pool, in which voluntary drive, bias and drug meet: what a drug takes of the strength that is left.

Equation
    S' = Phi(z - h / (c V_gap)) / Phi(z_full) ,   z = Phi^-1(S Phi(z_full))
S is the strength that is there without the drug, bias and command together; h (mV) what is taken from the membrane of
every motoneuron; c V_gap the spread of thresholds of the pool that the H-reflex measures; z_full how far a healthy
person's full effort lies above the mean threshold. A pool with drive to spare keeps its strength, one that is half
recruited loses it, one that nobody drives has none to lose.
Assumptions: force goes with the share of the pool that fires; the pool of every voluntary movement of a limb is alike;
what lowers the descending signal itself (`bias_kept`) takes nothing from the membrane.
Source: pool of `tone.spinal`; form of Cisi and Kohn 2008 with thresholds spread as fitted; z_full assumed.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtr, ndtri
from jaxtyping import Array

from eutonia._types import Scalar
from eutonia.tone.spinal import VolleyConstants


@jax.jit
def strength_under(strength: Array, taken: Array, full_effort: Scalar, pool: VolleyConstants) -> Array:
    """Return the strength (0..1) that is left when a drug hyperpolarises the pool.

    Parameters
    ----------
    strength
        Share of full strength without the drug, 0 to 1.
    taken
        Hyperpolarisation of the motoneurons by the drug, mV; below 0 in rebound.
    full_effort
        Full effort of the healthy, in spreads of the pool above its mean threshold (set `walking`).
    pool
        Spread of thresholds and gap from rest to threshold.
    """
    whole = ndtr(full_effort)
    recruited = ndtri(jnp.clip(strength, 0.0, 1.0) * whole)
    left = ndtr(recruited - taken / (pool.pool_spread * pool.motoneuron_gap)) / whole
    # Nothing taken leaves exactly what there was, whatever the inverse rounds.
    return jnp.where(taken == 0.0, strength, jnp.minimum(left, 1.0))
