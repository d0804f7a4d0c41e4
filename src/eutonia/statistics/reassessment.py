"""Continual reassessment: a one-parameter model of the risk of a reaction over dose levels, updated after each cohort.

Equation
    p_k(b) = s_k^exp(b),  b ~ N(0, sd^2)
    s_k the skeleton: what the risk at level k is thought to be beforehand. After y_k reactions in n_k people the
    posterior of b is integrated by quadrature; the risk of a level is p_k at the posterior mean of b, and the next
    cohort is given the level whose risk is nearest to the target, at most one above the highest at which somebody was
    judged, and none above the present one where the last cohort's share of reactions is at or above the target.
Source
    OQuigley_1990 (the method), Lee_Cheung_2009 (the skeleton), Cheung_2005 (no rise upon reactions)
Not for
    reactions that come late: everybody is observed to the end before the next cohort begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

Levels = Float[np.ndarray, " level"]
Counts = Int[np.ndarray, "trial level"]
Trials = Float[np.ndarray, " trial"]
PerTrial = Int[np.ndarray, " trial"]

#: Standard deviation of the parameter beforehand: variance 1.34, as in the field's own programs.
USUAL_SD = 1.34**0.5
# Nodes of each of the two pieces of the integral, and how many standard deviations it reaches: beyond lies 1e-15.
_NODES, _REACH = 200, 8.0
# A share of reactions this near to the target, in people, is at it.
_ROUNDING = 1e-9


def skeleton_of(target: float, expected: int, levels: int, half_width: float) -> Levels:
    """Return the skeleton whose indifference intervals all have the same half width.

    At the parameter at which level k has the risk target + half width, the level below it has target - half width: a
    level is not told from its neighbours while its risk lies between the two.

    Parameters
    ----------
    target
        Risk that is aimed at, 0 to 1.
    expected
        Number from 0 of the level that is thought to have it.
    levels
        How many there are.
    half_width
        Between 0 and the nearer of target and 1 - target.

    **Source** Lee_Cheung_2009
    """
    upper, lower = np.log(target + half_width), np.log(target - half_width)
    steps = np.arange(levels) - expected
    return np.asarray(np.exp(np.log(target) * (upper / lower) ** steps))


class Reassessed(NamedTuple):
    """What is known of every trial after some cohorts: mean and SD of b, the risk of each level, and the probability
    that the risk of the lowest one is above the target.
    """

    mean: Trials
    sd: Trials
    risk: Float[np.ndarray, "trial level"]
    lowest_too_risky: Trials


@dataclass(frozen=True)
class RiskModel:
    """The model: `skeleton` rising between 0 and 1, `target` the risk aimed at, `sd` of the parameter beforehand."""

    skeleton: Levels
    target: float
    sd: float = USUAL_SD

    @cached_property
    def _cut(self) -> float:
        """The parameter at which the lowest level has just the target: below it, it has more."""
        return float(np.log(np.log(self.target) / np.log(self.skeleton[0])))

    @cached_property
    def _nodes(self) -> tuple[Levels, Levels]:
        """Nodes and prior weights of Gauss and Legendre's rule on either side of the cut."""
        ends = _REACH * self.sd
        cut = min(max(self._cut, -0.999 * ends), 0.999 * ends)
        x, w = np.polynomial.legendre.leggauss(_NODES)
        pieces = [(a + 0.5 * (b - a) * (x + 1.0), 0.5 * (b - a) * w) for a, b in ((-ends, cut), (cut, ends))]
        at, weight = (np.concatenate(both) for both in zip(*pieces, strict=True))
        return at, weight * np.exp(-0.5 * (at / self.sd) ** 2)

    @cached_property
    def _log_risks(self) -> tuple[Float[np.ndarray, "level node"], Float[np.ndarray, "level node"]]:
        """Logarithms of the risk of each level at each node, and of 1 less it."""
        log_risk = np.exp(self._nodes[0]) * np.log(self.skeleton)[:, None]
        return log_risk, np.log(-np.expm1(log_risk))

    def after(self, people: Counts, reacted: Counts) -> Reassessed:
        """Return what is known after so many people and reactions at each level; before anybody, what was thought."""
        at, weight = self._nodes
        with_it, without = self._log_risks
        log = _times(reacted, with_it) + _times(people - reacted, without)
        mass = weight * np.exp(log - log.max(axis=1, keepdims=True))
        mass /= mass.sum(axis=1, keepdims=True)
        mean = _times(mass, at[:, None])[:, 0]
        sd = np.sqrt(np.maximum(_times(mass, at[:, None] ** 2)[:, 0] - mean**2, 0.0))
        risk = self.skeleton ** np.exp(mean)[:, None]
        return Reassessed(mean, sd, risk, mass[:, at < self._cut].sum(axis=1))

    def nearest(self, risk: Float[np.ndarray, "trial level"], highest: PerTrial) -> np.ndarray:
        """Return the level whose risk is nearest to the target, of those up to `highest`; the lower one of two."""
        apart = np.abs(risk - self.target)
        apart[np.arange(risk.shape[1]) > highest[:, None]] = np.inf
        return np.asarray(apart.argmin(axis=1))


