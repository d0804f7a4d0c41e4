"""Agreement of raters: the statistic that the rater noise is calibrated to."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int


def cohen_kappa(first: Int[np.ndarray, " score"], second: Int[np.ndarray, " score"]) -> float:
    """Return unweighted Cohen's kappa of two raters' grades of the same stretches (1 agreement, 0 chance)."""
    grades = np.union1d(first, second)
    table = np.array([[np.mean((first == a) & (second == b)) for b in grades] for a in grades])
    expected = float(table.sum(axis=1) @ table.sum(axis=0))
    if expected >= 1.0:
        return 1.0
    return (float(np.trace(table)) - expected) / (1.0 - expected)
