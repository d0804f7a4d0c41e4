"""A series of N-of-1 trials: each person's difference, the mean of all, and what each tells of the others.

Equation
    d_ij = m + b_i + e_ij ,  b_i ~ N(0, t^2) between people, e_ij ~ N(0, s^2) between the pairs of one person
    d_ij the difference of pair j of person i. m, its standard error and the variances come by restricted likelihood
    from the mixed model whose covariance of pairs is compound symmetry, m with Satterthwaite's degrees of freedom;
    where people differ less than chance makes them, t^2 is 0.
    own difference      mean of d_ij over the J_i pairs, SE s/sqrt(J_i), with sum(J_i) - n degrees of freedom
    shrunken difference m + B_i (own - m),  B_i = t^2/(t^2 + s^2/J_i)
                        variance B_i s^2/J_i + (1 - B_i)^2 SE(m)^2 + 2 (1 - B_i)^2 (own - m)^2/(n - 3)
                        the last term is what n people do not tell of t^2; it is left out where n is 3 or less
Source
    Zucker_1997 (combining N-of-1 trials), Morris_1983 (empirical Bayes)
Not for
    what is left over from one period to the next, or drifts within a pair: the order is random, and that is all.
    Shrunken intervals of people who differ little: where t^2 is found to be 0 they hold the truth of too few of them.
    With t = 0.3 s and three pairs, intervals of 95 % hold that of 95 % of 9 people and of 91 % of 20 over all trials.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from eutonia.statistics import mmrm
from eutonia.statistics.two_arms import NO_EFFECT, Effect, by_t

Trials = Float[np.ndarray, " trial"]
People = Float[np.ndarray, "trial person"]
Pairs = Float[np.ndarray, "trial person pair"]
Counts = Int[np.ndarray, "trial person"]

_STRUCTURE = ("compound symmetry",)
# The n - 3 of Morris's term: with fewer people it has no answer.
_SPENT = 3


class SeriesFit(NamedTuple):
    """Many series: the combined effect of each, SD between people and within one, and of each person the own and the
    shrunken difference with standard errors and intervals; NaN for who has no pair, and where nothing can be fitted.
    """

    effects: list[Effect]
    between: Trials
    within: Trials
    pairs: People
    own: People
    own_se: People
    own_half: People
    shrunken: People
    shrunken_se: People
    shrunken_half: People


def series(differences: Pairs, alpha: float) -> SeriesFit:
    """Analyse many series, each by itself.

    Parameters
    ----------
    differences
        Of each pair of periods, NaN where one of the two was not seen.
    alpha
        Intervals have one less this.
    """
    n_trials, _, n_pairs = differences.shape
    seen = ~np.isnan(differences)
    count = seen.sum(axis=2)
    own = np.where(count > 0, np.where(seen, differences, 0.0).sum(axis=2) / np.maximum(count, 1), np.nan)
    patterns = mmrm.patterns_of(seen)
    if not len(patterns):
        nothing, nobody = np.full(n_trials, np.nan), np.full(own.shape, np.nan)
        return SeriesFit([NO_EFFECT] * n_trials, nothing, nothing, count.astype(float), *[nobody] * 6)
    design = np.ones((n_pairs, 1))
    ones = np.ones((differences.shape[1], 1))
    sums = [mmrm.sums_of(one, ones, patterns, design) for one in differences]
    together = mmrm.Sums(*(np.stack(leaves) for leaves in zip(*sums, strict=True)))
    found, which = mmrm.fit_or_fall_back(together, patterns, design, np.ones((n_trials, 1, 1)), _STRUCTURE)
    effects = [
        by_t(float(m), float(se), float(df), alpha) if fits >= 0 else NO_EFFECT
        for m, se, df, fits in zip(found.estimate[:, 0], found.se[:, 0], found.df[:, 0], which, strict=True)
    ]
    covariance = np.where((which >= 0)[:, None, None], found.covariance, np.nan)
    shared = covariance[:, 0, 1]
    return _people(effects, np.maximum(shared, 0.0), covariance[:, 0, 0] - shared, count, own, alpha)


def _people(
    effects: list[Effect], between: Trials, within: Trials, count: Counts, own: People, alpha: float
) -> SeriesFit:
    """Return what each person's difference is worth, from the variances `between` people and `within` one."""
    from scipy import stats

    mean, se, df = (np.array([getattr(one, name) for one in effects])[:, None] for name in ("estimate", "se", "df"))
    of_mean = np.where(count > 0, within[:, None] / np.maximum(count, 1), np.nan)
    free = (count.sum(axis=1) - (count > 0).sum(axis=1))[:, None]
    weight = between[:, None] / np.where(of_mean > 0, between[:, None] + of_mean, np.nan)
    shrunken = mean + weight * (own - mean)
    people = (count > 0).sum(axis=1)[:, None]
    lost = 1.0 - weight
    of_spread = np.where(people > _SPENT, 2.0 * lost**2 * (own - mean) ** 2 / np.maximum(people - _SPENT, 1), 0.0)
    own_se, shrunken_se = np.sqrt(of_mean), np.sqrt(weight * of_mean + lost**2 * se**2 + of_spread)
    with np.errstate(invalid="ignore"):
        reach = stats.t.isf(alpha / 2, np.where(free > 0, free, np.nan))
        all_reach = stats.t.isf(alpha / 2, df)
    return SeriesFit(
        effects,
        np.sqrt(between),
        np.sqrt(within),
        count.astype(float),
        own,
        own_se,
        reach * own_se,
        shrunken,
        shrunken_se,
        all_reach * shrunken_se,
    )
