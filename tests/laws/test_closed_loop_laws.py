"""The spiking segment that moves its own ankle: clonus with delay and gain, none without, and the loop is its parts."""

from __future__ import annotations

import dataclasses
import functools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from eutonia import parameters
from eutonia.assessment.clonus import ClonusConstants, ClonusScore, clonus_score
from eutonia.errors import SimulationError
from eutonia.limb.joint import joint, limb_of
from eutonia.limb.swing import Limb
from eutonia.simulation.bedside import bedside_constants, stepped_constants
from eutonia.simulation.clonus import clonus, in_hand
from eutonia.simulation.examine import muscle_state
from eutonia.simulation.segment_ankle import Pressed, foot, pressed
from eutonia.tone.segment.cells import Sizes
from eutonia.tone.segment.condition import Condition
from eutonia.tone.segment.network import Segment
from eutonia.tone.segment.spindle import power_law

pytestmark = [pytest.mark.laws, pytest.mark.xdist_group("segment")]

SEVERE = parameters.load("tone").value("severe_bias", "mV")
BOLUS = parameters.load("segment").value("bolus_effect", "1")
#: One patient each: three of severe bias, three longer loops, two shorter; then what should not be in clonus.
SPASTIC, LONGER, SHORTER = slice(0, 3), [0, 3, 4], [5, 6]
HEALTHY, LOW_GAIN, MODERATE, DRUGGED, LITTLE_RELEASE = range(7, 12)
DELAY = np.array([0.05, 0.05, 0.05, 0.06, 0.07, 0.03, 0.035, *[0.05] * 5])
SECONDS = 2.2
N = len(DELAY)


@functools.cache
def segment() -> Segment:
    """Cords with weak presynaptic inhibition, each with what its lane is named after."""
    bias = np.full(N, SEVERE)
    bias[[HEALTHY, MODERATE]] = 0.0, 2.0
    effect = np.zeros(N)
    effect[DRUGGED] = BOLUS
    condition = Condition.of_bias(jnp.asarray(bias)).with_gaba_b(jnp.asarray(effect)).with_fusimotor_drive()
    condition = condition.with_presynaptic_inhibition(0.0)
    condition = eqx.tree_at(
        lambda c: (c.fusimotor, c.release),
        condition,
        (condition.fusimotor.at[LOW_GAIN].set(1.0), condition.release.at[LITTLE_RELEASE].set(0.5)),
    )
    return Segment.of(condition, Sizes(), person=[0, 1, 2, *[0] * (N - 3)])


@functools.cache
def beating() -> Pressed:
    return pressed(segment(), SECONDS, delay_s=DELAY)


def scored(found: Pressed) -> ClonusScore:
    return clonus_score(found.motion, ClonusConstants.from_records())


def test_a_severe_segment_beats_at_three_to_seven_hertz() -> None:
    score = scored(beating())
    assert np.asarray(score.sustained[SPASTIC]).all()
    frequency = np.asarray(score.frequency[SPASTIC])
    assert np.all((frequency > 3.0) & (frequency < 7.0))


def test_clonus_needs_delay() -> None:
    """A loop of the ankle takes 45 to 50 ms; at 35 ms and less the same cords are not in clonus."""
    score = scored(beating())
    assert np.all(np.asarray(score.beats)[SHORTER] <= 2)
    swing = np.ptp(beating().loop.angle[-5_000:], axis=0)
    assert np.all(np.diff(swing[[5, 6, 0, 3, 4]]) > 0.0)


@pytest.mark.parametrize("lane", [HEALTHY, LOW_GAIN, MODERATE, LITTLE_RELEASE])
def test_clonus_needs_gain(lane: int) -> None:
    """Without bias, or fusimotor drive, or with little bias, or half the release: the foot comes to rest."""
    assert float(scored(beating()).beats[lane]) <= 1
    assert np.rad2deg(np.ptp(beating().loop.angle[-5_000:, lane])) < 1.0


def test_fifty_micrograms_stop_clonus() -> None:
    assert float(scored(beating()).beats[DRUGGED]) <= 1
    assert np.rad2deg(np.ptp(beating().loop.angle[-5_000:, DRUGGED])) < 0.5


def test_clonus_slows_with_delay() -> None:
    frequency = np.asarray(scored(beating()).frequency)[LONGER]
    assert np.all(np.diff(frequency) < -0.1)


def test_the_cord_in_the_loop_is_the_cord_in_the_open() -> None:
    """Given the signals that reached it in the loop, the open segment fires the same impulses, bit for bit."""
    loop = beating().loop
    again = segment().run(loop.activity.plan)
    assert len(again.motor) > 10_000
    assert np.array_equal(again.motor, loop.activity.motor)


def test_torque_in_the_loop_is_the_sum_of_twitches() -> None:
    loop = beating().loop
    for muscle in (0, 1):
        np.testing.assert_allclose(loop.torque[:, muscle], loop.activity.torque(muscle), atol=1e-9)


