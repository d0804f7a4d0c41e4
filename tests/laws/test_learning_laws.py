"""Laws of learning to lower one's own signal: off it is nothing, and on it is slow, bounded and fading."""

from __future__ import annotations

from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from arm_examples import some_people
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia import parameters
from eutonia.assessment.scoring import chart_constants, latent_grades
from eutonia.simulation.course import Snapshot
from eutonia.simulation.examine import body_constants, examine
from eutonia.simulation.practice import Practice
from eutonia.simulation.treated import changed, under
from eutonia.study.design import TrialStudy, parse_study
from eutonia.tone.learning import METHODS, LearningConstants, learned_share, learners
from eutonia.treatment import Effects
from eutonia.trial.analysis import Outcome
from eutonia.trial.recruitment import draw_pool
from eutonia.trial.run import RunOptions, simulate

MANY = settings(deadline=None, max_examples=60)
WEEK, YEAR, N = 168.0, 8766.0, 64

methods = st.sampled_from(METHODS)
sessions = st.floats(0, 21)
spans = st.floats(0, 10 * YEAR)
parts = st.floats(0, 1)


def after(method: str, share: float, per_week: float, span_h: float) -> float:
    return float(learned_share(jnp.full(1, share), per_week, span_h, LearningConstants.of(method))[0])


@MANY
@given(methods, spans)
def test_without_practice_nothing_is_learned(method: str, span_h: float) -> None:
    assert after(method, 0.0, 0.0, span_h) == 0.0


@MANY
@given(methods, sessions, sessions, spans, parts)
def test_more_sessions_never_teach_less(method: str, one: float, other: float, span_h: float, part: float) -> None:
    start = part * LearningConstants.of(method).ceiling
    less, more = sorted((one, other))
    assert after(method, start, more, span_h) >= after(method, start, less, span_h) - 1e-12


@MANY
@given(methods, sessions, spans, spans)
def test_practice_teaches_up_to_its_ceiling_and_fades_when_it_stops(
    method: str, per_week: float, one: float, other: float
) -> None:
    short, long = sorted((one, other))
    ceiling = LearningConstants.of(method).ceiling
    early, late = (after(method, 0.0, per_week, span_h) for span_h in (short, long))
    assert 0.0 <= early <= late + 1e-12 <= ceiling + 2e-12 < 1.0
    assert 0.0 <= after(method, late, 0.0, long) <= after(method, late, 0.0, short) <= late
    assert after(method, late, 0.0, 100 * YEAR) < 1e-9


@MANY
@given(methods, sessions, st.floats(0, YEAR), st.floats(0, YEAR))
def test_a_span_in_two_parts_is_one_span(method: str, per_week: float, one: float, other: float) -> None:
    whole = after(method, 0.0, per_week, one + other)
    assert after(method, after(method, 0.0, per_week, one), per_week, other) == pytest.approx(whole, abs=1e-12)


def test_a_course_of_conditioning_lowers_the_signal_as_published() -> None:
    """Thirty sessions in twelve weeks: of the fall of 30 % half goes with the task, and the rest is in the H/M."""
    published, with_task = parameters.load("learning").values(conditioning_reduction="1", conditioning_task_share="1")
    learned = after("H-reflex conditioning", 0.0, 2.5, 12 * WEEK)
    assert learned == pytest.approx((1.0 - with_task) * published, rel=0.01)
    who, before, practice = some_people(), Snapshot.untreated(8), Practice(1, jnp.arange(8))
    practice.begin("H-reflex conditioning", "leg", jnp.full(8, 2.5), 0.0)
    able = np.asarray(learners(1, jnp.arange(8), LearningConstants.of("H-reflex conditioning")))
    effects = practice.effects(12 * WEEK)
    each = (Effects.none(8), effects)
    then, now = (examine(changed(who, done), under(before, done), body_constants()) for done in each)
    left = np.asarray(now.h_over_m / then.h_over_m)
    np.testing.assert_allclose(left[0, able].mean(), 1 - learned, atol=0.015)
    np.testing.assert_allclose(left[0, able], 1 - learned, atol=0.04)
    np.testing.assert_array_equal(left[0, ~able], 1.0)
    np.testing.assert_array_equal(left[1], 1.0)
    # Half of it reaches the bias behind tone: a twelfth, which is about a quarter of a grade where tone is strong.
    np.testing.assert_allclose(np.asarray(effects.bias_kept)[0, able], 1.0 - learned / 2.0, atol=0.005)
    strong = [np.asarray(latent_grades(exam, chart_constants()))[0] for exam in (then, now)]
    fell = (strong[0] - strong[1])[able & (np.asarray(who.bias[0]) > 2.5)]
    assert np.all((fell > 0.15) & (fell < 0.4))


