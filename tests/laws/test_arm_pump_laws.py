"""Pumps that run a program in the arm of a trial: what people are given is what `drug.pump.play` plays."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arm_examples import some_people
from study_examples import STROKE

from eutonia import parameters
from eutonia.drug.pump import Program, play
from eutonia.drug.pump import therapy as happens
from eutonia.simulation.course import Course, start
from eutonia.study.design import TrialStudy, load_study
from eutonia.study.pump_treatment import PumpTreatment
from eutonia.trial import blocks
from eutonia.trial.analysis import Outcome
from eutonia.trial.arm_pump import Pumps
from eutonia.trial.failure_table import failed_pumps
from eutonia.trial.failures import Failures
from eutonia.trial.patients import patient_table
from eutonia.trial.period import PeriodClock, run_period
from eutonia.trial.recruitment import draw_pool
from eutonia.trial.run import RunOptions, simulate

pytestmark = pytest.mark.laws

DAY = 24.0
PROGRAM = """
[therapy]
name = "clinic"
title = "A pump for tests"
origin = "cerebral"
begins = 2026-03-02
duration = "400 day"
[pump]
model = "SynchroMed II"
product = "Lioresal Intrathecal"
reservoir = "20 mL"
concentration = "500 ug/mL"
catheter = "82 cm"
tip = "T10"
[[event]]
at = "10 hour"
kind = "prime"
[[event]]
at = "10 hour"
{program}
"""
SIMPLE = 'kind = "simple"\nrate = "120 ug/day"'
FLEX = (
    'kind = "flex"\nsteps = [{ from = "00:00", rate = "100 ug/day" }, { from = "08:00", rate = "60 ug/day" }, '
    '{ from = "20:00", rate = "220 ug/day" }]'
)
STUDY = f"""
[study]
name = "pumps"
title = "Pumps in arms, for tests"
kind = "trial"
seed = 7
[population]
n = 12
pool = 1024
{STROKE}
[[population.entry]]
scale = "ashworth"
limb = "leg"
at_least = 2.5
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["ashworth"]
rater = "noiseless"
[[phase]]
name = "year"
design = "parallel"
masking = "open"
visits = ["0 day", "50 day", "58 day", "75 day"]
nonspecific = false
dropout = false
"""
ARM = '[[phase.arm]]\nname = "{name}"\n[[phase.arm.treatment]]\nroute = "pump"\nprogram = "{program}"\n{more}\n'
LABEL = (
    '[phase.arm.titration]\npolicy = "label"\norigin = "cerebral"\nstart = "100 ug/day"\nmax = "1000 ug/day"\n'
    'every = "7 day"\ntarget = { scale = "ashworth", limb = "leg", at_most = 1.5 }\n'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, program in (("simple", SIMPLE), ("flex", FLEX)):
        (tmp_path / f"{name}.toml").write_text(PROGRAM.format(program=program))
    return tmp_path


def study_of(folder: Path, *arms: tuple[str, str, str]) -> TrialStudy:
    """Return the study with arms of name, program and more lines; their files lie in the folder."""
    text = STUDY + "".join(ARM.format(name=name, program=program, more=more) for name, program, more in arms)
    text = text if len(arms) > 1 else text.replace('"parallel"', '"single"')
    (folder / "study.toml").write_text(text)
    found = load_study(folder / "study.toml")
    assert isinstance(found, TrialStudy)
    return found


def outcome_of(study: TrialStudy, replicates: int, block: int = 1024) -> Outcome:
    width = blocks.width_for(study.population.n * replicates, block)
    pool = draw_pool(study.population, study.seed, 1024, study.oral_model)
    return simulate(study, pool, RunOptions(replicates, block=block, workers=1), width)


class Given(PeriodClock):
    """A clock that only keeps what flows from when on, and moves no drug."""

    flows: list[tuple[float, np.ndarray]]

    def _advance(self, time_h: float, *, whole: bool) -> None:
        self.now_h = self.now_h if whole else time_h

    def set_rate(self, rate_ug_per_h: np.ndarray, **more: Any) -> None:
        super().set_rate(rate_ug_per_h, **more)
        self.flows = [*getattr(self, "flows", []), (self.now_h, rate_ug_per_h)]

    def total(self, begin_h: float, end_h: float) -> np.ndarray:
        """Return what everybody is given between two hours, ug."""
        times = [at for at, _ in self.flows] + [np.inf]
        spans = zip(self.flows, times[1:], strict=True)
        return sum(rate * max(min(until, end_h) - max(at, begin_h), 0.0) for (at, rate), until in spans)  # type: ignore[return-value]


def given(pumps: Pumps, end_h: float, changes: dict[float, np.ndarray], failures: Failures | None = None) -> Given:
    """Return what a pump gives in a phase in which the dose is changed at hours to amounts in ug/h."""
    people = some_people()
    clock = Given(Course(people), start(people), 1, True, np.zeros(people.n))
    pumps.expects(end_h, list(changes), failures)
    tasks = pumps.tasks()

    def change(at_h: float, amount: np.ndarray) -> Any:
        return dataclasses.replace(tasks[0], time_h=at_h, act=lambda now: pumps.propose(now, amount))

    run_period(clock, [*(change(at, amount) for at, amount in changes.items()), *tasks])
    return clock


def treatment(folder: Path, program: str, more: str = "") -> PumpTreatment:
    found = study_of(folder, ("pump", program, more)).arms[0].treatments[0]
    assert isinstance(found, PumpTreatment)
    return found


def edges(end_h: float) -> np.ndarray:
    return np.arange(0.0, end_h + 1.0, DAY)


@pytest.mark.parametrize("program", ["simple.toml", "flex.toml", "missed_refill", "clinic_year"])
def test_people_are_given_what_the_program_delivers(folder: Path, program: str) -> None:
    """Every day's drug at the tip is that of the program played alone, to rounding; a sham is given nothing."""
    if program == "clinic_year":  # a trial moves no tip
        text = (Path(__file__).parents[2] / "programs" / "clinic_year.toml").read_text()
        (folder / "year.toml").write_text(text.replace('tip = "T9"', 'tip = "T10"'))
        program = "year.toml"
    one, end = treatment(folder, program), 70 * DAY
    amount = np.full(8, one.first_amount) * (np.arange(8) > 2)
    clock = given(Pumps(one, amount), end, {})
    alone = play(one.therapy(end)).totals(edges(end))[1]
    for k, day in enumerate(edges(end)[:-1]):
        mine = clock.total(day, day + DAY)
        np.testing.assert_allclose(mine[3:], alone[k], rtol=1e-9, atol=1e-9)
        assert not np.any(mine[:3])


