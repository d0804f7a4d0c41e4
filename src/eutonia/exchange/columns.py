"""The columns of a table of events: which they are, and their cells as numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eutonia.drug.exposure import Model, Quantity
from eutonia.errors import nearest
from eutonia.exchange import amounts
from eutonia.exchange.cells import Cells
from eutonia.exchange.faults import Fault, shown

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MISSING = (".", "")
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


@dataclass
class Numbers:
    """Columns as numbers (NaN: missing or faulty), which cells are missing, and the faults found so far.

    `named` is how the table calls a column whose name holds a unit.
    """

    cells: Cells
    named: dict[str, str] = field(default_factory=dict)
    values: dict[str, Floats] = field(default_factory=dict)
    missing: dict[str, Mask] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def text(self, name: str) -> Sequence[str]:
        """Return the cells of a column as they stand."""
        return self.cells.columns[self.cells.names.index(name)]

    def has(self, name: str) -> bool:
        """Say whether the table has a column."""
        return self.named.get(name, name) in self.cells.names

    def get(self, name: str, absent: float = 0.0) -> Floats:
        """Return a column; if the table has none, a column of `absent`."""
        return self.values[name] if name in self.values else np.full(len(self.cells.rows), absent)

    def flag(self, name: str, where: Mask, rule: str, allowed: str, do: str) -> None:
        """Note a fault in each row of a mask; it is said of column `name`."""
        name = self.named.get(name, name)
        column = self.text(name) if self.has(name) else None
        for i in np.flatnonzero(where).tolist():
            value = shown(column[i]) if column is not None else ""
            self.faults.append(Fault(self.cells.rows[i], name, value, rule, allowed, do))


def numbers_of(cells: Cells, model: Model) -> Numbers:
    """Read every column that means something for this model; others are left alone."""
    found = Numbers(cells)
    quantities = {one.name: one for one in (*model.quantities, *model.checked, *model.dosing)}
    dosing = {one.name for one in model.dosing}
    meanings = {name: name for name in (*KNOWN[1:], *quantities)} | amounts.columns(model)
    _check_names(found, model, ["ID", *meanings])
    for name in cells.names:
        meaning = meanings.get(name) or amounts.meant(name)  # one of a wrong unit is read too, for the other rules
        if meaning is not None and meaning not in found.named:
            found.named[meaning] = name
            _read(found, meaning)
    for name, what in quantities.items():
        if name in found.values:
            _check_bounds(found, name, what, is_dosing=name in dosing)
    return found


def _check_names(found: Numbers, model: Model, known: Sequence[str]) -> None:
    """Refuse a table without ID or TIME, a unit of the other route, and a name that looks like one that is missing."""
    names, header = found.cells.names, found.cells.rows[0] - 1

    def fault(column: str, rule: str, allowed: str, do: str) -> None:
        found.faults.append(Fault(max(1, header), column, "", rule, allowed, do))

    for needed in ("ID", "TIME"):
        if needed not in names:
            close = nearest(needed, [name for name in names if name not in known])
            do = f"Rename {close[0]} to {needed}" if close else f"Add the column {needed}"
            fault(needed, f"a table of events has a column {needed}", "ID and TIME, and others", do)
    twice = [meaning for name, meaning in amounts.columns(model).items() if name in names]
    for meaning in {one for one in twice if twice.count(one) > 1}:
        both = f"{meaning} ({model.mass}) or {amounts.spelled(meaning, model)}"
        fault(meaning, "the amount stands in one column", both, "Remove one of the two")
    for name in names:
        unit = amounts.refused(name, model)
        if name in _REFUSED:
            fault(name, "this column is not read", "TIME in h", _REFUSED[name])
        elif unit is not None:
            fault(name, *unit)
        elif name not in known and len(name) > 1:
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


def _read(found: Numbers, name: str) -> None:
    """Turn a column into numbers; note cells that are none."""
    text = found.text(found.named[name])
    column = pl.Series(text, dtype=pl.String)
    missing = column.is_in(list(MISSING)).to_numpy()
    values = column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy().copy()
    wrong = ~missing & ~(np.abs(values) <= _LARGEST)
    for i in np.flatnonzero(wrong).tolist():
        _not_a_number(found, name, i, text[i])
    values[wrong] = np.nan
    if name in WHOLE:
        broken = np.isfinite(values) & (values != np.round(values))
        found.flag(name, broken, f"{name} is a whole number", "a whole number", "Correct the number")
        values[broken] = np.nan
    if name in ZERO_IF_MISSING:
        values[missing] = 0.0
    found.values[name], found.missing[name] = values, missing


def _not_a_number(found: Numbers, name: str, i: int, text: str) -> None:
    row, fits, name = found.cells.rows[i], _float(text), found.named[name]
    if fits is not None and _LARGEST < abs(fits) < np.inf:
        rule, do = f"a number is not beyond {_LARGEST:g}", "Correct it; write . for a missing value"
    else:
        rule = f"{name} is a number"
        do = next((do for look, do in _LOOKS if look.fullmatch(text)), "Write a number, or . for a missing value")
    found.faults.append(Fault(row, name, shown(text), rule, "a finite number with a decimal point", do))


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _check_bounds(found: Numbers, name: str, what: Quantity, *, is_dosing: bool) -> None:
    """Check a parameter or covariate; the default stands in for a missing cell only where a dose may lack it."""
    values, missing = found.values[name], found.missing[name]
    below = values < what.lowest if what.zero else values <= what.lowest
    outside = np.isfinite(values) & (below | (values > what.highest))
    found.flag(name, outside, f"{what.label} is within bounds", what.allowed, "Correct the number or its unit")
    if name == "HD":
        do = "Write the clearance during the session, mL/min (128 in the one patient measured), and 0 outside"
        found.flag(name, values == 1.0, "HD is a clearance, not a mark", "mL/min", do)
    if not is_dosing:
        do = "Fill it in, such as with the value before it; NONMEM would read a 0"
        found.flag(name, missing, f"{what.label} has a value in every record", what.allowed, do)
