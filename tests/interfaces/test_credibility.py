"""The credibility file: filled by machine from records, tests and published results, with what is missing in sight."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

import eutonia
import eutonia.cli
from eutonia.cli.app import app
from eutonia.errors import EutoniaError, StudyError
from eutonia.parameters import influence
from eutonia.report.credibility import assessment, domain, files, tests_of
from eutonia.report.credibility.files import CredibilityFile

ROOT = Path(__file__).parents[2]
READ = {"tone.muscle_deviation": "", "receptor.ec50": "", "descending.bias_spread": ""}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run, as far as it is looked at: two people, one of them a child with kidneys beyond the rows."""
    made = tmp_path_factory.mktemp("run")
    told = {
        "program": "eutonia", "version": "0.0.9", "seed": 5, "study_digest": "abc", "rests_on": READ, "replicates": 50,
        "study_text": (ROOT / "studies" / "meythaler_2001.toml").read_text(encoding="utf-8"), "beyond_label": [],
    }  # fmt: skip
    quantity = {"scale": "ashworth", "visit": "6 hour", "arm": "baclofen"}
    doses = [{"unit": "ug/day", "mean": 90_000.0}, {"unit": "ug/day", "mean": 200.0}]
    (made / "run.json").write_text(json.dumps(told), encoding="utf-8")
    (made / "summary.json").write_text(json.dumps({"quantities": [quantity], "doses": doses}), encoding="utf-8")
    people = {
        "age_year": [1.0, 60.0], "weight_kg": [12.0, 80.0], "creatinine_clearance_ml_per_min": [160.0, 90.0],
        "months_since_onset": [6.0, 12.0],
    }  # fmt: skip
    pl.DataFrame(people).write_parquet(made / "patients.parquet")
    return made


@pytest.fixture(scope="module")
def found(folder: Path) -> CredibilityFile:
    return eutonia.credibility(folder, influence="medium", consequence="high")


def test_the_person_of_a_case_is_known_by_its_file_whatever_its_table_of_possible_people_holds(
    folder: Path, tmp_path: Path
) -> None:
    case = tmp_path / "case"
    shutil.copytree(folder, case)
    told = json.loads((case / "run.json").read_text(encoding="utf-8"))
    text = (ROOT / "studies" / "case_ischaemic_pump.toml").read_text(encoding="utf-8")
    (case / "run.json").write_text(json.dumps(told | {"study_text": text}), encoding="utf-8")
    pl.DataFrame({"patient": [0, 1], "responder": [True, False]}).write_parquet(case / "patients.parquet")
    known = {row["what"]: (row["low"], row["high"]) for row in eutonia.credibility(case).data["domain"]}
    assert known["age"] == (72.0, 72.0)
    assert known["creatinine clearance"] == (90.0, 90.0)


def of(data: Mapping[str, Any], table: str, key: str, name: str) -> dict[str, Any]:
    return next(row for row in data[table] if row[key] == name)


def test_who_lies_outside_the_evidence_is_counted(found: CredibilityFile) -> None:
    shares = {row["what"]: row["outside"] for row in found.data["domain"]}
    assert shares["age"] == 0.5
    assert shares["creatinine clearance"] == 0.5
    assert shares["time since onset"] == 0.0
    assert shares["weight"] is None
    assert [row["outside"] for row in found.data["domain"] if row["unit"] == "ug/day"] == [0.5]
    missing = " ".join(found.data["missing"])
    assert "Age: 50% outside." in missing
    assert "Weight: no row of the calibration data gives any" in missing


def test_the_assessment_says_risk_and_how_this_study_was_judged(found: CredibilityFile) -> None:
    rows = {row["element"]: row["assessment"] for row in found.data["assessment"]}
    assert rows["Model risk"].startswith("high")
    kept = json.loads((ROOT / "papers" / "results.json").read_text(encoding="utf-8"))["results"]
    own = [one for key, one in kept.items() if key.startswith("meythaler_2001: ")]
    inside = sum(one["grade"] == "reproduces" for one in own)
    assert rows["Evaluation outcome"].startswith(f"{inside} of {len(own)} inside the interval")
    assert "(of this study)" in rows["Evaluation outcome"]
    assert "half a grade" in rows["Evaluation plan"]


def test_every_factor_and_category_of_the_standards_is_there_and_a_gap_is_told(found: CredibilityFile) -> None:
    assert len(found.data["factors"]) == 13
    assert [row["category"] for row in found.data["categories"]] == list("12345678")
    bench = of(found.data, "categories", "name", "Bench test validation results")
    assert bench["evidence"] == ""
    assert "Bench test validation results: nothing was found." in found.data["missing"]


def test_numbers_are_those_of_the_run_and_no_others(found: CredibilityFile) -> None:
    assert sum(found.data["numbers"]["by_status"].values()) == len(READ)
    assert found.frame().height == 8 + 13 + 8


@pytest.mark.parametrize(
    ("influence_", "consequence", "risk"),
    [("low", "low", "low"), ("low", "medium", "medium"), ("low", "high", "medium"), ("medium", "high", "high")],
)
def test_risk_grows_with_influence_and_consequence(influence_: str, consequence: str, risk: str) -> None:
    assert assessment.risk(influence_, consequence) == assessment.risk(consequence, influence_) == risk
    with pytest.raises(StudyError, match="Nearest: high"):
        assessment.risk("hihg", consequence)


