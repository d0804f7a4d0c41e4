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
    errors : tuple of float
        Monte Carlo errors of the three, from which each draw, or each twentieth of the trials, is left out in turn; NaN
        where too few are left.
    """

    sample: float
    parameters: float
    site: float
    errors: tuple[float, ...]


def split(
    values: Float[np.ndarray, " trial"], draw: Int[np.ndarray, " trial"] | None, site: Float[np.ndarray, " trial"]
) -> Width | None:
    """Return the shares of sample, numbers and site in the variance of a value over trials; none where it has none.

    `draw` is the number of each trial's draw, none where all have the same numbers; `site` each trial's standard normal
    luck of its site.
    """
    known = ~np.isnan(values)
    if known.sum() < _FEWEST or np.ptp(values[known]) == 0.0:
        return None
    group = np.arange(len(values)) % _FEWEST if draw is None else draw
    _, place, count = np.unique(group[known], return_inverse=True, return_counts=True)
    if len(place) - (1 if draw is None else len(count)) - 1 < 1:
        return None
    y, z = values[known] - np.mean(values[known]), site[known]
    sums = np.stack([count, *(np.bincount(place, x) for x in (y, z, y * y, y * z, z * z))])
    # All groups, and all but one: the jackknife.
    keep = np.vstack([np.ones(len(count)), 1.0 - np.eye(len(count))])
    shares = _shares(sums, keep, are_draws=draw is not None)
    left_out = shares[1:]
    error = np.sqrt((len(count) - 1) * np.mean((left_out - left_out.mean(axis=0)) ** 2, axis=0))
    sample, numbers, of_site = map(float, shares[0])
    return Width(sample, numbers, of_site, tuple(map(float, error)))


def _shares(
    sums: Float[np.ndarray, "sum group"], keep: Float[np.ndarray, "case group"], *, are_draws: bool
) -> Float[np.ndarray, "case part"]:
    """Return the shares over the groups of each case, of their numbers of trials and sums of y, z, y², yz and z²."""
    whole = sums @ keep.T
    number, _, of_z, *_, of_zz = whole
    within = sums if are_draws else whole
    syy, syz, szz = (
        of_xw - of_x * of_w / within[0]
        for of_xw, of_x, of_w in zip(within[3:], within[[1, 1, 2]], within[[1, 2, 2]], strict=True)
    )
    if are_draws:
        syy, syz, szz = (keep @ one for one in (syy, syz, szz))
    groups = keep.sum(axis=1) if are_draws else np.ones(len(keep))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = syz / szz
        sample = (syy - slope * syz) / (number - groups - 1)
        of_site = np.maximum(slope**2 - sample / szz, 0.0) * (of_zz / number - (of_z / number) ** 2)
        between = np.zeros(len(keep))
        if are_draws and sums.shape[1] > 1:
            means = (sums[1] - slope[:, None] * sums[2]) / sums[0]
            away = keep * (means - (keep * means).sum(axis=1, keepdims=True) / groups[:, None])
            between = (away**2).sum(axis=1) / (groups - 1) - sample * (keep @ (1.0 / sums[0])) / groups
        parts = np.stack([sample, np.maximum(between, 0.0), of_site], axis=1)
        return np.asarray(parts / parts.sum(axis=1, keepdims=True))
