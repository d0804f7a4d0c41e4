"""`eutonia examine` as a user meets it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from eutonia.limb.muscle import muscle_groups
from eutonia.simulation.bedside import bedside, bedside_constants
from eutonia.simulation.examine import body_constants, resistance_of
from eutonia.study.design import CaseStudy, load_study
from eutonia.trial.case import people_of_case

CASE = "case_ischaemic_tablets"


@pytest.mark.xdist_group("slow clock")
def test_an_examination_prints_writes_and_draws(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("examine", CASE, "--test", "pendulum", "--at", "day 90", "--out", "found") == 0
    shown = capsys.readouterr().out
    for words in ("day 90 after the onset", "First swing excursion", "deg/s", "not a medical device"):
        assert words in shown
    folder = folder / "found"
    assert {path.name for path in folder.iterdir()} == {
        "report.html", "run.json", "findings.csv", "pendulum_knee_extensors.csv", "pendulum_knee_extensors.nc",
        "curves.parquet", "curves.csv",
    }  # fmt: skip
    rows = {row["finding"]: row for row in csv.DictReader((folder / "findings.csv").read_text().splitlines())}
    with xr.open_dataset(folder / "pendulum_knee_extensors.nc", engine="h5netcdf") as data:
        assert data["torque_Nm"].attrs["units"] == "N m"
        angle = data["angle_deg"].to_numpy()
        parts = data["neural_Nm"] + data["passive_Nm"]
        np.testing.assert_allclose(parts, data["torque_Nm"], atol=1e-4)
    assert angle.shape[1] == 64
    assert np.all(angle[0] == 0)
    first = angle[:300].max(axis=0)
    assert float(rows["First swing excursion"]["median"]) == pytest.approx(np.median(first), abs=2)
    columns = (folder / "pendulum_knee_extensors.csv").read_text().splitlines()
    assert columns[0] == "time_s,angle_deg,velocity_deg_per_s,torque_Nm,neural_Nm,passive_Nm"
    record = json.loads((folder / "run.json").read_text())
    assert record["kind"] == "examination"
    assert {"limb", "limb_knee", "examination", "tone"} <= set(record["parameter_sets"])
    page = (folder / "report.html").read_text()
    assert not re.search(r'(?:src|href)="(?!#|https://doi)', page)
    assert page.count("<svg") == 5  # the mark, the chain twice (wide and narrow), the angle, the torques
    # The same examination may be written over itself, and nothing else may.
    (folder / "mine.txt").write_text("keep")
    assert run("examine", CASE, "--out", "found") == 2
    assert (folder / "mine.txt").read_text() == "keep"


@pytest.mark.xdist_group("slow clock")
def test_a_full_examination_finds_in_charted_muscles_what_the_chart_is_made_of() -> None:
    study = load_study(CASE)
    assert isinstance(study, CaseStudy)
    people, snapshot, happened, _ = people_of_case(study, 90 * 24.0)
    assert all(time_h < 90 * 24.0 for time_h, _ in happened)
    every, charted = (resistance_of(people, snapshot, body)[0] for body in (bedside_constants(), body_constants()))
    for name in ("threshold", "velocity_sensitivity", "depression", "background", "stiffness", "rest_angle"):
        np.testing.assert_array_equal(getattr(every, name)[: len(muscle_groups())], getattr(charted, name))
    limb = bedside(people, snapshot).limb("knee extensors")
    np.testing.assert_allclose(limb.ceiling, 40 * people.weight_kg / 70)
    np.testing.assert_allclose(np.rad2deg(np.asarray(limb.threshold)), 130 * np.asarray(charted.threshold[0]))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("kofler_2009",), 'a study of kind "case"'),
        ((CASE, "--test", "pendulun"), "Nearest: pendulum"),
        ((CASE, "--test", "clonus", "--limb", "arm"), "Tests of the arm: tardieu"),
        ((CASE, "--test", "nerve", "--limb", "arm"), "Tests of the arm: tardieu"),
        ((CASE, "--limb", "lag"), "Nearest: leg"),
        ((CASE, "--at", "90"), 'Write "day 90"'),
        ((CASE, "--at", "year 9"), "Allowed: from the onset to day"),
        ((CASE, "--at", "-1 day"), "Allowed: from the onset to day"),
        (("no_such_case",), "There is no such file"),
    ],
)
def test_what_cannot_be_examined_is_refused_before_anything_is_written(
    words: tuple[str, ...],
    told: str,
    folder: Path,
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("examine", *words) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert told in " ".join(error.split())
    assert len(error.splitlines()) < 24
    assert not list(folder.iterdir())


@pytest.mark.xdist_group("segment")
def test_a_nerve_is_shocked_and_its_waves_are_drawn(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("examine", "case_haemorrhage_pump", "--test", "h-reflex", "--at", "day 150", "--out", "found") == 0
    assert "Hmax/Mmax" in capsys.readouterr().out
    rows = {row["finding"]: row for row in csv.DictReader((folder / "found" / "findings.csv").read_text().splitlines())}
    assert rows["Hmax/Mmax"]["people"] == "12"
    assert 0.3 < float(rows["Hmax/Mmax"]["low"]) < float(rows["Hmax/Mmax"]["high"]) < 0.9
    assert 28.0 < float(rows["Latency of H"]["median"]) < 34.0
    with xr.open_dataset(folder / "found" / "h-reflex_ankle_plantarflexors.nc", engine="h5netcdf") as data:
        assert data["emg"].dims == ("time_s", "patient")
        # The M wave comes first, the H wave after 28 ms.
        late = np.abs(data["emg"]).where(data["time_s"] > 0.028).max(dim="time_s")
        assert float(late.min()) > 0.05
    assert "EMG of the person nearest to the median" in (folder / "found" / "report.html").read_text()
