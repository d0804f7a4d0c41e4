"""The chart: each scale reads what it should, luck and care move scores alone, and codes are those of the scales."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from eutonia import _streams, parameters, session
from eutonia.assessment.ashworth import (
    Ashworth,
    ModifiedAshworth,
    ashworth_score,
    expected_score,
    latent_grade,
    modified_ashworth_code,
    modified_ashworth_rank,
    reference_grid,
)
from eutonia.assessment.reflex import reflex_grade, reflex_latent
from eutonia.assessment.scoring import (
    Chart,
    ChartConstants,
    ChartLuck,
    chart,
    chart_constants,
    draw_luck,
    latent_grades,
    no_luck,
)
from eutonia.assessment.spasms import penn_marks, penn_score, spasm_rate_log10
from eutonia.assessment.walking import WalkingConstants, ambulation_category, comfortable_speed, stance_support
from eutonia.drug.effect.gaba_b import Receptor
from eutonia.drug.kinetics import Kinetics
from eutonia.limb.muscle import muscle_groups
from eutonia.simulation.course import Course, start
from eutonia.simulation.examine import Examination, body_constants, examine
from eutonia.simulation.people import People, Traits
from eutonia.simulation.stance import Stance, stance

pytestmark = pytest.mark.xdist_group("slow clock")

N, SEED = 64, 4


@pytest.fixture(scope="module")
def people() -> People:
    """Return people from healthy to rigid, with traits of their own."""
    one, who = jnp.ones(N), jnp.arange(N)
    return People(
        person=who,
        weight_kg=70.0 * one,
        kinetics=Kinetics.typical(N),
        receptor=Receptor.typical().draw(jnp.zeros((2, N)), (0.0, 0.0)),
        traits=Traits.draw(SEED, who, "stroke"),
        bias=jnp.linspace(0.0, 5.0, N) * jnp.ones((2, N)),
        strength=jnp.linspace(1.0, 0.1, N) * jnp.ones((2, N)),
        time_since_onset_h=8766.0 * one,
    )


@pytest.fixture(scope="module")
def findings(people: People) -> tuple[Examination, Stance]:
    untreated = Course(people).snapshot(start(people))
    return examine(people, untreated, body_constants()), stance(people, untreated, body_constants())


def charted(
    people: People, findings: tuple[Examination, Stance], luck: ChartLuck | None = None, nonspecific: float = 0.0
) -> Chart:
    return chart(people, *findings, luck or no_luck(N), jnp.full(N, nonspecific), chart_constants())


# --- grades ----------------------------------------------------------------------------------------------------------


def test_grades_are_cut_half_way() -> None:
    latent = jnp.asarray([-2.0, 0.0, 0.5, 0.51, 1.0, 1.01, 1.5, 1.51, 2.5, 2.51, 3.5, 3.51, 8.0])
    np.testing.assert_array_equal(ashworth_score(latent), [1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 5])
    np.testing.assert_array_equal(modified_ashworth_rank(latent), [0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
    np.testing.assert_array_equal(modified_ashworth_code(latent), [0, 0, 0, 1, 1, 1.5, 1.5, 2, 2, 3, 3, 4, 4])


def test_a_rater_who_hears_more_scores_more() -> None:
    latent = jnp.full(3, 1.4)
    np.testing.assert_array_equal(ashworth_score(latent, jnp.asarray([-1.0, 0.0, 0.2])), [1, 2, 3])


def test_the_scales_have_the_published_grades() -> None:
    assert [grade.value for grade in ModifiedAshworth] == ["0", "1", "1+", "2", "3", "4"]
    assert [int(grade) for grade in Ashworth] == [1, 2, 3, 4, 5]
    assert ModifiedAshworth.ONE_PLUS.rank == 2


def test_the_expected_score_is_the_mean_over_raters() -> None:
    latent = np.linspace(-0.5, 4.5, 11)
    luck = np.random.default_rng(2).standard_normal((20_000, 1))
    scatter = 0.4 * np.clip(latent, 0.0, 1.0)
    drawn = np.asarray(ashworth_score(jnp.asarray(latent + scatter * luck)))
    # Within a thousandth of a mark the numerical floor of the scatter smooths what a rater would cut.
    clear = np.abs(latent[:, None] - np.array([0.5, 1.5, 2.5, 3.5])).min(axis=1) > 0.01
    expected = np.asarray(expected_score(jnp.asarray(latent), 0.4, 1.0))
    np.testing.assert_allclose(expected[clear], drawn.mean(axis=0)[clear], atol=0.015)
    assert np.all(np.diff(expected) >= 0)


def test_a_resistance_becomes_the_bias_that_would_give_it() -> None:
    constants = chart_constants()
    for curve in constants.curve:
        found = latent_grade(curve, curve, constants.grade_per_bias)
        np.testing.assert_allclose(found, constants.grade_per_bias * reference_grid(), atol=1e-12)


@pytest.mark.parametrize(("probit", "grade"), [(0.0, 2), (10.0, 5), (-10.0, 0)])
def test_a_normal_volley_gives_a_normal_reflex(probit: float, grade: int) -> None:
    assert float(reflex_grade(reflex_latent(jnp.asarray(probit - 0.3), -0.3, 1.2))) == grade


def test_spasms_are_counted_in_decades() -> None:
    per_hour = jnp.log10(jnp.asarray([0.001, 0.05, 0.5, 5.0, 50.0]))
    np.testing.assert_array_equal(penn_score(per_hour, penn_marks()), [0, 1, 2, 3, 4])
    rate = spasm_rate_log10(jnp.asarray(2.0), jnp.asarray(-0.5), -1.0, 0.75)
    assert float(rate) == pytest.approx(0.0)


# --- the chart -------------------------------------------------------------------------------------------------------


def test_the_chart_reads_each_finding(people: People, findings: tuple[Examination, Stance]) -> None:
    exam, standing = findings
    found, c = charted(people, findings), chart_constants()
    latent = latent_grades(exam, c)
    np.testing.assert_array_equal(found.ashworth_muscle, ashworth_score(latent))
    np.testing.assert_array_equal(found.modified_ashworth_muscle, modified_ashworth_code(latent))
    np.testing.assert_array_equal(found.h_reflex, exam.h_over_m)
    jerk = reflex_latent(exam.tap_probit, c.healthy_probit, c.grades_per_probit)
    np.testing.assert_array_equal(found.reflex, reflex_grade(jerk))
    rate = spasm_rate_log10(exam.bias, people.traits.spasm, c.spasm_intercept, c.spasm_slope)
    np.testing.assert_array_equal(found.spasm, penn_score(rate, penn_marks()))
    support = stance_support(standing.voluntary_torque, standing.tone_torque, c.walking.needed_torque)
    speed = comfortable_speed(standing.strength, standing.bias, support, c.walking)
    np.testing.assert_allclose(found.walking_speed, speed)
    np.testing.assert_allclose(found.functional_ambulation, ambulation_category(support, speed, c.walking))
    names = [group.name for group in muscle_groups()]
    lifted, straightened = (names.index(one) for one in ("ankle plantarflexors", "elbow flexors"))
    np.testing.assert_allclose(found.active_range, np.asarray(standing.active_range)[[lifted, straightened]])
    np.testing.assert_allclose(found.stance_support, support)


def test_pain_comes_from_three_channels_of_the_worst_limb_and_from_the_brain(
    people: People, findings: tuple[Examination, Stance]
) -> None:
    central = jnp.where(jnp.arange(people.n) % 3 == 0, 0.4, 0.0)
    people = dataclasses.replace(people, traits=dataclasses.replace(people.traits, central_pain=central))
    found, exam, c = charted(people, findings), findings[0], chart_constants()
    rate = 10 ** np.asarray(spasm_rate_log10(exam.bias, people.traits.spasm, c.spasm_intercept, c.spasm_slope))
    spasms = np.where(np.asarray(found.spasm) > 0, rate, 0.0).max(axis=0)
    grade, stiff = np.asarray(latent_grades(exam, c)).max(axis=0), np.asarray(exam.contracture).max(axis=0)
    of_spasm, most, middle, width, at_rest, of_tissue = parameters.load("pain").values(
        per_root_of_spasms="1",
        tone_at_most="1",
        tone_middle="grade",
        tone_width="grade",
        tone_at_rest="1",
        tissue_at_most="1",
    )
    risen = np.maximum(expit((grade - middle) / width) - expit(-middle / width), 0.0)
    rest = np.exp(-of_spasm * np.sqrt(spasms)) * (1 - of_tissue * np.minimum(stiff, 1)) * (1 - np.asarray(central))
    for name, share in (("pain", 1.0), ("pain_at_rest", at_rest)):
        np.testing.assert_allclose(getattr(found, name), 10 * (1 - rest * (1 - share * most * risen)), rtol=1e-9)
    assert np.all(np.asarray(found.pain_at_rest) <= np.asarray(found.pain))
    assert float(found.pain.max()) <= 10.0


def test_every_score_stays_on_its_scale(people: People, findings: tuple[Examination, Stance]) -> None:
    for visit in range(5):
        found = charted(people, findings, draw_luck(SEED, people.person, visit, chart_constants()))
        for name, low, high in (
            ("ashworth", 1, 5),
            ("modified_ashworth", 0, 4),
            ("reflex", 0, 5),
            ("spasm", 0, 4),
            ("h_reflex", 0, 1),
            ("pain", 0, 10),
            ("pain_at_rest", 0, 10),
            ("disability", 0, 3),
        ):
            score = np.asarray(getattr(found, name))
            assert low <= score.min(), name
            assert score.max() <= high, name


def test_luck_moves_the_scores_that_people_give_and_no_measurement(
    people: People, findings: tuple[Examination, Stance]
) -> None:
    plain = charted(people, findings)
    lucky = charted(people, findings, draw_luck(SEED, people.person, 0, chart_constants()))
    for name in (
        "ashworth_muscle",
        "modified_ashworth_muscle",
        "reflex",
        "spasm",
        "pain",
        "pain_at_rest",
        "disability",
        "active_range",
    ):
        assert np.mean(getattr(plain, name) != getattr(lucky, name)) > 0.02, name
    for name in ("h_reflex", "walking_speed", "stance_support", "functional_ambulation"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(lucky, name))


def test_care_and_hope_lower_what_is_charted_and_no_measurement(
    people: People, findings: tuple[Examination, Stance]
) -> None:
    plain, hopeful = charted(people, findings), charted(people, findings, nonspecific=-0.6)
    for name in ("ashworth", "modified_ashworth", "reflex", "spasm", "pain", "pain_at_rest", "disability"):
        assert np.all(getattr(hopeful, name) <= getattr(plain, name)), name
        assert np.any(getattr(hopeful, name) < getattr(plain, name)), name
    for name in ("h_reflex", "walking_speed", "stance_support", "functional_ambulation"):
        np.testing.assert_array_equal(getattr(plain, name), getattr(hopeful, name))


@pytest.mark.parametrize("n", [3, 2000])
def test_luck_in_32_bit_is_that_in_64_bit_rounded(n: int) -> None:
    purpose, who = _streams.Purpose, np.arange(n)
    asked = [(purpose.RATER, 3, 6), (purpose.REPORT, 7, 1)]
    exact = _streams.normals(SEED, who, asked)
    session.set_bits(32)
    try:
        fast = _streams.normals(SEED, who, asked)
        one = np.asarray(_streams.normal(_streams.keys(SEED, purpose.RATER, who, 3), 6))
    finally:
        session.set_bits(64)
    for wide, narrow in zip((*exact, exact[0]), (*fast, one), strict=True):
        assert narrow.dtype == np.float32
        np.testing.assert_array_equal(np.asarray(wide, dtype=np.float32), narrow)


def test_luck_that_is_rounded_stays_below_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a million people some had a luck of exactly 1 in 32-bit, and reactions that never came, with a warning."""
    monkeypatch.setattr(_streams, "_uniforms", lambda *given, **of: np.full((8, 64), 1.0 - 1e-12))
    keys = _streams.keys(SEED, _streams.Purpose.REACTION, np.arange(3))
    for bits in (32, 64):
        session.set_bits(bits)
        try:
            drawn = np.asarray(_streams.uniform(keys, 2))
        finally:
            session.set_bits(64)
        assert np.all((drawn < 1.0) & (drawn > 0.999999))


