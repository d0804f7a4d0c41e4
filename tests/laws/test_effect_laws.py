"""Laws of the drug's effect on receptors, tone and reflexes over hours to years."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia.assessment.scoring import chart_constants, latent_grades
from eutonia.drug.effect import gaba_b
from eutonia.drug.effect.gaba_b import Receptor, Tolerance, receptor_spread
from eutonia.drug.kinetics import Kinetics
from eutonia.simulation import course as slow_clock
from eutonia.simulation.course import Course, CourseState, Snapshot, start
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.people import People, Traits
from eutonia.trial.period import PeriodClock, TabletPlan, Task, run_period

pytestmark = pytest.mark.xdist_group("slow clock")

N, DAY, YEAR = 64, 24.0, 8766.0
FEW = settings(deadline=None, max_examples=5)
MANY = settings(deadline=None, max_examples=40)
LANES = np.arange(N)
LEVELS = 8
DOSE_OF_LANE = LANES % LEVELS / (LEVELS - 1)  # eight people, each at eight doses from none to all
SETTLED_MV = 1e-9

people_seeds = st.integers(0, 2**31 - 1)


def people(person: np.ndarray, seed: int = 0, **of_receptor: float) -> People:
    """Return spastic people drawn by number; the same number is the same person, so that doses can be compared."""
    who = jnp.asarray(person)
    keys = slow_streams().keys(seed, slow_streams().Purpose.RECEPTOR, who)
    receptor = Receptor.typical().draw(slow_streams().normal(keys, 2), receptor_spread())
    given_values = {name: jnp.full(N, value) for name, value in of_receptor.items()}
    return People(
        person=who,
        weight_kg=jnp.full(N, 72.0),
        kinetics=Kinetics.draw(seed, who, weight_kg=jnp.full(N, 72.0), creatinine_clearance=jnp.full(N, 95.0)),
        receptor=dataclasses.replace(receptor, **given_values),
        traits=Traits.draw(seed, who, "stroke"),
        bias=jnp.full((2, N), 2.5),
        strength=jnp.full((2, N), 0.5),
        time_since_onset_h=jnp.full(N, 2 * YEAR),
    )


def slow_streams():  # noqa: ANN201
    from eutonia import _streams

    return _streams


def eight_people(seed: int = 0, **of_receptor: float) -> People:
    return people(LANES // LEVELS, seed, **of_receptor)


def by_dose(values: np.ndarray) -> np.ndarray:
    """Return values over lanes as (limb, person, dose)."""
    return np.asarray(values).reshape(2, -1, LEVELS)


def rate(ug_per_day: float) -> jax.Array:
    return jnp.asarray(ug_per_day / DAY * DOSE_OF_LANE)


def infused(course: Course, ug_per_day: jax.Array, days: float, state: CourseState | None = None) -> CourseState:
    return course.advance(state or start(course.people), days * DAY, ug_per_day, 0.0)
