"""Studies and pump programs to start from: the text of one that ships, and a copy under a name of one's own."""

from __future__ import annotations

import os
import re
from pathlib import Path

from eutonia import _writing
from eutonia.errors import StudyError, unknown
from eutonia.exchange import kinds
from eutonia.study import design, pump_file

#: What may be begun, and what it is copied from where nothing else is named.
STARTS = {"trial": "parallel_tablets", "case": "case_ischaemic_tablets", "pump": "first_pump"}
_NAME = re.compile(r'^name = "[^"\n]*"', re.MULTILINE)


def text_of(name: str) -> str:
    """Return the text of a study or a pump program that ships.

    Raises
    ------
    StudyError
        Nothing of that name ships.
    """
    return _shipped(name).read_text(encoding="utf-8")


def begin(kind: str, file: str | os.PathLike[str], like: str | None = None) -> Path:
    """Write a copy of one that ships, named like the file, and return the file.

    Parameters
    ----------
    kind
        "trial", "case" or "pump".
    file
        A new .toml file; its stem becomes the name.
    like
        What is copied; left out, a short one of that kind.

    Raises
    ------
    StudyError
        No such kind, nothing of that name, another kind, a file that exists, or a stem that is no name.
    EutoniaError
        The file cannot be written.
    """
    if kind not in STARTS:
        raise StudyError(unknown("kind", kind, STARTS, "Choose one of them."))
    source = text_of(like or STARTS[kind])
    if like is not None and (given := kind_of_text(source, like)) != kind:
        raise StudyError(
            f'"{like}" is a {given}, not a {kind}. Allowed: {_of_kind(kind)}. Nearest: eutonia new {given} '
            f"--like {like}. Write that, or another name."
        )
    target = _new(file)
    text = _NAME.sub(lambda _: f'name = "{target.stem}"', source, count=1)
    kind_of_text(text, target.name)
    return _writing.write_file(target, lambda draft: draft.write_text(text, encoding="utf-8"))


def kind_of_text(text: str, name: str) -> str:
    """Return what a valid study or pump program is: "trial", "case" or "pump"; raise what `eutonia check` raises."""
    if kinds.of_text(text, "study") == "program":  # a case has a table [therapy], too
        pump_file.parse_therapy(text, name)
        return "pump"
    return design.parse_study(text, name).kind


def _shipped(name: str) -> Path:
    ours = design.shipped() | pump_file.shipped()
    if name not in ours:
        raise StudyError(unknown("study or pump program that ships", name, ours, "Name one of them."))
    return ours[name]


def _of_kind(kind: str) -> str:
    if kind == "pump":
        return ", ".join(pump_file.shipped())
    return ", ".join(name for name in design.shipped() if design.load_study(name).kind == kind)


def _new(file: str | os.PathLike[str]) -> Path:
    """Return the path of a file that is not there yet."""
    given = Path(file)
    target = given if given.suffix == ".toml" else given.with_name(f"{given.name}.toml")
    if target.exists():
        raise StudyError(
            f'"{target}" exists, and a copy would replace it. Allowed: a new file. Nearest: '
            f'"{target.with_stem(target.stem + "_2")}". Choose another name, or remove the file.'
        )
    return _writing.check_file(target)
