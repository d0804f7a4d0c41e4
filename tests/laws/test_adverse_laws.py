"""Laws of adverse effects: a risk is made by what was given, never by who looked; it gives back the label's rates."""

from __future__ import annotations

from functools import cache

import adverse_exposure as calibration
import jax.numpy as jnp
import numpy as np
import pytest
from study_examples import BOLUS_ARM, STROKE

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.effect import adverse
from eutonia.drug.effect.adverse import REACTIONS, Hazards
from eutonia.simulation.course import Course, start
from eutonia.simulation.people import People
from eutonia.study.design import TrialStudy, parse_study
from eutonia.trial.analysis import Outcome
from eutonia.trial.reactions import adverse_table, event_table
from eutonia.trial.recruitment import draw_pool
from eutonia.trial.run import RunOptions, simulate

pytestmark = pytest.mark.xdist_group("slow clock")

DAY, YEAR, WIDTH = 24.0, 365.0, 64

TRIAL = f"""
[study]
name = "risks"
title = "Pump and tablets, for tests of risks"
kind = "trial"
seed = 5

[population]
n = 25
pool = 1024
{STROKE}
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["ashworth", "adverse"]
rater = "human"
"""

PUMP_PHASE = """
[[phase]]
name = "pump"
design = "single"
masking = "open"
visits = {visits}
nonspecific = false
dropout = false
[[phase.arm]]
name = "pump"
[[phase.arm.treatment]]
product = "Lioresal Intrathecal"
route = "intrathecal infusion"
start = "0 hour"
rate = "200 ug/day"
tip = "T10"
"""

TABLET_PHASE = """
[[phase]]
name = "tablets"
design = "parallel"
masking = "double blind"
visits = ["0 week", "5 week"]
nonspecific = false
dropout = false
[[phase.arm]]
name = "placebo"
placebo = true
[[phase.arm.treatment]]
product = "baclofen tablets"
route = "oral"
dose = "20 mg"
every = "8 hour"
[[phase.arm]]
name = "tablets"
[[phase.arm.treatment]]
product = "baclofen tablets"
route = "oral"
dose = "20 mg"
every = "8 hour"
"""


def outcome_of(text: str, replicates: int) -> Outcome:
    study = parse_study(TRIAL + text)
    assert isinstance(study, TrialStudy)
    pool = draw_pool(study.population, study.seed, WIDTH)
    return simulate(study, pool, RunOptions(replicates, workers=1), WIDTH)


@cache
def tablets() -> Outcome:
    return outcome_of(TABLET_PHASE, 30)


@cache
def people() -> People:
    return calibration.population("stroke", WIDTH)


def risk(hazards: Hazards, state: object, on_tablets_h: float = 0.0) -> np.ndarray:
    """Return the share of people with each reaction by now."""
    return -np.expm1(-hazards.cumulative(hazards.met(state.exposed, on_tablets_h))).mean(axis=1)  # type: ignore[attr-defined]


# --- the label ---------------------------------------------------------------------------------------------------


def test_reference_exposures_are_those_of_the_present_drug() -> None:
    records = parameters.load("adverse")
    for name, (mean, cv) in calibration.references().items():
        assert records.value(name, "ng/mL") == pytest.approx(mean, rel=0.005), name
        assert records.spread(name, "ng/mL").cv == pytest.approx(cv, rel=0.01), name


@pytest.mark.parametrize("origin", ["cerebral", "spinal"])
def test_the_pump_gives_back_the_label(origin: adverse.Origin) -> None:
    stages = "screening", "titration", "maintenance"
    records = parameters.load("adverse")
    for stage, level in calibration.exposures(origin).items():
        met = level * records.value(f"{stage}_duration", "day") * HOURS_A_DAY
        table = Hazards.of(origin, oral=False, intrathecal=True).table[:, stages.index(stage)]
        for reaction in adverse.INTRATHECAL_REACTIONS:
            found = -np.expm1(-table[REACTIONS.index(reaction)] * met).mean()
            assert found == pytest.approx(adverse.share_on(reaction, stage, origin), rel=0.1), (reaction, stage)  # type: ignore[arg-type]


def test_tablets_give_back_the_label_and_placebo_its_share() -> None:
    days = parameters.load("adverse").value("oral_duration", "day")
    hazards = Hazards.of("cerebral", oral=True, intrathecal=False)
    on_drug = risk(hazards, calibration.by_the_label(), days * DAY)
    on_placebo = risk(hazards, start(people()), days * DAY)
    for reaction in adverse.ORAL_REACTIONS:
        row = REACTIONS.index(reaction)
        assert on_drug[row] == pytest.approx(adverse.share_on(reaction, "oral", "cerebral"), rel=0.1), reaction
        assert on_placebo[row] == pytest.approx(adverse.share_on_placebo(reaction), rel=1e-9), reaction
    assert on_placebo[0] == pytest.approx(0.36)


# --- route, stage and time ----------------------------------------------------------------------------------------


def test_most_drowsiness_on_tablets_comes_early() -> None:
    hazards = Hazards.of("cerebral", oral=True, intrathecal=False)
    early, late = (risk(hazards, calibration.on_tablets(people(), days), days * DAY)[0] for days in (35.0, YEAR))
    assert early < late < 0.85
    assert early / late > 0.7


def test_tablets_before_a_pump_keep_their_own_hazard_and_more_of_them_more_risk() -> None:
    of, each = people(), jnp.ones(WIDTH)
    hazards = Hazards.of("cerebral", oral=True, intrathecal=True)
    by_mouth = Hazards.of("cerebral", oral=True, intrathecal=False)
    course, found = Course(of), []
    for dose in (10.0, 20.0):
        before = course.advance_tablets(start(of), dose * each, 8.0, 90, 0.0 * each)
        np.testing.assert_allclose(risk(hazards, before), risk(by_mouth, before), rtol=1e-12)
        pumped = course.advance(before, 30 * DAY, 100.0 / DAY * each, 0.0)
        assert np.all(risk(hazards, pumped) >= risk(hazards, before))
        found.append(risk(hazards, before)[0])
    hazard = -np.log1p(-np.array(found))
    assert hazard[1] > 1.5 * hazard[0]


