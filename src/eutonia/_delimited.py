"""The one reader of delimited text: dosing tables and recordings alike, whatever the file's size.

Commas part cells, quotation marks may hold them, and a row is as many lines as its quotation marks say. A line that
begins with the sign of a comment is one; inside quotation marks it is a cell. Stretches of a file in which every line
is a row of as many cells, without any of that, are handed out whole, for a library to part them.
"""

from __future__ import annotations

import csv
import io
import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from eutonia.errors import EutoniaError, nearest

if TYPE_CHECKING:
    import polars

HASH, AT = "#", "@"
ALLOWED = "a text file of comma-separated values in UTF-8, with one header line"
_UTF8, _UTF16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
# Guard rails of the program: a longer line is no row, and a longer note is a quotation mark that was never closed.
_LONGEST_LINE, _MOST_LINES_A_ROW = 1_000_000, 100
_OPEN = "unexpected end of data"  # how the csv module says that a quotation mark is not closed
_BLOCK = 4_000_000  # bytes read together
# Signs for which a stretch is read row by row: quotation marks and what some call blank; and those that begin a line.
_ODD, _ODD_FIRST = bytes((0, 11, 12, *range(28, 32), 34)), b"#@ \t\r\n"
_ODD_LINES = re.compile(r"^\s*(?:[#@]|$)", re.MULTILINE)
_NEWLINE, _COMMA = b"\n,"
_LEAST_WIDTH = 2
# What a spreadsheet begins to compute.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Plain:
    """Lines that are rows of as many cells as the header, without quotation marks, comments or blank lines between.

    Attributes
    ----------
    line, count
        Number of the first, and how many there are.
    text
        They, in UTF-8, as they stand.
    """

    line: int
    count: int
    text: bytes

    def rows(self) -> Iterator[Row]:
        """Return them one by one."""
        for i, line in enumerate(self.text.decode().split("\n")[: self.count]):
            yield self.line + i, line.strip().split(",")


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
    return _rows(_Lines(stream, most_bytes), comment, signs, is_strict)


def stretches(stream: BufferedIOBase, most_bytes: int, comment: Callable[[int, str], None]) -> Iterator[Row | Plain]:
    """Return the same rows, those of plain stretches together; the header, the first that holds anything, comes alone.

    Parameters are those of `rows`.
    """
    lines = _Lines(stream, most_bytes)
    found = _rows(lines, comment, (HASH, AT), is_strict=True)
    width = 0
    while lines.is_more():
        piece = (lines.plain(width) if width else None) or next(found, None)
        if isinstance(piece, tuple) and any(cell.strip() for cell in piece[1]):
            width = width or len(piece[1])
        if piece is not None:
            yield piece


def _rows(lines: _Lines, comment: Callable[[int, str], None], signs: tuple[str, ...], is_strict: bool) -> Iterator[Row]:
    width = 0
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
    """The lines of a stream with their numbers, decoded; some may be put back. Blocks of whole lines are read."""

    def __init__(self, stream: BufferedIOBase, most_bytes: int) -> None:
        self._ahead: deque[tuple[int, str]] = deque()
        self._stream, self._most, self._read, self._number = stream, most_bytes, 0, 0
        self._block, self._left, self._is_odd = io.BytesIO(), 0, False

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        while not self._ahead:
            if not self.is_more():
                raise StopIteration
            raw = self._block.readline(_LONGEST_LINE + 1)
            self._left -= len(raw)
            self._take(raw)
        return self._ahead.popleft()

    def put_back(self, number: int, lines: list[str]) -> None:
        self._ahead.extendleft(reversed([(number + i, line) for i, line in enumerate(lines)]))

    def is_more(self) -> bool:
        """Say whether there are lines to come; read the next block if none is held."""
        if not self._ahead and not self._left:
            text = self._stream.read(_BLOCK)
            if text and not text.endswith(b"\n"):
                text += self._stream.readline(_LONGEST_LINE + 1)
            if self._read == 0:
                if text.startswith(_UTF16):
                    raise refused("UTF-16", "the text is in UTF-8", "Save it as UTF-8 (in Excel: CSV UTF-8)")
                text = text.removeprefix(_UTF8)
            self._read += len(text)
            if self._read > self._most:
                raise too_large(self._read, self._most)
            self._block, self._left, self._is_odd = io.BytesIO(text), len(text), False
        return bool(self._ahead or self._left)

    def plain(self, width: int) -> Plain | None:
        """Return what is left of a block if it is plain rows of so many cells; None: read it line by line."""
        if self._ahead or self._is_odd:
            return None
        text = self._block.getvalue()[-self._left :]
        count = _plain_rows(text, width)
        if count is None:
            self._is_odd = True
            return None
        found = Plain(self._number + 1, count, text)
        self._number, self._left = self._number + count, 0
        return found

    def _take(self, raw: bytes) -> None:
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
            if b"\0" in self._block.read() + self._stream.read(_LONGEST_LINE):
                raise _binary() from None
            byte = f"byte {piece[trouble.start]:#04x}"
            raise refused(byte, "the text is in UTF-8", "Save it as UTF-8", line=self._number) from None


def _plain_rows(text: bytes, width: int) -> int | None:
    """Return how many rows a stretch of lines is, each of so many cells; None where a line is anything else."""
    if width < _LEAST_WIDTH or len(text.translate(None, _ODD)) != len(text):
        return None
    if b"\r" in text and text.count(b"\r") != text.count(b"\r\n"):
        return None
    if not text.isascii():
        try:
            if _ODD_LINES.search(text.decode().removesuffix("\n")):
                return None
        except UnicodeDecodeError:
            return None
    signs = np.frombuffer(text, np.uint8)
    ends, commas = np.flatnonzero(signs == _NEWLINE), np.flatnonzero(signs == _COMMA)
    if not text.endswith(b"\n"):
        ends = np.append(ends, len(text))
    begin = signs[np.append(0, ends[:-1] + 1)].tobytes()
    if len(begin.translate(None, _ODD_FIRST)) != len(begin):
        return None
    if len(commas) != (width - 1) * len(ends) or np.diff(ends, prepend=-1).max() > _LONGEST_LINE:
        return None
    of_line = commas.reshape(len(ends), width - 1)
    fits = (of_line[:, -1] < ends).all() and (of_line[1:, 0] > ends[:-1]).all()
    return len(ends) if fits else None


def _binary() -> DelimitedError:
    return refused("binary data", "a table is a text file", "Export the table as CSV (not .xlsx, not SAS)")


def safe(cell: str) -> str:
    """Return a cell of free text so that no spreadsheet computes it: a formula gets an apostrophe before it."""
    return f"'{cell}" if computes(cell) else cell


def safe_table(table: polars.DataFrame) -> polars.DataFrame:
    """Return a table whose text no spreadsheet computes; each word is looked at once."""
    import polars as pl

    for name in table.select(pl.col(pl.String)).columns:
        words = [word for word in table[name].unique() if word is not None and computes(word)]
        if words:
            table = table.with_columns(pl.col(name).replace(words, [safe(word) for word in words]))
    return table


def computes(cell: str) -> bool:
    """Say whether a spreadsheet takes a cell for a formula."""
    if not cell.lstrip(" ").startswith(_FORMULA):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False
