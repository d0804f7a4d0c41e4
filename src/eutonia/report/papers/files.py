"""Published results beside predictions, as a folder: the page, a table, the record of the build."""

from __future__ import annotations

import os
from pathlib import Path

from eutonia import _writing
from eutonia._delimited import safe_table
from eutonia.report import files
from eutonia.report.papers import record
from eutonia.report.papers.built import PaperTables

_PAGE, _TABLE, _RESULTS = "README.md", "papers.csv", "results.json"
NAMES = (_PAGE, _TABLE, _RESULTS, "run.json")


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """Return the folder if a build may be written there; raise the error of `write` before any work is done."""
    return _writing.check_folder(folder, NAMES)


def write(found: PaperTables, folder: str | os.PathLike[str]) -> Path:
    """Write page, table and record, whole or not at all, and return the folder.

    Raises
    ------
    EutoniaError
        If `folder` is a file, holds anything that Eutonia did not write, or cannot be written.
    """

    def fill(draft: Path) -> None:
        (draft / _PAGE).write_text(found.printed, encoding="utf-8")
        safe_table(found.frame()).write_csv(draft / _TABLE)
        record.write(draft / _RESULTS, found.record)
        files.write_record(draft, {"kind": "papers", **found.record["build"], "files": sorted(NAMES)})

    return _writing.write_folder(folder, NAMES, fill)
