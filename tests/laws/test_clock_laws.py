"""One clock, one therapy: a case plays the pump of a pump program, whatever the program does."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import Array, Float

from eutonia.drug.kinetics import Kinetics, KineticState
from eutonia.drug.kinetics.follow import follow
from eutonia.drug.kinetics.state import Patients
from eutonia.drug.pump import Delivery, play
from eutonia.study.design import CaseStudy, load_study, parse_study
from eutonia.study.pump_file import load_therapy, parse_therapy
from eutonia.trial.case import _Case, people_of_case, run_case
from eutonia.trial.case_pump import CasePumpCourse

pytestmark = pytest.mark.laws

PROGRAM = """\
[therapy]
name = "p"
title = "A pump"
origin = "spinal"
duration = "40 day"

[pump]
model = "SynchroMed II"
product = "Gablofen"
reservoir = "20 mL"
concentration = "1000 ug/mL"
catheter = "82 cm"
tip = "T10"
"""
PRIME = '[[event]]\nat = "10 hour"\nkind = "prime"\n'
PLAIN = '[[event]]\nat = "10 hour"\nkind = "simple"\nrate = "240 ug/day"\n'
FLEX = """\
[[event]]
at = "2 day"
kind = "flex"
steps = [
  { from = "00:00", rate = "15 ug/h" },
  { from = "06:00", rate = "8 ug/h" },
  { from = "22:00", rate = "15 ug/h" },
]
"""
CALLS = """\
[[event]]
at = "3 day"
kind = "patient bolus"
dose = "12 ug"
over = "10 min"
lockout = "4 hour"
most_a_day = 3

[[event]]
at = "4 day"
kind = "activation"
every = "1 hour"
until = "7 day"
"""
STOP = '[[event]]\nat = "144.5 hour"\nkind = "stop"\n'
CASE = """\
[study]
name = "c"
title = "One person"
kind = "case"
seed = 3
[patient]
age = "40 year"
weight = "70 kg"
sex = "man"
creatinine_clearance = "100 mL/min"
side = "left"
[lesion]
kind = "spinal cord injury"
level = "T6"
completeness = 0.8
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["ashworth"]
rater = "noiseless"
"""
BEGUN_H = 100 * 24.0


def case(folder: Path, *events: str, duration: str = "112 day", every: str = "5 day", more: str = "") -> CaseStudy:
    """Return a case whose pump program has these events."""
    (folder / "p.toml").write_text(PROGRAM + "\n".join(events), encoding="utf-8")
    text = f'{CASE}[case]\nduration = "{duration}"\nexamine_every = "{every}"\n'
    text += f'[therapy]\nprogram = "p.toml"\nimplanted = "100 day"\n{more}'
    (folder / "c.toml").write_text(text, encoding="utf-8")
    study = load_study(folder / "c.toml")
    assert isinstance(study, CaseStudy)
    return study


def followed(kinetics: Kinetics, course: Delivery) -> tuple[KineticState, np.ndarray]:
    """Return the last state, and the level of every segment, if a pump's pieces are followed without a clock."""

    def look(of: Kinetics, state: KineticState, _: Patients) -> Float[Array, "segment patient"]:
        return of.spinal.segments(state.csf)

    pieces = [piece for piece in course.pieces if piece.hours > 0]
    hours, rate = (np.array([getattr(piece, name) for piece in pieces]) for name in ("hours", "delivered"))
    state, seen = follow(kinetics, kinetics.initial_state(), hours, rate, look)
    return state, seen[-1]


def gone_through(study: CaseStudy, at_h: float) -> _Case:
    """Return a case that has been taken to a time."""
    found = _Case(study)
    found.advance(at_h)
    return found


def gone_through_events(study: CaseStudy, at_h: float) -> _Case:
    """Return a case that has been taken to a time by way of its events."""
    found = _Case(study)
    for event in study.events:
        found.advance(event.at_h)
        found.act(event)
    found.advance(at_h)
    return found


