"""The manual: it builds without a warning, every block runs and prints what stands there, and no number is invented."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def blocks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("blocks", DOCS / "blocks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["blocks"] = module
    spec.loader.exec_module(module)
    return module


BLOCKS = blocks()


@pytest.mark.parametrize("page", BLOCKS.pages(), ids=lambda page: str(page.relative_to(DOCS)))
def test_every_block_of_a_page_prints_what_stands_there(page: Path) -> None:
    for one in BLOCKS.run(page):
        assert "Traceback" not in one.came
        assert one.printed is None or BLOCKS.agree(one.printed, one.came), f"{one.given}\n{one.came}"


def test_other_words_and_other_numbers_do_not_agree() -> None:
    printed = "score 1.23 (0.4 to 2)\n...\nwritten to 3 files\n"
    assert BLOCKS.agree(printed, "score 1.24 (0.4 to 2)\nany\nlines\nwritten to 3 files\n")
    assert not BLOCKS.agree(printed, "score 1.43 (0.4 to 2)\nwritten to 3 files\n")
    assert not BLOCKS.agree(printed, "score 1.23 (0.4 to 2)\nwritten in 3 files\n")
    assert not BLOCKS.agree(printed, "score 1.23 (0.4 to 2)\nwritten to 3 files\nmore\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_no_number_stands_in_prose(page: Path) -> None:
    prose = re.sub(
        r"^```.*?^```$|`[^`]*`|\]\([^)]*\)", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    assert not re.search(r"\d", prose), re.search(r".*\d.*", prose)


def test_it_builds_without_a_warning_and_every_page_is_two_clicks_away(tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        str(tmp_path / "trees"),
        str(DOCS),
        str(site),
    ]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert not re.search(
        r"""(?:src|href)=["']https?:""", (site / "explanation" / "drug.html").read_text(encoding="utf-8")
    )
    reached, edge = {site / "index.html"}, {site / "index.html"}
    for _ in range(2):
        edge = {target for page in edge for target in links(page)} - reached
        reached |= edge
    missed = {page for page in PAGES if site / page.relative_to(DOCS).with_suffix(".html") not in reached}
    assert not missed


def links(page: Path) -> set[Path]:
    found = re.findall(r'href="([^"#:]+\.html)', page.read_text(encoding="utf-8"))
    return {(page.parent / link).resolve() for link in found}