def test_luck_is_that_of_person_and_visit(people: People) -> None:
    constants = chart_constants()
    here = draw_luck(SEED, people.person, 3, constants)
    again = draw_luck(SEED, people.person[::-1], 3, constants)
    for one, other in zip(jax.tree.leaves(here), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other[..., ::-1])
    for change in ((SEED + 1, 3), (SEED, 4)):
        assert not np.any(draw_luck(change[0], people.person, change[1], constants).rater == here.rater)


def test_one_program_draws_what_each_decision_draws_alone(people: People) -> None:
    asked = [(_streams.Purpose.RATER, 3, 6), (_streams.Purpose.REPORT, 7, 1)]
    together = _streams.normals(SEED, people.person, asked)
    for (purpose, visit, size), drawn in zip(asked, together, strict=True):
        alone = _streams.normal(_streams.keys(SEED, purpose, people.person, visit), size)
        np.testing.assert_array_equal(drawn, alone)


def test_reports_scatter_by_their_records() -> None:
    constants = chart_constants()
    luck = draw_luck(SEED, jnp.arange(2048), 1, constants)
    assert float(luck.reflex.std()) == pytest.approx(float(constants.reflex_noise), rel=0.05)
    assert float(luck.spasm.std()) == pytest.approx(float(constants.spasm_noise), rel=0.05)
    assert abs(np.corrcoef(luck.reflex[0], luck.spasm[0])[0, 1]) < 0.06


