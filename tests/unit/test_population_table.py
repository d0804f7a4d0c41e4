"""A trial whose people come from a table: who is left out and why, who is drawn, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from analysis_examples import HEAD
from typer.testing import CliRunner

from eutonia._hours import HOURS_A_MONTH, HOURS_A_YEAR
from eutonia.cli.app import app
from eutonia.errors import StudyError
from eutonia.patient import Cohort, Population
from eutonia.patient.population import MIX_OF
from eutonia.study.design import TrialStudy, load_study, parse_study
from eutonia.study.people import StudyPopulation
from eutonia.study.shipped_files import text_alone
from eutonia.trial.record import inputs
from eutonia.trial.recruitment import of_table

pytestmark = pytest.mark.unit

START, _, REST = HEAD.partition("[population]\nn = 40\n")
# What people are is left to the table; the age that the trial takes is not.
KEPT = [line for line in REST.splitlines() if not line.startswith(("women", "weight", "creatinine", "time_since"))]
AGED = 'age = { mean = "60 year", sd = "10 year", min = "40 year", max = "80 year" }'
TEXT = "\n".join([START, "[population]", "n = 40", 'table = "registry.csv"', *KEPT]) + "\n"
TEXT = "\n".join(AGED if line.startswith("age") else line for line in TEXT.splitlines()) + "\n"

HEADER = "id,age_year,sex,weight_kg,creatinine_clearance_ml_per_min,months_since_onset,ashworth_leg,sampling_weight"
# Weight and kidneys tell the age, so that a row that is not taken whole shows.
GOOD = [f"p{k},{45 + k},{'FM'[k % 2]},{60 + k},{100 - k},{12 + k},{2 + k % 3},{1 + (k == 0) * 9}" for k in range(20)]
BAD = ["a,,F,70,80,24,3,1", "b,17,M,70,80,24,3,1", "c,60,x,70,80,24,3,1", "d,85,M,70,80,24,3,1", "e,60,M,70,80,24,9,1"]


def planned(folder: Path, text: str = TEXT, rows: list[str] | None = None, header: str = HEADER) -> TrialStudy:
    (folder / "registry.csv").write_text("\n".join([header, *(GOOD + BAD if rows is None else rows)]), encoding="utf-8")
    (folder / "study.toml").write_text(text, encoding="utf-8")
    found = load_study(folder / "study.toml")
    assert isinstance(found, TrialStudy)
    return found


def drawn(people: StudyPopulation, seed: int, person: np.ndarray) -> Cohort:
    """Return people without lesions, which cost most and are no matter of the table."""
    return of_table(Cohort.draw(seed, person, Population.typical("healthy")), people, seed)


def tie(people: Cohort) -> float:
    """Return how closely kidneys go with age."""
    return float(np.corrcoef(people.age_year, people.creatinine_clearance_mL_min)[0, 1])


def test_rows_are_left_out_for_a_reason_that_is_told_and_weights_leave_fewer_people(tmp_path: Path) -> None:
    people = planned(tmp_path).population
    assert people.table is not None
    told = people.table.told(*people.table.within(people.limits))
    assert told.startswith("People are drawn from registry.csv: 20 of 25 rows (")
    shown = CliRunner().invoke(app, ["check", str(tmp_path / "study.toml")])
    assert told in shown.output
    for why in (
        "1 left out: age_year is missing",
        "1 left out: age_year beyond 18 to 110 year",
        "1 left out: sex is none of woman, female, f, w, man, male, m",
        "1 left out: age beyond 40 to 80 year of the study",
        "1 left out: ashworth_leg beyond",
        "Columns that are not read: id",
        # (10 + 19)^2 / (100 + 19)
        "amount to 7.1 different people",
    ):
        assert why in told
    # Rows beyond the limits of the study tell nothing of whom it takes, and weights count in mean and SD alike.
    rows, weights = np.arange(20), np.array([10.0] + [1.0] * 19)
    assert people.women == pytest.approx(np.average(rows % 2 == 0, weights=weights), rel=1e-12)
    (level,) = people.baselines
    assert (level.scale, level.limb) == ("ashworth", "leg")
    for found, numbers in (((level.mean, level.sd), 2.0 + rows % 3), (people.weight_kg.numbers[:2], 60.0 + rows)):
        mean = np.average(numbers, weights=weights)
        assert found == pytest.approx((mean, np.sqrt(np.average((numbers - mean) ** 2, weights=weights))), rel=1e-12)


def test_kidneys_of_no_column_fail_with_the_age_of_the_row_and_are_spread_as_the_study_says(tmp_path: Path) -> None:
    clearance = 'creatinine_clearance = { mean = "80 mL/min", sd = "10 mL/min", min = "20 mL/min", max = "140 mL/min" }'
    header = HEADER.replace("creatinine_clearance_ml_per_min", "x")
    people = planned(tmp_path, TEXT.replace(AGED, f"{AGED}\n{clearance}"), header=header).population
    cohort = drawn(people, 7, np.arange(2000))
    # A third of the people is one row, so that ages are less even than those that the study would draw.
    assert tie(cohort) == pytest.approx(tie(Cohort.draw(7, np.arange(2000), Population.typical("healthy"))), abs=0.15)
    assert cohort.creatinine_clearance_mL_min.mean() == pytest.approx(80.0, abs=1.0)
    assert cohort.creatinine_clearance_mL_min.std() == pytest.approx(10.0, abs=0.6)


def test_a_study_with_other_limits_takes_from_the_table_what_is_within_them(tmp_path: Path) -> None:
    """A program that keeps what the table said under the old limits trusts rows that it no longer takes."""
    study = planned(tmp_path)
    limits = {"mean": "50 year", "sd": "10 year", "min": "40 year", "max": "56 year"}
    changed, rows = study.replace({"population.age": limits}).population, np.arange(12)
    mean = np.average(60 + rows, weights=1 + 9 * (rows == 0))
    assert (changed.weight_kg.numbers[0], changed.weight_kg.high) == pytest.approx((mean, 71.0))
    assert [row.mean for row in changed.baselines] == [
        pytest.approx(np.average(2 + rows % 3, weights=1 + 9 * (rows == 0)))
    ]
    assert set(study.tables()["population"]) == {"n", "table", "origin", "age", "lesions"}


def test_people_whose_kidneys_alone_are_told_are_as_old_as_goes_with_them(tmp_path: Path) -> None:
    """A program that draws age freely gives kidneys of the old to the young."""
    people = planned(tmp_path, header=HEADER.replace("age_year", "agent")).population
    assert people.table is not None
    assert people.table.ignored == ("id", "agent"), "an age without its unit is refused, an agent means nothing"
    cohort = drawn(people, 7, np.arange(2000))
    assert tie(cohort) == pytest.approx(tie(Cohort.draw(7, np.arange(2000), Population.typical("healthy"))), abs=0.15)
    # How old people are is as the study says (60, even to both sides), whatever kidneys the table tells.
    assert cohort.age_year.mean() == pytest.approx(60.0, abs=1.0)
    assert 40.0 <= cohort.age_year.min() < cohort.age_year.max() <= 80.0


def test_with_a_lesion_since_birth_the_age_of_the_row_is_the_time_since_onset(tmp_path: Path) -> None:
    text = TEXT.replace('origin = "stroke"', 'origin = "cerebral palsy"').replace(
        'lesions = "stroke survivors"', f'lesions = "{MIX_OF["cerebral palsy"]}"'
    )
    people = planned(tmp_path, text).population
    assert people.table is not None
    assert people.table.ignored == ("id", "months_since_onset")
    cohort = drawn(people, 7, np.arange(50))
    np.testing.assert_allclose(cohort.time_since_onset_h, cohort.age_year * HOURS_A_YEAR)


def test_a_score_that_is_the_same_in_all_is_told_to_be_no_entry_level(tmp_path: Path) -> None:
    # A mean of 70.1 by weights of 0.7 is not 70.1 to the last bit.
    rows = [
        ",".join([*row.split(",")[:3], "70.1", *row.split(",")[4:6], "3.3", f"0.{k % 9 + 1}"])
        for k, row in enumerate(GOOD)
    ]
    people = planned(tmp_path, rows=rows).population
    assert people.table is not None
    assert people.baselines == ()
    assert people.weight_kg.sd == 0.0
    assert "no entry level: ashworth_leg" in people.table.told(*people.table.within(people.limits))


def test_people_whose_identity_begins_like_a_comment_are_people(tmp_path: Path) -> None:
    people = planned(tmp_path, rows=[f"{'#@p'[k % 3]}{row}" for k, row in enumerate(GOOD)]).population
    assert people.table is not None
    assert len(people.table.weights) == len(GOOD)


def test_the_name_of_a_table_in_a_record_tells_no_folder_of_a_machine(tmp_path: Path) -> None:
    planned(tmp_path)
    assert [one["file"] for one in inputs([tmp_path / "registry.csv"])] == ["registry.csv"]


def test_people_are_whole_rows_by_their_weights_whoever_else_is_drawn(tmp_path: Path) -> None:
    people = planned(tmp_path).population
    cohort = drawn(people, 7, np.arange(2000))
    k = np.round(cohort.age_year - 45)
    assert set(k) == set(range(20))
    np.testing.assert_allclose(cohort.weight_kg, 60 + k)
    np.testing.assert_allclose(cohort.creatinine_clearance_mL_min, 100 - k)
    np.testing.assert_allclose(cohort.time_since_onset_h, (12 + k) * HOURS_A_MONTH)
    np.testing.assert_array_equal(cohort.is_woman, k % 2 == 0)
    assert np.mean(k == 0) == pytest.approx(10 / 29, abs=0.04)
    few = drawn(people, 7, np.array([1999, 3]))
    np.testing.assert_array_equal(few.age_year, cohort.age_year[[1999, 3]])


def test_parquet_says_the_same_and_a_changed_study_still_has_its_table(tmp_path: Path) -> None:
    mine = planned(tmp_path)
    table = pl.read_csv(tmp_path / "registry.csv", infer_schema_length=None).rename({"age_year": " age_year"})
    # A column that means nothing here may hold what is no text.
    table.with_columns(pl.lit([1, 2]).alias("id"), pl.lit(b"\xff\xfe").alias("scan")).write_parquet(
        tmp_path / "registry.parquet"
    )
    (tmp_path / "other.toml").write_text(TEXT.replace("registry.csv", "registry.parquet"), encoding="utf-8")
    other = load_study(tmp_path / "other.toml")
    assert isinstance(other, TrialStudy)
    changed = other.replace({"population.n": 12})
    assert changed.population.n == 12
    ages = [drawn(one.population, 1, np.arange(50)).age_year for one in (mine, other, changed)]
    np.testing.assert_array_equal(ages[0], ages[1])
    np.testing.assert_array_equal(ages[0], ages[2])
    table.with_columns(pl.lit([1, 2]).alias("weight_kg")).write_parquet(tmp_path / "registry.parquet")
    with pytest.raises(StudyError, match="column weight_kg holds List"):
        load_study(tmp_path / "other.toml")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("age_year", "age", ["its name does not say", "Nearest: age_year"]),
        ("weight_kg", "weight_g", ["in which unit", "weight_kg"]),
        ("id,", "years_since_onset,", ["time_since_onset stands there twice"]),
        ("id,", "age_year,", ["Two columns have this name", "age_year"]),
        ("ashworth_leg", "Ashworth_Leg", ["looks like one", "Nearest: ashworth_leg"]),
        ("ashworth_leg", "ashworth", ["looks like one", "Nearest: ashworth_leg"]),
        (HEADER, HEADER.replace(",", ";"), ["semicolons", "commas"]),
        ('"40 year", max', '"59 year", max', ["6 of 25 rows", "15: age beyond 59 to 80 year", "Widen the limits"]),
        (AGED, AGED.replace("40", "70").replace("60", "75"), ["0 of 25 rows"]),
        (HEADER, "a,b,c,d,e,f,g,h", ["No column tells anything of people", "ashworth_leg"]),
        ("registry.csv", "../registry.csv", ["in the folder of the study"]),
        ("registry.csv", "registry.xlsx", ["names no table of people", ".parquet"]),
        ("registry.csv", "regisrty.csv", ["no file of that name", "Nearest: registry.csv"]),
    ],
)
def test_what_is_no_table_of_people_is_refused_with_what_to_do(
    tmp_path: Path, old: str, new: str, says: list[str]
) -> None:
    with pytest.raises(StudyError) as caught:
        planned(tmp_path, TEXT.replace(old, new), header=HEADER.replace(old, new))
    for words in (*says, "Do: "):
        assert words in " ".join(str(caught.value).split())


def test_a_few_rows_or_a_key_that_nothing_says_are_refused_and_so_is_a_file_on_a_server(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="10 rows or more") as caught:
        planned(tmp_path, rows=GOOD[:6] + BAD)
    # What a mended table may fill is not told to be missing.
    assert len(caught.value.faults) == 1
    with pytest.raises(StudyError, match="0 of 0 rows"):
        planned(tmp_path, rows=[])
    with pytest.raises(StudyError, match="weight is missing"):
        planned(tmp_path, header=HEADER.replace("weight_kg", "shoe_size"))
    with pytest.raises(StudyError, match="given as text"), text_alone():
        parse_study(TEXT)
