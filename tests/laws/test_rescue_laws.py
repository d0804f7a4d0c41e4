"""Laws of rescue: by charted scores alone, from the visit on, to whoever needs it and to nobody else."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from study_examples import leg_trial

from eutonia.drug.effect.adverse import REACTIONS
from eutonia.study.design import TrialStudy, parse_study
from eutonia.trial import blocks
from eutonia.trial.analysis import Outcome, consort
from eutonia.trial.harms import Harms
from eutonia.trial.patients import patient_table
from eutonia.trial.reactions import ReactionWatch, as_given, may_come
from eutonia.trial.recruitment import Pool, draw_pool
from eutonia.trial.rescue import RescueWatch, first_rescue_h
from eutonia.trial.run import RunOptions, simulate
from eutonia.trial.trace import Recorder, sample_course

pytestmark = pytest.mark.laws

WEEK = 168.0
BACLOFEN = """\
[[phase.rescue.treatment]]
product = "baclofen tablets"
route = "oral"
dose = "20 mg"
every = "8 hour"
"""
TIZANIDINE = """\
[[phase.rescue.treatment]]
route = "tizanidine tablets"
dose = "4 mg"
every = "8 hour"
start = "0 week"
"""
DANTROLENE = TIZANIDINE.replace("tizanidine tablets", "dantrolene capsules").replace("4 mg", "25 mg")
TAKEN = "[phase.tablets_taken]\nmean = 0.9\n"
OWN = BACLOFEN.replace("20 mg", "5 mg")[27:]
TEXT = (
    leg_trial("rescued", "Rescue in both arms", seed=11, n=24, pool=1024, at_least=2, rater="human")
    + f"""\
[[phase]]
name = "weeks"
design = "parallel"
masking = "double blind"
visits = ["0 week", "1 week", "2 week", "3 week"]
nonspecific = false
dropout = true
missed_visits = 0.2
{TAKEN}[phase.rescue]
scale = "ashworth"
limb = "leg"
score = 2.5
visits = ["1 week", "2 week"]
{BACLOFEN}[[phase.arm]]
name = "placebo"
placebo = true
dropout = "6 1/year"
[[phase.arm]]
name = "tablets"
[[phase.arm.treatment]]
{OWN}[analysis]
[[analysis.endpoint]]
scale = "ashworth"
limb = "leg"
estimand = "hypothetical"
"""
)


def outcome_of(study: TrialStudy, replicates: int, pool: Pool) -> Outcome:
    width = blocks.width_for(study.population.n * replicates, 1024)
    return simulate(study, pool, RunOptions(replicates, workers=1), width)


@pytest.fixture(scope="module")
def pool() -> Pool:
    study = parse_study(TEXT)
    assert isinstance(study, TrialStudy)
    return draw_pool(study.population, study.seed, 1024, study.oral_model)


@pytest.fixture(scope="module")
def rescued(pool: Pool) -> Outcome:
    return outcome_of(parse_study(TEXT), 2, pool)


@pytest.mark.parametrize("arm", ["placebo", "tablets"])
def test_rescue_goes_by_the_chart_of_whoever_comes_and_from_that_visit_on(rescued: Outcome, arm: str) -> None:
    """A program that goes by scores without luck of raters, that gives it to who is away, at once from the first
    visit on, or whole to who takes nine tenths of it, fails.
    """
    visits = [rescued.visits["weeks", arm, k] for k in range(4)]
    legs = [record.scores["ashworth"][0] for record in visits]
    first = (legs[1] >= 2.5) & ~rescued.missed("weeks", arm, 1)
    second = (legs[2] >= 2.5) & ~rescued.missed("weeks", arm, 2) & ~first
    np.testing.assert_array_equal(rescued.rescued["weeks", arm], [first, second])
    assert 3 < first.sum() < 45
    assert second.any()
    expected = np.where(first, WEEK, np.where(second, 2 * WEEK, np.inf))
    np.testing.assert_array_equal(first_rescue_h(rescued, rescued.study.phases[0], arm), expected)
    for k, record in enumerate(visits):
        given = expected < k * WEEK
        own = 15.0 if arm == "tablets" and k else 0.0
        np.testing.assert_allclose(record.tablets_mg_per_day, 0.9 * (own + np.where(given, 60.0, 0.0)))
        without = record.without_rescue["ashworth"][0]
        np.testing.assert_array_equal(without[~given], legs[k][~given])
        assert not given.any() or (legs[k] <= without)[given].all()
    assert legs[3][first].mean() < visits[3].without_rescue["ashworth"][0][first].mean() - 0.02


def test_the_traces_are_of_what_the_first_people_were_given(
    rescued: Outcome, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rescue by their own charts, with the luck of their raters, and the share of the tablets that they take."""

    def of_tablets(noted: Recorder, n: int, _: int) -> xr.Dataset:
        mouth = [tablets[:n] for _, tablets in noted._doses]
        return xr.Dataset({"dose_oral": (("time_h", "patient"), mouth)}, {"time_h": noted.times})

    monkeypatch.setattr(Recorder, "dataset", of_tablets)  # all else in a course takes seconds to compute
    course = sample_course(rescued.study, pool, 64)
    for hour, visit in ((192.0, 2), (504.0, 3)):
        given = rescued.visits["weeks", "tablets", visit].tablets_mg_per_day[: course.sizes["patient"]]
        assert len(set(given)) == 2, "somebody has rescue, and somebody has none"
        np.testing.assert_allclose(course["dose_oral"].sel(time_h=hour), given)


