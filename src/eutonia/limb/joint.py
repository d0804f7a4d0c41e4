"""The joints that a clinician moves: the segment beyond each, from body mass and stature, and its end stops.

Equation
    m = share M ;  L = share H ;  I = m (rho L)^2 ;  gravity torque m g l cos(theta - theta_g)
Source: segment shares of Winter as the pendulum model's program has them (knee); textbook tables (others).
Assumptions: torques, stiffness and damping scale with body mass, inertia with mass and the square of stature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._arguments import NUMBERS, TEXT, accepts, instance
from eutonia._types import Scalar
from eutonia.errors import SimulationError, unknown
from eutonia.limb.muscle import ceiling_weight
from eutonia.limb.ramp import MuscleState, RampConstants
from eutonia.limb.strength import Strength, strength_at
from eutonia.limb.swing import Limb, ReflexConstants

#: Joints of ours; those of others are the sets `limb_JOINT` too.
JOINTS = ("elbow", "wrist", "fingers", "hip", "knee", "ankle")

# Standard gravity, m/s2: a definition.
_GRAVITY = 9.80665
# A muscle without any active torque still has a ceiling to divide by.
_LEAST = 1e-9

Patients = Float[Array, " patient"] | Scalar


@dataclass(frozen=True)
class Joint:
    """One joint: `range_rad`, `ceiling` N m at 70 kg, shares of mass, stature and segment, end stop.

    `stop_torque` (where the stop begins) and `damping` (without and at severe contracture) are shares of the ceiling,
    `stop_from` of range. `strength` says
    how the torque of active muscle falls off, if records do. The segment is level at angle 0, as in a pendulum test.
    """

    name: str
    range_rad: float
    ceiling: float
    segment_mass: float
    segment_length: float
    centre_of_mass: float
    gyration: float
    stop_torque: float
    stop_from: float
    stop_rate: float
    damping: tuple[float, float]
    strength: Strength | None = None

    def inertia(self, weight_kg: Patients, stature_m: Patients) -> Array:
        """Return the moment of inertia of the segment about the joint, kg m2."""
        return jnp.asarray(self.segment_mass * weight_kg * (self.gyration * self.segment_length * stature_m) ** 2)

    def gravity(self, weight_kg: Patients, stature_m: Patients) -> Array:
        """Return m g l, the torque of the segment's weight when it is level, N m."""
        arm = self.centre_of_mass * self.segment_length * stature_m
        return jnp.asarray(self.segment_mass * weight_kg * _GRAVITY * arm)

    def ceiling_of(self, weight_kg: Patients) -> Array:
        """Return the torque ceiling of people of a weight, N m."""
        return jnp.asarray(self.ceiling * weight_kg / ceiling_weight())

    def falling_rate(self, stature_m: float) -> float:
        """Return sqrt(m g l / I) of the segment as a free pendulum, 1/s."""
        return math.sqrt(_GRAVITY * self.centre_of_mass / (self.gyration**2 * self.segment_length * stature_m))


@accepts(name=TEXT)
@parameters.remembered
def joint(name: str) -> Joint:
    """Return a joint by name, from the sets `limb` and `limb_NAME`.

    Raises
    ------
    SimulationError
        No such joint.
    """
    known = [one.removeprefix("limb_") for one in parameters.sets("limb")]
    if name not in known:
        do = "Give one of them. One more: a set limb_JOINT.toml, by eutonia.parameters.register"
        raise SimulationError(unknown("joint", name, known, do))
    own, shared = parameters.load(f"limb_{name}"), parameters.load("limb")
    stop_from, stop_rate = shared.values(stop_from="1", stop_rate="1")
    # Only the ankle has a stop curve of its own: the others take the knee's share.
    end = (own if "end_torque" in own else parameters.load("limb_knee")).value("end_torque", "1")
    return Joint(
        name=name,
        range_rad=float(np.deg2rad(own.value("range_of_motion", "deg"))),
        ceiling=own.value("torque_ceiling", "N m"),
        segment_mass=own.value("segment_mass", "1"),
        segment_length=own.value("segment_length", "1"),
        centre_of_mass=own.value("centre_of_mass", "1"),
        gyration=own.value("gyration", "1"),
        stop_torque=end * float(np.exp(-stop_rate * (1.0 - stop_from))),
        stop_from=stop_from,
        stop_rate=stop_rate,
        damping=(shared.value("damping", "s"), shared.value("damping_severe", "s")),
        strength=strength_at(name),
    )


