"""The columns of a table of events: which they are, and their cells as numbers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eutonia._delimited import ALLOWED
from eutonia.drug.exposure import Model, Quantity
from eutonia.errors import DatasetError, nearest
from eutonia.exchange import amounts, foreign
from eutonia.exchange.cells import MISSING, Cells, LeftOut
from eutonia.exchange.faults import Fault, error, shown

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

Array = NDArray[Any]

# Rows that are text at a time, and columns whose whole numbers are small.
_CHUNK = 16_384
_NARROW = ("EVID", "CMT", "SS", "MDV")
WHOLE = ("EVID", "CMT", "ADDL", "SS", "MDV", "OCC")
ZERO_IF_MISSING = ("AMT", "RATE", "ADDL", "II", "SS", "CMT")
KNOWN = ("ID", "TIME", "EVID", "CMT", "ADDL", "II", "SS", "MDV", "DV", "OCC")
_REFUSED = {
    "DATE": "Write TIME in hours since the start; dates are not read",
    "DAT1": "Write TIME in hours since the start; dates are not read",
    "DAT2": "Write TIME in hours since the start; dates are not read",
    "DAT3": "Write TIME in hours since the start; dates are not read",
}
_LEAST_NAME = 3  # letters; shorter names differ from each other by one letter anyway
_LARGEST = 1e9  # a larger number in any cell is a slip, or a code for a missing value
# What a cell that is no number looks like, and what to do about it; the first that fits is said.
_LOOKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\d{1,2}:\d{2}(:\d{2})?"), "Write hours since the start, such as 8.5, not a clock time"),
    (re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*"), "Write hours since the start, not a date"),
    (re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?"), "Remove the comma: it may part thousands or decimals"),
    (re.compile(r"[+-]?\d+,\d+"), "Write a decimal point instead of the comma"),
    (re.compile(r"[+-]?[\d' ]+[ '][\d' .]*\d"), "Remove what parts the thousands"),
    (re.compile(r"[+-]?nan|na|n/a|null|none|missing|nd", re.IGNORECASE), "Write . for a missing value"),
    (re.compile(r"[+-]?inf(inity)?", re.IGNORECASE), "Write a finite number"),
    (re.compile(r"[<>]=?\s*[\d.]+|bl?q|blq|lloq", re.IGNORECASE), "Write . or the limit: a bound is no number"),
    (re.compile(r"[+-]?[\d.]+[dD][+-]?\d+"), "Write the exponent with e, such as 1e3"),
    (re.compile(r"[+-]?[\d.]+\s*[A-Za-z%µμ].*"), "Write the number alone: the unit belongs to the column"),
)


@dataclass(frozen=True)
class Texts:
    """A column of names: each as it stands, and which of them each row holds."""

    names: tuple[str, ...]
    codes: NDArray[np.int32]


@dataclass
class Numbers:
    """Columns as numbers (NaN: missing or faulty), which cells are missing, and the faults found so far.

    `named` is how the table calls a column whose name holds a unit; `lines` is the line of each row, `texts` columns of
    names, `left` what was left out, `told` what a reader of the table should know, `by_name` the compartments that the
    table calls by name.
    """

    cells: Cells
    lines: NDArray[np.int32]
    named: dict[str, str] = field(default_factory=dict)
    values: dict[str, Array] = field(default_factory=dict)
    missing: dict[str, Mask] = field(default_factory=dict)
    texts: dict[str, Texts] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    left: LeftOut = field(default_factory=LeftOut)
    told: list[str] = field(default_factory=list)
    by_name: dict[str, int] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Say whether the table has a column."""
        return self.named.get(name, name) in self.cells.names

    def get(self, name: str, absent: float = 0.0) -> Floats:
        """Return a column; if the table has none, a column of `absent`."""
        if name not in self.values:
            return np.broadcast_to(np.float64(absent), len(self.lines))
        return self.values[name].astype(np.float64) if name in _NARROW else self.values[name]

    def part(self, first: int, end: int) -> Numbers:
        """Return some of the rows; faults are noted together."""
        return replace(
            self,
            lines=self.lines[first:end],
            values={name: one[first:end] for name, one in self.values.items()},
            missing={name: one[first:end] for name, one in self.missing.items()},
        )

    def flag(self, name: str, where: Mask, rule: str, allowed: str, do: str) -> None:
        """Note a fault in each row of a mask; it is said of column `name`."""
        name = self.named.get(name, name)
        self.faults += [Fault(line, name, "", rule, allowed, do) for line in self.lines[where].tolist()]

    def failure(self) -> DatasetError:
        """Return the error of all faults; what stands in their cells is read again."""
        wanted = {one.row for one in self.faults if not one.value and one.column in self.cells.names}
        if wanted:
            stands = {line: row for line, row in self.cells.rows(LeftOut(), []) if line in wanted}
            place = {name: i for i, name in enumerate(self.cells.names)}
            self.faults = [
                replace(one, value=shown(stands[one.row][place[one.column]].strip()))
                if one.row in stands and not one.value and one.column in place
                else one
                for one in self.faults
            ]
        return error(self.cells.file, self.faults)


