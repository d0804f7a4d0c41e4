"""Journeys through the pages in a browser: by keyboard alone, without scripts, on a phone, and on paper."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import axe_playwright_python
import pytest
import report_examples
from pages import EXAMPLES, MARKS, PATHS, tab_to
from playwright.sync_api import Browser, Page

import eutonia
from eutonia.report import page as report
from eutonia.web.store import Store

pytestmark = MARKS

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
_LEVELS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
_RUN = """async levels => (await axe.run(document, { runOnly: levels, resultTypes: ['violations'] })).violations
.map(one => one.id + ': ' + one.nodes.map(node => node.html.slice(0, 120)).join(' | '))"""


def test_every_page_fits_and_can_be_touched(opened: Callable[..., Page]) -> None:
    page = opened("/")
    base = page.url.rstrip("/")
    for path in PATHS:
        page.goto(base + path)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        for width in (320, 390, 1200):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            small = page.evaluate(
                """() => [...document.querySelectorAll(
                'button, select, input:not([type=radio]), label:has([type=radio])')]
                .filter(one => one.offsetParent && one.getBoundingClientRect().height < 43.5)
                .map(one => one.outerHTML)"""
            )
            assert small == [], (path, width)
            outside = page.evaluate(
                """() => [...document.querySelectorAll('svg')].filter(one => one.getBoundingClientRect().width)
                .flatMap(one => { const box = one.getBoundingClientRect(); return [...one.querySelectorAll('text')]
                .filter(text => { const at = text.getBoundingClientRect();
                return at.width && (at.right > box.right + 4 || at.left < box.left - 4); })
                .map(text => text.textContent); })"""
            )
            assert outside == [], (path, width)


def test_a_survivor_reads_the_story_by_keyboard_alone(opened: Callable[..., Page]) -> None:
    page = opened("/story", 390)
    tab_to(page, "#stroke input[type=radio]")
    page.keyboard.press("Space")
    assert page.evaluate("document.activeElement.checked")
    tab_to(page, "#stroke summary")
    assert not page.locator("#slider-stroke").is_visible()
    page.keyboard.press("Enter")
    tab_to(page, "#slider-stroke")
    told = page.locator("#stroke .now")
    before, drawn = told.inner_text(), page.locator("#weeks [data-line] path").first.get_attribute("d")
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    assert told.inner_text() != before
    assert page.locator("#weeks [data-line] path").first.get_attribute("d") != drawn, "one stroke, one person"
    less = told.inner_text()
    tab_to(page, "#stroke button[data-by]:not([data-by^='-'])")
    page.keyboard.press("Enter")
    assert told.inner_text() != less
    assert page.locator("#stroke output").inner_text() == "65 %"


def test_the_story_stands_without_scripts(opened: Callable[..., Page]) -> None:
    page = opened("/story", 320, scripts=False)
    page.locator("#pump summary").click()
    assert page.locator("#pump figure svg").last.is_visible()
    assert page.locator("#pump figcaption").is_visible()
    assert not page.locator("#slider-pump").is_visible()


def test_a_clinic_compares_by_keyboard_alone(opened: Callable[..., Page], store: Store) -> None:
    page = opened("/clinic")
    tab_to(page, "#weight")
    page.keyboard.press("Control+A")
    page.keyboard.type("700")
    tab_to(page, "button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_selector(".fault")
    assert "to 250 kg" in page.locator("#fault-weight-1").inner_text()
    assert page.locator("#weight").input_value() == "700"
    tab_to(page, "#weight")
    page.keyboard.press("Control+A")
    page.keyboard.type("70")
    tab_to(page, "#kind_1")
    assert page.locator("#every_1").is_visible()
    assert not page.locator("#muscle_1").is_visible()
    tab_to(page, "button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/results/*")
    assert "It waits for its turn" in page.locator("h2").inner_text()
    assert '"70 kg"' in str(store.newest(1)[0].request)
    page.go_back(wait_until="load")
    assert page.locator("#weight").input_value() == "70", "the form is as it was sent"


def test_forms_work_without_scripts(opened: Callable[..., Page]) -> None:
    page = opened("/clinic", 390, scripts=False)
    assert page.locator("#muscle_3").is_visible()
    page.locator("#amount_1").fill("10 mcg")
    page.locator("button[type=submit]").click()
    assert "this is an oral dose" in page.locator("#fault-amount_1-1").inner_text()
    page = opened("/study?like=case_own_signal", 390, scripts=False)
    page.get_by_role("button", name="Check it").click()
    assert "case_own_signal: valid case" in page.locator("#told").inner_text()


def test_a_trialist_fills_in_a_form_by_keyboard_alone(opened: Callable[..., Page], store: Store) -> None:
    page = opened("/trial", 390)
    tab_to(page, "#amount_2")
    page.keyboard.press("Control+A")
    page.keyboard.type("15 mcg")
    page.keyboard.press("Tab")
    page.wait_for_selector("#fault-amount_2-1")
    assert "this is an oral dose" in page.locator("#fault-amount_2-1").inner_text()
    assert page.locator("#amount_2").get_attribute("aria-invalid") == "true"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("15 mg")
    page.keyboard.press("Tab")
    page.wait_for_selector("#fault-amount_2-1", state="detached")
    tab_to(page, "button[value=run]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/results/*")
    assert 'max = "15 mg"' in str(store.newest(1)[0].request["study"])


def test_a_laboratory_moves_sliders_by_keyboard_alone(opened: Callable[..., Page]) -> None:
    page = opened("/segment", 320)
    for name in ("bias", "csf"):
        tab_to(page, f".slide:has(#{name}) [data-by]:not([data-by^='-'])")
        page.keyboard.press("Enter")
    assert (page.locator("#bias").input_value(), page.locator("#csf").input_value()) == ("3.25", "25")
    tab_to(page, "#csf")
    tab_to(page, "button[type=submit]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#found table")
    assert "What was read" in page.locator("#found h2").inner_text()
    assert page.locator("#found th").count() > 2
    with page.expect_download() as coming:
        page.get_by_role("link", name="numbers.csv").click()
    assert coming.value.suggested_filename == "numbers.csv"
    page.get_by_role("link", name="See the cells fire").click()
    assert page.locator("#raster svg:visible").count() == 1


def test_a_recording_is_fitted_without_scripts(opened: Callable[..., Page]) -> None:
    page = opened("/fit", 390, scripts=False)
    page.get_by_role("button", name="Fit it").click()
    assert "Allowed: 1 to 6" in page.locator("#fault-traces-1").inner_text()
    page.locator("#traces").set_input_files(EXAMPLES / "pendulum_simulated.csv")
    page.get_by_role("button", name="Fit it").click()
    page.get_by_role("link", name="Open the report").click()
    assert "neural" in page.locator("h1, .lead").all_inner_texts().__str__().lower()


def test_a_trialist_sees_faults_while_writing(opened: Callable[..., Page]) -> None:
    page = opened("/study?like=case_own_signal")
    text = page.locator("#study").input_value()
    page.locator("#study").fill(text.replace('"82 kg"', '"820 kg"'))
    page.wait_for_selector("#told .fault")
    assert "to 250 kg" in page.locator("#told").inner_text()
    page.locator("#study").fill(text)
    page.wait_for_selector("#told .valid")
    page.locator("#study").fill(f"{text}# mine")
    page.locator("button[value=run]").click()
    page.wait_for_url("**/results/*")
    page.go_back(wait_until="load")
    page.wait_for_function("document.getElementById('study').value.endsWith('# mine')")


def test_every_kind_of_report_begins_in_plain_words_and_explains_them(store: Store, files: list[str]) -> None:
    pages = {Path(file).stem: Path(url2pathname(urlsplit(file).path)).read_text("utf-8") for file in files}
    for job in store.newest(20):
        name = "segment.html" if job.kind == "segment" else "report.html"
        if job.kind != "story" and (found := store.file(job.id, name)) is not None:
            pages[job.kind] = found.content.decode()
    assert set(pages) == {"trial", "case", "program", "compare", "fit", "segment", "examine"}
    for kind, text in pages.items():
        named = re.findall(r"<dt>(Asked|Found|How sure)</dt>", text)
        assert named == ["Asked", "Found", "How sure"], kind
        assert "<dt>Tone</dt>" in text.partition('<section id="words">')[2], kind
    for kind in ("case", "compare", "examine"):
        assert "The signal to the leg is too strong" in pages[kind], kind
        assert '<section id="chain">' in pages[kind], kind


def test_a_comparison_prints_on_one_page(opened: Callable[..., Page], store: Store) -> None:
    job = next(one for one in store.newest(20) if one.kind == "compare" and one.state == "done")
    page = opened(f"/results/{job.id}/report.html")
    assert page.locator(".danger h3").evaluate("one => getComputedStyle(one).color") == "rgb(179, 38, 30)"
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 1


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the addresses of reports that need no server."""
    folder = tmp_path_factory.mktemp("reports")
    made = {
        "trial": report.html(report_examples.trial()),
        "case": report.html(report_examples.case()),
        "program": (eutonia.program("careless").write(folder / "pump") / "program.html").read_text(encoding="utf-8"),
    }
    for name, text in made.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return [(folder / f"{name}.html").as_uri() for name in made]


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1200, "light")])
def test_axe_finds_nothing(
    browser: Browser, address: str, store: Store, files: list[str], width: int, scheme: Any
) -> None:
    """Against WCAG 2.2, A and AA."""
    jobs = {job.kind: f"/results/{job.id}" for job in store.newest(20) if job.state == "done"}
    paths = [*PATHS, *jobs.values(), "/nowhere"]
    if width < 1200:
        files = [*files, *(f"{address}{jobs[kind]}/report.html" for kind in ("compare", "fit", "examine"))]
        files.append(f"{address}{jobs['segment']}/segment.html")
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
    )
    page, found = context.new_page(), {}
    for where in [*(address + path for path in paths), *files]:
        page.goto(where)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        page.evaluate(AXE)
        found[where] = page.evaluate(_RUN, _LEVELS)
    page.goto(f"{address}/clinic")
    page.locator("#weight").fill("700")
    page.locator("button[type=submit]").click()
    page.wait_for_selector(".fault")
    page.evaluate(AXE)
    found["a form with a fault"] = page.evaluate(_RUN, _LEVELS)
    context.close()
    assert {where: told for where, told in found.items() if told} == {}