@pytest.mark.parametrize("events", [(PRIME, PLAIN), (PRIME, PLAIN, FLEX, CALLS), (PRIME, PLAIN, FLEX, CALLS, STOP)])
def test_the_drug_of_a_case_is_that_of_its_pump_program(tmp_path: Path, events: tuple[str, ...]) -> None:
    """Steps of the clock, looks and events in between change nothing: kinetics are exact."""
    study = case(tmp_path, *events)
    found = gone_through(study, BEGUN_H + 6.2 * 24.0)
    course = play(load_therapy(tmp_path / "p.toml"), until_h=6.2 * 24.0)
    _, expected = followed(found.kinetics, course)
    now = np.asarray(found.kinetics.spinal.segments(found.clock.state.drug.csf))
    assert now.max() > 1.0
    np.testing.assert_allclose(now, expected, rtol=1e-9)


def test_no_drug_is_lost_between_pump_and_person(tmp_path: Path) -> None:
    refill = '[[event]]\nat = "8 day"\nkind = "refill"\nconcentration = "2000 ug/mL"\n'
    bridge = '[[event]]\nat = "8 day"\nkind = "bridge"\nkeeps = "248 ug/day"\n'
    study = case(tmp_path, PRIME, PLAIN, FLEX, CALLS, refill, bridge)
    found = gone_through(study, BEGUN_H + 10 * 24.0)
    given = play(load_therapy(tmp_path / "p.toml"), until_h=240.0).pump.ledger.delivered
    inside = np.asarray(found.kinetics.balance(found.clock.state.drug).total_ug)
    assert given > 2000.0
    np.testing.assert_allclose(inside, given, rtol=1e-9)


def test_after_a_stop_nothing_is_pumped_whatever_is_called(tmp_path: Path) -> None:
    result = run_case(case(tmp_path, PRIME, PLAIN, FLEX, CALLS, STOP))
    time, dose = result.course["time_h"].to_numpy(), result.course["dose_rate"].to_numpy()
    assert dose[(time > BEGUN_H + 72) & (time < BEGUN_H + 144)].max() > 1000.0  # a bolus was seen
    assert not dose[time >= BEGUN_H + 144.5].any()
    stopped = next(k for k, (at, _) in enumerate(result.events) if at == BEGUN_H + 144.5)
    assert "refused" in " ".join(label for _, label in result.events[stopped - 1 :])
    assert "abrupt stop" in {one.rule for one in result.broken}
    assert result.withdrawal  # days without drug are told


def test_a_pause_of_a_program_is_no_withdrawal(tmp_path: Path) -> None:
    """Between the boluses of a program nothing flows for hours; that is how it is meant."""
    pulses = '[[event]]\nat = "2 day"\nkind = "scheduled bolus"\nbasal = "0 ug/h"\ndose = "60 ug"\nover = "1 hour"\n'
    result = run_case(case(tmp_path, PRIME, PLAIN, pulses + 'times = ["00:00", "06:00", "12:00", "18:00"]\n'))
    assert not result.withdrawal


def test_nothing_of_the_drug_depends_on_who_looks(tmp_path: Path) -> None:
    often, seldom = (case(tmp_path, PRIME, PLAIN, FLEX, CALLS, every=every) for every in ("12 hour", "56 day"))
    courses = [run_case(study).course.sel(time_h=112 * 24.0) for study in (often, seldom)]
    for name in ("csf_leg", "receptor_effect", "sensitivity", "ashworth"):
        assert np.array_equal(courses[0][name].to_numpy(), courses[1][name].to_numpy()), name


def test_a_call_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    one = '[[event]]\nat = "4 day"\nkind = "activation"\n'
    more = "".join(f'[[event]]\nat = "{96.37 + 0.4 * k:.2f} hour"\nkind = "activation"\n' for k in range(8))
    rules = "[[event]]" + CALLS.split("[[event]]")[1]
    found = [gone_through(case(tmp_path, PRIME, PLAIN, FLEX, rules, one, also), BEGUN_H + 150.0) for also in ("", more)]
    assert sum("refused" in label for label in (text for _, text in found[1].events)) == 1
    states = [jax.tree.leaves(one.clock.state) for one in found]
    assert all(np.array_equal(a, b) for a, b in zip(*states, strict=True))


