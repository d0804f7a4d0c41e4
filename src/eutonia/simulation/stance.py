"""The stance leg: how much extensor torque tone lends when the knee yields under load."""

from __future__ import annotations

from dataclasses import replace

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar
from eutonia.limb.muscle import MuscleGroup, ceiling_weight, muscle_groups
from eutonia.limb.ramp import yielding_torque
from eutonia.patient import LIMBS
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import BodyConstants, muscle_state
from eutonia.simulation.people import People

# The antigravity extensor of the stance phase.
_EXTENSOR = "knee extensors"


class Stance(eqx.Module):
    """`tone_torque` N m per kg lent by tone, `strength` voluntary strength (0..1) left under the drug, `bias` of the
    leg in mV.
    """

    tone_torque: Float[Array, " patient"]
    strength: Float[Array, " patient"]
    bias: Float[Array, " patient"]


class StanceConstants(eqx.Module):
    """Records of the sets `walking` and `limb` that say how the leg is loaded (deg, deg/s, mV, share, kg), and the
    extensor that bears it, at its place on the muscle axis.
    """

    stance_angle: Scalar
    stance_speed: Scalar
    stance_bias: Scalar
    strength_lost_to_drug: Scalar
    ceiling_weight: Scalar
    extensor: MuscleGroup = eqx.field(static=True)
    muscle: int = eqx.field(static=True)

    @classmethod
    def from_records(cls) -> StanceConstants:
        """Read both sets."""
        units = {"stance_angle": "deg", "stance_speed": "deg/s", "stance_bias": "mV", "strength_lost_to_drug": "1"}
        muscle, extensor = next((i, one) for i, one in enumerate(muscle_groups()) if one.name == _EXTENSOR)
        named = parameters.load("walking").named(units)
        return cls(**named, ceiling_weight=ceiling_weight(), extensor=extensor, muscle=muscle)


@parameters.remembered
def stance_constants() -> StanceConstants:
    """Return the constants of stance, read once from the records."""
    return StanceConstants.from_records()


def stance(people: People, snapshot: Snapshot, constants: BodyConstants) -> Stance:
    """Return what tone and voluntary strength give the affected leg in stance under the drug of `snapshot`."""
    return stance_of(people, snapshot, constants, stance_constants())


@eqx.filter_jit
def stance_of(people: People, snapshot: Snapshot, constants: BodyConstants, load: StanceConstants) -> Stance:
    """Return what `stance` returns, with the records given that it would read."""
    group, muscle = load.extensor, load.muscle
    leg = LIMBS.index("leg")
    reach, range_rad = group.range_of_motion, np.deg2rad(group.range_of_motion)
    untreated = jnp.maximum(people.bias[leg], 0.0)
    # Posture adds to a lesion's bias only in proportion to the lesion: a healthy leg stands on voluntary drive.
    postural = load.stance_bias * jnp.minimum(untreated / constants.tone.severe_bias, 1.0)
    left = untreated - snapshot.hyperpolarisation[leg]
    state = muscle_state((left + postural)[None], untreated[None], jnp.zeros_like(left)[None], constants)
    strength = people.strength[leg]
    if (treated := snapshot.muscles) is not None:
        state = replace(state, gain=treated.gain[muscle][None], left=treated.left[muscle][None])
        strength = strength * treated.force[muscle]
    share = yielding_torque(load.stance_angle / reach, load.stance_speed / reach, state, constants.ramp, range_rad)
    torque = share[0] * group.torque_ceiling / load.ceiling_weight
    drug = jnp.clip(snapshot.receptor_effect[leg], 0.0, 1.0)
    strength = strength * (1.0 - load.strength_lost_to_drug * drug)
    return Stance(tone_torque=torque, strength=strength, bias=left)
