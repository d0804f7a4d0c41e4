"""Luck inside a segment: an integer hash of person, population, cell and count, the same bits in 32 and 64 bits.

A scan of ten thousand steps cannot afford a cryptographic draw for each cell and step, and need not keep one in memory:
a hash of who asks for the how-manieth time is drawn on the spot, and nobody's luck depends on who else is simulated.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.scipy.special import ndtri
from jaxtyping import Array, Float, Int, UInt

from eutonia import _streams

#: Populations and purposes that draw; a number is never reused.
IA, II, CONTACTS, AFFERENT, PHASE, BACKFIRE, INTERNEURON = range(7)
_STRIDE = 0x9E3779B9  # the golden ratio in 32 bits, which spreads consecutive numbers over the whole range
_BYTES = (0, 8, 16, 24)
_BYTE_MEAN, _BYTE_SPREAD = 510.0, 147.80  # mean and SD of the sum of four bytes: 2 x 255, sqrt((256^2 - 1) / 3)


def hashed(number: UInt[Array, "..."]) -> UInt[Array, "..."]:
    """Return well mixed bits of a 32-bit number (two multiplications, three shifts)."""
    x = number ^ (number >> 16)
    x = x * jnp.uint32(0x7FEB352D)
    x = x ^ (x >> 15)
    x = x * jnp.uint32(0x846CA68B)
    return x ^ (x >> 16)


def cell_keys(
    seed: int, person: Sequence[int] | Int[Array, " patient"], purpose: int, n_cells: int
) -> UInt[Array, "muscle cell patient"]:
    """Return a number of their own for the cells of both muscles of every person."""
    keys = _streams.keys(seed, _streams.Purpose.SEGMENT, jnp.asarray(person)).hashed()
    who = jax.vmap(lambda key: jax.random.bits(key, dtype=jnp.uint32))(keys)
    cell = jnp.arange(2 * n_cells, dtype=jnp.uint32).reshape(2, n_cells, 1)
    return hashed(hashed(who + jnp.uint32(purpose)) + cell * jnp.uint32(_STRIDE))


def counted(key: UInt[Array, "..."], count: UInt[Array, "..."]) -> UInt[Array, "..."]:
    """Return the bits of the so-manieth draw of a key."""
    return hashed(key + count * jnp.uint32(_STRIDE))


def uniform(bits: UInt[Array, "..."]) -> Float[Array, "..."]:
    """Return numbers above 0 and below 1."""
    return (bits >> 8).astype(float) / 2.0**24 + 2.0**-25


def normal(bits: UInt[Array, "..."]) -> Float[Array, "..."]:
    """Return standard normal numbers, exact in distribution; for draws outside the scan."""
    return ndtri(uniform(bits))


def near_normal(bits: UInt[Array, "..."], like: Float[Array, "..."]) -> Float[Array, "..."]:
    """Return numbers of mean 0 and SD 1, never beyond 3.5: the sum of the four bytes; for draws inside the scan."""
    total = sum((bits >> shift) & 0xFF for shift in _BYTES)
    return (jnp.asarray(total).astype(like.dtype) - _BYTE_MEAN) / _BYTE_SPREAD
