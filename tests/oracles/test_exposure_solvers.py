"""The parts of exposure against general solvers, against the clock of the trial engine, and against each other."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from drug_examples import advanced
from scipy.integrate import solve_ivp

from eutonia import parameters
from eutonia.drug import exposure
from eutonia.drug.exposure import Records
from eutonia.drug.exposure.system import System
from eutonia.drug.kinetics import Kinetics

TIGHT = {"method": "DOP853", "rtol": 1e-12, "atol": 1e-14}


def of_everybody(model: exposure.KineticModel, n: int, **given: float) -> dict[str, np.ndarray]:
    return {one.name: np.full(n, given.get(one.name, one.default)) for one in model.quantities}


def test_kidneys_dialysis_and_infusions_agree_with_a_tight_solver() -> None:
    model = exposure.model("baclofen-oral-wuis-1985")
    time = np.array([0.0, 3.0, 9.0, 13.0, 30.0])
    kidneys, dialysis = np.array([20.0, 20.0, 15.0, 15.0, 80.0]), np.array([0.0, 0.0, 0.0, 128.0, 0.0])
    values = {**of_everybody(model, 5), "CRCL": kidneys, "HD": dialysis}
    records = Records.of(
        time=time, evid=[1, 0, 0, 0, 0], amount=[25, 0, 0, 0, 0], rate=[5.0, 0, 0, 0, 0], bioavailability=0.74
    )
    found = exposure.simulate(model, records, values).amounts
    at = {name: float(one[0]) for name, one in values.items()}
    state, now = np.zeros(4), 0.0
    edges = sorted({*time, 25 * 0.74 / 5.0})
    for end in edges[1:]:
        record = int(np.searchsorted(time, end))  # the record that ends the interval
        clearance = at["CL"] * (30.0 + kidneys[record]) / 133.0 + 0.06 * dialysis[record]
        rate = 5.0 if end <= 25 * 0.74 / 5.0 else 0.0

        def change(_t: float, x: np.ndarray, cl: float = clearance, rate: float = rate) -> list[float]:
            absorbed, out, back = at["KA"] * x[0], at["Q"] / at["VC"] * x[1], at["Q"] / at["VP"] * x[2]
            gone = cl / at["VC"] * x[1]
            return [rate - absorbed, absorbed - gone - out + back, out - back, gone]

        state, now = solve_ivp(change, (now, end), state, **TIGHT).y[:, -1], end
        if end in time:
            row = int(np.flatnonzero(time == end)[0])
            assert found[row] == pytest.approx(state, rel=1e-9)


@pytest.mark.parametrize("oral_set", [name for name in parameters.sets() if name.startswith("oral_")])
def test_an_oral_model_is_the_one_that_trials_use(oral_set: str) -> None:
    name = next(one for one in exposure.names() if exposure.model(one).title == parameters.load(oral_set).title)
    model = exposure.model(name)
    weight, kidneys = 30.0, None if model.structure.per_weight else 60.0
    given = {"WT": weight, "CRCL": kidneys or 0.0}
    people = Kinetics.typical(1, weight_kg=weight, creatinine_clearance=kidneys, oral_set=oral_set)
    state = advanced(people, people.tablet(people.initial_state(), 10.0), people.step_plan(5.0))
    records = Records.of(time=[0.0, 5.0], evid=[1, 0], amount=[10.0, 0.0], bioavailability=model.bioavailability)
    values = of_everybody(model, 2, **given)
    found = exposure.simulate(model, records, values).amounts[1]
    volume = float(model.structure.volume({name: jnp.asarray(one[:1]) for name, one in values.items()})[0])
    level = model.per_litre[1] * found[model.structure.central] / volume
    assert level == pytest.approx(float(people.exposure(state).plasma[0]), rel=1e-10)


LINE = exposure.model("baclofen-intrathecal")


@pytest.mark.parametrize(("access", "cmt"), [("catheter", 3), ("lumbar puncture", 8)])
def test_the_spinal_fluid_is_that_of_the_trials(access: str, cmt: int) -> None:
    """A bolus of 50 ug and an infusion of 4 ug/h through the catheter at T10, seen while it runs and after it."""
    people = Kinetics.typical(1, creatinine_clearance=60.0, tip="T10")
    state = people.bolus(people.initial_state(), 50.0, access)
    expected = []
    for hours, rate in ((0.0, 0.0), (0.7, 4.0), (23.3, 4.0), (9.0, 0.0)):
        state = advanced(people, state, people.step_plan(hours), jnp.asarray(rate))
        levels = np.asarray(people.spinal.segments(state.csf))[:, 0]
        expected.append([*levels, float(people.exposure(state).plasma[0])])
    time = [0.0, 0.0, 0.0, 0.7, 24.0, 33.0]
    records = Records.of(
        time=time,
        evid=[1, 0, 1, 0, 0, 0],
        amount=[50, 0, 96, 0, 0, 0],
        rate=[0, 0, 4.0, 0, 0, 0],
        into=[cmt - 1, 0, 2, 0, 0, 0],
    )
    values = of_everybody(LINE, 6, CRCL=60.0)
    found = exposure.simulate(LINE, records, values).amounts[[1, 3, 4, 5]]
    spaces = LINE.structure.volumes({name: jnp.asarray(one[:1]) for name, one in values.items()})
    levels = np.array([found[:, place] / float(volume[0]) for place, volume in spaces.values()]).T
    assert list(spaces)[-1] == "PLASMA"
    np.testing.assert_allclose(levels, expected, rtol=1e-10, atol=1e-12)


def test_a_puncture_spreads_by_the_values_of_its_own_record() -> None:
    """Two punctures at one time, of which the second carries more out of the sac: each by the values of its record."""
    values = of_everybody(LINE, 3) | {"LPOUT": np.array([0.2, 0.9, 0.1])}
    records = Records.of(time=[0.0, 0.0, 0.0], evid=[1, 1, 0], amount=[50, 30, 0], into=[7, 7, 0])
    found = exposure.simulate(LINE, records, values).amounts[2]
    assert found[:3] == pytest.approx([50 * 0.8 + 30 * 0.1, 0.6 * (50 * 0.2 + 30 * 0.9), 0.4 * (50 * 0.2 + 30 * 0.9)])
    assert found[3:] == pytest.approx(np.zeros(len(found) - 3), abs=1e-12)


def test_saturable_absorption_agrees_with_a_tight_solver_and_with_the_linear_limit() -> None:
    model = exposure.model("two-compartment-saturable")
    linear = exposure.model("two-compartment-oral")
    base = {"CL": 8.0, "VC": 25.0, "Q": 9.0, "VP": 30.0}
    dose = {"time": [0.0, 2.0, 11.0, 30.0], "evid": [1, 0, 0, 0], "amount": [60.0, 0, 0, 0], "steady": [1, 0, 0, 0]}
    records = Records.of(**dose, interval=[12.0, 0, 0, 0], lag=[0.5, 0, 0, 0])
    narrow = exposure.simulate(model, records, of_everybody(model, 4, **base, VMAX=9.0, KM=6.0)).amounts

    def change(_t: float, x: np.ndarray) -> list[float]:
        absorbed, out, back = 9.0 * x[0] / (6.0 + x[0]), 9.0 / 25.0 * x[1], 9.0 / 30.0 * x[2]
        gone = 8.0 / 25.0 * x[1]
        return [-absorbed, absorbed - gone - out + back, out - back, gone]

    state = np.zeros(4)
    for _ in range(60):  # sixty doses make a steady state by hand
        state[0] += 60.0
        state = solve_ivp(change, (0.0, 12.0), state, method="LSODA", rtol=1e-10, atol=1e-12).y[:, -1]
    state[0] += 60.0
    for row, hours in ((1, 1.5), (2, 10.5), (3, 29.5)):
        expected = solve_ivp(change, (0.0, hours), state, **TIGHT).y[:3, -1]
        assert narrow[row, :3] == pytest.approx(expected, rel=1e-7, abs=1e-9)

    wide = exposure.simulate(model, records, of_everybody(model, 4, **base, VMAX=1.3e7, KM=1e7)).amounts
    limit = exposure.simulate(linear, records, of_everybody(linear, 4, **base, KA=1.3)).amounts
    assert wide[1:] == pytest.approx(limit[1:], rel=1e-4)

    hopeless = exposure.simulate(model, records, of_everybody(model, 4, **base, VMAX=2.0, KM=6.0))
    assert np.isnan(hopeless.amounts).all()
    assert "no steady state" in hopeless.failed[0]


@pytest.mark.parametrize(
    ("k10", "outward", "back"),
    [
        (0.3, (0.4, 0.4), (0.2, 0.2)),  # two peripheral compartments that are one
        (0.3, (0.4, 0.1), (0.3, 0.3)),
        (0.3, (1e-7, 0.4), (0.3, 0.2)),  # one that hardly exchanges
        (1e-4, (5.0, 0.01), (8.0, 1e-3)),  # rates over four decades
        (2.0, (0.01, 0.02), (0.5, 2.0 + 1e-9)),
    ],
)
def test_three_compartments_where_rates_meet_or_lie_apart(
    k10: float, outward: tuple[float, float], back: tuple[float, float]
) -> None:
    one = [jnp.asarray([x]) for x in (k10, *outward, *back)]
    system = System((), one[0], (one[1], one[2]), (one[3], one[4]))
    start = jnp.asarray([[10.0], [3.0], [0.5], [0.0]])
    found = np.asarray(system.advance(start, jnp.asarray([5.0]), jnp.asarray([[1.0], [0.0], [0.2]]), 12))[:, 0]

    def change(_t: float, x: np.ndarray) -> list[float]:
        out2, out3, in2, in3 = outward[0] * x[0], outward[1] * x[0], back[0] * x[1], back[1] * x[2]
        return [1.0 - k10 * x[0] - out2 - out3 + in2 + in3, out2 - in2, 0.2 + out3 - in3, k10 * x[0]]

    expected = solve_ivp(change, (0.0, 5.0), np.asarray(start)[:, 0], **TIGHT).y[:, -1]
    assert found == pytest.approx(expected, rel=1e-10)
