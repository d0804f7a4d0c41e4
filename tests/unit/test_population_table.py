"""A trial whose people come from a table: who is left out and why, who is drawn, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from analysis_examples import HEAD

from eutonia._hours import HOURS_A_MONTH
from eutonia.errors import StudyError
from eutonia.patient import Cohort, Population
from eutonia.study.design import TrialStudy, load_study, parse_study
from eutonia.study.people import StudyPopulation
from eutonia.study.population_table import limits_of
from eutonia.study.shipped_files import text_alone
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


def test_rows_are_left_out_for_a_reason_that_is_told_and_weights_leave_fewer_people(tmp_path: Path) -> None:
    people = planned(tmp_path).population
    assert people.table is not None
    told = people.table.told(*people.table.within(limits_of(people)))
    assert told.startswith("People are drawn from registry.csv: 20 of 25 rows (")
    for why in (
        "1 left out: age_year is missing",
        "1 left out: age_year beyond 18 to 110 year",
        "1 left out: sex is no number",
        "1 left out: age beyond 40 to 80 year of the study",
        "1 left out: ashworth_leg beyond",
        "Columns that are not read: id",
        # (10 + 19)^2 / (100 + 19)
        "amount to 7.1 different people",
    ):
        assert why in told
    assert people.women == pytest.approx((10 + 9) / 29, abs=0.05)
    (level,) = people.baselines
    assert (level.scale, level.limb) == ("ashworth", "leg")


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
    pl.read_csv(tmp_path / "registry.csv", infer_schema_length=None).write_parquet(tmp_path / "registry.parquet")
    (tmp_path / "other.toml").write_text(TEXT.replace("registry.csv", "registry.parquet"), encoding="utf-8")
    other = load_study(tmp_path / "other.toml")
    assert isinstance(other, TrialStudy)
    changed = other.replace({"population.n": 12})
    assert changed.population.n == 12
    ages = [drawn(one.population, 1, np.arange(50)).age_year for one in (mine, other, changed)]
    np.testing.assert_array_equal(ages[0], ages[1])
    np.testing.assert_array_equal(ages[0], ages[2])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("age_year", "age", ["its name does not say", "Nearest: age_year"]),
        ("weight_kg", "weight_g", ["in which unit", "weight_kg"]),
        ("id,", "years_since_onset,", ["time_since_onset stands there twice"]),
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
    with pytest.raises(StudyError, match="10 rows or more"):
        planned(tmp_path, rows=GOOD[:6] + BAD)
    with pytest.raises(StudyError, match="weight is missing"):
        planned(tmp_path, header=HEADER.replace("weight_kg", "shoe_size"))
    with pytest.raises(StudyError, match="given as text"), text_alone():
        parse_study(TEXT)
