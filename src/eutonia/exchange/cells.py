"""A table of events as text: its header at once, its rows one by one, and an account of what is left out of it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedIOBase
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eutonia import _delimited
from eutonia._delimited import ALLOWED, DelimitedError, Plain
from eutonia.errors import DatasetError
from eutonia.exchange.faults import TableFault, error, shown

# A table of more bytes than this is refused: a guard rail, whole people are computed as they are read.
MOST_BYTES = 2_000_000_000
_CHUNK = 16_384  # rows that are read one by one and handed out together
MISSING = (".", "")
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# The two signs for micro are u: their capital looks like an M, and ug would be read as mg.
_MICRO = str.maketrans("\u00b5\u03bc", "uu")
# NONMEM's mark of a record that is switched off: in a column of that name, or in a first column that is not ID.
MARK = "C"
# Marks that other programs and hands put among the numbers of records to switch one off, and columns of such numbers.
_OTHER_MARKS = ("*", "#", "@", "!", "X", "x", "C", "c")
_NUMBERING = ("SEQ", "NUM", "NO", "REC", "RECORD", "RECNO", "ROW", "LINE", "L1", "L2")
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


@dataclass
class Position:
    """How far a file has been read: the share of its bytes."""

    share: float = 0.0


@dataclass(frozen=True)
class TableCells:
    """A table whose header is known and whose rows are read when they are asked for.

    Attributes
    ----------
    names
        Names of the columns, upper case.
    header
        Line of the header.
    position
        How far the rows have been read.
    """

    file: str
    names: tuple[str, ...]
    header: int
    _open: Callable[[], BufferedIOBase]
    position: Position = field(default_factory=Position)

    def blocks(self, left: LeftOut, faults: list[TableFault]) -> Iterator[CellBlock]:
        """Return the rows, some at a time; note what is left out, and rows that are not as long as the header."""
        names, where = self.names, self.names.index("ID") if "ID" in self.names else None
        marks = {names.index(MARK)} if MARK in names else set()
        marks |= {0} if where != 0 else set()

        def comment(line: int, text: str) -> None:
            cells = text.lstrip(_delimited.HASH + _delimited.AT).split(",")
            if len(cells) != len(names) or line < self.header:
                left.comments += 1
            else:
                left.note("#", line, "" if where is None else cells[where].strip(' "'))

        def is_kept(line: int, row: list[str]) -> bool:
            if marks and _is_marked(line, row, names, marks, others):
                left.note(MARK, line, row[where].strip() if where is not None and where < len(row) else "")
            elif not any(row) or not any(cell.strip() for cell in row):
                left.note("", line)
            elif len(row) != len(names):
                faults.append(_ragged(line, row, len(names)))
            else:
                return True
            return False

        others: dict[int, tuple[int, str]] = {}
        numbering = {name: _Numbering() for place, name in enumerate(names) if name in _NUMBERING or place in marks}
        numbering.pop(MARK, None)
        kept: list[_delimited.Row] = []
        for piece in _read(self.file, self._open, comment, self.position):
            block = None
            if isinstance(piece, Plain):
                block = None if where is None else _parted(piece, names, where, marks, others)
                rows: Iterable[_delimited.Row] = () if block is not None else piece.rows()
            else:
                rows = () if piece[0] == self.header else (piece,)
            kept += [row for row in rows if is_kept(*row)]
            if kept and (block is not None or len(kept) >= _CHUNK):
                yield _watched(_joined(kept, names), numbering)
                kept = []
            if block is not None:
                _watched(block, numbering)
                ready, block, piece = [block], None, (0, [])  # nothing is held here while it is worked on
                yield ready.pop()
        if kept:
            yield _watched(_joined(kept, names), numbering)
        if MARK in left.lines:
            faults += [_unclear(line, names[place], cell) for place, (line, cell) in others.items()]
        else:
            faults += [_odd_mark(name, *one.mark) for name, one in numbering.items() if one.numbers and one.mark]

    def at(self, lines: set[int]) -> dict[int, tuple[str, ...]]:
        """Return the cells of the rows of some lines."""
        found = {}
        for block in self.blocks(LeftOut(), []):
            for i in np.flatnonzero(np.isin(block.lines, list(lines))).tolist():
                found[int(block.lines[i])] = block.text.row(i)
        return found


@dataclass(frozen=True)
class CellBlock:
    """Some rows of a table: the line of each, and their cells as text by column, without blanks around."""

    lines: NDArray[np.int32]
    text: pl.DataFrame


@dataclass
class _Numbering:
    """What a column of record numbers holds: whether there are numbers, and the first mark among them (line, cell)."""

    numbers: bool = False
    mark: tuple[int, str] | None = None


def _watched(block: CellBlock, numbering: Mapping[str, _Numbering]) -> CellBlock:
    """Return a block whose columns of record numbers have been looked at."""
    for name, seen in numbering.items():
        cells = block.text[name].str.strip_chars()
        seen.numbers |= bool(cells.cast(pl.Float64, strict=False).is_not_null().any())
        marked = cells.is_in(_OTHER_MARKS).arg_true()
        if seen.mark is None and len(marked):
            seen.mark = int(block.lines[marked[0]]), cells[marked[0]]
    return block


def _odd_mark(name: str, line: int, cell: str) -> TableFault:
    rule = (
        f"{name} numbers the records, and a mark among the numbers may switch one off; {MARK} is the mark that is read"
    )
    do = f"Remove the record, or write {MARK} there in a column {MARK} of its own; if it says nothing, write a number"
    return TableFault(line, name, shown(cell), rule, "a number", do)


def _joined(rows: list[_delimited.Row], names: Sequence[str]) -> CellBlock:
    columns = zip(*(row for _, row in rows), strict=True)
    text = pl.DataFrame({name: pl.Series(cells, dtype=pl.String) for name, cells in zip(names, columns, strict=True)})
    return CellBlock(np.array([line for line, _ in rows], np.int32), text.select(pl.all().str.strip_chars()))


def _parted(
    piece: Plain, names: Sequence[str], where: int, marks: Iterable[int], others: dict[int, tuple[int, str]]
) -> CellBlock | None:
    """Return a plain stretch as a block; None where a row of it is left out. See `_is_marked` for `others`."""
    text = pl.read_csv(piece.text, has_header=False, new_columns=list(names), infer_schema=False, quote_char=None)
    text = text.fill_null("")
    if not piece.text.isascii() or any(blank in piece.text for blank in b" \t\r"):
        text = text.select(pl.all().str.strip_chars())
    if text.height != piece.count or (text[names[where]] == "").any():
        return None
    for place in marks:
        cells = text[names[place]]
        odd = ~cells.is_in(list(MISSING))
        if names[place] != MARK:
            odd &= cells.cast(pl.Float64, strict=False).is_null()
        if (odd & cells.is_in([MARK, MARK.lower()])).any():
            return None
        for i in reversed(odd.arg_true().to_list()):
            if _is_other(cells[i], names[place]):
                others[place] = piece.line + i, cells[i]
                break
    return CellBlock(np.arange(piece.line, piece.line + piece.count, dtype=np.int32), text)


def read_cells(path: str | Path) -> TableCells:
    """Open a file and read its header; a line is a comment if it begins with # or @.

    Raises
    ------
    DatasetError
        No such file, no text, or no header.
    """
    place = Path(path)
    return _cells(place.name, lambda: _delimited.opened(place, MOST_BYTES))


def parse_cells(content: bytes, file: str) -> TableCells:
    """Read the header of a table from its bytes; `file` names it in messages."""
    return _cells(file, lambda: io.BytesIO(content))


def _cells(file: str, open_: Callable[[], BufferedIOBase]) -> TableCells:
    rows = _read(file, open_, lambda line, text: None)
    lone = (one for one in rows if not isinstance(one, Plain))  # the header never comes in a stretch
    first = next((one for one in lone if any(cell.strip() for cell in one[1])), None)
    if first is None:
        raise _whole(file, "", "a table has a header and at least one row", "Write the header and the rows")
    return TableCells(file, _header(first[1], first[0], file), first[0], open_)


def _read(
    file: str,
    open_: Callable[[], BufferedIOBase],
    comment: Callable[[int, str], None],
    position: Position | None = None,
) -> Iterator[_delimited.Row | Plain]:
    """Return the rows of a file; what makes it no table is worded as a fault of it."""
    try:
        with open_() as stream:
            size = stream.seek(0, io.SEEK_END)
            stream.seek(0)
            for piece in _delimited.stretches(stream, MOST_BYTES, comment):
                if position is not None and isinstance(piece, Plain):
                    position.share = stream.tell() / size
                yield piece
        if position is not None:
            position.share = 1.0
    except DelimitedError as failure:
        found = failure.trouble
        do = f"Nearest: {', '.join(found.nearest)}. {found.do}" if found.nearest else found.do
        raise error(file, [TableFault(found.line, "", found.given, found.why, found.allowed, do)]) from None


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


def _unclear(line: int, name: str, cell: str) -> TableFault:
    rule = f"{MARK} in {name} switches a record off, as in NONMEM; this column holds other things too"
    do = f"Put a column {MARK} of its own first, or remove the records; if {MARK} is a name, put another column first"
    return TableFault(line, name, shown(cell), rule, f"{MARK}, or .", do)


def _ragged(line: int, row: Sequence[str], wanted: int) -> TableFault:
    rule = f"every row has as many cells as the header, {wanted}; this one has {len(row)}"
    do = "Add or remove commas; quote a cell that holds a comma, and write decimals with a point"
    return TableFault(line, "", shown(",".join(row)), rule, f"{wanted} cells", do)


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
            faults.append(TableFault(line, f"number {place + 1}", "", "every column has a name", "a name", do))
        elif name in names[:place]:
            do = "Rename one of them, or remove it (capitals make no difference)"
            faults.append(TableFault(line, name, name, "a column name stands once", "names that differ", do))
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
    return error(file, [TableFault(line, "", value, rule, ALLOWED, do)])


def _whole(file: str, value: str, rule: str, do: str) -> DatasetError:
    return error(file, [TableFault(None, "", value, rule, ALLOWED, do)])
