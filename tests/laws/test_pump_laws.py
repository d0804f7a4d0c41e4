"""What a pump and a spinal fluid must respect whatever is done to them: no drug is made, none is lost, nobody mixes."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eutonia.drug.kinetics import IntrathecalValues, Kinetics
from eutonia.drug.kinetics.follow import follow
from eutonia.drug.pump import Device, Program, ProgramStep, Therapy, Tube, play
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.rules import breaches
from eutonia.errors import StudyError

pytestmark = pytest.mark.laws

MODELS = tuple(Device.named(name) for name in ("SynchroMed II", "Prometra II"))
SYNCHROMED = MODELS[0]
rates = st.one_of(st.just(0.0), st.floats(0.2, 60.0))
strengths = st.sampled_from([500.0, 1000.0, 2000.0])

# Data only: objects are made inside the tests, where their types are checked.
program_data = st.one_of(
    st.tuples(st.just("simple"), rates),
    st.tuples(
        st.just("pulsatile"),
        st.tuples(rates, st.floats(1, 100), st.floats(0.05, 2.0)),
        st.lists(st.integers(0, 11), min_size=1, max_size=4, unique=True),
    ),
    st.tuples(st.just("flex"), *[st.lists(st.tuples(st.integers(0, 95), rates), max_size=8)] * 2, rates, st.booleans()),
)
KINDS = (
    "program", "minimum", "refill", "empty", "prime", "bridge", "flush", "kink", "leak", "disconnection", "repair",
    "magnet", "restart", "replacement", "other pump", "pocket", "entered", "aspiration", "revision", "allowed",
    "called",
)  # fmt: skip
event_data = st.tuples(
    st.sampled_from(KINDS),
    st.floats(0.0, 60.0 * 24),
    st.floats(0.0, 1.0),
    st.one_of(st.none(), st.floats(0.01, 1.0)),
    st.one_of(st.none(), strengths),
    program_data,
)
therapy_data = st.tuples(
    st.sampled_from([0, 1]),
    st.sampled_from([20.0, 40.0]),
    st.floats(10.0, 110.0),
    strengths,
    program_data,
    st.lists(event_data, max_size=10),
    st.floats(24.0, 70 * 24.0),
)


def program(given: tuple[Any, ...]) -> Program:
    kind, *more = given
    if kind == "simple":
        return Program.simple(more[0])
    if kind == "pulsatile":
        return Program.pulsatile(*more[0], [2.0 * t for t in more[1]])
    week, weekend, night, has_weekend = more
    days = [
        [ProgramStep(0.0, night), *(ProgramStep(q / 4.0, r) for q, r in sorted(dict(day).items()) if q > 0)]
        for day in (week, weekend)
    ]
    return Program.flex(days[0], days[1] if has_weekend else None)


def event(given: tuple[Any, ...]) -> happens.Event:
    kind, at, share, some, strength, told = given
    made: dict[str, happens.Event] = {
        "program": happens.Programmed(at, program(told)),
        "minimum": happens.Programmed(at, None),
        "refill": happens.Refill(at, strength, None if some is None else 20.0 * some),
        "empty": happens.Emptied(at),
        "prime": happens.Prime(at, some),
        "bridge": happens.Bridge(at, 1.0 + 40.0 * share),
        "flush": happens.Flush(at, some),
        "kink": happens.Kink(at, share),
        "leak": happens.Leak(at, share),
        "disconnection": happens.Leak(at, 1.0),
        "repair": happens.Repair(at),
        "magnet": happens.Magnet(at, 0.1 + 3.0 * share),
        "restart": happens.Restart(at),
        "replacement": happens.Replacement(at, strength),
        "other pump": happens.Replacement(at, strength, MODELS[share < 0.5], 40.0),
        "pocket": happens.PocketFill(at, strength, None if some is None else 20.0 * some),
        "entered": happens.Entered(at, strength or 500.0),
        "aspiration": happens.Aspiration(at, some),
        "revision": happens.Revision(at, 10.0 + 100.0 * share, "L1" if share < 0.5 else None),
        "allowed": happens.PatientBolus(at, 1.0 + 30.0 * share, 0.1, 1.0, 3),
        "called": happens.Activation(at),
    }
    return made[kind]


def therapy_of(given: tuple[Any, ...]) -> Therapy:
    model, reservoir, catheter, strength, first, more, duration = given
    begun = happens.Programmed(0.0, program(first))
    events = (begun, *map(event, more))
    assume(not happens.conflicts(events))
    return Therapy(
        device=MODELS[model],
        reservoir=reservoir,
        alarm_volume=2.0,
        catheter_cm=catheter,
        tip="T10",
        concentration=strength,
        origin="cerebral",
        events=events,
        duration_h=duration,
    )


@settings(max_examples=150)
@given(therapy_data, st.floats(-0.145, 0.145))
def test_drug_in_the_pump_is_conserved_whatever_is_done_to_it(told: tuple[Any, ...], error: float) -> None:
    therapy = therapy_of(told)
    course = play(therapy, flow_error=error)
    pump, ledger = course.pump, course.pump.ledger
    left = ledger.filled - ledger.withdrawn - ledger.delivered - ledger.leaked - ledger.pocket - pump.content
    assert abs(left) <= 1e-10 * ledger.filled
    assert min(ledger.withdrawn, ledger.delivered, ledger.leaked, ledger.pocket, pump.content) >= 0.0
    assert 0.0 <= pump.volume <= pump.reservoir
    # What the pieces say and what the ledger says is the same drug; the tubing keeps its volume.
    total = course.totals([0.0, therapy.duration_h + 1.0])
    assert total[1, 0] == pytest.approx(ledger.delivered, rel=1e-9, abs=1e-9 * ledger.filled)
    assert total[2, 0] == pytest.approx(ledger.leaked, rel=1e-9, abs=1e-9 * ledger.filled)
    assert pump.dead_volume == pytest.approx(course.implants[-1].dead_volume, rel=1e-9)
    assert all(a.end_h == b.start_h for a, b in pairwise(course.pieces))


@given(therapy_data, st.floats(0.1, 0.9))
def test_looking_in_between_changes_nothing(told: tuple[Any, ...], share: float) -> None:
    """A restart of a pump that runs is a mere look."""
    therapy = therapy_of(told)
    whole = tuple(one for one in therapy.events if not isinstance(one, happens.Magnet))
    look = happens.Restart(share * therapy.duration_h)
    assume(all(one.at_h != look.at_h for one in whole))
    events = (whole, (*whole, look))
    one, two = (play(dataclasses.replace(therapy, events=given)) for given in events)
    edges = np.linspace(0.0, therapy.duration_h, 20)
    np.testing.assert_allclose(one.totals(edges), two.totals(edges), rtol=1e-9, atol=1e-8 * one.pump.ledger.filled)


COMMANDS = happens.Programmed | happens.Prime | happens.Bridge


@settings(max_examples=100)
@given(therapy_data, st.floats(0.0, 1.0), st.booleans())
def test_after_a_stop_nothing_is_pumped_whatever_runs(told: tuple[Any, ...], share: float, is_minimum: bool) -> None:
    """A bridge, a prime, a bolus, a flex program, a fault: none of them outlives a stop; a hand may still flush."""
    at = share * told[-1]
    stop = happens.Programmed(at, None if is_minimum else Program.simple(0.0))
    therapy = therapy_of(told)
    kept = [one for one in therapy.events if one.at_h < at or not isinstance(one, COMMANDS | happens.Magnet)]
    assume(not happens.conflicts([*kept, stop]))
    course = play(dataclasses.replace(therapy, events=(*kept, stop)))
    after = [piece for piece in course.pieces if piece.start_h >= at + 0.02]  # a flush of that time takes a minute
    lowest = max(device.flow_minimum_mode for device in MODELS) if is_minimum else 0.0
    assert all(piece.flow <= lowest * (1 + 1e-9) for piece in after)


@settings(max_examples=60)
@given(therapy_data, st.data())
def test_the_order_in_which_events_are_written_never_matters(told: tuple[Any, ...], data: st.DataObject) -> None:
    """Many of them at one time: they happen in the order in which a clinic works."""
    therapy = therapy_of(told)
    times = st.sampled_from([0.0, 240.0, 240.0, 480.0])
    events = [dataclasses.replace(one, at_h=data.draw(times)) for one in therapy.events]
    mixed = data.draw(st.permutations(events))
    if happens.conflicts(events):
        assert happens.conflicts(mixed)
        with pytest.raises(StudyError, match="Allowed at one time"):
            dataclasses.replace(therapy, events=tuple(mixed))
        return
    one, two = (play(dataclasses.replace(therapy, events=tuple(given))) for given in (events, mixed))
    assert one == two
    assert breaches(one) == breaches(two)


careful_data = st.tuples(
    st.sampled_from([500.0, 1000.0]),
    st.floats(100.0, 180.0),
    st.lists(st.tuples(st.floats(24.0, 300.0), st.floats(-0.15, 0.145)), max_size=6),
    st.sampled_from([None, 500.0, 1000.0, 2000.0]),
    st.floats(-0.1, 0.1),
    st.floats(0.2, 2.0),
    st.booleans(),
)


@settings(max_examples=60)
@given(careful_data)
def test_a_careful_clinic_hears_nothing(told: tuple[Any, ...]) -> None:
    """Primed, titrated by the label, refilled in time, bridged to a new solution; short magnets, volumes found."""
    strength, dose, steps, new, error, magnet_h, is_drawn = told
    at, events = 10.0, [happens.Prime(10.0), happens.Programmed(10.0, Program.simple(dose / 24))]
    for wait, step in steps:
        at, dose = at + wait, min(max(dose * (1 + step), 97.0), 300.0)
        events.append(happens.Programmed(at, Program.simple(dose / 24)))
    events.append(happens.Magnet(at + 12.0, magnet_h))
    refill = at + 240.0
    so_far = play(made(strength, events, refill)).pump.volume
    found = 20.0 - (20.0 - so_far) * (1 + error)
    events.append(happens.Refill(refill, new, None, found if 0 <= found <= 20 and so_far > 2.5 else None))
    assume(so_far > 4.0)
    if new not in (None, strength):
        events.append(happens.Bridge(refill, dose / 24))
    if is_drawn:  # a test of the catheter, which is filled again
        tube = SYNCHROMED.catheter_volume(80.0)
        events += [happens.Aspiration(refill + 200.0), happens.Prime(refill + 200.0, tube)]
    course = play(made(strength, events, refill + 400.0))
    assert breaches(course) == ()


def made(strength: float, events: list[Any], end: float) -> Therapy:
    return Therapy(SYNCHROMED, 20.0, 2.0, 80.0, "T10", strength, "cerebral", tuple(events), end)


@settings(max_examples=60)
@given(st.floats(100.0, 600.0), st.floats(5.0, 40.0), st.floats(-0.6, 0.6), strengths)
def test_a_volume_found_gives_the_error_of_flow_back(dose: float, days: float, error: float, strength: float) -> None:
    events = [happens.Prime(0.0), happens.Programmed(0.0, Program.simple(dose / 24)), happens.Kink(48.0, 0.9)]
    end = days * 24.0
    truth = play(made(strength, events, end), flow_error=error)
    assume(truth.pump.volume > 0.0 and abs(error) > 1e-3)
    course = play(made(strength, [*events, happens.Refill(end, None, None, truth.pump.volume)], end))
    assert course.measured[0].flow_error == pytest.approx(error, abs=1e-9)
    assert course.pump.ledger.delivered == pytest.approx(truth.pump.ledger.delivered, rel=1e-9)


@given(
    st.lists(st.tuples(st.floats(0.001, 0.5), st.floats(0.0, 2000.0)), min_size=1, max_size=12),
    st.floats(0.05, 0.6),
)
def test_a_tube_gives_back_what_entered_a_volume_ago(pushes: list[tuple[float, float]], volume: float) -> None:
    """The cumulative amount out is the cumulative amount in, one tube volume earlier: plug flow, in one line."""
    tube, out = Tube.filled(volume, 7.0), 0.0
    entered = [(volume, 7.0), *pushes]
    for amount, strength in pushes:
        tube, gone = tube.push(amount, strength)
        out += gone
    edges = np.concatenate([[0.0], np.cumsum([amount for amount, _ in entered])])
    held = np.concatenate([[0.0], np.cumsum([amount * strength for amount, strength in entered])])
    assert out == pytest.approx(np.interp(edges[-1] - volume, edges, held), rel=1e-9, abs=1e-9)
    assert tube.volume == pytest.approx(volume, rel=1e-12)


@given(strengths, st.floats(3.0, 40.0), st.floats(20.0, 110.0), st.floats(0.1, 4.0))
def test_a_bridge_keeps_the_dose_at_the_tip(new: float, rate: float, catheter: float, later: float) -> None:
    """Whatever the concentrations, the old dose flows on until the first new drop arrives, and then the new dose."""
    pump, when = MODELS[1], 10 * 24.0  # a pump without a lowest flow, so that every dose can be given
    therapy = Therapy(
        device=pump,
        reservoir=20.0,
        alarm_volume=2.0,
        catheter_cm=catheter,
        tip="T10",
        concentration=1000.0,
        origin="spinal",
        events=(
            happens.Prime(0.0),
            happens.Programmed(0.0, Program.simple(rate)),
            happens.Refill(when, new),
            happens.Bridge(when, rate),
            happens.Programmed(when, Program.simple(1.1 * rate)),
        ),
        duration_h=when + 400.0,
    )
    course = play(therapy)
    length = therapy.dead_volume * 1000.0 / rate
    before, after = course.totals([when, when + length])[1], course.totals([when + length, when + length + later])[1]
    assert before[0] == pytest.approx(rate * length, rel=1e-9)
    assert after[0] == pytest.approx(1.1 * rate * later, rel=1e-6)


ADULT = Kinetics.typical(tip="T10", intrathecal=IntrathecalValues.neuraxis())


def lowest_level(kinetics: Kinetics, state: Any, rate: Any) -> Any:
    return jnp.min(kinetics.spinal.segments(state.csf))


@settings(max_examples=20)
@given(therapy_data)
def test_drug_is_conserved_from_the_pump_to_the_urine(told: tuple[Any, ...]) -> None:
    course = play(therapy_of(told), until_h=10 * 24.0)
    pieces = [piece for piece in course.pieces if piece.hours > 0]
    hours, rate = (np.array([getattr(piece, name) for piece in pieces]) for name in ("hours", "delivered"))
    state, lowest = follow(ADULT, ADULT.initial_state(), hours, rate, lowest_level)
    balance, ledger = ADULT.balance(state), course.pump.ledger
    known = ledger.withdrawn + ledger.leaked + ledger.pocket + course.pump.content + float(balance.total_ug[0])
    assert abs(known - ledger.filled) <= 1e-10 * ledger.filled
    assert lowest.min(initial=0.0) >= 0.0


def test_tissue_gives_back_what_it_takes() -> None:
    """A steady level does not depend on it, an area after a bolus neither; the first hours do."""
    values = IntrathecalValues.neuraxis()
    bare = dataclasses.replace(values, tissue_ratio=None, tissue_return_rate=None)
    held, free = (Kinetics.typical(intrathecal=one) for one in (values, bare))
    for rate in (2.0, 20.0):
        np.testing.assert_allclose(
            held.spinal.segments(held.steady_state(rate).csf),
            free.spinal.segments(free.steady_state(rate).csf),
            rtol=1e-12,
        )
    early = [k.advance(k.bolus(k.initial_state(), 50.0), k.step_plan(2.0)).csf[0, 0] for k in (held, free)]
    assert float(early[0]) < float(early[1])
    assert math.isclose(float(held.balance(held.bolus(held.initial_state(), 50.0)).total_ug[0]), 50.0, rel_tol=1e-12)
