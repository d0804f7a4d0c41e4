"""From the bytes of a file to its header and cells: commas, one header, comments left out, every row whole."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from eutonia.errors import DatasetError
from eutonia.exchange.faults import Fault, error, shown

# A table of events of more bytes than this is taken for another file.
_MOST_BYTES = 2_000_000_000
_UTF8, _UTF16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_ALLOWED = "a text file of comma-separated values in UTF-8, with one header line"
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
# The two signs for micro are u: their capital looks like an M, and ug would be read as mg.
_MICRO = str.maketrans("\u00b5\u03bc", "uu")
COMMENTS = ("#", "@")
_COMMENT_CELL = "C"


@dataclass(frozen=True)
class Cells:
    """A table as text.

    Attributes
    ----------
    names
        Names of the columns, upper case.
    rows
        Line of the file of each row.
    columns
        Cells of each column, without blanks around them.
    """

    file: str
    names: tuple[str, ...]
    rows: tuple[int, ...]
    columns: tuple[tuple[str, ...], ...]


def read_cells(path: str | Path) -> Cells:
    """Read a file; a line is a comment if it begins with # or @, or if its first cell is C.

    Raises
    ------
    DatasetError
        No such file, no text, no header, or rows that are not as long as the header.
    """
    place = Path(path)
    return parse_cells(_bytes(place), place.name)


def parse_cells(content: bytes, file: str) -> Cells:
    """Read the cells of a table from its bytes; `file` names it in messages."""
    lines = _records(_text(content, file), file)
    if not lines:
        raise _whole(file, "", "a table has a header and at least one row", "Write the header and the rows")
    (line, header), rows = lines[0], lines[1:]
    names = _header(header, line, file)
    faults = [
        Fault(
            number,
            "",
            shown(",".join(row)),
            f"every row has as many cells as the header, {len(names)}; this one has {len(row)}",
            f"{len(names)} cells",
            "Add or remove commas; quote a cell that holds a comma, and write decimals with a point",
        )
        for number, row in rows
        if len(row) != len(names)
    ]
    if faults:
        raise error(file, faults)
    if not rows:
        raise _whole(file, "", "a table has at least one row below its header", "Add rows")
    columns = tuple(tuple(cell.strip() for cell in column) for column in zip(*(row for _, row in rows), strict=True))
    return Cells(file, names, tuple(number for number, _ in rows), columns)


def _bytes(place: Path) -> bytes:
    try:
        if place.stat().st_size > _MOST_BYTES:
            raise _whole(place.name, "", "a table is of at most 2 GB", "Split it by ID")
        return place.read_bytes()
    except FileNotFoundError:
        raise DatasetError(f'there is no file "{place}". Allowed: a table of events (CSV). Check the path.') from None
    except OSError as trouble:
        raise DatasetError(
            f'"{place}" cannot be read ({trouble.strerror}). Allowed: a file that you may read. Check the path.'
        ) from None


def _text(content: bytes, file: str) -> str:
    """Decode the bytes, or say what kind of file this is."""
    if content.startswith(_UTF16):
        raise _whole(file, "UTF-16", "a table is in UTF-8", "Save it as UTF-8 (in Excel: CSV UTF-8)")
    if b"\0" in content:
        raise _whole(file, "binary data", "a table is a text file", "Export the table as CSV (not .xlsx, not SAS)")
    try:
        return content.removeprefix(_UTF8).decode("utf-8")
    except UnicodeDecodeError as trouble:
        line = content.count(b"\n", 0, trouble.start) + 1
        byte = f"byte {content[trouble.start]:#04x}"
        raise error(file, [Fault(line, "", byte, "a table is in UTF-8", _ALLOWED, "Save it as UTF-8")]) from None


def _records(text: str, file: str) -> list[tuple[int, list[str]]]:
    """Split text into rows with their lines, without comments and empty lines."""
    found: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begun = 1
    try:
        for row in reader:
            first = row[0].strip() if row else ""
            skipped = not any(cell.strip() for cell in row) or first.startswith(COMMENTS)
            if not skipped and not (found and first == _COMMENT_CELL):
                found.append((begun, row))
            begun = reader.line_num + 1
    except csv.Error as trouble:
        do = "Close the quotation mark, or remove it"
        raise error(file, [Fault(begun, "", "", f"a row is readable as CSV ({trouble})", _ALLOWED, do)]) from None
    return found


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
    numeric = [name for name in names if _is_number(name)]
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


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text == "."
    return True


def _fault(file: str, line: int, value: str, rule: str, do: str) -> DatasetError:
    return error(file, [Fault(line, "", value, rule, _ALLOWED, do)])


def _whole(file: str, value: str, rule: str, do: str) -> DatasetError:
    return error(file, [Fault(None, "", value, rule, _ALLOWED, do)])
