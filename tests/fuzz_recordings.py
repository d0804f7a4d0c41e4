"""Spoil recordings of a limb for as long as you like, and count the samples in the text.

    python tests/fuzz_recordings.py [--minutes 20] [--seed 1]

A recording must be refused in plain words, or be read sample by sample as the text says, with one weight and one
height; cut out and checked for a fit it must be refused or give finite numbers. Anything else (a traceback, a warning,
a hang, a sample that vanished or that nobody wrote) stops the run and prints the recording.
"""

from __future__ import annotations

import argparse
import math
import random
import signal
import sys
import time
import warnings
from pathlib import Path

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

from eutonia.errors import EutoniaError  # noqa: E402
from eutonia.inference.body import body_of  # noqa: E402
from eutonia.inference.left_out import told  # noqa: E402
from eutonia.inference.prepare import prepare_stretch, prepare_swing  # noqa: E402
from eutonia.inference.recording import Recording, parse  # noqa: E402
from eutonia.simulation.bedside import stepped_constants  # noqa: E402

EXAMPLES = Path(__file__).parents[1] / "examples"
PLAIN = {
    "pendulum": (EXAMPLES / "pendulum_simulated.csv").read_text(encoding="utf-8"),
    "ramp": (EXAMPLES / "ramp_90_simulated.csv").read_text(encoding="utf-8"),
}
NOTES = (
    '"',
    '""',
    '"moved',
    'he said "ouch"',
    '"a, b"',
    '"first\nsecond"',
    'knee 5" up',
    "#",
    "x",
    "",
    '"a"b',
    "\u2028",
)
CELLS = (
    *(
        "",
        " ",
        ".",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "1e-400",
        "0x10",
        "1_0",
        "1,5",
        '"2,10"',
        '"',
        '"2.1"',
        "\u0661",
        "1e3",
    ),
    *("lost", "0", "-0", "99999", "1700000000", "2.1 ", "\t2.1", "2.1\u00a0", "--", "=1+1", "#2.1"),
)
SAID = (
    *(
        "# height = 1.9 m",
        "# Height = 1.7 m",
        "# weight = 70 kg",
        "# weight = 700 kg",
        "#weight=71 kg",
        "# height: 1.9 m",
    ),
    *("# shank_length = 42 cm", "# weight = ", "# = 3", "#", "## a, b", "# height = 1.7 m # really", "# weight = 70"),
)


def spoilt(luck: random.Random, test: str) -> bytes:
    """Return a recording that is wrong in some places, or as another program would write it."""
    lines = PLAIN[test].splitlines()
    head = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    comments, names, rows = lines[:head], lines[head], [line.split(",") for line in lines[head + 1 :]]
    if luck.random() < 0.3:
        begun = luck.choice((1_700_000_000.0, 3.5, -2.0, 86_400.0, 1.7e12))
        rows = [[f"{float(row[0]) + begun:.6f}", *row[1:]] for row in rows]
    if luck.random() < 0.15:
        factor = luck.choice((1000.0, math.pi / 180.0, -1.0, 100.0, 0.0))
        column = luck.randrange(len(rows[0]))
        rows = [[*row[:column], f"{factor * float(row[column]):.6g}", *row[column + 1 :]] for row in rows]
    if luck.random() < 0.4:
        names += ",note"
        rows = [[*row, luck.choice(NOTES) if luck.random() < 0.01 else ""] for row in rows]
    for _ in range(luck.choice((0, 0, 0, 1, 1, 2, 5))):
        row = luck.choice(rows)
        row[luck.randrange(len(row))] = luck.choice(CELLS)
    if luck.random() < 0.1:
        at = luck.randrange(len(rows))
        rows[at : at + luck.randrange(1, 30)] = luck.choice(([], [list(rows[at])], [list(rows[at])] * 3))
    if luck.random() < 0.3:
        comments.insert(luck.randrange(len(comments) + 1), luck.choice(SAID))
    text = [*comments, names, *(",".join(row) for row in rows)]
    for _ in range(luck.choice((0, 0, 0, 1, 3))):
        text[luck.randrange(head + 1, len(text))] = luck.choice(("", " ", "#1,2", ",", '"', luck.choice(text)))
    content = bytearray((luck.choice(("", "\ufeff")) + luck.choice(("\n", "\n", "\r\n", "\r")).join(text)).encode())
    if luck.random() < 0.1:
        at = luck.randrange(len(content))
        content[at : at + luck.randrange(2)] = luck.choice((b'"', b"\n", b"\xff", b"\0", b",", b"#", b"9"))
    return bytes(content)


