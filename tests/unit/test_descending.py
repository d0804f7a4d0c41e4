"""Descending bias and voluntary strength do what they say, and have the sizes they were fitted to."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from eutonia import _streams
from eutonia.patient import ARM, LEG, Cohort, Lesion, Population
from eutonia.patient.pathways import CORTICOSPINAL, DORSAL_RETICULOSPINAL, MEDIAL_RETICULOSPINAL, MONOAMINERGIC
from eutonia.tone.descending import (
    DescendingConstants,
    bias_factors,
    descending_bias,
    emergence,
    limb_deviates,
    strength_exponents,
    voluntary_strength,
)

MONTH = 730.5
LATE = 1e6
ONE = np.ones((2, 1))


def intact() -> np.ndarray:
    return np.ones((4, 2, 1))


def without(*pathways: int) -> np.ndarray:
    integrity = intact()
    integrity[list(pathways)] = 0.0
    return integrity


def bias(integrity: np.ndarray, time_h: float = LATE, factor: float = 1.0) -> np.ndarray:
    return np.asarray(descending_bias(integrity, factor * ONE, time_h))[:, 0]


def test_each_lost_pathway_adds_its_weight() -> None:
    c = DescendingConstants.from_records()
    for pathway, weight in (
        (DORSAL_RETICULOSPINAL, c.dorsal_weight),
        (CORTICOSPINAL, c.medial_weight),
        (MONOAMINERGIC, c.monoaminergic_weight),
    ):
        expected = [c.bias_ceiling * math.tanh(w / c.bias_ceiling) for w in weight]
        assert bias(without(pathway)) == pytest.approx(expected, rel=1e-6)


def test_turning_up_the_medial_path_needs_the_medial_path() -> None:
    assert np.all(bias(without(CORTICOSPINAL)) > 0.0)
    assert np.all(bias(without(CORTICOSPINAL, MEDIAL_RETICULOSPINAL)) == 0.0)


def test_half_a_pathway_still_damps() -> None:
    half = intact()
    half[DORSAL_RETICULOSPINAL] = 0.5
    assert np.all(bias(half) < 0.3 * bias(without(DORSAL_RETICULOSPINAL)))


def test_bias_has_a_soft_ceiling() -> None:
    ceiling = DescendingConstants.from_records().bias_ceiling
    assert np.all(bias(without(0, 1), factor=1e4) == pytest.approx(ceiling))


def test_bias_emerges_first_order_after_a_flaccid_stage() -> None:
    c = DescendingConstants.from_records()
    assert float(emergence(c.flaccid_time, c)) == 0.0
    assert float(emergence(c.flaccid_time + c.emergence_time, c)) == pytest.approx(1 - math.exp(-1), rel=1e-6)
    assert float(emergence(LATE, c)) == pytest.approx(1.0)
    assert 14 * 24 <= c.emergence_time <= 56 * 24


def test_time_may_differ_between_people() -> None:
    integrity = np.repeat(without(DORSAL_RETICULOSPINAL), 2, axis=-1)
    both = np.asarray(descending_bias(integrity, np.ones((2, 2)), np.array([0.0, LATE])))
    assert np.all(both[:, 0] == 0.0)
    assert np.all(both[:, 1] > 0.0)


def test_arms_answer_more_than_legs_to_the_same_loss() -> None:
    leg, arm = bias(without(CORTICOSPINAL, DORSAL_RETICULOSPINAL))
    assert arm > leg > 0.0


def test_strength_without_the_corticospinal_tract() -> None:
    c = DescendingConstants.from_records()
    left = np.asarray(voluntary_strength(without(CORTICOSPINAL), ONE))[:, 0]
    assert left == pytest.approx(list(c.strength_without_corticospinal))
    assert left[LEG] > left[ARM]
    complete = Lesion.spinal("C4").pathways.integrity(0.0)
    assert np.all(np.asarray(voluntary_strength(complete, ONE)) == 0.0)


def test_personal_factors_have_median_one_and_the_fitted_spread() -> None:
    c = DescendingConstants.from_records()
    person = np.arange(8000)
    logs = np.log(np.asarray(bias_factors(3, person)))
    assert np.median(logs, axis=1) == pytest.approx([0.0, 0.0], abs=0.1)
    assert logs.std(axis=1) == pytest.approx([c.bias_spread] * 2, rel=0.05)
    assert np.corrcoef(logs)[0, 1] == pytest.approx(c.limb_correlation, abs=0.03)
    exponents = np.asarray(strength_exponents(3, person))
    assert np.median(exponents) == pytest.approx(1.0, rel=0.05)
    tied = np.corrcoef(logs[0], np.log(exponents[0]))[0, 1]
    assert tied == pytest.approx(c.tone_weakness_correlation, abs=0.04), "who is spastic tends to be weak"


def test_limb_deviates_are_independent_without_correlation() -> None:
    deviates = np.asarray(limb_deviates(1, _streams.Purpose.BIAS, np.arange(4000), 0.0))
    assert abs(np.corrcoef(deviates)[0, 1]) < 0.06


def test_constants_can_be_varied() -> None:
    c = replace(DescendingConstants.from_records(), dorsal_weight=(0.0, 1.0))
    leg, arm = np.asarray(descending_bias(without(DORSAL_RETICULOSPINAL), ONE, LATE, c))[:, 0]
    assert leg == 0.0
    assert arm > 0.9


@pytest.fixture(scope="module")
def survivors() -> tuple[Cohort, np.ndarray, np.ndarray]:
    """Return stroke survivors with their bias and strength at six months (strength at three)."""
    cohort = Cohort.draw(2026, np.arange(8192), Population.typical("stroke"))
    integrity = cohort.pathways.integrity(6 * MONTH)
    biases = descending_bias(integrity, bias_factors(2026, cohort.person), 6 * MONTH)
    strength = voluntary_strength(cohort.pathways.integrity(3 * MONTH), strength_exponents(2026, cohort.person))
    return cohort, np.asarray(biases), np.asarray(strength)


def test_spasticity_after_stroke_is_common_and_more_so_in_the_arm(
    survivors: tuple[Cohort, np.ndarray, np.ndarray],
) -> None:
    cohort, biases, _ = survivors
    paretic = (cohort.pathways.integrity(0.0)[CORTICOSPINAL] < 0.9).any(axis=0)
    assert 0.55 < paretic.mean() < 0.75
    assert 0.2 < (biases[:, paretic] > 0.5).any(axis=0).mean() < 0.5
    assert (biases[:, ~paretic] > 0.5).any(axis=0).mean() < 0.12
    assert (biases[ARM] > 0.5).mean() > 1.5 * (biases[LEG] > 0.5).mean()


def test_trials_of_severe_spasticity_find_their_people(survivors: tuple[Cohort, np.ndarray, np.ndarray]) -> None:
    _, biases, _ = survivors
    for limb in (LEG, ARM):
        assert np.sum((biases[limb] > 3.0) & (biases[limb] < 4.0)) >= 15
    assert np.sum((biases > 2.0).all(axis=0)) >= 60


def test_corticospinal_load_explains_most_of_arm_strength(survivors: tuple[Cohort, np.ndarray, np.ndarray]) -> None:
    """Feng 2015: R2 0.69 in two cohorts at three months."""
    cohort, _, strength = survivors
    weak = cohort.pathways.integrity(0.0)[CORTICOSPINAL, ARM] < 0.9
    load = cohort.pathways.core_loss[CORTICOSPINAL, ARM]
    assert np.corrcoef(load[weak], strength[ARM, weak])[0, 1] ** 2 == pytest.approx(0.69, abs=0.06)
