"""Programs that serve every draw of the numbers: what a record says is an argument, not a constant."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import equinox as eqx
import jax
import numpy as np

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` compiled once for all numbers of one shape; whole numbers and words are settings of it.

    `equinox.filter_jit` alone takes a plain number for a setting, and compiles anew for each override of a record.
    """
    program = eqx.filter_jit(function)

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        places, named = jax.tree.map(lambda x: np.asarray(x) if isinstance(x, float) else x, (args, kwargs))
        found: R = program(*places, **named)
        return found

    return called
