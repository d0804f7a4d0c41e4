"""Scores of the clonus test: beats of the foot, their frequency, and whether they go on.

A beat is a swing of the foot of more than 3 deg there and back; beats that follow each other without a pause are a
train, and a train of more than 5 beats is sustained clonus.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from eutonia import parameters
from eutonia._compiled import compiled
from eutonia._types import Scalar
from eutonia.assessment.oscillation import count_swings
from eutonia.limb.swing import Motion

Patients = Float[Array, " patient"]


class ClonusScore(eqx.Module):
    """`beats` (count), `frequency` Hz (NaN below two beats), `duration` from the stop of the push to the last beat, s,
    `sustained`.
    """

    beats: Patients
    frequency: Patients
    duration: Patients
    sustained: Bool[Array, " patient"]


class ClonusConstants(eqx.Module):
    """Records of the set `examination`: swing that is a beat (deg), pause that ends a train (s), beats above which
    clonus is sustained.
    """

    oscillation: Scalar
    clonus_pause: Scalar
    clonus_sustained: Scalar

    @classmethod
    def from_records(cls) -> ClonusConstants:
        """Read the set `examination`."""
        units = {"oscillation": "deg", "clonus_pause": "s", "clonus_sustained": "1"}
        return cls(**parameters.load("examination").named(units))


@compiled
def clonus_score(motion: Motion, constants: ClonusConstants) -> ClonusScore:
    """Return the scores of a recording that begins when the push stops."""
    swings = count_swings(motion.time, jnp.rad2deg(motion.angle), constants.oscillation, constants.clonus_pause)
    return ClonusScore(swings.count, swings.frequency, swings.last, swings.count > constants.clonus_sustained)
