"""A paper's numbers beside what the package computes for them: targets.csv, verdicts, one table.

A number that the model was made from, or that was worked out by hand from the model's own values, cannot be
reproduced: it can only be held. Such rows stand apart and earn no verdict.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from eutonia._middle import Z_95
from eutonia.errors import ParameterError, unknown
from eutonia.parameters import citations
from eutonia.parameters.record import STATUSES

Basis = Literal["observed", "published", "input", "fitted", "derived"]
Verdict = Literal["reproduces", "in range", "does not", "held", "differs"]
BASES: tuple[str, ...] = get_args(Basis)
GRADED = ("observed", "published")

_COLUMNS = ("id", "what", "value", "sd", "n", "low", "high", "unit", "basis", "status", "source", "where", "note")
# The limits within which two products count as bioequivalent; a convention of the field, for verdicts only.
_RANGE = (0.80, 1.25)
_DIGITS = 4

LEGEND = """- **reproduces**: inside the published 95 % interval of the mean, or where none is given inside its rounding
- **in range**: within 80-125 % of the published number (the limits of bioequivalence)
- **does not**: an honest miss
- **held**: the model was made from this number, or the number was worked out from the model: no evidence for it
- **differs**: the same, but it does not come out again to the digits given
"""


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One number of a paper.

    Attributes
    ----------
    basis
        observed: measured, and the model was not made from it. published: the paper's own, not used by the model.
        input: a parameter of the set. fitted: the model was tuned to it. derived: worked out from the set by hand.
    low, high
        95 % interval of the mean, or published range; half a unit of the last printed digit where nothing is known.
    has_error
        Whether they are more than the rounding of the print.
    """

    id: str
    what: str
    value: float
    low: float
    high: float
    unit: str
    basis: str
    status: str
    source: str
    where: str
    note: str
    has_error: bool = True

    @property
    def standard_error(self) -> float | None:
        """Standard error of the number by its interval; None where the paper gives no interval with two ends."""
        width = self.high - self.low
        return width / (2.0 * Z_95) if self.has_error and math.isfinite(width) else None

    def verdict(self, found: float) -> Verdict:
        """Return the verdict on what the package computes."""
        inside = self.low <= found <= self.high
        if self.basis not in GRADED:
            return "held" if inside else "differs"
        if inside:
            return "reproduces"
        low, high = _RANGE
        return "in range" if low * self.value <= found <= high * self.value else "does not"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A target, what the package computes for it, and the verdict."""

    target: TargetRow
    found: float
    verdict: Verdict


def read(file: Path) -> tuple[TargetRow, ...]:
    """Read a targets.csv; refuse a row without a known basis, status or source."""
    with file.open(encoding="utf-8", newline="") as opened:
        rows = csv.DictReader(opened)
        if tuple(rows.fieldnames or ()) != _COLUMNS:
            raise ParameterError(f"{file.name}: the columns are not {', '.join(_COLUMNS)}. Write them in this order.")
        found = tuple(_target(row, f"{file.parent.name}/{file.name}, {row['id']}") for row in rows)
    names = [target.id for target in found]
    if len(set(names)) < len(names):
        raise ParameterError(f"{file}: an id stands twice. Give each row one of its own.")
    return found


def _target(row: Mapping[str, str], where: str) -> TargetRow:
    for given, what, allowed in ((row["basis"], "basis", BASES), (row["status"], "status", STATUSES)):
        if given not in allowed:
            raise ParameterError(f"{where}: {unknown(what, given, allowed)}")
    if row["source"] not in citations.entries():
        raise ParameterError(f"{where}: {citations.unknown_key(row['source'], citations.keys())}")
    low, high, has_error = _interval(row)
    texts = {name: row[name] for name in ("id", "what", "unit", "basis", "status", "source", "where", "note")}
    return TargetRow(value=float(row["value"]), low=low, high=high, has_error=has_error, **texts)


def _interval(row: Mapping[str, str]) -> tuple[float, float, bool]:
    """Return both ends of what a number may be, and whether the paper gives them."""
    value = float(row["value"])
    if row["low"] or row["high"]:
        return float(row["low"] or "-inf"), float(row["high"] or "inf"), True
    has_error = bool(row["sd"] and row["n"])
    if has_error:
        half = Z_95 * float(row["sd"]) / math.sqrt(float(row["n"]))
    else:
        decimals = len(row["value"].partition(".")[2])
        half = 0.5 * 10.0**-decimals * (1.0 + 1e-9)  # a number exactly between two prints counts as either
    return value - half, value + half, has_error


def compare(targets: Iterable[TargetRow], computed: Mapping[str, float]) -> tuple[Comparison, ...]:
    """Lay computed numbers beside the targets; both must have the same names."""
    wanted = tuple(targets)
    names = {target.id for target in wanted}
    for name in sorted(names ^ set(computed)):
        raise ParameterError(f'the target "{name}" is {"not computed" if name in names else "not in targets.csv"}.')
    return tuple(Comparison(t, computed[t.id], t.verdict(computed[t.id])) for t in wanted)


def headline(rows: Iterable[Comparison]) -> str:
    """Return one sentence on the numbers that are evidence, and on those that are only held."""
    given = tuple(rows)
    graded = [row for row in given if row.target.basis in GRADED]
    count = {verdict: sum(row.verdict == verdict for row in given) for verdict in get_args(Verdict)}
    evidence = (
        f"Of {len(graded)} published numbers that the model was not made from, {count['reproduces']} reproduced, "
        f"{count['in range']} in range, {count['does not']} missed."
        if graded
        else "The paper gives no number beyond those that the model was made from."
    )
    held = len(given) - len(graded)
    return evidence + (f" {count['held']} of {held} others held." if held else "")


def table(rows: Iterable[Comparison], margins: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the rows as a Markdown table: evidence first, then what is only held; `margins` are second verdicts."""
    given = sorted(rows, key=lambda row: row.target.basis not in GRADED)
    lines = [
        "| what | computed | published | basis | status, source | verdict | margin |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in given:
        t = row.target
        note = f" ({t.note})" if t.note else ""
        published = f"{t.value:g}{_spread(t)} {t.unit}".strip()
        lines.append(
            f"| {t.what}{note} | {row.found:.{_DIGITS}g} | {published} | {t.basis} | {t.status}, {t.source} "
            f"| {row.verdict} | {margins.get(t.id, '–')} |"
        )
    return "\n".join(lines)


def _spread(target: TargetRow) -> str:
    """Return the interval in words, where it says more than the rounding of the number."""
    if math.isinf(target.low) or math.isinf(target.high):
        return f" (below {target.high:g})" if math.isinf(target.low) else f" (above {target.low:g})"
    return "" if target.high - target.low < 2e-2 * abs(target.value) else f" ({target.low:.4g} to {target.high:.4g})"


def show(folder: Path, computed: Mapping[str, float]) -> str:
    """Return headline and table of a folder that holds a targets.csv."""
    rows = compare(read(folder / "targets.csv"), computed)
    return f"{headline(rows)}\n\n{table(rows)}"