def recounted(content: bytes) -> tuple[list[float], list[float], int]:
    """Read times, angles and commented samples from the text, line by line."""
    text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    lines = [line for line in text.split("\n") if line.strip()]
    head = next(i for i, line in enumerate(lines) if not line.lstrip().startswith("#"))
    names = [name.strip() for name in lines[head].split(",")]
    times, angles, behind = [], [], 0
    for line in lines[head + 1 :]:
        cells = line.split(",")
        if line.lstrip().startswith("#"):
            behind += len(cells) == len(names)
            continue
        try:
            now, angle = (float(cells[names.index(name)].strip().strip('"')) for name in ("time_s", "angle_deg"))
        except (ValueError, IndexError):
            continue  # the second line of a note
        times.append(now)
        angles.append(angle)
    return times, angles, behind


def judge(content: bytes, test: str) -> str:
    """Read and cut out a recording; return what became of it."""
    try:
        recording = parse(content, "t.csv")
    except EutoniaError as error:
        return _refused(error)
    times, angles, behind = recounted(content)
    assert recording.angle_deg.tolist() == angles, (len(recording.angle_deg), len(angles))
    assert recording.commented == behind
    # Times keep the digits of the largest of them; where that is a slip, the checks refuse it afterwards.
    digits = 10 * np.spacing(np.abs(times).max())
    np.testing.assert_allclose(recording.time_s, np.array(times) - times[0], rtol=0, atol=digits + 1e-12)
    try:
        told([recording], test)
        _cut_out(recording, test, content)
    except EutoniaError as error:
        return _refused(error)
    return "cut out"


def _cut_out(recording: Recording, test: str, content: bytes) -> None:
    body = body_of([recording], "knee", {})
    for key, value in (("height", body.stature_m), ("weight", body.weight_kg)):
        marks = (line.lstrip("# ").casefold() for line in content.decode("utf-8-sig").splitlines() if "=" in line)
        said = {mark.partition("=")[2].strip() for mark in marks if mark.partition("=")[0].strip() == key}
        assert len(said) <= 1, (key, said, value)
    one = (
        prepare_swing(recording, body) if test == "pendulum" else prepare_stretch(recording, body, stepped_constants())
    )
    assert all(np.isfinite(series).all() for series in (one.time, one.angle, one.channel))


def _refused(error: EutoniaError) -> str:
    lines = str(error).splitlines()
    assert "Do: " in " ".join(str(error).split()), error
    assert len(lines) <= 24, error
    assert max(map(len, lines)) <= 100, error
    return "refused"


def _too_long(*_: object) -> None:
    raise TimeoutError("a recording took more than 60 s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    luck, ends = random.Random(given.seed), time.monotonic() + 60.0 * given.minutes
    counts = {"refused": 0, "cut out": 0}
    warnings.simplefilter("error")
    signal.signal(signal.SIGALRM, _too_long)
    while time.monotonic() < ends:
        test = luck.choice(sorted(PLAIN))
        content = spoilt(luck, test)
        signal.alarm(60)
        try:
            counts[judge(content, test)] += 1
        except BaseException:
            kept = Path(f"fuzz_recording_{given.seed}.csv")
            kept.write_bytes(content)
            sys.stderr.write(f"seed {given.seed}, {test}, after {counts}: see {kept}\n")
            raise
        finally:
            signal.alarm(0)
    sys.stdout.write(f"{counts}\n")


if __name__ == "__main__":
    main()
