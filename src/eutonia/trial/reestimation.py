"""The size of a trial found again on the way, from the scores of its first people with their arms unknown.

Equation
    n = (z(1 - alpha/2) + z(power))^2 (s^2 - r (1 - r) d^2) / (r (1 - r) d^2)
s^2 is the variance of the endpoint over all of them at the same first score, d the difference to be found, r the share
of people in the arm; what the arms differ by, if it is d, is taken from the variance. n is divided by the share of
people of whom the endpoint is known, and lies between those who were looked at and the people of the study.
Source
    Gould_1992
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from eutonia._middle import TAIL
from eutonia.statistics.rounding import NO_SPREAD
from eutonia.statistics.sample_size import mean_error
from eutonia.study.randomisation import ratio_of
from eutonia.study.reestimation import Reestimation
from eutonia.trial.analysed import Analysed
from eutonia.trial.endpoints import Contrast

if TYPE_CHECKING:
    import polars


def sizes(
    given: Reestimation,
    contrast: Contrast,
    alpha: float,
    values: Float[np.ndarray, "trial person"],
    baseline: Float[np.ndarray, "trial person"],
) -> Int[np.ndarray, " trial"]:
    """Return how many people each trial recruits.

    Parameters
    ----------
    values, baseline
        Number of each person that the endpoint speaks of, and score at the first visit, in the order of recruitment;
        NaN where not known, or in neither arm.
    """
    from scipy.stats import norm

    most = values.shape[1]
    seen = given.people(most)
    arms = [arm.name for arm in contrast.phase.arms]
    places = ratio_of([arm.allocation for arm in contrast.phase.arms])
    mine, other = (places[arms.index(name)] for name in (contrast.arm, contrast.against))
    apart = mine * other / (mine + other) ** 2 * given.difference**2
    z = float(norm.isf(alpha / 2.0) + norm.ppf(given.power))
    found = np.full(len(values), most)
    for k, (y, x) in enumerate(zip(values[:, :seen], baseline[:, :seen], strict=True)):
        known = np.isfinite(y)
        variance = _variance(y[known], x[known])
        if np.isfinite(variance):
            wanted = z * z * max(variance - apart, 0.0) / apart * seen / known.sum()
            found[k] = int(np.clip(np.ceil(wanted - 1e-9), seen, most))
    return found


def _variance(y: Float[np.ndarray, " person"], x: Float[np.ndarray, " person"]) -> float:
    """Return the variance of y at the same x; NaN of fewer than three people."""
    columns = [np.ones(len(y))] + ([x - x.mean()] if len(x) and np.ptp(x) > NO_SPREAD else [])
    free = len(y) - len(columns)
    if free < 1:
        return float("nan")
    design = np.stack(columns, axis=1)
    return float(np.sum((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2)) / free


def with_sizes(made: Analysed, people: Int[np.ndarray, " trial"], most: int) -> Analysed:
    """Return an analysis with the size of each trial, and the size to expect with its Monte Carlo error."""
    import polars as pl

    low, high = np.quantile(people, [TAIL, 1 - TAIL])
    size = pl.Series("size", np.tile(people, made.characteristics.height), dtype=pl.Int32)
    told = {
        "expected_people": float(people.mean()),
        "expected_people_error": mean_error(people),
        "size_low": float(low),
        "size_high": float(high),
        "size_largest": float(np.mean(people == most)),
    }
    rates: polars.DataFrame = made.characteristics.with_columns(
        [pl.lit(value, dtype=pl.Float64).fill_nan(None).alias(name) for name, value in told.items()]
    )
    return replace(made, trials=made.trials.with_columns(size), characteristics=rates)
