"""The spiking segments of people at the bedside: what a lesion, months and a drug have left of each soleus.

Equation
    bias   = D + max(-I, 0)         (D of the lesion less what was learned; I mV taken by the drug, below 0 in rebound)
    rho    = 1 - phi A_pre u_reflex,   g_GIRK = [A_0 + phi (A_1 - A_0)] max(u_tone, 0)
Assumptions
    The two sites follow the two effects of the slow layer: Ia release that of the reflex, the motoneuron that of tone.
Source: records of the sets `segment` and `receptor`.
Not for: the arm, whose segment is not there.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from eutonia.patient import LIMBS
from eutonia.simulation.bedside import Bedside
from eutonia.tone.segment.condition import Condition
from eutonia.tone.segment.protocols import Person

MUSCLE = "ankle plantarflexors"
LEG = LIMBS.index("leg")


def spread_by_tone(at: Bedside, most: int) -> Int[np.ndarray, " chosen"]:
    """Return which people to examine where not all can be: evenly spread over the order of their bias under drug."""
    left = np.asarray(at.people.bias[LEG] - at.snapshot.hyperpolarisation[LEG])
    n = min(most, left.size)
    return np.sort(np.argsort(left, kind="stable")[((np.arange(n) + 0.5) * left.size / n).astype(int)])


def condition(at: Bedside, who: Int[np.ndarray, " chosen"]) -> Condition:
    """Return the state of the segment of each of some people."""
    drug = at.snapshot
    raised = jnp.maximum(-drug.hyperpolarisation[LEG, who], 0.0)
    bare = Condition.of_bias(at.people.bias[LEG, who] + raised)
    release = bare.with_gaba_b(drug.reflex_effect[LEG, who]).release
    girk = bare.with_gaba_b(jnp.maximum(drug.receptor_effect[LEG, who], 0.0)).girk
    return eqx.tree_at(lambda c: (c.release, c.girk), bare, (release, girk))


def persons(at: Bedside, who: Int[np.ndarray, " chosen"], seed: int) -> list[Person]:
    """Return the same people one by one, each with the luck of their own cells."""
    state = condition(at, who)
    return [
        Person(jax.tree.map(lambda values, k=k: values[k : k + 1], state), seed=seed, person=int(number))
        for k, number in enumerate(who)
    ]
