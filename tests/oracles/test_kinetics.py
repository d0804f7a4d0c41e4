"""The kinetics against independent programs (SciPy, diffrax, long decimals) and against published numbers."""

from __future__ import annotations

import dataclasses
from decimal import Decimal, localcontext
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from drug_examples import advanced
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from eutonia import session
from eutonia.drug.kinetics import IntrathecalValues, Kinetics, OralValues
from eutonia.drug.kinetics.cascade import propagator, propagators

session.begin()
pytestmark = pytest.mark.oracles

ORAL_SETS = ("oral_adult_default", "oral_wuis_1985", "oral_he_2014")


# --- the transition of a cascade, in long decimals -------------------------------------------------------------


def exact_transition(rates: list[float], gains: dict[tuple[int, int], float], dt: float) -> list[list[Decimal]]:
    """Exponentiate the matrix of a cascade with enough decimals that no cancellation matters."""
    n = len(rates)
    with localcontext() as context:
        context.prec = 100 + int(max(rates) * dt)
        a = [[Decimal(0)] * n for _ in range(n)]
        for i, rate in enumerate(rates):
            a[i][i] = -Decimal(rate) * Decimal(dt)
        for (i, j), gain in gains.items():
            a[i][j] = Decimal(gain) * Decimal(dt)
        halvings = max(0, int(max(abs(x) for row in a for x in row)).bit_length())
        a = [[x / 2**halvings for x in row] for row in a]
        total = term = [[Decimal(int(i == j)) for j in range(n)] for i in range(n)]
        for m in range(1, 90):
            term = [[x / m for x in row] for row in multiply(term, a)]
            total = [[x + y for x, y in zip(p, q, strict=True)] for p, q in zip(total, term, strict=True)]
        for _ in range(halvings):
            total = multiply(total, total)
    return total


def multiply(a: list[list[Decimal]], b: list[list[Decimal]]) -> list[list[Decimal]]:
    n = range(len(a))
    return [[sum((a[i][m] * b[m][j] for m in n), Decimal(0)) for j in n] for i in n]


RATES = {
    "apart": [1.64, 0.159, 0.326, 0.27, 0.55],
    "equal": [0.3, 0.3, 0.3, 0.3, 0.3],
    "nearly equal": [0.3, 0.3 * (1 + 1e-9), 0.3 * (1 - 1e-12), 0.3 * (1 + 1e-5), 0.3 * (1 - 1e-3)],
    "an input, an integral": [0.0, 2.0, 2.0 + 1e-10, 0.55, 0.0],
    "very fast": [0.326, 16.0, 8.0, 16.0 + 1e-7, 0.27],
}


@pytest.mark.parametrize("name", RATES)
@pytest.mark.parametrize("dt", [1 / 3600, 0.25, 1.0, 24.0])
def test_transition_has_full_relative_accuracy(name: str, dt: float) -> None:
    rates = RATES[name]
    gains = {(1, 0): 1.3, (2, 1): 0.4, (3, 2): 0.27, (4, 3): 0.55, (4, 2): 0.1}
    found = propagator([jnp.asarray(r) for r in rates], {key: jnp.asarray(g) for key, g in gains.items()}, dt)
    exact = exact_transition(rates, gains, dt)
    assert set(found.entries) == {(i, j) for i in range(5) for j in range(i + 1)}
    for (i, j), entry in found.entries.items():
        assert abs(Decimal(float(entry)) / exact[i][j] - 1) < Decimal("1e-13"), (i, j)


def test_transition_underflows_gracefully_over_a_year() -> None:
    gains = {(1, 0): jnp.asarray(2.0), (2, 1): jnp.asarray(0.5)}
    found = propagator([jnp.asarray(0.0), jnp.asarray(16.0), jnp.asarray(0.3)], gains, 8760.0)
    assert float(found[1, 1]) == 0.0
    assert float(found[1, 0]) == pytest.approx(2.0 / 16.0, rel=1e-13)
    assert float(found[2, 0]) == pytest.approx(2.0 / 16.0 * 0.5 / 0.3, rel=1e-13)


@pytest.mark.parametrize("name", RATES)
def test_longer_steps_made_of_shorter_ones_are_as_accurate(name: str) -> None:
    rates = RATES[name]
    gains = {(1, 0): 1.3, (2, 1): 0.4, (3, 2): 0.27, (4, 3): 0.55, (4, 2): 0.1}
    each = {key: jnp.asarray(gain) for key, gain in gains.items()}
    found = propagators([jnp.asarray(rate) for rate in rates], each, 0.25, (4, 3, 2, 4))
    for step, dt in enumerate((0.25, 1.0, 3.0, 6.0, 24.0)):
        exact = exact_transition(rates, gains, dt)
        for (i, j), entry in found.entries.items():
            assert abs(Decimal(float(entry[step])) / exact[i][j] - 1) < Decimal("1e-13"), (dt, i, j)


