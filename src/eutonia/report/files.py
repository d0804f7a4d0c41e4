"""A result as a folder of files that other programs read; written whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia.errors import EutoniaError
from eutonia.report import page, words
from eutonia.trial.result import Quantity, StudyResult

if TYPE_CHECKING:
    import xarray

#: What a result folder holds; the run record marks the folder as one of ours.
NAMES = ("report.html", "summary.json", "visits.parquet", "course.nc", "run.json")
_IGNORED = frozenset({".DS_Store", "Thumbs.db"})
#: What marks a record as ours.
PROGRAM = "eutonia"


def write(result: StudyResult, folder: str | os.PathLike[str]) -> Path:
    """Write report, summary, visits, course and run record of `result` into `folder`, and return the folder.

    Everything is written into a new folder beside it, which takes the name at the end: a run that is killed leaves the
    old result as it was. An older Eutonia result of that name is replaced.

    Raises
    ------
    EutoniaError
        If `folder` is a file, or holds anything that Eutonia did not write.
    """
    return write_folder(folder, NAMES, lambda draft: _fill(result, draft))


def write_folder(folder: str | os.PathLike[str], names: Sequence[str], fill: Callable[[Path], None]) -> Path:
    """Let `fill` write the files `names` into a folder, whole or not at all, and return the folder.

    The last of `names` is a JSON record whose "program" marks the folder as ours. Errors as for `write`.
    """
    target = Path(folder).expanduser().resolve()
    _refuse_strangers(target, names)
    draft = target.parent / f".{target.name}.{secrets.token_hex(4)}.draft"
    made = [folder for folder in draft.parents if not folder.exists()]
    try:
        draft.mkdir(parents=True)
        fill(draft)
        _swap(draft, target)
    except OSError as error:
        _undo(draft, made)
        raise EutoniaError(
            f'the result cannot be written to "{target}": {error.strerror or error}. It needs a folder that may be '
            "written to and that has room. Nothing was changed; choose another folder."
        ) from error
    except BaseException:
        _undo(draft, made)
        raise
    return target


def _undo(draft: Path, made: Sequence[Path]) -> None:
    """Take away a draft and the folders, innermost first, that were made for it."""
    shutil.rmtree(draft, ignore_errors=True)
    for folder in made:
        with contextlib.suppress(OSError):
            folder.rmdir()


def check_folder(folder: str | os.PathLike[str], names: Sequence[str] = NAMES) -> Path:
    """Return the folder if a result may be written there; raise the error of `write` before any work is done."""
    target = Path(folder).expanduser().resolve()
    _refuse_strangers(target, names)
    return target


def _refuse_strangers(target: Path, names: Sequence[str]) -> None:
    """Stop before anything is touched, if the folder is not ours to replace."""
    if not target.exists():
        return
    if not target.is_dir():
        raise EutoniaError(
            f'"{target}" is a file; a result is a folder. Allowed: a new folder, an empty one, or an older Eutonia '
            f'result. Nearest: "{target.parent / (target.stem + "-result")}". Choose another name.'
        )
    found = sorted(path.name for path in target.iterdir() if path.name not in _IGNORED)
    strangers = [name for name in found if name not in names]
    if found and (strangers or not _is_result(target / names[-1])):
        shown = ", ".join((strangers or found)[:4]) + (", ..." if len(strangers or found) > 4 else "")
        raise EutoniaError(
            f'"{target}" holds files that are not an Eutonia result ({shown}). Allowed: a new folder, an empty one, or '
            f'an older Eutonia result. Nearest: "{target / "eutonia"}". Choose another, or move those files away.'
        )


def _is_result(path: Path) -> bool:
    """Tell whether a record is ours."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and record.get("program") == PROGRAM


def _fill(result: StudyResult, folder: Path) -> None:
    """Write every file of the result; the run record comes last, so a folder that has one is whole."""
    (folder / "report.html").write_text(page.html(result), encoding="utf-8")
    write_json(folder / "summary.json", summary(result))
    result.visits.write_parquet(folder / "visits.parquet", compression="zstd", compression_level=1, statistics=False)
    _write_course(result, folder / "course.nc")
    record = {"study": result.study_name, "title": result.title, "kind": result.kind}
    write_record(folder, {**record, **dict(result.run), "files": list(NAMES)})


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the run record, by which a folder is known as ours."""
    write_json(folder / "run.json", {"program": PROGRAM, **record})


def _swap(draft: Path, target: Path) -> None:
    """Give the finished folder its name; an older result steps aside first and comes back if that fails."""
    if not target.exists():
        draft.rename(target)
        return
    aside = target.parent / f".{target.name}.{secrets.token_hex(4)}.old"
    target.rename(aside)
    try:
        draft.rename(target)
    except OSError:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def summary(result: StudyResult) -> dict[str, Any]:
    """Return the result in short, as plain data: what is in summary.json."""
    return {
        "title": result.title,
        "kind": result.kind,
        "study": result.study_name,
        "description": result.description,
        "disclaimer": words.DISCLAIMER,
        "headline": words.headline(result),
        "grades": result.grades,
        "quantities": [_quantity(quantity) for quantity in result.quantities],
        "consort": [dataclasses.asdict(row) for row in result.consort],
        "doses": result.doses.to_dicts(),
        "adverse": result.adverse.to_dicts() if result.adverse is not None else [],
        "endpoint": result.endpoint,
        "responders": result.responders.to_dicts() if result.responders is not None else [],
        "events": [{"time_h": time_h, "event": label} for time_h, label in result.events],
    }


def _quantity(quantity: Quantity) -> dict[str, Any]:
    return {
        **dataclasses.asdict(quantity),
        "published_standard_error": quantity.published_standard_error,
        "grade": quantity.grade,
        "agreement": quantity.agreement,
    }


def write_json(path: Path, data: object) -> None:
    """Write plain data as JSON."""
    text = json.dumps(plain(data), indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


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
    """Write the course as NetCDF, compressed, with the study's name and the events of a case among its attributes."""
    course = result.course.copy()
    events = json.dumps(
        [{"time_h": float(time_h), "event": label} for time_h, label in result.events], ensure_ascii=False
    )
    about = {"title": result.title, "study": result.study_name, "events": events, "comment": words.DISCLAIMER}
    course.attrs = {**_attributes(course.attrs), **about, "source": f"Eutonia {result.run.get('version', '')}".strip()}
    for name in course.variables:
        course[name].attrs = _attributes(course[name].attrs)
    course.to_netcdf(path, engine="h5netcdf", encoding=_encoding(course))


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
