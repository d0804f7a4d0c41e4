"""Run every block of a page of the manual and hold what comes against what is printed there.

    python docs/blocks.py [PAGE ...]       writes what comes now under each command (all pages when none is named)

A ```console block holds commands behind "$ " and what they print; a ```python block is run, all of a page in one
program; a ```text block after it holds what it printed. A line "..." stands for any lines. Each page has an empty
folder of its own, in which its blocks run in their order. Commands of eutonia and programs run in the process that
asks: a start of Python each would cost more than most of them.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parent
#: Kind, name, body of a block, and the body of the ```text block after it.
BLOCK = re.compile(r"^```(console|python|toml) *(\S*)\n(.*?)^```$(?:\n+```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)
# A command of eutonia, and what a shell does with what it prints.
_OURS = re.compile(r"eutonia (.*?)( (?:\|\||\||>) .*)?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# How wide the terminal is that a page shows.
_COLUMNS = "100"
# Numbers of another instruction set may differ in their last digits.
_CLOSE = 0.02


@dataclass(frozen=True)
class Ran:
    """A block: what was given, what the page prints (None where it prints nothing), what came, where that stands."""

    given: str
    printed: str | None
    came: str
    span: tuple[int, int]


def pages() -> list[Path]:
    """Return the pages that hold blocks."""
    return [page for page in sorted(DOCS.rglob("*.md")) if BLOCK.search(page.read_text(encoding="utf-8"))]


def run(page: Path) -> Iterator[Ran]:
    """Run the blocks of a page in their order; folders of parameter sets that they register go with the page."""
    from eutonia.parameters.folders import FOLDERS

    folder, before = Path(tempfile.mkdtemp()), set(FOLDERS)
    shutil.copytree(DOCS.parent / "examples", folder / "examples")
    program: dict[str, object] = {"__name__": "page"}
    try:
        for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
            kind, name, body, printed = block.groups()
            if kind == "toml":
                if name:
                    (folder / name).write_text(body, encoding="utf-8")
            elif kind == "python":
                yield Ran(body, printed, _shown(_printed(body, program, folder), folder), block.span(4))
            else:
                asked = [line[2:] for line in body.splitlines() if line.startswith("$ ")]
                came = "".join(f"$ {line}\n{_of(line, folder)}" for line in asked)
                yield Ran(body, body, came, block.span(3))
    finally:
        for one in set(FOLDERS) - before:
            FOLDERS.remove(one)
        shutil.rmtree(folder)


@contextlib.contextmanager
def _at(folder: Path) -> Iterator[None]:
    """Stand in a folder, before a terminal of a page's width."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = _COLUMNS
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        del os.environ["COLUMNS"]
        if before is not None:
            os.environ["COLUMNS"] = before


def _printed(body: str, program: dict[str, object], folder: Path) -> str:
    said = io.StringIO()
    with _at(folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            exec(compile(body, "page", "exec"), program)
        except Exception:
            traceback.print_exc()
    return said.getvalue()


def _of(line: str, folder: Path) -> str:
    """Return what a line of commands prints; it ends at the first that fails, as in a shell that is told so."""
    came = ""
    for command in line.split("; "):
        ours = _OURS.fullmatch(command)
        said, told, code = ("", "", 0) if ours is None else _called(shlex.split(ours[1]), folder)
        if ours is None or ours[2]:
            said, more, code = _in_a_shell(command if ours is None else f"(cat; exit {code}){ours[2]}", said, folder)
            told += more
        came += said + told
        if code:
            break
    return _shown(came, folder)


def _called(words: list[str], folder: Path) -> tuple[str, str, int]:
    """Return what a command of eutonia prints on screen and beside it, and its exit code."""
    from eutonia import cli

    said, told, code, before = io.StringIO(), io.StringIO(), 0, sys.argv
    sys.argv = ["eutonia", *words]
    try:
        with _at(folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(told):
            cli.main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before
    return said.getvalue(), told.getvalue(), code


def _in_a_shell(command: str, given: str, folder: Path) -> tuple[str, str, int]:
    ended = subprocess.run(
        ["bash", "-ec", command], cwd=folder, input=given, capture_output=True, text=True, timeout=600, check=False
    )
    return ended.stdout, ended.stderr, ended.returncode


def _shown(printed: str, folder: Path) -> str:
    """Return what is printed as a terminal shows it, without the blanks at the ends of lines."""
    text = "\n".join(line.rstrip() for line in printed.replace(str(folder), "~").splitlines())
    return f"{text}\n" if text else ""


def agree(printed: str, came: str) -> bool:
    """Say whether what came is what the page prints: the same words, and numbers alike within their last digits."""
    found = _same_words(printed, came)
    return found is not None and all(
        abs(float(x) - float(y)) <= _CLOSE * abs(float(x)) + 1.001 * 10 ** -len(x.partition(".")[2])
        for x, y in zip(_NUMBER.findall(printed), found, strict=True)
    )


def _same_words(printed: str, came: str) -> tuple[str, ...] | None:
    """Return the numbers that came, one for each that is printed; None where words differ."""
    parts = [part.strip("\n") for part in re.split(r"^\.\.\.\n", printed, flags=re.MULTILINE)]
    found = re.fullmatch(r"\n*" + r"(?:.*\n)*?".join(_pattern(part) + r"\n*" for part in parts), came)
    return None if found is None else found.groups()


def _pattern(text: str) -> str:
    words = [re.escape(word) for word in _NUMBER.split(text)]
    return r"(\d+(?:\.\d+)?)".join(words)


def refresh(page: Path) -> None:
    """Write what comes now into a page; where only numbers differ, lines that it leaves out stay left out."""
    text = page.read_text(encoding="utf-8")
    for one in reversed(list(run(page))):
        if one.printed is not None and not agree(one.printed, one.came):
            text = text[: one.span[0]] + _renewed(one.printed, one.came) + text[one.span[1] :]
    page.write_text(text, encoding="utf-8")


def _renewed(printed: str, came: str) -> str:
    numbers = _same_words(printed, came)
    if numbers is None:
        return came
    left = iter(numbers)
    return _NUMBER.sub(lambda _: next(left), printed)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for chosen in [Path(one).resolve() for one in sys.argv[1:]] or pages():
        refresh(chosen)
        sys.stdout.write(f"{chosen.relative_to(DOCS)}\n")
