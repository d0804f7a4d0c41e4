"""Series of N-of-1 trials: every person's own difference, beside what the others tell of it, and who responds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from eutonia.assessment.reading import ROUNDING
from eutonia.statistics.n_of_1 import People, SeriesFit, series
from eutonia.trial.allocation import orders
from eutonia.trial.endpoints import Contrast, contrasts_of

if TYPE_CHECKING:
    import polars

    from eutonia.trial.analysis import Outcome

Pairs = Float[np.ndarray, "patient pair"]
WAY = "N-of-1"


@dataclass(frozen=True)
class SeriesFound:
    """What series of N-of-1 trials found, of every endpoint that is analysed so.

    Parameters
    ----------
    pairs : polars.DataFrame
        One row a pair of periods that was seen: which arm came first, both values, their difference.
    people : polars.DataFrame
        One row a person: the own difference and the shrunken one with intervals, and the chance of a response.
    trials : polars.DataFrame
        One row a replicate trial: SD between people and within one, and the share that responds.
    """

    pairs: polars.DataFrame
    people: polars.DataFrame
    trials: polars.DataFrame


def by_pair(outcome: Outcome, contrast: Contrast, arm: str, *, seen_only: bool = True) -> Pairs:
    """Return the number of each person in an arm in each pair of periods; NaN where it is not known.

    Without `seen_only` that of everybody, as if nobody had left.
    """
    entered = outcome.entered[contrast.phase.name]
    found = []
    for pair in range(contrast.phase.rounds):
        seen = (contrast.seen if seen_only else contrast.goes_on)(outcome, arm, pair) & entered[:, None]
        value = contrast.target(contrast.scores(outcome, arm, pair), seen)
        found.append(np.where(contrast.known(seen), value, np.nan) if seen_only else value)
    return np.stack(found, axis=1)


def analysed(outcome: Outcome, contrast: Contrast, alpha: float) -> SeriesFit:
    """Return the analysis of every replicate trial of an endpoint."""
    apart = by_pair(outcome, contrast, contrast.arm) - by_pair(outcome, contrast, contrast.against)
    return series(apart.reshape(outcome.n_replicates, -1, apart.shape[1]), alpha)


def _rooms(outcome: Outcome, contrast: Contrast) -> People:
    """Return by how much each person can be better than in the other arm: up to normal, and no further.

    Of the mean score there over the pairs that were seen; infinite on a scale without a normal, NaN without a pair.
    """
    arms = (contrast.arm, contrast.against)
    seen = ~np.isnan(sum(by_pair(outcome, contrast, arm) for arm in arms))
    if contrast.scale.normal is None:
        return np.where(seen.any(axis=1), np.inf, np.nan).reshape(outcome.n_replicates, -1)
    pairs = [contrast.scores(outcome, contrast.against, pair)[:, -1] for pair in range(contrast.phase.rounds)]
    total = np.where(seen, np.stack(pairs, axis=1), 0.0).sum(axis=1)
    count = seen.sum(axis=1)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return contrast.scale.better(mean, contrast.scale.normal).reshape(outcome.n_replicates, -1)


def series_of(outcome: Outcome) -> SeriesFound | None:
    """Return what the series of a trial found; None where none is analysed so."""
    import polars as pl

    plan = outcome.study.analysis
    contrasts = [one for one in contrasts_of(outcome.study) if one.given.way == WAY]
    if plan is None or not contrasts:
        return None
    found = [(one, analysed(outcome, one, plan.alpha), _rooms(outcome, one)) for one in contrasts]
    return SeriesFound(
        pl.concat([_pairs(outcome, one) for one in contrasts]),
        pl.concat([_people(outcome, *one) for one in found]),
        pl.concat([_trials(*one) for one in found]),
    )


def _named(contrast: Contrast, table: polars.DataFrame) -> polars.DataFrame:
    """Return a table with the endpoint in every row, and nothing that is no number."""
    import polars as pl

    named = table.with_columns(pl.lit(contrast.name).alias("endpoint"), pl.lit(contrast.unit).alias("unit"))
    return named.with_columns(pl.col(pl.Float64).fill_nan(None))


def _pairs(outcome: Outcome, contrast: Contrast) -> polars.DataFrame:
    import polars as pl

    phase, n = contrast.phase, outcome.study.population.n
    mine, other = (by_pair(outcome, contrast, arm) for arm in (contrast.arm, contrast.against))
    index = outcome.study.phases.index(phase)
    person = np.arange(len(outcome.member))
    first = np.stack(orders(phase, index, outcome.study.seed, person, outcome.assigned[phase.name]), axis=1)
    names = np.array([arm.name for arm in phase.arms], dtype=object)
    who, pair = np.nonzero(~np.isnan(mine - other))
    columns = {
        "replicate": (who // n).astype(np.int32),
        "patient": who.astype(np.int64),
        "pair": (pair + 1).astype(np.int32),
        "arm_first": pl.Series(names[first[who, pair]].tolist(), dtype=pl.String),
        "value_arm": mine[who, pair],
        "value_against": other[who, pair],
        "difference": (mine - other)[who, pair],
    }
    return _named(contrast, pl.DataFrame(columns))


def _responds(contrast: Contrast, difference: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Return which differences are responses: better by the least that counts, up to normal and no further."""
    least = contrast.improvement - ROUNDING
    return (-contrast.scale.worse * difference >= least) & (room >= least)


