"""Laws of tone and of its scales: they hold whatever the numbers in the records."""

from __future__ import annotations

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Array

from eutonia.assessment.ashworth import (
    Ashworth,
    ModifiedAshworth,
    ashworth_score,
    latent_grade,
    modified_ashworth_code,
    modified_ashworth_rank,
    rater_scatter,
    reference_grid,
)
from eutonia.assessment.reflex import reflex_grade, reflex_latent
from eutonia.assessment.scoring import Chart, chart, chart_constants, latent_grades, no_luck
from eutonia.assessment.spasms import penn_marks, penn_score, spasm_rate_log10
from eutonia.drug.effect.gaba_b import Receptor
from eutonia.drug.kinetics import Kinetics
from eutonia.limb.muscle import muscle_groups, muscles_of
from eutonia.simulation.course import Course, Snapshot, start
from eutonia.simulation.examine import Examination, body_constants, examine
from eutonia.simulation.people import People, Traits
from eutonia.simulation.stance import stance
from eutonia.tone.spinal import VolleyConstants, volley_probit

pytestmark = pytest.mark.xdist_group("slow clock")

N = 64
MONTH = 730.5
FEW = settings(deadline=None, max_examples=12)

luck_of_rater = st.floats(-3, 3)


def people(bias: np.ndarray, *, contracture: float = 0.0, luck: float = 0.0, seed: int = 0) -> People:
    """Return one person a lane with this bias of leg and arm (mV), `luck` scaling the spread between muscle groups."""
    drawn = Traits.draw(seed, jnp.arange(N), "stroke")
    zero = jnp.zeros((2, N))
    traits = Traits(luck * drawn.muscle_deviation, zero + contracture, zero, zero, zero)
    one = jnp.ones(N)
    return People(
        person=jnp.arange(N),
        weight_kg=70.0 * one,
        kinetics=Kinetics.typical(N),
        receptor=Receptor.typical().draw(jnp.zeros((2, N)), (0.0, 0.0)),
        traits=traits,
        bias=jnp.asarray(bias) * jnp.ones((2, N)),
        strength=jnp.ones((2, N)),
        time_since_onset_h=12 * MONTH * one,
    )


def under(who: People, hyperpolarisation: np.ndarray, release: np.ndarray | float = 1.0) -> Snapshot:
    """Return the untreated state of people, with so much bias (mV) taken by a drug and so much release left."""
    untreated = Course(who).snapshot(start(who))
    return dataclasses.replace(
        untreated,
        hyperpolarisation=jnp.asarray(hyperpolarisation) * jnp.ones((2, N)),
        release=jnp.asarray(release) * jnp.ones((2, N)),
    )


def examined(who: People, snapshot: Snapshot) -> tuple[Examination, Chart]:
    exam = examine(who, snapshot, body_constants())
    standing = stance(who, snapshot, body_constants())
    return exam, chart(who, exam, standing, no_luck(N), jnp.zeros(N), chart_constants())


def tone_of(scores: Chart) -> tuple[Array, ...]:
    """Return the scores of tone, of which less is better."""
    return scores.ashworth, scores.modified_ashworth, scores.ashworth_muscle, scores.spasm, scores.reflex


# --- no lesion, no spasticity ----------------------------------------------------------------------------------------


def test_a_healthy_limb_is_normal_on_every_scale() -> None:
    healthy = people(np.zeros(N))
    exam, scores = examined(healthy, under(healthy, np.zeros(N)))
    assert np.all(exam.excess == 0.0)
    assert np.all(exam.contracture == 0.0)
    assert np.all(scores.ashworth == 1.0)
    assert np.all(scores.modified_ashworth == 0.0)
    assert np.all(scores.reflex == 2.0)
    assert np.all(scores.spasm == 0.0)
    assert np.all(scores.pain == 0.0)


@FEW
@given(seed=st.integers(0, 2**31 - 1))
def test_the_spread_between_muscles_and_contracture_need_a_lesion(seed: int) -> None:
    healthy = people(np.zeros(N), contracture=3.0, luck=1.0, seed=seed)
    exam, scores = examined(healthy, under(healthy, np.zeros(N)))
    assert np.all(exam.excess == 0.0)
    assert np.all(scores.ashworth_muscle == 1.0)


