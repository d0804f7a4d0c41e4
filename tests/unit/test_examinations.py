"""Read-outs of the examinations on recordings whose scores are known, and the joints they are made on."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled_programs import compiled_programs

from eutonia import parameters
from eutonia.assessment.oscillation import count_swings
from eutonia.assessment.pendulum import PendulumConstants, first_peak, pendulum_score
from eutonia.assessment.split import split
from eutonia.assessment.tardieu import TardieuQuality, catch, passive_range
from eutonia.assessment.threshold import onset_angles, threshold_score
from eutonia.errors import SimulationError
from eutonia.limb.joint import JOINTS, joint, limb_of, limb_with
from eutonia.limb.muscle import all_muscle_groups, muscle_groups
from eutonia.limb.swing import Limb, Motion
from eutonia.simulation.bedside import bedside_constants, stepped_constants
from eutonia.simulation.examine import muscle_state
from eutonia.simulation.maneuver import SPEEDS, PassiveStretch
from eutonia.simulation.pendulum import pendulum
from eutonia.simulation.stretching import stretch_and_hold

TIME = np.arange(0, 10, 0.005)
REST, DAMPING, RATE = 90.0, 0.3, 5.3


def damped(start: float = 0.0) -> Motion:
    """Return a damped cosine about 90 deg: every score of it is arithmetic."""
    fade = np.exp(-DAMPING * TIME)
    swing = fade * np.cos(RATE * TIME)
    speed = fade * (-DAMPING * np.cos(RATE * TIME) - RATE * np.sin(RATE * TIME))
    angle, velocity = np.deg2rad(REST + (start - REST) * swing), np.deg2rad((start - REST) * speed)
    column = [jnp.asarray(x)[:, None] for x in (angle, velocity, 0 * angle, 0 * angle)]
    return Motion(jnp.asarray(TIME), *column)


def test_scores_of_a_damped_cosine() -> None:
    score = pendulum_score(damped(), PendulumConstants.from_records())
    turn = (np.pi - np.arctan2(DAMPING, RATE)) / RATE  # where the speed first falls to zero
    peak = REST - REST * np.exp(-DAMPING * turn) * np.cos(RATE * turn)
    assert float(score.first_swing[0]) == pytest.approx(peak, abs=0.01)
    assert float(score.rest_angle[0]) == pytest.approx(REST, abs=0.1)
    assert float(score.relaxation_index[0]) == pytest.approx(peak / REST, abs=0.002)
    assert float(score.normalised_index[0]) == pytest.approx(peak / REST / 1.6, abs=0.002)
    peaks = turn + 2 * np.pi / RATE * np.arange(8)  # all that are followed by a trough within the recording
    falls = REST * np.exp(-DAMPING * peaks) * (1 + np.exp(-DAMPING * np.pi / RATE))
    assert float(score.oscillations[0]) == np.sum(falls > 3.0) == 8
    assert float(score.peak_velocity_time[0]) == pytest.approx(np.pi / 2 / RATE, abs=0.03)


def test_a_leg_that_never_turns_back_has_its_largest_angle_as_first_swing() -> None:
    angle, speed = (jnp.asarray(x)[:, None] for x in (80 * (1 - np.exp(-TIME)), 80 * np.exp(-TIME)))
    assert float(first_peak(jnp.asarray(TIME), angle, speed)[0]) == pytest.approx(80, abs=0.01)


@pytest.mark.parametrize(("hertz", "size"), [(4.0, 10.0), (6.0, 2.0), (3.0, 40.0)])
def test_swings_are_counted_if_they_are_large_enough(hertz: float, size: float) -> None:
    angle = jnp.asarray(size / 2 * np.sin(2 * np.pi * hertz * TIME))[:, None]
    found = count_swings(jnp.asarray(TIME), angle, 3.0)
    expected = 10 * hertz if size > 3 else 0
    assert float(found.count[0]) == expected
    if expected:
        assert float(found.frequency[0]) == pytest.approx(hertz, rel=0.01)
    else:
        assert np.isnan(float(found.frequency[0]))


def test_noise_is_no_swing_and_a_pause_ends_a_train() -> None:
    noisy = np.random.default_rng(2).uniform(-1.4, 1.4, TIME.size)
    beating = np.where(TIME % 5 < 1.5, 10 * np.sin(2 * np.pi * 4 * TIME), 0.0)
    angle = jnp.asarray(np.stack([noisy, beating + noisy], axis=1))
    all_of_them = count_swings(jnp.asarray(TIME), angle, 3.0)
    train = count_swings(jnp.asarray(TIME), angle, 3.0, 0.5)
    assert np.asarray(all_of_them.count).tolist() == [0, 12]
    assert np.asarray(train.count).tolist() == [0, 6]
    assert float(train.last[1]) == pytest.approx(1.3125, abs=0.03)


def test_a_threshold_is_found_exactly_without_noise_and_with_its_error_with_noise() -> None:
    speed, n = jnp.asarray([25.0, 50, 75, 100, 150, 200, 250, 300]), 4000
    truth, sensitivity = jnp.full(n, 95.0), jnp.full(n, 0.15)
    clean = threshold_score(onset_angles(truth, sensitivity, 0.05, speed, jnp.zeros((8, n))), speed, 130.0)
    assert float(clean.threshold[0]) == pytest.approx(95, abs=1e-9)
    assert float(clean.slope[0]) == pytest.approx(0.10, abs=1e-9)
    assert float(clean.standard_error[0]) == pytest.approx(0, abs=1e-6)
    noise = 4.0 * jnp.asarray(np.random.default_rng(3).normal(size=(8, n)))
    score = threshold_score(onset_angles(truth, sensitivity, 0.05, speed, noise), speed, 130.0)
    off = np.asarray(score.threshold) - 95
    assert abs(off.mean()) < 0.2
    assert off.std() == pytest.approx(np.sqrt(np.mean(np.asarray(score.standard_error) ** 2)), rel=0.05)


def test_a_muscle_that_hardly_answers_has_no_threshold() -> None:
    speed = jnp.asarray([25.0, 50, 75, 100, 150, 200, 250, 300])
    angle = onset_angles(jnp.asarray([160.0]), jnp.asarray([0.1]), 0.05, speed, jnp.zeros((8, 1)))
    found = threshold_score(angle, speed, 130.0)
    assert float(found.answered[0]) == 0
    assert np.isnan(float(found.threshold[0]))


def limbs(name: str, bias: np.ndarray, muscle: int) -> Limb:
    body = bedside_constants()
    lanes = jnp.asarray(bias) * jnp.ones((8, 1))
    state, n = muscle_state(lanes, lanes, jnp.zeros_like(lanes), body), len(bias)
    return limb_of(joint(name), state, muscle, jnp.zeros(n), body.ramp.gain, jnp.full(n, 70.0), 1.7)


def test_the_catch_comes_earlier_the_more_spastic_and_never_without_a_reflex() -> None:
    limb, of = limbs("knee", np.array([-3.0, 0.5, 1.0, 2.0, 3.0]), 0), joint("knee")
    motion = stretch_and_hold(limb, stepped_constants(), (0.0, of.range_rad), np.deg2rad(348.0), 1.5, by_hand=True)
    assert float(jnp.max(motion.velocity)) == pytest.approx(np.deg2rad(348), rel=1e-3)
    met = catch(motion, limb, stepped_constants())
    angles = np.rad2deg(np.asarray(met.angle))
    assert angles[0] == pytest.approx(130)
    assert np.all(np.diff(angles) < 0)
    assert float(met.torque[0]) == 0
    assert np.all(np.diff(np.asarray(met.torque)) > 0)


def test_a_leg_under_other_numbers_compiles_nothing() -> None:
    """A program that holds numbers of records is compiled anew for each override of one: seconds for each test."""

    def tested(stiffness: str, norm: str) -> float:
        with parameters.using({"limb.short_range_stiffness": stiffness, "examination.relaxation_norm": norm}):
            limb, of, c = limbs("knee", np.linspace(-3.0, 3.0, 5), 0), joint("knee"), stepped_constants()
            catch(stretch_and_hold(limb, c, (0.0, of.range_rad), np.deg2rad(348.0), 1.5, by_hand=True), limb, c)
            score = pendulum_score(pendulum(limb, c, 1.0), PendulumConstants.from_records())
            return float(score.normalised_index[0])

    # Both times all constants are made anew: what was kept of them before may come from programs that are forgotten.
    before = tested("44 1/rad", "1.7")
    with compiled_programs() as anew:
        assert tested("45 1/rad", "1.5") != before
    assert not anew


def test_contracture_takes_off_passive_range_and_nothing_else_does() -> None:
    assert float(passive_range(jnp.asarray([0.6]), 0.6)[0]) == 1
    assert float(passive_range(jnp.asarray([0.4]), 0.6)[0]) == pytest.approx(0.8)


def test_the_quality_of_a_reaction_is_ordered() -> None:
    assert [one.value for one in TardieuQuality] == [0, 1, 2, 3, 4]
    assert TardieuQuality.CATCH < TardieuQuality.FATIGABLE_CLONUS


def test_the_split_finds_what_the_model_put_in() -> None:
    """In muscle that is silent while held, the device's arithmetic returns reflex, viscosity and elasticity."""
    limb, of = limbs("wrist", np.array([-1.0, 2.5, 2.9]), 5), joint("wrist")
    path, fast = (of.range_rad / 3, 0.6 * of.range_rad), np.deg2rad(236.0)
    slowly = stretch_and_hold(limb, stepped_constants(), path, np.deg2rad(5.0), 8.0)
    quickly = stretch_and_hold(limb, stepped_constants(), path, fast, 1.2)
    found = split(slowly, quickly, limb, stepped_constants())
    np.testing.assert_allclose(found.viscous, np.asarray(limb.damping) * (fast - np.deg2rad(5.0)), rtol=0.01, atol=1e-4)
    np.testing.assert_allclose(found.neural, found.reflex, rtol=0.02, atol=2e-3)
    assert float(found.reflex[0]) == 0
    assert float(found.reflex[2]) > float(found.reflex[1]) > 0.01
    assert np.all(np.asarray(found.elastic) > 0)


