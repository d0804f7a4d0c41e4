"""The fast clock: what a clinician's hands would find at one moment, from lesion, traits and drug.

A snapshot of the drug is taken at one time; the stretch, the tap and the volley that follow last seconds and never
move the slow state. Nothing here is a score: resistance, recruited share and rates are physical.
"""

from __future__ import annotations

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia.limb.muscle import MuscleGroup, muscle_groups
from eutonia.limb.ramp import MuscleState, RampConstants, RampResponse, stretch
from eutonia.limb.strength import strengths
from eutonia.simulation.course import Snapshot
from eutonia.simulation.maneuver import PassiveStretch, TendonTap
from eutonia.simulation.people import People
from eutonia.tone.contracture import PassiveConstants, contracture, passive_resistance
from eutonia.tone.spinal import ToneConstants, VolleyConstants, muscle_bias, tonic_reflex, volley_probit

Limbs = Float[Array, "limb patient"]
Muscles = Float[Array, "muscle patient"]

_ASHWORTH, _BRISK = PassiveStretch(), TendonTap()


class BodyConstants(eqx.Module):
    """All constants of an examination as numbers, read once."""

    tone: ToneConstants
    passive: PassiveConstants
    ramp: RampConstants
    speed: Float[Array, "muscle 1"]
    volley: VolleyConstants
    limb_of: tuple[int, ...] = eqx.field(static=True)

    @classmethod
    def from_records(cls, groups: tuple[MuscleGroup, ...] | None = None) -> BodyConstants:
        """Read the sets `tone`, `receptor`, `bedside` and the limbs for muscle groups, the charted ones if left out."""
        tone = parameters.load("tone")
        groups = groups or muscle_groups()
        range_rad = np.deg2rad([g.range_of_motion for g in groups])[:, None]
        ramp = RampConstants(
            gain=tone.value("reflex_gain", "1"),
            gain_per_velocity=tone.value("gain_per_velocity", "s/rad"),
            delay=tone.value("reflex_delay", "s"),
            activation_time=tone.value("activation_time", "s"),
            depression_recovery_time=tone.value("depression_recovery_time", "s"),
            force_velocity_reference=tone.value("force_velocity_reference", "rad/s"),
            force_velocity_ceiling=tone.value("force_velocity_ceiling", "1"),
            range_rad=jnp.asarray(range_rad),
            strength=strengths(tuple((g.name, g.joint) for g in groups), range_rad),
        )
        return cls(
            tone=ToneConstants.from_records(),
            passive=PassiveConstants.from_records(),
            ramp=ramp,
            speed=jnp.asarray([[g.speed / g.range_of_motion] for g in groups]),
            volley=VolleyConstants.from_records(),
            limb_of=tuple(g.limb_index for g in groups),
        )


class Examination(eqx.Module):
    """Findings at one moment, before any rater hears of them.

    `response` of an Ashworth stretch (shares of the torque ceiling); `excess` its mean resistance over a healthy limb;
    `h_over_m` ratio; `tap_probit` of the share of the pool that a tendon tap fires; `bias` left, mV; `contracture`
    share of severe.
    """

    response: RampResponse
    excess: Muscles
    h_over_m: Limbs
    tap_probit: Limbs
    bias: Limbs
    contracture: Limbs


@parameters.remembered
def body_constants() -> BodyConstants:
    """Return the constants of a charted examination, read once from the records."""
    return BodyConstants.from_records()


def muscle_state(bias: Muscles, untreated: Muscles, passive: Muscles, constants: BodyConstants) -> MuscleState:
    """Join reflex and passive tissue into what resists a stretch."""
    reflex = tonic_reflex(bias, untreated, constants.tone)
    stiffness, rest_angle = passive_resistance(passive, constants.passive)
    return MuscleState(
        threshold=reflex.threshold,
        velocity_sensitivity=reflex.velocity_sensitivity,
        depression=reflex.depression,
        background=reflex.background,
        stiffness=stiffness,
        rest_angle=rest_angle,
    )


