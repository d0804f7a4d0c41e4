"""`eutonia fit-stretch` as a user meets it: what it prints and writes, and whether what it says is true."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from eutonia.inference.recording import Recording, read
from eutonia.inference.stretch_fit import StretchFit, fit
from eutonia.report.fit import files as report

EXAMPLES = Path(__file__).parents[2] / "examples"
RAMPS = sorted(EXAMPLES.glob("ramp_*.csv"))
ASKED = ("threshold", "velocity_sensitivity", "gain", "background", "stiffness", "damping")
pytestmark = pytest.mark.xdist_group("fit")


def truth(path: Path) -> dict[str, float]:
    line = next(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("# truth:"))
    return {name: float(value) for name, value in re.findall(r"([a-z_]+) ([\d.]+)", line.partition(":")[2])}


def check_truth(result: StretchFit, path: Path) -> None:
    known = truth(path)
    assert tuple(known) == ASKED
    inside = [one.low <= known[one.name] <= one.high for one in result.asked]
    # Six intervals of 95 %: all of them hold in three cases of four, five of them nearly always.
    assert sum(inside) >= 5, [(one.name, one.low, known[one.name], one.high) for one in result.asked]


def test_a_pendulum_test_is_fitted_printed_and_written(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str], quick_fits: None
) -> None:
    recording = EXAMPLES / "pendulum_simulated.csv"
    assert run("fit-stretch", str(recording), "--test", "pendulum", "--out", "fit") == 0
    shown = " ".join(capsys.readouterr().out.split())
    for words in ("Pendulum test of the knee", "Determined", "Neural: reflex and tone", "not a medical device"):
        assert words in shown
    folder = folder / "fit"
    assert {path.name for path in folder.iterdir()} == {
        "report.html", "fit.json", "fit.csv", "curves.parquet", "curves.csv", "run.json",
    }  # fmt: skip
    said = json.loads((folder / "fit.json").read_text())
    known = truth(recording)
    estimates = {one["name"]: one for one in said["estimates"]}
    assert sum(estimates[name]["low"] <= known[name] <= estimates[name]["high"] for name in ASKED) >= 5
    assert estimates["threshold"]["determined"] == "yes"
    assert abs(estimates["threshold"]["middle"] - 86.0) < 1.0
    assert said["noise"]["sd"] == pytest.approx(0.3, rel=0.25)
    parts = {one["name"]: one["middle"] for one in said["resistance_while_stretched_Nm"]}
    assert parts["neural"] == pytest.approx(parts["reflex"] + parts["background"], rel=0.1)
    page = (folder / "report.html").read_text()
    assert "SIMULATED" not in page
    assert "<svg" in page
    assert "95% intervals hold it in 94%" in page
    assert not re.search(r"(?:src|href)=\"https?://(?!doi\.org)", page)
    check_table(folder / "fit.csv", recording)


def check_table(table: Path, recording: Path) -> None:
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    column = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    left = column["data_angle_deg"] - column["fitted_angle_deg"]
    assert left.std() < 0.45
    assert np.all(column["low_angle_deg"] <= column["high_angle_deg"])
    given = read(recording)
    assert set(np.round(column["data_angle_deg"], 2)) <= set(np.round(given.angle_deg, 2))
    passive = column["elastic_Nm"] + column["viscous_Nm"] + column["short_range_Nm"]
    np.testing.assert_allclose(column["passive_Nm"], passive, atol=0.3)


def test_stretches_at_several_speeds_tell_what_one_does_not(quick_fits: None) -> None:
    recordings = [read(path) for path in RAMPS]
    together = fit(recordings, "ramp")
    check_truth(together, RAMPS[0])
    one = next(one for one in recordings if "ramp_90_" in one.name)
    # Without its end, at which the speed changes, a stretch has one speed indeed.
    begun = one.angle_deg < 104.0
    begun[np.argmin(begun) :] = False
    assert one.torque_nm is not None
    kept = [column[begun] for column in (one.time_s, one.angle_deg, one.torque_nm, one.torque_nm**2)]
    cut = Recording("cut", *kept, one.lines[begun], one.header)
    slow = fit([cut], "ramp")
    ratio = {one.name: one.ratio for one in together.asked}
    alone = {one.name: one.ratio for one in slow.asked}
    assert ratio["velocity_sensitivity"] < 0.25 * alone["velocity_sensitivity"]
    assert ratio["damping"] < 0.5 * alone["damping"]
    assert any("two or more speeds" in said for said in slow.words), slow.words
    assert not any("two or more speeds" in said for said in together.words)
    page = report.html(slow, {"version": "0", "sources": (), "assumed": (), "command": "eutonia fit-stretch"})
    assert "two or more speeds" in page
    assert "EMG, rectified" in page


def test_the_same_seed_gives_the_same_numbers_and_size_matters_as_it_should(quick_fits: None) -> None:
    recordings = [read(path) for path in RAMPS if "ramp_90_" in path.name]
    first, again = (fit(recordings, "ramp", seed=3) for _ in range(2))
    assert first.estimates == again.estimates
    # In a stretch the torque is measured, so a taller person changes next to nothing.
    taller = fit(
        [dataclasses.replace(one, header=one.header | {"height": "190 cm"}) for one in recordings], "ramp", seed=3
    )
    gains = [next(one for one in result.asked if one.name == "gain") for result in (first, taller)]
    assert gains[0].middle == pytest.approx(gains[1].middle, rel=0.1)
