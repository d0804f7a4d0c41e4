"""What can be named in a study and may come from anywhere: from our own files, another package, or a script.

A registry is a mapping from name to thing. What ships is listed where the registry is made, in the order in which it is
shown; an installed package offers more by entry points of the registry's group; a script calls `register`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any, Generic, TypeVar

from eutonia.errors import StudyError

Thing = TypeVar("Thing")
AnyThing = TypeVar("AnyThing")


_changes = 0


def changes() -> int:
    """Return how often a thing came or went, in any registry; what is made of all of them is made anew after each."""
    return _changes


class Registry(Mapping[str, Thing], Generic[Thing]):
    """Things by name: what ships first, then what packages offer, then what a script registers.

    Parameters
    ----------
    what
        What the things are, in words: "scale".
    group
        Group of entry points under which an installed package offers more: "eutonia.scales".
    ours
        Where what ships is found, as an entry point says it: "package.module:name". Imported when first asked for.
    name_of
        The name of a thing.
    """

    def __init__(self, what: str, group: str, ours: Sequence[str], name_of: Callable[[Thing], str]) -> None:
        self._what, self._group, self._ours, self._name_of = what, group, tuple(ours), name_of
        self._found: dict[str, Thing] = {}
        self._is_loaded = self._is_loading = False
        self._lock = threading.RLock()

    def register(self, thing: AnyThing) -> AnyThing:
        """Add a thing under its name and return it, so that this serves as a decorator too.

        Raises
        ------
        StudyError
            Another thing has this name.
        """
        self._load()
        return self._add(thing)

    def remove(self, name: str) -> None:
        """Take a thing out again, as a test does that has put it in."""
        if self._found.pop(name, None) is not None:
            _changed()

    def __getitem__(self, name: str) -> Thing:
        """Return a thing by name."""
        self._load()
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in order."""
        self._load()
        return iter(tuple(self._found))

    def __len__(self) -> int:
        """Return how many there are."""
        self._load()
        return len(self._found)

    def _add(self, thing: AnyThing) -> AnyThing:
        try:
            name = self._name_of(thing)  # type: ignore[arg-type]
        except (AttributeError, LookupError, TypeError) as trouble:
            raise StudyError(
                f"{thing!r:.60}, of {_home(thing)}, is no {self._what}: {trouble}. Allowed: what the group "
                f"{self._group} is of; see the table in ARCHITECTURE.md. Register that."
            ) from trouble
        if name not in self._found:
            _changed()
        elif self._found[name] != thing:
            raise StudyError(
                f'there is a {self._what} "{name}" already, of {_home(self._found[name])}. Allowed: each name once. '
                f"Give that of {_home(thing)} another name."
            )
        self._found[name] = thing  # type: ignore[assignment]
        return thing

    def _load(self) -> None:
        """Import what ships, then what installed packages offer; once. A module that is imported here may register."""
        if self._is_loaded:
            return
        with self._lock:
            if self._is_loaded or self._is_loading:  # type: ignore[redundant-expr]  # another thread may have come first
                return
            self._is_loading = True
            try:
                ours = [metadata.EntryPoint(where, where, self._group) for where in self._ours]
                offered = sorted(metadata.entry_points(group=self._group), key=lambda point: point.name)
                self._found |= {self._name_of(thing): thing for thing in map(self._read, ours)}
                for point in offered:
                    self._add(self._read(point))
                self._is_loaded = True
            finally:
                self._is_loading = False

    def _read(self, point: Any) -> Thing:
        # An entry point of importlib.metadata, or of its backport where some package has put that in its place.
        try:
            return point.load()
        except (ImportError, AttributeError) as error:
            raise StudyError(
                f'the {self._what} "{point.name}" of an installed package cannot be loaded: {error}. Allowed: a module '
                f"and a name in it, and {point.value} is none. Mend that package, or uninstall it."
            ) from error


def _changed() -> None:
    global _changes
    _changes += 1


def _home(thing: object) -> str:
    """Return where a thing is from."""
    return str(getattr(thing, "__module__", type(thing).__module__))