@accepts(
    of=instance("a joint", 'eutonia.joint("knee")', Joint),
    threshold_deg=NUMBERS,
    velocity_sensitivity_s=NUMBERS,
    gain_nm_per_rad=NUMBERS,
    background_nm=NUMBERS,
    depression_per_rad=NUMBERS,
    contracture=NUMBERS,
    weight_kg=NUMBERS.or_none(),
    stature_m=NUMBERS.or_none(),
)
def limb_with(
    of: Joint,
    *,
    threshold_deg: Patients,
    velocity_sensitivity_s: Patients,
    gain_nm_per_rad: Patients,
    background_nm: Patients,
    depression_per_rad: Patients,
    contracture: Patients = 0.0,
    weight_kg: Patients | None = None,
    stature_m: Patients | None = None,
) -> Limb:
    """Return limbs whose reflex is given directly, in the units in which recordings are fitted.

    Parameters
    ----------
    of
        The joint; its segment, ceiling, tissue and end stops come from the records.
    threshold_deg, velocity_sensitivity_s, gain_nm_per_rad, background_nm, depression_per_rad
        Reflex threshold, its fall with speed, gain, background torque and post-activation depression; one number for
        all or one a person.
    contracture
        Share of the severe column: it adds stiffness and damping and takes off range.
    weight_kg, stature_m
        Size of the person; those of the records when left out.
    """
    given = (threshold_deg, velocity_sensitivity_s, gain_nm_per_rad, background_nm, depression_per_rad)
    usual = ceiling_weight()
    size = (contracture, usual if weight_kg is None else weight_kg)
    *reflex, stiff, weight = jnp.broadcast_arrays(*(jnp.atleast_1d(x) for x in (*given, *size)))
    threshold, sensitivity, gain, background, depression = reflex
    healthy, severe, rest, lost = parameters.load("tone").values(
        passive_stiffness="1", passive_stiffness_severe="1", passive_rest_angle="1", contracture_range_loss="1"
    )
    ceiling = of.ceiling * weight / usual
    state = MuscleState(
        threshold=(jnp.deg2rad(threshold) / of.range_rad)[None],
        velocity_sensitivity=sensitivity[None],
        depression=depression[None],
        background=(background / ceiling)[None],
        stiffness=(healthy + stiff * (severe - healthy))[None],
        rest_angle=(rest - jnp.minimum(stiff, 1.0) * lost)[None],
    )
    stature = parameters.load("limb").value("stature", "m") if stature_m is None else stature_m
    return limb_of(of, state, 0, stiff, gain * of.range_rad / ceiling, weight, stature, of.strength)


def reflex_constants(shared: RampConstants) -> ReflexConstants:
    """Return the constants of a stepped limb: those of the imposed stretch, and short-range stiffness."""
    limb = parameters.load("limb")
    stiffness, stretch, fading = limb.values(
        short_range_stiffness="1/rad", short_range_stretch="deg", short_range_time="s"
    )
    return ReflexConstants(
        delay=shared.delay,
        activation_time=shared.activation_time,
        depression_recovery_time=shared.depression_recovery_time,
        gain_per_velocity=shared.gain_per_velocity,
        force_velocity_reference=shared.force_velocity_reference,
        force_velocity_ceiling=shared.force_velocity_ceiling,
        short_range_stiffness=stiffness,
        short_range_stretch=float(np.deg2rad(stretch)),
        short_range_time=fading,
    )


def limb_of(
    of: Joint,
    state: MuscleState,
    row: int,
    contracture: Patients,
    gain: Patients,
    weight_kg: Float[Array, " patient"],
    stature_m: Patients,
    strength: Strength | None = None,
) -> Limb:
    """Return the limb in rad and N m whose muscle group is a row of `state`, in shares of range and ceiling.

    `contracture` (share of severe) adds damping as it adds stiffness; `gain` is the reflex gain in torque ceilings per
    joint range. `strength` is that of the muscle group.
    """
    span, one = of.range_rad, jnp.ones_like(weight_kg)
    ceiling = of.ceiling_of(weight_kg)
    active = ceiling if state.left is None else ceiling * jnp.maximum(state.left[row], _LEAST)
    gain = gain if state.gain is None else gain * state.gain[row]
    healthy, severe = of.damping
    return Limb(
        inertia=of.inertia(weight_kg, stature_m),
        gravity=of.gravity(weight_kg, stature_m),
        horizontal=0.0 * one,
        load=0.0 * one,
        damping=(healthy + (severe - healthy) * contracture) * ceiling / span,
        stiffness=state.stiffness[row] * ceiling / span,
        rest_angle=state.rest_angle[row] * span,
        stop_torque=of.stop_torque * ceiling,
        stop_rate=of.stop_rate / span * one,
        low=0.0 * one,
        high=of.stop_from * span * one,
        background=state.background[row] * active,
        threshold=state.threshold[row] * span,
        velocity_sensitivity=state.velocity_sensitivity[row] * one,
        gain=gain * active / span,
        ceiling=active,
        depression=state.depression[row] * one,
        strength=strength,
    )
