"""Scores of the pendulum test.

Equation
    FSE = first peak of flexion - start ;  RI = FSE / (rest - start) ;  normalised RI = RI / 1.6
Definitions: Rahimi 2020 (review of 28 instrumented studies). Angles in deg from the horizontal, speeds in deg/s.
Assumptions: the rest angle is the mean over the second half of the recording, weighted so that a swing that goes on
cancels.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._compiled import compiled
from eutonia._types import Scalar
from eutonia.assessment.oscillation import count_swings
from eutonia.limb.swing import Motion

Patients = Float[Array, " patient"]


class PendulumScore(eqx.Module):
    """`first_swing` and `rest_angle` in deg, `relaxation_index`, `normalised_index` (1 is normal), `oscillations`
    (count), `peak_velocity` deg/s at `peak_velocity_time` s.
    """

    first_swing: Patients
    rest_angle: Patients
    relaxation_index: Patients
    normalised_index: Patients
    oscillations: Patients
    peak_velocity: Patients
    peak_velocity_time: Patients


class PendulumConstants(eqx.Module):
    """Records of the set `examination`: swing that counts (deg), relaxation index that is normal."""

    oscillation: Scalar
    relaxation_norm: Scalar

    @classmethod
    def from_records(cls) -> PendulumConstants:
        """Read the set `examination`."""
        units = {"oscillation": "deg", "relaxation_norm": "1"}
        return cls(**parameters.load("examination").named(units))


@compiled
def pendulum_score(motion: Motion, constants: PendulumConstants) -> PendulumScore:
    """Return the scores of a recording that begins at release."""
    angle, velocity = jnp.rad2deg(motion.angle), jnp.rad2deg(motion.velocity)
    first = first_peak(motion.time, angle, velocity) - angle[0]
    rest = rest_angle(angle)
    index = first / (rest - angle[0])
    fastest = jnp.argmax(velocity, axis=0)
    return PendulumScore(
        first_swing=first,
        rest_angle=rest,
        relaxation_index=index,
        normalised_index=index / constants.relaxation_norm,
        oscillations=count_swings(motion.time, angle, constants.oscillation).count,
        peak_velocity=jnp.max(velocity, axis=0),
        peak_velocity_time=motion.time[fastest],
    )


def first_peak(
    time: Float[Array, " time"], angle: Float[Array, "time patient"], velocity: Float[Array, "time patient"]
) -> Patients:
    """Return the angle at which each leg turns back for the first time; where it never does, the largest angle."""
    turns = (velocity[1:] < 0) & (velocity[:-1] >= 0)
    at = jnp.argmax(turns, axis=0)[None]
    before, speed, after = (jnp.take_along_axis(x, at, axis=0)[0] for x in (angle[:-1], velocity[:-1], velocity[1:]))
    # Speed falls in a straight line between two samples: the peak lies where it is zero.
    span = (time[1] - time[0]) * speed / jnp.where(speed > after, speed - after, 1.0)
    return jnp.where(turns.any(axis=0), before + 0.5 * speed * span, angle.max(axis=0))


def rest_angle(angle: Float[Array, "time patient"]) -> Patients:
    """Return the mean over the second half of the recording, under a raised cosine."""
    late = angle[angle.shape[0] // 2 :]
    n = late.shape[0]
    weight = 1.0 - jnp.cos(2.0 * jnp.pi * (jnp.arange(n) + 0.5) / n)
    return (late * weight[:, None]).mean(axis=0)
