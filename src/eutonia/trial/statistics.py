"""What a paper prints of one arm at one visit, computed for each replicate trial: means, changes, differences, shares.

Each statistic is one function from what happened to people to a `Summary` over the trials; `STATISTICS` names them as
a study file does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from eutonia._hours import HOURS_A_DAY
from eutonia._middle import TAIL
from eutonia.assessment.reading import ROUNDING, of_limb
from eutonia.assessment.scales import SCALES
from eutonia.study.published import PublishedRow
from eutonia.trial.block_outcome import VisitRecord

if TYPE_CHECKING:
    import polars

    from eutonia.trial.analysis import Outcome

Values = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]


@dataclass(frozen=True)
class Summary:
    """A trial's statistic over replicates: mean, SD between patients, number, the interval of the trial's own value,
    and where it is known the value of each trial.
    """

    mean: float
    sd: float | None
    n: float
    low: float
    high: float
    values: Float[np.ndarray, " trial"] | None = None


def nan_mean(table: np.ndarray) -> np.ndarray:
    """Row means that skip missing values; NaN for an empty row, without a warning."""
    count = np.sum(~np.isnan(table), axis=1)
    total = np.nansum(table, axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _spread(table: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each row, skipping missing values; NaN for a row of fewer than two."""
    count = np.sum(~np.isnan(table), axis=1)
    squares = nan_mean((table - nan_mean(table)[:, None]) ** 2)
    return np.where(count > 1, np.sqrt(squares * count / np.maximum(count - 1, 1)), np.nan)


def over_trials(values: np.ndarray, n: float, spread: np.ndarray | None = None) -> Summary:
    """Summarise one value a replicate trial; trials without a value do not count."""
    known = values[~np.isnan(values)]
    if known.size == 0:
        return Summary(float("nan"), None, n, float("nan"), float("nan"))
    low, high = np.quantile(known, [TAIL, 1 - TAIL])
    sd = None if spread is None or np.all(np.isnan(spread)) else float(np.nanmean(spread))
    return Summary(float(np.mean(known)), sd, n, float(low), float(high), values)


def summarise(outcome: Outcome, values: Values, present: Flags) -> Summary:
    """Summarise one number a person: each replicate trial has its mean, SD and n."""
    table = outcome.by_replicate(np.where(present, values, np.nan))
    count = np.sum(~np.isnan(table), axis=1)
    return over_trials(nan_mean(table), float(np.mean(count)), _spread(table))


def score_of(record: VisitRecord, scale: str, limb: str | None) -> Values:
    """Return the scores of one scale and limb at a visit."""
    return of_limb(record.scores[scale], limb)


def observed(outcome: Outcome, record: VisitRecord) -> Flags:
    """Return who is seen at a visit of an arm: those allocated to it in a parallel phase, everybody otherwise."""
    came = record.present & ~outcome.missed(record.phase, record.arm, record.visit)
    return came & outcome.in_arm(record.phase, record.arm)


@dataclass(frozen=True)
class Asked:
    """A published row beside what happened: the visit that it speaks of, the first of that phase, and who was seen."""

    outcome: Outcome
    row: PublishedRow
    first: VisitRecord
    record: VisitRecord
    adverse: polars.DataFrame | None = None

    @property
    def present(self) -> Flags:
        """Who is seen in the arm at the visit."""
        return observed(self.outcome, self.record)

    @property
    def scale(self) -> str:
        """The scale of the row."""
        assert self.row.scale is not None
        return self.row.scale

    def scores(self, record: VisitRecord) -> Values:
        """Return the scores that the row speaks of, at a visit."""
        return score_of(record, self.scale, self.row.limb)

    def means(self, record: VisitRecord, present: Flags) -> Float[np.ndarray, " trial"]:
        """Return the mean score of each replicate trial at a visit."""
        return nan_mean(self.outcome.by_replicate(np.where(present, self.scores(record), np.nan)))

    def other(self) -> VisitRecord:
        """Return the same visit of the arm that this one is compared with."""
        assert self.row.against is not None
        return self.outcome.visits[self.record.phase, self.row.against, self.record.visit]

    def seen(self, *present: Flags) -> float:
        """Return how many people are seen, as a mean over trials."""
        return float(sum(np.mean(self.outcome.by_replicate(who).sum(axis=1)) for who in present))


def _mean(asked: Asked) -> Summary:
    return summarise(asked.outcome, asked.scores(asked.record), asked.present)


def _sd(asked: Asked) -> Summary:
    table = asked.outcome.by_replicate(np.where(asked.present, asked.scores(asked.record), np.nan))
    return over_trials(_spread(table), asked.seen(asked.present))


def _change(asked: Asked) -> Summary:
    """After less before, of the same people."""
    return summarise(asked.outcome, asked.scores(asked.record) - asked.scores(asked.first), asked.present)


def _difference(asked: Asked) -> Summary:
    """Mean of this arm less the mean of the other one, at the same visit."""
    other = asked.other()
    theirs = observed(asked.outcome, other)
    values = asked.means(asked.record, asked.present) - asked.means(other, theirs)
    return over_trials(values, asked.seen(asked.present, theirs))


