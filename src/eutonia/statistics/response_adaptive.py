"""Response-adaptive allocation: the more an arm seems to be better, the more of the next people are given it.

Equation
    share = p^c / (p^c + (1 - p)^c),    c = n / (2 N)
p is the posterior probability that the arm is better than the other, n of N people have been seen. c grows from 0,
where the arms are given alike, to a half, so that little is made of little. The share lies between a least one and 1
less it.
With a flat prior of means and of the logarithm of the spread p is Student's t distribution at estimate / error.

Source: Thall_Wathen_2007
Not for: several arms, or people whose state drifts while they are recruited, which allocation would then follow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from eutonia.statistics.two_arms import Effect


@dataclass(frozen=True)
class Stages:
    """Of each stage and trial: the share of people that the arm was to be given, and the probability that it is better
    by which that was set (NaN of the first stage, which is allocated alike).
    """

    share: Float[np.ndarray, "stage trial"]
    better: Float[np.ndarray, "stage trial"]


def probability_better(effect: Effect, better: int) -> float:
    """Return the posterior probability that the first arm is better; NaN where its effect is not known.

    `better` is the sign of a difference where it is: 1 or -1.
    """
    from scipy.stats import t

    return float(t.cdf(better * effect.estimate / effect.se, effect.df))


def share_of(
    probability: Float[np.ndarray, " trial"], seen: int, most: int, least: float
) -> Float[np.ndarray, " trial"]:
    """Return the share of the next people who are given the arm: a half where nothing is known of it.

    Parameters
    ----------
    probability
        That the arm is better, of each trial; NaN where it is not known.
    seen, most
        People who have been seen, and all people of the trial.
    least
        Least share of an arm, up to a half.
    """
    power = seen / (2.0 * most)
    mine, other = np.maximum(probability, 0.0) ** power, np.maximum(1.0 - probability, 0.0) ** power
    return np.clip(np.nan_to_num(mine / (mine + other), nan=0.5), least, 1.0 - least)
