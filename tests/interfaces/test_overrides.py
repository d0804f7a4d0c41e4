"""One override, three ways in: --set, a [parameters] table, `using`; told first, kept in the record, and repeated."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import eutonia
from eutonia import parameters
from eutonia.errors import StudyError
from eutonia.report import words

Run = Callable[..., int]
EC50, HILL = parameters.load("receptor").values(ec50="ng/mL", hill="1")
CASE = """\
[parameters]
receptor.ec50 = "180 ng/mL"
"receptor.hill" = 4

[study]
name = "overridden"
title = "A bleed, and receptors of another kind"
kind = "case"
seed = 3

[patient]
age = "60 year"
weight = "70 kg"
sex = "woman"
creatinine_clearance = "90 mL/min"
side = "left"

[lesion]
kind = "haemorrhagic"
site = "putaminal"
volume = "30 mL"

[assessment]
side = "affected"
limbs = ["leg", "arm"]
scales = ["ashworth"]
rater = "noiseless"

[case]
duration = "200 day"
examine_every = "20 day"

[[event]]
at = "199.8 day"
kind = "bolus"
product = "Lioresal Intrathecal"
dose = "50 ug"
access = "lumbar puncture"
"""
TABLE = "ID,TIME,EVID,AMT,DV\na,0,1,10,.\na,2,0,.,.\n"


def record(folder: Path, name: str = "run.json") -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / name).read_text(encoding="utf-8"))
    return found


@pytest.mark.xdist_group("slow clock")
def test_three_ways_in_give_the_same_bits_and_the_record_repeats_them(run: Run, folder: Path) -> None:
    (folder / "with.toml").write_text(CASE, encoding="utf-8")
    (folder / "plain.toml").write_text(CASE.partition("\n\n")[2], encoding="utf-8")
    numbers = {"receptor.ec50": "180 ng/mL", "receptor.hill": 4}
    options = [word for name, value in numbers.items() for word in ("--set", f"{name}={value}")]
    assert run("run", "with.toml", "--out", "file", "--quiet") == 0
    assert run("run", "plain.toml", *options, "--out", "line", "--quiet") == 0
    with eutonia.using(numbers):
        result = eutonia.run(eutonia.load_study("plain.toml"))
    eutonia.write(result, "python")
    assert run("run", "plain.toml", "--out", "shipped", "--quiet") == 0
    bits = {name: (Path(name) / "visits.parquet").read_bytes() for name in ("file", "line", "python", "shipped")}
    assert bits["file"] == bits["line"] == bits["python"] != bits["shipped"]
    file, line, python = (record(Path(name)) for name in ("file", "line", "python"))
    assert file["rests_on"] == line["rests_on"] == python["rests_on"]
    assert file["overrides"] == line["overrides"] == python["overrides"]
    assert "--set" not in str(file["command"])
    assert line["command"] == python["command"]
    assert "--set 'receptor.ec50=180 ng/mL' --set receptor.hill=4" in str(line["command"])
    told = line["rests_on"]
    assert isinstance(told, dict)
    assert (told["receptor.ec50"], told["receptor.hill"]) == ("180 ng/mL", "4")


@pytest.mark.xdist_group("slow clock")
def test_the_first_page_the_screen_and_the_record_name_each_override(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "with.toml").write_text(CASE, encoding="utf-8")
    above = ("--set", "receptor.hill=4.1", "--set", "pump.course_deviation=30 %")
    assert run("run", "with.toml", *above, "--out", "out") == 0
    said = f"receptor.ec50 is 180 ng/mL instead of {EC50:g} ng/mL."
    others = [f"receptor.hill is 4.1 instead of {HILL:g}.", "Nothing in this run rests on pump.course_deviation."]
    printed = capsys.readouterr().out
    page = Path("out/report.html").read_text(encoding="utf-8").partition("</header>")[0]
    for line in (said, *others):
        assert line in printed
        assert line in page
    found = record(Path("out"))
    rows = found["overrides"]
    assert isinstance(rows, list)
    assert [(row["name"], row["rested_on"]) for row in rows] == [
        ("receptor.ec50", True),
        ("receptor.hill", True),
        ("pump.course_deviation", False),
    ]
    assert found["counts_by_status"]["overridden"] == 2  # type: ignore[index]
    digests = found["parameter_digests"]
    assert isinstance(digests, dict)
    assert set(digests) == {*parameters.sets(), "products"}
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests.values())


COMMANDS = {
    "examine": ["examine", "case_haemorrhage_pump", "--test", "threshold", "--at", "day 90", "--out", "out"],
    "segment": ["segment", "--protocol", "rest", "--cells", "400", "--out", "out"],
    "pump": ["pump", "careless", "--out", "out"],
    "exposure": ["exposure", "table.csv", "--set", "CL=8", "--out", "out.csv"],
}
CHANGES = {
    "examine": ("tone.severe_bias=5 mV", "report.html", "run.json"),
    "segment": ("segment.ia_rest=6 1/s", "segment.html", "run.json"),
    "pump": ("neuraxis.length_constant=20 cm", "program.html", "program.json"),
    "exposure": ("oral_adult_default.bioavailability=70 %", "", ""),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.xdist_group("slow clock")
def test_every_command_that_computes_takes_overrides_and_tells_them(
    run: Run, folder: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "table.csv").write_text(TABLE, encoding="utf-8")
    change, page, kept = CHANGES[command]
    words_ = COMMANDS[command]
    assert run(*words_, "--set", change, "--set", "trial.dropout_rate_background=6 %/year") == 2
    assert "Write the number in 1/year" in capsys.readouterr().err
    assert run(*words_, "--set", change, "--set", "trial.dropout_rate_background=0.06 1/year") == 0
    printed = " ".join(capsys.readouterr().out.split())
    name = change.partition("=")[0]
    assert f"{name} is " in printed
    assert "Nothing in this run rests on trial.dropout_rate_background." in printed
    found = record(Path("."), "out.csv.run.json") if command == "exposure" else record(Path("out"), kept)
    assert name in {row["name"] for row in found["overrides"]}  # type: ignore[union-attr, index]
    assert f"--set '{change}'" in str(found["command"]) or f"--set {change}" in str(found["command"])
    if page:
        assert f"{name} is " in Path("out", page).read_text(encoding="utf-8").partition("</header>")[0]


def test_an_exported_model_holds_the_override_and_says_so(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("libsbml")
    assert run("export", "receptor", "--set", "receptor.ec50=180 ng/mL", "--out", "model.xml") == 0
    assert f"receptor.ec50 is 180 ng/mL instead of {EC50:g} ng/mL." in capsys.readouterr().err
    text = Path("model.xml").read_text(encoding="utf-8")
    assert 'id="ec50"' in text
    assert 'value="180"' in text
    assert f"Override of {EC50:g} ng/mL (fitted, Eutonia_2026)" in text
    assert 'status="overridden"' in text


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("receptor.ec50", "is not NAME=VALUE"),
        ("receptor.ec50=", "is not NAME=VALUE"),
        ("ec50=180 ng/mL", "names no record of a set. Allowed: SET.NAME"),
        ("receptor.ec=180 ng/mL", "Nearest: receptor.ec50"),
        ("receptor.ec50=180 ug/mL", "a digit or the unit has slipped"),
        ("lesion.relative_oedema=1.3", "is derived from other records"),
    ],
)
def test_a_bad_option_ends_with_2_before_anything_is_done(
    run: Run, folder: Path, given: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("run", "case_haemorrhage_pump", "--set", given) == 2
    assert says in capsys.readouterr().err
    assert run("run", "case_haemorrhage_pump", "--set", "receptor.hill=4", "--set", "receptor.hill=5") == 2
    assert "gives receptor.hill twice" in capsys.readouterr().err
    assert not Path("results").exists()


def test_a_wrong_table_of_parameters_is_a_fault_with_its_line() -> None:
    text = CASE.replace("180 ng/mL", "180 ug/mL").replace("receptor.hill", "receptor.hil")
    with pytest.raises(StudyError) as caught:
        eutonia.parse_study(text)
    assert [fault.line for fault in caught.value.faults] == [2, 3]  # type: ignore[attr-defined]
    said = " ".join(str(caught.value).split())
    assert "a digit or the unit has slipped" in said
    assert "Nearest: receptor.hill" in said
    for table in ("parameters = 3\n", '[parameters]\nreceptor = "180 ng/mL"\n', "[parameters]\nreceptor.ec50 = true\n"):
        with pytest.raises(StudyError):
            eutonia.parse_study(table + CASE.partition("\n\n")[2])


def test_a_study_keeps_its_numbers_when_something_else_is_replaced() -> None:
    study = eutonia.parse_study(CASE)
    assert study.override(seed=9).parameters == study.parameters == {"receptor.ec50": "180 ng/mL", "receptor.hill": "4"}


def test_bounds_of_a_file_are_those_that_it_sets_itself() -> None:
    """Its numbers hold for the whole study, for what may stand in it, too."""
    high = CASE.replace('"50 ug"', '"120 ug"')
    with pytest.raises(StudyError, match="test dose"):
        eutonia.parse_study(high)
    ladder = '"label_dosing.screening_ladder" = "50, 75, 150 ug"\n'
    assert eutonia.parse_study(high.replace('"receptor.hill" = 4\n', ladder)).kind == "case"


def test_words_of_a_number_written_anew_say_that_it_is_the_same() -> None:
    row = {"name": "receptor.ec50", "from": "140.2 ng/mL", "to": "140.2 ng/mL", "rested_on": True}
    assert words.overridden({"overrides": [row]}) == [
        "receptor.ec50 is 140.2 ng/mL instead of 140.2 ng/mL, the same number"
    ]


def test_two_runs_and_two_folders_of_sets_are_compared(
    run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, told in (("a", "180 ng/mL"), ("b", "0.14 ug/mL")):
        (folder / name).mkdir()
        numbers = {"receptor.ec50": told, "tone.severe_bias": "4 mV"} | (
            {"pump.concentrations": "1"} if name == "a" else {}
        )
        kept = {"rests_on": numbers, "parameter_digests": {"tone": name}, "overrides": [{"name": "receptor.ec50"}]}
        (folder / name / "run.json").write_text(json.dumps(kept), encoding="utf-8")
        (folder / f"sets_{name}").mkdir()
        data = Path(parameters.__file__).parent / "data" / "receptor.toml"
        text = data.read_text(encoding="utf-8").replace(f"value = {EC50}", f"value = {150 if name == 'a' else EC50}")
        (folder / f"sets_{name}" / "receptor.toml").write_text(text, encoding="utf-8")
    assert run("parameters", "diff", "a", "b/run.json") == 0
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "One number differs."
    for line in (
        "receptor.ec50: 180 ng/mL in a, 0.14 ug/mL in b.",
        "receptor.ec50 is an override in a.",
        "pump.concentrations is in a alone.",
        "The file of the set tone differs.",
    ):
        assert line in said
    assert run("parameters", "diff", "sets_a", "sets_b") == 0
    assert f"receptor.ec50: 150 ng/mL in sets_a, {EC50:g} ng/mL in sets_b." in capsys.readouterr().out
    assert run("parameters", "diff", "shipped", "shipped") == 0
    assert capsys.readouterr().out == "No number differs.\n"
    (folder / "b" / "run.json").write_text("{}", encoding="utf-8")
    for words_ in (("a", "b"), ("a", "nowhere"), ("a",), ("a", "b", "c")):
        assert run("parameters", "diff", *words_) == 2
        assert "Allowed: " in capsys.readouterr().err


def test_records_come_as_tables_for_other_programs(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("parameters", "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)
    records = [record for name in parameters.sets() for record in parameters.load(name).records()]
    assert [(row["set"], row["name"], tuple(row["value"]), row["unit"]) for row in rows] == [
        (record.set, record.name, record.numbers, record.unit) for record in records
    ]
    assert run("parameters", "receptor", "--format", "csv") == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    row = next(row for row in table if row["name"] == "ec50")
    assert (row["value"], row["unit"], row["spread_cv"], row["status"]) == (f"{EC50:g}", "ng/mL", "0.45", "fitted")
    assert run("parameters", "--format", "xml") == 2
    assert "Allowed: csv, json, table" in capsys.readouterr().err


def test_one_number_of_a_vector_is_set_by_its_name() -> None:
    with eutonia.using({"lesion.territory_volume.PCA/thalamic": "40 mL"}) as numbers:
        volumes = parameters.load("lesion").along("territory_volume", "mL", ("ACA", "PCA/thalamic"))
        assert volumes == (194.1, 40.0)
        assert (numbers.overrides[0].was, numbers.overrides[0].now) == ("141.8 mL", "40 mL")
    with (
        pytest.raises(eutonia.EutoniaError, match="Nearest: ACA"),
        eutonia.using({"lesion.territory_volume.PCA": "40 mL"}),
    ):
        pass