def test_who_else_is_there_moves_nobody(rescued: Outcome, pool: Pool) -> None:
    fewer = outcome_of(rescued.study, 1, pool)
    for key, record in fewer.visits.items():
        of_more = rescued.visits[key]
        for mine, theirs in ((record.scores, of_more.scores), (record.without_rescue, of_more.without_rescue)):
            np.testing.assert_array_equal(mine["ashworth"], theirs["ashworth"][..., :24])


def test_what_rescue_brings_of_reactions_comes_to_whoever_is_given_it_and_from_then_on() -> None:
    """Also in a placebo arm, where it is the drug; a placebo of what is given besides is there already."""
    phase = parse_study(TEXT.replace(OWN, DANTROLENE[27:]).replace(BACLOFEN, TIZANIDINE).replace(TAKEN, "")).phases[0]
    assert phase.rescue is not None
    rescue = RescueWatch(phase.rescue, 4)
    rescue.at[0, 1] = rescue.at[1, 2] = True
    arm, sleepy = as_given(phase, phase.arms[0]), REACTIONS.index("drowsiness")
    watch = ReactionWatch(arm, "cerebral", np.full((len(REACTIONS), 4), np.inf), 3 * WEEK, rescue=rescue)
    alone = Harms.of(phase.rescue.treatments)
    expected = [alone.by(hours, drug=True, placebo=True)[sleepy, 0] for hours in (0.0, 2 * WEEK, WEEK, 0.0)]
    assert 0.0 == expected[0] < expected[2] < expected[1]
    np.testing.assert_allclose(watch._beside(3 * WEEK)[sleepy], expected)
    assert "drowsiness" in may_come(arm)
    assert "drowsiness" not in may_come(phase.arms[1])


def test_the_flow_and_the_table_of_people_count_rescue_before_leaving(rescued: Outcome) -> None:
    table, rows = patient_table(rescued), {(one.stage, one.arm, one.reason): one.number for one in consort(rescued)}
    phase = rescued.study.phases[0]
    for arm in ("placebo", "tablets"):
        first = first_rescue_h(rescued, phase, arm)
        counted = rescued.in_arm("weeks", arm) & (first < rescued.left_h["weeks"])
        of_arm = table["arm"].to_numpy() == arm
        assert rows["Visits of weeks", arm, "given rescue, stay"] == counted.sum() / 2 > 0
        day = table["rescued_day_weeks"].fill_null(np.inf).to_numpy()
        np.testing.assert_array_equal(day[of_arm], np.where(counted, first / 24.0, np.inf)[of_arm])
        assert table["rescues_weeks"].to_numpy()[of_arm].tolist() == counted[of_arm].astype(int).tolist()
