"""A recording of a limb as a text file: columns by name with their units, and the body in comment lines above them.

    # weight = 71 kg
    # height = 1.75 m
    time_s,angle_deg,torque_Nm
    0.000,0.0,0.2

Angles grow as the muscle is stretched; at the knee 0 is the straight leg, held level, and 90 a hanging shank.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from eutonia.errors import RecordingError, nearest
from eutonia.study import studyfile
from eutonia.study.studyfile import Fault

Samples = Float[np.ndarray, " sample"]

#: Columns that are read, and what each holds.
COLUMNS = {"time_s": "time, s", "angle_deg": "angle, deg", "torque_Nm": "torque, N m", "emg_mV": "EMG, mV"}
REQUIRED = ("time_s", "angle_deg")
# Guard rails of the program: a recording of a minute at 2 kHz is 5 MB.
_LARGEST_BYTES, _MOST_FAULTS = 20_000_000, 50
_CSV = "a text file of columns time_s,angle_deg[,torque_Nm][,emg_mV]"


@dataclass(frozen=True)
class Recording:
    """One recording: its columns, the line on which each sample stands, the comments above, and columns not used."""

    name: str
    time_s: Samples
    angle_deg: Samples
    torque_nm: Samples | None
    emg_mv: Samples | None
    lines: Int[np.ndarray, " sample"]
    header: Mapping[str, str]
    ignored: tuple[str, ...] = ()


def refuse(
    name: str, key: str, given: str, why: str, do: str, allowed: str = "", line: int | None = None
) -> RecordingError:
    """Return the error of a recording with one fault."""
    return refusal(name, [Fault(key, line, given, why, allowed, (), do)])


def refusal(name: str, faults: Sequence[Fault]) -> RecordingError:
    """Return one error for all faults of a recording; it fits on a screen."""
    return RecordingError(str(studyfile.error(name, faults)))


def read(path: str | Path) -> Recording:
    """Read a recording.

    Raises
    ------
    RecordingError
        The file cannot be read as such a table; every fault is named with its line.
    """
    place = Path(path).expanduser()
    return parse(_text(place), str(path))


def parse(text: str, name: str) -> Recording:
    """Read the text of a recording; `name` is how messages call it."""
    header: dict[str, str] = {}
    rows: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("#"):
            key, equals, value = line.lstrip()[1:].partition("=")
            if equals:
                header[key.strip().casefold().replace(" ", "_")] = value.strip()
        elif line.strip():
            rows.append((number, line))
    if not rows:
        raise refuse(name, "the file", "no line but comments", "There is no table.", "Write the columns.", allowed=_CSV)
    names = _names(rows[0], name)
    if not rows[1:]:
        raise refuse(name, "the file", "a row of names alone", "There is no sample.", "Add the samples.", allowed=_CSV)
    table, lines = _cells(rows[1:], names, name)
    used = {column: table[:, names.index(column)] for column in COLUMNS if column in names}
    ignored = tuple(column for column in names if column not in COLUMNS)
    return Recording(
        name, used["time_s"], used["angle_deg"], used.get("torque_Nm"), used.get("emg_mV"), lines, header, ignored
    )


def _text(path: Path) -> str:
    name = str(path)
    try:
        if path.is_dir():
            raise refuse(name, "the file", "a folder", "It is a folder.", "Name one file.", allowed=_CSV)
        if not path.exists():
            beside = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
            fault = Fault(
                "the file",
                None,
                "a name",
                "There is no such file.",
                _CSV,
                tuple(nearest(path.name, beside)),
                "Check the name.",
            )
            raise refusal(name, [fault])
        if not path.is_file():
            raise refuse(name, "the file", "a device or pipe", "It is no ordinary file.", "Name a file.", allowed=_CSV)
        if path.stat().st_size > _LARGEST_BYTES:
            size = f"{path.stat().st_size / 1e6:.0f} MB"
            do = f"Cut out the test, or keep every tenth sample; at most {_LARGEST_BYTES / 1e6:.0f} MB."
            raise refuse(name, "the file", size, "A test lasts seconds.", do)
        content = path.read_bytes()
    except (OSError, ValueError) as failure:
        reason = getattr(failure, "strerror", None) or str(failure)
        raise refuse(
            name, "the file", "a file that cannot be read", f"The system says: {reason}.", "Check name and permissions."
        ) from None
    return decode(content, name)


def decode(content: bytes, name: str) -> str:
    """Return the text of a recording, which is UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refuse(name, "the file", "UTF-16 text", "Only UTF-8 is read.", 'Save it again as "CSV UTF-8".')
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\x00"
    if "\x00" in text:
        do = "Export the recording as CSV text; a spreadsheet or a device file is not read."
        raise refuse(
            name,
            "the file",
            "bytes that are no text",
            "It is a binary file, or text in another encoding.",
            do,
            allowed=_CSV,
        )
    if not text.strip():
        raise refuse(name, "the file", "no text", "The file is empty.", "Export the recording again.", allowed=_CSV)
    return text


def _names(row: tuple[int, str], name: str) -> list[str]:
    """Return the names of the columns; refuse other separators, units and spellings."""
    line, text = row
    if any(mark in text and "," not in text for mark in (";", "\t")) or text.count(";") > text.count(","):
        given = "semicolons" if ";" in text else "tabs"
        do = "Save it with commas between the columns and points in the numbers (0.01, not 0,01)."
        raise refuse(name, "the columns", given, "Columns are parted by commas.", do, allowed=_CSV, line=line)
    names = [cell.strip().strip('"') for cell in text.split(",")]
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
    rows: Sequence[tuple[int, str]], names: Sequence[str], name: str
) -> tuple[Float[np.ndarray, "sample column"], Int[np.ndarray, " sample"]]:
    """Return the numbers of the table; what is no number is a fault of its line."""
    faults: list[Fault] = []
    table = np.full((len(rows), len(names)), np.nan)
    for place, (line, cells) in enumerate(
        zip((row[0] for row in rows), csv.reader(row[1] for row in rows), strict=False)
    ):
        if len(cells) != len(names):
            faults.append(_wrong_count(line, cells, names))
        else:
            for column, cell in enumerate(cells):
                value = _number(cell)
                if value is None and names[column] in COLUMNS:
                    faults.append(_no_number(line, names[column], cell))
                table[place, column] = math.nan if value is None else value
        if len(faults) >= _MOST_FAULTS:
            break
    if faults:
        raise refusal(name, faults)
    return table, np.array([row[0] for row in rows])


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
    return value if math.isfinite(value) and "_" not in cell else None