def numbers_of(cells: Cells, model: Model) -> Numbers:
    """Read every column that means something for this model; others are left alone."""
    quantities = {one.name: one for one in (*model.quantities, *model.checked, *model.dosing)}
    dosing = {one.name for one in model.dosing}
    meanings = {name: name for name in (*KNOWN[1:], *quantities)} | amounts.columns(model) | foreign.durations(cells)
    columns = _Columns(cells, model)
    for place, name in enumerate(cells.names):
        meaning = meanings.get(name) or amounts.meant(name)  # one of a wrong unit is read too, for the other rules
        if meaning is not None and meaning not in columns.numeric:
            columns.numeric[meaning] = place
        elif name == "ID" or foreign.is_text(name):
            columns.texts[name] = place
    found = columns.read(kept=["EVID", "TIME", *(name for name in quantities if name not in dosing)])
    _check_names(found, model, ["ID", *meanings])
    for name, what in quantities.items():
        if name in found.values:
            _check_bounds(found, name, what, is_dosing=name in dosing)
    foreign.check(found, model)
    if found.by_name:
        called = sorted(found.by_name.items(), key=itemgetter(1))
        found.told.append(f"CMT read by name: {', '.join(f'{i} {name}' for name, i in called)}.")
    return found


def _check_names(found: Numbers, model: Model, known: Sequence[str]) -> None:
    """Refuse a table without ID or TIME, a unit of the other route, and a name that looks like one that is missing."""
    names, header = found.cells.names, found.cells.header

    def fault(column: str, rule: str, allowed: str, do: str) -> None:
        found.faults.append(Fault(header, column, "", rule, allowed, do))

    for needed in ("ID", "TIME"):
        if needed not in names:
            close = nearest(needed, [name for name in names if name not in known])
            do = f"Rename {close[0]} to {needed}" if close else f"Add the column {needed}"
            do = foreign.needed(needed, names) or do
            fault(needed, f"a table of events has a column {needed}", "ID and TIME, and others", do)
    twice = [meaning for name, meaning in amounts.columns(model).items() if name in names]
    for meaning in {one for one in twice if twice.count(one) > 1}:
        both = f"{meaning} ({model.mass}) or {amounts.spelled(meaning, model)}"
        fault(meaning, "the amount stands in one column", both, "Remove one of the two")
    for name in names:
        unit, other = amounts.refused(name, model), foreign.refused(name, names, model)
        if name in _REFUSED:
            fault(name, "this column is not read", "TIME in h", _REFUSED[name])
        elif unit is not None:
            fault(name, *unit)
        elif other is not None:
            fault(name, *other)
        elif name not in known and len(name) > 1 and not name.startswith("_"):
            close = [
                one for one in nearest(name, [k for k in known if k not in names], limit=1) if _one_slip(name, one)
            ]
            if close:
                do = f"Rename it to {close[0]}, or put _ before it if it is another thing"
                fault(name, f"a column means something or is left alone; this one looks like {close[0]}", close[0], do)


def _one_slip(given: str, meant: str) -> bool:
    """Say whether two names differ by one letter more, less, other, or by two exchanged."""
    if min(len(given), len(meant)) < _LEAST_NAME or abs(len(given) - len(meant)) > 1:
        return False
    if sorted(given) == sorted(meant):
        return True
    short, long = sorted((given, meant), key=len)
    if len(short) == len(long):
        return sum(a != b for a, b in zip(short, long, strict=True)) == 1 and not given[-1].isdigit()
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


