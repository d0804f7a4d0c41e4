"""A recording of a limb as a text file: columns by name with their units, and the body in comment lines above them.

    # weight = 71 kg
    # height = 1.75 m
    time_s,angle_deg,torque_Nm
    0.000,0.0,0.2

Angles grow as the muscle is stretched; at the knee 0 is the straight leg, held level, and 90 a hanging shank.
"""

from __future__ import annotations

import io
import math
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from eutonia import _delimited
from eutonia._delimited import DelimitedError
from eutonia.errors import RecordingError, nearest
from eutonia.study import studyfile
from eutonia.study.studyfile import Fault

Samples = Float[np.ndarray, " sample"]

#: Columns that are read, and what each holds.
COLUMNS = {"time_s": "time, s", "angle_deg": "angle, deg", "torque_Nm": "torque, N m", "emg_mV": "EMG, mV"}
REQUIRED = ("time_s", "angle_deg")
#: What the comments may say of the body; each once.
SAID = ("weight", "height", "shank_length")
# Guard rails of the program: a recording of a minute at 2 kHz is 5 MB.
_LARGEST_BYTES, _MOST_FAULTS = 20_000_000, 50
# What may stand between what is said of the body and its value.
_SIGNS = ("=", ":")
_CSV = "a text file of columns time_s,angle_deg[,torque_Nm][,emg_mV]"


@dataclass(frozen=True)
class Recording:
    """One recording: its columns, the line on which each sample stands, the comments above, columns not used, and how
    many lines that are written as samples are comments. Time counts from the first sample.
    """

    name: str
    time_s: Samples
    angle_deg: Samples
    torque_nm: Samples | None
    emg_mv: Samples | None
    lines: Int[np.ndarray, " sample"]
    header: Mapping[str, str]
    ignored: tuple[str, ...] = ()
    commented: int = 0


def refuse(
    name: str, key: str, given: str, why: str, do: str, allowed: str = "", line: int | None = None
) -> RecordingError:
    """Return the error of a recording with one fault."""
    return refusal(name, [Fault(key, line, given, why, allowed, (), do)])


def refusal(name: str, faults: Sequence[Fault]) -> RecordingError:
    """Return one error for all faults of a recording; it fits on a screen."""
    failure = RecordingError(str(studyfile.error(name, faults)))
    failure.faults = tuple(faults)
    return failure


def read(path: str | Path) -> Recording:
    """Read a recording.

    Raises
    ------
    RecordingError
        The file cannot be read as such a table; every fault is named with its line.
    """
    name = str(path)
    try:
        place = Path(path).expanduser()
    except RuntimeError as failure:  # the home of nobody
        raise refuse(name, "the file", "a place that is nowhere", f"{failure}", "Check the path.") from None
    return _read(lambda: _delimited.opened(place, _LARGEST_BYTES), name)


def parse(content: str | bytes, name: str) -> Recording:
    """Read the text of a recording, in UTF-8 if it is bytes; `name` is how messages call it."""
    held = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return _read(lambda: io.BytesIO(held), name)


def _read(opened: Callable[[], BufferedIOBase], name: str) -> Recording:
    """Read what is opened; a quotation mark in a column that is not read does no harm."""
    header, comments, columns = _Header(name), [0], list[str]()

    def comment(line: int, text: str) -> None:
        header.take(line, text)
        comments[0] += bool(columns) and len(text.split(",")) == len(columns)

    try:
        with opened() as stream:
            rows = _delimited.rows(stream, _LARGEST_BYTES, comment, signs=(_delimited.HASH,), is_strict=False)
            if (first := next(rows, None)) is None:
                raise _no_table(name, "no line but comments" if header.lines else "no text")
            columns += _names(first, name)
            table, lines = _cells(rows, columns, name)
    except DelimitedError as failure:
        found, do = failure.trouble, f"{failure.trouble.do}."
        place = "the line" if found.line else "the file"
        why = f"{found.why[0].upper()}{found.why[1:]}."
        raise refusal(name, [Fault(place, found.line, found.given, why, _CSV, found.nearest, do)]) from None
    if not lines.size:
        raise refuse(name, "the file", "a row of names alone", "There is no sample.", "Add the samples.", allowed=_CSV)
    used = {column: table[columns.index(column)] for column in COLUMNS if column in columns}
    return Recording(
        name,
        _from_first(used["time_s"]),
        used["angle_deg"],
        used.get("torque_Nm"),
        used.get("emg_mV"),
        lines,
        header.said,
        tuple(column for column in columns if column not in COLUMNS),
        comments[0],
    )


class _Header:
    """What the comments of a recording say, as in "# weight = 71 kg"."""

    def __init__(self, name: str) -> None:
        self.name, self.lines = name, dict[str, int]()
        self.said: dict[str, str] = {}

    def take(self, line: int, text: str) -> None:
        said = text.lstrip("#")
        key, sign, value = min((said.partition(sign) for sign in _SIGNS), key=lambda parts: len(parts[0]))
        key, value = key.strip().casefold().replace(" ", "_"), value.strip().strip('"')
        self.lines.setdefault(key, line)
        if not sign:
            return
        if key in SAID and self.said.get(key, value) != value:
            given, do = f'"{self.said[key]}" and "{value}"', "Keep the line that is right."
            why = f"The body has one {key.replace('_', ' ')}; line {self.lines[key]} says another."
            raise refuse(self.name, key, given, why, do, line=line)
        self.said[key] = value


