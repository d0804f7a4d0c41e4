"""Covariance of a person's visits, as a mixed model for repeated measures supposes it.

Every structure is standard deviations times a correlation matrix that is positive definite for any real numbers:
unstructured by rows of a Cholesky factor with length one, the others by partial autocorrelations between -1 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Free = Float[Array, " free"]
Correlation = Float[Array, "visit visit"]


@dataclass(frozen=True)
class CovarianceStructure:
    """One structure: its words, whether each visit has a variance of its own, and its correlation.

    Parameters
    ----------
    key : str
        Its name, as study files and tables write it.
    heterogeneous : bool
        Whether each visit has its own variance; otherwise all share one.
    free : function
        From the number of visits to how many free numbers the correlation has.
    correlation : function
        From those free numbers (any real ones) and the number of visits to the correlation matrix.
    """

    key: str
    heterogeneous: bool
    free: Callable[[int], int]
    correlation: Callable[[Free, int], Correlation]

    def variances(self, visits: int) -> int:
        """Return how many variances there are."""
        return visits if self.heterogeneous else 1

    def size(self, visits: int) -> int:
        """Return how many parameters the structure has for so many visits."""
        return self.variances(visits) + self.free(visits)

    def matrix(self, theta: Free, visits: int) -> Correlation:
        """Return the covariance matrix of log standard deviations and the free numbers of the correlation."""
        count = self.variances(visits)
        sd = jnp.broadcast_to(jnp.exp(theta[:count]), (visits,))
        return sd[:, None] * sd[None, :] * self.correlation(theta[count:], visits)


def _unstructured(free: Free, visits: int) -> Correlation:
    """Return L L' with rows of L of length one: L_ij = z_ij/sqrt(1 + sum z_i.^2) below the diagonal."""
    below = jnp.zeros((visits, visits)).at[jnp.tril_indices(visits, -1)].set(free) + jnp.eye(visits)
    rows = below / jnp.sqrt(jnp.sum(below**2, axis=1, keepdims=True))
    return rows @ rows.T


def _toeplitz_of(partial: Free, visits: int) -> Correlation:
    """Return the Toeplitz matrix of partial autocorrelations (Durbin and Levinson's recursion)."""
    lags = [jnp.asarray(1.0)]
    weights: list[Array] = []
    left = jnp.asarray(1.0)
    for k in range(visits - 1):
        lags.append(sum((w * lags[k - j] for j, w in enumerate(weights)), start=partial[k] * left))
        weights = [w - partial[k] * weights[k - 1 - j] for j, w in enumerate(weights)] + [partial[k]]
        left = left * (1.0 - partial[k] ** 2)
    row = jnp.stack(lags)
    apart = jnp.abs(jnp.arange(visits)[:, None] - jnp.arange(visits)[None, :])
    return row[apart]


def _toeplitz(free: Free, visits: int) -> Correlation:
    return _toeplitz_of(jnp.tanh(free), visits)


def _autoregressive(free: Free, visits: int) -> Correlation:
    """Return rho^|i - j|: the partial autocorrelations beyond the first are zero."""
    if visits == 1:
        return jnp.ones((1, 1))
    return _toeplitz_of(jnp.concatenate([jnp.tanh(free), jnp.zeros(visits - 2)]), visits)


def _exchangeable(free: Free, visits: int) -> Correlation:
    """Return one correlation between all visits, from -1/(visits - 1) to 1."""
    if visits == 1:
        return jnp.ones((1, 1))
    least = -1.0 / (visits - 1)
    rho = least + (1.0 - least) * jax.nn.sigmoid(free[0])
    return jnp.where(jnp.eye(visits, dtype=bool), 1.0, rho)


def _pairs(visits: int) -> int:
    return visits * (visits - 1) // 2


def _lags(visits: int) -> int:
    return visits - 1


def _one(visits: int) -> int:
    return min(visits - 1, 1)


STRUCTURES: Mapping[str, CovarianceStructure] = MappingProxyType(
    {
        one.key: one
        for one in (
            CovarianceStructure("unstructured", True, _pairs, _unstructured),
            CovarianceStructure("heterogeneous toeplitz", True, _lags, _toeplitz),
            CovarianceStructure("heterogeneous autoregressive", True, _one, _autoregressive),
            CovarianceStructure("heterogeneous compound symmetry", True, _one, _exchangeable),
            CovarianceStructure("toeplitz", False, _lags, _toeplitz),
            CovarianceStructure("autoregressive", False, _one, _autoregressive),
            CovarianceStructure("compound symmetry", False, _one, _exchangeable),
        )
    }
)