def test_every_joint_has_a_segment() -> None:
    for name in JOINTS:
        one = joint(name)
        assert 0 < one.centre_of_mass < one.gyration < 1
        assert 0 < float(one.inertia(70.0, 1.7)) < 10
    knee = joint("knee")
    # 28 1/s2 at a stature of 1.70 m (living adults, foot included), and gravity and inertia that fit each other.
    assert float(knee.gravity(70.0, 1.7) / knee.inertia(70.0, 1.7)) == pytest.approx(28.4, abs=0.1)
    assert knee.falling_rate(1.7) ** 2 == pytest.approx(28.4, abs=0.1)
    with pytest.raises(SimulationError, match="Nearest: ankle"):
        joint("ankel")


def test_every_muscle_group_has_four_speeds_in_order() -> None:
    every = all_muscle_groups()
    assert every[: len(muscle_groups())] == muscle_groups()
    assert {one.joint for one in every} == set(JOINTS)
    pace = {name: PassiveStretch(name).degrees_per_second(every) for name in SPEEDS}
    assert np.all(pace["V1"] < pace["V2"])
    assert np.all(pace["V2"] <= pace["V3"])


def test_a_limb_takes_its_reflex_in_the_units_of_a_fit() -> None:
    limb = limb_with(
        joint("knee"),
        threshold_deg=jnp.asarray([130.0, 75.0]),
        velocity_sensitivity_s=0.3,
        gain_nm_per_rad=30.0,
        background_nm=2.0,
        depression_per_rad=0.2,
        contracture=jnp.asarray([0.0, 1.0]),
        weight_kg=80.0,
    )
    np.testing.assert_allclose(np.rad2deg(np.asarray(limb.threshold)), [130, 75])
    np.testing.assert_allclose(limb.gain, [30, 30])
    np.testing.assert_allclose(limb.background, [2, 2])
    np.testing.assert_allclose(limb.damping, np.array([0.2, 0.6]) * 80 / 70, rtol=1e-3)
    np.testing.assert_allclose(limb.stiffness, np.array([0.5, 3.5]) * 80 / 70, rtol=1e-3)
    swings = pendulum_score(pendulum(limb, stepped_constants(), 5.0), PendulumConstants.from_records()).first_swing
    assert float(swings[0]) > float(swings[1]) + 20


def test_a_swing_can_be_differentiated() -> None:
    """The slope of the first swing along the threshold is that of two neighbouring legs."""

    def deepest(threshold: jnp.ndarray) -> jnp.ndarray:
        limb = limb_with(
            joint("knee"),
            threshold_deg=threshold,
            velocity_sensitivity_s=0.2,
            gain_nm_per_rad=30.0,
            background_nm=1.2,
            depression_per_rad=0.4,
        )
        return pendulum(limb, stepped_constants(), 1.0).angle[120, 0]

    at, step = jnp.asarray(86.0), 1e-4
    slope = float(jax.grad(deepest)(at))
    neighbours = (float(deepest(at + step)) - float(deepest(at - step))) / (2 * step)
    assert slope == pytest.approx(neighbours, rel=1e-3)
    assert abs(slope) > 1e-4
