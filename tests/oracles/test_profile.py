"""Curves of one dose against text-book formulas and SciPy; dialysis against an integration with clearance in time."""

from __future__ import annotations

import dataclasses
import itertools
import math

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from eutonia import parameters
from eutonia.drug.exposure import Profile, model
from eutonia.drug.kinetics import Dialysis, Kinetics

pytestmark = pytest.mark.oracles

SIMON = {"clearance": 11.6, "volume": 72.8, "ka": 1.64}


def bateman(dose: float, t: np.ndarray) -> np.ndarray:
    """One compartment, first-order absorption: the text-book formula."""
    k = SIMON["clearance"] / SIMON["volume"]
    ka = SIMON["ka"]
    return 1000.0 * dose * ka / (SIMON["volume"] * (ka - k)) * (np.exp(-k * t) - np.exp(-ka * t))


@pytest.fixture(scope="module")
def simon() -> Profile:
    return Profile(model("baclofen-oral-simon-2018"))


@pytest.fixture(scope="module")
def wuis() -> Profile:
    return Profile(model("baclofen-oral-wuis-1985"))


def test_one_dose_is_the_text_book_curve(simon: Profile) -> None:
    times = np.linspace(0.0, 48.0, 97)
    assert simon.level(10.0, times) == pytest.approx(bateman(10.0, times), rel=1e-11, abs=1e-12)
    assert simon.level(10.0, -1.0) == 0.0
    k, ka = SIMON["clearance"] / SIMON["volume"], SIMON["ka"]
    tmax = math.log(ka / k) / (ka - k)
    assert simon.peak(10.0)[1] == pytest.approx(tmax, rel=1e-6)
    assert simon.peak(10.0)[0] == pytest.approx(float(bateman(10.0, np.asarray(tmax))), rel=1e-11)
    assert simon.half_life() == pytest.approx(math.log(2.0) / k, rel=1e-12)


def test_area_is_the_integral_of_the_curve(simon: Profile) -> None:
    area = quad(lambda t: float(bateman(10.0, np.asarray(t))), 0.0, 200.0, epsabs=1e-9, epsrel=1e-10, limit=200)[0]
    assert simon.area(10.0) == pytest.approx(area, rel=1e-8)


def test_a_steady_state_is_that_of_the_geometric_series(simon: Profile) -> None:
    k, ka, every = SIMON["clearance"] / SIMON["volume"], SIMON["ka"], 8.0
    front = 1000.0 * 10.0 * ka / (SIMON["volume"] * (ka - k))
    trough = front * (1.0 / math.expm1(k * every) - 1.0 / math.expm1(ka * every))
    steady = simon.steady(10.0, every_h=every)
    assert steady["min"] == pytest.approx(trough, rel=1e-10)
    assert steady["mean"] == pytest.approx(1000.0 * 10.0 / SIMON["clearance"] / every, rel=1e-12)
    assert steady["min"] < steady["mean"] < steady["max"]


def test_zero_order_input_is_an_infusion_into_blood(wuis: Profile) -> None:
    blood = Kinetics.typical(oral_set="oral_wuis_1985").blood
    k10, k12, k21, volume, f = (
        float(x[0])
        for x in (
            blood.elimination_rate,
            blood.to_peripheral,
            blood.from_peripheral,
            blood.central_volume,
            blood.bioavailability,
        )
    )
    length, dose = 1.375, 10.0
    matrix = np.array([[-k10 - k12, k21], [k12, -k21]])

    def rates(on: float, x: np.ndarray) -> np.ndarray:
        return matrix @ x + np.array([on * f * dose / length, 0.0])

    during = solve_ivp(lambda _, x: rates(1.0, x), (0.0, length), [0.0, 0.0], rtol=1e-11, atol=1e-13)
    after = solve_ivp(lambda _, x: rates(0.0, x), (length, 12.0), during.y[:, -1], rtol=1e-11, atol=1e-13)
    found = wuis.level_zero_order(dose, length, np.array([length, 12.0]))
    assert found == pytest.approx(1000.0 * np.array([during.y[0, -1], after.y[0, -1]]) / volume, rel=1e-8)


# --- haemodialysis ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def anuric() -> Kinetics:
    return Kinetics.typical(creatinine_clearance=0.0)


def with_level(kinetics: Kinetics, ng_per_ml: float) -> object:
    """Return people with that level in blood and, as after long intake, in tissue."""
    blood = kinetics.blood
    central = ng_per_ml / 1000.0 * blood.central_volume
    tissue = None if blood.to_peripheral is None else central * blood.to_peripheral / blood.from_peripheral
    return dataclasses.replace(kinetics.initial_state(), central=central, peripheral=tissue)


def test_sessions_switch_clearance_on_and_off(anuric: Kinetics) -> None:
    sessions = Dialysis.from_records(starts_h=(2.0, 50.0))
    own, machine = float(anuric.blood.clearance[0]), 2.14 * 3600.0 / 1000.0
    for time_h, on in ((0.0, False), (2.0, True), (5.999, True), (6.0, False), (49.0, False), (52.0, True)):
        assert bool(sessions.running(time_h)) is on
    # the record gives 128 mL/min for the paper's 2.14 mL/s
    assert float(anuric.on_dialysis(sessions).blood.clearance[0]) == pytest.approx(own + machine, rel=5e-3)


def test_a_session_in_steps_equals_integration_with_clearance_in_time(anuric: Kinetics) -> None:
    sessions = Dialysis.from_records(starts_h=(2.0,))
    blood = anuric.blood
    volume, out, back = (float(x[0]) for x in (blood.central_volume, blood.to_peripheral, blood.from_peripheral))
    state, plan = with_level(anuric, 700.0), anuric.step_plan(jnp.asarray(2.0))
    on_machine = anuric.on_dialysis(sessions)
    state = anuric.advance(state, plan)
    state = on_machine.advance(state, on_machine.step_plan(jnp.asarray(4.0)))
    state = anuric.advance(state, plan)
    edges, amounts = (0.0, 2.0, 6.0, 8.0), np.array([1.0, out / back]) * 0.7 * volume
    given = 1000.0 * amounts.sum()
    for start, end in itertools.pairwise(edges):
        then = on_machine if sessions.running((start + end) / 2.0) else anuric
        rate = float(then.blood.clearance[0]) / volume
        matrix = np.array([[-rate - out, back], [out, -back]])
        amounts = solve_ivp(lambda _, y, m=matrix: m @ y, (start, end), amounts, rtol=1e-11, atol=1e-12).y[:, -1]
    assert float(anuric.exposure(state).plasma[0]) == pytest.approx(1000.0 * amounts[0] / volume, rel=1e-8)
    total = float(anuric.balance(state).total_ug[0])  # what the machine took counts as eliminated
    assert total == pytest.approx(given, rel=1e-12)


def test_half_life_without_kidneys_lies_in_the_published_range() -> None:
    low, high = parameters.load("special_groups").values(
        renal_failure_half_life_low="h", renal_failure_half_life_high="h"
    )
    assert low <= Profile(model(), {"CRCL": 0.0}).half_life() <= high
