"""Tardieu: the angle of catch at each speed, the passive range, and the quality of the muscle reaction.

V1 is as slow as possible, V2 the speed of the segment that falls, V3 as fast as possible; a hand speeds up and slows
down, and V2 and V3 are its highest speeds. R2 is the passive range at V1, R1 the angle of catch at V3, both in deg
from the shortest position of the muscle group; R2 - R1 is the spasticity angle. Quality X: 0 no resistance,
1 slight, 2 a clear catch, 3 fatigable clonus, 4 unfatigable clonus.

Equation
    R1 = angle where T_r'' is largest during the stretch; R2 where no clear catch is felt (X below 2)
Source: reduced joint model, read-outs; wording of the scale as taught: at X 1 there is "no clear catch at a precise
angle". A catch is felt by its torque, of which an injected muscle has less.
Assumptions: torques at which an examiner feels "slight" and "a catch" (records); clonus is looked for at the ankle.
"""

from __future__ import annotations

import enum

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._compiled import compiled
from eutonia._types import Scalar
from eutonia.limb.swing import Limb, Motion, ReflexConstants, reflex_torque

Patients = Float[Array, " patient"]


class TardieuQuality(enum.IntEnum):
    """Quality of the muscle reaction: ordered."""

    NONE = 0
    SLIGHT = 1
    CATCH = 2
    FATIGABLE_CLONUS = 3
    UNFATIGABLE_CLONUS = 4


class TardieuConstants(eqx.Module):
    """Records of the set `examination`: reflex torque (share of ceiling) felt as slight and as a catch; time (s) from
    which clonus is unfatigable.
    """

    slight_from: Scalar
    catch_from: Scalar
    unfatigable_from: Scalar

    @classmethod
    def from_records(cls) -> TardieuConstants:
        """Read the set `examination`."""
        units = {"slight_from": "1", "catch_from": "1", "unfatigable_from": "s"}
        return cls(**parameters.load("examination").named(units))


class Catch(eqx.Module):
    """What a stretch meets: `angle` (rad) at which the reflex begins to be felt, the last one where there is none, and
    its largest `torque` (N m).
    """

    angle: Patients
    torque: Patients


@compiled
def catch(motion: Motion, limb: Limb, constants: ReflexConstants) -> Catch:
    """Return what a stretch met, from the angle at which reflex torque bends upwards most."""
    torque = reflex_torque(motion.angle, motion.activation, motion.velocity, limb, constants)
    moving = motion.velocity[1:-1] > 0.0
    bend = jnp.where(moving, torque[2:] - 2.0 * torque[1:-1] + torque[:-2], -jnp.inf)
    at = jnp.argmax(bend, axis=0)[None]
    angle = jnp.take_along_axis(motion.angle[1:-1], at, axis=0)[0]
    largest = torque.max(axis=0)
    return Catch(jnp.where(largest > 0.0, angle, motion.angle[-1]), largest)


def clear(torque: Array, angle: Array, r2: Array, c: TardieuConstants) -> Array:
    """Return the angle of catch: that of the reflex, or R2 where its `torque` (share of ceiling) is no clear catch."""
    return jnp.where(torque > c.catch_from, jnp.minimum(angle, r2), r2)


def passive_range(rest_angle: Patients, healthy_rest_angle: Scalar) -> Patients:
    """Return the passive range (R2) as a share of the healthy one: contracture takes off what it takes off the angle
    from which tissue resists.
    """
    return 1.0 - jnp.maximum(healthy_rest_angle - rest_angle, 0.0)


def quality(
    torque: Array, clonus_beats: Array | Scalar, clonus_s: Array | Scalar, sustained: Scalar, c: TardieuConstants
) -> Array:
    """Return the quality X (0 to 4) of a stretch that met a reflex `torque` (share of ceiling), followed by clonus of
    so many beats that lasted `clonus_s` seconds; `sustained` beats or fewer are no clonus.
    """
    felt = (torque > c.slight_from).astype(torque.dtype) + (torque > c.catch_from)
    beating = jnp.asarray(clonus_beats) > sustained
    lasting = beating & (jnp.asarray(clonus_s) >= c.unfatigable_from)
    return jnp.where(lasting, 4.0, jnp.where(beating, 3.0, felt))
