"""Files that ship with the package, and the file that a person means by a path or a name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from eutonia.study import studyfile

_PACKAGE = Path(__file__).resolve().parents[1]


def named(folder: str) -> dict[str, Path]:
    """Return the TOML files that come with the package in a folder, by name; none if there is no such folder."""
    for place in (_PACKAGE / folder, _PACKAGE.parents[1] / folder):
        if found := sorted(place.glob("*.toml")):
            return {path.stem: path for path in found}
    return {}


def masks() -> dict[str, Path]:
    """Return the lesion masks that come with the studies, by the names of their files."""
    for place in (_PACKAGE / "studies", _PACKAGE.parents[1] / "studies"):
        if found := sorted(place.glob("*.nii.gz")):
            return {path.name: path for path in found}
    return {}


def find(given: str, ours: Mapping[str, Path], what: str) -> Path:
    """Return the file that a path or the name of a shipped file means; `what` it is, such as "study"."""
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
