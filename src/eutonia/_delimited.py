"""The one reader of delimited text: dosing tables and recordings alike, a row at a time, whatever the file's size.

Commas part cells, quotation marks may hold them, and a row is as many lines as its quotation marks say. A line that
begins with the sign of a comment is one; inside quotation marks it is a cell.
"""

from __future__ import annotations

import csv
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from eutonia.errors import EutoniaError, nearest

HASH, AT = "#", "@"
ALLOWED = "a text file of comma-separated values in UTF-8, with one header line"
_UTF8, _UTF16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
# Guard rails of the program: a longer line is no row, and a longer note is a quotation mark that was never closed.
_LONGEST_LINE, _MOST_LINES_A_ROW = 1_000_000, 100
_OPEN = "unexpected end of data"  # how the csv module says that a quotation mark is not closed
# What a spreadsheet begins to compute.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a file as text, in words that each kind of table puts in its own form."""

    line: int | None
    given: str
    why: str
    allowed: str
    do: str
    nearest: tuple[str, ...] = ()


class DelimitedError(EutoniaError):
    """A file that is no delimited text; `trouble` says where and why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(f"{trouble.given}: {trouble.why}. Allowed: {trouble.allowed}. {trouble.do}.")
        self.trouble = trouble


def refused(given: str, why: str, do: str, *, line: int | None = None, allowed: str = ALLOWED) -> DelimitedError:
    """Return the error of a file, or of one of its lines."""
    return DelimitedError(Trouble(line, given, why, allowed, do))


def opened(path: str | Path, most_bytes: int) -> BufferedIOBase:
    """Open an ordinary file of at most so many bytes; nothing else is ever waited for.

    Raises
    ------
    DelimitedError
        No such file, a folder, a device or pipe, too large, or not to be read.
    """
    place = Path(path)
    try:
        if place.is_dir():
            raise refused("a folder", "it cannot be read as a table", "Name one file")
        # A pipe without a writer must not be waited for.
        stream = open(place, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0)))  # noqa: SIM115
    except FileNotFoundError:
        beside = os.listdir(place.parent) if place.parent.is_dir() else []
        close = tuple(nearest(place.name, beside))
        raise DelimitedError(
            Trouble(None, place.name, "there is no file of that name", ALLOWED, "Check the name", close)
        ) from None
    except (OSError, ValueError) as failure:
        why = f"it cannot be read ({getattr(failure, 'strerror', None) or failure})"
        raise refused("a file", why, "Check the path and the permissions") from None
    about = os.fstat(stream.fileno())
    if stat.S_ISREG(about.st_mode) and about.st_size <= most_bytes:
        return stream
    stream.close()
    if not stat.S_ISREG(about.st_mode):
        raise refused("a device or pipe", "it is no ordinary file", "Write it to a file, and name that")
    raise too_large(about.st_size, most_bytes)


def too_large(size: int, most_bytes: int) -> DelimitedError:
    """Return the error of a file of too many bytes."""
    most = f"{most_bytes / 1e6:,.0f} MB"
    return refused(f"{size / 1e6:,.0f} MB", f"it is larger than {most}", "Split it", allowed=f"at most {most}")


def rows(
    stream: BufferedIOBase,
    most_bytes: int,
    comment: Callable[[int, str], None],
    *,
    signs: tuple[str, ...] = (HASH, AT),
    is_strict: bool = True,
) -> Iterator[Row]:
    """Return the rows that hold anything, each with the line on which it begins; the first is the header.

    Parameters
    ----------
    stream, most_bytes
        The bytes, and how many are read at most.
    comment
        Called with line and text of each comment, a line that begins with one of `signs`.
    is_strict
        Refuse a quotation mark that swallows rows or is never closed; else it is a character like any other.
    """
    lines, width = _Lines(stream, most_bytes), 0
    for number, line in lines:
        bare = line.strip()
        if not bare:
            continue
        if bare.startswith(signs):
            comment(number, bare)
            continue
        row = _quoted(number, line, lines, width, is_strict) if '"' in line else bare.split(",")
        width = width or len(row)
        yield number, row


def _quoted(number: int, line: str, lines: _Lines, width: int, is_strict: bool) -> list[str]:
    """Return the cells of a row that holds quotation marks; it may take more lines than its first."""
    taken = [line]
    while True:
        try:
            row = next(csv.reader(taken, strict=True))
        except csv.Error as trouble:
            why = str(trouble)
            more = next(lines, None) if why == _OPEN and len(taken) < _MOST_LINES_A_ROW else None
            if more is not None:
                taken.append(more[1])
                continue
        else:
            # A note of several lines is a cell; what holds whole rows is two marks that were never meant to meet.
            inside = (part for cell in row for part in cell.splitlines()[1:])
            if not width or all(part.count(",") + 1 < width for part in inside):
                return row
            why = "it swallows rows"
        if is_strict:
            given, do = "a quotation mark", "Close the quotation mark, or remove it"
            raise refused(given, f"a row is readable as CSV ({why})", do, line=number)
        lines.put_back(number + 1, taken[1:])
        return line.rstrip("\r\n").split(",")


class _Lines:
    """The lines of a stream with their numbers, decoded; some may be put back."""

    def __init__(self, stream: BufferedIOBase, most_bytes: int) -> None:
        self._ahead: deque[tuple[int, str]] = deque()
        self._stream, self._most, self._read, self._number = stream, most_bytes, 0, 0

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        while not self._ahead:
            raw = self._stream.readline(_LONGEST_LINE + 1)
            if not raw:
                raise StopIteration
            self._take(raw)
        return self._ahead.popleft()

    def put_back(self, number: int, lines: list[str]) -> None:
        self._ahead.extendleft(reversed([(number + i, line) for i, line in enumerate(lines)]))

    def _take(self, raw: bytes) -> None:
        if self._number == 0:
            if raw.startswith(_UTF16):
                raise refused("UTF-16", "the text is in UTF-8", "Save it as UTF-8 (in Excel: CSV UTF-8)")
            raw = raw.removeprefix(_UTF8)
        self._read += len(raw)
        if self._read > self._most:
            raise too_large(self._read, self._most)
        if b"\0" in raw:
            raise _binary()
        # Lines of old Macintosh files end with a carriage return alone.
        for piece in raw.splitlines(keepends=True) if b"\r" in raw[:-2] else (raw,):
            self._number += 1
            if len(piece) > _LONGEST_LINE:
                given = f"more than {_LONGEST_LINE:,} bytes"
                raise refused(given, "a line is a row", "Export the table again, a line a row", line=self._number)
            self._ahead.append((self._number, self._decoded(piece)))

    def _decoded(self, piece: bytes) -> str:
        try:
            return piece.decode()
        except UnicodeDecodeError as trouble:
            if b"\0" in self._stream.read(_LONGEST_LINE):
                raise _binary() from None
            byte = f"byte {piece[trouble.start]:#04x}"
            raise refused(byte, "the text is in UTF-8", "Save it as UTF-8", line=self._number) from None


def _binary() -> DelimitedError:
    return refused("binary data", "a table is a text file", "Export the table as CSV (not .xlsx, not SAS)")


def safe(cell: str) -> str:
    """Return a cell of free text so that no spreadsheet computes it: a formula gets an apostrophe before it."""
    return f"'{cell}" if computes(cell) else cell


def computes(cell: str) -> bool:
    """Say whether a spreadsheet takes a cell for a formula."""
    if not cell.lstrip(" ").startswith(_FORMULA):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False
