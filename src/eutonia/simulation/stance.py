"""The affected side in use: what voluntary force and tone of hip, knee and ankle hold in stance, and what is left of
strength under a drug.

Equation
    M_tone = sum_j T_j(theta_j, v_j)            torque of the antigravity group of joint j that yields under load
    M_vol  = sum_j S' f_j M_j                   S' strength in the pool (`tone.drive`), f_j share that a block leaves
Joints hold together: what the knee lacks, hip and ankle may bring (support moment).
Assumptions: hip extensors, which nobody stretches here, answer as the knee extensors do, at the same share of their
range.
Source: Winter 2009 for the support moment; Anderson 2007 for the torques.
"""

from __future__ import annotations

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar
from eutonia.limb.muscle import ceiling_weight, muscle_groups
from eutonia.limb.ramp import yielding_torque
from eutonia.patient import LIMBS
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import BodyConstants, muscle_state
from eutonia.simulation.people import People
from eutonia.simulation.reach import ReachConstants, reach_of
from eutonia.tone.drive import strength_under

# The antigravity groups of hip, knee and ankle: those that are stretched by name, none for the hip.
_HOLDERS = (None, "knee extensors", "ankle plantarflexors")
_JOINTS = ("hip", "knee", "ankle")

Joints = Float[Array, "joint 1"]


class Stance(eqx.Module):
    """`tone_torque` and `voluntary_torque` N m per kg of hip, knee and ankle together, `strength` voluntary strength
    of the leg (0..1) left under the drug, `bias` of the leg in mV; `active_range` of each charted muscle group, deg.
    """

    tone_torque: Float[Array, " patient"]
    voluntary_torque: Float[Array, " patient"]
    strength: Float[Array, " patient"]
    bias: Float[Array, " patient"]
    active_range: Float[Array, "muscle patient"]


class StanceConstants(eqx.Module):
    """Records that say how hip, knee and ankle are loaded (shares of range, ranges per second), what they hold at full
    strength and at the ceiling of a reflex (N m/kg), and the place of each on the muscle axis (-1 for none); and what
    active movements go by.
    """

    angle: Joints
    speed: Joints
    range_rad: Joints
    voluntary: Joints
    ceiling: Joints
    stance_bias: Scalar
    reach: ReachConstants
    muscles: tuple[int, ...] = eqx.field(static=True)

    @classmethod
    def from_records(cls) -> StanceConstants:
        """Read the sets `walking`, `limb` and those of the three joints."""
        gait = parameters.load("walking")
        limbs = [parameters.load(f"limb_{joint}") for joint in _JOINTS]
        knee, ankle = (limb.value("range_of_motion", "deg") for limb in limbs[1:])
        reach = np.array([knee, knee, ankle])
        at_knee, at_ankle = gait.values(stance_angle="deg", ankle_angle="deg")
        speed = gait.value("stance_speed", "deg/s") * np.array([1.0, 1.0, gait.value("ankle_yield", "1")])
        torque = dict.fromkeys(("hip_torque", "voluntary_torque", "ankle_torque"), "N m/kg")
        ceilings = np.array([limb.value("torque_ceiling", "N m") for limb in limbs]) / ceiling_weight()
        names = [group.name for group in muscle_groups()]

        def column(values: np.ndarray) -> Joints:
            return jnp.asarray(values)[:, None]

        return cls(
            angle=column(np.array([at_knee, at_knee, at_ankle]) / reach),
            speed=column(speed / reach),
            range_rad=column(np.deg2rad(reach)),
            voluntary=column(np.array(gait.values(**torque))),
            ceiling=column(ceilings),
            reach=ReachConstants.of(muscle_groups()),
            stance_bias=gait.value("stance_bias", "mV"),
            muscles=tuple(-1 if name is None else names.index(name) for name in _HOLDERS),
        )


@parameters.remembered
def stance_constants() -> StanceConstants:
    """Return the constants of stance, read once from the records."""
    return StanceConstants.from_records()


def stance(people: People, snapshot: Snapshot, constants: BodyConstants) -> Stance:
    """Return what tone and voluntary strength give the affected side under the drug of `snapshot`."""
    return stance_of(people, snapshot, constants, stance_constants())


@jax.jit
def stance_of(people: People, snapshot: Snapshot, constants: BodyConstants, load: StanceConstants) -> Stance:
    """Return what `stance` returns, with the records given that it would read."""
    leg = LIMBS.index("leg")
    untreated, taken = jnp.maximum(people.bias[leg], 0.0), snapshot.hyperpolarisation[leg]
    whole = jnp.ones((len(_JOINTS), people.n))
    gain, active, force = whole, whole, whole
    if (treated := snapshot.muscles) is not None:
        held = [(treated.gain[row], treated.left[row], treated.force[row]) for row in load.muscles if row >= 0]
        gain, active, force = (jnp.concatenate([whole[:1], jnp.stack(each)]) for each in zip(*held, strict=True))
    strength = strength_under(people.strength[leg], taken, load.reach.full_effort, constants.volley)
    return Stance(
        tone_torque=held_by_tone(untreated - taken, untreated, constants, load, gain, active),
        voluntary_torque=strength * _summed(force * load.voluntary),
        strength=strength,
        bias=untreated - taken,
        active_range=reach_of(people, snapshot, constants, load.reach),
    )


def held_by_tone(
    left: Float[Array, " patient"],
    untreated: Float[Array, " patient"],
    constants: BodyConstants,
    load: StanceConstants,
    gain: Float[Array, "joint patient"] | None = None,
    active: Float[Array, "joint patient"] | None = None,
) -> Float[Array, " patient"]:
    """Return the torque, N m/kg, that tone lends hip, knee and ankle together.

    `left` and `untreated` are the leg's bias with and without drug, mV; `gain` factors of the reflex gain of each
    joint's group, `active` shares of its active torque that are left.
    """
    # Posture adds to a lesion's bias only in proportion to the lesion: a healthy leg stands on voluntary drive.
    postural = load.stance_bias * jnp.minimum(untreated / constants.tone.severe_bias, 1.0)
    bias, lesion = (jnp.stack([one] * len(_JOINTS)) for one in (left + postural, untreated))
    state = muscle_state(bias, lesion, jnp.zeros_like(bias), constants)
    state = replace(state, gain=gain, left=active)
    share = yielding_torque(load.angle, load.speed, state, constants.ramp, load.range_rad)
    return _summed(share * load.ceiling)


def _summed(joints: Float[Array, "joint patient"]) -> Float[Array, " patient"]:
    """Return the sum over joints, added one by one: the order of a reduction may change with the number of people."""
    return joints[0] + joints[1] + joints[2]
