"""Every curve of a page as one tidy table: a row a point, with figure, panel, series, names and units of both axes.

One schema for trials, cases, examinations, fits, pumps and segments. Courses and recordings of many people have files
of their own (`course.nc`, `traces.nc`); here are the lines that a reader sees, with their bands, before anything is
moved aside or thinned to be drawn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eutonia._delimited import safe_table
from eutonia._middle import over_people
from eutonia.assessment.scales import SCALES
from eutonia.report import words
from eutonia.report.trial import aggregate
from eutonia.report.trial.aggregate import Individuals
from eutonia.trial.result import StudyResult

if TYPE_CHECKING:
    import polars

    from eutonia.report.drawing.scales import Values

#: Files of the curves in a folder.
FILES = ("curves.parquet", "curves.csv")


@dataclass(frozen=True)
class CurveLine:
    """One line: figure, series, axes with their units after the last comma ("Current, mA"), points and their band; the
    panel of the figure, where it has several.
    """

    figure: str
    series: str
    across: str
    up: str
    x: Values
    y: Values
    low: Values | None = None
    high: Values | None = None
    panel: str = ""


def of_study(result: StudyResult, changes: Sequence[Individuals]) -> Iterator[CurveLine]:
    """Yield the lines of a trial or a case: scores, doses, `changes` of individuals, and the course in the middle."""
    for row in aggregate.series(result):
        where = words.scale_label(row.limb, row.scale)
        unit = SCALES[row.scale].unit if row.scale in SCALES else ""
        ends = (np.array([getattr(point, end) for point in row.points]) for end in ("time_h", "mean", "low", "high"))
        x, y, low, high = ends
        figure = f"{where}, {row.phase}" if row.phase else where
        yield CurveLine(figure, row.arm or "course", "Time since the start, h", f"{where}, {unit}", x, y, low, high)
    if not result.doses.is_empty():
        for (phase, arm, unit), part in result.doses.group_by(["phase", "arm", "unit"], maintain_order=True):
            x, y, low, high = (part[name].to_numpy() for name in ("time_h", "mean", "low", "high"))
            yield CurveLine(f"Dose, {phase}", f"{arm}", "Time since the start, h", f"Dose, {unit}", x, y, low, high)
    for one in changes:
        where = words.scale_label(one.limb, one.scale)
        for arm in one.arms:
            figure = f"Change of individuals: {where}, {one.phase}"
            yield CurveLine(
                figure, arm.arm, "Change, ", "Share of people, 1", np.array(arm.values), np.array(arm.shares)
            )
            across, up = (np.array(one) for one in arm.edges)
            yield CurveLine(
                figure, arm.arm, "Change, ", "Share of people so far, 1", across, up, panel="Up to a change"
            )
    yield from _course(result)


def _course(result: StudyResult) -> Iterator[CurveLine]:
    """Yield middle and middle 95 % of the people of the course, and what is the same for all of them."""
    course = result.course
    time = course["time_h"].to_numpy()
    for name, found in course.data_vars.items():
        dims = set(found.dims)
        if not {"time_h"} <= dims <= {"patient", "time_h", "limb"} or found.dtype.kind not in "fiu":
            continue
        about = f"{found.attrs.get('long_name', name)}, {found.attrs.get('units', '')}"
        for limb in found["limb"].to_numpy() if "limb" in found.dims else [None]:
            one = found if limb is None else found.sel(limb=limb)
            whole = one if "patient" in dims else one.expand_dims("patient")
            low, middle, high = over_people(whole.transpose("patient", "time_h").to_numpy().astype(float))
            yield CurveLine(f"Course: {name}", str(limb or "all"), "Time, h", about, time, middle, low, high)


def table(lines: Sequence[CurveLine]) -> polars.DataFrame:
    """Return lines as one tidy table."""
    import polars as pl

    parts = []
    for line in lines:
        (x_name, x_unit), (y_name, y_unit) = (_parts(axis) for axis in (line.across, line.up))
        nothing = np.full(len(line.x), np.nan)
        numbers = {"x": line.x, "y": line.y, "low": line.low, "high": line.high}
        said = {"figure": line.figure, "panel": line.panel, "series": line.series, "x_name": x_name, "x_unit": x_unit}
        said |= {"y_name": y_name, "y_unit": y_unit}
        values = {name: nothing if one is None else np.asarray(one, float) for name, one in numbers.items()}
        parts.append(pl.DataFrame(values).with_columns(**{name: pl.lit(word) for name, word in said.items()}))
    texts = ("figure", "panel", "series", "x_name", "x_unit", "y_name", "y_unit")
    order = ["figure", "panel", "series", "x_name", "x_unit", "x", "y_name", "y_unit", "y", "low", "high"]
    empty = pl.DataFrame(schema={name: pl.String if name in texts else pl.Float64 for name in order})
    return pl.concat([empty, *(part.select(order) for part in parts)]).with_columns(pl.col(pl.Float64).fill_nan(None))


def write(lines: Sequence[CurveLine], folder: Path, *, csv: bool) -> None:
    """Write the lines into a folder, as Parquet and, where asked for, as .csv."""
    made = table(lines)
    made.write_parquet(folder / FILES[0], compression="zstd", statistics=False)
    if csv:
        safe_table(made).write_csv(folder / FILES[1])


def _parts(axis: str) -> tuple[str, str]:
    """Return name and unit of an axis; without a comma it is a plain number."""
    name, comma, unit = axis.rpartition(",")
    return (name.strip(), unit.strip() or "1") if comma else (axis, "1")
