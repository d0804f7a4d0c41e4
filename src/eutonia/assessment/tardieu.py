"""Tardieu: the angle of catch at each speed, the passive range, and the quality of the muscle reaction.

V1 is as slow as possible, V2 the speed of the segment that falls, V3 as fast as possible. R2 is the passive range at
V1, R1 the angle of catch at V3, both in deg from the shortest position of the muscle group; R2 - R1 is the
spasticity angle. Quality X: 0 no resistance, 1 slight, 2 a clear catch, 3 fatigable clonus, 4 unfatigable clonus.

Equation
    R1 = angle where T_r'' is largest during the stretch, R2 where the reflex stays silent
Source: reduced joint model, read-outs; wording of the scale as taught.
Assumptions: torques at which an examiner feels "slight" and "a catch" (records); clonus is looked for at the ankle.
"""

from __future__ import annotations

import enum

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar
from eutonia.limb.ramp import MuscleState, RampConstants, reflex_torque

Muscles = Float[Array, "muscle patient"]

# Points along a stretch at which the torque is looked at: numerical resolution, 0.3 % of range.
_POINTS = 384


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
        records = parameters.load("examination")
        return cls(**{name: records.value(name) for name in cls.__dataclass_fields__})


class Catch(eqx.Module):
    """What a stretch at one speed meets: `angle` of catch (share of range, 1 where none), largest `torque` of the
    reflex (share of ceiling).
    """

    angle: Muscles
    torque: Muscles


@eqx.filter_jit
def catch(state: MuscleState, constants: RampConstants, speed: Float[Array, "muscle 1"]) -> Catch:
    """Stretch every muscle group through its range at `speed` (ranges per second) and return what is met."""
    share = jnp.asarray(np.linspace(0.0, 1.0, _POINTS))[:, None, None]
    torque = reflex_torque(share / speed, speed, state, constants)
    bend = torque[2:] - 2.0 * torque[1:-1] + torque[:-2]
    at = jnp.argmax(bend, axis=0)
    largest = torque.max(axis=0)
    return Catch(jnp.where(largest > 0.0, share[1:-1, 0, 0][at], 1.0), largest)


def passive_range(rest_angle: Muscles, healthy_rest_angle: Scalar) -> Muscles:
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