def test_the_cord_feels_the_ankle_one_delay_later() -> None:
    loop, s = beating().loop, parameters.load("segment")
    arm = 1000.0 * s.value("moment_arm", "m") * s.value("fascicle_share", "1")
    neutral = np.deg2rad(parameters.load("limb_ankle").value("neutral", "deg"))
    out = (800.0 / segment().cells.units.velocity).mean() + s.value("synaptic_delay", "ms")
    for lane in (0, 4, 5):
        late = round((1000.0 * DELAY[lane] - out) / 0.1)
        signal = power_law(
            arm * (loop.angle[:, lane] - neutral),
            arm * loop.velocity[:, lane],
            float(segment().condition.fusimotor[lane]),
        )
        np.testing.assert_allclose(loop.activity.plan.ia[late:, 0, lane], signal[:-late], atol=1e-9)


def test_the_foot_follows_its_equation() -> None:
    """An independent solver under the same torques of both muscles, for a beat and a half after the push."""
    found, lane = beating(), 0
    limb, c = in_hand(foot(1), foot(1)), stepped_constants()
    values = {f.name: getattr(limb, f.name) for f in dataclasses.fields(limb)}
    one = {name: float(np.ravel(value)[0]) for name, value in values.items() if value is not None}
    begin, many = found.released, 4_500
    time = 1e-4 * np.arange(many)
    pulls = found.loop.torque[begin : begin + many, :, lane].T

    def rate(t: float, y: np.ndarray) -> list[float]:
        q, v = y
        soleus, tibialis = (np.interp(t, time, pull) for pull in pulls)
        factors = [
            np.clip(1.0 + sign * v / c.force_velocity_reference, 0.0, c.force_velocity_ceiling) for sign in (1, -1)
        ]
        held = soleus * factors[0] - tibialis * factors[1] + one["damping"] * v
        held += one["stiffness"] * max(q - one["rest_angle"], 0.0)
        held += one["stop_torque"] * (
            np.exp(one["stop_rate"] * (q - one["high"])) - np.exp(one["stop_rate"] * (one["low"] - q))
        )
        return [v, (one["load"] - held) / one["inertia"]]

    began = [found.loop.angle[begin, lane], 0.0]
    solved = solve_ivp(rate, (0.0, time[-1]), began, t_eval=time, rtol=1e-8, atol=1e-10, max_step=1e-3)
    seen = found.loop.angle[begin : begin + many, lane]
    assert np.ptp(np.rad2deg(seen)) > 3.0
    np.testing.assert_allclose(np.rad2deg(seen), np.rad2deg(solved.y[0]), atol=0.01)


def test_half_the_step_moves_the_foot_alike() -> None:
    """The first swings after the push; later ones hang on when single cells fire."""
    fine = pressed(segment(), 0.4, delay_s=DELAY, dt_ms=0.05)
    begin, seen = beating().released, fine.loop.angle[fine.released :: 2]
    gap = np.rad2deg(np.abs(seen - beating().loop.angle[begin : begin + len(seen)]))
    assert gap.max() < 0.6
    assert gap.mean() < 0.1


def reduced() -> np.ndarray:
    """Return the frequency of clonus of the reduced model at severe bias, for the first and the last of `LONGER`."""
    body = bedside_constants()
    lanes = jnp.full((8, 1), SEVERE)
    feet: list[Limb] = []
    for bias in (lanes, 0.0 * lanes):
        state = muscle_state(bias, bias, 0.0 * bias, body)
        feet.append(limb_of(joint("ankle"), state, 2, jnp.zeros(1), body.ramp.gain, jnp.full(1, 70.0), 1.7))
    found = []
    for delay in DELAY[LONGER[::2]]:
        motion = clonus(*feet, dataclasses.replace(stepped_constants(), delay=float(delay)))
        found.append(float(clonus_score(motion, ClonusConstants.from_records()).frequency[0]))
    return np.array(found)


def quick_twitches() -> Segment:
    """The same cords with the reduced model's two lags as twitches, of the same area."""
    lag_ms = 1000.0 * stepped_constants().activation_time
    units = segment().cells.units
    # Two equal lags are a twitch; a hair of spread keeps its classes apart.
    time = lag_ms * np.linspace(1.001, 0.999, units.n_units)
    force = units.twitch_force * units.twitch_time / lag_ms
    return eqx.tree_at(lambda s: (s.cells.units.twitch_time, s.cells.units.twitch_force), segment(), (time, force))


def test_both_fidelities_beat_alike_when_the_muscle_is_the_same() -> None:
    """With equal lags of the muscle, frequencies agree within 30 %; the twitches of the soleus, three to five times as
    slow, take the segment to two thirds of the reduced model's.
    """
    expected = reduced()
    alike = np.asarray(scored(pressed(quick_twitches(), SECONDS, delay_s=DELAY)).frequency)[LONGER[::2]]
    assert np.all(np.abs(alike / expected - 1.0) < 0.3)
    slow = np.asarray(scored(beating()).frequency)[LONGER[::2]]
    assert np.all((slow / expected > 0.55) & (slow / expected < 0.85))


def test_a_loop_shorter_than_its_axons_is_refused() -> None:
    with pytest.raises(SimulationError, match=r"23 ms or more"):
        pressed(segment(), 0.1, delay_s=0.02)
