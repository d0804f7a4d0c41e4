"""A table of events as text: its header at once, its rows one by one, and an account of what is left out of it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedIOBase
from pathlib import Path

from eutonia import _delimited
from eutonia._delimited import ALLOWED, DelimitedError
from eutonia.errors import DatasetError
from eutonia.exchange.faults import Fault, error, shown

# A table of more bytes than this is refused: reading takes about five times its size, the levels ten to thirty times.
MOST_BYTES = 200_000_000
MISSING = (".", "")
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# The two signs for micro are u: their capital looks like an M, and ug would be read as mg.
_MICRO = str.maketrans("\u00b5\u03bc", "uu")
# NONMEM's mark of a record that is switched off: in a column of that name, or in a first column that is not ID.
MARK = "C"
_BECAUSE = {
    "#": "the line begins with # or @ and has the cells of a row",
    MARK: "C marks them as comments",
    "": "all their cells are empty",
}
_LINES_NAMED, _PEOPLE_NAMED = 5, 5


@dataclass
class LeftOut:
    """Rows of a table that are not read.

    Attributes
    ----------
    lines
        Their lines, by why: "#" (or @) before them, "C" as a mark in them, "" nothing in them.
    ids
        IDs of the people that they are of.
    comments
        Number of lines that begin with # or @ and are no rows.
    """

    lines: dict[str, list[int]] = field(default_factory=dict)
    ids: dict[str, None] = field(default_factory=dict)
    comments: int = 0

    @property
    def rows(self) -> int:
        """Number of rows left out."""
        return sum(map(len, self.lines.values()))

    def note(self, why: str, line: int, person: str = "") -> None:
        """Note a row that is left out, and whose it is."""
        self.lines.setdefault(why, []).append(line)
        if person not in MISSING:
            self.ids[person] = None

    def people(self, known: Mapping[str, int]) -> list[str]:
        """Return the IDs of which nothing is left in the table."""
        return [one for one in self.ids if one not in known]

    def words(self, known: Mapping[str, int]) -> list[str]:
        """Say what is left out, a sentence each; nothing where nothing is."""
        said = [
            f"{len(lines)} row{'s' if len(lines) > 1 else ''} left out ({_BECAUSE[why]}): line {named(lines)}."
            for why, lines in self.lines.items()
        ]
        if people := self.people(known):
            said.append(f"{len(people)} people left out with all their rows: {named(people)}.")
        return said


def named(of: Sequence[object], most: int = _LINES_NAMED) -> str:
    """Return the first of many things, and how many more there are."""
    more = f" and {len(of) - most} more" if len(of) > most else ""
    return ", ".join(shown(str(one)) for one in of[:most]) + more


@dataclass(frozen=True)
class Cells:
    """A table whose header is known and whose rows are read when they are asked for.

    Attributes
    ----------
    names
        Names of the columns, upper case.
    header
        Line of the header.
    """

    file: str
    names: tuple[str, ...]
    header: int
    _open: Callable[[], BufferedIOBase]

    def rows(self, left: LeftOut, faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
        """Return the rows, each with its line; note what is left out, and rows that are not as long as the header."""
        names, where = self.names, self.names.index("ID") if "ID" in self.names else None
        marks = {names.index(MARK)} if MARK in names else set()
        marks |= {0} if where != 0 else set()

        def comment(line: int, text: str) -> None:
            cells = text.lstrip(_delimited.HASH + _delimited.AT).split(",")
            if len(cells) != len(names) or line < self.header:
                left.comments += 1
            else:
                left.note("#", line, "" if where is None else cells[where].strip(' "'))

        others: dict[int, tuple[int, str]] = {}
        for line, row in _read(self.file, self._open, comment):
            if line == self.header:
                continue
            if marks and _is_marked(line, row, names, marks, others):
                left.note(MARK, line, row[where].strip() if where is not None and where < len(row) else "")
            elif not any(row) or not any(cell.strip() for cell in row):
                left.note("", line)
            elif len(row) != len(names):
                faults.append(_ragged(line, row, len(names)))
            else:
                yield line, row
        if MARK in left.lines:
            faults += [_unclear(line, names[place], cell) for place, (line, cell) in others.items()]


def read_cells(path: str | Path) -> Cells:
    """Open a file and read its header; a line is a comment if it begins with # or @.

    Raises
    ------
    DatasetError
        No such file, no text, or no header.
    """
    place = Path(path)
    return _cells(place.name, lambda: _delimited.opened(place, MOST_BYTES))


def parse_cells(content: bytes, file: str) -> Cells:
    """Read the header of a table from its bytes; `file` names it in messages."""
    return _cells(file, lambda: io.BytesIO(content))


def _cells(file: str, open_: Callable[[], BufferedIOBase]) -> Cells:
    rows = _read(file, open_, lambda line, text: None)
    first = next((one for one in rows if any(cell.strip() for cell in one[1])), None)
    if first is None:
        raise _whole(file, "", "a table has a header and at least one row", "Write the header and the rows")
    return Cells(file, _header(first[1], first[0], file), first[0], open_)


def _read(
    file: str, open_: Callable[[], BufferedIOBase], comment: Callable[[int, str], None]
) -> Iterator[tuple[int, list[str]]]:
    """Return the rows of a file; what makes it no table is worded as a fault of it."""
    try:
        with open_() as stream:
            yield from _delimited.rows(stream, MOST_BYTES, comment)
    except DelimitedError as failure:
        found = failure.trouble
        do = f"Nearest: {', '.join(found.nearest)}. {found.do}" if found.nearest else found.do
        raise error(file, [Fault(found.line, "", found.given, found.why, found.allowed, do)]) from None


def _is_marked(
    line: int, row: Sequence[str], names: Sequence[str], marks: Iterable[int], others: dict[int, tuple[int, str]]
) -> bool:
    """Say whether a row is switched off; note what else the columns hold that may say so."""
    marking = {place: row[place].strip() for place in marks if place < len(row)}
    others |= {place: (line, cell) for place, cell in marking.items() if _is_other(cell, names[place])}
    return any(cell in (MARK, MARK.lower()) for cell in marking.values())


def _is_other(cell: str, name: str) -> bool:
    """Say whether a cell of a column that may mark comments shows that the column holds something else."""
    return cell not in (*MISSING, MARK, MARK.lower()) and (name == MARK or not is_number(cell))


def _unclear(line: int, name: str, cell: str) -> Fault:
    rule = f"{MARK} in {name} switches a record off, as in NONMEM; this column holds other things too"
    do = f"Put a column {MARK} of its own first, or remove the records; if {MARK} is a name, put another column first"
    return Fault(line, name, shown(cell), rule, f"{MARK}, or .", do)


def _ragged(line: int, row: Sequence[str], wanted: int) -> Fault:
    rule = f"every row has as many cells as the header, {wanted}; this one has {len(row)}"
    do = "Add or remove commas; quote a cell that holds a comma, and write decimals with a point"
    return Fault(line, "", shown(",".join(row)), rule, f"{wanted} cells", do)


def _header(header: list[str], line: int, file: str) -> tuple[str, ...]:
    """Check the names of the columns."""
    names = tuple(" ".join(name.translate(_MICRO).split()).upper() for name in header)
    if len(names) == 1:
        used = next((words for mark, words in _SEPARATORS.items() if mark in names[0] or mark in header[0]), "")
        used = used or ("blanks" if " " in names[0] else "")
        if used:
            raise _fault(
                file, line, shown(header[0]), f"cells are separated by commas, not {used}", "Save it with commas"
            )
    numeric = [name for name in names if is_number(name)]
    if numeric:
        do = "Write the names of the columns above the rows, without # before them"
        raise _fault(file, line, shown(",".join(header)), "the first line names the columns", do)
    faults = []
    for place, name in enumerate(names):
        if not name:
            do = f"Name column {place + 1}, or remove it"
            faults.append(Fault(line, f"number {place + 1}", "", "every column has a name", "a name", do))
        elif name in names[:place]:
            do = "Rename one of them, or remove it (capitals make no difference)"
            faults.append(Fault(line, name, name, "a column name stands once", "names that differ", do))
    if faults:
        raise error(file, faults)
    return names


def is_number(text: str) -> bool:
    """Say whether a cell is a number or missing."""
    try:
        float(text)
    except ValueError:
        return text == "."
    return True


def _fault(file: str, line: int, value: str, rule: str, do: str) -> DatasetError:
    return error(file, [Fault(line, "", value, rule, ALLOWED, do)])


def _whole(file: str, value: str, rule: str, do: str) -> DatasetError:
    return error(file, [Fault(None, "", value, rule, ALLOWED, do)])
