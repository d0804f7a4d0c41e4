"""Run every block of a page of the manual and hold what comes against what is printed there.

    python docs/blocks.py [PAGE ...]       writes what comes now under each command (all pages when none is named)

A ```console block holds commands behind "$ " and what they print; a ```python block is run, all of a page in one
program; a ```text block after it holds what it printed. A line "..." stands for any lines. Each page has an empty
folder of its own, in which its blocks run in their order. Commands of eutonia run in one process, which this file
begins with `--commands`: a start of the program each would cost more than most of them.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
#: Kind, name, body of a block, and the body of the ```text block after it.
BLOCK = re.compile(r"^```(console|python|toml) *(\S*)\n(.*?)^```$(?:\n+```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)
# A command of eutonia, and what a shell does with what it prints.
_OURS = re.compile(r"eutonia (.*?)( (?:\|\||\||>) .*)?")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# One program a page: a block a line comes in, what it printed goes out.
_PROGRAM = """
import contextlib, io, json, sys, traceback
page = {"__name__": "__main__"}
for line in sys.stdin:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            exec(compile(json.loads(line), "page", "exec"), page)
        except BaseException:
            traceback.print_exc()
    print(json.dumps(said.getvalue()), flush=True)
"""
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
    """Run the blocks of a page in their order."""
    folder = Path(tempfile.mkdtemp())
    shutil.copytree(DOCS.parent / "examples", folder / "examples")
    program: subprocess.Popen[str] | None = None
    try:
        for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
            kind, name, body, printed = block.groups()
            if kind == "toml":
                if name:
                    (folder / name).write_text(body, encoding="utf-8")
            elif kind == "python":
                program = program or _begun(folder)
                yield Ran(body, printed, _shown(_said(program, body), folder), block.span(4))
            else:
                asked = [line[2:] for line in body.splitlines() if line.startswith("$ ")]
                came = "".join(f"$ {line}\n{_of(line, folder)}" for line in asked)
                yield Ran(body, body, came, block.span(3))
    finally:
        if program is not None:
            program.kill()
            program.communicate()
        shutil.rmtree(folder)


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "COLUMNS": "100", "PATH": path, "PYTHONWARNINGS": "ignore"}


def _begun(folder: Path) -> subprocess.Popen[str]:
    command, pipe = [sys.executable, "-c", _PROGRAM], subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, env=_environment(), stdin=pipe, stdout=pipe, text=True)


def _said(program: subprocess.Popen[str], asked: object) -> Any:
    """Return what a program answers to one question, both of one line."""
    assert program.stdin is not None
    assert program.stdout is not None
    program.stdin.write(json.dumps(asked) + "\n")
    program.stdin.flush()
    return json.loads(program.stdout.readline())


@functools.cache
def _commands() -> subprocess.Popen[str]:
    """Return the process that runs commands until this one ends."""
    command, pipe = [sys.executable, __file__, "--commands"], subprocess.PIPE
    program = subprocess.Popen(command, env=_environment(), stdin=pipe, stdout=pipe, text=True)
    atexit.register(program.communicate)
    return program


def _of(line: str, folder: Path) -> str:
    """Return what a line of commands prints; it ends at the first that fails, as in a shell that is told so."""
    came = ""
    for command in line.split("; "):
        ours = _OURS.fullmatch(command)
        said, told, code = ("", "", 0) if ours is None else _said(_commands(), [shlex.split(ours[1]), str(folder)])
        if ours is None or ours[2]:
            said, more, code = _in_a_shell(command if ours is None else f"(cat; exit {code}){ours[2]}", said, folder)
            told += more
        came += said + told
        if code:
            break
    return _shown(came, folder)


def _called(words: list[str], folder: str) -> tuple[str, str, int]:
    """Return what a command of eutonia prints on screen and beside it, and its exit code."""
    from eutonia import cli

    said, told, code = io.StringIO(), io.StringIO(), 0
    sys.argv = ["eutonia", *words]
    with contextlib.chdir(folder), contextlib.redirect_stdout(said), contextlib.redirect_stderr(told):
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
    return said.getvalue(), told.getvalue(), code


def _in_a_shell(command: str, given: str, folder: Path) -> tuple[str, str, int]:
    ended = subprocess.run(
        ["bash", "-ec", command], cwd=folder, env=_environment(), input=given, capture_output=True, text=True,
        timeout=600, check=False,
    )  # fmt: skip
    return ended.stdout, ended.stderr, ended.returncode


def _shown(printed: str, folder: Path) -> str:
    """Return what is printed as a terminal of 100 columns shows it, without the blanks at the ends of lines."""
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


if sys.argv[1:] == ["--commands"] and __name__ == "__main__":
    for asked in sys.stdin:
        sys.stdout.write(json.dumps(_called(*json.loads(asked))) + "\n")
        sys.stdout.flush()
elif __name__ == "__main__":
    for chosen in [Path(one).resolve() for one in sys.argv[1:]] or pages():
        refresh(chosen)
        sys.stdout.write(f"{chosen.relative_to(DOCS)}\n")
