"""Laws of a joint that moves: severity shows, oscillation needs delay and gain, energy is never made."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import limb_examples as examples
import numpy as np
import pytest

from eutonia.assessment.clonus import ClonusConstants, ClonusScore, clonus_score
from eutonia.assessment.oscillation import count_swings
from eutonia.assessment.pendulum import PendulumConstants, PendulumScore, pendulum_score
from eutonia.assessment.tardieu import TardieuConstants, quality
from eutonia.limb.joint import joint, limb_of
from eutonia.limb.ramp import MuscleState, reflex_torque
from eutonia.limb.swing import Limb, Motion, at_rest, follow, swing
from eutonia.simulation.bedside import bedside_constants, stepped_constants
from eutonia.simulation.clonus import clonus
from eutonia.simulation.examine import muscle_state
from eutonia.simulation.pendulum import pendulum

ROWS = (*examples.LADDER, examples.DRUGGED)
SEVERE, DRUGGED = 5, 6
# Long enough for the torque of any ladder row to settle; one length for all, so that one program serves.
LEGS = examples.adult_leg(ROWS)


def fallen(limb: Limb = LEGS, *, moved_before: bool = False, **changes: float) -> Motion:
    return pendulum(limb, examples.constants(**changes), moved_before=moved_before)


def scored(motion: Motion) -> PendulumScore:
    return pendulum_score(motion, PendulumConstants.from_records())


def late_swing(motion: Motion) -> np.ndarray:
    """Peak to peak of the last two seconds, deg."""
    return np.rad2deg(np.ptp(np.asarray(motion.angle)[-400:], axis=0))


# --- the severity ladder of the reduced joint model ------------------------------------------------------------------


def test_the_severity_ladder_comes_out() -> None:
    """First swing and relaxation index of the second to fifth row, as two earlier programs found them."""
    score = scored(fallen())
    np.testing.assert_allclose(score.first_swing[1:5], [136, 118, 94, 70], atol=4)
    np.testing.assert_allclose(score.normalised_index[1:5], [1.00, 0.87, 0.71, 0.57], atol=0.03)


def test_severity_shows_in_every_score() -> None:
    score = scored(fallen())
    for values in (score.first_swing, score.normalised_index, score.peak_velocity):
        assert np.all(np.diff(np.asarray(values)[:6]) < 0)
    assert np.all(np.diff(np.asarray(score.oscillations)[:6]) <= 0)
    assert np.all(np.diff(np.asarray(score.peak_velocity_time)[1:6]) <= 0.005)


def test_a_healthy_leg_swings_freely() -> None:
    score = scored(fallen())
    assert 0.95 < float(score.normalised_index[0]) < 1.1
    assert 7 <= float(score.oscillations[0]) <= 11
    assert float(score.rest_angle[0]) == pytest.approx(90, abs=4)


def test_without_force_velocity_and_depression_the_severe_leg_oscillates_by_itself() -> None:
    """At about 2 Hz; a higher threshold with half the background tone stops it and lets the leg fall further."""
    bare = dataclasses.replace(LEGS, depression=0.0 * LEGS.depression)
    motion = fallen(bare, force_velocity_reference=1e9)
    swing = late_swing(motion)
    assert swing[SEVERE] > 5
    late = np.asarray(motion.time) > 5
    beats = count_swings(motion.time[late], jnp.rad2deg(motion.angle)[late], 3.0)
    assert float(beats.frequency[SEVERE]) == pytest.approx(2, abs=0.4)
    assert swing[DRUGGED] < 2
    score = scored(motion)
    assert float(score.first_swing[DRUGGED]) > float(score.first_swing[SEVERE]) + 8
    assert late_swing(fallen())[SEVERE] < 2


def test_a_movement_just_before_release_lets_the_leg_fall_further() -> None:
    still, moved = scored(fallen()), scored(fallen(moved_before=True))
    gain = np.asarray(moved.first_swing - still.first_swing)
    assert gain[0] == 0  # no background tone, nothing to break
    assert np.all(gain[1:] > 0.3)
    assert gain[SEVERE] > gain[1]


# --- energy ----------------------------------------------------------------------------------------------------------


def test_a_limb_without_tone_never_gains_energy() -> None:
    draws = np.random.default_rng(5)
    changes = {
        "damping": draws.uniform(0.02, 0.8, 7),
        "stiffness": draws.uniform(0.0, 4.0, 7),
        "rest_angle": np.deg2rad(draws.uniform(40, 100, 7)),
        "inertia": draws.uniform(0.2, 0.8, 7),
    }
    passive = {"gain": 0.0 * LEGS.gain, "background": 0.0 * LEGS.background}
    limb = dataclasses.replace(LEGS, **passive, **{name: jnp.asarray(value) for name, value in changes.items()})
    motion = fallen(limb)
    q, v = np.asarray(motion.angle), np.asarray(motion.velocity)
    one = {field.name: np.asarray(getattr(limb, field.name)) for field in dataclasses.fields(limb)}
    stops = np.exp(one["stop_rate"] * (q - one["high"])) + np.exp(one["stop_rate"] * (one["low"] - q))
    stored = (
        one["stiffness"] * np.maximum(q - one["rest_angle"], 0) ** 2 / 2 + one["stop_torque"] / one["stop_rate"] * stops
    )
    energy = one["inertia"] * v**2 / 2 - one["gravity"] * np.sin(q) + stored
    assert np.diff(energy, axis=0).max() < 1e-5  # of 12 J: the accuracy of a step
    assert np.all(energy[0] - energy[-1] > 1)


# --- clonus ----------------------------------------------------------------------------------------------------------

BIAS = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0])


def ankle(bias: np.ndarray, gain: float = 1.0) -> Limb:
    body = bedside_constants()
    lanes = jnp.asarray(bias) * jnp.ones((8, 1))
    state, n = muscle_state(lanes, lanes, jnp.zeros_like(lanes), body), len(bias)
    return limb_of(joint("ankle"), state, 2, jnp.zeros(n), gain * body.ramp.gain, jnp.full(n, 70.0), 1.7)


def pressed(gain: float = 1.0, delay: float = 0.05) -> ClonusScore:
    motion = clonus(ankle(BIAS, gain), ankle(0 * BIAS), dataclasses.replace(stepped_constants(), delay=delay))
    return clonus_score(motion, ClonusConstants.from_records())


def test_clonus_comes_with_severity_at_three_to_seven_hertz() -> None:
    score = pressed()
    beats = np.asarray(score.beats)
    assert beats[0] <= 1
    # A few beats that die out may be one more or less; from where velocity sensitivity rises, beats do too.
    assert np.all(np.diff(beats) >= -1)
    assert np.all(np.diff(beats[3:]) > 0)
    assert bool(score.sustained[-1])
    assert not bool(score.sustained[:4].any())
    several = beats > 2
    assert np.all((np.asarray(score.frequency)[several] > 3) & (np.asarray(score.frequency)[several] < 7))


@pytest.mark.parametrize(("gain", "delay"), [(1.0, 0.03), (0.25, 0.05)], ids=["short delay", "low gain"])
def test_clonus_needs_delay_and_gain(gain: float, delay: float) -> None:
    """A loop of the ankle takes 45 to 50 ms; at 30 ms, or with a quarter of the gain, nobody is in clonus."""
    assert not np.asarray(pressed(gain, delay).sustained).any()


def test_clonus_slows_with_delay() -> None:
    assert float(pressed(delay=0.06).frequency[-1]) < float(pressed(delay=0.045).frequency[-1])


# --- grades and velocity dependence ----------------------------------------------------------------------------------


def test_the_quality_of_a_reaction_never_falls_when_resistance_rises() -> None:
    torque = jnp.linspace(0.0, 1.4, 200)
    constants = TardieuConstants.from_records()
    for beats, lasted in ((0.0, 0.0), (6.0, 2.0), (40.0, 10.5)):
        found = np.asarray(quality(torque, beats, lasted, 5.0, constants))
        assert np.all(np.diff(found) >= 0)
    more = [float(quality(torque[-1], beats, lasted, 5.0, constants)) for beats, lasted in ((0, 0), (6, 2), (40, 10.5))]
    assert more == [2.0, 3.0, 4.0]


def velocity_shares(sensitivity: float, gain_per_velocity: float, threshold: float) -> tuple[float, float]:
    """Return what slope and threshold of torque against angle add to the rise of resistance from 15 to 150 deg/s, one
    elbow; what is left to 1 is the product of both.
    """
    body = bedside_constants()
    ramp = dataclasses.replace(body.ramp, gain_per_velocity=jnp.asarray(gain_per_velocity))
    elbow, full = joint("elbow").range_rad, jnp.ones((8, 1))
    state = MuscleState(threshold * full, sensitivity * full, 0.4 * full, 0 * full, 0 * full, full)
    share = np.linspace(0.0, 1.0, 1001)
    lines = []
    for speed in np.deg2rad([15.0, 150.0]) / elbow:
        time = jnp.asarray(share / speed)[:, None, None]
        one = np.asarray(jax.jit(reflex_torque)(time, speed * full, state, ramp))[:, 3, 0]
        begins = share[np.argmax(one > 0.05 * one[-1])]
        lines.append((one[-1] / (1 - begins), begins))
    (slow, begins), (fast, sooner) = lines
    rise = fast * (1 - sooner) - slow * (1 - begins)
    return (fast - slow) * (1 - begins) / rise, slow * (begins - sooner) / rise


@pytest.mark.parametrize("threshold", [0.55, 0.65, 0.72])
def test_speed_acts_through_slope_and_threshold(threshold: float) -> None:
    """In moderate spasticity both add to resistance, the slope more; each answers to its own number."""
    slope, begin = velocity_shares(0.15, 0.3, threshold)
    assert slope > begin > 0
    assert slope + begin < 1
    assert velocity_shares(0.15, 0.1, threshold)[0] < slope
    assert velocity_shares(0.25, 0.3, threshold)[1] > begin


def test_a_movement_taken_up_half_way_goes_on_as_before() -> None:
    """Followed along its own path and then let go, a limb swings as if never touched."""
    limb, c = LEGS, examples.constants(short_range_stiffness=0.0)
    whole = jax.jit(lambda: swing(limb, at_rest(jnp.zeros(7), limb, steps=200), c, 12, steps=200, kept=1))()
    cut = 7 * 200 + 1
    _, end = follow(limb, whole.angle[:cut], whole.velocity[:cut], c, steps=200)
    rest = jax.jit(lambda: swing(limb, end, c, 4, steps=200, kept=1))()
    np.testing.assert_allclose(rest.angle, whole.angle[cut - 1 : cut - 1 + 800], atol=2e-5)