def test_whatever_the_drug_takes_a_healthy_limb_only_slackens() -> None:
    healthy = people(np.zeros(N))
    taken = np.linspace(0.0, 20.0, N)
    exam, scores = examined(healthy, under(healthy, taken, np.linspace(1.0, 0.0, N)))
    assert np.all(exam.excess <= 0.0)
    assert np.all(np.diff(exam.excess, axis=1) <= 0.0)
    assert np.all(scores.ashworth == 1.0)
    assert np.all(scores.modified_ashworth == 0.0)
    assert np.all(scores.reflex <= 2.0)
    assert np.all(scores.spasm == 0.0)


@pytest.mark.parametrize("access", ["lumbar puncture", "catheter"])
def test_no_bolus_stiffens_a_healthy_limb_while_it_works(access: str) -> None:
    healthy = people(np.zeros(N))
    course = Course(healthy)
    state = course.bolus(start(healthy), jnp.linspace(0.0, 400.0, N), access)
    for _ in range(4):
        state = course.advance(state, 3.0, jnp.zeros(N), 0.0)
        exam, scores = examined(healthy, course.snapshot(state))
        assert np.all(exam.excess <= 0.0)
        assert np.all(scores.ashworth == 1.0)
        assert np.all(scores.reflex <= 2.0)
        assert np.all(exam.excess[:, 0] == 0.0)


# --- more bias, more resistance, higher scores -----------------------------------------------------------------------


@FEW
@given(seed=st.integers(0, 2**31 - 1), contracture=st.floats(0, 2))
def test_more_bias_never_means_less_of_anything(seed: int, contracture: float) -> None:
    spastic = people(np.linspace(0.0, 9.0, N), contracture=contracture, luck=1.0, seed=seed)
    alike = dataclasses.replace(spastic.traits, muscle_deviation=spastic.traits.muscle_deviation[:, :1] * jnp.ones(N))
    spastic = dataclasses.replace(spastic, traits=alike)
    exam, scores = examined(spastic, under(spastic, np.zeros(N)))
    for value in (exam.excess, exam.h_over_m, exam.tap_probit, exam.contracture, *tone_of(scores)):
        assert np.all(np.diff(value, axis=-1) >= -1e-12)
    assert np.all(np.diff(exam.response.catch_angle, axis=-1) <= 1e-12)


@FEW
@given(bias=st.floats(0.1, 6), seed=st.integers(0, 2**31 - 1))
def test_taking_bias_away_never_raises_a_score(bias: float, seed: int) -> None:
    spastic = people(np.full(N, bias), contracture=0.5, luck=1.0, seed=seed)
    alike = dataclasses.replace(spastic.traits, muscle_deviation=spastic.traits.muscle_deviation[:, :1] * jnp.ones(N))
    spastic = dataclasses.replace(spastic, traits=alike)
    exam, scores = examined(spastic, under(spastic, np.linspace(0.0, 8.0, N), np.linspace(1.0, 0.1, N)))
    for value in (exam.excess, exam.h_over_m, exam.tap_probit, *tone_of(scores)):
        assert np.all(np.diff(value, axis=-1) <= 1e-12)
    assert np.ptp(exam.contracture) == 0.0, "no drug stretches a contracture"


@given(st.floats(-5, 5), st.floats(-3, 6))
def test_blocking_release_never_fires_more_of_the_pool(deviation: float, bias: float) -> None:
    release = jnp.linspace(0.0, 1.2, 16) * jnp.ones((2, 1))
    fired = volley_probit(
        release, jnp.full((2, 16), deviation), jnp.full((2, 16), bias), VolleyConstants.from_records()
    )
    assert np.all(np.diff(fired) >= 0.0)


def test_the_curve_behind_the_grades_only_rises() -> None:
    """A grade is read off this curve backwards, so it must not fold."""
    curve = np.asarray(chart_constants().curve)
    assert np.all(np.diff(curve, axis=1) > 0.0)
    at_zero = np.array([np.interp(0.0, np.asarray(reference_grid()), row) for row in curve])
    np.testing.assert_allclose(at_zero, 0.0, atol=1e-12)


def test_without_contracture_the_latent_grade_is_the_bias() -> None:
    """Grades per mV is 1 in the records: a grade is a mV, in every muscle group, up to rigid."""
    bias = np.linspace(0.0, 5.0, N)
    spastic = people(bias)
    exam, _ = examined(spastic, under(spastic, np.zeros(N)))
    latent = np.asarray(latent_grades(exam, chart_constants())) / float(chart_constants().grade_per_bias)
    np.testing.assert_allclose(latent, np.broadcast_to(bias, latent.shape), atol=0.01)


# --- the scales ------------------------------------------------------------------------------------------------------

