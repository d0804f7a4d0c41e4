"""The line "to repeat this run" repeats it: every command's record holds all that its numbers depend on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xarray
from study_examples import tablets_begun

import eutonia
from eutonia.report import files

Run = Callable[..., int]
TABLE = """ID,TIME,EVID,AMT,DV,MDV,OCC
a,0,1,10,.,1,1
a,2,0,.,.,1,1
a,24,1,10,.,1,2
a,26,0,.,.,1,2
"""


def repeated(run: Run, first: Path, record: str, again: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Do again what a record says, into another place; return both records."""
    said = json.loads((first / record if first.is_dir() else Path(record)).read_text())
    words = shlex.split(said["command"])
    assert words[0] == "eutonia"
    assert run(*words[1:], "--out", again) == 0
    second = json.loads((Path(again) / record if Path(again).is_dir() else Path(f"{again}.run.json")).read_text())
    for one in (said, second):
        del one["wall_time_s"]
    return said, second


def same_files(one: Path, other: Path) -> int:
    """Hold the data of two folders against each other, and return how many files there were."""
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    for name in names:
        if name.endswith(".nc"):
            with xarray.open_dataset(one / name) as a, xarray.open_dataset(other / name) as b:
                xarray.testing.assert_identical(a, b)
        elif name.endswith(".parquet"):
            assert pl.read_parquet(one / name).equals(pl.read_parquet(other / name))
        elif not name.endswith(".html") and name not in ("run.json", "program.json"):
            assert (one / name).read_bytes() == (other / name).read_bytes(), name
    return len(names)


@pytest.mark.xdist_group("slow clock")
def test_a_trial_with_other_people_replicates_and_seed(run: Run, folder: Path) -> None:
    text = (Path(__file__).parent / "parallel_tablets.toml").read_text(encoding="utf-8")
    text = text.replace("n = 60", "n = 60\npool = 1024").replace('"2 week", "6 week"', '"2 day"')
    (folder / "parallel.toml").write_text(text, encoding="utf-8")
    options = ("--patients", "9", "--replicates", "3", "--seed", "77", "--csv", "--potential-outcomes")
    assert run("run", "parallel.toml", *options, "--out", "first", "--quiet") == 0
    said, second = repeated(run, Path("first"), "run.json", "again")
    assert said == second
    assert same_files(Path("first"), Path("again")) >= 5
    assert (said["patients"], said["replicates"], said["seed"]) == (9, 3, 77)
    assert said["random_numbers"] == {"generator": "threefry2x32", "partitionable": True}
    assert said["instruction_set"].split()[0] in ("x86_64", "aarch64", "arm64", "AMD64")
    assert said["study_text"] == text
    # From Python the same record comes, and the same line.
    study = eutonia.load_study("parallel.toml").override(n=9, seed=77)
    result = eutonia.run(study, replicates=3, potential_outcomes=True)
    files.write(result, folder / "python", csv=True)
    assert json.loads((folder / "python" / "run.json").read_text())["command"] == said["command"]
    assert same_files(Path("first"), folder / "python") >= 5
    # What the options change is really changed: the line without them is another run.
    other = eutonia.run(eutonia.load_study("parallel.toml").override(n=9), replicates=3)
    assert not other.visits.equals(pl.read_parquet("first/visits.parquet"))


@pytest.mark.xdist_group("slow clock")
def test_a_case_from_a_file_with_a_blank_in_its_name_and_its_examination(run: Run, folder: Path) -> None:
    (folder / "my case.toml").write_text(tablets_begun())
    assert run("run", "my case.toml", "--seed", "5", "--out", "first", "--quiet") == 0
    said, second = repeated(run, Path("first"), "run.json", "again")
    assert said == second
    assert "'my case.toml'" in said["command"]
    assert same_files(Path("first"), Path("again")) >= 4
    options = ("--test", "threshold", "--at", "day 30", "--limb", "leg")
    assert run("examine", "my case.toml", *options, "--out", "seen") == 0
    said, second = repeated(run, Path("seen"), "run.json", "seen again")
    assert said == second
    same_files(Path("seen"), Path("seen again"))


def test_a_segment(run: Run, folder: Path) -> None:
    options = ("--bias", "2.5 mV", "--csf", "200 ng/mL", "--protocol", "rest", "--cells", "400", "--seed", "3")
    assert run("segment", *options, "--presynaptic-share", "0.25", "--out", "first") == 0
    said, second = repeated(run, Path("first"), "run.json", "again")
    assert said == second
    same_files(Path("first"), Path("again"))


def test_a_dosing_table(run: Run, folder: Path) -> None:
    (folder / "doses.csv").write_text(TABLE)
    options = ("--set", "CL=8 L/h", "--set", "KA=2 1/h", "--iov", "CL=20 %", "--seed", "4")
    assert run("exposure", "doses.csv", *options, "--out", "first.csv", "--quiet") == 0
    said, second = repeated(run, Path("first.csv"), "first.csv.run.json", "again.csv")
    assert said == second
    assert Path("first.csv").read_bytes() == Path("again.csv").read_bytes()
    assert run("exposure", "doses.csv", "--out", "other.csv", "--quiet") == 0
    assert Path("first.csv").read_bytes() != Path("other.csv").read_bytes()
    (folder / "mine.csv.run.json").write_text("mine")
    assert run("exposure", "doses.csv", "--out", "mine.csv") == 2
    assert (folder / "mine.csv.run.json").read_text() == "mine"


def test_a_pump_program(run: Run, folder: Path) -> None:
    assert run("pump", "first_pump", "--day", "3", "--out", "first", "--quiet") == 0
    said, second = repeated(run, Path("first"), "program.json", "again")
    assert said == second
    assert said["inputs"][0]["file"].endswith("first_pump.toml")
    assert said["version"] == eutonia.__version__
    same_files(Path("first"), Path("again"))


@pytest.mark.xdist_group("fit")
def test_a_fit(run: Run, folder: Path, rough_fits: None) -> None:
    trace = Path(__file__).parents[2] / "examples" / "ramp_250_simulated.csv"
    (folder / "my trace.csv").write_bytes(trace.read_bytes())
    assert run("fit-stretch", "my trace.csv", "--test", "ramp", "--seed", "2", "--out", "first") == 0
    said, second = repeated(run, Path("first"), "run.json", "again")
    assert said == second
    same_files(Path("first"), Path("again"))
