"""Hidden movement: how far people move each joint themselves, against tone, tissue and muscles that pull the other way.

Equation
    A = a S' f_ag ,  C = chi a S' f_an ,  chi = chi_0 + (chi_1 - chi_0) clip(D_left / D_sev, 0, 1)
S' voluntary strength of the limb under the drug (`tone.drive`), f shares of force that a block leaves in the muscle
that moves the joint and in the one that is stretched, a how much stronger will is than the ceiling of a stretch reflex;
and from there on as in `limb.active`. A drug takes from tone, co-contraction and strength alike: who has drive to spare
gains range, who has none loses it.
Source: models of co-contraction and unmasked movement; a by `calibration/active_range.py`, the rest assumed.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar
from eutonia.limb.active import active_range
from eutonia.limb.muscle import MuscleGroup
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import BodyConstants, resistance_of
from eutonia.simulation.people import People
from eutonia.tone.drive import strength_under

Muscles = Float[Array, "muscle patient"]


class ReachConstants(eqx.Module):
    """Records of the set `active_range`; `range_deg` of each muscle group, and which group moves its joint the other
    way (-1 for one that nobody stretches here).
    """

    agonist_torque: Scalar
    shortening: Scalar
    cocontraction: tuple[Scalar, Scalar]
    movement_speed: Scalar
    full_effort: Scalar
    range_deg: Float[Array, "muscle 1"]
    agonists: tuple[int, ...] = eqx.field(static=True)

    @classmethod
    def of(cls, groups: tuple[MuscleGroup, ...]) -> ReachConstants:
        """Read the records for muscle groups that begin the muscle axis of every treatment."""
        records = parameters.load("active_range")
        healthy, severe = records.along("cocontraction", "1", ("healthy", "severe"))
        others = [
            next((i for i, one in enumerate(groups) if one.joint == group.joint and one.name != group.name), -1)
            for group in groups
        ]
        return cls(
            **records.named({"agonist_torque": "1", "shortening": "1", "movement_speed": "1/s"}),
            cocontraction=(healthy, severe),
            full_effort=parameters.load("walking").value("full_effort", "1"),
            range_deg=jnp.asarray(np.array([[group.range_of_motion] for group in groups])),
            agonists=tuple(others),
        )


def reach_of(people: People, snapshot: Snapshot, body: BodyConstants, constants: ReachConstants) -> Muscles:
    """Return the active range of the movement that stretches each muscle group, deg, under the drug of `snapshot`."""
    c, limb = constants, jnp.array(body.limb_of)
    taken, full = snapshot.hyperpolarisation, jnp.maximum(people.bias, 0.0)
    will = c.agonist_torque * strength_under(people.strength, taken, c.full_effort, body.volley)[limb]
    severity = jnp.clip((full - taken) / body.tone.severe_bias, 0.0, 1.0)[limb]
    least, most = c.cocontraction
    against = least + (most - least) * severity
    moved, stretched = will, will
    if (treated := snapshot.muscles) is not None:
        other = enumerate(c.agonists)
        moved = will * jnp.stack([treated.opponent[own] if row < 0 else treated.force[row] for own, row in other])
        stretched = will * treated.force[: len(c.agonists)]
    state, _ = resistance_of(people, snapshot, body)
    return c.range_deg * active_range(moved, against * stretched, state, body.ramp, c.movement_speed, c.shortening)