def test_a_titrated_pump_is_the_program_that_says_the_same(folder: Path) -> None:
    """Two people whose doses part are each given what `play` makes of a file with those doses, tubing and all."""
    one, end = treatment(folder, "flex.toml"), 30 * DAY
    first = np.full(8, one.first_amount)
    second, third = first.copy(), first.copy()
    second[4:], third[4:], third[:4] = 1.5 * first[4:], 1.5 * first[4:], 0.6 * first[:4]
    clock = given(Pumps(one, first), end, {9 * DAY + 11: second, 16 * DAY + 5: third})
    therapy = one.therapy(end)
    program = next(x.program for x in therapy.events if isinstance(x, happens.Programmed))
    assert isinstance(program, Program)
    for who, at, share in ((0, 16 * DAY + 5, 0.6), (5, 9 * DAY + 11, 1.5)):
        told = (*therapy.events, happens.Programmed(at, program.scaled(share)))
        alone = play(dataclasses.replace(therapy, events=told)).totals(edges(end))[1]
        for k, day in enumerate(edges(end)[:-1]):
            np.testing.assert_allclose(clock.total(day, day + DAY)[who], alone[k], rtol=1e-9)


def test_nothing_reaches_a_person_from_failure_to_repair(folder: Path) -> None:
    """Catheter or pump: nothing in between, the dose before and after it, and the others go on as if nothing were."""
    one, end = treatment(folder, "simple.toml", "failures = true"), 40 * DAY
    since = np.full(8, np.inf)
    since[:2] = 20 * DAY
    failures = Failures(since, np.full(8, 4 * DAY), np.arange(8) == 0, np.zeros(8, dtype=bool))
    clock = given(Pumps(one, np.full(8, one.first_amount)), end, {}, failures)
    day = DAY * one.first_amount
    np.testing.assert_allclose(clock.total(19 * DAY, 20 * DAY), day, rtol=1e-9)
    assert not np.any(clock.total(20 * DAY, 24 * DAY)[:2])
    np.testing.assert_allclose(clock.total(20 * DAY, 24 * DAY)[2:], 4 * day, rtol=1e-9)
    np.testing.assert_allclose(clock.total(26 * DAY, 27 * DAY), day, rtol=1e-9)