def _no_table(name: str, given: str) -> RecordingError:
    why = "The file is empty." if given == "no text" else "There is no table."
    return refuse(name, "the file", given, why, "Write the columns, and a line a sample.", allowed=_CSV)


def _from_first(time: Samples) -> Samples:
    """Return times since the first sample; a clock that counts from 1970 keeps the digits that it has."""
    if time[0] == 0.0:
        return time
    digits = -math.ceil(math.log10(np.spacing(np.abs(time).max())))
    return np.round(time - time[0], digits)


def _names(row: tuple[int, list[str]], name: str) -> list[str]:
    """Return the names of the columns; refuse other separators, units and spellings."""
    line, cells = row
    text = ",".join(cells)
    if any(mark in text and "," not in text for mark in (";", "\t")) or text.count(";") > text.count(","):
        given = "semicolons" if ";" in text else "tabs"
        do = "Save it with commas between the columns and points in the numbers (0.01, not 0,01)."
        raise refuse(name, "the columns", given, "Columns are parted by commas.", do, allowed=_CSV, line=line)
    names = [cell.strip() for cell in cells]
    if all(_number(cell) is not None for cell in names):
        do = "Put time_s,angle_deg (and so on) above the numbers."
        raise refuse(
            name, "the columns", f'"{text.strip()[:40]}"', "The first line holds no names.", do, allowed=_CSV, line=line
        )
    doubled = {column for column in names if names.count(column) > 1 and column in COLUMNS}
    if doubled:
        raise refuse(
            name, "the columns", f"{sorted(doubled)[0]} twice", "Which one counts?", "Remove one of them.", line=line
        )
    faults = [fault for column in names if (fault := _misnamed(column, names, line))]
    missing = [column for column in REQUIRED if column not in names]
    if missing and not faults:
        close = tuple(dict.fromkeys(hit for column in missing for hit in nearest(column, names)))
        do = f"Rename the column to {missing[0]}, with the unit that the name says."
        given = ", ".join(names[:6])
        faults = [
            Fault("the columns", line, given, f"There is no column {' and no column '.join(missing)}.", _CSV, close, do)
        ]
    if faults:
        raise refusal(name, faults)
    return names


def _misnamed(column: str, names: Sequence[str], line: int) -> Fault | None:
    """Return the fault of a column whose name means one that is read, in another unit or spelling."""
    kind = column.replace(" ", "_").partition("_")[0].partition("(")[0].strip().casefold()
    right = next((known for known in COLUMNS if known.partition("_")[0] == kind), None)
    if right is None or column in COLUMNS or right in names:
        return None
    unit = COLUMNS[right].partition(", ")[2]
    why = f"The unit is part of the name: {right} is in {unit}."
    return Fault(
        "the columns",
        line,
        f'"{column}"',
        why,
        ", ".join(COLUMNS),
        (right,),
        f"Convert the numbers to {unit} and call the column {right}.",
    )


def _cells(
    rows: Iterator[tuple[int, list[str]]], names: Sequence[str], name: str
) -> tuple[Float[np.ndarray, "column sample"], Int[np.ndarray, " sample"]]:
    """Return the numbers of the columns that are read; what is no number there is a fault of its line."""
    faults: list[Fault] = []
    read = [place for place, column in enumerate(names) if column in COLUMNS]
    kept: list[array[float]] = [array("d") for _ in names]
    lines = array("q")
    for line, cells in rows:
        if len(cells) != len(names):
            faults.append(_wrong_count(line, cells, names))
        else:
            lines.append(line)
            for place in read:
                value = _number(cells[place])
                if value is None:
                    faults.append(_no_number(line, names[place], cells[place]))
                kept[place].append(math.nan if value is None else value)
        if len(faults) >= _MOST_FAULTS:
            break
    if faults:
        raise refusal(name, faults)
    blank = np.full(len(lines), np.nan)
    return np.stack([np.array(column) if column else blank for column in kept]), np.array(lines, np.int64)


def _wrong_count(line: int, cells: Sequence[str], names: Sequence[str]) -> Fault:
    doubled = len(cells) >= 2 * len(names) - 1 and len(names) > 1
    why = f"There are {len(names)} columns." + (" It looks like decimal commas." if doubled else "")
    do = "Write numbers with a point (0.01, not 0,01)." if doubled else "Give every line the same columns."
    return Fault("the line", line, f"{len(cells)} cells", why, "", (), do)


def _no_number(line: int, column: str, cell: str) -> Fault:
    given = f'"{cell.strip()[:24]}"' if cell.strip() else "an empty cell"
    if "," in cell:
        return Fault(column, line, given, "It is no number.", "", (), "Write numbers with a point (0.01, not 0,01).")
    return Fault(
        column,
        line,
        given,
        "It is no number.",
        "",
        (),
        "Mend it, or cut the recording before or after it; nothing is filled in.",
    )


def _number(cell: str) -> float | None:
    """Return the number in a cell, or None."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and cell.isascii() and "_" not in cell else None
