"""Errors that a fit does not see: the draws move as they would if what is taken as known were otherwise.

Equation
    z' = z - C J' N^-1 (m - mean m) ;  C = covariance of the draws ;  J = slopes at their mean ;  N = noise
where m is by how much the channel of each draw would change. For a straight line and normal errors, this is the spread
of the posterior with its known inputs drawn from what they may be.

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
    centre = z.mean(axis=1, keepdims=True)
    _, slopes = slopes_at(posterior, centre[:shape])
    noise = posterior.noise(centre)
    white = posterior.whiten(slopes, *noise)[:, :, 0]
    change = posterior.whiten((missed - missed.mean(axis=1, keepdims=True))[:, :, None], *noise)[:, :, 0]
    moved = np.cov(z[:shape]) @ (white.T @ change)
    return np.concatenate([z[:shape] - moved, z[shape:]])
