"""What a file is, told by what stands in it: a study, a pump program, or a dosing table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from eutonia.study import design, pump_file, shipped_files
from eutonia.study.studyfile import LARGEST_FILE_BYTES

Kind = Literal["study", "program", "table"]
TABLES = (".csv", ".txt", ".tsv", ".dat", ".xlsx", ".xpt", ".parquet")

_HEADER = re.compile(r"""^\s*\[\[?\s*["']?([A-Za-z0-9_-]+)""", re.MULTILINE)
_KEY = re.compile(r"^\s*[A-Za-z0-9_-]+\s*=", re.MULTILINE)


def kind_of(given: str) -> Kind:
    """Return what a path or the name of a file that ships means.

    Raises
    ------
    StudyError
        There is no such file, and no study or pump program of that name.
    """
    path = Path(given)
    by_name: Kind = "table" if path.suffix.lower() in TABLES else "study"
    try:
        is_file, is_there = path.is_file(), path.exists()
    except (OSError, ValueError):
        is_file = is_there = False
    if is_file:
        return _of_content(path, by_name)
    if is_there and not (path.is_dir() and (given in design.shipped() or given in pump_file.shipped())):
        return by_name
    if given in pump_file.shipped() and given not in design.shipped():
        return "program"
    if by_name == "study":
        shipped_files.find(given, design.shipped() | pump_file.shipped(), "study or pump program")
    return by_name


def _of_content(path: Path, by_name: Kind) -> Kind:
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE_BYTES).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return by_name
    return of_text(text, by_name)


def of_text(text: str, by_name: Kind) -> Kind:
    """Return what a text is; `by_name` where nothing stands in it."""
    tables = set(_HEADER.findall(text))
    if "study" in tables:
        return "study"
    if "therapy" in tables or ("pump" in tables and "patient" not in tables):
        return "program"
    return "study" if tables or _KEY.search(text) else "table" if text.strip() else by_name
