"""Where the density of a fit is highest: Levenberg-Marquardt from many starts, side by side.

Starts are the best of many draws from the prior. Slopes are central differences: one call of the model holds every
start and every shifted number. In each round every start tries steps from short to long and takes the best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from eutonia.inference.forward import LANES
from eutonia.inference.posterior import Posterior
from eutonia.inference.priors import NOISE

Draws = Float[np.ndarray, "number lane"]

# Numerics of the search. The first rounds take neighbouring errors as independent: far from the recording all are alike.
_ROUNDS, _ROUNDS_WITHOUT_LIKENESS = 14, 6
_SHIFT = 1e-4
_LONGEST, _SHORTEST = 1e-4, 1e5
# Modes that lie so far below the best, in units of log density, are dropped; nearer than one standard deviation of the
# best they are the same.
_DEPTH, _APART, _MOST_MODES = 8.0, 1.5, 4
# A round that gains less than this has arrived.
_ARRIVED = 1e-3


@dataclass(frozen=True)
class Mode:
    """A summit of the density: its place, height, and the covariance that the curvature there gives."""

    z: Float[np.ndarray, " number"]
    height: float
    covariance: Float[np.ndarray, "number number"]


def search(posterior: Posterior, draws: Draws) -> list[Mode]:
    """Return the summits found from the best of `draws` (z of candidates), highest first."""
    shape = posterior.numbers - NOISE
    starts = LANES // (2 * shape + 1)
    tries = LANES // starts
    errors = posterior.errors(draws)
    noise = posterior.best_noise(errors, alike=False)
    height = posterior.density_of(errors, np.concatenate([draws[:shape], noise]))
    at = draws[:shape, np.argsort(-height, kind="stable")[:starts]]
    best = np.full(starts, -np.inf)
    for turn in range(_ROUNDS):
        alike = turn >= _ROUNDS_WITHOUT_LIKENESS
        here, slopes = _slopes(posterior, at)
        z = np.concatenate([at, posterior.best_noise(here, alike=alike)])
        steps = np.stack(
            [_steps(posterior, here[:, k], slopes[:, :, k], z[:, k], tries) for k in range(starts)], axis=1
        )
        tried = at[:, :, None] + steps
        flat = tried.reshape(shape, -1)
        errors = posterior.errors(flat)
        noise = posterior.best_noise(errors, alike=alike)
        height = posterior.density_of(errors, np.concatenate([flat, noise])).reshape(starts, tries)
        chosen = np.argmax(height, axis=1)
        at = np.take_along_axis(tried, chosen[None, :, None], axis=2)[:, :, 0]
        found = np.take_along_axis(height, chosen[:, None], axis=1)[:, 0]
        if turn > _ROUNDS_WITHOUT_LIKENESS and found.max() - best.max() < _ARRIVED:
            break
        best = found
    return _modes(posterior, at)


def _slopes(
    posterior: Posterior, at: Draws
) -> tuple[Float[np.ndarray, "sample start"], Float[np.ndarray, "sample number start"]]:
    """Return errors at the starts, and how the prediction changes with each number there."""
    shape, starts = at.shape
    shifts = _SHIFT * np.concatenate([np.zeros((shape, 1)), np.eye(shape), -np.eye(shape)], axis=1)
    lanes = (at[:, None, :] + shifts[:, :, None]).reshape(shape, -1)
    errors = posterior.errors(lanes).reshape(-1, 2 * shape + 1, starts)
    return errors[:, 0], (errors[:, shape + 1 :] - errors[:, 1 : shape + 1]) / (2.0 * _SHIFT)


def _curvature(
    posterior: Posterior, slopes: Float[np.ndarray, "sample number"], z: Float[np.ndarray, " number"]
) -> tuple[Float[np.ndarray, "sample number"], Float[np.ndarray, "number number"]]:
    spread, alike = (float(part) for part in posterior.noise(z))
    white = posterior.whiten(slopes, spread, alike)
    return white, white.T @ white + np.eye(slopes.shape[1])


def _steps(
    posterior: Posterior,
    errors: Float[np.ndarray, " sample"],
    slopes: Float[np.ndarray, "sample number"],
    z: Float[np.ndarray, " number"],
    tries: int,
) -> Float[np.ndarray, "number try"]:
    """Return steps uphill from long (Gauss-Newton) to none."""
    shape = slopes.shape[1]
    if not (np.isfinite(errors).all() and np.isfinite(slopes).all()):
        return np.zeros((shape, tries))
    white, curved = _curvature(posterior, slopes, z)
    spread, alike = (float(part) for part in posterior.noise(z))
    uphill = white.T @ posterior.whiten(errors[:, None], spread, alike)[:, 0] - z[:shape]
    damped = np.geomspace(_LONGEST, _SHORTEST, tries - 1)
    steps = [np.linalg.solve(curved + by * np.diag(np.diag(curved)), uphill) for by in damped]
    return np.stack([*steps, np.zeros(shape)], axis=1)


def _modes(posterior: Posterior, at: Draws) -> list[Mode]:
    """Return the distinct summits among the places reached, each with its covariance."""
    errors, slopes = _slopes(posterior, at)
    z = np.concatenate([at, posterior.best_noise(errors)])
    height = posterior.density_of(errors, z)
    out: list[Mode] = []
    for k in np.argsort(-height, kind="stable"):
        if not np.isfinite(height[k]) or (out and height[k] < out[0].height - _DEPTH) or len(out) == _MOST_MODES:
            break
        _, curved = _curvature(posterior, slopes[:, :, k], z[:, k])
        away = [at[:, k] - mode.z[: len(at)] for mode in out]
        if any(gap @ curved @ gap < _APART**2 * len(gap) for gap in away):
            continue
        out.append(Mode(z[:, k], float(height[k]), _covariance(posterior, curved, z[:, k])))
    return out


def _covariance(
    posterior: Posterior, curved: Float[np.ndarray, "number number"], z: Float[np.ndarray, " number"]
) -> Float[np.ndarray, "number number"]:
    """Join the covariance of the limb with that of the noise, which large-sample theory gives."""
    n, shape = posterior.recorded.size, len(curved)
    spread, likeness = posterior.model.priors.each[-NOISE:]
    alike = float(posterior.noise(z)[1])
    out = np.zeros((shape + NOISE, shape + NOISE))
    out[:shape, :shape] = np.linalg.inv(curved)
    out[-2, -2] = 1.0 / (1.0 + 2.0 * n * spread.spread**2 * (1.0 - alike**2) / (1.0 + alike**2))
    out[-1, -1] = 1.0 / (1.0 + n * (1.0 - alike**2) * likeness.spread**2)
    return out
