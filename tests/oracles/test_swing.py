"""The stepped joint against other programs: the closed form of a ramp, SciPy with a delay, and MuJoCo."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import mujoco
import numpy as np
import pytest
from limb_examples import LADDER, adult_leg, constants
from scipy.integrate import solve_ivp

from eutonia.assessment.pendulum import PendulumConstants, PendulumScore, pendulum_score
from eutonia.limb.joint import joint, limb_of
from eutonia.limb.ramp import reflex_torque as closed_torque
from eutonia.limb.swing import Limb, Motion, ReflexConstants, torques
from eutonia.simulation.bedside import bedside_constants, stepped_constants
from eutonia.simulation.examine import muscle_state
from eutonia.simulation.pendulum import pendulum
from eutonia.simulation.stretching import stretch_and_hold

SECONDS = 2.0
ROWS = (1, 3, 4, 5)


def one(limb: Limb, row: int) -> dict[str, float]:
    values = {field.name: getattr(limb, field.name) for field in dataclasses.fields(limb)}
    return {name: float(value[row]) for name, value in values.items() if value is not None}


def reflex(limb: dict[str, float], c: ReflexConstants, activation: float, speed: float) -> float:
    drive = limb["gain"] * (1 + c.gain_per_velocity * max(speed, 0.0)) * activation
    lengthening = min(max(1 + speed / c.force_velocity_reference, 0.0), c.force_velocity_ceiling)
    return limb["ceiling"] * math.tanh(drive / limb["ceiling"]) * lengthening


def tissue(limb: dict[str, float], angle: float) -> float:
    stops = math.exp(limb["stop_rate"] * (angle - limb["high"])) - math.exp(limb["stop_rate"] * (limb["low"] - angle))
    return limb["stiffness"] * max(angle - limb["rest_angle"], 0.0) + limb["stop_torque"] * stops


# --- the closed form of a stretch at constant speed ------------------------------------------------------------------


@pytest.mark.parametrize("muscle", [0, 2])
def test_a_stepped_ramp_is_the_closed_form(muscle: int) -> None:
    """Every grade at once: lanes are bias from none to rigid."""
    body, of = bedside_constants(), joint(("knee", "", "ankle")[muscle])
    bias = jnp.linspace(-1.0, 5.0, 16) * jnp.ones((8, 1))
    state = muscle_state(bias, jnp.maximum(bias, 0.0), jnp.zeros_like(bias), body)
    limb = limb_of(of, state, muscle, jnp.zeros(16), body.ramp.gain, jnp.full(16, 70.0), 1.7)
    motion = stretch_and_hold(limb, stepped_constants(), (0.0, of.range_rad), of.range_rad, 0.999, steps=100)
    stepped = np.asarray(torques(motion, limb, stepped_constants()).reflex) / of.ceiling
    pace = jnp.ones((8, 1))
    closed = jax.jit(closed_torque)(jnp.asarray(motion.time)[:, None, None], pace, state, body.ramp)[:, muscle]
    assert stepped.max() > 0.5
    # Where a reflex starts within a step, the step sees it a part of a step early or late.
    np.testing.assert_allclose(stepped, np.asarray(closed), atol=2e-5)


# --- the delay equation, by SciPy ------------------------------------------------------------------------------------


class Delayed:
    """One leg by SciPy: each delay is an initial value problem whose excitation is read off the solution before it."""

    def __init__(self, limb: dict[str, float], c: ReflexConstants) -> None:
        self.limb, self.c = limb, c
        self.at_turn = (math.inf, 0.0)
        self.pieces: list[tuple[float, float, Callable[[float], np.ndarray]]] = []

    def short_range(self, t: float, angle: float) -> float:
        c, limb = self.c, self.limb
        if t <= self.at_turn[0]:
            return c.short_range_stiffness * limb["background"] * min(angle, c.short_range_stretch)
        began, torque = self.at_turn
        return torque * math.exp(-(t - began) / c.short_range_time)

    def acceleration(self, t: float, y: np.ndarray) -> float:
        limb, c = self.limb, self.c
        held = limb["background"] + self.short_range(t, y[0]) + reflex(limb, c, y[4], y[1])
        held += tissue(limb, y[0]) + limb["damping"] * y[1]
        return (limb["gravity"] * math.cos(y[0]) - held) / limb["inertia"]

    def before(self, t: float) -> np.ndarray:
        """State at an earlier time; the leg lay level and still before 0."""
        for begin, end, solution in reversed(self.pieces):
            if begin <= t <= end:
                return solution(t)
        return np.array([0.0, 0.0, 1.0, 0.0, 0.0])

    def slopes(self, t: float, y: np.ndarray) -> list[float]:
        limb, c, then = self.limb, self.c, t - self.c.delay
        past = self.before(then)
        e, rise = past[0] - limb["threshold"] + limb["velocity_sensitivity"] * past[1], 0.0
        if e > 0.0 and then > 0.0:
            rise = past[1] + limb["velocity_sensitivity"] * self.acceleration(then, past)
        e = max(e, 0.0)
        spent = limb["depression"] * y[2] * max(rise, 0.0)
        lag = c.activation_time
        return [
            y[1],
            self.acceleration(t, y),
            (1 - y[2]) / c.depression_recovery_time - spent,
            (y[2] * e - y[3]) / lag,
            (y[3] - y[4]) / lag,
        ]

    def run(self, seconds: float) -> None:
        def turns(t: float, y: np.ndarray) -> float:
            return float(y[1]) + (0.0 if t > 0.0 else 1.0)

        turns.terminal, turns.direction = True, -1  # type: ignore[attr-defined]
        t, y = 0.0, np.array([0.0, 0.0, 1.0, 0.0, 0.0])
        while t < seconds - 1e-12:
            end = min((math.floor(t / self.c.delay + 1e-9) + 1) * self.c.delay, seconds)
            events = [turns] if t < self.at_turn[0] else []
            found = solve_ivp(
                self.slopes,
                (t, end),
                y,
                "DOP853",
                dense_output=True,
                events=events or None,
                rtol=1e-9,
                atol=1e-11,
                max_step=5e-3,
            )
            self.pieces.append((t, float(found.t[-1]), found.sol))
            t, y = float(found.t[-1]), found.y[:, -1]
            if found.status == 1:
                self.at_turn = (t, self.short_range(t, float(y[0])))

    def angle(self, times: np.ndarray) -> np.ndarray:
        return np.array([self.before(float(t))[0] for t in times])


def swung(steps: int) -> Motion:
    return pendulum(adult_leg(LADDER), constants(gain_per_velocity=0.1), SECONDS, steps=steps)


@pytest.fixture(scope="module")
def exact() -> dict[int, Delayed]:
    limb, c = adult_leg(LADDER), constants(gain_per_velocity=0.1)
    legs = {row: Delayed(one(limb, row), c) for row in (2, 4)}
    for leg in legs.values():
        leg.run(SECONDS)
    return legs


@pytest.mark.parametrize(("steps", "close"), [(20, 0.1), (200, 0.01)])
def test_the_pendulum_is_that_of_the_delay_equation(exact: dict[int, Delayed], steps: int, close: float) -> None:
    motion = swung(steps)
    times = np.asarray(motion.time)
    for row, leg in exact.items():
        off = np.rad2deg(np.abs(np.asarray(motion.angle)[:, row] - leg.angle(times)))
        assert off.max() < close, f"row {row}: {off.max():.4f} deg"


# --- step halving ----------------------------------------------------------------------------------------------------


def test_halving_the_step_changes_nothing_that_is_reported() -> None:
    """The finest digit of any report is 0.01 in an index and 0.1 deg in an angle."""

    def score(steps: int) -> PendulumScore:
        limb = adult_leg(LADDER)
        return pendulum_score(pendulum(limb, constants(), steps=steps), PendulumConstants.from_records())

    coarse, fine = score(20), score(40)
    np.testing.assert_allclose(coarse.first_swing, fine.first_swing, atol=0.01)
    np.testing.assert_allclose(coarse.rest_angle, fine.rest_angle, atol=0.01)
    np.testing.assert_allclose(coarse.normalised_index, fine.normalised_index, atol=1e-4)
    np.testing.assert_allclose(coarse.peak_velocity, fine.peak_velocity, atol=0.1)
    np.testing.assert_array_equal(coarse.oscillations, fine.oscillations)


# --- a physics engine ------------------------------------------------------------------------------------------------


def in_mujoco(limb: dict[str, float], c: ReflexConstants, seconds: float, step: float) -> np.ndarray:
    """Let MuJoCo move the leg; each step it is given the torque of tissue and reflex, from the angles that it found."""
    arm, mass = 0.25, limb["gravity"] / 9.81 / 0.25
    own = limb["inertia"] - mass * arm**2
    model = mujoco.MjModel.from_xml_string(f"""
        <mujoco><option timestep="{step}" gravity="0 0 -9.81" integrator="implicitfast"/>
        <worldbody><body><joint name="knee" type="hinge" axis="0 1 0" damping="{limb["damping"]}"/>
        <inertial pos="{arm} 0 0" mass="{mass}" diaginertia="{own} {own} {own}"/></body></worldbody></mujoco>""")
    data = mujoco.MjData(model)
    late, n = round(c.delay / step), round(seconds / step)
    felt, angles = [0.0] * (late + 1), np.zeros(n)
    resource, first, second, torque, fresh = 1.0, 0.0, 0.0, 0.0, True
    for k in range(n):
        angle, speed = float(data.qpos[0]), float(data.qvel[0])
        angles[k] = angle
        felt.append(max(0.0, angle - limb["threshold"] + limb["velocity_sensitivity"] * speed))
        before, now = felt[k], felt[k + 1]
        resource += step * (1 - resource) / c.depression_recovery_time
        resource *= math.exp(-limb["depression"] * max(now - before, 0.0))
        first += step * (resource * now - first) / c.activation_time
        second += step * (first - second) / c.activation_time
        fresh = fresh and speed >= 0.0
        stretched = c.short_range_stiffness * limb["background"] * min(angle, c.short_range_stretch)
        torque = stretched if fresh else torque * math.exp(-step / c.short_range_time)
        held = limb["background"] + torque + reflex(limb, c, second, speed) + tissue(limb, angle)
        data.qfrc_applied[0] = -held
        mujoco.mj_step(model, data)
    return angles


def test_a_physics_engine_moves_the_leg_alike() -> None:
    limb, c, step = adult_leg(LADDER), constants(), 2.5e-4
    motion = pendulum(limb, c, SECONDS)
    times = np.asarray(motion.time)
    for row in ROWS:
        engine = in_mujoco(one(limb, row), c, SECONDS, step)
        theirs = np.interp(times, step * np.arange(len(engine)), engine)
        off = np.rad2deg(np.abs(theirs - np.asarray(motion.angle)[:, row]))
        assert off.max() < 0.5, f"row {row}: {off.max():.3f} deg"
