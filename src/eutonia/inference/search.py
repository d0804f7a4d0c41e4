"""Where the density of a fit is high: Levenberg-Marquardt from many places, side by side.

Slopes are differences, so that one call of the compiled model holds many places and every shifted number. In
each round every place tries steps from short to long and takes the best.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from eutonia.inference.noise import Noise
from eutonia.inference.posterior import Posterior

Draws = Float[np.ndarray, "number candidate"]

# Numerics of the search: places at first, and those that go on after so many rounds, for a summit may be narrow and
# its foot low. In the first rounds the error of the model is as large as the noise: far off, all is error.
_STARTS, _LEFT, _TRIALS = 136, 34, 4
_ROUNDS, _ROUNDS_EVEN = 16, 6
_SHIFT = 1e-5
_DAMPED = np.geomspace(1e-4, 1e4, 14)
# A round that gains less than this has arrived.
_ARRIVED = 1e-3
# Places so far below the best, in units of log density, are no summits of interest.
_DEPTH = 8.0


def summits(posterior: Posterior, draws: Draws) -> Float[np.ndarray, "number top"]:
    """Return z of the places reached from the best of `draws`, best first, without those far below."""
    at = draws[: posterior.shape]
    height = _height(posterior.noise.even, at, posterior.errors(at))[1]
    at = at[:, np.argsort(-height, kind="stable")[:_STARTS]]
    best, noise = -np.inf, at[:0]
    for turn in range(_ROUNDS):
        own = turn >= _ROUNDS_EVEN
        at, noise, height = _climb(posterior, posterior.noise if own else posterior.noise.even, at)
        if turn == _TRIALS - 1:
            at = at[:, np.argsort(-height, kind="stable")[:_LEFT]]
        if turn > _ROUNDS_EVEN and height.max() - best < _ARRIVED:
            break
        best = height.max()
    order = np.argsort(-height, kind="stable")
    return np.concatenate([at, noise])[:, order[height[order] > height.max() - _DEPTH]]


def _climb(
    posterior: Posterior, noise: Noise, at: Draws
) -> tuple[Draws, Float[np.ndarray, "two candidate"], Float[np.ndarray, " candidate"]]:
    """Take one round uphill; return the places, the noise that suits each, and their height."""
    shape, places = at.shape
    errors, slopes = slopes_at(posterior, at)
    told = noise.products(np.concatenate([slopes, errors[:, None]], axis=1), noise.best(errors)[0])
    uphill = told[:, :-1, -1] - at.T
    curved = np.nan_to_num(told[:, :-1, :-1], posinf=0.0) + np.eye(shape)
    stiff = np.einsum("lii->li", curved)[:, None, :, None] * np.eye(shape)
    damped = curved[:, None] + _DAMPED[:, None, None] * stiff
    steps = np.linalg.solve(damped, np.nan_to_num(uphill, posinf=0.0, neginf=0.0)[:, None, :, None])[..., 0]
    steps = np.concatenate([steps, np.zeros((places, 1, shape))], axis=1)
    flat = (at.T[:, None] + steps).reshape(-1, shape).T
    scales, height = _height(noise, flat, posterior.errors(flat))
    height = height.reshape(places, -1)
    chosen = np.argmax(height, axis=1) + height.shape[1] * np.arange(places)
    return flat[:, chosen], scales[:, chosen], height.reshape(-1)[chosen]


def _height(
    noise: Noise, at: Draws, errors: Float[np.ndarray, "sample candidate"]
) -> tuple[Float[np.ndarray, "two candidate"], Float[np.ndarray, " candidate"]]:
    """Return the noise that suits each place, and its log density with it."""
    scales, height = noise.best(errors)
    return scales, height - 0.5 * (at**2).sum(axis=0)


def slopes_at(
    posterior: Posterior, at: Draws
) -> tuple[Float[np.ndarray, "sample candidate"], Float[np.ndarray, "sample number candidate"]]:
    """Return errors at places, and how the prediction changes with each number there."""
    shape, places = at.shape
    shifts = _SHIFT * np.concatenate([np.zeros((shape, 1)), np.eye(shape)], axis=1)
    candidates = (at[:, None, :] + shifts[:, :, None]).reshape(shape, -1)
    errors = posterior.errors(candidates).reshape(-1, shape + 1, places)
    return errors[:, 0], (errors[:, :1] - errors[:, 1:]) / _SHIFT
