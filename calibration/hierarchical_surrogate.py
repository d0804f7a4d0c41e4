"""A surrogate of the chain: one Gaussian process a row, with its error on runs that it has not seen.

Equation
    z = L^-1 (x - frozen)           L L' the covariance of the linear posterior: all axes alike
    y = m + slope z + sum over runs of height exp(-|w (z - z_run)|^2 / 2)
    a line by least squares, drawn to the slopes at the centre, so that it goes on as a line where no run is; of what is
    left a Gaussian process with hyperparameters by the marginal likelihood and weak priors. Each run is left out in
    closed form, as of any linear smoother; the root mean square of those errors stands in the likelihood beside the
    row's own. A process with a linear kernel was tried first: it lost its slope beyond the runs, and draws left them.
"""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from scipy.optimize import minimize

_JITTER = 1e-8
#: Strength with which a line keeps to the slopes that the scout found; which of them, runs that are left out tell.
RIDGES = (1e-3, 3.0, 10.0, 30.0, 100.0, 300.0)
#: Runs within so many standard deviations of the centre are the scout's.
BESIDE = 2.5


class Surrogate(eqx.Module):
    """What stands for the chain: weights of all runs for each row, and how far it is off on a run that is left out."""

    centre: Float[Array, " parameter"]
    root: Float[Array, "parameter parameter"]
    runs: Float[Array, "run parameter"]
    middle: Float[Array, " row"]
    slope: Float[Array, "row parameter"]
    height: Float[Array, "row run"]
    narrow: Float[Array, "row parameter"]
    error: Float[Array, " row"]
    share_missed: Float[Array, " row"]
    is_log: Bool[Array, " row"]

    def __call__(self, x: Float[Array, " parameter"]) -> Float[Array, " row"]:
        """Return the predicted rows at a point of the fitting scales."""
        z = jax.scipy.linalg.solve_triangular(self.root, x - self.centre, lower=True)
        near = jnp.exp(-0.5 * jnp.square(self.narrow) @ jnp.square(z - self.runs).T)
        found = self.middle + self.slope @ z + jnp.sum(self.height * near, axis=1)
        return jnp.where(self.is_log, jnp.exp(jnp.where(self.is_log, found, 0.0)), found)


def _kernel(h: Float[Array, " hyper"], z: Float[Array, "run parameter"]) -> Array:
    """Return the covariance of runs with noise; `h` are the logarithms of b, the noise and w."""
    apart = jnp.sum(jnp.square((z[:, None] - z[None]) * jnp.exp(h[2:])), axis=-1)
    return jnp.exp(2 * h[0] - 0.5 * apart) + (jnp.exp(2 * h[1]) + _JITTER) * jnp.eye(len(z))


@jax.jit
def _loss(h: Float[Array, " hyper"], z: Float[Array, "run parameter"], y: Float[Array, " run"]) -> Array:
    """Return minus the logarithm of marginal likelihood and priors."""
    root = jnp.linalg.cholesky(_kernel(h, z))
    half = jax.scipy.linalg.solve_triangular(root, y, lower=True)
    prior = 0.5 * jnp.sum(jnp.square(h[2:] - jnp.log(0.1))) + 0.5 * jnp.sum(jnp.square((h[:2] + 1.0) / 1.5))
    return 0.5 * half @ half + jnp.sum(jnp.log(jnp.diagonal(root))) + prior


_slope: Callable[..., tuple[Array, Array]] = jax.jit(jax.value_and_grad(_loss))


def _fit_row(
    z: Float[np.ndarray, "run parameter"], y: Float[np.ndarray, " run"], local: Float[np.ndarray, " parameter"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return coefficients, height of each run and narrowness of a standardised row, and the error of each run that is
    left out.
    """
    basis = np.column_stack([np.ones(len(z)), z])
    told = np.append(0.0, local)
    far = np.linalg.norm(z, axis=1) > BESIDE

    def smoothed(ridge: float) -> tuple[np.ndarray, np.ndarray, float]:
        project = np.linalg.solve(basis.T @ basis + np.diag([0.0, *np.full(z.shape[1], ridge)]), basis.T)
        line = told + project @ (y - basis @ told)
        missed = (y - basis @ line) / (1.0 - np.diag(basis @ project))
        return line, project, float(np.mean(missed[far] ** 2))

    line, project, _ = min(map(smoothed, RIDGES), key=lambda one: one[2])
    rest = y - basis @ line

    def loss(h: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = _slope(h, z, rest)
        return float(value), np.asarray(slope, dtype=float)

    start = np.array([np.log(0.3), np.log(0.2), *np.full(z.shape[1], np.log(0.1))])
    bounds = [(-4.0, 1.0), (-5.0, 1.0), *[(-5.0, 0.0)] * z.shape[1]]
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 150})
    inverse = np.linalg.inv(np.asarray(_kernel(jnp.asarray(best.x), jnp.asarray(z))))
    # Line and bumps are one linear smoother: what it leaves of a run is its error over one less its own weight.
    bumps = np.eye(len(z)) - np.diag(np.full(len(z), np.exp(2 * best.x[1]) + _JITTER)) @ inverse
    hat = basis @ project
    whole = hat + bumps @ (np.eye(len(z)) - hat)
    left_out = (np.eye(len(z)) - whole) @ (y - basis @ told) / (1.0 - np.diag(whole))
    return line, np.exp(2 * best.x[0]) * (inverse @ rest), np.exp(best.x[2:]), left_out


def fit(
    x: Float[np.ndarray, "run parameter"],
    y: Float[np.ndarray, "run row"],
    centre: Float[np.ndarray, " parameter"],
    covariance: Float[np.ndarray, "parameter parameter"],
    step: float,
    many: Float[np.ndarray, " row"],
    is_log: Bool[np.ndarray, " row"],
) -> Surrogate:
    """Return the surrogate of runs, of which the first are the scout's: the centre, then a `step` along each axis.

    `many` is what many people predict at the centre; of rows that `is_log` the logarithm is learned.
    """
    root = np.linalg.cholesky(covariance)
    z = np.linalg.solve(root, (x - centre).T).T
    known, largest = np.where(is_log, np.log(np.where(is_log, y, 1.0)), y), np.where(is_log, many, 1.0)
    offset = np.where(is_log, np.log(np.where(is_log, many / y[0], 1.0)), many - y[0])
    local = (known[1 : 1 + len(centre)] - known[0]).T / step @ root
    middle, size = known.mean(axis=0), np.maximum(known.std(axis=0), 1e-9)
    parts = [
        _fit_row(z, (known[:, row] - middle[row]) / size[row], local[row] / size[row]) for row in range(y.shape[1])
    ]
    line, height, narrow, left_out = (np.stack([part[k] for part in parts]) for k in range(4))
    # The scout's runs lie beside one another, and say nothing of what is missed between those of the design.
    missed = np.sqrt(np.mean(left_out[:, np.linalg.norm(z, axis=1) > BESIDE] ** 2, axis=1))
    whole = (centre, root, z, middle + offset + line[:, 0] * size, line[:, 1:] * size[:, None])
    numbers = (*whole, height * size[:, None], narrow, missed * size * largest, missed, is_log)
    return Surrogate(*map(jnp.asarray, numbers))
