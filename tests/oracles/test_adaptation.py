"""Adaptation of receptors against an independent integration of the same equations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from drug_examples import adapt
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from eutonia.drug.effect import gaba_b
from eutonia.drug.effect.gaba_b import Adaptation, Receptor

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


NUMBERS = {
    "ec50": 150.0,
    "hill": 3.0,
    "acute_shift": 0.8,
    "fast_shift": 0.5,
    "slow_shift": 2.0,
    "terminal_tolerance": 0.4,
    "opposition": 0.25,
    "opposition_potency": 0.8,
    "acute_time": 5.0,
    "fast_time": 60.0,
    "recovery_time": 300.0,
    "opposition_time": 700.0,
    "withdrawal_time": 100.0,
}
NAMES = ("acute", "fast", "slow", "opposed")
TONE, TERMINAL = 0, 2  # one site of each kind


def receptor(**changed: float) -> Receptor:
    """Return a receptor with numbers of its own: the oracle has to agree whatever the records say."""
    numbers = {name: jnp.asarray(value) for name, value in (NUMBERS | changed).items()}
    return dataclasses.replace(Receptor.typical(), **numbers)


def occupied(level: float, m: np.ndarray, site: int, of: dict[str, float]) -> float:
    """u, written down once more in plain numbers."""
    tires, slow = (1.0, of["slow_shift"]) if site == TONE else (0.0, of["slow_shift"] * of["terminal_tolerance"])
    potency = 1 / ((1 + tires * of["acute_shift"] * m[0]) * (1 + of["fast_shift"] * m[1]) * (1 + slow * m[2]))
    reached = potency * level
    return reached ** of["hill"] / (reached ** of["hill"] + of["ec50"] ** of["hill"])


def against(u: float) -> float:
    """v: the level that gives u, read again at less of its potency."""
    reached = NUMBERS["opposition_potency"] * (u / (1 - u)) ** (1 / NUMBERS["hill"]) if u < 1 else np.inf
    return 1 / (1 + reached ** -NUMBERS["hill"]) if reached > 0 else 0.0


def integrated(level: Level, end: float, breaks: tuple[float, ...], site: int) -> np.ndarray:
    def slopes(t: float, m: np.ndarray) -> list[float]:
        u = occupied(float(level(np.asarray(t))), m, site, NUMBERS)
        v = against(u)
        slow = NUMBERS["opposition_time"] if m[3] >= m[2] else NUMBERS["recovery_time"]
        opposed = NUMBERS["opposition_time"] if v >= m[3] else NUMBERS["withdrawal_time"]
        times = (NUMBERS["acute_time"], NUMBERS["fast_time"], slow, opposed)
        return [(drive - x) / time for drive, x, time in zip((u, u, m[3], v), m, times, strict=True)]

    m = np.zeros(4)
    for begin, until in zip((0.0, *breaks), (*breaks, end), strict=True):
        m = solve_ivp(slopes, (begin, until), m, method="DOP853", rtol=1e-10, atol=1e-13, max_step=0.5).y[:, -1]
    return m


@jax.jit
def steps(levels: jax.Array, of: Receptor, dt: jax.Array) -> Adaptation:
    def one(i: int, state: Adaptation) -> Adaptation:
        sites = jnp.ones((gaba_b.N_SITES, 1))
        return adapt(state, levels[i] * sites, levels[i + 1] * sites, of, dt)

    return jax.lax.fori_loop(0, levels.shape[0] - 1, one, Adaptation.naive(1))


def stepped(level: Level, end: float, dt: float, site: int) -> np.ndarray:
    times = np.linspace(0.0, end, round(end / dt) + 1)
    state = steps(jnp.asarray(level(times)), receptor(), jnp.asarray(dt))
    return np.array([getattr(state, name)[site, 0] for name in NAMES])


@pytest.mark.parametrize("site", [TONE, TERMINAL], ids=["tone", "terminal"])
@pytest.mark.parametrize("course", COURSES)
def test_quarter_hours_follow_the_equations(course: str, site: int) -> None:
    level, end, breaks = COURSES[course]
    exact = integrated(level, end, breaks, site)
    np.testing.assert_allclose(stepped(level, end, 0.25, site), exact, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("course", ["infusion", "stopped"])
def test_halving_the_step_leaves_a_third_of_the_error_at_most(course: str) -> None:
    """A quarter, but for the kink where slow tolerance turns."""
    level, end, breaks = COURSES[course]
    exact = integrated(level, end, breaks, TONE)
    coarse, fine = (np.abs(stepped(level, end, dt, TONE) - exact).max() for dt in (0.5, 0.25))
    assert fine < coarse / 3.0


def test_a_constant_effect_is_exact_whatever_the_step() -> None:
    """Without a shift of potency occupancy is constant, and the exponential step has no error."""
    of = receptor(acute_shift=0.0, fast_shift=0.0, slow_shift=0.0)
    level = jnp.full((gaba_b.N_SITES, 1), 200.0)
    state = adapt(Adaptation.naive(1), level, level, of, 500.0)
    drive = 200.0**3 / (200.0**3 + 150.0**3)
    opposed = 160.0**3 / (160.0**3 + 150.0**3)
    for name, time, toward in (("acute", 5.0, drive), ("fast", 60.0, drive), ("opposed", 700.0, opposed)):
        assert float(getattr(state, name)[1, 0]) == pytest.approx(toward * -np.expm1(-500 / time), rel=1e-12)
    gone = adapt(state, 0 * level, 0 * level, of, 500.0)
    assert float(gone.opposed[1, 0]) == pytest.approx(float(state.opposed[1, 0]) * np.exp(-500 / 100), rel=1e-12)


@pytest.mark.parametrize("site", [TONE, TERMINAL], ids=["tone", "terminal"])
def test_a_long_infusion_ends_where_drive_and_adaptation_agree(site: int) -> None:
    def ends(u: float) -> np.ndarray:
        return np.array([u, u, against(u), against(u)])

    settled = brentq(lambda u: occupied(250.0, ends(u), site, NUMBERS) - u, 0.0, 1.0)
    state = stepped(lambda t: np.full_like(t, 250.0), 1000 * DAY, DAY, site)
    np.testing.assert_allclose(state, ends(settled), rtol=1e-4)


def test_effect_and_sensitivity_are_those_of_the_equations() -> None:
    of, m = receptor(), np.array([0.2, 0.3, 0.6, 0.4])
    state = Adaptation(*(jnp.full((gaba_b.N_SITES, 1), x) for x in m))
    for level in (0.0, 50.0, 200.0, 5000.0):
        found = gaba_b.effect(jnp.full((gaba_b.N_SITES, 1), level), state, of)
        for site in (TONE, TERMINAL):
            wanted = occupied(level, m, site, NUMBERS) - 0.25 * 0.4
            assert float(found[site, 0]) == pytest.approx(wanted, rel=1e-12)
    found = np.asarray(gaba_b.sensitivity(state, of))[:, 0]
    np.testing.assert_allclose(found[[0, 1, 4]], 1 / (1.16 * 1.15 * 2.2), rtol=1e-12)
    np.testing.assert_allclose(found[2:4], 1 / (1.15 * (1 + 0.8 * 0.6)), rtol=1e-12)
