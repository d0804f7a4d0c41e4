"""`eutonia pump` as a user meets it: a page, a table and a record that agree, and errors that teach."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eutonia.errors import EutoniaError
from eutonia.study.pump_file import load_therapy, parse_therapy, shipped

HERE = Path(__file__).parent
BROKEN = tomllib.loads((HERE / "broken_programs.toml").read_text(encoding="utf-8"))["broken"]
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in shipped().items()}


@pytest.mark.parametrize("case", BROKEN, ids=[case["name"] for case in BROKEN])
def test_a_broken_program_ends_with_code_2_and_leaves_nothing(
    case: dict[str, object], folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    text = TEXTS[str(case["of"])]
    if "cut" in case:
        start, end = case["cut"]  # type: ignore[misc]
        text = text[: text.index(start)] + text[text.index(end) :]
    for old, new in case["edits"]:  # type: ignore[attr-defined]
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "broken.toml").write_text(text, encoding="utf-8")
    assert run("pump", "broken.toml", "--out", "out") == 2
    shown = capsys.readouterr().err
    assert shown.startswith("Error: broken.toml")
    assert "Traceback" not in shown
    assert len(shown.splitlines()) <= 25
    flat = re.sub(r"\s+", " ", shown)
    for words in (case["key"], "Do: ", *case["says"]):  # type: ignore[misc]
        assert str(words) in flat
    assert {p.name for p in folder.iterdir()} == {"broken.toml"}


@pytest.mark.parametrize(
    ("name", "content"), [("binary.toml", bytes(range(256))), ("empty.toml", b" \n"), ("cut.toml", b'[pump]\nx = "')]
)
def test_a_file_that_is_no_program(
    name: str, content: bytes, folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / name).write_bytes(content)
    assert run("pump", name) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_missing_program_names_the_nearest(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("pump", "mised_refill") == 2
    assert "missed_refill" in capsys.readouterr().err


@settings(max_examples=60)
@given(st.sampled_from(sorted(TEXTS)), st.data())
def test_no_slip_of_the_keyboard_is_a_traceback(name: str, data: st.DataObject) -> None:
    text = TEXTS[name]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        text = text[:at] + data.draw(st.text(max_size=3)) + text[at + data.draw(st.integers(0, 6)) :]
    with contextlib.suppress(EutoniaError):  # anything else is a traceback in somebody's face
        parse_therapy(text)


@pytest.fixture(scope="module")
def careless(tmp_path_factory: pytest.TempPathFactory, run: Callable[..., int]) -> tuple[Path, str]:
    """The folder of a program that breaks rules, and what the screen showed."""
    place = tmp_path_factory.mktemp("pump") / "out"
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        assert run("pump", "careless", "--out", str(place)) == 0
    return place, shown.getvalue()


def test_page_table_record_and_screen_agree(careless: tuple[Path, str]) -> None:
    folder, shown = careless
    assert {path.name for path in folder.iterdir()} == {
        "program.html", "program.csv", "curves.parquet", "curves.csv", "program.json",
    }  # fmt: skip
    record = json.loads((folder / "program.json").read_text(encoding="utf-8"))
    page = (folder / "program.html").read_text(encoding="utf-8")
    with (folder / "program.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 100 * 24
    # What the table delivers is what the ledger counts, and nothing is unaccounted for.
    for column, name in (("tip_ug", "delivered"), ("lost_ug", "leaked")):
        assert sum(float(row[column]) for row in rows) == pytest.approx(record["ledger_ug"][name], rel=1e-6)
    assert record["unaccounted_share"] < 1e-10
    for one in record["rules_broken"]:
        assert one["rule"] in shown
        assert one["rule"] in page.replace("&#39;", "'")
    assert "not a medical device" in shown
    assert record["day"]["number"] == 99
    low, typical, high = (
        float(rows[-1][f"cisternal_{case}_ng_per_ml"]) for case in ("least_spread", "typical", "most_spread")
    )
    assert low < typical < high
    assert f"{float(rows[-1]['lumbar_typical_ng_per_ml']):.3g}" in shown
    assert "3 mcg/h of 2000 mcg/mL is 0.036 mL/day" in shown
    for seen in (shown, page):
        assert "mcg" in seen
        assert not re.search(r"\bug\b|[\u00b5\u03bc]g", seen)


def test_the_page_loads_nothing(careless: tuple[Path, str]) -> None:
    page = (careless[0] / "program.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)=\"(?!#)", page)
    assert "<script" not in page
    assert page.count("<svg") >= 3


def test_an_older_forecast_is_replaced_and_a_stranger_is_not(
    careless: tuple[Path, str], tmp_path: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "older"
    shutil.copytree(careless[0], folder)
    assert run("pump", "careless", "--out", str(folder), "--quiet", "--day", "3") == 0
    assert json.loads((folder / "program.json").read_text())["day"]["number"] == 3
    (folder / "thesis.txt").write_text("precious")
    assert run("pump", "careless", "--out", str(folder), "--quiet") == 2
    assert "thesis.txt" in capsys.readouterr().err
    assert (folder / "thesis.txt").read_text() == "precious"


def test_a_day_that_the_therapy_does_not_have_is_refused(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Another day was shown in its place, without a word."""
    assert run("pump", "first_pump", "--day", "120", "--out", "out") == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert "--day 120: first_pump ends before. Allowed: 0 to 119. Nearest: 119." in shown
    assert list(folder.iterdir()) == []


def test_the_programs_that_ship_are_listed(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("programs") == 0
    shown = capsys.readouterr().out
    for name in shipped():
        assert f"{name} " in shown
        assert load_therapy(name).name == name
