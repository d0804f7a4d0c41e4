"""Laws of exposure, whatever the model: mass is conserved, doses superpose, and people do not touch each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia.drug import exposure
from eutonia.drug.exposure import Records
from eutonia.drug.exposure.occasions import vary

VALUES = {"CL": 8.0, "V": 40.0, "VC": 25.0, "Q": 9.0, "VP": 30.0, "Q2": 2.0, "VP2": 80.0, "KA": 1.3, "MTT": 0.8}
VALUES |= {"VMAX": 12.0, "KM": 5.0}
VALUES |= {"KCSF": 0.3, "DISP": 90.0, "VCSF": 107.0, "LPOUT": 0.2, "LPNEAR": 0.6, "CRCL": 60.0, "HD": 0.0}
TIMES = np.array([0.0, 0.5, 2.0, 7.0, 7.0, 12.0, 24.0, 24.0, 31.0, 60.0, 300.0])
DOSED = np.array([1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0])
# One model of each shape; the others differ in the number of compartments alone.
NAMES = (
    "three-compartment",
    "one-compartment-oral",
    "two-compartment-transit",
    "one-compartment-saturable",
    "baclofen-intrathecal",
)
LAST = {"baclofen-intrathecal": 7}  # the lumbar puncture, which is spread over three segments


def model_of(name: str) -> exposure.KineticModel:
    model = exposure.model(name)
    return model.with_transit_steps(1) if "transit" in name else model


def simulated(name: str, **columns: object) -> np.ndarray:
    records = Records.of(**columns)
    values = {one.name: np.full(len(records), VALUES[one.name]) for one in model_of(name).quantities}
    return exposure.simulate(model_of(name), records, values).amounts


doses = st.fixed_dictionaries(
    {
        "amount": st.lists(st.floats(0.5, 100), min_size=3, max_size=3),
        "rate": st.lists(st.sampled_from([0.0, 3.0, 40.0, -1.0, -2.0]), min_size=3, max_size=3),
        "lag": st.lists(st.sampled_from([0.0, 0.3, 6.5]), min_size=3, max_size=3),
        "additional": st.lists(st.integers(0, 3), min_size=3, max_size=3),
        "bioavailability": st.lists(st.floats(0.1, 1.0), min_size=3, max_size=3),
        "into": st.integers(0, 1),
    }
)


def spread(given: dict[str, object], name: str) -> dict[str, object]:
    """Return the columns of a table in which three dose records get these doses."""
    into = int(given["into"]) * LAST.get(name, 1) % len(model_of(name).structure.inputs)  # type: ignore[call-overload]
    columns: dict[str, object] = {"time": TIMES, "evid": DOSED, "interval": np.where(DOSED, 5.0, 0.0)}
    columns |= {"into": np.full(len(TIMES), into), "modelled_rate": np.full(len(TIMES), 6.0)}
    columns["modelled_duration"] = np.full(len(TIMES), 2.5)
    for key in ("amount", "rate", "lag", "additional", "bioavailability"):
        column = np.zeros(len(TIMES))
        column[DOSED == 1] = given[key]
        columns[key] = column
    return columns


def entered(columns: dict[str, object]) -> np.ndarray:
    """Return what has entered the body by each time, dose by dose."""
    total = np.zeros(len(TIMES))
    table = {key: np.asarray(column) for key, column in columns.items()}
    for i in np.flatnonzero(DOSED):
        amount, rate = table["amount"][i] * table["bioavailability"][i], table["rate"][i]
        lasts = {0.0: 0.0, -1.0: amount / 6.0, -2.0: 2.5}.get(rate, amount / rate if rate else 0.0)
        for j in range(int(table["additional"][i]) + 1):
            begun = TIMES - (TIMES[i] + table["lag"][i] + 5.0 * j)
            # At one time a record sees the doses above it, and those that come at times of their own.
            seen = (begun > 0) | ((begun == 0) & ((j > 0) | (table["lag"][i] > 0) | (np.arange(len(TIMES)) > i)))
            total += amount * (np.clip(begun / lasts, 0, 1) if lasts else seen)
    return total


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=5)
@given(doses)
def test_what_entered_is_in_the_body_or_eliminated(name: str, given: dict[str, object]) -> None:
    columns = spread(given, name)
    found, expected = simulated(name, **columns), entered(columns)
    bar = 1e-8 if "saturable" in name else 1e-10
    seen = DOSED == 0
    assert found[seen].sum(axis=1) == pytest.approx(expected[seen], rel=bar, abs=bar * max(expected))
    assert (found[seen] >= -1e-12 * expected.max()).all()
    assert (np.diff(found[seen, -1]) >= -1e-12 * expected.max()).all()


@settings(max_examples=8)
@given(doses, st.lists(st.floats(0.5, 100), min_size=3, max_size=3), st.floats(0.1, 5.0))
def test_doses_superpose_and_scale(given: dict[str, object], others: list[float], factor: float) -> None:
    given |= {"rate": [-2.0 if rate else 0.0 for rate in given["rate"]]}  # type: ignore[attr-defined]
    first, second = np.array(given["amount"]), np.array(others)

    def found(amount: np.ndarray) -> np.ndarray:
        return simulated("three-compartment", **spread({**given, "amount": amount}, "three-compartment"))[DOSED == 0]

    expected = found(first) + factor * found(second)
    assert found(first + factor * second) == pytest.approx(expected, rel=1e-10, abs=1e-10 * expected.max())


@given(st.permutations(range(5)))
@settings(max_examples=5)
def test_nobody_depends_on_who_else_is_there(order: list[int]) -> None:
    amounts = np.array([1.0, 10.0, 20.0, 40.0, 7.0])
    alone = [people_of([amount]) for amount in amounts]
    together = people_of(amounts[order])
    for place, person in enumerate(order):
        assert (together[3 * place : 3 * place + 3] == alone[person])[1:].all()


def people_of(amounts: object) -> np.ndarray:
    each = np.asarray(amounts)
    zeros = np.zeros((len(each), 2))
    return simulated(
        "one-compartment-oral",
        person=np.repeat(np.arange(len(each)), 3),
        time=np.tile([0.0, 1.0, 400.0], len(each)),
        evid=np.tile([1, 0, 0], len(each)),
        amount=np.concatenate([each[:, None], zeros], axis=1).ravel(),
    )


def test_luck_between_occasions_belongs_to_person_and_occasion() -> None:
    model = exposure.model("baclofen-oral-simon-2018")
    values = {one.name: np.full(6, one.default or 1.0) for one in model.quantities}
    occasion = np.array([1, 1, 2, 1, 2, 2])
    drawn = vary(model, values, {"CL": 0.2}, ["a", "a", "a", "b", "b", "b"], occasion, seed=3)
    cl = drawn["CL"]
    assert cl[0] == cl[1] != cl[2]
    assert cl[4] == cl[5] != cl[3] != cl[0]
    assert (drawn["V"] == values["V"]).all()
    fewer = vary(model, {k: x[3:] for k, x in values.items()}, {"CL": 0.2}, ["b"] * 3, occasion[3:], seed=3)
    assert (fewer["CL"] == cl[3:]).all()
    draws = np.log([vary(model, values, {"CL": 0.3}, ["a"] * 6, occasion, seed)["CL"][:3:2] for seed in range(200)])
    assert np.std(draws) == pytest.approx(np.sqrt(np.log1p(0.09)), rel=0.15)
    assert abs(np.mean(draws) - np.log(values["CL"][0])) < 0.05
