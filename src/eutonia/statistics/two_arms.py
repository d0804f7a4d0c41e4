"""One trial's comparison of two arms at one visit: analysis of covariance, ranks, shares; several tests held together.

Each function takes what was observed in each arm and returns an `Effect`; where the data allow no answer, its numbers
are NaN. Distributions are SciPy's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from eutonia.statistics.rounding import NO_SPREAD, exact

Values = Float[np.ndarray, " person"]
First = Float[np.ndarray, " a"]
Second = Float[np.ndarray, " b"]


class Effect(NamedTuple):
    """The first arm less the second: estimate, standard error, degrees of freedom, interval, two-sided p value.

    The direction is the sign of what was tested, where an estimate of zero may hide it; NaN where it does not.
    """

    estimate: float
    se: float
    df: float
    low: float
    high: float
    p: float
    direction: float = float("nan")


NO_EFFECT = Effect(*(float("nan"),) * 6)


def by_t(estimate: float, se: float, df: float, alpha: float) -> Effect:
    """Return an estimate with the interval and the p value of Student's distribution."""
    from scipy import stats

    if not (np.isfinite(estimate) and se > 0.0 and df > 0.0):
        return NO_EFFECT
    half = float(stats.t.isf(alpha / 2, df)) * se
    p = 2.0 * float(stats.t.sf(abs(estimate) / se, df))
    return Effect(float(estimate), float(se), float(df), float(estimate - half), float(estimate + half), p)


def covariance_analysis(
    y: Values,
    is_first: Bool[np.ndarray, " person"],
    baseline: Values,
    alpha: float,
    others: Float[np.ndarray, "person term"] | None = None,
) -> Effect:
    """Return the difference of arms at the same baseline, by least squares: y = 1 + arm + others + baseline.

    A baseline that everybody shares tells nothing and is left out; without any spread there is no answer. `others` are
    further terms, such as the other factor of a factorial trial.
    """
    columns = [np.ones(len(y)), is_first.astype(float), *(() if others is None else others.T)]
    if len(y) and np.ptp(exact(baseline)) > 0.0:
        columns.append(baseline - baseline.mean())
    design = np.stack(columns, axis=1)
    df = len(y) - design.shape[1]
    if df < 1 or is_first.all() or not is_first.any():
        return NO_EFFECT
    slopes, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    if rank < design.shape[1]:
        return NO_EFFECT
    variance = float(np.sum((y - design @ slopes) ** 2)) / df
    if np.sqrt(variance) < NO_SPREAD:
        return NO_EFFECT
    spread = np.linalg.inv(design.T @ design)[1, 1]
    return by_t(float(slopes[1]), float(np.sqrt(variance * spread)), float(df), alpha)


def within_people(apart: Values, is_first: Bool[np.ndarray, " person"], alpha: float) -> Effect:
    """Return the difference of two arms of a crossover: people are blocks, and what periods differ by is removed.

    **Equation** apart = arm less the other, of each person: tau + pi if the arm came first, tau - pi if second, so
    tau = (mean of who had it first + mean of the others) / 2, with the variance pooled within the two orders. It is
    least squares of score = person + period + arm.
    **Source** Hills_1979
    **Not for** arms that act on in the next period: what is left over is taken for nothing.

    Parameters
    ----------
    apart
        Differences of people, in the unit of the score.
    is_first
        Who had the arm in the first period.
    """
    orders = [apart[is_first], apart[~is_first]]
    sizes = [len(one) for one in orders]
    df = sum(sizes) - 2
    if min(sizes) < 1 or df < 1:
        return NO_EFFECT
    variance = sum(float(np.sum((one - one.mean()) ** 2)) for one in orders) / df
    if np.sqrt(variance) < NO_SPREAD:
        return NO_EFFECT
    se = 0.5 * float(np.sqrt(variance * (1.0 / sizes[0] + 1.0 / sizes[1])))
    return by_t(float(orders[0].mean() + orders[1].mean()) / 2.0, se, float(df), alpha)


