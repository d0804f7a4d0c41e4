"""What a trial exports can be analysed as a real one: one arm a person, people joined to visits, units in the files."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from study_examples import STROKE
from typer.testing import CliRunner

from eutonia import session
from eutonia.cli.app import app
from eutonia.report import exports
from eutonia.study.design import TrialStudy, parse_study
from eutonia.trial.result import StudyResult
from eutonia.trial.run import RunOptions, run_trial

pytestmark = [pytest.mark.interfaces, pytest.mark.xdist_group("slow clock")]

OURS = ("visits", "patients", "potential_outcomes")
HEAD = (
    '[study]\nname = "exports"\ntitle = "Two arms, for tests of exports"\nkind = "trial"\nseed = 11\n'
    + "[population]\nn = 24\npool = 1024\n"
    + STROKE
    + '[[population.entry]]\nscale = "modified_ashworth"\nlimb = "arm"\nat_least = 1.5\n'
    + '[assessment]\nside = "affected"\nlimbs = ["arm"]\nscales = ["modified_ashworth"]\nrater = "human"\n'
)
PHASE = """
[[phase]]
name = "{name}"
design = "{design}"
masking = "double blind"
visits = ["0 week", "2 week", "{last}"]
nonspecific = true
dropout = {dropout}
{more}
"""
SHAM = '[[phase.arm]]\nname = "{name}"\nplacebo = true\n'
DRUG = (
    '[[phase.arm]]\nname = "baclofen"\n[[phase.arm.treatment]]\nproduct = "baclofen tablets"\nroute = "oral"\n'
    'dose = "10 mg"\nevery = "8 hour"\n'
)
NO_EFFECT = (
    '[[phase.leaving]]\nafter = "lack of effect"\nscale = "modified_ashworth"\nlimb = "arm"\nvisit = "2 week"\n'
    "improvement = 0.5\nshare = 0.2\n"
)
LEAVING = HEAD + PHASE.format(name="The phase", design="parallel", last="12 week", dropout="true", more=NO_EFFECT)
LEAVING += DRUG + SHAM.format(name="placebo") + 'dropout = "4 1/year"\n'
BRIEF = LEAVING.replace("12 week", "4 week")
CROSSED = HEAD + PHASE.format(name="both", design="crossover", last="1 year", dropout="true", more='washout = "1 week"')
CROSSED += SHAM.format(name="one") + SHAM.format(name="other")


@cache
def result(text: str, replicates: int) -> StudyResult:
    session.begin()
    study = parse_study(text)
    assert isinstance(study, TrialStudy)
    return run_trial(study, RunOptions(replicates, potential_outcomes=True))


def written(of: StudyResult, folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    exports.write_tables(of, folder, csv=True)
    visits, people, others = (pl.read_parquet(folder / f"{name}.parquet") for name in OURS)
    return visits, people, others


def test_everybody_is_in_one_arm_and_the_other_arms_are_a_file_of_their_own(tmp_path: Path) -> None:
    visits, people, others = written(result(LEAVING, 10), tmp_path)
    key = ["patient", "time_h", "item"]
    assert visits.height == visits.select(key).unique().height, "somebody is seen twice at one visit"
    joined = visits.join(people, on="patient", how="left", validate="m:1")
    assert joined.height == visits.height
    assert (joined["arm"] == joined["arm_right"]).all()
    assert (joined["replicate"] == joined["replicate_right"]).all()
    assert people["patient"].n_unique() == people.height == 24 * 10
    assert people.select("replicate", "person").unique().height == people.height
    assert visits.join(others, on=[*key, "arm"], how="inner").is_empty()
    # Arms are left at rates of their own, so later visits are seen in one arm and not in the other.
    first = [set(one.filter(time_h=0.0).select(key).rows()) for one in (visits, others)]
    assert first[0] == first[1]
    assert others.filter(pl.col("time_h") > 0)["arm"].n_unique() == 2
    assert {"age_year", "sex", "weight_kg", "creatinine_clearance_ml_per_min", "lesion"} <= set(people.columns)


def test_whoever_leaves_is_not_seen_from_that_day_on(tmp_path: Path) -> None:
    visits, people, _ = written(result(LEAVING, 10), tmp_path)
    left = people.filter(pl.col("left_day_the_phase").is_not_null())
    assert 0 < left.height < people.height
    by_arm = {
        (arm, why): left.filter(arm=arm, left_reason_the_phase=why).height / 10
        for arm in ("baclofen", "placebo")
        for why in ("dropped out", "lack of effect")
    }
    flow = {(one.arm, one.reason): one.number for one in result(LEAVING, 10).consort if one.stage == "Left The phase"}
    assert by_arm == flow
    assert by_arm["placebo", "dropped out"] > 1.5 * by_arm["baclofen", "dropped out"]  # 4 a year, and 0.393
    assert min(by_arm.values()) > 0
    assert (left.filter(left_reason_the_phase="lack of effect")["left_day_the_phase"].round(6) == 14.0).all()
    assert people.filter(pl.col("left_day_the_phase").is_null())["left_reason_the_phase"].is_null().all()
    last = visits.filter(item="mean").group_by("patient").agg(pl.len().alias("seen"), pl.col("time_h").max())
    both = people.join(last, on="patient", how="left")
    gone = pl.col("left_day_the_phase").is_not_null()
    assert (both.filter(~gone)["seen"] == 3).all()
    assert (both.filter(gone)["time_h"] / 24 < both.filter(gone)["left_day_the_phase"]).all()
    assert (both.filter(gone)["seen"] < 3).all()


def test_whoever_leaves_a_crossover_in_its_first_period_is_not_in_the_second(tmp_path: Path) -> None:
    visits, people, _ = written(result(CROSSED, 10), tmp_path)
    orders = {"one, then other", "other, then one"}
    assert set(people["arm_both"]) == orders
    year = 8766.0 / 24
    early = people.filter(pl.col("left_day_both") < 14.0 + year).select("patient", "arm_both")
    second = early.with_columns(pl.col("arm_both").str.split(", then ").list.get(1).alias("arm"))
    assert early.height > 5
    assert visits.join(second, on=["patient", "arm"], how="inner").is_empty()


def test_doses_are_those_of_the_people_in_the_arm() -> None:
    doses = result(LEAVING, 10).doses
    assert set(doses.filter(arm="baclofen")["mean"]) == {30.0}
    assert doses.filter(arm="placebo").is_empty()


def test_the_files_say_their_units_and_csv_says_the_same(tmp_path: Path) -> None:
    visits, people, others = written(result(LEAVING, 10), tmp_path)
    for name, table in zip(OURS, (visits, people, others), strict=True):
        about = json.loads(pl.read_parquet_metadata(tmp_path / f"{name}.parquet")["columns"])
        assert set(about) == set(table.columns)
        assert pl.read_csv(tmp_path / f"{name}.csv", schema=table.schema).equals(table)
    columns = json.loads(pl.read_parquet_metadata(tmp_path / "patients.parquet")["columns"])
    assert columns["weight_kg"]["unit"] == "kg"
    assert columns["left_day_the_phase"]["unit"] == "day"
    assert not any(dtype in (pl.Categorical, pl.Enum) for dtype in visits.dtypes)


def test_no_spreadsheet_computes_the_name_of_an_arm(tmp_path: Path) -> None:
    exports.write_tables(result(BRIEF.replace('"placebo"', '"=1+1"'), 1), tmp_path, csv=True)
    arms = {name: set(pl.read_csv(tmp_path / f"{name}.csv")["arm"]) for name in ("visits", "patients")}
    assert arms["visits"] == arms["patients"] == {"baclofen", "'=1+1"}
    assert set(pl.read_parquet(tmp_path / "visits.parquet")["arm"]) == {"baclofen", "=1+1"}


def test_the_command_writes_more_where_asked_and_replaces_its_own_folder(tmp_path: Path) -> None:
    file, out = tmp_path / "exports.toml", tmp_path / "out"
    file.write_text(BRIEF, encoding="utf-8")
    plain = ["run", str(file), "--replicates", "2", "--quiet", "--out", str(out)]
    names = {"report.html", "summary.json", "visits.parquet", "patients.parquet", "course.nc", "run.json"} | {
        "curves.parquet"
    }
    more = {"potential_outcomes.parquet", "curves.csv", "visits.csv", "patients.csv", "potential_outcomes.csv"}
    for options, expected in ((["--potential-outcomes", "--csv"], names | more), ([], names)):
        assert CliRunner().invoke(app, [*plain, *options]).exit_code == 0
        assert {path.name for path in out.iterdir()} == expected
        assert set(json.loads((out / "run.json").read_text(encoding="utf-8"))["files"]) == expected


def test_potential_outcomes_of_one_arm_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = CliRunner().invoke(app, ["run", "case_ischaemic_tablets", "--potential-outcomes", "--out", str(out)])
    assert found.exit_code != 0
    assert not out.exists()