# --- the whole model, segment by segment, with a general solver ------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Plain:
    """One person as plain rates: 7 segments x (fluid, fast, slow), gut, blood; nothing in modes."""

    kinetics: Kinetics

    @property
    def volume(self) -> np.ndarray:
        return np.asarray(self.kinetics.spinal.geometry.volume)

    @property
    def n_gut(self) -> int:
        return len(self.kinetics.blood.gut_rates)

    @property
    def size(self) -> int:
        return 21 + self.n_gut + 6

    def matrix(self) -> np.ndarray:
        """Rates of change; the last column is a constant input of 1 (set by the infusion)."""
        spinal, blood = self.kinetics.spinal, self.kinetics.blood
        k, d, kf, ks = (
            float(x[0]) for x in (spinal.clearance_rate, spinal.dispersion, spinal.fast_rate, spinal.slow_rate)
        )
        volume, length = self.volume, np.asarray(spinal.geometry.length)
        area = volume / length
        m = np.zeros((self.size + 1, self.size + 1))
        for i in range(6):
            q = d / (length[i] / (2 * area[i]) + length[i + 1] / (2 * area[i + 1]))
            for here, there in ((i, i + 1), (i + 1, i)):
                m[here, here] -= q / volume[here]
                m[here, there] += q / volume[here]
        for i in range(7):
            m[i, i] -= k
            m[7 + i, i], m[7 + i, 7 + i] = kf, -kf
            m[14 + i, 7 + i], m[14 + i, 14 + i] = ks, -ks
        a1 = 21 + self.n_gut
        a2, gone, csf, fast, slow = range(a1 + 1, a1 + 6)
        for i, rate in enumerate(blood.gut_rates):
            m[21 + i, 21 + i] -= float(rate[0])
            m[22 + i, 21 + i] += float(rate[0])
        k10, vc = float(blood.elimination_rate[0]), float(blood.central_volume[0])
        k12 = 0.0 if blood.to_peripheral is None else float(blood.to_peripheral[0])
        k21 = 0.0 if blood.from_peripheral is None else float(blood.from_peripheral[0])
        m[a1, :7] = k * volume * 1e-6
        m[a1, a1], m[a1, a2] = -k10 - k12, k21
        m[a2, a1], m[a2, a2] = k12, -k21
        m[gone, a1] = k10
        m[csf, csf], m[csf, a1] = -k, k * float(blood.csf_ratio[0]) * 1000 / vc
        m[fast, fast], m[fast, csf] = -kf, kf
        m[slow, slow], m[slow, fast] = -ks, ks
        return m

    def into_fluid(self, access: str, tip: str) -> np.ndarray:
        """Concentrations that one ug causes at once."""
        spinal = self.kinetics.spinal
        b = float(spinal.spread[0])
        shares = {"L3": 1 - b, "T12": 0.6 * b, "T10": 0.4 * b} if access == "lumbar puncture" else {tip: 1.0}
        added = np.zeros(self.size)
        for level, share in shares.items():
            segment = {"L3": 0, "T12": 1, "T10": 2, "T6": 3, "C5": 4}[level]
            added[segment] += 1000 * share / self.volume[segment]
        return added

    def later(self, x: np.ndarray, hours: float, ug_per_h: float, tip: str) -> np.ndarray:
        """State some hours later; scaled and in short steps, which the matrix exponential needs to be accurate."""
        matrix = self.matrix()
        matrix[:-1, -1] = ug_per_h * self.into_fluid("catheter", tip)
        scale = np.ones(self.size + 1)
        scale[21 : 21 + self.n_gut + 3], scale[-1] = 1e6, 1e4
        steps = int(np.ceil(hours / 4.0))
        transition = expm(matrix * (scale[:, None] / scale) * (hours / steps))
        held = np.append(x, 1.0) * scale
        for _ in range(steps):
            held = transition @ held
        return (held / scale)[:-1]

    def observe(self, x: np.ndarray) -> np.ndarray:
        a1 = 21 + self.n_gut
        plasma = 1000 * x[a1] / float(self.kinetics.blood.central_volume[0])
        fluid, fast, slow = x[:7], x[7:14], x[14:21]
        seen = [fluid[0], fluid[1], fluid[4], fluid[5], fast[1], fast[4], fast[5], slow[1], slow[4]]
        return np.array(
            [*seen, plasma, *x[a1 + 3 :], fluid @ self.volume / 1000, sum(x[21:a1]), x[a1], *x[a1 + 1 : a1 + 3]]
        )


