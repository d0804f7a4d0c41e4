"""How well a fit knows its numbers, from the slopes of its residuals where it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

Vector = Float[np.ndarray, " number"]


def known_to(
    residuals: Callable[[Vector], np.ndarray], x: Vector, step: float
) -> tuple[Vector, Float[np.ndarray, "number number"]]:
    """Return the local standard error of each number on its fitting scale, and the correlation of the estimates.

    `residuals` are gaps of rows, and of priors, in their standard deviations; `step` is that of central differences.
    """
    moves = step * np.eye(len(x))
    jacobian = np.stack([(residuals(x + move) - residuals(x - move)) / (2 * step) for move in moves], axis=1)
    covariance = np.linalg.inv(jacobian.T @ jacobian)
    error = np.sqrt(np.diag(covariance))
    return error, covariance / np.outer(error, error)


def told(names: Sequence[str], error: Vector, correlation: Float[np.ndarray, "number number"]) -> str:
    """Return a line a number: its standard error (of a logarithm, per cent) and its correlation with those above."""
    lines = []
    for j, name in enumerate(names):
        with_others = ", ".join(f"{other} = {correlation[j, i]:.2f}" for i, other in enumerate(names[:j]))
        lines.append(f"    {name:50s} SE {100 * error[j]:.0f} %  {{ {with_others} }}")
    return "\n".join(lines)
