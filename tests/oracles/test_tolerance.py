"""Adaptation of receptors against an independent integration of the same equations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from eutonia.drug.effect import gaba_b
from eutonia.drug.effect.gaba_b import Receptor, Tolerance

Level = Callable[[np.ndarray], np.ndarray]
DAY = 24.0


def bolus(t: np.ndarray) -> np.ndarray:
    """Return what a bolus of 50 ug leaves at the tone site, roughly (ng/mL)."""
    return 900.0 * (np.exp(-0.25 * t) - np.exp(-0.5 * t))


def infusion(t: np.ndarray) -> np.ndarray:
    return 250.0 * -np.expm1(-0.3 * t)


def stopped(t: np.ndarray) -> np.ndarray:
    return np.where(t < 10 * DAY, infusion(np.minimum(t, 10 * DAY)), 250.0 * np.exp(-0.3 * (t - 10 * DAY)))


COURSES: dict[str, tuple[Level, float, tuple[float, ...]]] = {
    "bolus": (bolus, DAY, ()),
    "infusion": (infusion, 30 * DAY, ()),
    "stopped": (stopped, 30 * DAY, (10 * DAY,)),
}


def receptor() -> Receptor:
    """Return a receptor with numbers of its own: the oracle has to agree whatever the records say."""
    numbers = {
        "ec50": 150.0,
        "hill": 3.0,
        "endogenous": 60.0,
        "fast_shift": 0.5,
        "slow_shift": 2.0,
        "fast_time": 60.0,
        "slow_time": 2000.0,
    }
    return dataclasses.replace(Receptor.typical(), **{name: jnp.asarray(value) for name, value in numbers.items()})


def by_hand(level: float, fast: float, slow: float, of: Receptor) -> float:
    """u - u_e, written down once more in plain numbers."""
    potency = 1 / ((1 + float(of.fast_shift) * fast) * (1 + float(of.slow_shift) * slow))

    def occupied(x: float) -> float:
        return x ** float(of.hill) / (x ** float(of.hill) + float(of.ec50) ** float(of.hill))

    return occupied(potency * (level + float(of.endogenous))) - occupied(float(of.endogenous))


def integrated(level: Level, end: float, breaks: tuple[float, ...], of: Receptor) -> np.ndarray:
    def slopes(t: float, m: np.ndarray) -> list[float]:
        drive = max(by_hand(float(level(np.asarray(t))), m[0], m[1], of), 0.0)
        return [(drive - m[0]) / float(of.fast_time), (drive - m[1]) / float(of.slow_time)]

    m = np.zeros(2)
    for begin, until in zip((0.0, *breaks), (*breaks, end), strict=True):
        m = solve_ivp(slopes, (begin, until), m, method="DOP853", rtol=1e-11, atol=1e-14, max_step=2.0).y[:, -1]
    return m


@jax.jit
def steps(levels: jax.Array, of: Receptor, dt: jax.Array) -> Tolerance:
    def one(i: int, state: Tolerance) -> Tolerance:
        two_sites = jnp.ones((2, 1))
        return gaba_b.adapt(state, levels[i] * two_sites, levels[i + 1] * two_sites, of, dt)

    return jax.lax.fori_loop(0, levels.shape[0] - 1, one, Tolerance.naive(1))


def stepped(level: Level, end: float, dt: float, of: Receptor) -> np.ndarray:
    times = np.linspace(0.0, end, round(end / dt) + 1)
    state = steps(jnp.asarray(level(times)), of, jnp.asarray(dt))
    return np.array([state.fast[0, 0], state.slow[0, 0]])


@pytest.mark.parametrize("course", COURSES)
def test_quarter_hours_follow_the_equations(course: str) -> None:
    level, end, breaks = COURSES[course]
    of = receptor()
    exact = integrated(level, end, breaks, of)
    np.testing.assert_allclose(stepped(level, end, 0.25, of), exact, rtol=1e-4, atol=4e-5)


@pytest.mark.parametrize("course", COURSES)
def test_halving_the_step_leaves_a_third_of_the_error_at_most(course: str) -> None:
    """A quarter, but for the kink where the drive stops at 0."""
    level, end, breaks = COURSES[course]
    of = receptor()
    exact = integrated(level, end, breaks, of)
    coarse, fine = (np.abs(stepped(level, end, dt, of) - exact).max() for dt in (0.5, 0.25))
    assert fine < coarse / 3.0


def test_a_constant_effect_is_exact_whatever_the_step() -> None:
    """Without a shift of potency the drive is constant, and the exponential step has no error."""
    of = dataclasses.replace(receptor(), fast_shift=jnp.asarray(0.0), slow_shift=jnp.asarray(0.0))
    level = jnp.full((2, 1), 200.0)
    state = gaba_b.adapt(Tolerance.naive(1), level, level, of, 500.0)
    drive = by_hand(200.0, 0.0, 0.0, of)
    assert float(state.fast[0, 0]) == pytest.approx(drive * -np.expm1(-500 / 60), rel=1e-12)
    assert float(state.slow[1, 0]) == pytest.approx(drive * -np.expm1(-500 / 2000), rel=1e-12)


def test_a_long_infusion_ends_where_drive_and_adaptation_agree() -> None:
    of = receptor()
    settled = brentq(lambda m: by_hand(250.0, m, m, of) - m, 0.0, 1.0)
    state = stepped(lambda t: np.full_like(t, 250.0), 1000 * DAY, DAY, of)
    np.testing.assert_allclose(state, settled, rtol=1e-4)


def test_effect_and_sensitivity_are_those_of_the_equations() -> None:
    of = receptor()
    state = Tolerance(jnp.full((2, 1), 0.3), jnp.full((2, 1), 0.6))
    for level in (0.0, 50.0, 200.0, 5000.0):
        found = gaba_b.effect(jnp.full((2, 1), level), state, of)
        assert float(found[0, 0]) == pytest.approx(by_hand(level, 0.3, 0.6, of), rel=1e-12)
    assert float(gaba_b.sensitivity(state, of)[0, 0]) == pytest.approx(1 / (1.15 * 2.2), rel=1e-12)
