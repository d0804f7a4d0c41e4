"""From a table of events to a table of amounts and concentrations at its observations."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eutonia import _writing, session
from eutonia._delimited import safe
from eutonia._progress import Progress, silent
from eutonia.drug import exposure
from eutonia.drug.exposure import KineticModel
from eutonia.drug.exposure.occasions import vary
from eutonia.drug.exposure.records import OBSERVATION
from eutonia.errors import DatasetError
from eutonia.exchange.events import Account, Reading, TablePart

if TYPE_CHECKING:
    from rich.table import Table

SUFFIXES = (".csv", ".parquet")
_SHOWN, _MOST_COLUMNS = 12, 10  # of a table that fits a terminal


@dataclass(frozen=True)
class Variability:
    """Coefficients of variation between occasions, by parameter, and the start of all draws."""

    spreads: Mapping[str, float]
    seed: int = 0


def expose(
    events: TablePart, model: KineticModel, *, variability: Variability | None = None, progress: Progress = silent
) -> pl.DataFrame:
    """Return a row for each observation: its line in the file, ID, TIME, DV, amounts and concentrations.

    A person whose numbers cannot be had has a REASON in their place.
    """
    session.begin()
    values = events.values
    if variability is not None and variability.spreads:
        ids, occasions = [events.ids[i] for i in events.who.tolist()], _occasions(events)
        values = vary(model, values, variability.spreads, ids, occasions, variability.seed)
    found = exposure.simulate(model, events.records, values, progress=progress)
    seen = np.flatnonzero(events.records.evid == OBSERVATION)
    amounts = found.amounts[seen]
    unit, per_litre = model.per_litre
    spaces = model.structure.volumes({name: one[seen] for name, one in values.items()})
    columns: dict[str, object] = {
        "ROW": events.lines[seen].astype(np.int64),
        "ID": pl.Series(events.ids, dtype=pl.String).gather(events.who[seen]),
        "TIME": events.records.time[seen],
    }
    if events.observed is not None:
        columns["DV"] = events.observed[seen]
    for i, name in enumerate(model.structure.places):
        columns[f"A_{name}_{model.mass}"] = amounts[:, i]
    for name, (place, volume) in spaces.items():
        column = "_".join(part for part in ("CONC", name, unit.replace("/", "_per_")) if part)
        columns[column] = per_litre * amounts[:, place] / volume
    failed = [found.failed.get(person, "") for person in range(events.records.n_people)]
    columns["REASON"] = pl.Series(failed, dtype=pl.String).gather(events.records.person[seen])
    return pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None))


@dataclass
class FirstRows:
    """The first rows of a long table, how many there are, and whether somebody has a REASON."""

    rows: pl.DataFrame = field(default_factory=pl.DataFrame)
    height: int = 0
    is_reasoned: bool = False

    def take(self, part: pl.DataFrame) -> pl.DataFrame:
        """Note a part of the table, and return it."""
        if self.rows.height < _SHOWN:
            more = part.head(_SHOWN - self.rows.height)
            self.rows = pl.concat([self.rows, more]) if self.height else more
        self.height += part.height
        self.is_reasoned |= bool((part["REASON"] != "").any())
        return part


def stream(
    reading: Reading, *, variability: Variability | None = None, progress: Progress = silent
) -> Iterator[pl.DataFrame]:
    """Return what `expose` does of some people after the other, while their table is read.

    Raises
    ------
    DatasetError
        The file is no table, or has faults; the first parts may have been handed out by then.
    """
    before = 0.0
    for part in reading.parts():
        first, now = before, reading.share
        inside = lambda stage, share: progress(stage, first + share * (now - first))  # noqa: B023, E731
        yield expose(part, reading.model, variability=variability, progress=inside)
        before = now


def _occasions(events: TablePart) -> NDArray[np.int64]:
    """Return the occasion of each record; it must be known."""
    given = np.full(len(events.lines), np.nan) if events.occasion is None else events.occasion
    unknown = np.flatnonzero(~np.isfinite(given)).tolist()
    if unknown:
        where = "a column OCC" if events.occasion is None else f"OCC in row {events.lines[unknown[0]]}"
        raise DatasetError(f"--iov needs {where}, the occasion of each record. Allowed: a whole number. Add it.")
    return given.astype(np.int64)


def check_target(out: Path | None, events: Path | None = None) -> None:
    """Refuse a file that cannot be written, or that is the table itself, before anything is computed."""
    if out is None:
        return
    if out.suffix.lower() not in SUFFIXES:
        near = out / "levels.csv" if out.is_dir() else out.with_suffix(".csv")
        raise DatasetError(
            f'--out "{out}" ends with "{out.suffix}". Allowed: {" or ".join(SUFFIXES)}. Nearest: {near}. '
            "Choose another."
        )
    target = _writing.check_file(out)
    if events is not None and target.exists() and events.exists() and target.samefile(events):
        raise DatasetError(f'--out "{out}" is the table that is read. Allowed: another file. Choose another name.')
    beside = _writing.check_file(record_beside(target))
    if beside.exists() and not _writing.is_record(beside):
        raise DatasetError(
            f'"{beside}" is no record of Eutonia, and one would be written there. Allowed: a new file, or an older '
            "record. Choose another --out."
        )


def account(found: Account, table: Path, model: KineticModel) -> dict[str, Any]:
    """Return what a record of the run says of the table that was read, what was left out of it, and what stood in."""
    with table.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "model": model.name,
        "table": {"name": table.name, "bytes": table.stat().st_size, "sha256": digest},
        "people": found.people,
        "records": found.rows,
        "observations": found.observations,
        "left_out": {"rows": found.left.rows, "people": list(found.left.people), "comments": found.left.comments},
        "observed_and_never_dosed": list(found.undosed),
        "told": list(found.told),
        "columns_not_used": list(found.unused),
        "taken_from_the_model": found.assumed,
    }


def record_beside(out: Path) -> Path:
    """Return where the record of a run is written: beside its table."""
    return out.with_name(f"{out.name}.run.json")


def write(
    table: pl.DataFrame | Iterator[pl.DataFrame], out: Path, record: Callable[[], Mapping[str, Any]] | None = None
) -> None:
    """Write a table (or the parts of one, as they come) as CSV or Parquet, and the record of the run beside it; both
    appear whole or not at all.
    """
    check_target(out)
    parts = iter([table]) if isinstance(table, pl.DataFrame) else table

    def fill(draft: Path) -> None:
        (_write_parquet if out.suffix.lower() == ".parquet" else _write_csv)(parts, draft)
        if record is not None:
            text = json.dumps({"program": _writing.PROGRAM, **record()}, indent=2, ensure_ascii=False) + "\n"
            _writing.write_file(record_beside(out), lambda beside: beside.write_text(text, encoding="utf-8"))

    _writing.write_file(out, fill)


def _write_csv(parts: Iterator[pl.DataFrame], draft: Path) -> None:
    with draft.open("wb") as file:
        for i, part in enumerate(parts):
            part.write_csv(file, include_header=i == 0)


def _write_parquet(parts: Iterator[pl.DataFrame], draft: Path) -> None:
    """Write the parts as they come, each into a file beside the draft, and these as one."""
    first, second = next(parts), next(parts, None)
    if second is None:
        first.write_parquet(draft)
        return
    beside = draft.parent / "parts"
    beside.mkdir()
    files = []
    for i, part in enumerate(itertools.chain([first, second], parts)):
        files.append(beside / f"{i:06}.parquet")
        part.write_parquet(files[-1])
    pl.scan_parquet(files).sink_parquet(draft)


def faults_table(error: DatasetError) -> pl.DataFrame:
    """Return every fault of a table as a row."""
    fields = ("row", "column", "value", "rule", "allowed", "do")
    rows = [{name: _safe(getattr(fault, name)) for name in fields} for fault in error.faults]
    return pl.DataFrame(rows, schema={name: pl.Int64 if name == "row" else pl.String for name in fields})


def _safe(said: object) -> object:
    """Return what is said of a fault so that no spreadsheet computes it."""
    return safe(said) if isinstance(said, str) else said


def short(head: FirstRows) -> Table:
    """Return the first rows for a terminal; of many columns, the concentrations alone."""
    from rich.table import Table
    from rich.text import Text

    kept = [name for name in head.rows.columns if name != "REASON" or head.is_reasoned]
    title = None
    if len(kept) > _MOST_COLUMNS:
        kept = [name for name in kept if not name.startswith("A_")]
        unit = next(name.split("_", 2)[2] for name in kept if name.startswith("CONC_"))
        title = f"Concentrations, {unit.replace('_per_', '/')}"
    grid = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for name in kept:
        heading = name.split("_")[1] if title and name.startswith("CONC_") else name
        grid.add_column(heading, justify="left" if name in ("ID", "REASON") else "right", overflow="fold")
    for row in head.rows.select(kept).iter_rows():
        grid.add_row(*(Text("" if x is None else f"{x:.4g}" if isinstance(x, float) else str(x)) for x in row))
    return grid
