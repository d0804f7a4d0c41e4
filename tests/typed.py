"""Types and shapes are checked in the first calls of each function in every file of tests.

Checked at every call, they took half the time of all tests: one function is called a hundred thousand times, and its
last call says no more than the hundredth. A function within a function is made anew at every call of that one, and its
check with it, which takes a millisecond or two.
"""

from __future__ import annotations

import functools
import sys
from collections import Counter
from collections.abc import Callable
from types import CodeType
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype

#: Calls of one function that are checked in a file of tests.
CALLS = 16
#: How often a function within a function is made with its check in a file of tests.
MADE = 2

# A whole number may stand for a decimal one, as PEP 484 and mypy have it: pages of the manual write an age so.
_check = beartype(conf=BeartypeConf(is_pep484_tower=True))
_stopped: list[tuple[Callable[..., Any], list[int]]] = []
_made: Counter[CodeType] = Counter()
_jaxtyped = jaxtyping.jaxtyped


def _seldom(*given: Any, **named: Any) -> Any:
    """Do as `jaxtyping.jaxtyped`; a function within a function that has been made often enough is left as it is."""
    decorate = _jaxtyped(*given, **named)
    if given:
        return decorate

    def decorated(what: Any) -> Any:
        if "<locals>" in getattr(what, "__qualname__", "") and (code := getattr(what, "__code__", None)):
            _made[code] += 1
            if _made[code] > MADE:
                return what
        return decorate(what)

    return decorated


jaxtyping.jaxtyped = _seldom


def checked(signature: Callable[..., Any]) -> Callable[..., Any]:
    """Return a check of what a function is given (and gives back), for `jaxtyping`; it ends after so many calls."""
    calls = [0]

    @functools.cache
    def check() -> Callable[..., Any]:
        return _check(signature)

    def counted(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        if calls[0] == CALLS:
            function = sys._getframe(1).f_locals["fn"]  # jaxtyping's own name of what it is about to call
            function.__no_type_check__ = True
            _stopped.append((function, calls))
        return check()(*args, **kwargs)

    return counted


def begin_again() -> None:
    """Check every function again."""
    for function, calls in _stopped:
        function.__no_type_check__ = False
        calls[0] = 0
    _stopped.clear()
    _made.clear()