def test_a_clinic_that_comes_in_time_lets_no_pump_run_dry(folder: Path) -> None:
    """At three times the dose the reservoir of the file would be empty after weeks; filled in time it never is."""
    end, at = 200 * DAY, 100 * DAY
    dry, filled = (treatment(folder, "simple.toml", f'refills = "{x}"') for x in ("as programmed", "in time"))
    amount = np.full(8, 3.0 * dry.first_amount)
    changes = {5 * DAY: amount}
    gone, kept = (given(Pumps(one, np.full(8, one.first_amount)), end, changes) for one in (dry, filled))
    assert not np.any(gone.total(at, end))
    np.testing.assert_allclose(kept.total(at, end), (end - at) * amount, rtol=1e-9)


def test_a_missed_refill_in_an_arm_brings_tone_back_above_what_it_was(folder: Path) -> None:
    """Dry for a week: tone is above that of untreated people, who stay as they were; a pump that is filled holds it."""
    arms = (("missed", "missed_refill", ""), ("filled", "missed_refill", 'refills = "in time"'))
    outcome = outcome_of(study_of(folder, *arms), 2)

    def leg(arm: str, visit: int) -> np.ndarray:
        return np.asarray(outcome.visits["year", arm, visit].scores["ashworth"][0])

    assert np.mean(leg("missed", 1)) < np.mean(leg("missed", 0)) - 1.0
    assert np.mean(leg("missed", 2)) > np.mean(leg("missed", 0))
    assert np.mean(leg("filled", 2)) < np.mean(leg("missed", 2)) - 1.0
    np.testing.assert_array_equal(leg("filled", 1), leg("missed", 1))


def test_pumps_are_the_same_whoever_else_is_in_the_block(folder: Path) -> None:
    study = study_of(folder, ("pump", "flex.toml", f'failures = true\nrefills = "in time"\n{LABEL}'))
    with parameters.using({"adverse.withdrawal_rate": "2 1/year"}):
        whole, parts = outcome_of(study, 12), outcome_of(study, 12, block=32)
    assert np.isfinite(whole.pumps["year", "pump"].failed_h).sum() > 10
    for key, visit in whole.visits.items():
        np.testing.assert_array_equal(visit.scores["ashworth"], parts.visits[key].scores["ashworth"])
        np.testing.assert_array_equal(visit.rate_ug_per_h, parts.visits[key].rate_ug_per_h)
    for name in ("failed_h", "repaired_h", "is_catheter", "is_severe"):
        mine, other = (getattr(x.pumps["year", "pump"], name) for x in (whole, parts))
        np.testing.assert_array_equal(mine, other)


