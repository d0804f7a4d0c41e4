"""How near the threads of the pathways come to balls, many of both at once: most of the time of a pool of lesions."""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from eutonia import session

# Of one program: balls (or a multiple), groups of points of a thread, points of a group. Few enough that what it fills
# stays near the processor.
_BALLS, _GROUPS, _GROUP = 64, 512, 8


class Balls(NamedTuple):
    """Balls in brains of some sizes, mm: the distances of points of the average brain count `size` times."""

    centre: Float[np.ndarray, "axis ball"]
    radius: Float[np.ndarray, " ball"]
    size: Float[np.ndarray, " ball"]


def least_squared(
    points: Float[np.ndarray, "axis point"],
    starts: Int[np.ndarray, " thread"],
    bound: Float[np.ndarray, " point"],
    balls: Balls,
) -> Float[np.ndarray, "thread ball"]:
    """Return the least squared distance, mm2, of the points of each thread from the centres of balls.

    `starts` says where each thread begins. A point that lies by `bound` (mm, negative inside) from what the balls are
    parts of is at least so far away that the part ends there.
    """
    session.begin()
    n, count = len(balls.radius), np.diff(np.append(starts, points.shape[1]))
    groups = -(-count // _GROUP)
    begins = np.cumsum(groups) - groups
    # Each thread is filled up to whole groups by its last point, the groups to whole programs, the balls to one.
    nth = _GROUP * (np.arange(groups.sum()) - np.repeat(begins, groups))
    some = np.repeat(starts, groups) + np.minimum(nth + np.arange(_GROUP)[:, None], np.repeat(count - 1, groups))
    lots = np.resize(np.arange(groups.sum()), (-(-groups.sum() // _GROUPS), _GROUPS))
    filled_up = Balls(*(one[..., np.resize(np.arange(n), -(-n // _BALLS) * _BALLS)] for one in balls))
    with jax.enable_x64(True):  # the lesions of a 32-bit run are those of a 64-bit one
        parts = [np.asarray(_squared(points[:, lot], bound[lot], *filled_up)) for lot in some[:, lots].swapaxes(0, 1)]
    return np.minimum.reduceat(np.concatenate(parts)[: groups.sum(), :n], begins, axis=0)


@jax.jit
def _squared(points: Array, bound: Array, centre: Array, radius: Array, size: Array) -> Float[Array, "group ball"]:
    """Return the least squared distance of each group of points."""
    least = []
    for nth in range(_GROUP):
        lateral, anterior, height = (at[:, None] - of_ball for at, of_ball in zip(points[:, nth], centre, strict=True))
        at_bound = jnp.maximum((bound[nth, :, None] + radius) / size, 0.0)
        least.append(jnp.maximum(lateral * lateral + anterior * anterior + height * height, at_bound * at_bound))
    return functools.reduce(jnp.minimum, least)
