"""The page says what the result says, is safe, loads nothing, and is accessible."""

from __future__ import annotations

import dataclasses
import html
import itertools
import math
import re
from html.parser import HTMLParser

import numpy as np
import polars as pl
import pytest
import report_examples as examples
import xarray as xr

from eutonia import report
from eutonia.report import words
from eutonia.report.drawing import plot, scales, svg
from eutonia.report.trial import consort
from eutonia.trial.result import ConsortRow, StudyResult
from eutonia.trial.scores import ScoreTable

pytestmark = pytest.mark.interfaces

_VOID = {"meta", "link", "br", "hr", "img", "input", "path", "rect", "circle", "use", "line"}


@pytest.fixture(scope="module")
def trial() -> StudyResult:
    return examples.trial()


@pytest.fixture(scope="module")
def case() -> StudyResult:
    return examples.case()


@pytest.fixture(scope="module")
def trial_page(trial: StudyResult) -> str:
    return report.html(trial)


@pytest.fixture(scope="module")
def case_page(case: StudyResult) -> str:
    return report.html(case)


@pytest.fixture(params=["trial", "case"])
def page(request: pytest.FixtureRequest, trial_page: str, case_page: str) -> str:
    return trial_page if request.param == "trial" else case_page


class Reader(HTMLParser):
    """Collects elements and text, and notices a tag that is closed in the wrong place."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open and self.open[-1] not in ("style", "title", "desc"):
            self.words.append(data.strip())

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def test_every_published_row_is_there(trial: StudyResult, trial_page: str) -> None:
    text = Reader(trial_page).text
    for row in trial.compared:
        assert row.published is not None
        factor, unit = words.shown_unit(row)
        error = row.published_standard_error
        values = (row.mean, row.low, row.high, row.baseline_mean, row.published.value, error)
        mean, low, high, _, published, _ = words.alike(None if v is None else factor * v for v in values)
        name = words.quantity_label(dataclasses.replace(row, visit=""))
        pattern = rf"{re.escape(name)} {row.arm} .{{0,20}}?{re.escape(words.with_unit(mean, unit))} {low} to {high}"
        found = re.search(pattern, text)
        assert found, name
        assert words.with_unit(published, unit) in text[found.end() : found.end() + 60]
    assert text.count("does not reproduce") >= trial.grades["does not"]


def test_the_first_thing_said_is_the_result_and_what_it_is_not(page: str) -> None:
    text = Reader(page).text
    assert text.index("Research and teaching only, not a medical device") < 900
    assert text.index("predicted") < text.index("Research and teaching only")


def test_micrograms_are_written_as_in_clinics(page: str) -> None:
    assert "mcg" in page
    assert not re.search(r"\bug\b|[\u00b5\u03bc]g", page)


def test_sections_of_a_trial_come_in_order(trial_page: str) -> None:
    heads = re.findall(r"<h2>(.*?)</h2>", trial_page)
    assert heads == [
        "Predicted beside published", "Flow of patients", "Scores over the visits", "Dose over time",
        "How individuals responded", "Who responds, and who does not", "Adverse reactions",
        "What the words mean", "What the prediction rests on", "How it was run",
    ]  # fmt: skip


def test_numbers_of_every_section_of_a_trial(trial_page: str) -> None:
    text = Reader(trial_page).text
    for expected in (
        "fewer than two leg muscle groups at", "n = 391 (280 to 545)", "n = 0.4 (0 to 1)", "Lesion volume",
        "A person responds whose leg Ashworth falls by 1 or more",
        "baclofen 21 62% 43 to 81", "saline placebo 21 5.0% 0 to 14",
        "Drowsiness 12% 4.8 to 26", "34 verified", "9 assumed", "Endogenous tone 60 ng/mL", "20010911", "float64",
        "9c3f5d0e7a1b44c2a6f1e8d09b7c55aa", "eutonia run studies/meythaler_2001.toml", "10.1161/hs0901.095682",
    ):  # fmt: skip
        assert expected in text, expected


def test_a_case_shows_its_panels_and_events(case: StudyResult, case_page: str) -> None:
    text = Reader(case_page).text
    for expected in (
        "Dose, mcg/day", "Drug in spinal fluid and blood, ng/mL", "Effect at the receptor, %", "Tone, mV",
        "Receptor sensitivity, %", "Ashworth",
        "Risk of adverse effects, %", "Months since start", "Test bolus day", "The missed refill",
    ):  # fmt: skip
        assert expected in text, expected
    for _, label in case.events:
        assert words.clinic(label) in text


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    for tag, attributes in Reader(page).elements:
        assert tag not in ("script", "iframe", "object", "embed", "link", "img", "base")
        assert "src" not in attributes
        target = attributes.get("href", "")
        if tag == "a":
            assert target.startswith(("#", "https://doi.org/"))
        else:
            assert target.startswith("#") or not target
    assert "default-src 'none'" in page
    assert not re.search(r"@import|url\((?!#)", page)
    assert "http://" not in page


def test_text_of_a_study_cannot_become_markup(trial: StudyResult) -> None:
    evil = "<script>alert('x')</script> & \"$x_1$\""
    text = report.html(
        examples.trial(
            title=evil,
            description=evil,
            quantities=(dataclasses.replace(trial.compared[0], name=evil, arm=evil, visit=evil),),
            scores=ScoreTable.of(trial.visits.clear()),
            patients=None,
            consort=(ConsortRow(evil, None, 21, 21, 21), ConsortRow("out", evil, 1, 1, 1, evil)),
            run=examples.run_record(command=evil, platform=evil, sources=[{"key": evil, "text": evil}]),
        )
    )
    assert "<script" not in text
    assert html.escape("<script>") in text
    assert not [tag for tag, _ in Reader(text).elements if tag == "script"]


def test_event_labels_and_arms_are_escaped_inside_figures() -> None:
    text = report.html(examples.case(events=((8.0, "<b>bolus</b> $5^{th}$"),), zooms=()))
    assert "<b>bolus" not in text
    assert "&lt;b&gt;bolus" in text


def test_the_page_is_well_formed_and_small(page: str) -> None:
    reader = Reader(page)
    assert reader.wrong == []
    assert reader.open == []
    assert page.startswith("<!DOCTYPE html>")
    assert len(page.encode()) < 3_000_000
    names = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(names) == len(set(names))


def test_every_reference_leads_somewhere(page: str) -> None:
    elements = Reader(page).elements
    names = {attributes["id"] for _, attributes in elements if "id" in attributes}
    for _, attributes in elements:
        if attributes.get("href", "").startswith("#"):
            assert attributes["href"][1:] in names
        for name in attributes.get("aria-labelledby", "").split():
            assert name in names
    for name in re.findall(r"url\(#([^)]+)\)", page):
        assert name in names


def test_figures_speak_to_a_screen_reader_and_follow_the_theme(page: str) -> None:
    figures = re.findall(r"<svg[^>]*role=\"img\".*?</svg>", page, flags=re.DOTALL)
    assert figures
    for figure in figures:
        assert re.search(r"<title id=\"[^\"]+\">[^<]+</title><desc id=\"[^\"]+\">[^<]+</desc>", figure)
        assert not re.search(r"(fill|stroke): #(?!000)[0-9a-f]{6}", figure)
        assert "<metadata" not in figure
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert 'lang="en"' in page


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_and_marks_stand_out_from_the_paper(theme: int) -> None:
    def light(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    paper = light(svg.PALETTE["paper"][theme])
    for token in ("ink", "muted", "leg", "active", "reproduces", "in-range", "does-not"):
        other = light(svg.PALETTE[token][theme])
        contrast = (max(paper, other) + 0.05) / (min(paper, other) + 0.05)
        assert contrast >= 4.5, token
    for token in ("limb-arm", "brain", "plasma", "placebo", "third", "fourth"):
        other = light(svg.PALETTE[token][theme])
        assert (max(paper, other) + 0.05) / (min(paper, other) + 0.05) >= 3.0, token


def test_numbers_of_sources_have_room_for_all_their_digits_in_print(trial_page: str) -> None:
    # A page of paper cuts what hangs out of a list to the left; three digits and a point are under 2.4 letters M wide.
    room = re.search(r"\.sources \{ padding-left: ([\d.]+)em", trial_page)
    assert room
    assert float(room[1]) >= 2.4


def test_two_arms_fit_a_phone() -> None:
    rows = [ConsortRow("Recruited", None, 120, 120, 120)]
    for stage, reason in (("Allocated", ""), ("Left", "dropped out"), ("Completed", "")):
        rows += [ConsortRow(stage, arm, 60, 55, 60, reason) for arm in ("baclofen", "placebo")]
    figure = consort.diagram(rows)
    assert figure is not None
    assert figure.narrow is not None
    lefts = re.findall(r'<rect x="([\d.]+)"[^>]*stroke-dasharray', figure.narrow)
    assert len({round(float(left)) for left in lefts}) == 2, "who leaves hangs from the own arm"


def test_the_same_result_gives_the_same_page() -> None:
    assert report.html(examples.case(zooms=())) == report.html(examples.case(zooms=()))


def test_a_result_with_almost_nothing_still_gives_a_page() -> None:
    empty = pl.DataFrame()
    bare = StudyResult("t", "trial", "s", "", (), (), ScoreTable.of(empty), empty, xr.Dataset(), {"version": "0"})
    text = Reader(report.html(bare)).text
    assert "nothing published" in text
    assert "Flow of patients" not in text


def test_many_events_become_numbers_that_stay_in_the_figure() -> None:
    events = tuple((k * 290.0, f"Visit number {k} with a rather long description") for k in range(60))
    text = report.html(examples.case(events=events, zooms=())).partition('<section id="course">')[2]
    wide = re.findall(r"<svg[^>]*role=\"img\".*?</svg>", text, flags=re.DOTALL)[0]
    assert ">60</text>" in wide
    assert "rather long description</text>" not in wide
    assert text.count("with a rather long description</td>") == 60


def test_marks_of_many_close_events_do_not_overlap_on_a_phone() -> None:
    events = tuple((145.0 * k, f"Step {k}") for k in range(120))
    text = report.html(examples.case(events=events, zooms=())).partition('<section id="course">')[2]
    phone = re.findall(r"<svg viewBox=\"0 0 350 .*?</svg>", text, flags=re.DOTALL)[0]
    marks = [
        [float(x) for x in one]
        for one in re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="15"', phone)
    ]
    assert len(marks) > 10
    for (x, y, wide), (other, height, _) in itertools.combinations(sorted(marks), 2):
        assert y != height or other >= x + wide


def test_a_flow_of_four_arms_keeps_every_box() -> None:
    arms = ("placebo", "25 mcg", "50 mcg", "100 mcg")
    rows = (
        ConsortRow("Randomised", None, 80, 80, 80),
        *(ConsortRow("Allocated", arm, 20, 20, 20) for arm in arms),
        *(ConsortRow("Lost", arm, 1.5, 0, 4, "moved away") for arm in arms),
        *(ConsortRow("Analysed", arm, 18.5, 16, 20) for arm in arms),
    )
    figure = consort.diagram(rows)
    assert figure is not None
    assert figure.narrow is not None
    for drawn in (figure.wide, figure.narrow):
        assert drawn.count("<rect") == len(rows)
        assert drawn.count("n = 1.5 (0 to 4)") >= 4
    # On a phone arms stand one below the other, each whole, and nothing hangs out.
    assert 'viewBox="0 0 350 ' in figure.narrow
    boxes = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', figure.narrow)
    assert all(float(left) + float(wide) <= 350 for left, wide in boxes)
    heads = re.findall(r"<text[^>]*>(?:Allocated|Lost|Analysed): ([^<]*)</text>", figure.narrow)
    assert heads == [arm for arm in arms for _ in range(3)]
    assert consort.diagram(()) is None


@pytest.mark.parametrize("width", [1000, 350])
def test_a_long_legend_stays_inside_its_figure(width: int) -> None:
    long = "Drowsiness within a day of a bolus, in people of this age with this clearance, however it is asked about"
    made = examples.case(zooms=())
    risk = next(name for name in made.course.data_vars if str(name).startswith("risk"))
    twin = made.course[risk].assign_attrs(long_name=long)
    course = made.course.assign({f"{risk}_{k}": twin.assign_attrs(long_name=f"{long} ({k})") for k in range(3)})
    text = report.html(dataclasses.replace(made, course=course)).partition('<section id="course">')[2]
    figure = next(
        one for one in re.findall(r"<svg viewBox=\"0 0 (\d+) .*?</svg>", text, re.DOTALL) if int(one) == width
    )
    whole = re.search(rf"<svg viewBox=\"0 0 {figure} .*?</svg>", text, re.DOTALL)
    assert whole
    assert "Drowsiness within" in whole[0]
    for place, look, shown in re.findall(r"<text x=\"([-\d.]+)\"([^>]*)>([^<]*)</text>", whole[0]):
        room = svg.wide(html.unescape(shown), 11)
        x = float(place) - (room if "end" in look else room / 2 if "middle" in look else 0)
        assert x > -1, shown
        assert x + room < width + 1, shown


class TestWidths:
    @pytest.mark.parametrize("room", [30.0, 90.0, 400.0])
    def test_wrapped_words_fit_and_none_is_lost(self, room: float) -> None:
        text = "Drowsiness within a day of a bolus in people with Pneumonoultramicroscopicsilicosis"
        lines = svg.wrap(text, room, 11)
        assert all(svg.wide(line, 11) <= room for line in lines)
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")

    def test_cut_words_fit_and_short_ones_stay(self) -> None:
        assert svg.cut("Leg", 100, 12) == "Leg"
        short = svg.cut("Leg Ashworth, fraction removed", 90, 12)
        assert short.endswith("…")
        assert svg.wide(short, 12) <= 90


class TestPlot:
    def test_ticks_are_round_inside_and_few(self) -> None:
        assert scales.ticks(-3.4, 3.4, 4) == [-2.0, 0.0, 2.0]
        assert scales.ticks(0.0, 0.26, 5) == [0.0, 0.1, 0.2]
        assert scales.shown(scales.ticks(0.45, 1.3, 4)) == ["0.50", "0.75", "1.00", "1.25"]
        assert scales.shown([-2.5, 0.0, 2.5]) == ["−2.5", "0", "2.5"]
        assert scales.decades(0.05, 1200.0) == [0.1, 1.0, 10.0, 100.0, 1000.0]
        for low, high in ((0.0, 1e-7), (-5e6, 3.0), (99.9, 100.1)):
            found = scales.ticks(low, high, 4)
            assert 1 <= len(found) <= 5
            assert all(low - 1e-9 * abs(low) <= tick <= high + 1e-9 * abs(high) for tick in found)
        assert scales.ticks(2.0, 2.0, 4) == [2.0]
        assert scales.ticks(math.nan, 1.0, 4) != []

    def test_scales_meet_their_ends(self) -> None:
        assert scales.Axis(0.0, 10.0, 100.0, 300.0)([0.0, 5.0, 10.0]).tolist() == [100.0, 200.0, 300.0]
        log = scales.Axis(0.1, 1000.0, 80.0, 0.0, is_log=True)
        assert log([0.1, 10.0, 1000.0]).tolist() == pytest.approx([80.0, 40.0, 0.0])
        assert log.at(0.0) > 80.0

    def test_a_stepped_line_has_no_slopes_and_keeps_its_levels(self) -> None:
        draw = np.random.default_rng(5)
        sheet = plot.Sheet("x", 300, 100)
        panel = sheet.panel((0, 0, 300, 100), (0.0, 400.0), (0.0, 10.0))
        time = np.sort(np.repeat(draw.uniform(0, 400, 200), 2))
        panel.line(time, draw.integers(0, 11, 400).astype(float), "leg", is_stepped=True)
        found = re.findall(r"[ML]([-\d.]+) ([-\d.]+)", sheet.parts[-1])
        corners = [(float(x), float(y)) for x, y in found]
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in itertools.pairwise(corners))
        assert {y for _, y in corners} == {10.0 * k for k in range(11)}

    def test_a_straight_stretch_needs_two_points_only(self) -> None:
        sheet = plot.Sheet("x", 300, 100)
        sheet.panel((0, 0, 300, 100), (0.0, 9.0), (0.0, 1.0)).line(range(10), [0.5] * 10, "leg")
        assert 'd="M0 50L300 50"' in sheet.parts[-1]

    def test_words_are_escaped_and_a_colour_must_exist(self) -> None:
        sheet = plot.Sheet("x", 10, 10)
        sheet.text(0, 0, '<b> & "c"')
        assert "&lt;b&gt; &amp; &quot;c&quot;" in sheet.finish("t", "w")
        with pytest.raises(KeyError):
            sheet.text(0, 0, "a", "no such colour")
