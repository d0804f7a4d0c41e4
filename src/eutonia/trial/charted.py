"""What a chart tells of a person: the own factor of the bias that makes the lesion give the charted score."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from eutonia.assessment.scoring import ChartConstants, chart_constants, latent_grades, limb_mean
from eutonia.errors import StudyError
from eutonia.patient import LIMBS
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import BodyConstants, body_constants, examine_at, healthy_resistance
from eutonia.simulation.maneuver import PassiveStretch
from eutonia.simulation.people import People
from eutonia.study.case import ChartedScore

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
    speed = jnp.asarray(PassiveStretch().ranges_per_second())
    healthy = healthy_resistance(body_constants(), speed)
    for row in charted:
        limb = LIMBS.index(row.limb)
        unit = plateau(row.at_h)[limb]
        if float(unit.max()) <= 0:
            raise StudyError(
                f"charted: the {row.limb} is charted at {row.score:g}, but this lesion leaves its pathways whole at "
                f"{row.at_h.text}. Allowed: a later time, a larger lesion, or one that hits the {row.limb}. "
                "Do: check [lesion] and the time of [[charted]]."
            )
        untreated = Snapshot.untreated(people.n)
        wanted, time_h = jnp.asarray(row.score - 1.0), jnp.asarray(float(row.at_h))
        solved = _bias_for(people, untreated, wanted, time_h, body_constants(), chart_constants(), speed, healthy)
        factor[limb] = np.asarray(solved)[limb] / unit
    return jnp.asarray(factor)


@eqx.filter_jit
def _bias_for(
    people: People,
    untreated: Snapshot,
    wanted: Float[Array, ""],
    time_h: Float[Array, ""],
    body: BodyConstants,
    scales: ChartConstants,
    speed: Float[Array, "muscle 1"],
    healthy: Float[Array, "muscle 1"],
) -> Float[Array, "limb patient"]:
    """Return the bias at which each limb's mean latent grade is the wanted one, by bisection."""

    def halve(_: Array, bounds: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = bounds
        middle = (low + high) / 2
        now = dataclasses.replace(people, bias=middle, time_since_onset_h=jnp.full(people.n, time_h))
        grades = latent_grades(examine_at(now, untreated, body, speed, healthy, jnp.ones(())), scales)
        above = limb_mean(grades) > wanted
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    low = jnp.zeros((len(LIMBS), people.n))
    low, high = lax.fori_loop(0, _HALVINGS, halve, (low, low + _HIGHEST_BIAS))
    return (low + high) / 2
