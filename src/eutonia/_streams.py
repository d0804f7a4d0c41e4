"""Luck that belongs to a decision: counter-based random draws keyed on study seed, person, purpose and visit.

The same person has the same luck in every arm, and nobody's luck depends on who else is in the study.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
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
    ADHERENCE = 75


#: Purpose, visit and number of the draws of one decision.
Asked = tuple[Purpose, int | Int[Array, ""], int]
#: The numbers of some people.
Numbers = Int[Array, " n"] | Int[np.ndarray, " n"]
Draw = Callable[..., Array]
# A program that has room for so many keys serves all smaller numbers of them, also of several decisions; then multiples
# of the last. More people than that have programs of their own, of eight sizes between a power of two and the next.
_ROOM = (64, 256, 1024)


@dataclass(frozen=True)
class Keys:
    """One key a person for one decision at one visit, hashed where numbers are drawn."""

    seed: int | Int[Array, ""]
    purpose: Purpose
    person: Numbers
    visit: int | Int[Array, ""] = 0

    def hashed(self) -> Key[Array, " n"]:
        """Return the keys themselves."""
        return _hashed(self.seed, int(self.purpose), self.person, self.visit)


def keys(seed: int | Int[Array, ""], purpose: Purpose, person: Numbers, visit: int | Int[Array, ""] = 0) -> Keys:
    """Return one key a person for one decision at one visit."""
    session.begin()
    if isinstance(seed, int) and not 0 <= seed <= LARGEST_SEED:
        raise SimulationError(f"a seed is a whole number from 0 to {LARGEST_SEED:,}, not {seed}. Choose another.")
    return Keys(seed, purpose, person, visit)


def normal(key: Keys, size: int) -> Float[Array, "size n"]:
    """Return `size` standard normal draws a person (at most 8); patients are the last axis."""
    return jnp.asarray(_drawn(_normals, [key], [size])[0])


def normals(
    seed: int | Int[Array, ""],
    person: Numbers,
    asked: Sequence[Asked],
) -> tuple[Float[Array | np.ndarray, "size n"], ...]:
    """Return for each purpose, visit and size asked what `normal` returns, by as few programs as can be; of NumPy where
    numbers are there.
    """
    sizes = [size for _, _, size in asked]
    return _drawn(_normals, [keys(seed, purpose, person, visit) for purpose, visit, _ in asked], sizes)


def uniform(key: Keys, size: int) -> Float[Array, "size n"]:
    """Return `size` draws a person between 0 and 1 (at most 8); patients are the last axis."""
    return jnp.asarray(_drawn(_uniforms, [key], [size])[0])


def _drawn(draw: Draw, asked: Sequence[Keys], sizes: Sequence[int]) -> tuple[Array | np.ndarray, ...]:
    """Draw for decisions about the same people.

    A draw is hashed from its own place among those of its own key, so that it is the same in a program with room for
    more keys.
    """
    if max(sizes) > DRAWS:
        raise ValueError(
            f"a decision draws at most {DRAWS} numbers, not {max(sizes)}; give the rest a purpose of their own"
        )
    if any(isinstance(one, jax.core.Tracer) for key in asked for one in (key.seed, key.person, key.visit)):
        alone = (draw(key.seed, int(key.purpose), key.person, key.visit) for key in asked)
        return tuple(drawn[:size] for drawn, size in zip(alone, sizes, strict=True))
    kind = jax.dtypes.canonicalize_dtype(float)
    with jax.enable_x64(True):  # the people of a 32-bit run are those of a 64-bit one, to their last digits
        found = tuple(numbers.astype(kind) for numbers in _numbers(draw, asked, sizes))
    if draw is not _uniforms:
        return found
    below = np.nextafter(kind.type(1), kind.type(0))
    return tuple(np.minimum(one, below) for one in found)  # what is just below 1 must not be rounded to it


def _numbers(draw: Draw, asked: Sequence[Keys], sizes: Sequence[int]) -> Iterator[np.ndarray]:
    """Return numbers that are there as NumPy has them: JAX would compile a program for each cut, and take longer."""
    first, purpose, visit = asked[0], [int(key.purpose) for key in asked], [key.visit for key in asked]
    people, wanted = len(first.person), len(first.person) * len(asked)
    if people > _ROOM[-1] and len(asked) > 1:
        # By one program for all of these decisions, which draws no more than is asked.
        yield from map(np.asarray, _together(draw, tuple(sizes), first.seed, purpose, first.person, visit))
    elif people > _ROOM[-1]:
        room = -(-people // (step := 1 << (people.bit_length() - 4))) * step  # an eighth more at most
        who = np.resize(np.asarray(first.person), room)
        yield np.asarray(draw(first.seed, purpose[0], who, visit[0], size=sizes[0]))[:, :people]
    else:
        room = next((room for room in _ROOM if room >= wanted), -(-wanted // _ROOM[-1]) * _ROOM[-1])
        of = np.zeros((3, room), np.int64)
        of[:, :wanted] = (
            np.repeat(purpose, people),
            np.tile(first.person, len(asked)),
            np.repeat([*map(int, visit)], people),
        )
        whole = np.asarray(draw(first.seed, *of))
        yield from (whole[:size, at * people : (at + 1) * people] for at, size in enumerate(sizes))


@jax.jit
def _hashed(
    seed: int | Int[Array, ""],
    purpose: int | Int[Array, "..."],
    person: Any,
    visit: int | Int[Array, "..."],
) -> Key[Array, " n"]:
    root = jax.random.key(seed)

    def of(purpose: int | Int[Array, ""], visit: int | Int[Array, ""], who: Int[Array, ""]) -> Key[Array, ""]:
        return jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(root, purpose), visit), who)

    return jax.vmap(of, (0 if np.ndim(purpose) else None, 0 if np.ndim(visit) else None, 0))(purpose, visit, person)


@partial(jax.jit, static_argnames="size")
def _normals(seed: Any, purpose: Any, person: Any, visit: Any, size: int = DRAWS) -> Float[Array, "draw n"]:
    return jax.vmap(lambda key: jax.random.normal(key, (size,)), out_axes=1)(_hashed(seed, purpose, person, visit))


@partial(jax.jit, static_argnames="size")
def _uniforms(seed: Any, purpose: Any, person: Any, visit: Any, size: int = DRAWS) -> Float[Array, "draw n"]:
    return jax.vmap(lambda key: jax.random.uniform(key, (size,)), out_axes=1)(_hashed(seed, purpose, person, visit))


@partial(jax.jit, static_argnames=("draw", "sizes"))
def _together(
    draw: Draw, sizes: tuple[int, ...], seed: Any, purpose: Sequence[Any], person: Any, visit: Sequence[Any]
) -> list[Array]:
    # The first numbers of a decision are the same however many of them are drawn.
    return [draw(seed, of, person, at, size=size) for of, at, size in zip(purpose, visit, sizes, strict=True)]
