"""How exact a difference of scores is: means over muscle groups that are equal differ in their last digits.

Two changes by a third are one change, or ranks take noise for an order, and a variance of noise rejects at random.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

_DIGITS = 12
#: Standard deviation below which scores do not differ at all.
NO_SPREAD = 1e-9


def exact(scores: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Return scores, or differences of them, without the digits that are noise; NaN stays."""
    return np.asarray(np.round(scores, _DIGITS))
