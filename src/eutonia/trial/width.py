"""What an interval's width comes from: the sample, the numbers of the science, the site.

Equation (law of total variance over replicate trials r, each with the numbers of draw k and a site z_r)
    y_kr = mean + p_k + s z_r + e_kr
    s by least squares within draws, its sampling error taken off: site = s^2 var(z)
    e the residual within draws: sample = var(e);   parameters = var(means of draws, site taken off) - sample / m
for m trials a draw. What comes out below zero is zero. The policy of dosing is held as the study file says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

_FEWEST = 20  # trials below which shares of a variance say nothing
WIDTHS = ("sample", "parameters", "site")


@dataclass(frozen=True)
class Width:
    """What the variance of a prediction over replicate trials is made of, as shares of it, 0 to 1.

    Parameters
    ----------
    sample : float
        The people who happened to be in the trial, their raters and their luck.
    parameters : float
        What the calibration leaves unknown of the numbers of the science; 0 where they are held.
    site : float
        How far a trial's non-specific change lies from that of the mean trial.
    """

    sample: float
    parameters: float
    site: float


def split(
    values: Float[np.ndarray, " trial"], draw: Int[np.ndarray, " trial"] | None, site: Float[np.ndarray, " trial"]
) -> Width | None:
    """Return the shares of sample, numbers and site in the variance of a value over trials; none where it has none.

    `draw` is the number of each trial's draw, none where all have the same numbers; `site` each trial's standard normal
    luck of its site.
    """
    group = np.zeros(len(values), dtype=np.int64) if draw is None else draw
    known = ~np.isnan(values)
    if known.sum() < _FEWEST or np.ptp(values[known]) == 0.0:
        return None
    y, z = values[known], site[known]
    _, place, count = np.unique(group[known], return_inverse=True, return_counts=True)
    free = len(y) - len(count) - 1
    if free < 1:
        return None

    def within(x: np.ndarray) -> np.ndarray:
        return x - (np.bincount(place, x) / count)[place]

    slope = within(z) @ within(y) / (within(z) @ within(z))
    sample = float(np.sum((within(y) - slope * within(z)) ** 2) / free)
    of_site = max(float(slope**2 - sample / (within(z) @ within(z))), 0.0) * float(np.var(z))
    means = np.bincount(place, y - slope * z) / count
    between = float(np.var(means, ddof=1)) - sample * float(np.mean(1.0 / count)) if len(count) > 1 else 0.0
    parts = np.array([sample, max(between, 0.0), of_site])
    return Width(*map(float, parts / parts.sum()))
