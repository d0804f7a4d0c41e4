"""The columns of a table of events: which they are, and their cells as numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eutonia._delimited import ALLOWED
from eutonia.drug.exposure import KineticModel, ModelQuantity
from eutonia.errors import DatasetError, nearest
from eutonia.exchange import amounts, foreign
from eutonia.exchange.cells import MISSING, CellBlock, LeftOut, TableCells
from eutonia.exchange.faults import TableFault, error, shown

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

Array = NDArray[Any]

# Columns whose whole numbers are small.
_NARROW = ("EVID", "CMT", "SS", "MDV")
WHOLE = ("EVID", "CMT", "ADDL", "SS", "MDV", "OCC")
ZERO_IF_MISSING = ("AMT", "RATE", "ADDL", "II", "SS", "CMT")
KNOWN = ("ID", "TIME", "EVID", "CMT", "ADDL", "II", "SS", "MDV", "DV", "OCC")
_DATES = "Write TIME in hours since the start; dates are not read"
_REFUSED = dict.fromkeys(("DATE", "DAT1", "DAT2", "DAT3"), _DATES)
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
    """A column of names: each as it stands, in the order in which they came, and which of them each row holds."""

    names: Sequence[str]
    codes: NDArray[np.int32]

    def where(self, says: Callable[[str], bool]) -> Mask:
        """Say which rows hold a name that says something."""
        here, place = np.unique(self.codes, return_inverse=True)
        return np.array([says(self.names[i]) for i in here.tolist()], bool)[place]


@dataclass
class Noted:
    """What is noted while a table is read: faults, what is left out, and what a reader should know of it.

    Attributes
    ----------
    faults, ragged
        Faults of cells, and of rows that are not as long as the header.
    left
        Rows that are not read.
    told
        Sentences.
    by_name
        Compartments that the table calls by name.
    counts
        How many infusions have a duration, by column, and values of DV are bounds.
    marked
        Lines of the rows of a column of marks that hold anything, part by part.
    """

    faults: list[TableFault] = field(default_factory=list)
    ragged: list[TableFault] = field(default_factory=list)
    left: LeftOut = field(default_factory=LeftOut)
    told: list[str] = field(default_factory=list)
    by_name: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    marked: list[Array] = field(default_factory=list)


@dataclass
class Numbers:
    """Columns of some rows as numbers (NaN: missing or faulty), and which cells are missing.

    `named` is how the table calls a column whose name holds a unit; `lines` is the line of each row, `texts` columns of
    names, `noted` what is noted of all parts of the table.
    """

    cells: TableCells
    lines: NDArray[np.int32]
    named: dict[str, str]
    noted: Noted
    values: dict[str, Array] = field(default_factory=dict)
    missing: dict[str, Mask] = field(default_factory=dict)
    texts: dict[str, Texts] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Say whether the table has a column."""
        return self.named.get(name, name) in self.cells.names

    def get(self, name: str, absent: float = 0.0) -> Floats:
        """Return a column; if the table has none, a column of `absent`."""
        if name not in self.values:
            return np.broadcast_to(np.float64(absent), len(self.lines))
        return self.values[name].astype(np.float64) if name in _NARROW else self.values[name]

    def part(self, first: int, end: int | None = None) -> Numbers:
        """Return some of the rows."""
        return replace(
            self,
            lines=self.lines[first:end],
            values={name: one[first:end] for name, one in self.values.items()},
            missing={name: one[first:end] for name, one in self.missing.items()},
            texts={name: Texts(one.names, one.codes[first:end]) for name, one in self.texts.items()},
        )

    def flag(self, name: str, where: Mask, rule: str, allowed: str, do: str) -> None:
        """Note a fault in each row of a mask; it is said of column `name`."""
        if where.any():
            name = self.named.get(name, name)
            self.noted.faults += [TableFault(line, name, "", rule, allowed, do) for line in self.lines[where].tolist()]


