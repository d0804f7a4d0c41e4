"""Records and citations for the terminal."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia import parameters
from eutonia._delimited import safe
from eutonia.errors import ParameterError, StudyError, unknown
from eutonia.parameters.record import STATUSES, Parameter
from eutonia.report import words

if TYPE_CHECKING:
    from rich.table import Table

_DIGITS = 5
FORMATS = ("table", "csv", "json")
_TEXTS = ("status", "source", "where", "method", "label", "symbol", "as_given", "derived", "people", "valid", "note")


def _chosen(name: str | None, status: str | None) -> list[Parameter]:
    """Return the records of one set or of all, of one status or of any."""
    if status is not None and status not in STATUSES:
        raise ParameterError(unknown("status", status, STATUSES, "Give one of them with --status."))
    every = (record for one in ((name,) if name else parameters.sets()) for record in parameters.load(one).records())
    return [record for record in every if status in (None, record.status)]


def parameter_text(form: str, name: str | None = None, status: str | None = None) -> str:
    """Return the records of one set or of all as csv or json, every field of each; a vector's numbers with blanks."""
    if form not in FORMATS:
        raise ParameterError(unknown("format", form, FORMATS, "Give one of them with --format."))
    found = [_fields(record) for record in _chosen(name, status)]
    if form == "json":
        return json.dumps(found, indent=2, ensure_ascii=False)
    text = io.StringIO()
    table = csv.DictWriter(text, list(found[0]) if found else ["set"], lineterminator="\n")
    table.writeheader()
    for row in found:
        numbers = " ".join(repr(x).removesuffix(".0") for x in row["value"])
        table.writerow(
            {key: numbers if key == "value" else safe(one) if isinstance(one, str) else one for key, one in row.items()}
        )
    return text.getvalue().rstrip("\n")


def _fields(record: Parameter) -> dict[str, Any]:
    """Return a record as plain data."""
    spread = {f"spread_{key}": one for key, one in dataclasses.asdict(record.spread).items()}
    texts = {key: getattr(record, key) for key in _TEXTS}
    return {
        "set": record.set,
        "name": record.name,
        "value": list(record.numbers),
        "axis": "; ".join(record.axis),
        "unit": record.unit,
        **spread,
        **texts,
        "distance": " ".join(record.distance),
        "correlation": "; ".join(f"{name} {size:g}" for name, size in record.correlation),
    }


def parameter_table(name: str | None = None, status: str | None = None) -> Table:
    """Return a table of one set or of all: number, unit, spread, status, source, and how far that is."""
    from rich.table import Table

    chosen = _chosen(name, status)
    table = Table(title="Parameters" if name is None else parameters.load(name).title)
    for head in ("set", "name", "value", "unit", "spread", "status", "source"):
        table.add_column(head, overflow="fold", justify="right" if head == "value" else "left")
    for record in chosen:
        values = " ".join(f"{x:.{_DIGITS}g}" for x in record.numbers)
        unit, spread = words.clinic(record.unit), _spread(record)
        table.add_row(record.set, record.name, values, unit, spread, record.status, _source(record))
    table.caption = "In brackets: in what a source differs from its use; none: in nothing"
    return table


def _source(record: Parameter) -> str:
    """Return the source of a record, and in what it differs from the use."""
    return f"{record.source} ({', '.join(record.distance)})" if record.distance else record.source


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
    sources: Any = []
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
