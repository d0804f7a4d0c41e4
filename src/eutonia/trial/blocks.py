"""Blocks of people of one width, so that a run compiles each program once and every number comes from the same code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from jaxtyping import Int

# Widths are multiples of this: whole vectors of the processor, with no remainder computed by other code.
_MULTIPLE = 64
# Few widths, so that a trial of another size finds its programs compiled: that takes longer than a small trial itself.
_SMALL = (_MULTIPLE, 4 * _MULTIPLE)
_MOST_BLOCKS = 2


def width_for(n_people: int, at_most: int) -> int:
    """Return the width of the blocks for a number of people: 64 or 256 where two such blocks hold them all, else as
    many as asked for; a multiple of 64, and no wider than asked for.
    """
    enough = next((width for width in _SMALL if n_people <= _MOST_BLOCKS * width), at_most)
    return -(-min(enough, at_most) // _MULTIPLE) * _MULTIPLE


def split(people: Int[np.ndarray, " patient"], width: int) -> Iterator[tuple[Int[np.ndarray, " place"], int]]:
    """Yield blocks of `width` people and how many of each are real; the last block is filled up by repeating people."""
    for begin in range(0, len(people), width):
        block = people[begin : begin + width]
        yield np.resize(block, width), len(block)


def apply(function: Callable[..., Any], trees: tuple[Any, ...], n_people: int, width: int) -> Any:
    """Apply a function of trees with patients last, block by block, and join what it returns as NumPy arrays."""
    found = []
    for block, n in split(np.arange(n_people), width):
        parts = jax.tree.map(lambda leaf, block=block: leaf[..., block], trees)
        found.append(jax.tree.map(lambda leaf, n=n: np.asarray(leaf)[..., :n], function(*parts)))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=-1), *found)