def rank_sum(first: First, second: Second, alpha: float) -> Effect:
    """Return Hodges and Lehmann's shift with the interval that inverts Wilcoxon's test.

    **Equation** the estimate is the median of all differences of pairs; the interval runs from the k-th smallest of
    them to the k-th largest, k = m n/2 - 1/2 - z sd, where sd is that of the rank sum with its ties; it has no ends
    where so few people cannot reject. The p value is SciPy's, corrected for ties and continuity. The direction is the
    sign of U - m n/2: where over half of all pairs are tied the shift is zero, however small p is. An end at which
    pairs are tied is in the interval only where the test there does not reject: zero as an end may go with any p.
    """
    from scipy import stats

    m, n = len(first), len(second)
    if min(m, n) < 1:
        return NO_EFFECT
    apart = np.sort((first[:, None] - second[None, :]).ravel())
    ties = np.unique(np.concatenate([first, second]), return_counts=True)[1].astype(float)
    whole = float(m + n)
    variance = m * n / 12.0 * (whole + 1.0 - np.sum(ties**3 - ties) / (whole * (whole - 1.0)))
    if variance <= 0.0:
        return NO_EFFECT
    sd = float(np.sqrt(variance))
    k = int(np.floor(m * n / 2.0 - 0.5 - float(stats.norm.isf(alpha / 2)) * sd))
    low, high = (float(apart[k]), float(apart[-1 - k])) if k >= 0 else (-np.inf, np.inf)
    test = stats.mannwhitneyu(first, second, method="asymptotic")
    direction = float(np.sign(test.statistic - m * n / 2.0))
    return Effect(float(np.median(apart)), float("nan"), float("nan"), low, high, float(test.pvalue), direction)


def share_difference(first: Bool[np.ndarray, " a"], second: Bool[np.ndarray, " b"], alpha: float) -> Effect:
    """Return the difference of two shares with Newcombe's interval, and the p value of Fisher's exact test.

    **Source** Newcombe_1998 (method 10: Wilson's interval of each share)
    """
    from scipy import stats

    m, n = len(first), len(second)
    if min(m, n) < 1:
        return NO_EFFECT
    hits = int(first.sum()), int(second.sum())
    shares = hits[0] / m, hits[1] / n
    (low_1, high_1), (low_2, high_2) = (_wilson(x, of, alpha) for x, of in zip(hits, (m, n), strict=True))
    estimate = shares[0] - shares[1]
    low = estimate - float(np.hypot(shares[0] - low_1, high_2 - shares[1]))
    high = estimate + float(np.hypot(high_1 - shares[0], shares[1] - low_2))
    p = float(stats.fisher_exact([[hits[0], m - hits[0]], [hits[1], n - hits[1]]]).pvalue)
    return Effect(estimate, float("nan"), float("nan"), low, high, p)


def _wilson(hits: int, of: int, alpha: float) -> tuple[float, float]:
    from scipy import stats

    found = stats.binomtest(hits, of).proportion_ci(1.0 - alpha, method="wilson")
    return float(found.low), float(found.high)


def median_shift(first: First, second: Second) -> float:
    """Return the median of all differences of pairs of many people, without making the pairs."""
    second = np.sort(second)
    low, high = float(first.min() - second[-1]), float(first.max() - second[0])
    half = len(first) * len(second) / 2.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        # Pairs whose difference is at most the middle: those of the second arm at or above first - middle.
        below = float(np.sum(len(second) - np.searchsorted(second, first - middle, side="left")))
        low, high = (low, middle) if below >= half else (middle, high)
    return float(exact(np.asarray(high)))


# Halvings of an interval of scores.
_HALVINGS = 60


def adjusted(p: Float[np.ndarray, "*trial endpoint"], multiplicity: str) -> Float[np.ndarray, "*trial endpoint"]:
    """Return p values that may each be held against alpha: as they are ("none"), Holm's, or the largest so far.

    Endpoints are in the order in which they are tested; one without a p value is not rejected, and ends a hierarchy.
    """
    known = np.where(np.isnan(p), 1.0, p)
    if multiplicity == "hierarchical":
        known = np.maximum.accumulate(known, axis=-1)
    elif multiplicity == "holm":
        order = np.argsort(known, axis=-1, kind="stable")
        size = p.shape[-1]
        steps = np.take_along_axis(known, order, axis=-1) * (size - np.arange(size))
        steps = np.minimum(np.maximum.accumulate(steps, axis=-1), 1.0)
        back = np.empty_like(known)
        np.put_along_axis(back, order, steps, axis=-1)
        known = back
    return np.where(np.isnan(p), np.nan, known)
