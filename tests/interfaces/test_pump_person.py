"""The pump page with a person: tone and scores hour by hour, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import eutonia
from eutonia.report import words
from eutonia.report.pump import page as pump_page
from eutonia.study.design import CaseStudy, load_study
from eutonia.study.pump_file import file_of, load_therapy
from eutonia.trial.person_on_pump import with_program

pytestmark = pytest.mark.xdist_group("slow clock")

CASE = load_study("case_cord_flex").text
BLEED = load_study("case_haemorrhage_pump").text


@pytest.fixture
def person(folder: Path) -> str:
    """The file of a person who is looked at every eight weeks, before the pump."""
    Path("person.toml").write_text(CASE.replace('"5 day"', '"56 day"'), encoding="utf-8")
    return "person.toml"


def test_the_page_shows_tone_and_scores_of_each_hour(tmp_path: Path, person: str) -> None:
    """One run of the command: page, record and screen say what `program` returns, hour by hour on the day asked for."""
    begins = file_of("flex_night").read_text(encoding="utf-8").replace("60 day", "21 day")
    Path("flex_night.toml").write_text(begins.partition('[[event]]\nat = "35 day"')[0], encoding="utf-8")
    found = eutonia.program("flex_night.toml", person=person, day=20)
    assert found.person is not None
    time = found.person.course["time_h"].to_numpy()
    assert time[0] == 0.0
    assert set(range(480, 505)) <= set(time.tolist())
    tone = found.person.course["bias"].sel(limb="leg").median("patient")
    day = [float(tone.sel(time_h=480.0 + hour)) for hour in range(24)]
    assert min(day) < max(day) - 0.3  # the night's dose takes tone down by the morning
    assert int(np.argmin(day)) in range(6, 15)
    html = pump_page.html(found.forecast, found.day, found.run, found.person)
    assert 'id="person"' in html
    assert "Tone and scores of a person" in html
    assert "273 days after the onset" in html
    assert "Hours since day 20" in html
    assert "day 14 (16 Mar 2026), 08:00</td><td>Tablets of baclofen stopped</td>" in html
    written = found.write(tmp_path / "out")
    record = json.loads((written / "program.json").read_text(encoding="utf-8"))
    place = next(k for k, head in enumerate(record["person"]["columns"]) if head.startswith("Tone"))
    assert [one["middle"][place] for one in record["person"]["hours"]] == pytest.approx(day)
    assert record["command"] == "eutonia pump flex_night.toml --day 20 --person person.toml"
    assert [Path(one["file"]).name for one in record["inputs"]] == ["flex_night.toml", "person.toml"]


def test_a_new_catheter_may_end_at_another_level(tmp_path: Path, person: str) -> None:
    """What is noted under one tip is looked at apart from what is noted under another."""
    begins, _, _ = file_of("flex_night").read_text(encoding="utf-8").replace("60 day", "12 day").partition("[[event]]")
    rate = '[[event]]\nat = "0 day"\nkind = "simple"\nrate = "320 ug/day"\n'
    other = '[[event]]\nat = "10 day"\nkind = "revision"\ncatheter = "78 cm"\ntip = "T6"\n'
    (tmp_path / "moved.toml").write_text(begins + rate + other, encoding="utf-8")
    found = eutonia.program(tmp_path / "moved.toml", person=person, day=11)
    assert found.person is not None
    course = found.person.course.median("patient").sel(time_h=[238.0, 287.0], method="nearest")
    low, high = (course["csf_arm"] / course["csf_leg"]).to_numpy()
    assert high > 1.5 * low  # the new tip lies nearer the neck


def test_without_a_person_the_page_is_as_before() -> None:
    found = eutonia.program("flex_night")
    assert found.person is None
    html = pump_page.html(found.forecast, found.day, found.run)
    assert 'id="person"' not in html
    numbers = re.search(r"holds ([\d.]+) ng/mL.*? on average, ([\d.]+) to ([\d.]+) over", html)
    assert numbers is not None
    typical, low, high = map(float, numbers.groups())
    assert 0 < low <= typical <= high
    assert f"{words.number(high / low)}-fold apart" in html
    assert f"All this rests on {sum(found.run['counts_by_status'].values())} numbers" in html


def test_the_person_keeps_all_but_a_pump_of_their_own() -> None:
    person = load_study("case_haemorrhage_pump")
    assert isinstance(person, CaseStudy)
    length = load_therapy("first_pump").duration_h
    study = with_program(person, file_of("first_pump"), length, None)
    assert (study.patient, study.lesion, study.charted) == (person.patient, person.lesion, person.charted)
    assert [event.kind for event in study.events] == ["bolus"]
    assert study.pump is None
    assert study.pump_therapy is not None
    assert study.pump_therapy.starts_h == 274 * 24.0
    assert study.case.duration_h == 274 * 24.0 + length


def without_pump() -> str:
    return (
        BLEED[: BLEED.index("# --- The pump ---")]
        + BLEED[BLEED.index("# What the chart says") : BLEED.index("# --- Month 9")]
    )


@pytest.mark.parametrize(
    ("text", "more", "words"),
    [
        (without_pump(), [], 'Nearest: --implanted "241 day", the day after the last charted score'),
        (BLEED, ["--implanted", "soon"], '--implanted "soon" is no time since the onset'),
        (BLEED, ["--implanted", "274.5 day"], "Day 0 of a program begins at midnight"),
        (BLEED, ["--implanted", "100 day"], "Treatment begins at"),
        (CASE, [], "The program is of cerebral origin"),
        (load_study("kofler_2009").text, [], "is a trial, and a pump has one person"),
    ],
)
def test_a_person_who_does_not_fit_is_refused(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str], text: str, more: list[str], words: str
) -> None:
    Path("who.toml").write_text(text, encoding="utf-8")
    assert run("pump", "first_pump", "--person", "who.toml", "--out", "out", *more) == 2
    assert words in re.sub(r"\s+", " ", capsys.readouterr().err)
    assert [path.name for path in folder.iterdir()] == ["who.toml"]


def test_day_0_in_the_life_of_nobody_is_refused(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """It was not heeded, and nothing said so."""
    assert run("pump", "first_pump", "--implanted", "10 day") == 2
    assert "Name the person, or leave implanted out" in re.sub(r"\s+", " ", capsys.readouterr().err)
