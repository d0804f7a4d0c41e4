"""What linear kinetics must respect whatever their parameters: mass, superposition, distance, time."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from drug_examples import advanced
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia import session
from eutonia.drug.kinetics import IntrathecalValues, Kinetics, KineticState, OralValues

session.begin()
pytestmark = pytest.mark.laws

PEOPLE = jnp.arange(16)
step = st.floats(0.02, 48.0)
rate = st.floats(0.1, 60.0)


def cohort(oral_set: str = "oral_adult_default", tip: str = "T10", seed: int = 3, **values: Any) -> Kinetics:
    crcl, weight = jnp.linspace(5.0, 130.0, 16), jnp.full(16, 40.0)
    return Kinetics.draw(
        seed, PEOPLE, weight_kg=weight, creatinine_clearance=crcl, oral_set=oral_set, tip=tip, **values
    )


ONE, TWO = cohort(), cohort("oral_wuis_1985", seed=4)


def after(kinetics: Kinetics, state: KineticState, hours: float, ug_per_h: float = 0.0) -> KineticState:
    return advanced(kinetics, state, kinetics.step_plan(jnp.asarray(hours)), jnp.asarray(ug_per_h))


def close(a: Any, b: Any, tolerance: float = 1e-12) -> None:
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance * max(1e-30, float(jnp.max(jnp.abs(y)))))


def add(a: KineticState, b: KineticState) -> KineticState:
    return jax.tree.map(lambda x, y: x + y, a, b)


@settings(max_examples=25, deadline=None)
@given(ug=st.floats(1, 1000), mg=st.floats(1, 100), infusion=rate, hours=st.lists(step, min_size=1, max_size=5))
@pytest.mark.parametrize("kinetics", [ONE, TWO], ids=["one compartment", "two compartments"])
def test_drug_is_conserved(kinetics: Kinetics, ug: float, mg: float, infusion: float, hours: list[float]) -> None:
    state = kinetics.tablet(kinetics.bolus(kinetics.initial_state(), ug, "catheter"), mg)
    given_ug = ug + 1000 * mg * kinetics.blood.bioavailability
    for i, dt in enumerate(hours):
        on = infusion if i % 2 == 0 else 0.0
        state = after(kinetics, state, dt, on)
        given_ug = given_ug + on * dt
        balance = kinetics.balance(state)
        np.testing.assert_allclose(balance.total_ug, given_ug, rtol=1e-10)
        parts = (balance.csf_ug, balance.gut_mg, balance.body_mg, balance.eliminated_mg)
        assert all(float(part.min()) >= 0.0 for part in parts)


@settings(max_examples=25, deadline=None)
@given(ug=st.floats(1, 1000), mg=st.floats(1, 100), infusion=rate, first=step, second=step)
@pytest.mark.parametrize("kinetics", [ONE, TWO], ids=["one compartment", "two compartments"])
def test_doses_superpose_and_scale(
    kinetics: Kinetics, ug: float, mg: float, infusion: float, first: float, second: float
) -> None:
    none = kinetics.initial_state()
    bolus = after(kinetics, after(kinetics, kinetics.bolus(none, ug), first), second)
    tablet = after(kinetics, kinetics.tablet(after(kinetics, none, first), mg), second)
    pump = after(kinetics, after(kinetics, none, first), second, infusion)
    together = after(kinetics, kinetics.tablet(after(kinetics, kinetics.bolus(none, ug), first), mg), second, infusion)
    close(together, add(add(bolus, tablet), pump))
    twice = after(kinetics, after(kinetics, kinetics.bolus(none, 2 * ug), first), second)
    close(twice, jax.tree.map(lambda x: 2 * x, bolus))


@settings(max_examples=25, deadline=None)
@given(wait=step, hours=step)
def test_later_is_the_same_later(wait: float, hours: float) -> None:
    now = after(TWO, TWO.bolus(TWO.initial_state(), 50.0), hours, 4.0)
    waited = after(TWO, TWO.bolus(after(TWO, TWO.initial_state(), wait), 50.0), hours, 4.0)
    close(waited, now, 1e-15)


@settings(max_examples=25, deadline=None)
@given(hours=step, parts=st.integers(2, 7), infusion=rate)
@pytest.mark.parametrize("kinetics", [ONE, TWO], ids=["one compartment", "two compartments"])
def test_the_step_changes_nothing(kinetics: Kinetics, hours: float, parts: int, infusion: float) -> None:
    start = kinetics.tablet(kinetics.bolus(kinetics.initial_state(), 75.0), 20.0)
    whole = after(kinetics, start, hours, infusion)
    split = start
    for _ in range(parts):
        split = after(kinetics, split, hours / parts, infusion)
    close(split, whole)


@settings(max_examples=25, deadline=None)
@given(hours=st.floats(0.1, 200.0), access=st.sampled_from(["lumbar puncture", "catheter"]))
def test_exposure_falls_with_distance(hours: float, access: str) -> None:
    state = after(ONE, ONE.bolus(ONE.initial_state(), 50.0, access), hours)
    levels = ONE.exposure(state).spinal
    assert bool(jnp.all(levels.fast_leg >= levels.fast_arm * (1 - 1e-9)))
    assert bool(jnp.all(levels.slow_leg >= levels.slow_arm * (1 - 1e-9)))


def test_steady_level_and_area_fall_along_the_cord_from_the_source() -> None:
    for tip, source in (("L3", 0), ("L1", 1), ("T10", 2), ("T6", 3), ("C4", 4)):
        kinetics = ONE.with_tip(tip)
        level = np.asarray(kinetics.spinal.segments(kinetics.steady_state(4.0).csf))
        assert np.all(np.diff(level[source:], axis=0) < 0)
        assert np.all(np.diff(level[: source + 1], axis=0) > 0)


def test_steady_plasma_gives_the_same_share_of_itself_everywhere() -> None:
    state = ONE.steady_state(tablets_mg_per_h=2.0)
    exposure = ONE.exposure(state)
    for site in jax.tree.leaves(exposure.blood):
        np.testing.assert_allclose(site, ONE.blood.csf_ratio * exposure.plasma, rtol=1e-14)


@settings(max_examples=15, deadline=None)
@given(infusion=rate, hours=step)
@pytest.mark.parametrize("kinetics", [ONE, TWO], ids=["one compartment", "two compartments"])
def test_the_closed_steady_state_stays_and_is_reached(kinetics: Kinetics, infusion: float, hours: float) -> None:
    steady = kinetics.steady_state(infusion)
    stays = after(kinetics, steady, hours, infusion)
    zero = jnp.zeros_like(steady.eliminated)
    close(dataclasses.replace(stays, eliminated=zero), steady)
    reached = after(kinetics, kinetics.initial_state(), 2000.0, infusion)
    close(dataclasses.replace(reached, eliminated=zero), steady)


def test_no_dose_leaves_exactly_nothing() -> None:
    state = ONE.tablet(ONE.bolus(ONE.initial_state(), 0.0), 0.0)
    for leaf in jax.tree.leaves(ONE.exposure(after(ONE, state, 24.0, 0.0))):
        assert bool(jnp.all(leaf == 0.0))


@settings(max_examples=25, deadline=None)
@given(hours=st.floats(1e-3, 500.0), access=st.sampled_from(["lumbar puncture", "catheter"]))
def test_no_level_is_ever_negative(hours: float, access: str) -> None:
    state = after(TWO, TWO.tablet(TWO.bolus(TWO.initial_state(), 1000.0, access), 100.0), hours)
    assert all(bool(jnp.all(leaf >= 0.0)) for leaf in jax.tree.leaves(TWO.exposure(state)))


def test_infinite_dispersion_is_one_pool() -> None:
    values = dataclasses.replace(IntrathecalValues.from_records(), dispersion=1e8)
    kinetics = cohort(intrathecal=values)
    state = after(kinetics, kinetics.bolus(kinetics.initial_state(), 50.0), 1.0)
    pool = 50_000 / kinetics.spinal.geometry.total_volume * jnp.exp(-kinetics.spinal.clearance_rate)
    np.testing.assert_allclose(kinetics.spinal.segments(state.csf), jnp.tile(pool, (7, 1)), rtol=1e-6)


def test_failing_kidneys_move_no_drug_at_once_and_keep_it_longer() -> None:
    for kinetics in (ONE, TWO):
        ill = kinetics.with_creatinine_clearance(5.0)
        well = kinetics.with_creatinine_clearance(120.0)
        state = after(kinetics, kinetics.tablet(kinetics.initial_state(), 20.0), 4.0)
        close(ill.exposure(state), well.exposure(state), 1e-15)
        later_ill, later_well = ill.exposure(after(ill, state, 12.0)), well.exposure(after(well, state, 12.0))
        assert bool(jnp.all(later_ill.plasma > later_well.plasma))
        np.testing.assert_allclose(ill.balance(after(ill, state, 12.0)).total_ug, 20_000 * 0.74, rtol=1e-12)


def test_a_person_is_the_same_in_every_cohort() -> None:
    alone = Kinetics.draw(3, jnp.array([11]), weight_kg=40.0, creatinine_clearance=jnp.linspace(5.0, 130.0, 16)[11:12])
    within = jax.tree.map(lambda x: x[..., 11:12], ONE)
    for x, y in zip(jax.tree.leaves(alone), jax.tree.leaves(within), strict=True):
        np.testing.assert_array_equal(x, y)


def test_people_spread_as_the_records_say() -> None:
    many = Kinetics.draw(1, jnp.arange(4000), weight_kg=70.0, creatinine_clearance=103.0)
    fluid, oral = IntrathecalValues.from_records(), OralValues.from_records()
    for found, typical, sd in (
        (many.spinal.dispersion, fluid.dispersion, fluid.dispersion_sd_log),
        (many.spinal.clearance_rate, fluid.csf_clearance_rate, fluid.csf_clearance_rate_sd_log),
        (many.blood.clearance / many.blood.bioavailability, oral.clearance, oral.clearance_sd_log),
    ):
        logs = np.log(np.asarray(found))
        assert np.exp(logs.mean()) == pytest.approx(typical, rel=0.02)
        assert logs.std() == pytest.approx(sd, rel=0.05)


def test_values_may_be_traced_and_differentiated() -> None:
    values, oral = IntrathecalValues.from_records(), OralValues.from_records()

    def leg(dispersion: Any) -> Any:
        kinetics = Kinetics.typical(intrathecal=dataclasses.replace(values, dispersion=dispersion), oral=oral)
        state = kinetics.bolus(kinetics.initial_state(), 50.0)
        return kinetics.exposure(kinetics.advance(state, kinetics.step_plan(4.0))).spinal.slow_leg[0]

    slope = jax.jit(jax.grad(leg))(87.0)
    assert float(slope) == pytest.approx(float((leg(87.01) - leg(86.99)) / 0.02), rel=1e-6)


def test_a_year_of_steps_in_one_loop_keeps_the_balance() -> None:
    plan = ONE.step_plan(jnp.asarray(1.0))

    def hour(i: Any, state: KineticState) -> KineticState:
        taken = ONE.tablet(state, jnp.where(i % 8 == 0, 10.0, 0.0))
        return ONE.advance(taken, plan, 4.0)

    state = jax.jit(lambda start: jax.lax.fori_loop(0, 8760, hour, start))(ONE.initial_state())
    given_ug = 8760 * 4.0 + 1095 * 10_000 * ONE.blood.bioavailability
    np.testing.assert_allclose(ONE.balance(state).total_ug, given_ug, rtol=1e-10)


def test_single_precision_follows_double() -> None:
    single = jax.tree.map(lambda x: x.astype(jnp.float32) if x.dtype == jnp.float64 else x, ONE)
    state, exact = single.bolus(single.initial_state(), 50.0), ONE.bolus(ONE.initial_state(), 50.0)
    plan, double = single.step_plan(1.0), ONE.step_plan(1.0)
    for _ in range(24):
        state, exact = advanced(single, state, plan, 4.0), advanced(ONE, exact, double, 4.0)
    assert {leaf.dtype for leaf in jax.tree.leaves((state, plan))} == {np.dtype("float32")}
    np.testing.assert_allclose(single.exposure(state).spinal.slow, ONE.exposure(exact).spinal.slow, rtol=2e-5)
