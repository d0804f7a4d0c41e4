"""What a chart tells of a person: the own factor of the bias that makes the lesion give the charted score."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia.assessment.scoring import chart_constants, latent_grades
from eutonia.errors import StudyError
from eutonia.limb.muscle import LIMBS, muscles_of
from eutonia.simulation.course import Course, Snapshot, start
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.people import People
from eutonia.trial.design_case import ChartedScore

# Bias range that is searched (mV) and halvings of it: numerical, the chart ends well below.
_HIGHEST_BIAS, _HALVINGS = 10.0, 30


def solve_factors(
    people: People,
    plateau: Callable[[float], Float[np.ndarray, "limb patient"]],
    drawn: Float[Array, "limb patient"],
    charted: Sequence[ChartedScore],
) -> Float[Array, "limb patient"]:
    """Return each lane's factor per limb: that of the chart where the limb was scored before any drug, else the
    drawn one.

    Raises
    ------
    StudyError
        When the lesion leaves the limb's pathways whole, so that no factor gives the charted score.
    """
    factor = np.array(drawn)
    for row in charted:
        limb = LIMBS.index(row.limb)
        unit = plateau(row.at_h)[limb]
        if float(unit.max()) <= 0:
            raise StudyError(
                f"charted: the {row.limb} is charted at {row.score:g}, but this lesion leaves its pathways whole at "
                f"{row.at_h.text}. Allowed: a later time, a larger lesion, or one that hits the {row.limb}. "
                "Do: check [lesion] and the time of [[charted]]."
            )
        factor[limb] = np.asarray(_bias_for(people, limb, row.score - 1.0, row.at_h)) / unit
    return jnp.asarray(factor)


def _bias_for(people: People, limb: int, wanted: float, time_h: float) -> Float[Array, " patient"]:
    """Return the bias at which the limb's mean latent grade is the wanted one, by bisection."""
    snapshot = Course(people).snapshot(start(people))
    groups = jnp.array(muscles_of(LIMBS[limb]))

    low, high = jnp.zeros(people.n), jnp.full(people.n, _HIGHEST_BIAS)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = _grades(people, snapshot, middle, time_h)[groups].mean(axis=0) > wanted
        low, high = jnp.where(above, low, middle), jnp.where(above, middle, high)
    return (low + high) / 2


def _grades(people: People, snapshot: Snapshot, bias: Float[Array, " patient"], time_h: float) -> Array:
    now = dataclasses.replace(
        people, bias=jnp.stack([bias] * len(LIMBS)), time_since_onset_h=jnp.full(people.n, float(time_h))
    )
    return latent_grades(examine(now, snapshot, body_constants()), chart_constants())
