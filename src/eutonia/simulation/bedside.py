"""People at the bedside at one moment, each muscle group ready to be moved: the limb that a lesion, months and a drug
have made.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia.errors import SimulationError, unknown
from eutonia.limb.joint import joint, limb_of, reflex_constants
from eutonia.limb.muscle import MuscleGroup, all_muscle_groups
from eutonia.limb.ramp import MuscleState
from eutonia.limb.strength import strength_of
from eutonia.limb.swing import Limb, ReflexConstants
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import (
    BodyConstants,
    Examination,
    examine_at,
    healthy_resistance,
    muscle_state,
    resistance_of,
)
from eutonia.simulation.maneuver import PassiveStretch
from eutonia.simulation.people import People


class Bedside(eqx.Module):
    """People, the drug in them, and what resists in each muscle group; `state` in the order of `all_muscle_groups`."""

    people: People
    snapshot: Snapshot
    state: MuscleState
    contracture: Float[Array, "limb patient"]

    def limb(self, name: str) -> Limb:
        """Return the limb whose muscle group `name` is stretched, in rad and N m."""
        return _limb(group(name), self.state, self.contracture, self.people.weight_kg)

    def healthy(self, name: str) -> Limb:
        """Return the same muscle group of healthy people of the same size."""
        none = jnp.zeros_like(self.state.threshold)
        state = muscle_state(none, none, none, bedside_constants())
        return _limb(group(name), state, jnp.zeros_like(self.contracture), self.people.weight_kg)


def _limb(
    of: MuscleGroup, state: MuscleState, contracture: Float[Array, "limb patient"], weight_kg: Float[Array, " patient"]
) -> Limb:
    row, stiff = all_muscle_groups().index(of), contracture[of.limb_index]
    stature = jnp.asarray(parameters.load("limb").value("stature", "m"))
    gain, strength = bedside_constants().ramp.gain, strength_of(of.name, of.joint)
    return limb_of(joint(of.joint), state, row, stiff, gain, weight_kg, stature, strength)


@parameters.remembered
def bedside_constants() -> BodyConstants:
    """Return the constants of an examination of every muscle group, read once from the records."""
    return BodyConstants.from_records(all_muscle_groups())


@parameters.remembered
def stepped_constants() -> ReflexConstants:
    """Return the constants of limbs that are stepped in time, read once from the records."""
    return reflex_constants(bedside_constants().ramp)


def bedside(people: People, snapshot: Snapshot) -> Bedside:
    """Return people under the drug of `snapshot`, ready for every examination."""
    state, stiff = resistance_of(people, snapshot, bedside_constants())
    return Bedside(people, snapshot, state, stiff)


def group(name: str) -> MuscleGroup:
    """Return a muscle group by name.

    Raises
    ------
    SimulationError
        No such muscle group.
    """
    known = {one.name: one for one in all_muscle_groups()}
    if name not in known:
        raise SimulationError(unknown("muscle group", name, known, "Give one of them."))
    return known[name]


def examined(at: Bedside) -> Examination:
    """Stretch every muscle group as for an Ashworth score, and tap."""
    body = bedside_constants()
    speed = jnp.asarray(PassiveStretch().ranges_per_second(all_muscle_groups()))
    return examine_at(at.people, at.snapshot, body, speed, healthy_resistance(body, speed), jnp.ones(()))
