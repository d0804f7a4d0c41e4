"""Luck inside a segment: an integer hash of person, population, cell and count, the same bits in 32 and 64 bits.

A scan of ten thousand steps cannot afford a cryptographic draw for each cell and step, and need not keep one in memory:
a hash of who asks for the how-manieth time is drawn on the spot, and nobody's luck depends on who else is simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, UInt
from scipy.special import ndtri

from eutonia import _streams

#: Populations and purposes that draw; a number is never reused.
IA, II, CONTACTS, AFFERENT, PHASE, BACKFIRE, INTERNEURON = range(7)
_STRIDE = 0x9E3779B9  # the golden ratio in 32 bits, which spreads consecutive numbers over the whole range
_BYTES = (0, 8, 16, 24)
_BYTE_MEAN, _BYTE_SPREAD = 510.0, 147.80  # mean and SD of the sum of four bytes: 2 x 255, sqrt((256^2 - 1) / 3)
# Of NumPy where they are there: JAX would compile a program for each step of the hash. Of JAX inside the scan.
Bits = TypeVar("Bits", UInt[np.ndarray, "..."], UInt[Array, "..."])


def hashed(number: Bits) -> Bits:
    """Return well mixed bits of a 32-bit number (two multiplications, three shifts)."""
    x = number ^ (number >> 16)
    x = x * np.uint32(0x7FEB352D)
    x = x ^ (x >> 15)
    x = x * np.uint32(0x846CA68B)
    return x ^ (x >> 16)


def of_people(seed: int, person: Sequence[int] | Int[Array, " patient"]) -> UInt[np.ndarray, " patient"]:
    """Return a number of their own for every person."""
    return np.asarray(_bits(_streams.keys(seed, _streams.Purpose.SEGMENT, jnp.asarray(person)).hashed()))


@jax.jit
def _bits(keys: Key[Array, " patient"]) -> UInt[Array, " patient"]:
    return jax.vmap(lambda key: jax.random.bits(key, dtype=jnp.uint32))(keys)


def cell_keys(who: UInt[np.ndarray, " patient"], purpose: int, n_cells: int) -> UInt[np.ndarray, "muscle cell patient"]:
    """Return a number of their own for the cells of both muscles of every person."""
    cell = np.arange(2 * n_cells, dtype=np.uint32).reshape(2, n_cells, 1)
    return hashed(hashed(who + np.uint32(purpose)) + cell * np.uint32(_STRIDE))


def counted(key: Bits, count: Bits) -> Bits:
    """Return the bits of the so-manieth draw of a key."""
    return hashed(key + count * np.uint32(_STRIDE))


def uniform(bits: Bits) -> Any:
    """Return numbers above 0 and below 1."""
    return (bits >> 8).astype(float) / 2.0**24 + 2.0**-25


def normal(key: UInt[np.ndarray, "..."], count: int) -> Float[np.ndarray, "..."]:
    """Return the so-manieth draw of a key, standard normal, exact in distribution; for draws outside the scan."""
    return ndtri(uniform(counted(key, np.full_like(key, count))))


def near_normal(bits: UInt[Array, "..."], like: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return numbers of mean 0 and SD 1, never beyond 3.5: the sum of the four bytes; for draws inside the scan."""
    total = sum((bits >> shift) & 0xFF for shift in _BYTES)
    return (jnp.asarray(total).astype(like.dtype) - _BYTE_MEAN) / _BYTE_SPREAD
