"""Inverse and size of small symmetric positive definite matrices by sweeps, element by element."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Matrix = Float[Array, "*of row row"]


def swept(matrix: Matrix) -> tuple[Matrix, Float[Array, "*of row"]]:
    """Return the inverse, and the pivots: what is left of each diagonal element once those before it are known.

    The logarithms of the pivots add up to that of the determinant; one that is not positive tells a matrix that is
    not positive definite, whose inverse is not to be used.
    """

    def step(left: Array, unit: Array) -> tuple[Array, Array]:
        column, row = jnp.sum(left * unit, axis=-1), jnp.sum(left * unit[:, None], axis=-2)
        pivot = jnp.sum(row * unit, axis=-1)
        return left - (column - unit)[..., :, None] * ((row + unit) / pivot[..., None])[..., None, :], pivot

    inverse, pivots = jax.lax.scan(step, matrix, jnp.eye(matrix.shape[-1]))
    return inverse, jnp.moveaxis(pivots, 0, -1)


@jax.custom_jvp
def inverse_and_log_size(matrix: Matrix) -> tuple[Matrix, Float[Array, "*of"]]:
    """Return the inverse and the logarithm of the determinant; NaN where the matrix is not positive definite.

    **Equation** d A^-1 = -A^-1 dA A^-1, d log|A| = tr(A^-1 dA): slopes need no look into the sweeps.
    """
    inverse, pivots = swept(matrix)
    return inverse, jnp.sum(jnp.log(pivots), axis=-1)


@inverse_and_log_size.defjvp
def _slopes(at: tuple[Array], along: tuple[Array]) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    inverse, log_size = inverse_and_log_size(*at)
    moved = inverse @ along[0]
    return (inverse, log_size), (-moved @ inverse, jnp.trace(moved, axis1=-2, axis2=-1))
