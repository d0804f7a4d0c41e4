"""How far a predicted distribution lies from what was seen."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def crps(drawn: Float[np.ndarray, " draw"], seen: float) -> float:
    """Return the continuous ranked probability score of an ensemble, in its unit; 0 is best.

    Parameters
    ----------
    drawn : array of shape (draw,)
        Draws of the prediction, in any order; one draw is a point.
    seen : float
        What was seen.

    Notes
    -----
    **Equation** E|X - y| - E|X - X'|/2, with X and X' drawn from the ensemble. Of a point it is the absolute error.
    **Source** Gneiting and Raftery, J Am Stat Assoc 2007;102:359-378, equation 21.
    """
    values = np.sort(np.asarray(drawn, dtype=float))
    weight = 2.0 * np.arange(1, values.size + 1) - values.size - 1.0
    apart = 2.0 * float(weight @ values) / values.size**2
    return float(np.mean(np.abs(values - seen))) - 0.5 * apart
