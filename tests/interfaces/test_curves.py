"""Every curve of a page has its tidy table: what is drawn can be drawn again by any program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas
import polars as pl
import pytest

import eutonia
from eutonia.report import curves, files

Run = Callable[..., int]


@pytest.mark.parametrize(
    ("protocol", "x_unit", "series"),
    [("recruitment", "mA", {"H", "M"}), ("ramp", "deg/s", {"Stretch reflex"}), ("depression", "Hz", {"H"})],
)
@pytest.mark.xdist_group("segment")
def test_the_curve_of_a_segment(run: Run, folder: Path, protocol: str, x_unit: str, series: set[str]) -> None:
    assert run("segment", "--protocol", protocol, "--cells", "400", "--out", "found") == 0
    found = pl.read_parquet("found/curves.parquet")
    assert set(found["series"]) == series
    assert set(found["x_unit"]) == {x_unit}
    assert found.group_by("series").len()["len"].min() >= 4
    for one in series:
        x = found.filter(pl.col("series") == one)["x"].to_numpy()
        assert np.all(np.diff(x) > 0), "places as given, not on the scale of the drawing"
    plain = pl.read_csv("found/curves.csv")
    assert plain.columns == found.columns
    assert plain.height == found.height


@pytest.mark.xdist_group("slow clock")
def test_the_lines_of_a_case_are_those_of_its_course_and_its_chart(tmp_path: Path) -> None:
    result = eutonia.run(eutonia.load_study("case_ischaemic_tablets"))
    folder = files.write(result, tmp_path / "case", csv=True)
    found = pl.read_parquet(folder / "curves.parquet")
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
    for name in ("figure", "series", "x_name", "x_unit", "y_name", "y_unit"):
        assert found[name].null_count() == 0


def test_no_curve_is_an_empty_table_of_the_same_columns() -> None:
    assert curves.table([]).columns == curves.table([curves.CurveLine("f", "s", "x, h", "y", [1.0], [2.0])]).columns