@settings(max_examples=25, deadline=None)
@given(
    presses=st.lists(st.floats(73.0, 200.0), min_size=1, max_size=60, unique_by=lambda at: round(at, 3)),
    lockout=st.sampled_from([0.5, 1.0, 4.0, 11.0]),
    most=st.integers(1, 5),
)
def test_lockout_and_number_hold_whatever_the_presses(presses: list[float], lockout: float, most: int) -> None:
    rules = CALLS.split("[[event]]")[1].replace("4 hour", f"{lockout} hour").replace("= 3", f"= {most}")
    calls = "".join(f'[[event]]\nat = "{at:.3f} hour"\nkind = "activation"\n' for at in sorted(presses))
    pump = CasePumpCourse(parse_therapy(f"{PROGRAM}{PRIME}{PLAIN}{FLEX}[[event]]{rules}{calls}"), is_named=True)
    given_h = [turn.time_h for turn in pump.turns if turn.says("called")]
    assert given_h, "the first press is given"
    assert all(b - a >= lockout - 1e-6 for a, b in pairwise(given_h))
    assert all(sum(a <= at < a + 24.0 - 1e-6 for at in given_h) <= most for a in given_h)
    flown = pump.delivery.totals([72.0, 240.0])[1, 0]
    plain = play(parse_therapy(f"{PROGRAM}{PRIME}{PLAIN}{FLEX}")).totals([72.0, 240.0])[1, 0]
    assert flown - plain == pytest.approx(12.0 * len(given_h), rel=1e-6)


def test_a_revision_moves_the_tip_of_the_person(tmp_path: Path) -> None:
    revision = '[[event]]\nat = "5 day"\nkind = "revision"\ntip = "C5"\n[[event]]\nat = "5 day"\nkind = "prime"\n'
    study = case(tmp_path, PRIME, PLAIN, revision)
    before, after = (people_of_case(study, BEGUN_H + day * 24.0) for day in (4.9, 9.0))
    ratio = [np.mean(np.asarray(one[1].csf_arm / one[1].csf_leg)) for one in (before, after)]
    assert ratio[0] < 1.0 < ratio[1]


def test_a_session_clears_the_blood_and_loses_nothing(tmp_path: Path) -> None:
    """With failing kidneys a session takes away in hours what the body takes days for."""
    tablets = (
        '[[event]]\nat = "1 day"\nkind = "tablets"\nproduct = "baclofen tablets"\ndose = "10 mg"\nevery = "8 hour"\n'
    )
    kidneys = CASE.replace("100 mL/min", "8 mL/min") + '[case]\nduration = "12 day"\nexamine_every = "1 day"\n'
    sessions = '[[event]]\nat = "5 day"\nkind = "dialysis"\nevery = "48 hour"\nuntil = "9 day"\n'
    with_it, without = (parse_study(kidneys + tablets + more) for more in (sessions, ""))
    assert isinstance(with_it, CaseStudy)
    assert isinstance(without, CaseStudy)
    at = 5 * 24.0 + 4.0
    levels = [np.asarray(people_of_case(one, hour)[1].plasma) for one, hour in ((with_it, at), (without, at))]
    assert np.all(levels[0] < 0.75 * levels[1])
    totals = []
    for study in (with_it, without):
        found = gone_through_events(study, 10 * 24.0)
        assert not found.sessions
        assert not found.is_dialysed
        totals.append(np.asarray(found.kinetics.balance(found.clock.state.drug).total_ug))
    np.testing.assert_allclose(totals[0], totals[1], rtol=1e-9)  # what the machine takes counts as eliminated
