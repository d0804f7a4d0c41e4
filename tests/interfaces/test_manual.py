"""The manual: it builds without a warning, every block runs and prints what stands there, and no number is invented."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

pytestmark = pytest.mark.xdist_group("manual")

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def _of_docs(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


BLOCKS = _of_docs("blocks")
NOTEBOOKS = _of_docs("notebooks")


@pytest.mark.parametrize("page", BLOCKS.pages(), ids=lambda page: str(page.relative_to(DOCS)))
def test_every_block_of_a_page_prints_what_stands_there(page: Path, quick_fits: None) -> None:
    came = []
    for one in BLOCKS.run(page):
        assert "Traceback" not in one.came, one.came
        assert one.printed is None or BLOCKS.agree(one.printed, one.came), f"{one.given}\n{one.came}"
        came.append(one.came)
    if page.parent.name == "tutorials":
        assert held(NOTEBOOKS.of(page, came)) == "".join(came)


def held(notebook: nbformat.NotebookNode) -> str:
    """Return what the code of a notebook is and printed, as the pages have it; it must be a notebook."""
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    given = [f"$ {cell.source[1:]}\n" if cell.source.startswith("!") else "" for cell in code]
    return "".join(one + "".join(out.text for out in cell.outputs) for one, cell in zip(given, code, strict=True))


def test_other_words_and_other_numbers_do_not_agree() -> None:
    printed = "score 1.23 (0.4 to 2)\n...\nwritten to 3 files\n"
    assert BLOCKS.agree(printed, "score 1.24 (0.4 to 2)\nany\nlines\nwritten to 3 files\n")
    assert not BLOCKS.agree(printed, "score 1.43 (0.4 to 2)\nwritten to 3 files\n")
    assert not BLOCKS.agree(printed, "score 1.23 (0.4 to 2)\nwritten in 3 files\n")
    assert not BLOCKS.agree(printed, "score 1.23 (0.4 to 2)\nwritten to 3 files\nmore\n")


@pytest.mark.parametrize("name", ["family", "physician", "trialist", "neuroscientist"])
def test_a_notebook_runs_what_its_page_runs_and_holds_what_that_printed(name: str) -> None:
    page = DOCS / "tutorials" / f"{name}.md"
    text, found = page.read_text(encoding="utf-8"), NOTEBOOKS.of(page)
    of_page = BLOCKS.BLOCK.findall(text)
    assert held(found) == "".join(body if kind == "console" else printed for kind, _, body, printed in of_page)
    programs = [cell.source for cell in found.cells if cell.cell_type == "code" and not cell.source.startswith("!")]
    assert programs == [body.rstrip("\n") for kind, _, body, _ in of_page if kind == "python"]
    prose = "\n".join(cell.source for cell in found.cells if cell.cell_type == "markdown")
    assert BLOCKS.BLOCK.sub("", text).split() == prose.replace(f"{NOTEBOOKS.HOW} {NOTEBOOKS.LEFT_OUT}", "\n").split(), (
        "no word of the page is lost"
    )
    assert not re.search(r"\{\w+\}`|\]\(", prose), "nothing that only the manual can show"


def test_a_notebook_has_no_links_of_the_manual_and_no_command_that_it_would_read_otherwise(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\nSee [the list](../list.md).\n\n```toml a.toml\nx = 1\n```\n", encoding="utf-8")
    told = [cell.source for cell in NOTEBOOKS.of(page).cells]
    assert told == ["# Page\n\nSee the list.", f"{NOTEBOOKS.HOW} {NOTEBOOKS.LEFT_OUT}", "%%writefile a.toml\nx = 1"]
    page.write_text("# Page\n\n```console\n$ echo $HOME\n```\n", encoding="utf-8")
    with pytest.raises(ValueError, match="reads"):
        NOTEBOOKS.of(page)


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
    for page in (DOCS / "tutorials").glob("[!i]*.md"):
        name = f"{page.stem}.ipynb"
        assert f'<a href="{name}" download>' in (site / "tutorials" / f"{page.stem}.html").read_text(encoding="utf-8")
        assert nbformat.read(site / "tutorials" / name, nbformat.NO_CONVERT) == NOTEBOOKS.of(page)


def links(page: Path) -> set[Path]:
    found = re.findall(r'href="([^"#:]+\.html)', page.read_text(encoding="utf-8"))
    return {(page.parent / link).resolve() for link in found}
