"""From a cohort to virtual people, who carry what lesion, limb, tone and drug need: the one place that draws it all."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from eutonia import _streams, parameters, session
from eutonia._arguments import TEXT, WHOLE, accepts, instance
from eutonia._types import Scalar
from eutonia.drug.effect.gaba_b import Receptor, receptor_spread
from eutonia.drug.kinetics import IntrathecalValues, Kinetics, OralValues
from eutonia.drug.kinetics.values import ADULT, N_DRAWS, oral_upper_age
from eutonia.errors import SimulationError
from eutonia.patient import Cohort
from eutonia.simulation.lesion_course import LesionCourse
from eutonia.simulation.people import People, Traits

Limbs = Float[Array | np.ndarray, "limb patient"]


_COHORT = instance("a cohort", 'Cohort.draw(1, range(100), Population.typical("stroke"))', Cohort)


@accepts(cohort=_COHORT, seed=WHOLE, oral_model=TEXT)
def make_people(cohort: Cohort, *, seed: int, oral_model: str = ADULT) -> People:
    """Return the people of a cohort as they are before any drug.

    Parameters
    ----------
    cohort : Cohort
        Who they are: drawn by `Cohort.draw` or known, by `Cohort.of`.
    seed : int
        Start of all luck, 0 to 2**32 - 1. The same person of the same seed is the same, whoever else is made.
    oral_model : str
        Parameter set by which tablets are taken up and cleared, such as "oral_wuis_1985".

    Returns
    -------
    People
        Patients on the last axis: `kinetics`, `receptor` and `traits` drawn by each person's identity, `bias` (mV) and
        `strength` (0 to 1), each limb by patient, as the lesion has made them by the time since its onset.

    Raises
    ------
    ArgumentError
        No cohort, or a seed that is no whole number.
    ParameterError
        No such oral model.
    SimulationError
        A seed beyond its ends, or an oral model that was made of younger people.

    Notes
    -----
    **Equation** see `eutonia.tone.descending` (bias, strength), `eutonia.drug.kinetics.values` (spread of kinetics).

    Examples
    --------
    >>> people = make_people(Cohort.draw(1, range(100), Population.typical("stroke")), seed=1)
    """
    session.begin()
    oldest, upper = float(np.max(cohort.age_year)), oral_upper_age(oral_model)
    if oldest > upper:
        raise SimulationError(
            f"{oral_model} was made of people up to {upper:g} years, and the oldest of the cohort is {oldest:.1f}. "
            f"Allowed: a set of adults, such as {ADULT}. Name one."
        )
    bias, strength, _ = LesionCourse.of(cohort, seed).at(0.0)
    traits = Traits.draw(seed, jnp.asarray(cohort.person), cohort.origin)
    return people_of(cohort, traits, bias, strength, cohort.person, seed, oral_model)


def people_of(
    cohort: Cohort,
    traits: Traits,
    bias: Limbs,
    strength: Limbs,
    person: Int[np.ndarray, " patient"],
    seed: int,
    oral_model: str = ADULT,
) -> People:
    """Give a cohort its drug handling and receptors, drawn by `person`."""
    who = jnp.asarray(person)
    weight, clearance = jnp.asarray(cohort.weight_kg), jnp.asarray(cohort.creatinine_clearance_mL_min)
    purpose = _streams.Purpose
    of_drug = _streams.normal(_streams.keys(seed, purpose.KINETICS, who), N_DRAWS)
    of_receptor = _streams.normal(_streams.keys(seed, purpose.RECEPTOR, who), 2)
    kinetics, receptor = _drug_handling(of_drug, of_receptor, weight, clearance, *_typical(oral_model))
    return People(
        person=who,
        weight_kg=weight,
        kinetics=kinetics,
        receptor=receptor,
        traits=jax.tree.map(jnp.asarray, traits),
        bias=jnp.asarray(bias),
        strength=jnp.asarray(strength),
        time_since_onset_h=jnp.asarray(cohort.time_since_onset_h),
    )


@parameters.remembered
def _typical(oral_model: str) -> tuple[IntrathecalValues, OralValues, Receptor, tuple[float, float]]:
    """Return what drug handling and receptors are drawn around, read once from the records."""
    fluid, mouth = IntrathecalValues.from_records(), OralValues.from_records(oral_model)
    return fluid, mouth, Receptor.typical(), receptor_spread()


@jax.jit
def _drug_handling(
    of_drug: Float[Array, "draw patient"],
    of_receptor: Float[Array, "two patient"],
    weight_kg: Float[Array, " patient"],
    creatinine_clearance: Float[Array, " patient"],
    fluid: IntrathecalValues,
    mouth: OralValues,
    typical: Receptor,
    spread: tuple[Scalar, Scalar],
) -> tuple[Kinetics, Receptor]:
    kinetics = Kinetics.from_draws(
        of_drug, weight_kg=weight_kg, creatinine_clearance=creatinine_clearance, intrathecal=fluid, oral=mouth
    )
    return kinetics, typical.draw(of_receptor, spread)
