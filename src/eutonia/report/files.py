"""A result as a folder of files that other programs read; written whole or not at all."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Iterable, Mapping
from csv import writer
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia import _writing
from eutonia._arguments import PATH, accepts, instance
from eutonia.report import curves, exports, page, short, words
from eutonia.report.case import middles
from eutonia.report.examination import words as examined
from eutonia.report.trial import aggregate
from eutonia.trial.result import Quantity, StudyResult

if TYPE_CHECKING:
    import xarray

#: What a result folder holds; the run record marks the folder as one of ours.
NAMES = ("report.html", "summary.json", "visits.parquet", "course.nc", "run.json")
#: What it may hold besides: people of a trial, and what was asked for.
MORE = (
    *curves.FILES,
    "lesion_mask.nii.gz",
    "lesion_mask.nii",
    *(f"{table}.{end}" for table in exports.TABLES for end in exports.KINDS if (table, end) != ("visits", "parquet")),
)
check_folder = partial(_writing.check_folder, names=(*MORE, *NAMES))


@accepts(result=instance("a result, as run returns it", "eutonia.run(study)", StudyResult), folder=PATH)
def write(result: StudyResult, folder: str | os.PathLike[str], *, csv: bool = False) -> Path:
    """Write report, summary, tables, course and run record of `result` into `folder`, and return the folder.

    With `csv` every table is written as .csv too.

    A run that is killed leaves the old result as it was. An older Eutonia result of that name is replaced.

    Raises
    ------
    EutoniaError
        If `folder` is a file, holds anything that Eutonia did not write, or cannot be written.
    """
    if csv and "command" in result.run:
        result = dataclasses.replace(result, run={**result.run, "command": f"{result.run['command']} --csv"})
    return _writing.write_folder(folder, (*MORE, *NAMES), lambda draft: _fill(result, draft, csv=csv))


def _fill(result: StudyResult, folder: Path, *, csv: bool) -> None:
    """Write every file of the result; the run record comes last, so a folder that has one is whole."""
    # Counted once: of a million people that takes seconds, and memory.
    changes = aggregate.responses(result) if result.kind == "trial" else []
    (folder / "report.html").write_text(page.html(result, changes), encoding="utf-8")
    write_json(folder / "summary.json", summary(result))
    exports.write_tables(result, folder, csv=csv)
    if result.lesion is not None and (mask := result.lesion.mask) is not None:
        (folder / mask.copy_name).write_bytes(mask.content)
    curves.write(list(curves.of_study(result, changes)), folder, csv=csv)
    _write_course(result, folder / "course.nc")
    record = {"study": result.study_name, "title": result.title, "kind": result.kind}
    write_record(
        folder, {**record, **dict(result.run), "files": sorted({path.name for path in folder.iterdir()} | {"run.json"})}
    )


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the run record, by which a folder is known as ours."""
    write_json(folder / "run.json", {"program": _writing.PROGRAM, **record})


def summary(result: StudyResult) -> dict[str, Any]:
    """Return the result in short, as plain data: what is in summary.json."""
    return {
        "title": result.title,
        "kind": result.kind,
        "study": result.study_name,
        "description": result.description,
        "disclaimer": words.DISCLAIMER,
        "headline": short.headline(middles.of(result)),
        "in_short": short.sentences(middles.of(result)),
        "grades": result.grades,
        "quantities": [_quantity(quantity) for quantity in result.quantities],
        "consort": [dataclasses.asdict(row) for row in result.consort],
        "caveats": list(result.caveats),
        "withdrawal": list(result.withdrawal),
        "rules_broken": [dataclasses.asdict(rule) for rule in result.broken],
        "doses": result.doses.to_dicts(),
        "adverse": result.adverse.to_dicts() if result.adverse is not None else [],
        "endpoint": result.endpoint,
        "responders": result.responders.to_dicts() if result.responders is not None else [],
        "predictors": result.predictors.to_dicts() if result.predictors is not None else [],
        **({} if result.analysed is None else {"analysis": result.analysed.characteristics.to_dicts()}),
        **({} if result.series is None else {"series": result.series.trials.to_dicts()}),
        **({} if result.dose_finding is None else {"dose_levels": result.dose_finding.levels.to_dicts()}),
        "events": [{"time_h": time_h, "event": label} for time_h, label in result.events],
        "findings": [{"time_h": time_h} | examined.summary(one) for time_h, one in result.findings],
    }


def _quantity(quantity: Quantity) -> dict[str, Any]:
    return {
        **{key: one for key, one in dataclasses.asdict(quantity).items() if key != "in_trials"},
        "published_standard_error": quantity.published_standard_error,
        "grade": quantity.grade,
        "agreement": quantity.agreement,
    }


def write_json(path: Path, data: object) -> None:
    """Write plain data as JSON."""
    text = json.dumps(plain(data), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_rows(path: Path, rows: Iterable[Iterable[object]], end: str = "\n") -> None:
    """Write rows as .csv, the names of the columns first; `end` ends each line."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer(file, lineterminator=end).writerows(rows)


def plain(value: object) -> Any:
    """Return data that JSON can hold: numbers that are not finite become null, records become tables."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(one) for one in (sorted(value, key=str) if isinstance(value, (set, frozenset)) else value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(dataclasses.asdict(value))
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return str(value)


def _write_course(result: StudyResult, path: Path) -> None:
    """Write the course with the study's name and the events of a case among its attributes."""
    events = json.dumps(
        [{"time_h": float(time_h), "event": label} for time_h, label in result.events], ensure_ascii=False
    )
    write_course(path, result.course, result.run, title=result.title, study=result.study_name, events=events)


def write_course(path: Path, course: xarray.Dataset, run: Mapping[str, Any], **about: str) -> None:
    """Write courses as NetCDF, compressed; their attributes say what they are, and `run` which version made them."""
    course = course.copy()
    source = f"Eutonia {run.get('version', '')}".strip()
    course.attrs = {**_attributes(course.attrs), **about, "comment": words.DISCLAIMER, "source": source}
    for name in course.variables:
        course[name].attrs = _attributes(course[name].attrs)
    write_netcdf(path, course, _encoding(course))


def write_netcdf(path: Path, data: xarray.Dataset, encoding: Mapping[Any, Mapping[str, Any]] | None = None) -> None:
    """Write NetCDF by way of memory: HDF5 itself takes the whole process down when the disk is full."""
    path.write_bytes(data.to_netcdf(engine="h5netcdf", encoding=encoding))


def _attributes(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Return attributes that NetCDF can hold; anything structured becomes JSON text."""
    kept = (str, int, float)
    return {
        str(key): one if isinstance(one, kept) and not isinstance(one, bool) else json.dumps(plain(one))
        for key, one in attributes.items()
    }


def _encoding(course: xarray.Dataset) -> dict[Any, dict[str, Any]]:
    numeric = [name for name in course.data_vars if course[name].dtype.kind in "fiu" and course[name].size > 1]
    return {name: {"zlib": True, "complevel": 1, "shuffle": True} for name in numeric}