def observe(kinetics: Kinetics, state: Any) -> np.ndarray:
    e, balance = kinetics.exposure(state), kinetics.balance(state)
    tissue = jnp.zeros(1) if state.peripheral is None else state.peripheral
    s, b = e.spinal, e.blood
    seen = [s.csf_lumbar, s.csf_leg, s.csf_arm, s.csf_brain, s.fast_leg, s.fast_arm, s.fast_brain, s.slow_leg]
    seen += [s.slow_arm, e.plasma, b.csf_arm, b.fast_leg, b.slow_leg, balance.csf_ug, balance.gut_mg]
    return np.array([float(x[0]) for x in (*seen, state.central, tissue, balance.eliminated_mg)])


times = st.one_of(st.floats(0.01, 12.0), st.sampled_from([1 / 60, 0.25, 1.0, 8.0, 24.0, 504.0]))
actions = st.one_of(
    st.tuples(st.just("bolus"), st.floats(1, 1000), st.sampled_from(["lumbar puncture", "catheter"])),
    st.tuples(st.just("tablet"), st.floats(1, 100), st.just("")),
    st.tuples(st.just("infusion"), st.floats(0.1, 60), st.just("")),
    st.tuples(st.just("stop"), st.just(0.0), st.just("")),
    st.tuples(st.just("kidneys"), st.floats(0, 130), st.just("")),
)


def person(oral_set: str, tip: str, scale: list[float]) -> Kinetics:
    values, oral = IntrathecalValues.from_records(), OralValues.from_records(oral_set)
    varied = dataclasses.replace(
        values,
        dispersion=values.dispersion * scale[0],
        csf_clearance_rate=values.csf_clearance_rate * scale[1],
        fast_effect_rate=values.fast_effect_rate * scale[2],
        slow_effect_rate=values.slow_effect_rate * scale[3],
    )
    blood = dataclasses.replace(
        oral, clearance=oral.clearance * scale[4], central_volume=oral.central_volume * scale[5]
    )
    return Kinetics.typical(oral_set=oral_set, tip=tip, intrathecal=varied, oral=blood, weight_kg=30.0)


@settings(max_examples=40, deadline=None)
@given(
    oral_set=st.sampled_from(ORAL_SETS),
    tip=st.sampled_from(["T10", "C5"]),
    scale=st.lists(st.floats(0.3, 3.0), min_size=6, max_size=6),
    schedule=st.lists(st.tuples(times, actions), min_size=1, max_size=8),
)
def test_any_schedule_agrees_with_matrix_exponentials(
    oral_set: str, tip: str, scale: list[float], schedule: list[tuple[float, tuple[str, float, str]]]
) -> None:
    kinetics = person(oral_set, tip, scale)
    state, plain = kinetics.initial_state(), Plain(kinetics)
    x, rate = np.zeros(plain.size), 0.0
    largest = np.zeros(18)
    for dt, (kind, amount, access) in schedule:
        if kind == "bolus":
            state = kinetics.bolus(state, amount, access)
            x = x + amount * plain.into_fluid(access, tip)
        elif kind == "tablet":
            state = kinetics.tablet(state, amount)
            x[21] += amount * float(kinetics.blood.bioavailability[0])
        elif kind == "kidneys":
            kinetics = kinetics.with_creatinine_clearance(amount)
            plain = Plain(kinetics)
        else:
            rate = amount
        largest = np.maximum(largest, plain.observe(x))
        state = advanced(kinetics, state, kinetics.step_plan(jnp.asarray(dt)), jnp.asarray(rate))
        x = plain.later(x, dt, rate, tip)
        wanted = plain.observe(x)
        largest = np.maximum(largest, wanted)
        # Minutes after a bolus the far end of the chain holds less than rounding of the near end; minutes after a
        # tablet the far end of the blood's holds less than the matrix exponential can tell.
        floor = np.where(np.arange(18) < 9, 1e-13 * largest[:9].max(), 1e-11 * largest + 1e-20)
        error = np.abs(observe(kinetics, state) - wanted)
        assert np.all(error <= 1e-10 * wanted + floor), error / (wanted + 1e-300)


