"""What the arguments of public functions may be: another type is refused by name, before anything is done with it."""

from __future__ import annotations

import functools
import inspect
import numbers
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from eutonia.errors import ArgumentError, SimulationError, unknown

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Kind:
    """What an argument may be: in words, an example of it, and the test."""

    words: str
    example: str
    holds: Callable[[Any], bool]

    def or_none(self) -> Kind:
        """Return the same kind where nothing may be given, too."""
        return Kind(f"{self.words}, or None", self.example, lambda given: given is None or self.holds(given))


def instance(words: str, example: str, *types: type) -> Kind:
    """Return the kind of what is an instance of one of these types."""
    return Kind(words, example, lambda given: isinstance(given, types))


def _is_number(given: object) -> bool:
    return isinstance(given, numbers.Real) and not isinstance(given, bool)


def _is_numeric(given: Any) -> bool:
    return _is_number(given) or getattr(getattr(given, "dtype", None), "kind", "") in tuple("fiu")


def _are_whole(given: Any) -> bool:
    if hasattr(given, "dtype"):
        return given.dtype.kind in "iu"
    return isinstance(given, list | tuple | range) and all(WHOLE.holds(one) for one in given)


TEXT = instance("a text", 'a text in quotation marks, "..."', str)
PATH = instance("a path, as text or pathlib.Path", '"results/mine"', str, os.PathLike)
CALL = Kind("a function of a stage and a share", "lambda stage, share: None", callable)
NUMBER = Kind("a number", "1.5", _is_number)
WHOLE = Kind("a whole number", "1", lambda given: isinstance(given, numbers.Integral) and not isinstance(given, bool))
PEOPLE = Kind("whole numbers, one a person", "range(100)", _are_whole)
NUMBERS = Kind("a number, or an array of numbers with one a person", "1.5", _is_numeric)


def expect(what: str, given: object, kind: Kind) -> None:
    """Refuse what is not of the kind, in four parts.

    Raises
    ------
    ArgumentError
        It is of another type.
    """
    if not kind.holds(given):
        raise ArgumentError(
            f"{what} is {given!r:.60} ({type(given).__name__}). Allowed: {kind.words}. Nearest: {kind.example}. "
            "Give that."
        )


def one_of(what: str, given: object, allowed: Iterable[str], do: str) -> None:
    """Refuse what is none of these words, whatever its type.

    Raises
    ------
    SimulationError
        It is none of them.
    """
    words = tuple(allowed)
    if not isinstance(given, str) or given not in words:
        raise SimulationError(unknown(what, given, words, do))


def accepts(**kinds: Kind) -> Callable[[Callable[_Given, _Found]], Callable[_Given, _Found]]:
    """Check the named arguments of a public function before anything is done with them; what is left out passes."""

    def decorate(function: Callable[_Given, _Found]) -> Callable[_Given, _Found]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*given: _Given.args, **named: _Given.kwargs) -> _Found:
            for name, value in signature.bind(*given, **named).arguments.items():
                if name in kinds:
                    expect(f"{function.__qualname__}: {name}", value, kinds[name])
            return function(*given, **named)

        return checked

    return decorate
