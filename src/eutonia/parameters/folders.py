"""Where parameter sets lie: the folder that ships, and folders that other packages bring.

A folder holds sets, one TOML file each, and `sources.bib`, the papers behind them. What a set is for, its name says:
`oral_AUTHOR_YEAR` is an oral model.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType

from eutonia.errors import ParameterError
from eutonia.registry import Registry, changes

#: Folders of others, by their path; `eutonia.parameters.register` or an entry point adds one.
FOLDERS: Registry[Traversable] = Registry("folder of parameter sets", "eutonia.parameters", (), str)
#: Ours, and the file in it that is read beside the sets and holds no records.
OURS = resources.files("eutonia.parameters").joinpath("data")
NOT_A_SET = frozenset({"products"})
_SUFFIX = ".toml"


def now() -> int:
    """Return how often something of others came or went, these folders among it: what is read is read for this."""
    len(FOLDERS)  # which looks for folders of installed packages
    return changes()


def files() -> Mapping[str, Traversable]:
    """Return the file of every set, by name: ours first.

    Raises
    ------
    ParameterError
        A folder that is none or holds no set, or a set whose name is taken.
    """
    return _files(now())


def sets(of: str = "") -> tuple[str, ...]:
    """Return the names of all sets, sorted, ours and those of others; "oral" are those whose name begins `oral_`."""
    return tuple(sorted(name for name in files() if name.startswith(f"{of}_" if of else "")))


def digests() -> Mapping[str, str]:
    """Return the SHA-256 of the bytes of every set, used or not, by name."""
    return _digests(now())


@functools.lru_cache(maxsize=8)
def _digests(_: int) -> Mapping[str, str]:
    beside = {name: OURS.joinpath(f"{name}.toml") for name in NOT_A_SET}
    every = sorted({**files(), **beside}.items())
    return MappingProxyType({name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in every})


def text_of(file: Traversable) -> str:
    """Return the text of a set or of a sources.bib."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as trouble:
        raise ParameterError(
            f"{file!s:.200} cannot be read: {trouble}. Allowed: a text file in UTF-8. Save it as one."
        ) from trouble


def brought_bibliographies() -> list[Traversable]:
    """Return the sources.bib of the folders that others have brought."""
    found = (folder.joinpath("sources.bib") for folder in FOLDERS.values())
    return [one for one in found if one.is_file()]


def sets_in(folder: Traversable) -> dict[str, Traversable]:
    """Return the files of the sets in a folder, by name, sorted."""
    is_folder = hasattr(folder, "is_dir") and folder.is_dir()
    found = {item.name.removesuffix(_SUFFIX): item for item in folder.iterdir()} if is_folder else {}
    sets = {name: item for name, item in sorted(found.items()) if item.name.endswith(_SUFFIX)}
    if not sets:
        why = "holds no set" if is_folder else "is no folder"
        raise ParameterError(
            f"{folder!s:.200} {why}. Allowed: a folder with parameter sets, one TOML file each, and their sources.bib. "
            'Nearest: Path(__file__).parent / "records". Register that.'
        )
    return sets


@functools.lru_cache(maxsize=8)
def _files(_: int) -> Mapping[str, Traversable]:
    found = sets_in(OURS)
    for folder in FOLDERS.values():
        for name, item in sets_in(folder).items():
            if name in found:
                raise ParameterError(
                    f"{item!s:.200}: there is a parameter set {name} already. Allowed: each name once. Give it another "
                    f"name, such as {name}_2."
                )
            found[name] = item
    return {name: item for name, item in found.items() if name not in NOT_A_SET}
