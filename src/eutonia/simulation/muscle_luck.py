"""Luck of each muscle group: ours have one key together, and a group that others bring has its own."""

from __future__ import annotations

import zlib

import jax.numpy as jnp
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
    together = _streams.normal(_streams.keys(seed, purpose, person, visit), len(OURS))
    rows = []
    for place in places:
        if place in OURS:
            rows.append(together[OURS.index(place)])
        else:
            key = zlib.crc32(f"{place.name} {int(visit)}".encode()) >> 1
            rows.append(_streams.normal(_streams.keys(seed, purpose, person, key), 1)[0])
    return jnp.stack(rows)
