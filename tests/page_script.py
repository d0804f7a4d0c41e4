"""Scripts of a page, run where they would run: in node, or else in a browser that needs no screen."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NODE = shutil.which("node")


def evaluate(script: str, value: str, folder: Path) -> Any:
    """Return what the expression `value` is after a script, by way of JSON."""
    if NODE is None and BROWSER is None:
        pytest.skip("neither node nor chromium is here to run the script of the page")
    if NODE is not None:
        file = folder / "script.js"
        file.write_text(f"{script}\nconsole.log(JSON.stringify({value}));", encoding="utf-8")
        return json.loads(_run(NODE, str(file)))
    return in_browser(script, value, folder)


def in_browser(script: str, value: str, folder: Path) -> Any:
    """Return the same from a browser."""
    if BROWSER is None:
        pytest.skip("chromium is not here to run the script of the page")
    page = folder / "page.html"
    writes = f"document.body.innerHTML = ''; document.body.append('@@' + JSON.stringify({value}) + '@@');"
    page.write_text(f"<meta charset=utf-8><body><script>{script}\n{writes}</script>", encoding="utf-8")
    done = _run(
        BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
        "--dump-dom", page.as_uri(),
    )  # fmt: skip
    found = re.search(r"@@(.*)@@</body>", done, re.S)
    assert found is not None, done[-2000:]
    return json.loads(html.unescape(found[1]))


def _run(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True, timeout=120).stdout
