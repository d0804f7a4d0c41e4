"""Luck of each muscle group: ours have one key together, and a group that others bring has its own."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from eutonia import _streams
from eutonia.limb.muscle import OURS, MusclePlace


def muscle_draws(
    places: tuple[MusclePlace, ...],
    seed: int | Int[Array, ""],
    purpose: _streams.Purpose,
    person: Int[Array, " patient"],
    visit: int | Int[Array, ""] = 0,
) -> Float[Array, "muscle patient"]:
    """Return a standard normal draw of each muscle group and person, whichever other groups there are."""
    return jnp.asarray(muscle_rows(places, _streams.normals(seed, person, muscle_asked(places, purpose, visit))))


def muscle_asked(
    places: tuple[MusclePlace, ...], purpose: _streams.Purpose, visit: int | Int[Array, ""] = 0
) -> list[_streams.Asked]:
    """Return what is asked of `_streams.normals` for a draw of each muscle group."""
    together = max((OURS.index(place) + 1 for place in places if place in OURS), default=1)
    others = [zlib.crc32(f"{place.name} {int(visit)}".encode()) >> 1 for place in places if place not in OURS]
    return [(purpose, visit, together), *((purpose, key, 1) for key in others)]


def muscle_rows(
    places: tuple[MusclePlace, ...], drawn: Sequence[Float[Array | np.ndarray, "_ patient"]]
) -> Float[Array | np.ndarray, "muscle patient"]:
    """Return a row for each muscle group of what was drawn for `muscle_asked`."""
    together, *others = drawn
    if places == OURS[: len(together)]:
        return together
    own = iter(others)
    return jnp.stack([together[OURS.index(place)] if place in OURS else next(own)[0] for place in places])