def test_constants_are_those_of_the_records() -> None:
    read = ChartConstants.from_records(body_constants())
    bedside = parameters.load("bedside")
    assert read.grade_per_bias == bedside.value("grade_per_bias", "1/mV")
    assert read.rater_residual == bedside.value("rater_residual", "1")
    assert read.rater_bias == bedside.value("rater_bias", "1")
    assert read.healthy_probit == parameters.load("receptor").value("volley_drive_mean", "1")


# --- walking ---------------------------------------------------------------------------------------------------------


def test_a_strong_leg_walks_faster_tone_brakes_it_and_one_that_gives_way_slows_its_owner() -> None:
    c = WalkingConstants.from_records()
    strength, bias = jnp.asarray([1.0, 0.5, 0.5, 0.0]), jnp.asarray([0.0, 0.0, 2.0, 0.0])
    speed = np.asarray(comfortable_speed(strength, bias, jnp.ones(4), c))
    assert speed[0] == pytest.approx(c.healthy_speed)
    assert speed[0] > speed[1] > speed[2] > speed[3] == 0.0
    slack = comfortable_speed(jnp.asarray(0.5), jnp.asarray(-2.0), jnp.asarray(1.0), c)
    assert float(slack) == pytest.approx(speed[1]), "hypotonia does not speed a leg up"
    held = jnp.asarray([2.0, 1.0, 0.8, c.speed_without_support, 0.0])
    left = np.asarray(comfortable_speed(jnp.ones(5), jnp.zeros(5), held, c)) / c.healthy_speed
    np.testing.assert_allclose(left, [1.0, 1.0, 0.8, c.speed_without_support, c.speed_without_support])


