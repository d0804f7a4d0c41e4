"""Time to an event that is looked for at visits: Kaplan and Meier's curve, the log-rank test, Cox's hazard ratio.

**Equation** everything is computed from how many people of each arm are at risk at a visit, and how many of them have
the event there. Log-rank: z = sum(d1 - d n1 / n) / sqrt(sum d n1 n0 (n - d) / (n^2 (n - 1))). Cox: the partial
likelihood of exp(b) with Efron's share of each tie, by Newton's method; b is the logarithm of the hazard of the first
arm over that of the other.
**Source** Kaplan_1958, Mantel_1966, Cox_1972, Efron_1977
**Not for** hazards whose ratio changes over the visits: the ratio is then a mean that hangs on who is censored when.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from eutonia.statistics.two_arms import NO_EFFECT, Effect, by_t

#: Arms by number: the first is the one whose hazard stands above the line.
ARMS = 2
_STEPS, _SMALL, _LONGEST_STEP = 60, 1e-10, 1.0
# A logarithm of a hazard ratio beyond this has no bound: the larger, the likelier.
_UNBOUNDED = 15.0


class Counts(NamedTuple):
    """People of each arm at each visit after the first: those still at risk, and those who have the event there."""

    at_risk: Int[np.ndarray, "trial arm visit"]
    events: Int[np.ndarray, "trial arm visit"]


def counted(
    arms: Int[np.ndarray, "trial person"],
    event: Float[np.ndarray, "trial person"],
    last: Int[np.ndarray, "trial person"],
    visits: int,
) -> Counts:
    """Return who is at risk and who has the event, at visits 1 to `visits`.

    Parameters
    ----------
    arms
        1 in the first arm, 0 in the other, -1 elsewhere.
    event
        Number of the visit of the event; infinite for whoever has none.
    last
        Number of the last visit at which an event would have been seen; 0 for whoever is never looked at again.
    """
    trials = len(arms)
    is_event = event <= last
    until = np.where(is_event, event, last).astype(int)
    place = np.arange(trials)[:, None] * ARMS + (1 - arms)

    def tallied(who: np.ndarray) -> np.ndarray:
        flat = place[who] * (visits + 1) + until[who]
        return np.bincount(flat, minlength=trials * ARMS * (visits + 1)).reshape(trials, ARMS, visits + 1)

    ends = tallied(arms >= 0)
    at_risk = np.cumsum(ends[..., ::-1], axis=-1)[..., ::-1]
    return Counts(at_risk[..., 1:], tallied((arms >= 0) & is_event)[..., 1:])


def kaplan_meier(counts: Counts) -> Float[np.ndarray, "trial arm visit"]:
    """Return the share of each arm without the event after each visit; NaN where nobody is at risk who could tell it.

    Once everybody has had the event the share stays 0.
    """
    waiting = np.cumprod(1.0 - counts.events / np.maximum(counts.at_risk, 1), axis=-1)
    return np.where((counts.at_risk == 0) & (waiting > 0.0), np.nan, waiting)


def log_rank(counts: Counts) -> Float[np.ndarray, " trial"]:
    """Return z, positive where the first arm has events sooner; NaN where no event tells the arms apart."""
    n, d = (one.sum(axis=1).astype(float) for one in counts)
    share = counts.at_risk[:, 0] / np.maximum(n, 1.0)
    above = np.sum(counts.events[:, 0] - d * share, axis=1)
    variance = np.sum(d * share * (1.0 - share) * (n - d) / np.maximum(n - 1.0, 1.0), axis=1)
    return np.where(variance > 0.0, above / np.sqrt(np.where(variance > 0.0, variance, 1.0)), np.nan)


def hazard_ratios(counts: Counts) -> tuple[Float[np.ndarray, " trial"], Float[np.ndarray, " trial"]]:
    """Return the logarithm of each trial's hazard ratio and its standard error; NaN where nothing bounds it."""
    trials = len(counts.events)
    d = counts.events.sum(axis=1)
    many = d.ravel()
    # One row an event: of k events at a visit the l-th sees l/k of them gone.
    tie = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    gone = tie / np.repeat(many, many)
    trial = np.repeat(np.repeat(np.arange(trials), d.shape[1]), many)
    first, second = (
        np.repeat(counts.at_risk[:, k].ravel(), many) - gone * np.repeat(counts.events[:, k].ravel(), many)
        for k in range(ARMS)
    )
    of_first = counts.events[:, 0].sum(axis=1)
    found, information = np.zeros(trials), np.zeros(trials)
    for _ in range(_STEPS):
        weight = first * np.exp(found)[trial]
        share = weight / (weight + second)
        information = np.asarray(np.bincount(trial, share * (1.0 - share), trials), dtype=float)
        slope = of_first - np.bincount(trial, share, trials)
        step = np.divide(slope, information, out=np.zeros(trials), where=information > 0.0)
        found = np.clip(found + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP), -_UNBOUNDED, _UNBOUNDED)
        if np.all((np.abs(step) < _SMALL) | (np.abs(found) >= _UNBOUNDED)):
            break
    bounded = (information > 0.0) & (np.abs(found) < _UNBOUNDED)
    error = 1.0 / np.sqrt(np.where(bounded, information, 1.0))
    return np.where(bounded, found, np.nan), np.where(bounded, error, np.nan)


def effects(counts: Counts, alpha: float) -> list[Effect]:
    """Return each trial's logarithm of the hazard ratio with Wald's interval, and the p value of the log-rank test.

    Where one arm has no event while anybody of the other waits, the test has an answer and the ratio has none: estimate
    and interval are NaN.
    """
    from scipy.stats import norm

    z = log_rank(counts)
    p = 2.0 * norm.sf(np.abs(z))
    rows = zip(z, p, *hazard_ratios(counts), strict=True)
    return [
        NO_EFFECT
        if np.isnan(one)
        else by_t(float(ratio), float(se), np.inf, alpha)._replace(
            df=float("nan"), p=float(level), direction=float(np.sign(one))
        )
        for one, level, ratio, se in rows
    ]