def test_the_stage_changes_at_its_hour_within_a_step() -> None:
    of, each = people(), jnp.ones(WIDTH)
    limit = parameters.load("adverse").value("titration_duration", "day") * DAY
    course = Course(of)
    state = course.advance(start(of), limit - 7.0, 5.0 * each, 0.0)
    whole = course.advance(state, 20.0, 5.0 * each, limit - 7.0)
    first = course.advance(state, 7.0, 5.0 * each, limit - 7.0)
    assert np.all(np.asarray(first.exposed.maintenance) < 1e-6 * np.asarray(first.exposed.titration))
    np.testing.assert_allclose(whole.exposed.titration, first.exposed.titration, rtol=1e-3)
    assert np.all(np.asarray(whole.exposed.screening) == 0.0)


# --- trials -------------------------------------------------------------------------------------------------------


def test_more_visits_change_no_reaction() -> None:
    few = outcome_of(PUMP_PHASE.format(visits='["0 day", "120 day"]'), 4)
    often = '["0 day", "0.9 day", "3 day", "7.3 day", "14 day", "30 day", "61.5 day", "90 day", "119 day", "120 day"]'
    many = outcome_of(PUMP_PHASE.format(visits=often), 4)
    one, other = (o.reactions["pump", "pump"] for o in (few, many))
    assert np.isfinite(one.time_h).sum() > 20
    np.testing.assert_allclose(one.time_h, other.time_h, rtol=1e-9)
    last, also = few.visits["pump", "pump", 1], many.visits["pump", "pump", 9]
    np.testing.assert_allclose(last.scores["walking_speed"], also.scores["walking_speed"], rtol=1e-9)


def test_who_is_drowsy_on_tablets_stays_on_a_lower_dose() -> None:
    steps = """[phase.arm.titration]
policy = "oral label"
step = "5 mg"
every = "7 day"
max = "20 mg"
"""
    text = TABLET_PHASE.replace('dose = "20 mg"', 'dose = "5 mg"') + steps
    outcome = outcome_of(text, 8)
    came = outcome.reactions["tablets", "tablets"].time_h[REACTIONS.index("drowsiness")]
    last = outcome.visits["tablets", "tablets", 1].tablets_mg_per_day
    first_week = came < 7 * DAY
    assert first_week.sum() > 5
    assert np.all(last[first_week] == 15.0)
    assert np.mean(last[~np.isfinite(came)] == 60.0) > 0.8
    assert np.all(last[np.isfinite(came)] <= 60.0)


def test_every_event_is_of_the_arm_that_the_person_was_in() -> None:
    outcome = tablets()
    events = event_table(outcome)
    assert events is not None
    assert events.height > 100
    arms = np.array(["placebo", "tablets"])[outcome.assigned["tablets"]]
    assert np.array_equal(events["arm"].to_numpy(), arms[events["patient"].to_numpy()])
    assert events.group_by("patient", "phase", "reaction").len()["len"].max() == 1
    assert set(events["route"]) == {"oral", "background"}
    assert set(events.filter(arm="placebo")["route"]) == {"background"}


def test_intervals_of_an_arm_are_as_wide_as_its_people_make_them() -> None:
    table = adverse_table(tablets())
    assert table is not None
    assert set(table["reaction"]) == {name.replace("_", " ") for name in adverse.ORAL_REACTIONS}
    for arm in ("placebo", "tablets"):
        row = table.filter(arm=arm, reaction="drowsiness").row(0, named=True)
        binomial = 2 * 1.96 * np.sqrt(row["share"] * (1 - row["share"]) / row["n"])
        assert 0.7 * binomial < row["high"] - row["low"] < 1.5 * binomial, arm
    drowsy = {row["arm"]: row["share"] for row in table.filter(reaction="drowsiness").iter_rows(named=True)}
    assert 0.28 < drowsy["placebo"] < 0.44 < drowsy["tablets"]


def test_a_person_has_the_same_luck_in_every_arm() -> None:
    placebo, drug = (tablets().reactions["tablets", arm] for arm in ("placebo", "tablets"))
    came = np.isfinite(placebo.time_h)
    assert came.sum() > 100
    assert np.all(drug.time_h[came] <= placebo.time_h[came] + 1e-9)


def test_what_a_test_bolus_brings_is_counted_to_the_end_of_its_washout() -> None:
    """The visits of the phase end at 4 h; the label's rate is that of the day after the bolus."""
    phase = """
[[phase]]
name = "bolus"
design = "crossover"
masking = "double blind"
washout = "20 hour"
visits = ["0 hour", "4 hour"]
nonspecific = false
dropout = false
"""
    outcome = outcome_of(
        phase + BOLUS_ARM.format(name="drug", placebo="false") + BOLUS_ARM.format(name="saline", placebo="true"), 30
    )
    table = adverse_table(outcome)
    assert table is not None
    share = {row["arm"]: row["share"] for row in table.filter(reaction="drowsiness").iter_rows(named=True)}
    wanted = adverse.share_on("drowsiness", "screening", "cerebral")
    error = 3.0 * np.sqrt(wanted * (1 - wanted) / len(outcome.member))
    assert abs(share["drug"] - wanted) < 0.1 * wanted + error
    assert share["saline"] is None
    late = outcome.reactions["bolus", "drug"].time_h
    assert np.nanmax(late) > 4.0