def test_the_category_of_walking_is_one_of_six_that_tell_who_depends_on_another() -> None:
    c = WalkingConstants.from_records()
    support = jnp.asarray([0.0, 0.5, 0.75, 0.999, 1.0, 1.0, 1.0, 3.0])
    speed = jnp.asarray([1.2, 1.2, 1.2, 1.2, 0.0, 0.4, 0.79, 0.8])
    np.testing.assert_array_equal(ambulation_category(support, speed, c), [0, 1, 2, 2, 3, 4, 4, 5])


def test_a_weak_leg_stands_on_its_tone() -> None:
    strong, weak = jnp.asarray(1.0), jnp.asarray(0.3)
    assert float(stance_support(2.0 * strong, jnp.asarray(0.0), 1.0)) == pytest.approx(2.0)
    assert float(stance_support(2.0 * weak, jnp.asarray(0.0), 1.0)) == pytest.approx(0.6)
    assert float(stance_support(2.0 * weak, jnp.asarray(0.6), 1.0)) == pytest.approx(1.2)


def test_taking_tone_away_takes_the_stance_of_the_weak(people: People) -> None:
    untreated = Course(people).snapshot(start(people))
    treated = dataclasses.replace(
        untreated, hyperpolarisation=jnp.full((2, N), 3.0), receptor_effect=jnp.full((2, N), 0.8)
    )
    before, after = (stance(people, snapshot, body_constants()) for snapshot in (untreated, treated))
    assert np.all(after.tone_torque <= before.tone_torque)
    assert np.all(after.strength <= before.strength)
    constants = chart_constants()
    needed = constants.walking.needed_torque
    index = [np.asarray(stance_support(s.voluntary_torque, s.tone_torque, needed)) for s in (before, after)]
    assert np.any((index[0] >= 1.0) & (index[1] < 1.0))
