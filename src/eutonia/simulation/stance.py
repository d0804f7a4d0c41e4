"""The stance leg: how much extensor torque tone lends when the knee yields under load."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia.limb.muscle import LIMBS, muscle_groups
from eutonia.limb.ramp import yielding_torque
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import BodyConstants, muscle_state
from eutonia.simulation.people import People

# The antigravity extensor of the stance phase, and the body weight at which torque ceilings are given.
_EXTENSOR = "knee extensors"
_REFERENCE_WEIGHT_KG = 70.0


class Stance(eqx.Module):
    """`tone_torque` N m per kg lent by tone, `strength` voluntary strength (0..1) left under the drug, `bias` of the leg in mV."""

    tone_torque: Float[Array, " patient"]
    strength: Float[Array, " patient"]
    bias: Float[Array, " patient"]


def stance(people: People, snapshot: Snapshot, constants: BodyConstants) -> Stance:
    """Return what tone and voluntary strength give the affected leg in stance under the drug of `snapshot`."""
    walking = parameters.load("walking")
    angle, speed, posture, lost = walking.values("stance_angle", "stance_speed", "stance_bias", "strength_lost_to_drug")
    muscle = next(i for i, g in enumerate(muscle_groups()) if g.name == _EXTENSOR)
    group = muscle_groups()[muscle]
    leg = LIMBS.index("leg")
    untreated = jnp.maximum(people.bias[leg], 0.0)
    # Posture adds to a lesion's bias only in proportion to the lesion: a healthy leg stands on voluntary drive.
    postural = posture * jnp.minimum(untreated / constants.tone.severe_bias, 1.0)
    left = untreated - snapshot.hyperpolarisation[leg] + postural
    state = muscle_state(left[None], untreated[None], jnp.zeros_like(left)[None], constants)
    share = yielding_torque(
        angle / group.range_of_motion,
        speed / group.range_of_motion,
        state,
        constants.ramp,
        np.deg2rad(group.range_of_motion),
    )
    torque = share[0] * group.torque_ceiling / _REFERENCE_WEIGHT_KG
    strength = people.strength[leg] * (1.0 - lost * jnp.clip(snapshot.receptor_effect[leg], 0.0, 1.0))
    return Stance(tone_torque=torque, strength=strength, bias=untreated - snapshot.hyperpolarisation[leg])
