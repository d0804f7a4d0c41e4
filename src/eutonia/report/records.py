"""Records and citations for the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from eutonia import parameters
from eutonia.errors import ParameterError, StudyError, unknown
from eutonia.parameters.record import STATUSES, Parameter
from eutonia.report import words

if TYPE_CHECKING:
    from rich.table import Table

_DIGITS = 5


def parameter_table(name: str | None = None, status: str | None = None) -> Table:
    """Return a table of one set or of all: number, unit, spread, status, source."""
    from rich.table import Table

    if status is not None and status not in STATUSES:
        raise ParameterError(unknown("status", status, STATUSES, "Give one of them with --status."))
    table = Table(title="Parameters" if name is None else parameters.load(name).title)
    for head in ("set", "name", "value", "unit", "spread", "status", "source"):
        table.add_column(head, overflow="fold", justify="right" if head == "value" else "left")
    for one in parameters.sets() if name is None else (name,):
        for record in parameters.load(one).records():
            if status is None or record.status == status:
                values = " ".join(f"{x:.{_DIGITS}g}" for x in record.array())
                row = (
                    one,
                    record.name,
                    values,
                    words.clinic(record.unit),
                    _spread(record),
                    record.status,
                    record.source,
                )
                table.add_row(*row)
    return table


def _spread(record: Parameter) -> str:
    spread = record.spread
    if spread.kind == "range":
        return f"{spread.low:g} to {spread.high:g}"
    if spread.cv is not None:
        return f"{100 * spread.cv:.0f} % {spread.kind}"
    return "" if spread.sd is None else f"SD {spread.sd:g} {spread.kind}"


def citations_of(folder: Path) -> str:
    """Return BibTeX of the sources of a run.

    Raises
    ------
    StudyError
        The folder holds no run, or one whose record is damaged.
    """
    record = folder / "run.json"
    if not record.is_file():
        raise StudyError(
            f'cite: "{folder}" holds no run.json. Allowed: a folder that `eutonia run` has written. '
            "Nearest: results/NAME. Do: run a study first, or give its folder."
        )
    sources = _sources(record)
    own = [source["bibtex"] for source in sources if source.get("bibtex")]
    ours = parameters.citations.bibtex(source["key"] for source in sources if not source.get("bibtex"))
    return "\n\n".join(part for part in (*own, ours.rstrip("\n")) if part) + "\n"


def _sources(record: Path) -> list[dict[str, str]]:
    """Return the sources that the record of a run names; refuse one that is no longer as it was written."""
    try:
        told = json.loads(record.read_text(encoding="utf-8"))
        sources = told["sources"]
        whole = isinstance(sources, list) and all(isinstance(one, dict) and _is_source(one) for one in sources)
        why = "" if whole else "its sources are no list of keys"
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as trouble:
        why = f"{type(trouble).__name__}: {trouble}"
    if why:
        raise StudyError(
            f'cite: "{record}" is damaged ({why:.100}). Allowed: the record as `eutonia run` wrote it, whole. '
            "Do: run the study again; the same seed gives the same numbers and the same sources."
        )
    return list(sources)


def _is_source(one: dict[str, object]) -> bool:
    return isinstance(one.get("key"), str) and isinstance(one.get("bibtex", ""), str)
