"""Luck that belongs to a decision: counter-based random draws keyed on study seed, person, purpose and visit.

The same person has the same luck in every arm, and nobody's luck depends on who else is in the study.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from functools import partial

import jax
from jaxtyping import Array, Float, Int, Key

from eutonia import session
from eutonia._bounds import LARGEST_SEED
from eutonia.errors import SimulationError

# Every decision draws this many numbers and uses the first of them: one compiled program serves all.
DRAWS = 8


class Purpose(enum.IntEnum):
    """What a draw decides. A number is never reused: changing one changes old results."""

    DEMOGRAPHY = 1
    LESION = 2
    BIAS = 3
    MUSCLE = 4
    KINETICS = 5
    RECEPTOR = 6
    RECRUITMENT = 7
    ALLOCATION = 8
    RATER = 9
    REFLEX = 10
    SPASM = 11
    STUDY = 12
    DROPOUT = 13
    PASSIVE = 15
    STRENGTH = 16
    RATER_SEVERITY = 18
    REPORT = 19
    REACTION = 20
    OCCASION = 24
    LEARNING = 27
    EXAMINATION = 30
    SEGMENT = 40
    DEVICE = 45
    FIT = 50
    SCALE = 60
    PAIN = 61
    TRACTS = 70
    PARAMETERS = 71
    TOXIN = 72
    ATTENDANCE = 73
    LEAVING = 74


#: Purpose, visit and number of the draws of one decision.
Asked = tuple[Purpose, int | Int[Array, ""], int]


def keys(
    seed: int | Int[Array, ""], purpose: Purpose, person: Int[Array, " n"], visit: int | Int[Array, ""] = 0
) -> Key[Array, " n"]:
    """Return one key a person for one decision at one visit."""
    _begin(seed)
    return _keys(seed, int(purpose), person, visit)


def _begin(seed: int | Int[Array, ""]) -> None:
    session.begin()
    if isinstance(seed, int) and not 0 <= seed <= LARGEST_SEED:
        raise SimulationError(f"a seed is a whole number from 0 to {LARGEST_SEED:,}, not {seed}. Choose another.")


@jax.jit
def _keys(
    seed: int | Int[Array, ""], purpose: int | Int[Array, ""], person: Int[Array, " n"], visit: int | Int[Array, ""]
) -> Key[Array, " n"]:
    root = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), purpose), visit)
    return jax.vmap(lambda who: jax.random.fold_in(root, who))(person)


def normal(key: Key[Array, " n"], size: int) -> Float[Array, "size n"]:
    """Return `size` standard normal draws a person (at most 8); patients are the last axis."""
    _check(size)
    return _normals(key)[:size]


def normals(
    seed: int | Int[Array, ""],
    person: Int[Array, " n"],
    asked: Sequence[Asked],
) -> tuple[Float[Array, "size n"], ...]:
    """Return for each purpose, visit and size asked what `normal` returns, all by one program."""
    _begin(seed)
    purposes, visits, sizes = zip(*asked, strict=True)
    _check(max(sizes))
    return _many_normals(seed, tuple(map(int, purposes)), person, visits, sizes)


@partial(jax.jit, static_argnames="sizes")
def _many_normals(
    seed: int | Int[Array, ""],
    purposes: tuple[int | Int[Array, ""], ...],
    person: Int[Array, " n"],
    visits: tuple[int | Int[Array, ""], ...],
    sizes: tuple[int, ...],
) -> tuple[Float[Array, "size n"], ...]:
    # A draw is hashed from its own place among those of a key, so that fewer of them are the first of many.
    return tuple(
        jax.vmap(lambda key, size=size: jax.random.normal(key, (size,)), out_axes=1)(
            _keys(seed, purpose, person, visit)
        )
        for purpose, visit, size in zip(purposes, visits, sizes, strict=True)
    )


def uniform(key: Key[Array, " n"], size: int) -> Float[Array, "size n"]:
    """Return `size` draws a person between 0 and 1 (at most 8); patients are the last axis."""
    _check(size)
    return _uniforms(key)[:size]


def _check(size: int) -> None:
    if size > DRAWS:
        raise ValueError(f"a decision draws at most {DRAWS} numbers, not {size}; give the rest a purpose of their own")


@jax.jit
def _normals(key: Key[Array, " n"]) -> Float[Array, "draw n"]:
    return jax.vmap(lambda k: jax.random.normal(k, (DRAWS,)), out_axes=1)(key)


@jax.jit
def _uniforms(key: Key[Array, " n"]) -> Float[Array, "draw n"]:
    return jax.vmap(lambda k: jax.random.uniform(k, (DRAWS,)), out_axes=1)(key)
