"""Who enters a trial: people of a population, chosen so that the cohort has the published entry scores.

A trial of severe spasticity does not draw from all survivors of stroke. A pool is drawn from the population, those
who fail the entry criteria leave, and the rest are weighted by exponential tilting, the smallest change (in relative
entropy) of the population that gives the published means and standard deviations at entry. Nothing after entry is used.

Equation
    w_i proportional to exp(theta . f_i) with sum w_i f_i = published moments
Source: Jaynes' principle of minimum relative entropy; the dual is convex and solved by Newton's method.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from eutonia.errors import StudyError

# Numerical scheme and the least number of effectively different people a cohort may rest on.
_ROUNDS, _TOLERANCE, _LEAST_EFFECTIVE = 200, 1e-8, 30.0


@dataclass(frozen=True)
class EntryMoment:
    """A published entry level: the score of everyone in the pool, and the mean and SD that the cohort must have.

    `noise_sd` is the spread that raters and reports add to one person's score; the pool's `score` is free of it.
    """

    name: str
    score: Float[np.ndarray, " pool"]
    mean: float
    sd: float | None
    noise_sd: float = 0.0


@dataclass(frozen=True)
class Weights:
    """Probability of each member of the pool to be recruited, and how many different people that amounts to."""

    probability: Float[np.ndarray, " pool"]
    effective: float

    def choose(self, luck: Float[np.ndarray, " patient"]) -> np.ndarray:
        """Return the member of the pool that each person's luck (0..1) picks."""
        ladder = np.cumsum(self.probability)
        return np.minimum(np.searchsorted(ladder / ladder[-1], luck, side="right"), len(ladder) - 1)

    def letting_in(self, others: Bool[np.ndarray, " pool"], share: float) -> Weights:
        """Return weights by which a share of those who are recruited are `others`, each as likely as another.

        Raises
        ------
        StudyError
            There are no others.
        """
        if not others.any():
            raise StudyError(
                f"population.ineligible: {share:g} of the people are to be let in by mistake, and everybody in the "
                "pool meets the rules of entry. Allowed: rules that some of this population do not meet. Nearest: a "
                "stricter one. Do: tighten [[population.entry]], or remove ineligible."
            )
        mixed = (1.0 - share) * self.probability + share * others / others.sum()
        return Weights(mixed, 1.0 / float(np.sum(mixed**2)))


def _features(moments: list[EntryMoment]) -> tuple[np.ndarray, np.ndarray]:
    """Return standardised features (one row a moment, two with an SD) and their targets."""
    rows, targets = [], []
    for m in moments:
        rows.append(m.score)
        targets.append(m.mean)
        if m.sd is not None:
            between = max(m.sd**2 - m.noise_sd**2, (0.2 * m.sd) ** 2)
            rows.append(m.score**2)
            targets.append(m.mean**2 + between)
    return np.array(rows), np.array(targets)


def weigh(eligible: np.ndarray, moments: list[EntryMoment]) -> Weights:
    """Weigh the eligible members of a pool so that they have the published moments.

    Raises
    ------
    StudyError
        When nobody is eligible, or when this population cannot have these entry scores.
    """
    if not eligible.any():
        raise StudyError(
            "population.entry: nobody in the pool meets the entry criteria. "
            "Allowed: criteria that some of this population meet. Nearest: drop the strictest one. "
            "Do: loosen [[population.entry]], or give a lesion mix with more severe lesions."
        )
    base = eligible / eligible.sum()
    if not moments:
        return Weights(base, 1.0 / float(np.sum(base**2)))
    features, targets = _features(moments)
    centre = features @ base
    scale = np.sqrt(np.maximum((features - centre[:, None]) ** 2 @ base, 1e-12))
    design, goal = (features - centre[:, None]) / scale[:, None], (targets - centre) / scale
    theta = np.zeros(len(goal))
    ridge = 1e-6 * np.eye(len(goal))
    for _ in range(_ROUNDS):
        weight = _tilted(base, theta, design)
        gap = design @ weight - goal
        if np.max(np.abs(gap)) < _TOLERANCE:
            break
        spread = (design * weight) @ design.T - np.outer(design @ weight, design @ weight)
        step = np.linalg.solve(spread + ridge, gap)
        theta = theta - step * min(1.0, 2.0 / (1e-12 + float(np.max(np.abs(step)))))
    weight = _tilted(base, theta, design)
    effective = 1.0 / float(np.sum(weight**2))
    reached = design @ weight
    if np.max(np.abs(reached - goal)) > 0.05 or effective < _LEAST_EFFECTIVE:
        _refuse(moments, weight, effective)
    return Weights(weight, effective)


def _tilted(base: np.ndarray, theta: np.ndarray, design: np.ndarray) -> np.ndarray:
    power = theta @ design
    weight = base * np.exp(power - power[base > 0].max())
    return weight / weight.sum()


def _refuse(moments: list[EntryMoment], weight: np.ndarray, effective: float) -> None:
    lines = []
    for m in moments:
        mean = float(m.score @ weight)
        sd = float(np.sqrt(max((m.score**2) @ weight - mean**2, 0.0)))
        asked = f"{m.mean:g}" if m.sd is None else f"{m.mean:g} (SD {m.sd:g})"
        lines.append(f"{m.name}: asked {asked}, nearest {mean:.2f} (SD {sd:.2f})")
    raise StudyError(
        "population.baseline: this population cannot have the published entry scores "
        f"(about {effective:.0f} different people would carry the whole cohort; "
        f"at least {_LEAST_EFFECTIVE:.0f} are needed). "
        + "; ".join(lines)
        + ". Do: enlarge population.pool, widen the lesion mix, or drop a [[population.baseline]] row."
    )
