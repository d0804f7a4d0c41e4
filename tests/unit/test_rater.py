"""Raters agree as often as published, on people whom the study could have seen; and kappa is kappa."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rater import kappa

from eutonia import parameters
from eutonia.assessment.ashworth import modified_ashworth_rank, rater_scatter
from eutonia.assessment.scoring import ChartConstants, chart_constants, draw_luck, latent_grades, no_luck
from eutonia.limb.muscle import muscle_groups
from eutonia.patient import Cohort, Population
from eutonia.simulation.course import Course, start
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.make_people import people_of
from eutonia.simulation.people import Traits
from eutonia.tone.descending import bias_factors, descending_bias, strength_exponents, voluntary_strength
from eutonia.trial import blocks

pytestmark = pytest.mark.xdist_group("slow clock")

SEED, POOL, WIDTH = 11, 2048, 64
PEOPLE, STUDIES, CLOSE = 30, 300, 0.03


@pytest.fixture(scope="module")
def hemiplegic() -> np.ndarray:
    """Return latent grades of six muscle groups of people whose weak leg and arm both carry bias."""
    number = np.arange(POOL)
    cohort = Cohort.draw(SEED, number, Population.typical("stroke"))
    integrity = cohort.pathways.integrity(cohort.time_since_onset_h)
    bias = descending_bias(integrity, bias_factors(SEED, number), cohort.time_since_onset_h)
    strength = voluntary_strength(integrity, strength_exponents(SEED, number))
    traits = Traits.draw(SEED, jnp.asarray(number), "stroke")
    found = []
    for block, _ in blocks.split(np.flatnonzero(np.all(np.asarray(bias) > 0.3, axis=0)), WIDTH):
        mine = jax.tree.map(lambda leaf, block=block: leaf[..., block], traits)
        people = people_of(cohort.take(block), mine, bias[:, block], strength[:, block], block, SEED)
        exam = examine(people, Course(people).snapshot(start(people)), body_constants())
        found.append(np.asarray(latent_grades(exam, chart_constants())))
    return np.concatenate(found, axis=1)


def kappas(latent: np.ndarray, constants: ChartConstants) -> tuple[float, float]:
    """Let two raters of their own severity grade thirty people in each study, the first rater twice."""
    luck = np.random.default_rng(5)
    who = luck.integers(latent.shape[1], size=(STUDIES, PEOPLE))
    scores = jnp.asarray(np.moveaxis(latent[:, who], 0, -1).reshape(STUDIES, -1))
    severity = float(constants.rater_bias) * luck.standard_normal((2, STUDIES, 1))
    residual = float(constants.rater_residual) * luck.standard_normal((3, *scores.shape))
    noise = jnp.asarray(residual + severity[[0, 1, 0]])
    heard = rater_scatter(scores, noise, constants.rater_noise_from)
    one, two, again = np.asarray(modified_ashworth_rank(scores, heard)).astype(int)
    return float(kappa(one, two).mean()), float(kappa(one, again).mean())


def test_raters_agree_as_published(hemiplegic: np.ndarray) -> None:
    published = parameters.load("trial").values(kappa_between_raters="1", kappa_within_rater="1")
    ranks = np.asarray(modified_ashworth_rank(jnp.asarray(hemiplegic)))
    assert all(np.mean(ranks == grade) > 0.05 for grade in range(6)), "the sample has to use the whole scale"
    found = kappas(hemiplegic, chart_constants())
    assert found == pytest.approx(published, abs=CLOSE)


def test_severity_belongs_to_the_rater_and_scatter_to_the_visit() -> None:
    constants = chart_constants()
    person = jnp.arange(2048)
    first, later = (np.asarray(draw_luck(SEED, person, visit, constants).rater) for visit in (0, 1))
    own = (first + later).mean(axis=0) / 2
    residual, severity = float(constants.rater_residual), float(constants.rater_bias)
    assert (first - later).std() == pytest.approx(np.sqrt(2) * residual, rel=0.03)
    n = 2 * len(muscle_groups())
    assert own.std() == pytest.approx(np.sqrt(severity**2 + residual**2 / n), rel=0.05)
    assert abs(first.mean()) < 0.03
    assert np.corrcoef(first[0], first[1])[0, 1] == pytest.approx(severity**2 / (severity**2 + residual**2), abs=0.06)


def test_a_noiseless_rater_has_no_luck() -> None:
    luck = no_luck(WIDTH)
    assert not any(np.any(part) for part in jax.tree.leaves(luck))
    assert luck.rater.shape == (len(muscle_groups()), WIDTH)


def test_raters_agree_on_a_limb_that_does_not_resist() -> None:
    latent = np.array([-1.0, 0.0, 0.5, 1.0, 3.0])
    np.testing.assert_allclose(rater_scatter(jnp.asarray(latent), 0.4, 1.0), [0.0, 0.0, 0.2, 0.4, 0.4])


def test_kappa_of_a_table_by_hand() -> None:
    """Cells 20, 5, 10, 15 of 50: observed 0.7, by chance 0.5."""
    first = np.array([[0] * 25 + [1] * 25])
    second = np.array([[0] * 20 + [1] * 5 + [0] * 10 + [1] * 15])
    assert kappa(first, second) == pytest.approx(0.4)
    assert kappa(second, first) == pytest.approx(0.4)


def test_kappa_is_one_in_agreement_and_near_zero_by_chance() -> None:
    luck = np.random.default_rng(1)
    grades = luck.integers(5, size=(1, 4000))
    assert kappa(grades, grades) == pytest.approx(1.0)
    assert kappa(grades, luck.permutation(grades, axis=1)) == pytest.approx(0.0, abs=0.03)
    assert kappa(np.zeros((1, 9)), np.zeros((1, 9))) == 1.0
    assert kappa(np.array([[0, 1] * 8]), np.array([[1, 0] * 8])) == pytest.approx(-1.0)
