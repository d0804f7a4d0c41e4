"""`eutonia segment` says the same on the screen, on its page and in its files, and refuses what it cannot do."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
import xarray
from typer.testing import CliRunner, Result

from eutonia.assessment import segment as examinations
from eutonia.cli.app import app
from eutonia.errors import EutoniaError
from eutonia.report.segment import files as report
from eutonia.simulation.segment import LATENCY, Number
from eutonia.simulation.segment_ankle import Pressed, pressed
from eutonia.tone.segment.network import Segment

pytestmark = pytest.mark.xdist_group("segment")

RUNNER = CliRunner()


def called(*words: str) -> Result:
    return RUNNER.invoke(app, ["segment", *words])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    folder = tmp_path_factory.mktemp("segment") / "rest"
    words = ("--protocol", "rest", "--cells", "400", "--out", str(folder))
    return called(*words), folder


def test_numbers_are_the_same_on_screen_page_and_table(written: tuple[Result, Path]) -> None:
    result, folder = written
    assert result.exit_code == 0, result.output
    page = (folder / "segment.html").read_text()
    with (folder / "numbers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    for row in rows:
        value = f"{float(row['value']):.3g}"
        assert re.search(rf"{re.escape(row['what'])}\s+{re.escape(value)}\b", result.output)
        assert row["what"] in page
        assert f"{value} " in page


def test_traces_and_impulses_have_units_and_agree(written: tuple[Result, Path]) -> None:
    _, folder = written
    with xarray.open_dataset(folder / "traces.nc", engine="h5netcdf") as traces:
        assert traces["torque"].attrs["units"] == "N m"
        assert traces["time_s"].attrs["units"] == "s"
        assert float(traces["emg"].sel(muscle="soleus").max()) > 0.0
        assert np.isfinite(traces["torque"]).all()
    with (folder / "impulses.csv").open() as file:
        rows = list(csv.DictReader(file))
    times = [float(row["time_s"]) for row in rows]
    assert times == sorted(times)
    assert {"motoneuron", "Ia", "II"} <= {row["kind"] for row in rows}


def test_the_page_is_whole_and_loads_nothing(written: tuple[Result, Path]) -> None:
    page = (written[1] / "segment.html").read_text()
    assert "not a medical device" in page
    assert "Who fires when" in page
    assert not re.search(r'src="|<link', page)
    assert "<script" not in page


def test_no_drug_a_healthy_signal_and_no_reflex_are_told_as_such(written: tuple[Result, Path]) -> None:
    page = (written[1] / "segment.html").read_text()
    assert "No drug is given" in page
    assert "The drug leaves" not in page
    numbers = [Number("Hmax/Mmax", 0.0, "1"), Number(LATENCY, np.nan, "ms")]
    assert report._found(numbers) == "No H-reflex was seen."
    assert report._found([Number("Hmax/Mmax", 0.5, "1"), Number(LATENCY, 31.0, "ms")]) == (
        "Hmax/Mmax: 0.5; Latency of H: 31 ms."
    )
    assert report._signal("0 mV") == "as strong as in health"
    assert report._signal("2.5 mV") == "2.5 mV too strong (0 is healthy)"


def test_clonus_is_scored_on_the_screen_and_its_page_shows_the_angle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def briefly(segment: Segment, _: float | None = None, *, record: str = "motor") -> Pressed:
        return pressed(segment, 0.5, record="all")

    monkeypatch.setattr(examinations, "pressed", briefly)
    words = ("--protocol", "clonus", "--severity", "severe", "--presynaptic-inhibition", "0", "--cells", "400")
    result = called(*words, "--out", str(tmp_path / "clonus"))
    assert result.exit_code == 0, result.output
    assert re.search(r"Beats \(above 5: sustained clonus\)\s+\d", result.output)
    assert re.search(r"Fusimotor drive, of that without a lesion\s+7\.88", result.output)
    assert "EMG, torque and angle" in (tmp_path / "clonus" / "segment.html").read_text()
    with xarray.open_dataset(tmp_path / "clonus" / "traces.nc", engine="h5netcdf") as traces:
        assert traces["angle"].attrs["units"] == "deg"
        assert float(traces["angle"][0]) == 0.0
        assert 50.0 < float(traces["angle"].max()) < 70.0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--protocol", "h-reflx"), ["h-reflx", "Nearest: h-reflex", "recruitment"]),
        (("--severity", "spastik"), ["Nearest: spastic", "healthy"]),
        (("--csf", "300"), ["--csf", "no unit", "300 ng/mL"]),
        (("--csf", "3 mg"), ["--csf", "3 mg"]),
        (("--severity", "severe", "--bias", "2 mV"), ['severity "severe" (--severity)', "2 mV", "Leave one out"]),
        (("--bias", "-1 mV"), ["-1 mV", "0 to 5 mV"]),
        (("--bias", "2 ms"), ["--bias", "mV"]),
        (("--presynaptic-inhibition", "1.5"), ["1.5", "0 (none) to 0.9"]),
        (("--protocol", "clonuss"), ["Nearest: clonus"]),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(words: tuple[str, ...], said: list[str]) -> None:
    result = called(*words)
    assert isinstance(result.exception, EutoniaError)
    for part in said:
        assert part in str(result.exception)


def test_a_strangers_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(EutoniaError, match=r"thesis\.txt"):
        report.check_folder(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"
