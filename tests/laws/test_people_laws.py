"""People are the same whoever makes them, beside whom, and in what order."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from eutonia.patient import Cohort, Population
from eutonia.simulation.course import Course, start
from eutonia.simulation.make_people import make_people
from eutonia.study.design import TrialStudy, load_study
from eutonia.trial.recruitment import draw_pool, population_of, recruit

SEED, MANY = 3, 64


def drawn(of: str, person: np.ndarray) -> Cohort:
    return Cohort.draw(SEED, person, Population.typical(of))


@pytest.mark.parametrize("of", ["stroke", "multiple sclerosis", "healthy"])
def test_a_person_is_the_same_beside_anybody(of: str) -> None:
    alone = make_people(drawn(of, np.array([17])), seed=SEED)
    person = np.arange(MANY)[::-1]
    among = make_people(drawn(of, person), seed=SEED).take(np.flatnonzero(np.asarray(person) == 17))
    for one, other in zip(jax.tree.leaves(alone), jax.tree.leaves(among), strict=True):
        assert np.allclose(one, other, rtol=1e-14, atol=0.0, equal_nan=True)


def test_a_pool_of_a_trial_has_the_people_that_are_made_of_its_cohort() -> None:
    study = load_study("meythaler_2001")
    assert isinstance(study, TrialStudy)
    given = study.population.model_copy(update={"pool": 512, "entries": (), "baselines": ()})
    pool = draw_pool(given, SEED, MANY)
    made = make_people(Cohort.draw(SEED, np.arange(512), population_of(given)), seed=SEED)
    assert np.array_equal(made.bias, pool.bias)
    assert np.array_equal(made.strength, pool.strength)
    assert np.array_equal(made.traits.contracture, pool.traits.contracture)
    member = recruit(pool, SEED, np.arange(MANY)).member
    assert len(set(member)) > MANY / 2


def test_no_lesion_no_bias_and_whole_strength() -> None:
    healthy = make_people(drawn("healthy", np.arange(MANY)), seed=SEED)
    assert np.all(np.asarray(healthy.bias) == 0.0)
    assert np.all(np.asarray(healthy.strength) == 1.0)


def test_made_people_have_no_drug_in_them_and_others_of_another_seed_differ() -> None:
    cohort = drawn("stroke", np.arange(MANY))
    one, other = (make_people(cohort, seed=seed) for seed in (SEED, SEED + 1))
    assert not np.any(np.asarray(Course(one).snapshot(start(one)).csf_leg))
    for name in ("kinetics", "receptor", "traits"):
        pairs = zip(jax.tree.leaves(getattr(one, name)), jax.tree.leaves(getattr(other, name)), strict=True)
        assert any(not np.array_equal(a, b) for a, b in pairs), name
    assert not np.array_equal(one.bias, other.bias)