class _Columns:
    """Columns while they are read, so many rows at a time; no cell is kept as text."""

    def __init__(self, cells: Cells, model: Model) -> None:
        self.cells, self.model = cells, model
        self.numeric: dict[str, int] = {}
        self.texts: dict[str, int] = {}

    def read(self, kept: Sequence[str]) -> Numbers:
        """Return the columns, and the missing cells of those named."""
        found = Numbers(
            self.cells, np.zeros(0, np.int32), named={k: self.cells.names[i] for k, i in self.numeric.items()}
        )
        lines: list[Array] = []
        values: dict[str, list[Array]] = {name: [] for name in self.numeric}
        missing: dict[str, list[Array]] = {name: [] for name in self.numeric if name in kept}
        codes: dict[str, list[Array]] = {name: [] for name in self.texts}
        index: dict[str, dict[str, int]] = {name: {} for name in self.texts}
        ragged: list[Fault] = []
        rows = self.cells.rows(found.left, ragged)
        while chunk := list(itertools.islice(rows, _CHUNK)):
            lines.append(np.array([line for line, _ in chunk], np.int32))
            columns = list(zip(*(row for _, row in chunk), strict=True))
            for name, place in self.numeric.items():
                numbers, absent = self._numbers(found, name, columns[place], lines[-1])
                values[name].append(numbers)
                if name in missing:
                    missing[name].append(absent)
            for name, place in self.texts.items():
                known = index[name]
                each = [known.setdefault(cell.strip(), len(known)) for cell in columns[place]]
                codes[name].append(np.array(each, np.int32))
        if ragged:
            raise error(self.cells.file, ragged)
        if not lines:
            do = " ".join(["Add rows", *(word.removesuffix(".") for word in found.left.words({}))])
            rule = "a table has at least one row below its header"
            raise error(self.cells.file, [Fault(None, "", "", rule, ALLOWED, do)])
        found.lines = np.concatenate(lines)
        found.values = {name: _joined(parts) for name, parts in values.items()}
        found.missing = {name: _joined(parts) for name, parts in missing.items()}
        found.texts = {name: Texts(tuple(index[name]), np.concatenate(parts)) for name, parts in codes.items()}
        return found

    def _numbers(self, found: Numbers, name: str, text: Sequence[str], lines: Array) -> tuple[Array, Array]:
        """Return cells as numbers, and which are missing; note cells that are no numbers."""
        column = pl.Series(text, dtype=pl.String).str.strip_chars()
        missing = column.is_in(list(MISSING)).to_numpy()
        values = column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy().copy()
        wrong = ~missing & ~(np.abs(values) <= _LARGEST)
        inputs = [one.upper() for one in self.model.structure.inputs] if name == "CMT" else []
        for i in np.flatnonzero(wrong).tolist():
            cell = column[i]
            values[i] = inputs.index(cell.upper()) + 1 if cell.upper() in inputs else np.nan
            if cell.upper() in inputs:
                found.by_name[cell.upper()] = int(values[i])
            else:
                found.faults.append(_not_a_number(found.named[name], name, int(lines[i]), cell, self.model))
        if name in WHOLE:
            for i in np.flatnonzero(np.isfinite(values) & (values != np.round(values))).tolist():
                rule, do = f"{name} is a whole number", "Correct the number"
                found.faults.append(
                    Fault(int(lines[i]), found.named[name], shown(column[i]), rule, "a whole number", do)
                )
                values[i] = np.nan
        if name in ZERO_IF_MISSING:
            values[missing] = 0.0
        return values.astype(np.float32) if name in _NARROW else values, missing


def _joined(parts: list[Array]) -> Array:
    """Return the parts of a column as one; a column of one value takes no room."""
    first = parts[0][:1]
    if all(np.array_equal(part, np.broadcast_to(first, len(part)), equal_nan=True) for part in parts):
        return np.broadcast_to(first[0], sum(map(len, parts)))
    return np.concatenate(parts)


def _not_a_number(column: str, name: str, line: int, text: str, model: Model) -> Fault:
    fits, allowed = _float(text), "a finite number with a decimal point"
    if fits is not None and _LARGEST < abs(fits) < np.inf:
        rule, do = f"a number is not beyond {_LARGEST:g}", "Correct it; write . for a missing value"
    elif name == "CMT":
        allowed = ", ".join(f"{i} {one}" for i, one in enumerate(model.structure.inputs, start=1))
        rule, do = f"CMT is a compartment of {model.name}", "Write its number or its name"
    else:
        rule = f"{name} is a number"
        do = next((do for look, do in _LOOKS if look.fullmatch(text)), "Write a number, or . for a missing value")
    return Fault(line, column, shown(text), rule, allowed, do)


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _check_bounds(found: Numbers, name: str, what: Quantity, *, is_dosing: bool) -> None:
    """Check a parameter or covariate; the default stands in for a missing cell only where a dose may lack it."""
    values = found.values[name]
    below = values < what.lowest if what.zero else values <= what.lowest
    outside = np.isfinite(values) & (below | (values > what.highest))
    found.flag(name, outside, f"{what.label} is within bounds", what.allowed, "Correct the number or its unit")
    if name == "HD":
        do = "Write the clearance during the session, mL/min (128 in the one patient measured), and 0 outside"
        found.flag(name, values == 1.0, "HD is a clearance, not a mark", "mL/min", do)
    if not is_dosing:
        do = "Fill it in, such as with the value before it; NONMEM would read a 0"
        found.flag(name, found.missing[name], f"{what.label} has a value in every record", what.allowed, do)
