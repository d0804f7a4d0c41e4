"""Errors that a fit does not see: the draws move as they would if what is taken as known were otherwise.

Equation
    z' = z - (J' N^-1 J + I)^-1 J' N^-1 (m - mean m)
where m is by how much the channel of a draw would change, J how it changes with the numbers there, and N the noise. For
a straight line and normal errors, this is the posterior with its known inputs drawn from what they may be.

Assumptions: the channel says nothing on these inputs; the posterior follows a small change of the channel in a line.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from eutonia.inference.posterior import Posterior
from eutonia.inference.priors import NOISE
from eutonia.inference.search import slopes_at

Draws = Float[np.ndarray, "number lane"]


def widened(posterior: Posterior, z: Draws, missed: Float[np.ndarray, "sample lane"]) -> Draws:
    """Return draws that also hold what each missed."""
    shape = posterior.numbers - NOISE
    _, slopes = slopes_at(posterior, z[:shape])
    noise = posterior.noise(z)
    white = posterior.whiten(slopes, *noise)
    change = posterior.whiten((missed - missed.mean(axis=1, keepdims=True))[:, None], *noise)[:, 0]
    told = np.einsum("sil,sjl->lij", white, white, optimize=True) + np.eye(shape)
    moved = np.linalg.solve(told, np.einsum("sil,sl->li", white, change)[:, :, None])[:, :, 0]
    return np.concatenate([z[:shape] - moved.T, z[shape:]])