def test_who_learns_is_the_persons_own_luck() -> None:
    constants = LearningConstants.of(METHODS[0])
    person = jnp.arange(4096)
    able = np.asarray(learners(3, person, constants))
    assert able.mean() == pytest.approx(constants.success, abs=0.03)
    assert np.array_equal(able[::-1], np.asarray(learners(3, person[::-1], constants)))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.tuples(methods, st.sampled_from(["leg", "arm"]), sessions), max_size=4), st.floats(0, 5))
def test_practice_never_leads_below_the_healthy_level_and_does_nothing_to_health(
    begun: list[tuple[str, str, float]], bias_mv: float
) -> None:
    practice = Practice(1, jnp.arange(N))
    bias, healthy = jnp.full((2, N), bias_mv), jnp.zeros((2, N))
    assert practice.is_idle

    def lower(bias: np.ndarray, time_h: float) -> np.ndarray:
        return np.asarray(bias) * np.asarray(practice.effects(time_h).bias_kept)

    for week, (method, limb, per_week) in enumerate(begun):
        practice.begin(method, limb, jnp.full(N, per_week), week * WEEK)
    lowered = lower(bias, YEAR)
    assert np.all((lowered >= 0.0) & (lowered <= bias_mv))
    assert np.all(lower(healthy, YEAR) == 0.0)
    untouched = [i for i, limb in enumerate(("leg", "arm")) if limb not in {one[1] for one in begun}]
    assert np.all(lowered[untouched] == bias_mv)
    practice.stop(YEAR)
    assert np.all(lower(bias, 3 * YEAR) >= lowered - 1e-12)


HEAD = """
[study]
name = "learning"
title = "Practice, for tests"
kind = "trial"
seed = 7
[population]
n = 128
pool = 1024
origin = "spinal cord injury"
lesions = "cord injuries"
women = 0.2
age = { mean = "45 year", sd = "12 year", min = "18 year", max = "75 year" }
weight = { mean = "76 kg", sd = "15 kg", min = "40 kg", max = "140 kg" }
creatinine_clearance = { mean = "100 mL/min", sd = "20 mL/min", min = "40 mL/min", max = "160 mL/min" }
time_since_onset = { mean = "6 year", sd = "5 year", min = "1 year", max = "30 year" }
[assessment]
side = "affected"
limbs = ["leg", "arm"]
scales = ["ashworth", "h_reflex"]
rater = "noiseless"
[[phase]]
name = "practice"
design = "parallel"
masking = "open"
visits = ["0 week", "10 week", "22 week"]
nonspecific = false
dropout = false
"""
IDLE = '[[phase.arm]]\nname = "{0}"\nplacebo = true\n'
PRACTISED = """
[phase.arm.practice]
method = "H-reflex conditioning"
limb = "leg"
sessions_per_week = {0}
stop = "10 week"
"""
ARMS = (IDLE.format("idle"), IDLE.format("some") + PRACTISED.format(1.5), IDLE.format("more") + PRACTISED.format(3.0))


@cache
def outcome() -> Outcome:
    study = parse_study(HEAD + "".join(ARMS))
    assert isinstance(study, TrialStudy)
    return simulate(study, draw_pool(study.population, study.seed, 512), RunOptions(replicates=1, block=64), 64)


def scores(arm: str, visit: int, scale: str) -> np.ndarray:
    return np.asarray(outcome().visits["practice", arm, visit].scores[scale])


@pytest.mark.xdist_group("slow clock")
def test_an_arm_that_practises_sinks_slowly_and_rises_when_it_stops() -> None:
    for scale in ("ashworth", "h_reflex"):
        idle, some, more = (scores(arm, 1, scale) for arm in ("idle", "some", "more"))
        # Without practice only the course of the lesion goes on, which is nearly over.
        assert np.abs(idle - scores("idle", 0, scale)).max() < 2e-5
        assert np.array_equal(more[1], idle[1])
        assert np.all((more <= some + 1e-12) & (some <= idle + 1e-12))
        assert more[0].mean() < some[0].mean() < idle[0].mean()
        assert more[0].mean() < scores("more", 2, scale)[0].mean() < idle[0].mean()