def test_failures_come_as_often_as_published_and_are_told() -> None:
    """Of many people: the rate, the share of the catheter, days without drug, and severe forms, all of the records."""
    drawn, year = Failures.drawn(3, np.arange(40_000), 0), 8766.0
    records = parameters.load("adverse")
    rate, share = records.value("withdrawal_rate", "1/year"), records.value("withdrawal_catheter_share", "1")
    came = drawn.since_h < year
    assert came.mean() == pytest.approx(1.0 - np.exp(-rate), abs=0.004)
    assert drawn.is_catheter.mean() == pytest.approx(share, abs=0.007)
    low, high = np.array(records.ends("withdrawal_onset", "h")) + parameters.load("pump").value("repair_time", "h")
    assert np.all((drawn.lasts_h >= low) & (drawn.lasts_h < high + DAY))
    assert drawn.is_severe.mean() == pytest.approx(records.value("withdrawal_severe_share", "1"), abs=0.006)
    for other in (Failures.drawn(3, np.arange(40_000), 1), Failures.drawn(3, np.arange(40_000), 0, period=1)):
        assert abs(np.corrcoef(np.log(drawn.since_h), np.log(other.since_h))[0, 1]) < 0.05
    np.testing.assert_array_equal(drawn.since_h[:5], Failures.drawn(3, np.arange(5), 0).since_h)


def test_the_table_of_people_says_whose_pump_failed_and_when(folder: Path) -> None:
    arms = (("pump", "simple.toml", f'failures = true\nrefills = "in time"\n{LABEL}'), ("other", "simple.toml", ""))
    with parameters.using({"adverse.withdrawal_rate": "2 1/year"}):
        outcome = outcome_of(study_of(folder, *arms), 10)
    told, table = failed_pumps(outcome), patient_table(outcome)
    assert [one.arm for one in told] == ["pump"]
    rows = table.filter(table["failed_year"].is_not_null())
    assert set(rows["arm"].unique()) == {"pump"}
    assert set(rows["failed_year"].unique()) == {"catheter", "pump"}
    assert len(rows) == pytest.approx(told[0].failed * 10)
    assert np.all((rows["repaired_day_year"] - rows["failed_day_year"]).to_numpy() >= 3)
    assert told[0].people == 6
    dose = outcome.visits["year", "pump", 3].rate_ug_per_h
    assert np.all(dose[outcome.in_arm("year", "pump")] > 0)  # the programmed dose, whatever flows


def _faults(folder: Path, *arms: tuple[str, str, str]) -> Iterator[str]:
    from eutonia.errors import StudyError

    with pytest.raises(StudyError) as caught:
        study_of(folder, *arms)
    yield from (" ".join(str(fault).split()) for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("program", "more", "why"),
    [
        ("flex_night", "", "The program is of spinal origin, and these people are of cerebral origin."),
        ("clinic_year", "", "It moves the tip of the catheter from T10 to T9, which a trial does not."),
        ("first_pump", LABEL, "The program changes the dose (100 ug/day, 110 ug/day, 121 ug/day and so on), and so do"),
        ("simple.toml", 'start = "5 hour"', "Day 0 of a program begins at midnight."),
        ("no_such.toml", "", "It cannot be played"),
        ("simple.toml", '[[phase.arm.treatment]]\nroute = "pump"\nprogram = "simple.toml"', "One person has one pump."),
    ],
)
def test_what_does_not_fit_is_refused(folder: Path, program: str, more: str, why: str) -> None:
    found = list(_faults(folder, ("pump", program, more)))
    assert any(why in fault for fault in found), found


def test_a_program_that_ends_too_soon_or_gives_too_much_is_refused(folder: Path) -> None:
    short, much = PROGRAM.replace("400 day", "60 day"), PROGRAM.replace("400 day", "401 day")
    (folder / "short.toml").write_text(short.format(program=SIMPLE))
    (folder / "much.toml").write_text(much.format(program=SIMPLE.replace("120", "1500")))
    assert any("after the end of its program" in fault for fault in _faults(folder, ("pump", "short.toml", "")))
    study_of(folder, ("pump", "short.toml", 'stop = "59 day"'))
    assert any("It gives 1500 ug/day" in fault for fault in _faults(folder, ("pump", "much.toml", "")))
