"""Bad recordings: each is refused in plain words, with what was given, what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia.errors import RecordingError
from eutonia.inference.body import body_of
from eutonia.inference.left_out import told
from eutonia.inference.prepare import prepare_swing
from eutonia.inference.recording import parse, read
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
    "digits of another script": ("pendulum", swap("0.000,", "\u0660.000,"), ("line 6", "no number")),
    "weight in another script": ("pendulum", swap("70 kg", "\u0667\u0660 kg"), ("not a number with a unit",)),
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
        (b"time_s\xff,angle_deg", "in UTF-8"),
        (SWING.encode("utf-16"), "UTF-16"),
    ],
)
def test_a_file_that_is_no_text(content: bytes, says: str) -> None:
    with pytest.raises(RecordingError, match=says):
        parse(content, "trial.csv")


def test_a_folder_and_a_wrong_name(tmp_path: Path) -> None:
    (tmp_path / "trial.csv").write_text(SWING)
    with pytest.raises(RecordingError, match="folder"):
        read(tmp_path)
    with pytest.raises(RecordingError, match=r"Nearest: trial\.csv"):
        read(tmp_path / "trail.csv")


def test_a_byte_order_mark_windows_lines_and_other_columns_are_no_fault() -> None:
    comments, names, rows = table(SWING)
    more = written(comments, ["marker", *names], np.c_[rows[:, 0], rows])
    read_again = parse(b"\xef\xbb\xbf" + more.replace("\n", "\r\n").encode(), "trial.csv")
    assert read_again.ignored == ("marker",)
    np.testing.assert_allclose(read_again.angle_deg, rows[:, 1])
    assert read_again.header["weight"] == "70 kg"
    assert parse(SWING.replace("70 kg", '"70 kg"'), "quoted.csv").header["weight"] == "70 kg", "as a fault advises"


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


def test_a_body_is_said_once_by_file_or_option() -> None:
    swing = parse(SWING, "a.csv")
    both = parse(SWING.replace("# height", "# shank_length = 30 cm\n# height"), "b.csv")
    for recording, options in (
        (swing, {"height": "190 cm"}),
        (swing, {"weight": "100 kg"}),
        (swing, {"shank_length": "42 cm"}),
        (both, {}),
    ):
        with pytest.raises(RecordingError, match=r"said\s+once|Leave\s+one\s+of\s+them\s+out"):
            body_of([recording], "knee", options)
    told, silent = (body_of([swing], "knee", options) for options in ({"height": "170 cm", "weight": "70 kg"}, {}))
    assert (told.weight_kg, told.stature_m) == (silent.weight_kg, silent.stature_m)


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


def noted(text: str, notes: dict[int, str]) -> str:
    """Add a column of notes that is not read: lines of the file, and what stands there."""
    lines = text.splitlines()
    head = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    lines[head] += ",note"
    return "\n".join([*lines[: head + 1], *(f"{line},{notes.get(i, '')}" for i, line in enumerate(lines) if i > head)])


@pytest.mark.parametrize(
    "notes",
    [
        {60: '"moved'},
        {60: '"moved', 90: '"again'},
        {60: '"'},
        {60: '"', 61: '"'},
        {60: 'knee 5" up'},
        {60: '"moved,\nthen held"'},
        {60: '"a ""b"" c"'},
        {60: "\u2028"},
    ],
    ids=range(8),
)
@pytest.mark.parametrize("text", [SWING, RAMP], ids=["pendulum", "ramp"])
def test_a_note_in_a_column_that_is_not_read_does_no_harm(text: str, notes: dict[int, str]) -> None:
    """A stray quotation mark was a traceback; it must not swallow samples either."""
    plain, read_again = parse(text, "trial.csv"), parse(noted(text, notes), "trial.csv")
    np.testing.assert_array_equal(read_again.angle_deg, plain.angle_deg)
    np.testing.assert_array_equal(read_again.time_s, plain.time_s)
    assert read_again.ignored == ("note",)
    assert told([read_again], "ramp") == ("Columns not used: note.",)


def test_a_stray_quotation_mark_in_a_column_that_is_read_is_a_fault_of_its_line() -> None:
    lines = SWING.splitlines()
    lines[45] = lines[45].replace(",", ',"')
    with pytest.raises(RecordingError, match="line 46"):
        parse("\n".join(lines), "trial.csv")


@pytest.mark.parametrize("start", [1_700_000_000, 1_700_000_000.25, 63_000_000_000, 12.5, -3])
def test_a_clock_that_began_earlier_gives_the_same_recording(start: float) -> None:
    """A recording in Unix time was refused as "moved at constant speed", with a warning on the screen."""
    lines = [line.partition(",") for line in SWING.splitlines()]
    shifted = [
        f"{Decimal(time) + Decimal(start) if time[0].isdigit() else time}{comma}{rest}" for time, comma, rest in lines
    ]
    plain, later = parse(SWING, "a.csv"), parse("\n".join(shifted), "b.csv")
    np.testing.assert_allclose(later.time_s, plain.time_s, rtol=0, atol=2e-5 if start > 1e10 else 1e-9)
    one, other = (prepare_swing(r, body_of([r], "knee", {})) for r in (plain, later))
    np.testing.assert_allclose(one.time, other.time, atol=2e-5)
    np.testing.assert_array_equal(one.angle, other.angle)


@pytest.mark.parametrize(
    "more",
    [
        "# height = 1.9 m",
        "# Height = 190 cm",
        "#height=1.9 m",
        "# height: 1.9 m",
        "# weight = 71 kg",
        "## weight = 71 kg",
    ],
)
def test_a_body_is_said_once(more: str) -> None:
    """Of two heights the last won in silence, and a gain of 33 became 46."""
    with pytest.raises(RecordingError, match=r"(?s)line 5, .*Given: \"(1\.7 m|70 kg)\" and"):
        parse(SWING.replace("time_s", f"{more}\ntime_s", 1), "trial.csv")
    same = SWING.replace("time_s", "# height = 1.7 m\n# truth: again\ntime_s", 1)
    assert parse(same, "trial.csv").header["height"] == "1.7 m"


def again(text: str, times: int, held_s: float = 0.6) -> str:
    """Lift the leg again and let it go, so many times."""
    comments, names, rows = table(text)
    step = rows[1, 0] - rows[0, 0]
    lift = np.linspace(rows[-1, 1], rows[0, 1], round(0.8 / step))
    rest = [np.mean(rows[:5, 1:], axis=0)] * round(held_s / step)
    part = np.concatenate([np.c_[lift, np.tile(rows[-1, 2:], (lift.size, 1))], rest, rows[:, 1:]])
    whole = np.concatenate([rows[:, 1:], *[part] * times])
    return written(comments, names, np.c_[step * np.arange(len(whole)), whole])


@pytest.mark.parametrize("times", [0, 1, 3])
def test_later_swings_are_counted(times: int) -> None:
    one = parse(again(SWING, times), "trial.csv")
    said = " ".join(told([one], "pendulum"))
    assert said == ("" if not times else f"Only the first swing is fitted; {times} later swing"
                    f"{'s' if times > 1 else ''} in the file {'are' if times > 1 else 'is'} not used.")  # fmt: skip


def test_a_later_stretch_and_samples_behind_a_mark_are_counted() -> None:
    lines = again(RAMP, 1).splitlines()
    lines[-3:] = [f"#{line}" for line in lines[-3:]]
    said = told([parse("\n".join(lines), "trial.csv")], "ramp")
    assert said[0] == "Only the first stretch is fitted; 1 later stretch in the file is not used."
    assert said[1] == "Left out: 3 samples that are comments, behind #."


def test_the_words_of_a_fit_say_what_was_left_out_and_the_fit_is_that_of_the_first_swing(
    rough_fits: None,
) -> None:
    first, both = (fit([parse(text, "trial.csv")], "pendulum") for text in (SWING, again(SWING, 1)))
    assert "1 later swing in the file is not used" in both.words[0]
    assert first.estimates == both.estimates


@pytest.mark.parametrize("line", ["# height: 1.7 m", "# Height : 1.7 m", "#height:1.7 m", "# height = 1.7 m"])
def test_what_is_said_of_the_body_may_stand_behind_a_colon(line: str) -> None:
    """A colon made a plain comment of it, and the height was asked for again."""
    found = parse(SWING.replace("# height = 1.7 m", line, 1), "trial.csv").header
    assert found["height"] == "1.7 m"
    assert (
        parse(SWING.replace("# height", "# shot at 10:15, see a = b\n# height", 1), "t.csv").header["height"] == "1.7 m"
    )