def test_tests_are_read_from_their_files_with_the_layers_that_they_touch(tmp_path: Path) -> None:
    text = '"""Laws of tone.\n\nMore."""\nfrom eutonia.tone import spinal\nimport eutonia\n\ndef test_a() -> None:\n'
    (tmp_path / "laws").mkdir()
    (tmp_path / "laws" / "test_x.py").write_text(text + "    eutonia.run(spinal)\n", encoding="utf-8")
    (one,) = tests_of.found(tmp_path)
    assert (one.about, one.tests, one.layers) == ("Laws of tone.", ("test_a",), ("tone", "trial"))
    rows = {row["layer"]: row["laws"] for row in tests_of.by_layer([one])}
    assert (rows["tone"], rows["trial"], rows["drug"]) == (1, 1, 0)


def test_a_test_is_evidence_of_what_its_name_says_and_of_nothing_beside() -> None:
    """Loose words took tests along: of halves of two doses, of a toxin's block, of tolerance that a record sets."""
    others = (
        "two_halves_are_the_whole", "a_ladder_to_relief_climbs_by_equal_steps", "it_falls_in_step_with_the_dose",
        "more_blocks_more_and_each_unit_less", "every_block_of_a_page_prints", "a_month_takes_back_slow_tolerance",
        "a_restart_after_a_longer_holiday_works_no_less", "without_opposition_nothing_rebounds",
        "what_tablets_make_of_a_dose_is_nearest_and_stays", "clonus_is_scored_on_the_screen",
    )  # fmt: skip
    made = tests_of.TestFile("unit", "test_x", "", tuple(f"test_{one}" for one in others), ())
    shipped = tests_of.found(ROOT / "tests")
    for pattern in (assessment.STEPS, assessment.BITS, assessment.USE, assessment.EMERGES):
        assert tests_of.matching([made], pattern) == []
        for part in re.split(r"\|(?![^(]*\))", pattern):
            assert tests_of.matching(shipped, part), part


def test_what_was_seen_is_read_from_the_rows() -> None:
    row = dict.fromkeys(("layer", "population", "timepoint", "timepoint_unit", "route", "dose", "dose_unit"), "")
    row |= {"outcome": "", "value": "", "value_unit": ""}
    rows = [
        row | {"layer": "population", "population": "chronic stroke", "timepoint": "2", "timepoint_unit": "years"},
        row | {"layer": "population", "population": "spinal cord injury", "timepoint": "9", "timepoint_unit": "years"},
        row | {"layer": "tone_steady", "route": "intrathecal", "dose": "300", "dose_unit": "ug/d"},
        row
        | {"layer": "tolerance", "route": "intrathecal", "outcome": "mean dose", "value": "90", "value_unit": "ug/d"},
        row | {"layer": "renal", "population": "CLcr < 30 mL/min"},
        row | {"layer": "renal", "population": "CLcr 50-80 mL/min"},
    ]
    stroke, dose, kidneys = (
        domain.months(rows, "stroke"),
        domain.doses(rows, "intrathecal", "ug/d"),
        domain.kidneys(rows),
    )
    assert stroke is not None
    assert dose is not None
    assert kidneys is not None
    assert (stroke.low, stroke.rows) == (pytest.approx(24.0), 1)
    assert (dose.low, dose.high, kidneys.low, kidneys.high) == (90.0, 300.0, 0.0, 80.0)
    assert domain.months(rows, "spinal cord injury") is None
    assert domain.ages(rows) is None


def test_the_page_stands_alone_and_the_folder_is_written_whole(found: CredibilityFile, tmp_path: Path) -> None:
    written = files.write(found, tmp_path / "file")
    page = (written / "credibility.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert "Research and teaching only" in page
    assert all(row["factor"] in page for row in found.data["factors"])
    data = json.loads((written / "credibility.json").read_text(encoding="utf-8"))
    assert data["assessment"] == found.data["assessment"]
    assert files.write(found, written) == written


def test_the_program_as_a_whole_has_a_file_too_and_what_is_no_run_is_refused(folder: Path, tmp_path: Path) -> None:
    whole = eutonia.credibility()
    assert whole.data["domain"] == []
    assert sum(whole.data["numbers"]["by_status"].values()) > 500
    (tmp_path / "empty").mkdir()
    with pytest.raises(EutoniaError, match=r"no run\.json"):
        eutonia.credibility(tmp_path / "empty")
    damaged = tmp_path / "damaged"
    shutil.copytree(folder, damaged)
    (damaged / "summary.json").write_text("{", encoding="utf-8")
    done = CliRunner().invoke(app, ["credibility", str(damaged), "--out", str(tmp_path / "out")])
    assert isinstance(done.exception, EutoniaError)
    assert "is no whole run" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_the_most_influential_numbers_are_those_of_the_study_or_of_its_kind() -> None:
    study = eutonia.load_study("loubser_1991")
    kind = influence.kind_of(study.kind, study.text)
    assert kind == "trial with pump"
    name, records = influence.most("loubser_1991", kind)
    assert (name, len(records)) == ("loubser_1991", influence.MOST)
    assert influence.most("mine", kind)[1]
    with influence.FILE.open(encoding="utf-8", newline="") as opened:
        told = {(row["study"], row["kind"]) for row in csv.DictReader(opened)}
    for of, kind_told in told:  # a pump's case stood under tablets, and answered for them
        asked = eutonia.load_study(of)
        assert influence.kind_of(asked.kind, asked.text) == kind_told
    assert influence.most("mine", "trial with leeches") == ("", ())
