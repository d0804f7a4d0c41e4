"""Many fits in one compiled program of one width, so that a fit is the same code alone and among many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np

#: Fits that share one call of the compiled program.
WIDTH = 64
_Found = TypeVar("_Found")


def side_by_side(program: Callable[..., _Found], *given: Any, width: int = WIDTH) -> _Found:
    """Return what a program finds of many fits, as NumPy arrays with the fits first.

    `given` are arrays, or trees of arrays, with the fits first; the last call is filled up with fits that it has.
    """
    n = len(jax.tree.leaves(given)[0])
    parts = []
    for begin in range(0, n, width):
        which = np.resize(np.arange(begin, min(begin + width, n)), width)
        mine = jax.tree.map(lambda leaf, which=which: np.asarray(leaf)[which], given)
        parts.append(jax.tree.map(np.asarray, program(*mine)))
    found: _Found = jax.tree.map(lambda *leaves: np.concatenate(leaves)[:n], *parts)
    return found
