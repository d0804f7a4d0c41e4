"""Bad recordings: each is refused in plain words, with what was given, what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia.errors import RecordingError
from eutonia.inference.recording import decode, parse, read
from eutonia.inference.stretch_fit import fit

EXAMPLES = Path(__file__).parents[2] / "examples"
SWING = (EXAMPLES / "pendulum_simulated.csv").read_text(encoding="utf-8")
RAMP = (EXAMPLES / "ramp_90_simulated.csv").read_text(encoding="utf-8")
SCREEN_LINES, SCREEN_COLUMNS = 24, 100
Edit = Callable[[str], str]


def table(text: str) -> tuple[list[str], list[str], np.ndarray]:
    lines = text.splitlines()
    comments = [line for line in lines if line.startswith("#")]
    names = lines[len(comments)].split(",")
    rows = np.array([[float(cell) for cell in line.split(",")] for line in lines[len(comments) + 1 :]])
    return comments, names, rows


def written(comments: list[str], names: list[str], rows: np.ndarray) -> str:
    body = [",".join(f"{value:.6g}" for value in row) for row in rows]
    return "\n".join([*comments, ",".join(names), *body]) + "\n"


def on(column: int, change: Callable[[np.ndarray], np.ndarray]) -> Edit:
    def edit(text: str) -> str:
        comments, names, rows = table(text)
        rows[:, column] = change(rows[:, column])
        return written(comments, names, rows)

    return edit


def keep(choose: Callable[[np.ndarray], np.ndarray]) -> Edit:
    def edit(text: str) -> str:
        comments, names, rows = table(text)
        return written(comments, names, rows[choose(rows)])

    return edit


def swap(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


def cell(new: str) -> Edit:
    """Replace the second cell of the 41st sample."""

    def edit(text: str) -> str:
        lines = text.splitlines()
        parts = lines[45].split(",")
        parts[1] = new
        lines[45] = ",".join(parts)
        return "\n".join(lines)

    return edit


def commas(text: str) -> str:
    comments = [line for line in text.splitlines() if line.startswith("#")]
    rest = text.splitlines()[len(comments) :]
    return "\n".join([*comments, rest[0], *(line.replace(".", ",") for line in rest[1:])])


def even(time: np.ndarray) -> np.ndarray:
    """Return the angle of a limb moved at constant speed, where a leg was to fall."""
    return np.clip(40.0 * (time - 0.5), 0.0, 90.0)


def moved_evenly(text: str) -> str:
    comments, names, rows = table(text)
    rows[:, 1] = even(rows[:, 0])
    return written(comments, names, rows)


def swinging(text: str) -> str:
    comments, names, rows = table(text)
    rows[:, 1] = 60.0 - 50.0 * np.exp(-0.5 * rows[:, 0]) * np.cos(5.5 * rows[:, 0])
    return written(comments, names, rows)


BAD: dict[str, tuple[str, Edit, tuple[str, ...]]] = {
    "time runs backwards": ("pendulum", keep(lambda r: np.r_[0:300, 100:400]), ("backwards", "Sort")),
    "times twice": ("pendulum", keep(lambda r: np.repeat(np.arange(300), 2)), ("twice", "one sample a time")),
    "a gap": ("pendulum", keep(lambda r: (r[:, 0] < 1.0) | (r[:, 0] > 1.4)), ("gap", "0.42 s")),
    "milliseconds": ("pendulum", on(0, lambda t: 1000.0 * t), ("milliseconds", "divide by 1000")),
    "radians": ("pendulum", on(1, np.deg2rad), ("radians", "57.296")),
    "too coarse": ("pendulum", keep(lambda r: np.arange(0, 600, 5)), ("20 samples a second", "100 Hz")),
    "too short": ("pendulum", keep(lambda r: r[:, 0] < 1.2), ("not over", "at least 1.5 s")),
    "a few samples": ("pendulum", keep(lambda r: np.arange(30)), ("30 samples", "at least 40")),
    "no movement": ("pendulum", on(1, lambda a: 5.0 + 0.001 * a), ("does not move",)),
    "flat": ("pendulum", on(1, lambda a: 0.0 * a + 3.0), ("does not move",)),
    "clipped": ("pendulum", on(1, lambda a: np.minimum(a, 62.0)), ("sensor is at its end", "Widen")),
    "180 is straight": ("pendulum", on(1, lambda a: 180.0 - a), ("180 minus the angle",)),
    "0 is hanging": ("pendulum", on(1, lambda a: a - 90.0), ("add 90",)),
    "sign": ("pendulum", on(1, lambda a: -a), ("Change the sign",)),
    "a jump": ("pendulum", on(1, lambda a: np.where(np.arange(a.size) == 200, a + 60.0, a)), ("that fast",)),
    "a ramp for a pendulum": ("pendulum", moved_evenly, ("constant speed", "--test ramp")),
    "text": ("pendulum", cell("lost"), ("line 46", '"lost"', "no number")),
    "not a number": ("pendulum", cell("nan"), ("line 46", '"nan"', "nothing is filled in")),
    "infinite": ("pendulum", cell("-inf"), ("line 46", "no number")),
    "an empty cell": ("pendulum", cell(""), ("line 46", "an empty cell")),
    "a decimal comma in quotes": ("pendulum", cell('"2,10"'), ("with a point",)),
    "decimal commas": ("pendulum", commas, ("decimal commas", "with a point")),
    "semicolons": ("pendulum", lambda t: t.replace(",", ";"), ("semicolons", "commas")),
    "tabs": ("pendulum", lambda t: t.replace(",", "\t"), ("tabs", "commas")),
    "a missing column": ("pendulum", swap("angle_deg", "knee"), ("no column angle_deg", "Rename")),
    "another unit in the name": ("pendulum", swap("time_s", "time_ms"), ("time_ms", "time_s is in s")),
    "radians in the name": ("pendulum", swap("angle_deg", "angle_rad"), ("angle_rad", "Convert")),
    "no names": ("pendulum", swap("time_s,angle_deg\n", ""), ("holds no names", "time_s,angle_deg")),
    "a column twice": ("pendulum", swap("time_s,angle_deg", "time_s,time_s"), ("twice",)),
    "names alone": ("pendulum", lambda t: "time_s,angle_deg\n", ("no sample",)),
    "comments alone": ("pendulum", lambda t: "# weight = 70 kg\n", ("no table",)),
    "no weight": ("pendulum", swap("# weight = 70 kg\n", ""), ("# weight = 71 kg", "--weight")),
    "weight misspelt": ("pendulum", swap("# weight", "# wieght"), ('there is "wieght"',)),
    "negative weight": ("pendulum", swap("70 kg", "-70 kg"), ("negative", '"71 kg"')),
    "weight without a unit": ("pendulum", swap("70 kg", "70"), ("no unit", '"71 kg"')),
    "weight in m": ("pendulum", swap("70 kg", "70 m"), ("does not convert",)),
    "impossible weight": ("pendulum", swap("70 kg", "7000 kg"), ("Nobody", "3 to 300 kg")),
    "weight in g": ("pendulum", swap("70 kg", "70000 g"), ("no unit of it", "Nearest: kg")),
    "no height": ("pendulum", swap("# height = 1.7 m\n", ""), ("height", "shank_length")),
    "height in the wrong unit": ("pendulum", swap("1.7 m", "1.7 cm"), ("Nobody", "45 to 250 cm")),
    "no torque": ("ramp", swap("torque_Nm", "force"), ("no torque_Nm", "--test pendulum")),
    "N cm": ("ramp", on(2, lambda t: 100.0 * t), ("N cm", "divide by 100")),
    "torque with the wrong sign": ("ramp", on(2, lambda t: -t), ("Change the sign",)),
    "torque clipped": ("ramp", on(2, lambda t: np.minimum(t, 6.0)), ("sensor is at its end",)),
    "torque dead": ("ramp", on(2, lambda t: 0.0 * t), ("does not change",)),
    "a pendulum for a ramp": ("ramp", swinging, ("swings to and fro", "--test pendulum")),
    "a coarse angle": ("ramp", on(1, np.round), ("steps of 1 deg", "more digits")),
    "shortening": ("ramp", on(1, lambda a: 120.0 - a), ("grows as the muscle is stretched",)),
    "angles of no knee": ("ramp", on(1, lambda a: a + 100.0), ("0 (muscle shortest) to 130 deg",)),
}


def refused(text: str, test: str) -> RecordingError:
    with pytest.raises(RecordingError) as caught:
        fit([parse(text, "trial.csv")], test)
    return caught.value


@pytest.mark.parametrize(("test", "edit", "says"), BAD.values(), ids=BAD.keys())
def test_a_bad_recording_is_refused_in_plain_words(test: str, edit: Edit, says: tuple[str, ...]) -> None:
    message = str(refused(edit(SWING if test == "pendulum" else RAMP), test))
    flat = " ".join(message.split())
    for words in says:
        assert words in flat
    assert "Do: " in flat
    assert message.startswith("trial.csv")
    assert len(message.splitlines()) <= SCREEN_LINES
    assert max(map(len, message.splitlines())) <= SCREEN_COLUMNS


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\x89PNG\r\n\x1a\n\x00", "binary"),
        (b"time_s\xff,angle_deg", "binary"),
        (SWING.encode("utf-16"), "UTF-16"),
    ],
)
def test_a_file_that_is_no_text(content: bytes, says: str) -> None:
    with pytest.raises(RecordingError, match=says):
        decode(content, "trial.csv")


def test_a_folder_and_a_wrong_name(tmp_path: Path) -> None:
    (tmp_path / "trial.csv").write_text(SWING)
    with pytest.raises(RecordingError, match="folder"):
        read(tmp_path)
    with pytest.raises(RecordingError, match=r"Nearest: trial\.csv"):
        read(tmp_path / "trail.csv")


def test_a_byte_order_mark_windows_lines_and_other_columns_are_no_fault() -> None:
    text = decode(b"\xef\xbb\xbf" + SWING.replace("\n", "\r\n").encode(), "trial.csv")
    comments, names, rows = table(text)
    more = written(comments, ["marker", *names], np.c_[rows[:, 0], rows])
    read_again = parse(more, "trial.csv")
    assert read_again.ignored == ("marker",)
    np.testing.assert_allclose(read_again.angle_deg, rows[:, 1])
    assert read_again.header["weight"] == "70 kg"


def test_what_belongs_to_the_person_or_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    swing, ramp = parse(SWING, "a.csv"), parse(RAMP, "b.csv")
    heavier = parse(RAMP.replace("70 kg", "80 kg").replace(",1", ",2"), "c.csv")
    for recordings, test, joint, says in (
        ([ramp, heavier], "ramp", "knee", "files differ"),
        ([ramp, ramp], "ramp", "knee", "twice"),
        ([swing, parse(SWING.replace(",2.1", ",2.2"), "d.csv")], "pendulum", "knee", "one by one"),
        ([swing], "pendulum", "elbow", "of the knee"),
        ([swing], "pendulam", "knee", "Nearest: pendulum"),
        ([swing], "ramp", "nee", "Nearest: knee"),
        ([], "ramp", "knee", "no recording"),
    ):
        with pytest.raises(RecordingError, match=says):
            fit(recordings, test, joint)
    with pytest.raises(RecordingError, match="the ankle"):
        fit([ramp], "ramp", "ankle", shank_length="42 cm")


def test_the_command_ends_with_code_2_and_writes_nothing(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.csv").write_text(SWING.replace("angle_deg", "angle_rad"))
    assert run("fit-stretch", "bad.csv", "--test", "pendulum") == 2
    shown = capsys.readouterr()
    assert "Error: bad.csv cannot be used" in shown.err
    assert "Traceback" not in shown.err
    assert [path.name for path in folder.iterdir()] == ["bad.csv"]


@settings(max_examples=120, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_recording_or_a_recording_error(text: str) -> None:
    try:
        assert parse(text, "any.csv").time_s.size
        return
    except RecordingError as error:
        caught = error
    assert "Do: " in str(caught)
