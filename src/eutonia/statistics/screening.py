"""Which of many inputs move a result: elementary effects along paths that change one input at a time."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

Points = Float[np.ndarray, "run input"]
#: Places on the range of an input at which a path may stand, and how far a step goes: over half of them.
LEVELS = 4
STEP = LEVELS / (2 * (LEVELS - 1))


@dataclass(frozen=True)
class Paths:
    """Where to run: `points` from 0 to 1, path after path of inputs + 1 points; `moved` is the input of each step."""

    points: Points
    moved: Int[np.ndarray, "path input"]


def paths(inputs: int, count: int, seed: int) -> Paths:
    """Return `count` paths through the unit cube that move every input once, in an order and a direction by chance.

    Morris 1991, Technometrics 33:161-174: four levels, a step of two thirds.
    """
    luck = np.random.Generator(np.random.Philox(key=seed))
    low = luck.integers(0, LEVELS // 2, size=(count, inputs)) / (LEVELS - 1)
    is_up = luck.integers(0, 2, size=(count, inputs)) == 1
    moved = np.stack([luck.permutation(inputs) for _ in range(count)]) if inputs else np.zeros((count, 0), dtype=int)
    # An input stands at its start before its own step, and at its end from there on.
    when = np.argsort(moved, axis=1)[:, None, :]
    has_moved = np.arange(inputs + 1)[None, :, None] > when
    points = np.where(has_moved == is_up[:, None, :], low[:, None, :] + STEP, low[:, None, :])
    return Paths(points.reshape(-1, inputs), moved)


def elementary_effects(
    at: Paths, results: Float[np.ndarray, "run output"]
) -> tuple[Float[np.ndarray, "input output"], Float[np.ndarray, "input output"]]:
    """Return the mean size and the standard deviation of the elementary effects, per whole range of each input.

    Parameters
    ----------
    at
        What `paths` returned.
    results
        What came out at each point, in any unit; the effects are in it. NaN where nothing came out: those steps do not
        count, and where no step of an input does, its effect is NaN.
    """
    count, inputs = at.moved.shape
    points = at.points.reshape(count, inputs + 1, inputs)
    along = np.asarray(results).reshape(count, inputs + 1, -1)
    path, step = np.arange(count)[:, None], np.arange(inputs)[None, :]
    way = points[path, step + 1, at.moved] - points[path, step, at.moved]
    found = np.empty((count, inputs, along.shape[-1]))
    found[path, at.moved] = np.diff(along, axis=1) / way[..., None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of what has no number at all
        return np.nanmean(np.abs(found), axis=0), np.nanstd(found, axis=0, ddof=1)
