"""How much of an outcome straight lines through what was known before explain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

Values = Float[np.ndarray, " patient"]
# Two people lie on a line whatever is known of them.
_FEWEST = 3


def explained(outcome: Values, known: Sequence[Values]) -> float | None:
    """Return the share of the variance of an outcome that a linear model of what is known explains, 0 to 1.

    **Equation** R2 = 1 - (SS_left / (n - p - 1)) / (SS_all / (n - 1)), adjusted for the number p of columns that vary
    and do not follow from the others; below 0 it is 0, which is nothing.
    None where the outcome is the same in everybody, or people are no more than columns.
    """
    columns = [x for x in known if np.ptp(x) > 0]
    n = len(outcome)
    if n < _FEWEST or np.ptp(outcome) == 0:
        return None
    if not columns:
        return 0.0
    design = np.column_stack([np.ones(n), *((x - x.mean()) / x.std() for x in columns)])
    fitted, _, rank, _ = np.linalg.lstsq(design, outcome, rcond=None)
    if n <= rank:
        return None
    left = float(np.sum((outcome - design @ fitted) ** 2)) / (n - int(rank))
    return max(0.0, 1.0 - left / float(outcome.var(ddof=1)))
