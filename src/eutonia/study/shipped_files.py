"""Files that ship with the package, and the file that a person means by a path or a name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import MappingProxyType

from eutonia.errors import nearest
from eutonia.study import studyfile

_PACKAGE = Path(__file__).resolve().parents[1]
_NONE: Mapping[str, Path] = MappingProxyType({})
_TEXT_ALONE: ContextVar[Mapping[str, Path] | None] = ContextVar("_TEXT_ALONE", default=None)


@contextmanager
def text_alone(own: Mapping[str, Path] = _NONE) -> Iterator[None]:
    """Let what is read in this block name no file but one that ships, or that came with it: a study that came as text,
    from anybody. `own` are the files that came with it, by the names that it may use.
    """
    before = _TEXT_ALONE.set(own)
    try:
        yield
    finally:
        _TEXT_ALONE.reset(before)


def _own(ending: str) -> dict[str, Path]:
    """Return the files that came with a text, of one kind."""
    return {name: path for name, path in (_TEXT_ALONE.get() or _NONE).items() if ending in name}


def not_here(value: str, ours: Mapping[str, Path], what: str) -> studyfile.Problem | None:
    """Return the fault of a name of no file that ships where only those may be named, without a look at the disk."""
    if _TEXT_ALONE.get() is None or value in ours:
        return None
    why = f"A study that is given as text can name no file of its own, and no {what} that ships has this name."
    allowed, do = f"on a server: {', '.join(ours)}", "Write one of them, or use the command eutonia with your file."
    return studyfile.Problem((), why, value, allowed, tuple(nearest(value, ours)), do=do)


def place_of(value: str, folder: Path | None, ours: Mapping[str, Path]) -> Path | None:
    """Return the file that a name means, or None where it leads out of the study's folder, by links or by dots."""
    parts = {*PurePosixPath(value).parts, *PureWindowsPath(value).parts}
    if ".." in parts or PurePosixPath(value).is_absolute() or PureWindowsPath(value).drive or value.startswith("\\"):
        return None
    if folder is not None:
        beside = Path(folder) / value
        if os.path.lexists(beside):
            home, real = os.path.realpath(folder), os.path.realpath(beside)  # which no loop of links breaks
            return beside if Path(real).is_relative_to(home) else None
    return ours.get(value, Path(value).absolute() if folder is None else Path(folder) / value)


def tables() -> dict[str, Path]:
    """Return the tables of people that came with a text; none ships."""
    return _own(".csv")


def named(folder: str) -> dict[str, Path]:
    """Return the TOML files that come with the package in a folder, by name; none if there is no such folder."""
    for place in (_PACKAGE / folder, _PACKAGE.parents[1] / folder):
        if found := sorted(place.glob("*.toml")):
            return {path.stem: path for path in found}
    return {}


def programs() -> dict[str, Path]:
    """Return the pump programs that come with the package, and those that came with a text."""
    return named("programs") | _own(".toml")


def masks() -> dict[str, Path]:
    """Return the lesion masks that come with the studies or with a text, by the names of their files."""
    for place in (_PACKAGE / "studies", _PACKAGE.parents[1] / "studies"):
        if found := sorted(place.glob("*.nii.gz")):
            return {path.name: path for path in found} | _own(".nii")
    return _own(".nii")


def find(given: str, ours: Mapping[str, Path], what: str) -> Path:
    """Return the file that a path or the name of a shipped file means; `what` it is, such as "study"."""
    if _TEXT_ALONE.get() is not None and given in ours:  # not a file of that name where the server happens to stand
        return ours[given]
    path = Path(given)
    try:
        if path.exists() and not (path.is_dir() and given in ours):
            return path
    except (OSError, ValueError):
        do = f"Name a {what} file, or a {what} that ships."
        raise studyfile.whole(studyfile.show(given), "No file can have such a name.", do=do) from None
    if given in ours:
        return ours[given]
    close = studyfile.near_file(given, path.parent, tuple(ours))
    do = f"Name {close[0]} if that is meant." if close else f"Check the path, or name a {what} that ships."
    allowed = f"a path, or a {what} that ships: {', '.join(ours) or 'none found'}"
    raise studyfile.whole(given, "There is no such file.", f'"{given}"', allowed, close, do)
