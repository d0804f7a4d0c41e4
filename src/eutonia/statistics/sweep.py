"""Inverse and size of small symmetric positive definite matrices by sweeps, element by element."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def swept(matrix: Float[Array, "*of row row"]) -> tuple[Float[Array, "*of row row"], Float[Array, "*of row"]]:
    """Return the inverse, and the pivots: what is left of each diagonal element once those before it are known.

    The logarithms of the pivots add up to that of the determinant; one that is not positive tells a matrix that is
    not positive definite, whose inverse is not to be used.
    """
    size = matrix.shape[-1]
    unit = jnp.eye(size)
    pivots = []
    for k in range(size):
        pivot = matrix[..., k, k]
        pivots.append(pivot)
        column, row = matrix[..., :, k] - unit[k], matrix[..., k, :] + unit[k]
        matrix = matrix - column[..., :, None] * row[..., None, :] / pivot[..., None, None]
    return matrix, jnp.stack(pivots, axis=-1)
