"""A series of N-of-1 trials in a study: what it may say, how people go through their pairs, and what its files tell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from study_examples import STROKE, TEST_BOLUS

from eutonia.errors import StudyError
from eutonia.report import files
from eutonia.study.design import TrialStudy, parse_study
from eutonia.trial.analysis import Outcome
from eutonia.trial.block_outcome import VisitRecord
from eutonia.trial.doses import DoseLog
from eutonia.trial.n_of_1 import series_of
from eutonia.trial.result import StudyResult
from eutonia.trial.run import RunOptions, run_trial

pytestmark = pytest.mark.unit

TEXT = f"""
[study]
name = "pairs"
title = "A test bolus or saline, three times each, for tests"
kind = "trial"
seed = 9
[population]
n = 6
pool = 1024
{STROKE}
[[population.entry]]
scale = "modified_ashworth"
limb = "leg"
at_least = 1.5
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["modified_ashworth", "adverse"]
rater = "human"
[[phase]]
name = "bolus"
design = "crossover"
pairs = 3
masking = "double blind"
washout = "2 day"
visits = ["0 hour", "4 hour"]
nonspecific = false
dropout = false
[[phase.arm]]
name = "baclofen"
{TEST_BOLUS}[[phase.arm]]
name = "saline"
placebo = true
[analysis]
[[analysis.endpoint]]
scale = "modified_ashworth"
limb = "leg"
measure = "value"
estimand = "treatment policy"
method = "N-of-1"
"""
MIC = 0.45


def study(text: str = TEXT) -> TrialStudy:
    found = parse_study(text)
    assert isinstance(found, TrialStudy)
    return found


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('method = "N-of-1"', 'method = "crossover"', ["3 pairs of periods", 'Write method = "N-of-1"']),
        ("pairs = 3\n", "", ["goes through both arms once", "or pairs = 4 in the phase"]),
        ("pairs = 3", "pairs = 1", ["2"]),
        ("pairs = 3", "pairs = 40", ["20"]),
        ('design = "crossover"', 'design = "parallel"', ["A pair is a period in each of two arms"]),
        ("[analysis]", '[[phase.arm]]\nname = "third"\nplacebo = true\n[analysis]', ["a crossover of two arms"]),
        (
            "[[phase.arm]]",
            '[phase.gate]\nneed = "any"\n[[phase.gate.rule]]\narm = "baclofen"\nscale = "modified_ashworth"\n'
            'limb = "leg"\nfall = 1.0\n[[phase.arm]]',
            ["Remove [phase.gate]"],
        ),
        ('method = "N-of-1"', 'method = "ANCOVA"', ['Write method = "N-of-1"']),
        ("[analysis]\n", "[analysis]\n[analysis.interim]\nlooks = [0.7]\n", ["Remove the looks"]),
        (
            "[analysis]\n",
            "[analysis]\n[analysis.reestimation]\nat = 0.7\ndifference = 1.0\n",
            ["Of a series", "Remove the looks"],
        ),
        ('"treatment policy"', '"while on treatment"', ["Only who is seen in both periods"]),
        ('measure = "value"', 'measure = "responder"', ["is a share of people"]),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(old: str, new: str, says: list[str]) -> None:
    assert old in TEXT
    with pytest.raises(StudyError) as caught:
        study(TEXT.replace(old, new, 1))
    for words in (*says, "Do: "):
        assert words in " ".join(str(caught.value).split())


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return run_trial(study(), RunOptions(2, block=12, workers=1))


@pytest.fixture(scope="module")
def folder(result: StudyResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return files.write(result, tmp_path_factory.mktemp("pairs") / "pairs", csv=True)


def test_whoever_reads_the_visits_finds_the_same_differences(folder: Path) -> None:
    pairs = pl.read_parquet(folder / "series_pairs.parquet")
    assert pairs.height == 2 * 6 * 3
    visits = pl.read_parquet(folder / "visits.parquet").filter(item="mean", scale="modified_ashworth", limb="leg")
    wide = visits.filter(pl.col("visit").str.ends_with("4 hour")).pivot(
        on="arm", index=["patient", "visit"], values="score"
    )
    for row in pairs.iter_rows(named=True):
        one = wide.filter(patient=row["patient"], visit=f"pair {row['pair']}, 4 hour").row(0, named=True)
        assert row["value_arm"] == pytest.approx(one["baclofen"])
        assert row["difference"] == pytest.approx(one["baclofen"] - one["saline"])
    people = pl.read_parquet(folder / "series_people.parquet")
    for row in people.iter_rows(named=True):
        mine = pairs.filter(patient=row["patient"])["difference"]
        assert row["difference"] == pytest.approx(mine.mean())
        assert row["responds"] == (-row["difference"] >= MIC - 1e-9)
        assert row["pairs"] == 3
    trials = pl.read_parquet(folder / "series_trials.parquet")
    assert trials["share_own"].to_list() == pytest.approx(
        people.group_by("replicate", maintain_order=True).agg(pl.col("responds").mean())["responds"].to_list()
    )
    assert (trials["improvement"] == MIC).all()
    analysis = pl.read_parquet(folder / "analysis.parquet")
    means = people.group_by("replicate", maintain_order=True).agg(pl.col("difference").mean())["difference"]
    assert analysis["estimate"].to_list() == pytest.approx(means.to_list())
    assert analysis["n_arm"].to_list() == [6, 6]


def test_each_pair_has_an_order_and_each_period_a_rater_of_its_own(folder: Path) -> None:
    pairs, people = (pl.read_parquet(folder / f"{name}.parquet") for name in ("series_pairs", "patients"))
    first = pairs.pivot(on="pair", index="patient", values="arm_first")
    whole = people.join(first, on="patient")
    assert whole.select(pl.col("arm").str.starts_with(pl.col("1"))).to_series().all()
    for one, other in (("1", "2"), ("2", "3")):
        same = (whole[one] == whole[other]).sum()
        assert 0 < same < 12
    assert pairs.filter(pair=1).group_by("replicate", "arm_first").len()["len"].to_list() == [3] * 4  # a list in pair 1
    visits = pl.read_parquet(folder / "visits.parquet").filter(item="mean", scale="modified_ashworth")
    before = visits.filter(pl.col("visit").str.ends_with("0 hour")).pivot(
        on="arm", index=["patient", "visit"], values="score"
    )
    # Before any dose only raters differ: with one luck for both periods all would be alike.
    assert (before["baclofen"] != before["saline"]).mean() > 0.5
    times = visits.filter(patient=0, arm="baclofen")["time_h"].to_list()
    assert times == [0.0, 4.0, 104.0, 108.0, 208.0, 212.0]


def test_the_report_shows_each_person_and_the_tables_say_their_units(result: StudyResult, folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    for words in (
        "Each person",
        "Leg Modified Ashworth, value at 4 hours",
        "A response is a difference of 0.45 or more",
    ):
        assert words in page
    assert page.count('data-label="Chance"') == 6
    for name in ("series_pairs", "series_people", "series_trials"):
        assert (folder / f"{name}.csv").exists()
        units = json.loads(pl.read_parquet_metadata(folder / f"{name}.parquet")["columns"])
        assert set(units) == set(pl.read_parquet(folder / f"{name}.parquet").columns)
    assert json.loads((folder / "summary.json").read_text())["series"][0]["people"] == 6
    came = pl.read_parquet(folder / "adverse.parquet")
    assert came.select("patient", "arm", "reaction").is_duplicated().sum() == 0  # the first of its kind
    assert came.height > 4
    assert (came["time_h"] < 104.0).all()  # who bears the drug badly does so from the first pair on


def test_a_response_is_judged_up_to_normal_and_no_further() -> None:
    """A tendon reflex of 2 is normal: who falls below it from there is no better, who falls from 3.5 to 2 is."""
    text = TEXT.replace("modified_ashworth", "reflex").replace("at_least = 1.5", "at_least = 1.0")
    of = study(text.replace('"N-of-1"', '"N-of-1"\nimprovement = 1.0'))
    before, ones, nothing = np.array([3.5, 3.5, 3.5, 2.0, 2.0, 2.0]), np.ones(6, dtype=bool), np.zeros(6)
    luck, visits = np.random.default_rng(3), {}
    for visit in range(6):
        for arm, fall in (("baclofen", 1.3), ("saline", 0.0)):
            scores = {"reflex": np.stack([before - fall + 0.1 * luck.standard_normal(6)] * 2)}
            visits["bolus", arm, visit] = VisitRecord("bolus", arm, visit, 4.0, scores, ones, nothing, nothing)
    here, one = {"bolus": ones}, np.arange(6)
    found = series_of(Outcome(of, 1, visits, here, here, {"bolus": one % 2}, {"bolus": ~ones}, {}, {}, one))
    assert found is not None
    assert found.people["responds"].to_list() == [True] * 3 + [False] * 3
    assert (found.people["chance"] > 0.5).to_list() == [True] * 3 + [False] * 3
    trial = found.trials.row(0, named=True)
    assert (trial["share_own"], trial["share_shrunken"]) == (0.5, 0.5)
    assert trial["share_expected"] < 0.51


def record(score: float, present: bool, member: bool) -> VisitRecord:
    nothing = np.zeros(1)
    return VisitRecord(
        "bolus", "saline", 0, 0.0, {"spasm": np.array([score])}, np.array([present]), nothing, nothing,
        member=np.array([member]),
    )  # fmt: skip


def test_who_had_left_is_still_charted_in_the_arm_of_the_later_period() -> None:
    """What is true of a crossover is over everybody: the first period of who then left belongs to the other arm."""
    merged = record(3.0, False, False).later(record(1.0, False, True))
    assert merged.scores["spasm"].tolist() == [1.0]
    assert merged.present.tolist() == [False]


def test_doses_end_with_each_period_and_begin_with_the_next() -> None:
    log, both = DoseLog.empty(2), np.array([True, False])
    given = DoseLog(np.array([0.0, 2.0]), np.array([[1.0, 1.0], [3.0, 3.0]]), np.zeros((2, 2)))
    for begin in (0.0, 100.0):
        log = log.followed(begin, 4.0, given, both)
    rates = log.at(np.array([0.0, 3.0, 4.0, 50.0, 101.0, 103.0, 150.0])).rate_ug_per_h
    assert rates[:, 0].tolist() == [1.0, 3.0, 3.0, 0.0, 1.0, 3.0, 0.0]
    assert not rates[:, 1].any()
