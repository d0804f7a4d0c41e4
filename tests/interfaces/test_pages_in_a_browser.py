"""Journeys through the pages in a browser: by keyboard alone, without scripts, on a phone, and on paper."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator

import page_script
import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

from eutonia.report.story import page as story
from eutonia.web import clinic
from eutonia.web.app import create_app
from eutonia.web.jobs import Jobs
from eutonia.web.store import ResultFile, Store
from eutonia.web.worker import _compare

pytestmark = pytest.mark.skipif(page_script.BROWSER is None, reason="chromium is not here to walk through the pages")

_PATHS = ("/", "/story", "/clinic", "/study", "/api")
_MOST_TABS = 90


class StoredJobs(Jobs):
    """Jobs of a server whose results are all there already."""

    def start(self) -> None:
        """Begin nothing."""

    def stop(self) -> None:
        """End nothing."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    import eutonia

    kept = Store(tmp_path_factory.mktemp("web") / "web.sqlite")
    made = {"story": [ResultFile("story.html", "text/html; charset=utf-8", story.html(home="/").encode())]}
    fields = clinic.START | {"kind_3": "missed", "amount_3": "400 mcg/day", "late_3": "5", "follow": "11"}
    request = {"cases": clinic.read(fields).texts, "against": None, "back": "/clinic?age=61"}
    made["compare"] = _compare(request, lambda *_: None)
    for kind, asked in (("story", {}), ("compare", request)):
        job = kept.ask(kind, asked, eutonia.__version__)
        kept.take()
        kept.finish(job.id, made[kind])
    return kept


@pytest.fixture(scope="module")
def address(store: Store) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eutonia.web.app.Jobs", StoredJobs)
        app = create_app(store._path)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.05)
    yield f"http://localhost:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    listening.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=page_script.BROWSER, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open a path; what the browser complains of is a fault of ours."""
    pages, said = [], []

    def opening(path: str, width: int = 1200, *, scripts: bool = True) -> Page:
        page = browser.new_page(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address + path)
        pages.append(page)
        return page

    yield opening
    for page in pages:
        page.close()
    assert [one for one in said if "422" not in one] == []


def tab_to(page: Page, selector: str) -> None:
    """Go by the key Tab until something has the focus."""
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"Tab never reaches {selector}")


@pytest.mark.parametrize("width", [320, 390, 1200])
def test_every_page_fits_and_can_be_touched(opened: Callable[..., Page], width: int) -> None:
    page = opened("/", width)
    base = page.url.rstrip("/")
    for path in _PATHS:
        page.goto(base + path)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        small = page.evaluate(
            """() => [...document.querySelectorAll('button, select, input:not([type=radio]), label:has([type=radio])')]
            .filter(one => one.offsetParent && one.getBoundingClientRect().height < 43.5).map(one => one.outerHTML)"""
        )
        assert small == [], path


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
    assert "30 to 250 kg" in page.locator("#fault-weight-1").inner_text()
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


def test_forms_work_without_scripts(opened: Callable[..., Page]) -> None:
    page = opened("/clinic", 390, scripts=False)
    assert page.locator("#muscle_3").is_visible()
    page.locator("#amount_1").fill("10 mcg")
    page.locator("button[type=submit]").click()
    assert "this is an oral dose" in page.locator("#fault-amount_1-1").inner_text()
    page = opened("/study?like=case_own_signal", 390, scripts=False)
    page.get_by_role("button", name="Check it").click()
    assert "case_own_signal: valid case" in page.locator("#told").inner_text()


def test_a_trialist_sees_faults_while_writing(opened: Callable[..., Page]) -> None:
    page = opened("/study?like=case_own_signal")
    text = page.locator("#study").input_value()
    page.locator("#study").fill(text.replace('"82 kg"', '"820 kg"'))
    page.wait_for_selector("#told .fault")
    assert "30 to 250 kg" in page.locator("#told").inner_text()
    page.locator("#study").fill(text)
    page.wait_for_selector("#told .valid")


def test_a_comparison_prints_on_one_page(opened: Callable[..., Page], store: Store) -> None:
    job = next(one for one in store.newest(20) if one.kind == "compare" and one.state == "done")
    page = opened(f"/results/{job.id}/report.html")
    assert page.locator(".danger h3").evaluate("one => getComputedStyle(one).color") == "rgb(179, 38, 30)"
    printed = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 1
