"""What the records mean, one rule at a time: each against the doses written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from eutonia.drug import exposure
from eutonia.drug.exposure import Records

MODEL = exposure.model("one-compartment")
KE = 0.2


def amounts(*rows: tuple[float, dict[str, float]]) -> np.ndarray:
    """Return the central amount after each observation of a person; a row is a time and what is not 0 in it."""
    columns: dict[str, list[float]] = {}
    for key in {key for _, row in rows for key in row} | {"evid"}:
        absent = {"bioavailability": 1.0}.get(key, 0.0)
        columns[key] = [row.get(key, absent) for _, row in rows]
    records = Records.of(time=[time for time, _ in rows], **columns)
    values = {"CL": np.full(len(rows), KE), "V": np.ones(len(rows))}
    found = exposure.simulate(MODEL, records, values).amounts[:, 0]
    return found[records.evid == 0]


def left(*doses: tuple[float, float], at: float) -> float:
    """Return what boluses (time, amount) leave at a time."""
    return sum(amount * np.exp(-KE * (at - time)) for time, amount in doses if time <= at)


SEE: dict[str, float] = {"evid": 0}
DOSE: dict[str, float] = {"evid": 1, "amount": 10.0}


def test_an_observation_sees_the_doses_above_it_only() -> None:
    assert amounts((0, SEE), (0, DOSE), (0, SEE), (5, SEE)) == pytest.approx([0, 10, left((0, 10), at=5)])


def test_an_additional_dose_comes_before_a_record_of_its_time_but_for_rounding() -> None:
    rows = ((0.1, {**DOSE, "additional": 2, "interval": 0.1}), (0.3, SEE), (0.30001, SEE))
    seen = amounts(*rows)
    assert seen[0] == pytest.approx(left((0.1, 10), (0.2, 10), (0.3, 10), at=0.3 + 1e-12))
    assert 0.1 + 2 * 0.1 > 0.3 or seen[0] > 29  # the third dose is there in spite of rounding


def test_a_reset_cancels_what_is_to_come_and_starts_the_clock_anew() -> None:
    more = {**DOSE, "additional": 5, "interval": 4.0, "lag": 1.0}
    seen = amounts((0, more), (6, SEE), (7, {"evid": 3}), (20, SEE), (0, {**DOSE, "evid": 4}), (3, SEE))
    assert seen == pytest.approx([left((1, 10), (5, 10), at=6), 0, left((0, 10), at=3)])


def test_a_reset_stops_an_infusion() -> None:
    run = {**DOSE, "rate": 1.0}
    assert amounts((0, run), (4, {"evid": 3}), (6, SEE)) == pytest.approx([0])


def test_bioavailability_acts_on_duration_or_on_rate() -> None:
    half = {**DOSE, "bioavailability": 0.5}
    steady = 2.0 / KE
    fixed_rate = amounts((0, {**half, "rate": 2.0}), (2.5, SEE), (3.5, SEE))
    peak = steady * (1 - np.exp(-KE * 2.5))
    assert fixed_rate == pytest.approx([peak, peak * np.exp(-KE)])
    modelled = amounts((0, {**half, "rate": -1, "modelled_rate": 2.0}), (2.5, SEE), (3.5, SEE))
    assert modelled == pytest.approx(fixed_rate)
    fixed_duration = amounts((0, {**half, "rate": -2, "modelled_duration": 5.0}), (5, SEE))
    assert fixed_duration == pytest.approx([1.0 / KE * (1 - np.exp(-KE * 5))])


def test_steady_state_replaces_or_adds() -> None:
    trough = 10 / (1 - np.exp(-KE * 8)) * np.exp(-KE * 8)
    repeated = {**DOSE, "interval": 8.0}
    before = (0, {**DOSE, "amount": 100.0})
    replaced = amounts(before, (1, {**repeated, "steady": 1}), (1, SEE), (9, SEE))
    assert replaced == pytest.approx([trough + 10, trough])
    added = amounts(before, (1, {**repeated, "steady": 2}), (1, SEE))
    assert added == pytest.approx([100 * np.exp(-KE) + trough + 10])


@pytest.mark.parametrize("lag", [0.0, 3.0, 8.0, 19.0])
def test_steady_state_is_what_many_doses_lead_to_also_with_a_lag_beyond_the_interval(lag: float) -> None:
    many = [(-8.0 * k + lag, 10.0) for k in range(200)]
    seen = amounts((0, {**DOSE, "steady": 1, "interval": 8.0, "lag": lag}), *((t, SEE) for t in (0, 2.5, 7, 30)))
    assert seen == pytest.approx([left(*many, at=t) for t in (0, 2.5, 7, 30)])


@pytest.mark.parametrize("lasts", [3.0, 8.0, 21.0])
def test_steady_state_of_infusions_also_longer_than_the_interval(lasts: float) -> None:
    rate = 10.0 / lasts

    def run(begun: float, at: float) -> float:
        on = min(at - begun, lasts)
        return rate / KE * (1 - np.exp(-KE * on)) * np.exp(-KE * max(at - begun - lasts, 0)) if on > 0 else 0.0

    times = (0, 2.0, 5.0, 14.0, 40.0)
    seen = amounts((0, {**DOSE, "rate": rate, "steady": 1, "interval": 8.0}), *((t, SEE) for t in times))
    assert seen == pytest.approx([sum(run(-8.0 * k, t) for k in range(300)) for t in times])


def test_a_constant_infusion_ends_at_its_record() -> None:
    constant = {"evid": 1, "rate": 3.0, "steady": 1, "bioavailability": 0.1}
    assert amounts((2, constant), (2, SEE), (5, SEE)) == pytest.approx([3 / KE, 3 / KE * np.exp(-KE * 3)])


def test_steady_state_with_two_leaves_what_runs_and_with_one_cancels_it() -> None:
    run = (0, {**DOSE, "rate": 1.0})
    for steady, running in ((1, 0.0), (2, 1.0)):
        seen = amounts(run, (4, {**DOSE, "amount": 1e-9, "steady": steady, "interval": 8.0}), (6, SEE), (8, SEE))
        kept = running / KE * (1 - np.exp(-KE * 6))
        assert seen[0] == pytest.approx(kept, abs=1e-6)


def test_a_covariate_holds_over_the_interval_that_its_record_ends() -> None:
    records = Records.of(time=[0, 2, 6], evid=[1, 2, 0], amount=[10, 0, 0])
    values = {"CL": np.array([5.0, 0.1, 0.3]), "V": np.ones(3)}
    found = exposure.simulate(MODEL, records, values).amounts[2, 0]
    assert found == pytest.approx(10 * np.exp(-0.1 * 2 - 0.3 * 4))
