"""Every curve of a page has its tidy table: what is drawn can be drawn again by any program."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars as pl
import pytest
from study_examples import tablets_begun

import eutonia
from eutonia.report import curves, files
from eutonia.report.drawing import plot
from eutonia.report.drawing.scales import Values
from eutonia.tone.segment import protocols

Run = Callable[..., int]
ROOT = Path(__file__).parents[2]
TRIAL = (ROOT / "tests" / "interfaces" / "parallel_tablets.toml").read_text(encoding="utf-8")
TRIAL = TRIAL.replace("n = 60", "n = 8\npool = 1024").replace('"2 week", "6 week"', '"2 day", "4 day"')
# Weekly looks tell no more of what is drawn than these.
SELDOM = {"case.examine_every": "56 day"}


@pytest.mark.parametrize(
    ("protocol", "x_unit", "series"),
    [("recruitment", "mA", {"H", "M"}), ("ramp", "deg/s", {"Stretch reflex"}), ("depression", "Hz", {"H"})],
)
@pytest.mark.xdist_group("segment")
def test_the_curve_of_a_segment(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, protocol: str, x_unit: str, series: set[str]
) -> None:
    # Where a shock comes every ten seconds, most of the time is spent on waiting.
    seldom = functools.partial(protocols.depression, hertz=(0.5, 1.0, 2.0, 10.0))
    monkeypatch.setattr(protocols, "depression", seldom)
    drawn = caught(monkeypatch)
    assert run("segment", "--protocol", protocol, "--cells", "400", "--out", "found") == 0
    found = pl.read_parquet("found/curves.parquet")
    assert_holds(found, drawn, 3)
    found = found.filter(pl.col("x_name") != "Time")
    assert set(found["series"]) == series
    assert set(found["x_unit"]) == {x_unit}
    assert found.group_by("series").len()["len"].min() >= 4
    for one in series:
        x = found.filter(pl.col("series") == one)["x"].to_numpy()
        assert np.all(np.diff(x) > 0), "places as given, not on the scale of the drawing"
    plain = pl.read_csv("found/curves.csv", infer_schema_length=None)
    assert plain.columns == found.columns
    assert plain.filter(pl.col("x_name") != "Time").height == found.height


@pytest.mark.xdist_group("slow clock")
def test_the_lines_of_a_case_are_those_of_its_course_and_its_chart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = eutonia.run(eutonia.load_study("case_haemorrhage_pump").replace(SELDOM))
    drawn = caught(monkeypatch)
    folder = files.write(result, tmp_path / "case", csv=True)
    found = pl.read_parquet(folder / "curves.parquet")
    assert_holds(found, drawn, 40)
    assert found.height == pl.read_csv(folder / "curves.csv").height
    leg = found.filter((pl.col("figure") == "Course: ashworth") & (pl.col("series") == "leg"))
    expected = result.course["ashworth"].sel(limb="leg").median("patient").to_numpy()
    assert leg["y"].to_numpy() == pytest.approx(expected)
    assert leg["x"].to_numpy() == pytest.approx(result.course["time_h"].to_numpy())
    assert (leg["low"] <= leg["y"]).all()
    # Any reader opens it: pandas by way of pyarrow, which the extra "pandas" brings.
    assert pandas.read_parquet(folder / "curves.parquet")["series"].tolist() == found["series"].to_list()
    assert len(pandas.read_parquet(folder / "visits.parquet")) == result.visits.height
    doses = found.filter(pl.col("figure").str.starts_with("Dose"))
    assert doses.height == result.doses.height
    assert set(doses["y_unit"]) == set(result.doses["unit"])
    for name in ("figure", "panel", "series", "x_name", "x_unit", "y_name", "y_unit"):
        assert found[name].null_count() == 0


def test_no_curve_is_an_empty_table_of_the_same_columns() -> None:
    assert curves.table([]).columns == curves.table([curves.CurveLine("f", "s", "x, h", "y", [1.0], [2.0])]).columns


# Every page that draws curves: the command that writes it, and how many curves it draws at least.
PAGES = {
    "a trial": (("run", "trial.toml", "--replicates", "2", "--quiet"), 12),
    "an examination": (("examine", "tablets.toml", "--at", "day 1", "--limb", "leg"), 8),
    "an examination of a nerve": (
        ("examine", "tablets.toml", "--at", "day 1", "--test", "h-reflex", "--limb", "leg"),
        1,
    ),
    "a pump": (("pump", "clinic_year"), 14),
    "a pump by the hour": (("pump", "flex_night", "--day", "2"), 14),
    "a pump in a person": (("pump", "first_pump", "--person", "case_haemorrhage_pump"), 24),
    "options": (("compare", "tablets.toml", "pump.toml"), 20),
    "a segment that moves": (("segment", "--protocol", "clonus", "--cells", "400"), 4),
    "a fit of pendulum": (("fit-stretch", "pendulum.csv", "--test", "pendulum"), 8),
    "a fit with EMG": (("fit-stretch", "ramp.csv", "--test", "ramp"), 9),
}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.xdist_group("fit")
def test_every_curve_that_a_page_draws_is_in_its_table(
    page: str, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, rough_fits: None
) -> None:
    """Lines, bands and clouds of points are caught at the drawing board; a table that lacks one of them fails."""
    Path("trial.toml").write_text(TRIAL, encoding="utf-8")
    Path("tablets.toml").write_text(tablets_begun().replace("150 day", "220 day"), encoding="utf-8")
    pump = eutonia.load_study("case_ischaemic_pump").text.partition('[[event]]\nat = "262 day"')[0]
    Path("pump.toml").write_text(
        pump.replace('"24 month"', '"220 day"').replace('"7 day"', '"56 day"'), encoding="utf-8"
    )
    for name, file in (("pendulum", "pendulum_simulated"), ("ramp", "ramp_90_simulated")):
        Path(f"{name}.csv").write_bytes((ROOT / "examples" / f"{file}.csv").read_bytes())
    drawn = caught(monkeypatch)
    words, least = PAGES[page]
    assert run(*words, "--out", "found") == 0
    assert_holds(pl.read_parquet("found/curves.parquet"), drawn, least)


def assert_holds(found: pl.DataFrame, drawn: list[tuple[str, np.ndarray]], least: int) -> None:
    """Check that all of what was drawn is in the table, and that so much was drawn."""
    assert len(drawn) >= least
    assert found.columns == curves.table([]).columns
    held = [numbers_of(part) for _, part in found.group_by(["figure", "panel"])]
    missing = [what for what, values in drawn if not any(np.isin(rounded(values), one).all() for one in held)]
    assert not missing, f"{len(missing)} of {len(drawn)}: {missing[:6]}"


def numbers_of(part: pl.DataFrame) -> np.ndarray:
    """Return all heights of a panel, as they are and in percent."""
    values = np.concatenate([part[name].drop_nulls().to_numpy() for name in ("y", "low", "high")])
    return rounded(np.concatenate([values, 100.0 * values]))


def rounded(values: np.ndarray) -> np.ndarray:
    return np.array([float(f"{value:.9g}") for value in np.ravel(values)])


def caught(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, np.ndarray]]:
    """Return where the heights of all that is drawn from here on are put: curves from three points on."""
    out: list[tuple[str, np.ndarray]] = []

    def keep(panel: plot.Panel, what: str, values: Values) -> None:
        heights = np.asarray(values, float)
        inside = heights[np.isfinite(heights) & (heights > (panel.y.low if panel.y.is_log else -np.inf))]
        if len(heights) > 2 and inside.size:
            out.append((f"{what} of {panel.sheet.name}", inside))

    def line(self: plot.Panel, x: Values, y: Values, *args: Any, **named: Any) -> None:
        keep(self, "line", y)
        lined(self, x, y, *args, **named)

    def band(self: plot.Panel, x: Values, low: Values, high: Values, *args: Any, **named: Any) -> None:
        keep(self, "band", low)
        keep(self, "band", high)
        banded(self, x, low, high, *args, **named)

    def marks(self: plot.Panel, x: Values, y: Values, *args: Any, **named: Any) -> None:
        keep(self, "marks", y)
        marked(self, x, y, *args, **named)

    lined, banded, marked = plot.Panel.line, plot.Panel.band, plot.Panel.marks
    for name, do in (("line", line), ("band", band), ("marks", marks)):
        monkeypatch.setattr(plot.Panel, name, do)
    return out
