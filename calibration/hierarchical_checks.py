"""Checks of the hierarchical calibration: what it predicts, what it would have predicted of a study that it had not
seen, whether its intervals are right on data made by itself, and what the data cannot tell apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np
from hierarchical_design import SCALED
from hierarchical_model import Draws, Evidence, Sampler, covariance_of
from hierarchical_rows import CLASSES, Row
from jaxtyping import Float
from scipy.stats import chi2

from eutonia.statistics.crps import crps

_TAILS = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Predicted:
    """A row as predicted: mean, 5, 50 and 95 % quantiles, share of draws below the published value, and CRPS."""

    mean: float
    low: float
    middle: float
    high: float
    below: float
    crps: float

    def holds(self, value: float) -> bool:
        """Whether the 90 % interval holds a value."""
        return self.low <= value <= self.high


def replicated(draws: Draws, held: Evidence, seed: int) -> Float[np.ndarray, "draw row"]:
    """Return the rows of new studies, one a draw: with their own study effect and error."""
    x, tau = draws.flat
    clean = np.asarray(jax.lax.map(held.surrogate, x, batch_size=256))
    rng = np.random.default_rng(seed)
    groups = {(row.source, row.kind): k for k, row in enumerate(held.rows)}
    at = np.array([groups[row.source, row.kind] for row in held.rows])
    unit = np.sqrt(np.diag(held.together))
    effect = rng.standard_normal((len(x), len(held.rows)))[:, at] * tau[:, held.kind] * unit
    return clean + effect + held.sd * rng.standard_normal(clean.shape)


def predicted(sample: Float[np.ndarray, "draw row"], held: Evidence) -> list[Predicted]:
    """Return each row as a sample predicts it."""
    found = []
    for k, row in enumerate(held.rows):
        low, middle, high = np.quantile(sample[:, k], _TAILS)
        below = float(np.mean(sample[:, k] < row.value))
        found.append(Predicted(float(sample[:, k].mean()), low, middle, high, below, crps(sample[:, k], row.value)))
    return found


def left_out(held: Evidence, sampler: Sampler, seed: int, say: Callable[[str], None]) -> list[Predicted]:
    """Return each row as predicted without its source."""
    found: dict[int, Predicted] = {}
    for number, source in enumerate(dict.fromkeys(row.source for row in held.rows)):
        draws = sampler(seed + number, sd=held.without(source))
        for k, one in enumerate(predicted(replicated(draws, held, seed + number), held)):
            if held.rows[k].source == source:
                found[k] = one
        say(f"left out: {source}, {draws.divergent} divergences")
    return [found[k] for k in range(len(held.rows))]


def _change(row: Row) -> float | None:
    """Return the share of the untreated value that is left, or the change itself where that is 0."""
    if row.no_change is None:
        return None
    return row.value / row.no_change if row.no_change else row.value


def baselines(held: Evidence) -> list[tuple[float | None, float | None]]:
    """Return the CRPS of two rivals on each row: that nothing changes, and the mean share of change (with its SD) that
    rows of the same class from other sources had; none where a rival has no word.
    """
    change = [_change(row) for row in held.rows]
    rng = np.random.default_rng(0)
    found: list[tuple[float | None, float | None]] = []
    for row, mine in zip(held.rows, change, strict=True):
        others = [
            theirs
            for other, theirs in zip(held.rows, change, strict=True)
            if theirs is not None and other.source != row.source and other.kind == row.kind
            and (other.no_change == 0) == (row.no_change == 0)
        ]  # fmt: skip
        nothing = None if row.no_change is None else abs(row.value - row.no_change)
        mean: float | None = None
        if mine is not None and others:
            times = row.no_change or 1.0
            spread = times * (np.std(others, ddof=1) if len(others) > 1 else 0.0)
            sample = times * np.mean(others) + spread * rng.standard_normal(4000)
            mean = crps(sample, row.value)
        found.append((nothing, mean))
    return found


def simulated_ranks(held: Evidence, sampler: Sampler, prior: tuple[np.ndarray, np.ndarray], runs: int, seed: int,
                    say: Callable[[str], None]) -> Float[np.ndarray, "run number"]:  # fmt: skip
    """Return where truths lie among thinned draws of their posteriors, 0 to 1, for data made by the model itself.

    `prior` is that of the check: as wide as the linear posterior, where the surrogate was learned.
    """
    half, found = np.array([width for width, _ in CLASSES.values()]), []
    for run in range(runs):
        rng = np.random.default_rng([seed, run])
        x, tau = prior[0] + prior[1] @ rng.standard_normal(len(prior[0])), half * np.abs(rng.standard_normal(len(half)))
        root = np.linalg.cholesky(np.asarray(covariance_of(tau, held.sd, held)))
        made = np.asarray(held.surrogate(x)) + root @ rng.standard_normal(len(root))
        places, spreads = sampler(seed + run, value=made, prior=prior).flat
        drawn, truth = np.hstack([places, spreads])[::4], np.append(x, tau)
        found.append((drawn < truth).mean(axis=0))
        if (run + 1) % 10 == 0:
            jax.clear_caches()  # each run compiles programs of its own, and a process may hold only so many
            say(f"simulated {run + 1} of {runs}")
    return np.array(found)


def uniformity(ranks: Float[np.ndarray, " run"], bins: int = 5) -> tuple[list[int], float]:
    """Return the rank histogram and the p value of chi-square against even bins."""
    counts = np.histogram(ranks, bins, (0.0, 1.0))[0]
    expected = len(ranks) / bins
    return counts.tolist(), float(chi2.sf(np.sum((counts - expected) ** 2) / expected, bins - 1))


def confounded(draws: Draws, most: int = 4) -> list[tuple[float, list[tuple[str, float]]]]:
    """Return of the posterior correlation the eigenvectors of the smallest and the largest eigenvalues, each by the
    numbers that make most of it: what is known together, and what the data cannot tell apart.
    """
    values, vectors = np.linalg.eigh(np.corrcoef(draws.flat[0].T))
    names = [one.key.split(".")[1] for one in SCALED]
    found = []
    for k in (0, 1, -2, -1):
        first = np.argsort(-np.abs(vectors[:, k]))[:most]
        sign = np.sign(vectors[first[0], k])
        found.append((float(values[k]), [(names[j], float(sign * vectors[j, k])) for j in first]))
    return found
