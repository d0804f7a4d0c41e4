"""Published results beside predictions, as a folder: the page, a table, the record of the build."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from eutonia import _writing
from eutonia._delimited import safe_table
from eutonia.report import files
from eutonia.report.papers import record
from eutonia.report.papers.built import PaperTables

_PAGE, _TABLE, _RESULTS = "README.md", "papers.csv", "results.json"
NAMES = (_PAGE, _TABLE, _RESULTS, "run.json")
check_folder = partial(_writing.check_folder, names=NAMES)


@_writing.whole(NAMES)
def write(found: PaperTables, draft: Path) -> None:
    """Write page, table and record, whole or not at all, and return the folder."""
    (draft / _PAGE).write_text(found.printed, encoding="utf-8")
    safe_table(found.frame()).write_csv(draft / _TABLE)
    record.write(draft / _RESULTS, found.record)
    files.write_record(draft, {"kind": "papers", **found.record["build"], "files": sorted(NAMES)})