@jax.jit
def untreated_resistance(
    bias: Float[Array, "muscle point"], constants: BodyConstants, speed: Float[Array, "muscle 1"]
) -> Float[Array, "muscle point"]:
    """Return the mean resistance of each muscle group without drug or contracture, against bias (mV)."""
    state = muscle_state(bias, bias, jnp.zeros_like(bias), constants)
    return stretch(state, constants.ramp, speed).mean_resistance


def healthy_resistance(constants: BodyConstants, speed: Float[Array, "muscle 1"]) -> Float[Array, "muscle 1"]:
    """Return the mean resistance of each muscle group of a healthy limb to a stretch at this speed."""
    return untreated_resistance(jnp.zeros_like(constants.speed), constants, speed)


def excess_curve(bias: Float[Array, " point"], constants: BodyConstants) -> Float[Array, "muscle point"]:
    """Return the mean resistance over a healthy limb of each muscle group without drug or contracture, against bias."""
    grid = bias[None, :] * jnp.ones_like(constants.speed)
    moved = untreated_resistance(grid, constants, constants.speed)
    return moved - healthy_resistance(constants, constants.speed)


def examine(
    people: People,
    snapshot: Snapshot,
    constants: BodyConstants,
    stretching: PassiveStretch = _ASHWORTH,
    tap: TendonTap = _BRISK,
) -> Examination:
    """Stretch, tap and stimulate both limbs of the affected side under the drug of `snapshot`."""
    known = constants is body_constants()
    moved = _charted_by(stretching, tap) if known else _moved_by(stretching, tap, constants)
    return examine_at(people, snapshot, constants, *moved)


@parameters.remembered
def _charted_by(stretching: PassiveStretch, tap: TendonTap) -> tuple[Array, Array, Array]:
    return _moved_by(stretching, tap, body_constants())


def _moved_by(stretching: PassiveStretch, tap: TendonTap, constants: BodyConstants) -> tuple[Array, Array, Array]:
    """Return the speed of a stretch, what resists it in healthy limbs, and the strength of a tap."""
    speed = jnp.asarray(stretching.ranges_per_second())
    return speed, healthy_resistance(constants, speed), jnp.asarray(tap.strength)


@jax.jit
def examine_at(
    people: People,
    snapshot: Snapshot,
    constants: BodyConstants,
    speed: Float[Array, "muscle 1"],
    healthy: Float[Array, "muscle 1"],
    tap: Float[Array, ""],
) -> Examination:
    """Examine at stretch speeds in joint ranges per second, against a healthy resistance, with a tap of a strength."""
    left = people.bias - snapshot.hyperpolarisation
    state, stiff = resistance_of(people, snapshot, constants)
    response = stretch(state, constants.ramp, speed)
    return Examination(
        response=response,
        excess=response.mean_resistance - healthy,
        h_over_m=ndtr(volley_probit(snapshot.release, people.traits.volley, left, constants.volley)),
        tap_probit=volley_probit(tap * snapshot.release, people.traits.tap, left, constants.volley),
        bias=left,
        contracture=stiff,
    )


@jax.jit
def resistance_of(people: People, snapshot: Snapshot, constants: BodyConstants) -> tuple[MuscleState, Limbs]:
    """Return what resists a stretch in each muscle group under the drug of `snapshot`, and the contracture of each
    limb.
    """
    limb = jnp.array(constants.limb_of)
    deviate = people.traits.muscle_deviation[: len(constants.limb_of)]
    stiff = contracture(people.bias, people.traits.contracture, people.time_since_onset_h, constants.passive)
    untreated = muscle_bias(jnp.maximum(people.bias, 0.0)[limb], deviate, constants.tone)
    left = untreated - snapshot.hyperpolarisation[limb]
    state = muscle_state(left, untreated, stiff[limb], constants)
    if (treated := snapshot.muscles) is not None:
        gain, active, spindles = (x[: len(limb)] for x in (treated.gain, treated.left, treated.spindles))
        state = replace(state, gain=gain, left=active, velocity_sensitivity=state.velocity_sensitivity * spindles)
    return state, stiff