@pytest.mark.parametrize("oral_set", ["oral_adult_default", "oral_he_2014"])
def test_a_day_agrees_with_ode_solvers(oral_set: str) -> None:
    kinetics = Kinetics.typical(oral_set=oral_set, tip="T10", weight_kg=30.0)
    plain = Plain(kinetics)
    matrix = plain.matrix()
    matrix[:-1, -1] = 4.0 * plain.into_fluid("catheter", "T10")
    start = np.append(50.0 * plain.into_fluid("lumbar puncture", ""), 1.0)
    start[21] = 20.0 * float(kinetics.blood.bioavailability[0])
    state = kinetics.tablet(kinetics.bolus(kinetics.initial_state(), 50.0), 20.0)
    hours = np.array([0.25, 1.0, 4.0, 8.0, 24.0])
    found, before = [], 0.0
    for hour in hours:
        state = advanced(kinetics, state, kinetics.step_plan(jnp.asarray(hour - before)), jnp.asarray(4.0))
        found.append(observe(kinetics, state))
        before = hour
    options = {"method": "DOP853", "rtol": 1e-13, "atol": 1e-14, "t_eval": hours}
    solved = solve_ivp(lambda _, y: matrix @ y, (0, 24), start, **options).y.T
    np.testing.assert_allclose(found, [plain.observe(y[:-1]) for y in solved], rtol=1e-9, atol=1e-10)
    dense = jnp.asarray(matrix)
    solved = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, args: dense @ y),
        diffrax.Dopri8(),
        t0=0.0,
        t1=24.0,
        dt0=0.01,
        y0=jnp.asarray(start),
        saveat=diffrax.SaveAt(ts=jnp.asarray(hours)),
        stepsize_controller=diffrax.PIDController(rtol=1e-11, atol=1e-12),
    ).ys
    assert solved is not None
    np.testing.assert_allclose(found, [plain.observe(np.asarray(y)[:-1]) for y in solved], rtol=1e-8, atol=1e-8)


# --- published numbers -----------------------------------------------------------------------------------------


