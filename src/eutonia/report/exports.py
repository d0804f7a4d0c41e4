"""The tables of a result as files that any program opens: Parquet with units in its metadata, and .csv on request."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from eutonia._delimited import safe_table
from eutonia.assessment.scales import SCALES
from eutonia.trial.result import StudyResult
from eutonia.trial.scores import ScoreTable

if TYPE_CHECKING:
    import polars

TABLES = (
    *("visits", "patients", "adverse", "potential_outcomes", "analysis", "operating_characteristics", "interim_looks"),
    *("time_to_event", "recruitment_stages", "dose_levels", "dose_trials", "dose_cohorts"),
    *("series_pairs", "series_people", "series_trials"),
)
KINDS = ("parquet", "csv")


def write_tables(result: StudyResult, folder: Path, *, csv: bool) -> None:
    """Write the tables that the result has; text stays text, so that readers of every age open it."""
    made = result.analysed
    analysed = (None,) * 5 if made is None else made.tables
    shown = (result.scores, result.patients, result.reactions, result.potential_scores)
    tables = (*shown, *analysed, *_of_designs(result))
    for name, table in zip(TABLES, tables, strict=True):
        if table is None:
            continue
        frames = partial(table.frames) if isinstance(table, ScoreTable) else partial(iter, [table])
        head = _plain(table.no_rows() if isinstance(table, ScoreTable) else table.clear())
        _write_parquet(folder / f"{name}.parquet", frames, head.schema, _about(result, head.columns))
        if csv:
            with (folder / f"{name}.csv").open("wb") as file:
                head.write_csv(file)
                for frame in frames():
                    safe_table(_plain(frame)).write_csv(file, include_header=False)


def _of_designs(result: StudyResult) -> tuple[polars.DataFrame | None, ...]:
    """Return the tables of a dose finding, and of a series of N-of-1 trials."""
    levels, series = result.dose_finding, result.series
    return (
        *((None,) * 3 if levels is None else (levels.levels, levels.trials, levels.cohorts)),
        *((None,) * 3 if series is None else (series.pairs, series.people, series.trials)),
    )


def _write_parquet(
    file: Path, frames: Callable[[], Iterator[polars.DataFrame]], schema: polars.Schema, about: dict[str, str]
) -> None:
    """Write a table as it comes, so that no more of it than a few frames is in memory."""
    from polars.io.plugins import register_io_source

    rows = register_io_source(lambda *_: map(_plain, frames()), schema=schema)
    rows.sink_parquet(file, compression="zstd", compression_level=1, statistics=False, metadata=about)


def _plain(table: polars.DataFrame) -> polars.DataFrame:
    import polars as pl

    return table.with_columns(pl.col(pl.Categorical).cast(pl.String))


def write_pair(table: polars.DataFrame, folder: Path, name: str) -> None:
    """Write a table as Parquet and as .csv."""
    table.write_parquet(folder / f"{name}.parquet")
    safe_table(table).write_csv(folder / f"{name}.csv")


def _about(result: StudyResult, columns: list[str]) -> dict[str, str]:
    """Return what goes into the metadata of a table: unit and meaning of each column, and of each scale."""
    scales = {key: {"label": one.label, "unit": one.unit} for key, one in SCALES.items() if one.is_score}
    known = {name: _columns()[key] for name in columns if (key := _column(name)) is not None}
    return {
        "study": result.study_name,
        "columns": json.dumps({name: {"unit": unit, "long_name": label} for name, (unit, label) in known.items()}),
        "scales": json.dumps(scales),
    }


def unit_of(column: str) -> str:
    """Return the unit of a column of people as a heading shows it; empty where it has none or is named after it."""
    key = _column(column)
    unit = "" if key is None else _columns()[key][0]
    return "" if unit in ("", "1", "unit of the scale") or unit in column else unit


@cache
def _columns() -> dict[str, tuple[str, str]]:
    """Return unit and meaning of each column, by its name or its beginning."""
    text = resources.files("eutonia.report").joinpath("columns.toml").read_text(encoding="utf-8")
    return {name: (unit, meaning) for name, (unit, meaning) in tomllib.loads(text).items()}


def _column(name: str) -> str | None:
    """Return the description that fits a column: its own, or that of the longest beginning."""
    return max((key for key in _columns() if name == key or name.startswith(f"{key}_")), key=len, default=None)
