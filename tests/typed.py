"""Types and shapes are checked in the first calls of each function in every file of tests.

Checked at every call, they took half the time of all tests: one function is called a hundred thousand times, and its
last call says no more than the hundredth.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from beartype import beartype

#: Calls of one function that are checked in a file of tests.
CALLS = 16

_stopped: list[tuple[Callable[..., Any], list[int]]] = []


def checked(signature: Callable[..., Any]) -> Callable[..., Any]:
    """Return a check of what a function is given (and gives back), for `jaxtyping`; it ends after so many calls."""
    calls = [0]

    @functools.cache
    def check() -> Callable[..., Any]:
        return beartype(signature)

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