def _times(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return a matrix product of the same bits on any number of threads, which no library of algebra promises."""
    return np.einsum("ij,jk->ik", left.astype(float), right)


class Walk(NamedTuple):
    """The way of many trials through their cohorts: `level` -1 where none was enrolled any more.

    `people` and `reacted` count those of a cohort who could be judged; `known` holds what was known after it;
    `recommended` is the level that the next person would be given, -1 where even the lowest is too risky; `too_risky`
    says of which trials that is so.
    """

    level: Int[np.ndarray, "cohort trial"]
    people: Int[np.ndarray, "cohort trial"]
    reacted: Int[np.ndarray, "cohort trial"]
    known: list[Reassessed]
    recommended: Int[np.ndarray, " trial"]
    too_risky: Bool[np.ndarray, " trial"]


def walk(
    model: RiskModel,
    reacts: Bool[np.ndarray, "trial person level"],
    judged: Bool[np.ndarray, "trial person level"],
    cohort: int,
    start: int,
    stop_above: float | None = None,
    enough: int | None = None,
) -> Walk:
    """Take many trials through their cohorts, in the order of people.

    Parameters
    ----------
    reacts, judged
        Whether each person has a reaction at each level, and whether they could be judged there: who left before the
        end without a reaction could not, and counts for nothing.
    cohort
        People a cohort.
    start
        Number from 0 of the first level.
    stop_above
        A trial stops where the probability that the lowest level is too risky is at least this; None for never.
    enough
        A trial stops where so many people were treated at the level that is next; None for never.
    """
    trials, n, levels = reacts.shape
    each = np.arange(trials)
    people, reacted, treated = np.zeros((3, trials, levels), dtype=np.int64)
    # Until somebody is judged at the first level, it is the highest that may be given.
    level, highest = np.full(trials, start), np.full(trials, start - 1)
    going, too_risky = np.ones(trials, dtype=bool), np.zeros(trials, dtype=bool)
    rows, known = [], []
    for begin in range(0, n, cohort):
        who = slice(begin, min(begin + cohort, n))
        judges = judged[each, who, level] & going[:, None]
        judges_now, hits = judges.sum(axis=1), (judges & reacts[each, who, level]).sum(axis=1)
        rows.append((np.where(going, level, -1), judges_now, hits))
        people[each, level] += judges_now
        reacted[each, level] += hits
        treated[each[going], level[going]] += who.stop - who.start
        now = model.after(people, reacted)
        known.append(now)
        highest = np.where(judges_now > 0, np.maximum(highest, level), highest)
        if stop_above is not None:
            too_risky |= going & (now.lowest_too_risky >= stop_above)
        following = model.nearest(now.risk, _ceiling(model.target, level, highest, judges_now, hits, levels))
        going = going & ~too_risky
        level = np.where(going, following, level)
        if enough is not None:
            going &= treated[each, level] < enough
    levels_given, judges_of, hits_of = (np.array(column) for column in zip(*rows, strict=True))
    return Walk(levels_given, judges_of, hits_of, known, np.where(too_risky, -1, level), too_risky)


def _ceiling(
    target: float, level: PerTrial, highest: PerTrial, judged: PerTrial, reacted: PerTrial, levels: int
) -> PerTrial:
    """Return the highest level that the next cohort may be given.

    One above the `highest` at which somebody was judged; but not above the present one where, of those judged in the
    cohort, the target share or more reacted: to rise right upon reactions is incoherent.

    **Source** Cheung_2005
    """
    no_skip = np.minimum(highest + 1, levels - 1)
    upon_reactions = (judged > 0) & (reacted >= target * judged - _ROUNDING)
    return np.where(upon_reactions, np.minimum(no_skip, level), no_skip)
