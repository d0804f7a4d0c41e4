"""Dose finding in a trial: what a study may say of it, whom the walk gives which level, and what its files tell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from study_examples import STROKE, TEST_BOLUS

from eutonia.drug.effect.adverse import REACTIONS
from eutonia.errors import StudyError
from eutonia.exchange.adam import read_result
from eutonia.report import exports, files
from eutonia.report.trial import dose_finding as told
from eutonia.study.design import TrialStudy, parse_study
from eutonia.trial.analysis import Outcome
from eutonia.trial.dose_finding import at_levels, dose_finding, walked
from eutonia.trial.reactions import Reactions
from eutonia.trial.result import StudyResult
from eutonia.trial.run import RunOptions, run_trial

pytestmark = pytest.mark.unit

RULES = """\
[phase.reassessment]
reactions = ["drowsiness", "nausea"]
target = 0.25
cohort = 2
expected = "50"
stop_above = 0.9
enough = 4
"""
ARM = '\n[[phase.arm]]\nname = "DOSE"\n' + TEST_BOLUS.replace("50 ug", "DOSE ug")
TEXT = f"""
[study]
name = "levels"
title = "Three levels, for tests"
kind = "trial"
seed = 3
[population]
n = 8
pool = 1024
{STROKE}
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["ashworth", "adverse"]
rater = "human"
[[phase]]
name = "bolus"
design = "parallel"
masking = "open"
visits = ["0 hour", "24 hour"]
nonspecific = false
dropout = false
{RULES}{"".join(ARM.replace("DOSE", dose) for dose in ("25", "50", "100"))}
"""
PLACEBO = '[[phase.arm]]\nname = "sham"\nplacebo = true\n'


def study(text: str = TEXT) -> TrialStudy:
    found = parse_study(text)
    assert isinstance(found, TrialStudy)
    return found


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('expected = "50"', 'expected = "55"', ['Nearest: "50"']),
        ('expected = "50"', 'start = "20"\nexpected = "50"', ["no such arm"]),
        ('expected = "50"\n', "", ["told once", "Given: neither", "Add the key expected"]),
        ('expected = "50"', 'expected = "50"\nskeleton = [0.1, 0.2, 0.3]', ["Given: both"]),
        ('expected = "50"', "skeleton = [0.1, 0.2]", ["one share a level", "2 shares"]),
        ('expected = "50"', "skeleton = [0.1, 0.3, 0.2]", ["rising shares"]),
        ('expected = "50"', "skeleton = [0.1, 0.2, 0.3]\nhalf_width = 0.05", ["Remove the key half_width"]),
        ('expected = "50"', 'expected = "50"\nhalf_width = 0.25', ["less than 0.25"]),
        (
            'expected = "50"',
            'expected = "100"\nhalf_width = 0.249',
            ["Given: 3.54e-60,", "rise from 1e-06", "smaller half_width"],
        ),
        (
            'expected = "50"',
            "skeleton = [1e-9, 0.1, 0.2]",
            ["Given: 1e-09", "rise from 1e-06", "Give the lowest level"],
        ),
        ("target = 0.25", "target = 25", ["less than 1"]),
        ('"nausea"', '"nausae"', ['Nearest: "nausea"']),
        ('"nausea"', '"drowsiness"', ["stands there twice"]),
        ('"nausea"', '"urinary frequency"', ["does not list this reaction", '"nausea"']),
        ("n = 8", "n = 7", ["whole cohorts of 2", "Nearest: 6, 8"]),
        (', "adverse"]', "]", ['Add "adverse"']),
        ("enough = 4", 'enough = 4\nwithin = "2 day"', ['Write within = "24 hour"']),
        ('design = "parallel"', 'design = "crossover"\nwashout = "2 day"', ['Write design = "parallel"']),
        (RULES, RULES + PLACEBO, ["Every arm is a dose level", "Remove the arm"]),
        ('name = "50"\n', 'name = "50"\nallocation = 2\n', ["Nobody is randomised"]),
        (RULES, RULES + "[phase.randomisation]\nblock = 3\n", ["Remove [phase.randomisation]"]),
        ('dose = "100 ug"', 'dose = "50 ug"', ["from the lowest to the highest", "more than 50 ug"]),
        (
            "[assessment]",
            '[analysis]\n[[analysis.endpoint]]\nscale = "ashworth"\nlimb = "leg"\narm = "50"\nagainst = "25"\n'
            'estimand = "hypothetical"\n[assessment]',
            ["The levels are not randomised"],
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(old: str, new: str, says: list[str]) -> None:
    assert old in TEXT
    with pytest.raises(StudyError) as caught:
        study(TEXT.replace(old, new))
    for words in (*says, "Do: "):
        assert words in " ".join(str(caught.value).split())


def fake(hours: dict[str, list[float]], left_h: list[float] | None = None) -> Outcome:
    """Return one trial of eight people with the hours at which each has drowsiness at each level; it has no scores."""
    reactions = {}
    for arm, when in hours.items():
        time_h = np.full((len(REACTIONS), 8), np.nan)
        time_h[REACTIONS.index("drowsiness")] = when
        time_h[REACTIONS.index("headache")] = 1.0  # limits nothing
        reactions["bolus", arm] = Reactions(time_h, np.zeros(time_h.shape, dtype=np.int8))
    everybody, nobody = np.ones(8, dtype=bool), np.zeros(8, dtype=bool)
    left = np.full(8, np.inf) if left_h is None else np.array(left_h)
    return Outcome(
        study(),
        1,
        visits={},
        entered={"bolus": everybody},
        passed={},
        assigned={"bolus": np.zeros(8, dtype=int)},
        left={"bolus": left < 24},
        left_h={"bolus": left},
        failed={"bolus": nobody},
        relieved_ug_per_h={},
        features={},
        member=np.arange(8),
        reactions=reactions,
    )


NEVER = float("nan")
QUIET = [NEVER] * 8


def test_each_cohort_has_the_level_that_those_before_it_left_and_nobody_is_enrolled_after_the_end() -> None:
    found = walked(fake({"25": QUIET, "50": QUIET, "100": [2.0] * 8}))
    level = found.assigned["bolus"]
    assert level[:6].tolist() == [0, 0, 1, 1, 2, 2]  # up one by one, then down: both of the third cohort react
    assert level[6] in (0, 1)
    result = dose_finding(found)
    assert result is not None
    assert result.cohorts["reacted"].to_list()[:3] == [0, 0, 2]
    assert result.levels["true_risk"].to_list() == [0.0, 0.0, 1.0]
    assert result.levels["nearest"].to_list() == [True, False, False]  # 0 is nearer to 0.25 than 1, the lower of two
    assert result.levels["given"].sum() == result.trials["people"][0] == found.entered["bolus"].sum()
    worst = walked(fake({"25": [2.0] * 8, "50": [2.0] * 8, "100": [2.0] * 8}))
    ended = dose_finding(worst)
    assert ended is not None
    assert ended.trials["ended"][0] == "lowest level too risky"
    assert ended.trials["recommended"][0] is None
    people = ended.trials["people"][0]
    assert people < 8
    assert worst.entered["bolus"].tolist() == [True] * people + [False] * (8 - people)


def test_a_reaction_counts_within_the_watch_and_who_left_without_one_is_not_judged() -> None:
    left = [6.0, 6.0, *[np.inf] * 6]
    late = fake({"25": [2.0, NEVER, 30.0, *QUIET[3:]], "50": QUIET, "100": QUIET}, left)
    reacts, judged = at_levels(late, late.study.phases[0])
    assert reacts[:4, 0].tolist() == [True, False, False, False]
    assert judged[:4, 0].tolist() == [True, False, True, True]


def test_the_true_risk_is_of_those_who_stay_to_the_end_of_the_watch() -> None:
    # Two leave: one reacted before, of the other nobody can tell. Counting the first alone would make 3 of 7.
    left = [6.0, 6.0, *[np.inf] * 6]
    told = dose_finding(walked(fake({"25": [2.0, NEVER, 3.0, 4.0, *QUIET[4:]], "50": QUIET, "100": QUIET}, left)))
    assert told is not None
    assert told.levels["true_risk"][0] == pytest.approx(2 / 6)


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return run_trial(study(), RunOptions(2, block=8, workers=1))


def test_a_run_gives_people_their_level_and_writes_what_other_programs_read(
    result: StudyResult, tmp_path: Path
) -> None:
    found = result.dose_finding
    assert found is not None
    folder = files.write(result, tmp_path / "levels", csv=True)
    cohorts, people = pl.read_parquet(folder / "dose_cohorts.parquet"), pl.read_parquet(folder / "patients.parquet")
    for row in cohorts.iter_rows(named=True):
        of = slice(2 * (row["cohort"] - 1), 2 * row["cohort"])
        mine = people.filter(pl.col("replicate") == row["replicate"])["arm"].to_list()[of]
        assert mine == [row["arm"]] * 2
    treated = people.filter(pl.col("arm").is_not_null())
    assert treated.height == found.trials["people"].sum()
    assert set(pl.read_parquet(folder / "visits.parquet")["patient"]) == set(treated["patient"])
    came = pl.read_parquet(folder / "adverse.parquet").filter(pl.col("reaction").is_in(["drowsiness", "nausea"]))
    assert came["patient"].n_unique() == found.trials["reacted"].sum()
    for name in ("dose_levels", "dose_trials", "dose_cohorts"):
        assert (folder / f"{name}.csv").exists()
        units = json.loads(pl.read_parquet_metadata(folder / f"{name}.parquet")["columns"])
        assert set(units) == set(pl.read_parquet(folder / f"{name}.parquet").columns)
    assert set(exports.TABLES) >= {"dose_levels", "dose_trials", "dose_cohorts"}
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert 'id="dose-finding"' in page
    assert "No rate from 2 replicate trials; it needs 40 or more." in page
    assert told.lines(result)[0] in page
    assert json.loads((folder / "summary.json").read_text())["dose_levels"][0]["arm"] == "25"
    subjects = read_result(folder).sets[0].table
    assert subjects.height == 16
    # The trials stop before everybody is enrolled; nobody is randomised.
    came = subjects["ARM"].is_not_null()
    assert 0 < came.sum() < 16
    assert subjects.filter(~came).select("EOSSTT", "ITTFL").unique().rows() == [("NOT ENROLLED", "N")]
    assert subjects.filter(came).select("EOSSTT", "ITTFL").unique().rows() == [("COMPLETED", "Y")]
    assert set(subjects["RANDFL"]) == {"N"}