def course(kinetics: Kinetics, mg: float, hours: float, per_hour: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Plasma level after one dose, at a fine grid."""
    plan = kinetics.step_plan(jnp.asarray(1.0 / per_hour))

    def step(state: Any, _: None) -> tuple[Any, Any]:
        return kinetics.advance(state, plan), kinetics.exposure(state).plasma[0]

    n = int(hours * per_hour) + 1
    run = jax.jit(lambda start: jax.lax.scan(step, start, None, length=n))
    _, level = run(kinetics.tablet(kinetics.initial_state(), mg))
    return np.arange(n) / per_hour, np.asarray(level)


@pytest.mark.parametrize(
    ("oral_set", "absorption", "peak", "peak_h", "area", "at_8_h"),
    [
        ("oral_simon_2018", None, 106.9, 1.57, 862, 42.5),
        ("oral_adult_default", None, 138.7, 1.30, 877, 35.4),
        ("oral_chevillard_2018", None, 180.2, 1.23, 1250, 58.0),
        ("oral_wuis_1985", 1.0, 151.4, 1.31, 926, 39.6),
        ("oral_wuis_1985", 1.5, 176.2, 1.01, 926, 36.6),
    ],
)
def test_published_models_give_their_reference_course(
    oral_set: str, absorption: float | None, peak: float, peak_h: float, area: float, at_8_h: float
) -> None:
    oral = OralValues.from_records(oral_set)
    if absorption is not None:
        oral = dataclasses.replace(oral, absorption_rate=absorption)
    kinetics = Kinetics.typical(oral=oral)
    time, level = course(kinetics, 10.0, 120.0)
    assert level.max() == pytest.approx(peak, abs=0.1)
    assert time[level.argmax()] == pytest.approx(peak_h, abs=0.011)
    assert np.trapezoid(level, time) == pytest.approx(area, rel=1e-3)
    assert level[8 * 64] == pytest.approx(at_8_h, abs=0.06)


@pytest.mark.parametrize(
    ("mg", "peak", "trough", "mean"), [(10.0, 154, 59, 108), (20.0, 307, 118, 216), (25.0, 384, 148, 269)]
)
def test_three_tablets_a_day_reach_the_published_steady_state(
    mg: float, peak: float, trough: float, mean: float
) -> None:
    kinetics = Kinetics.typical(oral_set="oral_simon_2018")
    time, once = course(kinetics, mg, 96.0)
    level = sum(np.where(time >= 8.0 * i, np.interp(time - 8.0 * i, time, once), 0.0) for i in range(12))
    last = level[(time >= 80.0) & (time < 88.0)]
    assert (last.max(), last.min()) == (pytest.approx(peak, abs=0.6), pytest.approx(trough, abs=0.6))
    even = kinetics.exposure(kinetics.steady_state(tablets_mg_per_h=mg / 8)).plasma[0]
    assert float(even) == pytest.approx(mean, abs=0.6)


def test_wuis_1985_micro_constants_give_back_the_exponents() -> None:
    blood = Kinetics.typical(oral_set="oral_wuis_1985").blood
    alpha, beta, _ = blood.shear()
    assert float(blood.elimination_rate[0]) == pytest.approx(0.375, abs=5e-4)
    assert float(blood.to_peripheral[0]) == pytest.approx(0.449, abs=2e-3)
    assert float(blood.from_peripheral[0]) == pytest.approx(
        0.657, abs=3e-3
    )  # the records round Q and Vp to three digits
    assert float(alpha[0]) == pytest.approx(1.29, abs=5e-3)
    assert float(beta[0]) == pytest.approx(0.191, abs=1e-3)
    assert np.log(2) / float(beta[0]) == pytest.approx(3.63, abs=0.02)


@pytest.mark.parametrize(
    ("clcr", "relative", "half_life"),
    [(103, 1.0, 3.8), (65, 0.71, 5.3), (40, 0.53, 7.2), (20, 0.38, 10.1), (0, 0.23, 16.8)],
)
def test_kidney_function_cuts_clearance_as_published(clcr: float, relative: float, half_life: float) -> None:
    whole = Kinetics.typical()
    less = whole.with_creatinine_clearance(float(clcr))
    ratio = float(less.blood.clearance[0] / whole.blood.clearance[0])
    assert ratio == pytest.approx(relative, abs=0.006)
    litres = 0.74 * 59.0  # the table's volume, of Wuis 1985
    assert np.log(2) * litres / (133 * 0.06 * ratio) == pytest.approx(half_life, abs=0.06)


def test_the_label_of_the_pump_is_met() -> None:
    kinetics = Kinetics.typical(tip="T10")
    steady = kinetics.exposure(kinetics.steady_state(100 / 24))
    lumbar, cisternal = float(steady.spinal.csf_lumbar[0]), float(steady.spinal.csf_brain[0])
    assert lumbar / cisternal == pytest.approx(4.0, abs=0.5)
    assert 100 / 24 * 1000 / lumbar == pytest.approx(30, abs=3)  # apparent clearance, mL/h
    state = kinetics.bolus(kinetics.initial_state(), 50.0)
    first = float(kinetics.exposure(state).spinal.csf_lumbar[0])
    later = float(kinetics.exposure(kinetics.advance(state, kinetics.step_plan(4.0))).spinal.csf_lumbar[0])
    half_life = 4.0 * np.log(2) / np.log(first / later)
    assert half_life == pytest.approx(1.51, abs=0.15)


def test_plasma_on_the_pump_is_about_a_hundredth_of_that_on_tablets() -> None:
    kinetics = Kinetics.typical()
    pump = kinetics.exposure(kinetics.steady_state(infusion_ug_per_h=400 / 24)).plasma[0]
    tablets = kinetics.exposure(kinetics.steady_state(tablets_mg_per_h=60 / 24)).plasma[0]
    assert 0.003 < float(pump / tablets) < 0.03
    assert float(pump) < 5.0  # ng/mL, the label's upper end


def test_tablets_give_the_published_level_in_spinal_fluid() -> None:
    kinetics = Kinetics.typical(oral_set="oral_simon_2018")
    for mg_per_day, ng_per_ml in ((15, 6.5), (30, 13), (60, 26), (80, 34)):
        blood = kinetics.exposure(kinetics.steady_state(tablets_mg_per_h=mg_per_day / 24)).blood
        assert float(blood.csf_arm[0]) == pytest.approx(ng_per_ml, abs=0.6)


def test_one_well_mixed_pool_gives_the_consistency_numbers() -> None:
    values = IntrathecalValues.from_records()
    whole = values.geometry.total_volume
    mixed = dataclasses.replace(values, dispersion=1e7, csf_clearance_rate=30.0 / whole)
    kinetics = Kinetics.typical(intrathecal=mixed)
    for per_day, level in ((30, 42), (50, 69), (70, 97), (100, 139), (400, 556), (1200, 1667)):
        steady = kinetics.spinal.segments(kinetics.steady_state(per_day / 24).csf)
        np.testing.assert_allclose(np.asarray(steady), level, rtol=0.01)
