"""The command line as a user meets it: files appear whole, errors end with exit code 2, nothing is left behind."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import xarray as xr

import eutonia
from eutonia.study.design import shipped

pytestmark = pytest.mark.xdist_group("slow clock")

HERE = Path(__file__).parent
BROKEN = tomllib.loads((HERE / "broken_studies.toml").read_text(encoding="utf-8"))["broken"]
FILES = {"report.html", "summary.json", "visits.parquet", "course.nc", "curves.parquet", "run.json"}
# A trial small enough for a test, yet of more people than one block of the narrowest width holds.
SMALL = ("--patients", "8", "--replicates", "4")


def texts() -> dict[str, str]:
    found = {name: path.read_text(encoding="utf-8") for name, path in shipped().items()}
    found["parallel_tablets"] = (HERE / "parallel_tablets.toml").read_text(encoding="utf-8")
    return found


@pytest.mark.parametrize("case", BROKEN, ids=[case["name"] for case in BROKEN])
def test_a_broken_study_ends_with_code_2_and_leaves_nothing(
    case: dict[str, object], folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    text = texts()[str(case["of"])]
    for old, new in case.get("edits", []):  # type: ignore[attr-defined]
        text = text.replace(old, new, 1)
    if "cut" in case:
        start, end = case["cut"]  # type: ignore[misc]
        text = text[: text.index(start)] + text[text.index(end) :]
    (folder / "broken.toml").write_text(text, encoding="utf-8")
    assert run("run", "broken.toml") == 2
    shown = capsys.readouterr().err
    assert shown.startswith("Error: broken.toml")
    assert "Traceback" not in shown
    assert len(shown.splitlines()) <= 25
    assert {p.name for p in folder.iterdir()} == {"broken.toml"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("binary.toml", bytes(range(256)) * 8),
        ("empty.toml", b""),
        ("half.toml", b'[study]\nname = "x'),
        ("picture.toml", b"\x89PNG\r\n\x1a\n" + b"\0" * 64),
    ],
)
def test_a_file_that_is_no_study(
    name: str, content: bytes, folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / name).write_bytes(content)
    for command in ("run", "check"):
        assert run(command, name) == 2
        assert "Traceback" not in capsys.readouterr().err
    assert {p.name for p in folder.iterdir()} == {name}


def test_a_missing_study_names_the_nearest(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("run", "meythaler_2010") == 2
    assert "meythaler_2001" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_an_entry_level_that_no_population_has_is_refused_before_anything_is_written(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    text = texts()["meythaler_2001"].replace("mean = 3.3\nsd = 1.2", "mean = 4.9\nsd = 0.05").replace("49152", "2048")
    (folder / "odd.toml").write_text(text, encoding="utf-8")
    assert run("run", "odd.toml", *SMALL) == 2
    assert "Do: enlarge population.pool" in capsys.readouterr().err
    assert {p.name for p in folder.iterdir()} == {"odd.toml"}


def test_a_folder_with_other_files_is_not_overwritten(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").write_text("precious")
    assert run("run", "meythaler_2001", *SMALL, "--out", "mine") == 2
    assert "mine" in capsys.readouterr().err
    assert (folder / "mine" / "thesis.txt").read_text() == "precious"


@pytest.fixture(scope="module")
def headline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the headline trial, of one month, with fewer people to take from: these cost most of a small run."""
    file = tmp_path_factory.mktemp("study") / "meythaler_2001.toml"
    text = texts()["meythaler_2001"].replace("49152", "8192").replace('visit = "12 month"', 'visit = "1 month"')
    file.write_text(text.replace(', "3 month", "6 month", "9 month", "12 month"', ""), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def trial_folder(headline: Path, tmp_path_factory: pytest.TempPathFactory, run: Callable[..., int]) -> Path:
    """The result of a small run of the headline trial."""
    place = tmp_path_factory.mktemp("trial") / "out"
    assert run("run", str(headline), *SMALL, "--out", str(place), "--quiet") == 0
    return place


def test_a_trial_writes_its_files(trial_folder: Path) -> None:
    assert {p.name for p in trial_folder.iterdir()} == FILES | {"patients.parquet", "adverse.parquet"}
    summary = json.loads((trial_folder / "summary.json").read_text())
    rows = summary["quantities"]
    assert {"name", "arm", "limb", "visit", "mean", "sd", "n", "low", "high", "unit"} <= set(rows[0])
    assert sum(row["published"] is not None for row in rows) == texts()["meythaler_2001"].count("[[published]]")
    visits = pl.read_parquet(trial_folder / "visits.parquet")
    names = ["patient", "arm", "visit", "time_h", "limb", "scale", "item", "score", "rater"]
    assert set(names) <= set(visits.columns)
    course = xr.open_dataset(trial_folder / "course.nc")
    assert {"time_h", "patient", "limb"} <= set(course.dims)
    assert all("units" in course[name].attrs and "long_name" in course[name].attrs for name in course.data_vars)
    course.close()


def test_the_summary_is_the_mean_of_the_visits(trial_folder: Path) -> None:
    summary = json.loads((trial_folder / "summary.json").read_text())
    visits = pl.read_parquet(trial_folder / "visits.parquet")
    wanted = {"phase": "bolus", "arm": "baclofen", "limb": "leg", "scale": "ashworth"}
    row = next(
        q
        for q in summary["quantities"]
        if all(q[key] == value for key, value in wanted.items()) and q["time_h"] == 6 and q["statistic"] == "mean"
    )
    chosen = visits.filter(
        (pl.col("phase") == "bolus") & (pl.col("arm") == "baclofen") & (pl.col("limb") == "leg"),
        (pl.col("scale") == "ashworth") & (pl.col("item") == "mean") & (pl.col("time_h") == 6),
    )
    assert len(chosen) == 8 * 4
    assert row["mean"] == pytest.approx(chosen["score"].mean(), rel=1e-12)


def test_a_run_says_what_it_rests_on_and_cites_it(
    trial_folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((trial_folder / "run.json").read_text())
    assert record["seed"] == 2001
    assert record["precision"] == "64-bit"
    assert len(record["study_digest"]) == 64
    assert {"receptor", "intrathecal", "tone", "lesion", "descending", "bedside"} <= set(record["parameter_sets"])
    assert sum(record["counts_by_status"].values()) > 100
    assert run("cite", str(trial_folder)) == 0
    shown = capsys.readouterr().out
    assert "@" in shown
    assert "Kroin_1993" in shown


def test_the_same_seed_gives_the_same_files_of_numbers(
    headline: Path, trial_folder: Path, tmp_path: Path, run: Callable[..., int]
) -> None:
    words = (*SMALL, "--out", str(tmp_path / "again"), "--block", "7", "--quiet")
    assert run("run", str(headline), *words) == 0
    for name in ("summary.json", "visits.parquet"):
        assert (tmp_path / "again" / name).read_bytes() == (trial_folder / name).read_bytes()


def test_a_case_writes_its_files_and_prints_a_short_table(
    tmp_path: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    text = texts()["case_haemorrhage_pump"].replace('"7 day"', '"28 day"')
    (tmp_path / "seldom.toml").write_text(text, encoding="utf-8")
    assert run("run", str(tmp_path / "seldom.toml"), "--out", str(tmp_path / "case")) == 0
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) <= 30
    assert "not a medical device" in shown
    assert {p.name for p in (tmp_path / "case").iterdir()} == FILES | {"patients.parquet"}
    course = xr.open_dataset(tmp_path / "case" / "course.nc")
    leg = course["bias"].sel(limb="leg").median("patient")
    day = course["time_h"] / 24
    on_pump = float(leg.where((day > 460) & (day < 485)).mean())
    dry = float(leg.where((day > 495) & (day < 505)).max())
    before = float(leg.where((day > 200) & (day < 240)).mean())
    assert on_pump < before - 1.0, "the pump lowers tone"
    assert dry > before, "running dry overshoots the untreated level"
    assert np.all(np.isfinite(leg))
    course.close()


def test_parameters_can_be_listed(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("parameters", "receptor", "--status", "assumed") == 0
    shown = capsys.readouterr().out
    assert "opposition" in shown
    assert "ec50" not in shown
    assert run("parameters", "receptr") == 2
    assert "receptor" in capsys.readouterr().err
    assert run("parameters", "--status", "guessed") == 2


def test_schema_and_studies(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Eutonia study file"
    assert run("studies") == 0
    assert set(shipped()) <= set(capsys.readouterr().out.split())
    for name in shipped():
        assert run("check", name) == 0


def test_help_is_quick_to_read(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    assert "not a medical device" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("start", [["-m", "eutonia"], ["-c", "from eutonia.cli import main; main()"]])
def test_the_version_is_told(start: list[str]) -> None:
    done = subprocess.run([sys.executable, *start, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"eutonia {eutonia.__version__}\n"