def _ratio(asked: Asked) -> Summary:
    """Mean of this arm over that of the other one, or mean after over mean before."""
    other = asked.first if asked.row.against is None else asked.other()
    theirs = asked.present if asked.row.against is None else observed(asked.outcome, other)
    below = asked.means(other, theirs)
    values = asked.means(asked.record, asked.present) / np.where(below != 0.0, below, np.nan)
    people = (asked.present,) if asked.row.against is None else (asked.present, theirs)
    return over_trials(values, asked.seen(*people))


def _fraction_removed(asked: Asked) -> Summary:
    """(before - after) / (before - normal) of each trial's means."""
    before, after = (asked.means(record, asked.present) for record in (asked.first, asked.record))
    excess = before - (SCALES[asked.scale].normal or 0.0)
    # Where nothing was in excess, nothing can be removed.
    removed = (before - after) / np.where(excess > 0.0, excess, np.nan)
    return over_trials(removed, asked.seen(asked.present))


def _share_with_a_fall(asked: Asked) -> Summary:
    """Share of those seen whose score fell by at least so much from the first visit."""
    assert asked.row.fall is not None
    fell = asked.scores(asked.first) - asked.scores(asked.record) >= asked.row.fall - ROUNDING
    return summarise(asked.outcome, fell.astype(float), asked.present)


def _share_lost(asked: Asked) -> Summary:
    """Share of people who lost what they had (stance, below 1), or whose score became worse by a step."""
    before, after, scale = asked.scores(asked.first), asked.scores(asked.record), SCALES[asked.scale]
    lost = scale.worse * (after - before) >= scale.step - ROUNDING
    if scale.lost_below is not None:
        lost = (before >= scale.lost_below) & (after < scale.lost_below)
    return summarise(asked.outcome, lost.astype(float), asked.present)


def _share_with_a_reaction(asked: Asked) -> Summary:
    """Share of the arm with a reaction by the end of the phase, out of the table of adverse reactions."""
    entered = asked.seen(observed(asked.outcome, asked.first))
    if asked.adverse is not None:
        for row in asked.adverse.iter_rows(named=True):
            if (row["reaction"], row["phase"], row["arm"]) == (asked.row.reaction, asked.row.phase, asked.row.arm):
                share, low, high = (float("nan") if row[x] is None else row[x] for x in ("share", "low", "high"))
                return Summary(share, None, row["n"], low, high)
    return Summary(float("nan"), None, entered, float("nan"), float("nan"))


def _share_entered(asked: Asked) -> Summary:
    entered = asked.outcome.entered[asked.row.phase].astype(float)
    return summarise(asked.outcome, entered, np.ones(entered.shape, dtype=bool))


def _dose(asked: Asked) -> Summary:
    """Mean, lowest or highest daily dose; of those who reached relief where the policy climbs to relief."""
    record, row = asked.record, asked.row
    relieved = asked.outcome.relieved_ug_per_h.get((record.phase, record.arm))
    if row.unit == "mg/day":
        dose = record.tablets_mg_per_day
    else:
        dose = (record.rate_ug_per_h if relieved is None else relieved) * HOURS_A_DAY
    known = asked.present & ~np.isnan(dose)
    if row.statistic == "dose":
        return summarise(asked.outcome, dose, known)
    table = asked.outcome.by_replicate(np.where(known, dose, np.nan))
    some = ~np.all(np.isnan(table), axis=1)
    extreme = np.nanmin if row.statistic == "lowest dose" else np.nanmax
    values = np.full(len(table), np.nan)
    values[some] = extreme(table[some], axis=1)
    return over_trials(values, asked.seen(known))


STATISTICS: Mapping[str, Callable[[Asked], Summary]] = MappingProxyType(
    {
        "mean": _mean,
        "sd": _sd,
        "change from baseline": _change,
        "difference between arms": _difference,
        "ratio": _ratio,
        "fraction removed": _fraction_removed,
        "share with a fall": _share_with_a_fall,
        "share lost": _share_lost,
        "share with a reaction": _share_with_a_reaction,
        "share entered": _share_entered,
        "dose": _dose,
        "lowest dose": _dose,
        "highest dose": _dose,
    }
)


def detail(row: PublishedRow) -> str:
    """Return in words what a published number is, where the name of its statistic does not say all."""
    compared = {
        "difference between arms": f"{row.arm} less {row.against}",
        "ratio": f"{row.arm} over {row.against or 'baseline'}",
        "share with a fall": f"share with a fall of {row.fall or 0.0:g} or more",
        "share with a reaction": f"share with {row.reaction}",
    }
    return compared.get(row.statistic, "")


def mean_over_time(at_h: Float[np.ndarray, " time"], values: np.ndarray) -> np.ndarray:
    """Return the mean over time by the trapezoid rule; the value itself where there is one look only."""
    span = at_h[-1] - at_h[0]
    return np.trapezoid(values, at_h, axis=0) / span if span > 0 else values[-1]
