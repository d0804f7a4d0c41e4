"""Faults of a table of events: where, what, which rule, what is allowed, what to do."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from eutonia.errors import DatasetError

# One screen of a terminal.
_LINES, _COLUMNS, _ROWS_NAMED = 24, 100, 5


@dataclass(frozen=True, slots=True)
class TableFault:
    """One thing that is wrong with a table.

    Attributes
    ----------
    row
        Line of the file, the first being 1; None where it is the whole file.
    column
        Name of the column; "" where it is the whole row.
    value
        What stands there.
    rule
        The rule that it breaks.
    allowed, do
        What would be allowed, and what to do.
    """

    row: int | None
    column: str
    value: str
    rule: str
    allowed: str
    do: str

    def __str__(self) -> str:
        """Word the fault in a few short lines."""
        return "\n".join(_block([self]))

    @property
    def words(self) -> tuple[str, str, str, str]:
        """What faults of one kind have in common."""
        return self.column, self.rule, self.allowed, self.do


def error(file: str, faults: Sequence[TableFault]) -> DatasetError:
    """Return one error for all faults of a file; its message fits on a screen, and it carries them as `.faults`."""
    in_order = sorted(faults, key=lambda fault: (fault.row or 0, fault.column))
    groups: dict[tuple[str, ...], list[TableFault]] = {}
    for fault in in_order:
        groups.setdefault(fault.words, []).append(fault)
    head = f"{file} has {len(faults)} faults:" if len(faults) > 1 else f"{file} cannot be used:"
    lines, told = textwrap.wrap(head, _COLUMNS), 0
    for alike in groups.values():
        block = _block(alike)
        if told and len(lines) + len(block) > _LINES - 2:
            break
        lines += block
        told += len(alike)
    if told < len(faults):
        lines.append(
            f"... and {len(faults) - told} more. All of them: eutonia check {file} --all-faults (or --out faults.csv)"
        )
    failure = DatasetError("\n".join(lines))
    failure.faults = tuple(in_order)
    return failure


def _block(alike: Sequence[TableFault]) -> list[str]:
    """Return the lines on faults of one kind: the first in full, the others by their rows."""
    first = alike[0]
    place = [f"row {first.row}" if first.row else "", f"column {first.column}" if first.column else ""]
    where = ", ".join(part for part in place if part) or "the file"
    others = [str(fault.row) for fault in alike[1:]]
    more = f" and {len(others) - _ROWS_NAMED} others" if len(others) > _ROWS_NAMED else ""
    parts = [f'value "{first.value}".' if first.value else "", f"Rule: {first.rule}.", f"Allowed: {first.allowed}."]
    parts += [f"Do: {first.do}.", f"The same in rows {', '.join(others[:_ROWS_NAMED])}{more}." if others else ""]
    text = f"- {where}: " + " ".join(part for part in parts if part)
    return textwrap.wrap(text, _COLUMNS, subsequent_indent="  ")


def shown(value: str, longest: int = 40) -> str:
    """Return a cell as it can be printed on one line."""
    flat = " ".join("".join(c if c.isprintable() else "\ufffd" for c in value).split())
    return flat if len(flat) <= longest else flat[: longest - 3] + "..."