resistances = st.lists(st.floats(-0.5, 3.0), min_size=16, max_size=16)


@given(resistances, luck_of_rater)
def test_a_score_never_falls_when_resistance_rises(excess: list[float], noise: float) -> None:
    constants = chart_constants()
    rising = jnp.sort(jnp.asarray(excess))
    found = latent_grade(rising, constants.curve[0], constants.grade_per_bias)
    latent = jnp.sort(found)
    np.testing.assert_allclose(found, latent, rtol=0.0, atol=1e-14)  # but for its last digit it rises
    for heard in (0.0, noise, rater_scatter(latent, noise, constants.rater_noise_from)):
        for scale in (ashworth_score, modified_ashworth_rank, modified_ashworth_code):
            assert np.all(np.diff(scale(latent, heard)) >= 0.0)


@given(st.lists(st.floats(-10, 10), min_size=16, max_size=16), luck_of_rater)
def test_scores_stay_on_their_scales(values: list[float], noise: float) -> None:
    latent = jnp.asarray(values)
    grades = np.asarray(ashworth_score(latent, noise))
    ranks = np.asarray(modified_ashworth_rank(latent, noise))
    codes = np.asarray(modified_ashworth_code(latent, noise))
    assert set(grades) <= {float(grade) for grade in Ashworth}
    assert set(ranks) <= {float(grade.rank) for grade in ModifiedAshworth}
    assert set(codes) <= {0.0, 1.0, 1.5, 2.0, 3.0, 4.0}
    assert set(np.asarray(reflex_grade(latent, noise))) <= set(range(6))
    assert set(np.asarray(penn_score(latent, penn_marks(), noise))) <= set(range(5))


@given(st.floats(-10, 10), luck_of_rater)
def test_one_plus_splits_the_second_ashworth_grade(latent: float, noise: float) -> None:
    """Ranks 0 to 5 are the grades 0, 1, 1+, 2, 3, 4; 1 and 1+ are one Ashworth grade."""
    at = jnp.asarray([latent])
    rank = int(modified_ashworth_rank(at, noise)[0])
    assert float(ashworth_score(at, noise)[0]) == (1, 2, 2, 3, 4, 5)[rank]
    assert float(modified_ashworth_code(at, noise)[0]) == (0.0, 1.0, 1.5, 2.0, 3.0, 4.0)[rank]


def test_modified_ashworth_grades_are_ordered() -> None:
    shuffled = [ModifiedAshworth(text) for text in ("3", "1+", "0", "4", "1", "2")]
    assert [str(grade) for grade in sorted(shuffled)] == ["0", "1", "1+", "2", "3", "4"]
    assert ModifiedAshworth.ONE < ModifiedAshworth.ONE_PLUS < ModifiedAshworth.TWO
    assert ModifiedAshworth.FOUR >= ModifiedAshworth.FOUR
    assert max(shuffled) is ModifiedAshworth.FOUR
    with pytest.raises(TypeError):
        assert ModifiedAshworth.ONE < 2  # type: ignore[operator]


@given(resistances, luck_of_rater)
def test_reflex_and_spasm_scores_rise_with_what_they_read(values: list[float], noise: float) -> None:
    rising = jnp.sort(jnp.asarray(values))
    assert np.all(np.diff(reflex_grade(reflex_latent(rising, 0.2, 1.5), noise)) >= 0.0)
    assert np.all(
        np.diff(penn_score(spasm_rate_log10(rising, jnp.asarray(0.3), -2.0, 0.6), penn_marks(), noise)) >= 0.0
    )


@FEW
@given(seed=st.integers(0, 2**31 - 1))
def test_the_score_of_a_limb_is_the_mean_of_its_muscles(seed: int) -> None:
    spastic = people(np.linspace(0.0, 6.0, N), contracture=0.7, luck=1.0, seed=seed)
    _, scores = examined(spastic, under(spastic, np.zeros(N)))
    for i, limb in enumerate(("leg", "arm")):
        rows = list(muscles_of(limb))
        assert [muscle_groups()[row].limb for row in rows] == [limb] * len(rows)
        np.testing.assert_allclose(scores.ashworth[i], np.asarray(scores.ashworth_muscle)[rows].mean(axis=0))
        np.testing.assert_allclose(
            scores.modified_ashworth[i], np.asarray(scores.modified_ashworth_muscle)[rows].mean(axis=0)
        )
    assert np.all((scores.ashworth >= 1.0) & (scores.ashworth <= 5.0))