def _chances(contrast: Contrast, found: SeriesFit, room: People) -> People:
    """Return how likely it is of each person that the difference is a response, by the shrunken one and its error."""
    from scipy import stats

    better = -contrast.scale.worse * found.shrunken
    # Where the error is nothing the person responds or not; NaN stays.
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = (better - contrast.improvement + ROUNDING) / found.shrunken_se
    return np.where(room < contrast.improvement - ROUNDING, 0.0, stats.norm.cdf(apart))


def _people(outcome: Outcome, contrast: Contrast, found: SeriesFit, room: People) -> polars.DataFrame:
    import polars as pl

    n = outcome.study.population.n
    who = np.flatnonzero(found.pairs.ravel() > 0)

    def of(values: np.ndarray) -> np.ndarray:
        return values.ravel()[who]

    own, shrunken = of(found.own), of(found.shrunken)
    columns = {
        "replicate": (who // n).astype(np.int32),
        "patient": who.astype(np.int64),
        "pairs": of(found.pairs).astype(np.int32),
        "difference": own,
        "difference_se": of(found.own_se),
        "difference_low": own - of(found.own_half),
        "difference_high": own + of(found.own_half),
        "responds": pl.Series(_responds(contrast, own, of(room)).tolist(), dtype=pl.Boolean),
        "shrunken": shrunken,
        "shrunken_se": of(found.shrunken_se),
        "shrunken_low": shrunken - of(found.shrunken_half),
        "shrunken_high": shrunken + of(found.shrunken_half),
        "chance": of(_chances(contrast, found, room)),
    }
    return _named(contrast, pl.DataFrame(columns))


def _trials(contrast: Contrast, found: SeriesFit, room: People) -> polars.DataFrame:
    """Return one row a trial: variances, and the share that responds by three counts.

    By own differences, which chance makes too many or too few of; by shrunken ones, which vary too little; and by the
    mean of everybody's chance, which is the share to be expected.
    """
    import polars as pl

    there = found.pairs > 0
    count = np.maximum(there.sum(axis=1), 1)

    def share(hits: np.ndarray) -> np.ndarray:
        return np.where(there.any(axis=1), np.where(there, hits, 0.0).sum(axis=1) / count, np.nan)

    expected = share(_chances(contrast, found, room))
    shrunken = share(_responds(contrast, found.shrunken, room))
    columns = {
        "replicate": np.arange(len(count), dtype=np.int32),
        "people": there.sum(axis=1).astype(np.int32),
        "between_sd": found.between,
        "within_sd": found.within,
        "improvement": np.full(len(count), contrast.improvement),
        "share_own": share(_responds(contrast, found.own, room)),
        "share_shrunken": np.where(np.isnan(expected), np.nan, shrunken),
        "share_expected": expected,
    }
    return _named(contrast, pl.DataFrame(columns))