def joined(parts: Sequence[Numbers]) -> Numbers:
    """Return parts of a table as one."""
    first = parts[0]
    if len(parts) == 1:
        return first
    return replace(
        first,
        lines=np.concatenate([one.lines for one in parts]),
        values={name: _joined([one.values[name] for one in parts]) for name in first.values},
        missing={name: _joined([one.missing[name] for one in parts]) for name in first.missing},
        texts={
            name: Texts(text.names, np.concatenate([one.texts[name].codes for one in parts]))
            for name, text in first.texts.items()
        },
    )


class Table:
    """A table while it is read: every column that means something for a model; others are left alone."""

    def __init__(self, cells: TableCells, model: KineticModel) -> None:
        self.cells, self.model, self.noted = cells, model, Noted()
        self._quantities = {one.name: one for one in (*model.quantities, *model.checked, *model.dosing)}
        self._dosing = {one.name for one in model.dosing}
        self._meanings = {name: name for name in (*KNOWN[1:], *self._quantities)}
        self._meanings |= amounts.columns(model) | foreign.durations(cells)
        self._places: dict[str, int] = {}
        self._names: dict[str, _Names] = {}
        for place, name in enumerate(cells.names):
            meaning = self._meanings.get(name) or amounts.meant(name)  # of a wrong unit too, for the other rules
            if meaning is not None and meaning not in self._places:
                self._places[meaning] = place
            elif name == "ID" or foreign.is_text(name):
                self._names[name] = _Names()
        self.named = {meaning: cells.names[place] for meaning, place in self._places.items()}
        _check_names(self, ["ID", *self._meanings])

    def names(self, column: str) -> tuple[str, ...]:
        """Return what a column of names has held so far."""
        return tuple(self._names[column].all) if column in self._names else ()

    def parts(self) -> Iterator[Numbers]:
        """Return the rows of whole people, some people at a time.

        Raises
        ------
        DatasetError
            Rows that are not as long as the header, or no row at all.
        """
        held: list[Numbers] = []
        ragged = self.noted.ragged
        for block in self.cells.blocks(self.noted.left, ragged):
            part = self._numbers(block)
            del block
            cut = _last_change(held[-1:], part)
            if cut is not None:
                yield self._checked(joined([*held, part.part(0, cut)] if cut else held))
                held, part = [], part.part(cut)
            held.append(part)
        if ragged:
            raise error(self.cells.file, ragged)
        if not held:
            left = self.noted.left
            do = " ".join(["Add rows", *(word.removesuffix(".") for word in left.words({}))])
            rule = "a table has at least one row below its header"
            raise error(self.cells.file, [TableFault(None, "", "", rule, ALLOWED, do)])
        yield self._checked(joined(held))
        foreign.conclude(self)
        if self.noted.by_name:
            called = sorted(self.noted.by_name.items(), key=itemgetter(1))
            self.noted.told.append(f"CMT read by name: {', '.join(f'{i} {name}' for name, i in called)}.")

    def failure(self) -> DatasetError:
        """Return the error of all faults; what stands in their cells is read again."""
        faults, place = self.noted.faults, {name: i for i, name in enumerate(self.cells.names)}
        wanted = {one.row for one in faults if one.row is not None and not one.value and one.column in place}
        stands = self.cells.at(wanted) if wanted else {}
        return error(
            self.cells.file,
            [
                replace(one, value=shown(stands[one.row][place[one.column]].strip()))
                if one.row in stands and not one.value and one.column in place
                else one
                for one in faults
            ],
        )

    def _checked(self, part: Numbers) -> Numbers:
        """Check what can be said of each column by itself."""
        for name, what in self._quantities.items():
            if name in part.values:
                _check_bounds(part, name, what, is_dosing=name in self._dosing)
        foreign.check(part, self.model)
        return part

    def _numbers(self, block: CellBlock) -> Numbers:
        """Return the columns of a block as numbers and codes."""
        found = Numbers(self.cells, block.lines, self.named, self.noted)
        kept = ("EVID", "TIME", *(name for name in self._quantities if name not in self._dosing))
        for name, place in self._places.items():
            values, absent = self._column(name, block.text.to_series(place), block.lines)
            found.values[name] = _joined([values])
            if name in kept:
                found.missing[name] = _joined([absent])
        for name, known in self._names.items():
            found.texts[name] = Texts(known.all, known.codes(block.text[name]))
        return found

    def _column(self, name: str, column: pl.Series, lines: Array) -> tuple[Array, Array]:
        """Return cells as numbers, and which are missing; note cells that are no numbers."""
        missing = column.is_in(list(MISSING)).to_numpy()
        values = column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
        wrong = np.flatnonzero(~missing & ~(np.abs(values) <= _LARGEST)).tolist()
        part = np.flatnonzero(np.isfinite(values) & (values != np.round(values))).tolist() if name in WHOLE else []
        if wrong or part or name in ZERO_IF_MISSING:
            values = values.copy()
        inputs = [one.upper() for one in self.model.structure.inputs] if name == "CMT" else []
        for i in wrong:
            cell = column[i]
            values[i] = inputs.index(cell.upper()) + 1 if cell.upper() in inputs else np.nan
            if cell.upper() in inputs:
                self.noted.by_name[cell.upper()] = int(values[i])
            else:
                self.noted.faults.append(_not_a_number(self.named[name], name, int(lines[i]), cell, self.model))
        for i in part:
            if not np.isfinite(values[i]):
                continue
            rule, do = f"{name} is a whole number", "Correct the number"
            fault = TableFault(int(lines[i]), self.named[name], shown(column[i]), rule, "a whole number", do)
            self.noted.faults.append(fault)
            values[i] = np.nan
        if name in ZERO_IF_MISSING:
            values[missing] = 0.0
        return values.astype(np.float32) if name in _NARROW else values, missing


