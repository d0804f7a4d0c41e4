"""The closed form of a stretch against the equations integrated step by step, and its mean against a dense one."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from eutonia.limb.ramp import MuscleState, RampConstants, reflex_torque, stretch
from eutonia.limb.strength import Strength
from eutonia.simulation.examine import BodyConstants, body_constants, muscle_state

SHARES_OF_RANGE = np.array([0.03, 0.08, 0.15, 0.3, 0.45, 0.6, 0.8, 1.0])
RANGE_RAD = 1.8
DELAY, LAG, RECOVERY = 0.05, 0.03, 8.0
GAIN, GAIN_PER_VELOCITY, REFERENCE, CEILING = 1.7, 0.3, 6.0, 1.4

jit_torque, jit_stretch = jax.jit(reflex_torque), jax.jit(stretch)


def constants() -> RampConstants:
    return RampConstants(
        gain=GAIN,
        gain_per_velocity=GAIN_PER_VELOCITY,
        delay=DELAY,
        activation_time=LAG,
        depression_recovery_time=RECOVERY,
        force_velocity_reference=REFERENCE,
        force_velocity_ceiling=CEILING,
        range_rad=jnp.full((1, 1), RANGE_RAD),
    )


def muscle(threshold: float, sensitivity: float, depression: float) -> MuscleState:
    def one(value: float) -> jax.Array:
        return jnp.full((1, 1), value)

    return MuscleState(one(threshold), one(sensitivity), one(depression), one(0.01), one(0.05), one(0.6))


def torque(times: np.ndarray, speed: float, state: MuscleState) -> np.ndarray:
    return np.asarray(jit_torque(jnp.asarray(times)[None, :], jnp.full((1, 1), speed), state, constants()))[0]


def integrated(times: np.ndarray, speed: float, threshold: float, sensitivity: float, depression: float) -> np.ndarray:
    """Integrate resource and activation of a joint that rests at 0 and moves from time 0; return the reflex torque.

    Nothing is taken from the closed form: excitation is read a delay ago, from the angle and speed of that time.
    """
    velocity_rad = speed * RANGE_RAD

    def excitation(t: float) -> float:
        then = t - DELAY
        return max(0.0, speed * then - threshold + sensitivity * speed) if then >= 0.0 else 0.0

    def slopes(t: float, y: np.ndarray) -> list[float]:
        resource, first, second = y
        e = excitation(t)
        spent = depression * velocity_rad * resource if e > 0.0 else 0.0
        return [(1 - resource) / RECOVERY - spent, (resource * e - first) / LAG, (first - second) / LAG]

    # The right side has a kink where excitation starts: the solver is restarted there, found by bisection alone.
    end = float(times[-1])
    low, high = 0.0, end
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if excitation(middle) > 0 else (middle, high)
    y, second = np.array([1.0, 0.0, 0.0]), np.zeros(len(times))
    for begin, until in ((0.0, low), (high, end)):
        if until - begin < 1e-9:
            continue
        inside = (times >= begin) & (times <= until)
        found = solve_ivp(slopes, (begin, until), y, rtol=1e-10, atol=1e-13, method="DOP853", dense_output=True)
        if inside.any():
            second[inside] = found.sol(times[inside])[2]
        y = found.y[:, -1]
    lengthening = min(1 + velocity_rad / REFERENCE, CEILING)
    return np.tanh(GAIN * (1 + GAIN_PER_VELOCITY * velocity_rad) * second) * lengthening


def agrees(threshold: float, sensitivity: float, depression: float, speed: float) -> None:
    times = SHARES_OF_RANGE / speed
    closed = torque(times, speed, muscle(threshold, sensitivity, depression))
    exact = integrated(times, speed, threshold, sensitivity, depression)
    np.testing.assert_allclose(closed, exact, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("speed", [0.2, 1.0, 2.5], ids="speed {}".format)
@pytest.mark.parametrize("depression", [0.0, 0.2, 0.6, 3.0], ids="depression {}".format)
@pytest.mark.parametrize("threshold", [-0.3, 0.0, 0.1, 0.5, 0.9], ids="threshold {}".format)
def test_torque_is_that_of_the_equations(threshold: float, depression: float, speed: float) -> None:
    agrees(threshold, 0.1, depression, speed)


@settings(deadline=None, max_examples=25)
@given(st.floats(-0.4, 1.2), st.floats(0, 0.5), st.floats(0, 2), st.floats(0.1, 4))
def test_torque_is_that_of_the_equations_everywhere(
    threshold: float, sensitivity: float, depression: float, speed: float
) -> None:
    agrees(threshold, sensitivity, depression, speed)


def test_the_oracle_itself_moves() -> None:
    exact = integrated(SHARES_OF_RANGE, 1.0, 0.5, 0.1, 0.6)
    assert exact[0] == 0.0
    assert exact[-1] > 0.3


@pytest.mark.parametrize("speed", [0.2, 1.0, 2.5])
def test_a_threshold_that_is_never_reached_gives_no_reflex(speed: float) -> None:
    state = muscle(1.6, 0.1, 0.6)
    response = jit_stretch(state, constants(), jnp.full((1, 1), speed))
    assert float(response.mean_reflex[0, 0]) == 0.0
    assert float(response.catch_angle[0, 0]) == 1.0
    assert np.all(torque(SHARES_OF_RANGE / speed, speed, state) == 0.0)
    passive = 0.01 + 0.05 * 0.4**2 / 2
    assert float(response.mean_resistance[0, 0]) == pytest.approx(passive, rel=1e-12)


# Below a threshold of 0 muscle is stiffer than the scale's last grade, and eight nodes see the sudden start less well.
@pytest.mark.parametrize(("threshold", "close"), [(-0.3, 2e-3), (0.2, 5e-5), (0.5, 5e-6), (0.7, 5e-6)])
def test_the_mean_of_a_stretch_is_that_of_the_integrated_torque(threshold: float, close: float) -> None:
    speed, state = 1.0, muscle(threshold, 0.1, 0.4)
    response = jit_stretch(state, constants(), jnp.full((1, 1), speed))
    exact = integrated(np.linspace(0.0, 1.0, 2001), speed, threshold, 0.1, 0.4)
    assert float(response.mean_reflex[0, 0]) == pytest.approx(float(np.trapezoid(exact, dx=1 / 2000)), abs=close)
    assert float(response.catch_angle[0, 0]) == pytest.approx(max(threshold - 0.1, 0.0), abs=1e-12)


@pytest.mark.parametrize(("strongest", "breadth"), [(0.3, 0.83), (0.0, 0.5), (0.5, np.inf)])
def test_the_mean_of_a_stretch_whose_torque_falls_off_is_that_of_the_integrated_torque(
    strongest: float, breadth: float
) -> None:
    """Lever and strength act on reflex and background, not on tissue."""
    speed, state = 1.0, muscle(0.5, 0.1, 0.4)
    given = dataclasses.replace(constants(), strength=Strength(strongest, breadth))
    response = jit_stretch(state, given, jnp.full((1, 1), speed))
    share = np.linspace(0.0, 1.0, 2001)
    falls = np.exp(-(((share - strongest) / breadth) ** 2))
    reflex = falls * integrated(share, speed, 0.5, 0.1, 0.4)
    assert float(response.mean_reflex[0, 0]) == pytest.approx(np.trapezoid(reflex, share), abs=5e-6)
    mean = np.trapezoid(reflex + 0.01 * falls, share) + 0.05 * 0.4**2 / 2
    assert float(response.mean_resistance[0, 0]) == pytest.approx(mean, abs=5e-6)


def dense_mean(state: MuscleState, body: BodyConstants) -> np.ndarray:
    """Mean reflex torque by 400 nodes over the part of the stretch after the delay and before its end."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    ahead = state.velocity_sensitivity * body.speed - state.threshold
    begin = jnp.minimum(body.ramp.delay + jnp.maximum(-ahead, 0.0) / body.speed, 1 / body.speed)
    half = (1 / body.speed - begin) / 2
    parts = [
        w * np.asarray(jit_torque(begin + half * (1 + x), body.speed, state, body.ramp))
        for x, w in zip(nodes, weights, strict=True)
    ]
    return np.sum(parts, axis=0) * np.asarray(half * body.speed)


def test_eight_nodes_are_enough_for_the_mean() -> None:
    """One grade is about a fifth of the ceiling: 3e-5 over the whole scale is 2e-4 grade at most."""
    body = body_constants()
    bias = jnp.linspace(-2.0, 8.0, 101)[None, :] * jnp.ones((len(body.limb_of), 1))
    state = muscle_state(bias, jnp.maximum(bias, 0.0), jnp.zeros_like(bias), body)
    error = np.abs(np.asarray(jit_stretch(state, body.ramp, body.speed).mean_reflex) - dense_mean(state, body))
    on_the_scale = np.asarray(bias[0] <= 4.0)
    assert error[:, on_the_scale].max() < 3e-5
    assert error.max() < 6e-3  # beyond rigid, where no score can change
