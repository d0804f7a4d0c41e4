"""One server with its results, and one browser, for the tests that look at pages. One module uses them: a browser that
lives on would keep its loop running in every later test."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import page_script
import pytest
import quick
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright

import eutonia
from eutonia.study import design
from eutonia.web import clinic, worker
from eutonia.web.app import create_app
from eutonia.web.asked import own_names, texts_of
from eutonia.web.jobs import Jobs
from eutonia.web.store import Store

MARKS = pytest.mark.skipif(page_script.BROWSER is None, reason="chromium is not here to walk through the pages")
PATHS = ("/", "/story", "/clinic", "/trial", "/study", "/segment", "/fit", "/api")
EXAMPLES = Path(__file__).parents[1] / "examples"
#: What the sliders of a segment ask for, after one step of each.
SEGMENT = {
    "bias": "3.25 mV", "csf": "25 ng/mL", "protocol": "h-reflex", "cells": 1000, "seed": 1,
    "back": "/segment?bias=3.25&csf=25&protocol=h-reflex",
}  # fmt: skip
_MOST_TABS = 90


class StoredJobs(Jobs):
    """Jobs of a server whose results are all there already."""

    def start(self) -> None:
        """Begin nothing."""

    def stop(self) -> None:
        """End nothing."""


def filled(folder: Path) -> Store:
    """Return a store in which every kind of result is, as the worker makes them."""
    kept = Store(folder / "web.sqlite")
    fields = clinic.START | {"kind_3": "missed", "amount_3": "400 mcg/day", "late_3": "5", "follow": "11"}
    trace = kept.keep((EXAMPLES / "pendulum_simulated.csv").read_bytes(), ".csv")
    case = design.shipped()["case_own_signal"].read_text(encoding="utf-8")
    asked = {
        "story": {},
        "compare": {"cases": clinic.read(fields).texts, "against": None, "back": "/clinic?age=61"},
        "fit": {
            "traces": [trace],
            "test": "pendulum",
            "joint": "knee",
            "seed": 0,
            "back": "/fit?test=pendulum&joint=knee",
        },
        "segment": SEGMENT,
        "examine": {"study": case, "test": "ashworth", "at": "day 200", "limb": "leg"},
    }
    for kind, request in asked.items():
        job = kept.ask(kind, request, eutonia.__version__)
        kept.take()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            quick.fits(patch, rough=True)
            own = kept.own(own_names(texts_of(request)))
            kept.finish(job.id, worker.answered(kind, request, own))
    return kept


def served(store: Store) -> Iterator[str]:
    """Yield the address of a server."""
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


def browsed() -> Iterator[Browser]:
    """Yield a browser."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=page_script.BROWSER, args=["--no-sandbox"])
        yield found
        found.close()


def opening(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Yield what opens a path; what the browser complains of is a fault of ours."""
    pages, said = [], []

    def opened(path: str, width: int = 1200, *, scripts: bool = True) -> Page:
        page = browser.new_page(viewport={"width": width, "height": 900}, java_script_enabled=scripts)
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address + path)
        pages.append(page)
        return page

    yield opened
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