class _Names:
    """The names that a column holds, numbered as they come."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._numbers: dict[str, int] = {}

    def codes(self, column: pl.Series) -> Array:
        """Return the number of each name."""
        begins = (column != column.shift()).fill_null(True)
        each = np.array([self._number(cell.strip()) for cell in column.filter(begins).to_list()], np.int32)
        return each[np.cumsum(begins.to_numpy()) - 1]

    def _number(self, name: str) -> int:
        found = self._numbers.setdefault(name, len(self.all))
        if found == len(self.all):
            self.all.append(name)
        return found


def _last_change(before: Sequence[Numbers], part: Numbers) -> int | None:
    """Return the row of a part that begins the last of its people; None while they are one with those before."""
    if "ID" not in part.texts:
        return None
    codes = part.texts["ID"].codes
    changes = np.flatnonzero(codes[1:] != codes[:-1])
    if len(changes):
        return int(changes[-1]) + 1
    return 0 if before and before[0].texts["ID"].codes[-1] != codes[0] else None


def _joined(parts: list[Array]) -> Array:
    """Return the parts of a column as one; a column of one value takes no room."""
    first = parts[0][:1]
    if all(np.array_equal(part, np.broadcast_to(first, len(part)), equal_nan=True) for part in parts):
        return np.broadcast_to(first[0], sum(map(len, parts)))
    return np.concatenate(parts) if len(parts) > 1 else parts[0]


def _check_names(table: Table, known: Sequence[str]) -> None:
    """Refuse a table without ID or TIME, a unit of the other route, and a name that looks like one that is missing."""
    names, header, model = table.cells.names, table.cells.header, table.model

    def fault(column: str, rule: str, allowed: str, do: str) -> None:
        table.noted.faults.append(TableFault(header, column, "", rule, allowed, do))

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


def _not_a_number(column: str, name: str, line: int, text: str, model: KineticModel) -> TableFault:
    fits, allowed = _float(text), "a finite number with a decimal point"
    if fits is not None and _LARGEST < abs(fits) < np.inf:
        rule, do = f"a number is not beyond {_LARGEST:g}", "Correct it; write . for a missing value"
    elif name == "CMT":
        allowed = ", ".join(f"{i} {one}" for i, one in enumerate(model.structure.inputs, start=1))
        rule, do = f"CMT is a compartment of {model.name}", "Write its number or its name"
    else:
        rule = f"{name} is a number"
        do = next((do for look, do in _LOOKS if look.fullmatch(text)), "Write a number, or . for a missing value")
    return TableFault(line, column, shown(text), rule, allowed, do)


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _check_bounds(found: Numbers, name: str, what: ModelQuantity, *, is_dosing: bool) -> None:
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
