"""The tables behind the figures: everything is counted first, so a million patients cost no more ink than ten."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from eutonia._middle import TAIL, wilson
from eutonia.report import words
from eutonia.report.words import Number
from eutonia.trial.predictors import known_by
from eutonia.trial.result import Published, Quantity, StudyResult
from eutonia.trial.scores import ScorePart

if TYPE_CHECKING:
    import polars

_NICE_WIDTHS = (0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0)
_MOST_BINS = 24
_FEATURE_BINS = 5


@dataclass(frozen=True)
class Point:
    """One visit of a series: time in h, its label, mean and interval over replicates, what was published."""

    time_h: float
    visit: str
    mean: float
    low: float
    high: float
    published: Published | None = None
    standard_error: float | None = None

    @property
    def ends(self) -> tuple[float, ...]:
        """Return everything that an axis has to have room for."""
        if self.published is None:
            return self.low, self.mean, self.high
        error = self.standard_error or 0.0
        return self.low, self.mean, self.high, self.published.value - error, self.published.value + error


@dataclass(frozen=True)
class Series:
    """Scores of one arm over the visits of one phase."""

    phase: str
    arm: str
    limb: str | None
    scale: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Change:
    """How the patients of one arm changed between two visits, counted in bins of equal width."""

    arm: str
    values: tuple[float, ...]
    shares: tuple[float, ...]
    width: float
    n: int
    mean: float

    @property
    def reached(self) -> tuple[float, ...]:
        """Return for each value the share of patients whose score changed to it or further down."""
        return tuple(accumulate(self.shares))

    @property
    def edges(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return the line of `reached`, from nobody to everybody: changes, and the shares from each to the next."""
        changes = (self.values[0] - self.width, *self.values, self.values[-1] + self.width)
        return changes, (0.0, *self.reached, 1.0)


@dataclass(frozen=True)
class Individuals:
    """Individual changes on one scale of one limb in one phase, arm by arm."""

    phase: str
    limb: str | None
    scale: str
    first: str
    last: str
    arms: tuple[Change, ...]


@dataclass(frozen=True)
class Bin:
    """Share of responders among the patients of one group, with a Wilson interval."""

    label: str
    share: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Feature:
    """Responders by one thing known before treatment."""

    name: str
    bins: tuple[Bin, ...]
    is_number: bool

    @property
    def spread(self) -> float:
        """Return the difference between the group that responds most and the one that responds least."""
        shares = [group.share for group in self.bins]
        return max(shares) - min(shares)


def series(result: StudyResult) -> list[Series]:
    """Return the scores over the visits; from the quantities, and from the visits where a scale has no quantity."""
    groups: dict[tuple[str, str, str | None, str], list[Point]] = {}
    for quantity in result.quantities:
        if quantity.statistic == "mean" and math.isfinite(quantity.mean):
            key = (quantity.phase, quantity.arm, quantity.limb, quantity.scale)
            groups.setdefault(key, []).append(_point(quantity))
    wanted = [one for one in result.scores.parts if (one.phase, one.arm, one.limb or None, one.scale) not in groups]
    for key, points in _from_visits(result.scores.table(wanted)).items() if wanted else ():
        groups[key] = points
    return [Series(*key, tuple(sorted(points, key=lambda point: point.time_h))) for key, points in groups.items()]


def _point(quantity: Quantity) -> Point:
    return Point(
        quantity.time_h,
        quantity.visit,
        quantity.mean,
        quantity.low,
        quantity.high,
        quantity.published,
        quantity.published_standard_error,
    )


def _from_visits(table: polars.DataFrame) -> dict[tuple[str, str, str | None, str], list[Point]]:
    """Return mean and interval over replicates at each visit, of limb means where recorded, else over muscles."""
    import polars as pl

    groups: dict[tuple[str, str, str | None, str], list[Point]] = {}
    what = ["phase", "arm", "limb", "scale"]
    by = [*what, "visit", "time_h"]
    valid = table.filter(_known())
    has_mean = (pl.col("item") == "mean").any().over("phase", "limb", "scale")
    means = valid.filter(~has_mean | (pl.col("item") == "mean"))
    people = means.group_by([*by, "replicate", "patient"], maintain_order=True).agg(pl.col("score").mean())
    trial = people.group_by([*by, "replicate"], maintain_order=True).agg(pl.col("score").mean())
    rows = trial.group_by(by, maintain_order=True).agg(
        pl.col("score").mean().alias("mean"),
        pl.col("score").quantile(TAIL, "linear").alias("low"),
        pl.col("score").quantile(1 - TAIL, "linear").alias("high"),
    )
    for row in rows.iter_rows(named=True):
        key = (row["phase"], row["arm"], row["limb"] or None, row["scale"])
        groups.setdefault(key, []).append(Point(row["time_h"], row["visit"], row["mean"], row["low"], row["high"]))
    return groups


def _known() -> polars.Expr:
    import polars as pl

    return pl.col("score").is_not_null() & pl.col("score").is_not_nan()


def responses(result: StudyResult) -> list[Individuals]:
    """Return individual changes from the first visit of a phase to the one that the paper reports, else to the one at
    which the study asks who responds, else the last.
    """
    groups: dict[tuple[str, str | None, str], list[ScorePart]] = {}
    for part in result.scores.parts:
        groups.setdefault((part.phase, part.limb, part.scale), []).append(part)
    found = []
    for (phase, limb, scale), all_parts in groups.items():
        parts = [part for part in all_parts if part.item == "mean"] or all_parts
        times = sorted({part.time_h for part in parts})
        reported = _reported(result, phase) & set(times)
        first = _first_seen(parts, times)
        last = _first_seen(parts, [*sorted(reported, reverse=True), *reversed(times)])
        if first is None or last is None or first[0] == last[0]:
            continue
        changes = {arm: _change(rows, last[1][arm]) for arm, rows in first[1].items() if arm in last[1]}
        if any(not change.is_empty() for change in changes.values()):
            words_of = {part.time_h: part.visit for part in parts}
            ends = words_of[first[0]], words_of[last[0]]
            found.append(Individuals(phase, limb or None, scale, *ends, _changes(changes)))
    return found


def _change(first: polars.DataFrame, last: polars.DataFrame) -> polars.Series:
    both = first.join(last, on=["patient", "replicate"], maintain_order="left", suffix="_last")
    return both["score_last"] - both["score"]


def _reported(result: StudyResult, phase: str) -> set[float]:
    """Return the visits of a phase of which the paper reports a mean, else that at which it is asked who responds."""
    reported = {one.time_h for one in result.compared if one.phase == phase and one.statistic == "mean"}
    asked = {result.judged_at[1]} if result.judged_at is not None and result.judged_at[0] == phase else set()
    return reported or asked


def _first_seen(parts: Sequence[ScorePart], times: Sequence[float]) -> tuple[float, dict[str, polars.DataFrame]] | None:
    """Return the first of these visits at which somebody was scored, and by arm the score of each of its people."""
    import polars as pl

    for time_h in dict.fromkeys(times):
        there: dict[str, list[polars.DataFrame]] = {}
        for part in parts:
            if part.time_h == time_h:
                there.setdefault(part.arm, []).append(part.read().filter(_known()))
        if any(len(rows) for items in there.values() for rows in items):
            who = ["patient", "replicate"]
            return time_h, {
                arm: items[0]
                if len(items) == 1
                else pl.concat(items).group_by(who, maintain_order=True).agg(pl.col("score").mean())
                for arm, items in there.items()
            }
    return None


def _changes(of_arms: Mapping[str, polars.Series]) -> tuple[Change, ...]:
    import polars as pl

    seen = pl.concat([change.unique() for change in of_arms.values()])
    span = real(seen.max()) - real(seen.min())
    steps_seen = seen.round(4).unique().sort().diff().drop_nulls()
    finest = max(real(steps_seen.min()), 1e-9) if steps_seen.len() else 1.0
    is_coarse = span / finest <= _MOST_BINS
    width = (
        finest if is_coarse else next((nice for nice in _NICE_WIDTHS if span / nice <= _MOST_BINS), span / _MOST_BINS)
    )
    out = []
    for arm, change in of_arms.items():
        if change.is_empty():
            continue
        counts = dict((change / width).round().cast(pl.Int64).value_counts().iter_rows())
        steps = range(min(counts), max(counts) + 1)
        shares = tuple(counts.get(step, 0) / len(change) for step in steps)
        out.append(Change(arm, tuple(step * width for step in steps), shares, width, len(change), real(change.mean())))
    return tuple(out)


def real(value: Any) -> float:
    """Return an aggregate of a column as a number; polars cannot say that it is one."""
    return float(value)


def treated(result: StudyResult) -> polars.DataFrame | None:
    """Return the people who were given the drug: placebo tells nothing of who responds to it."""
    import polars as pl

    people, found = result.patients, result.responders
    if people is None or found is None or "response_arm" not in people.columns:
        return people
    drug = found.filter(~pl.col("placebo"))["arm"].unique()
    return people.filter(pl.col("response_arm").is_in(drug.implode()))


def features(people: polars.DataFrame | None) -> list[Feature]:
    """Return the share of responders by each baseline feature, the one that separates most first."""
    import polars as pl

    if people is None or "responder" not in people.columns or people.is_empty():
        return []
    known = people.filter(pl.col("responder").is_not_null())
    found = []
    for name in known.columns:
        if known_by(name) is None:
            continue
        part = known.select("responder", pl.col(name).alias("value")).drop_nulls()
        is_number = part["value"].dtype.is_numeric()
        if is_number:
            part = part.filter(pl.col("value").cast(pl.Float64).is_finite())
        numeric = is_number and part["value"].n_unique() > _FEATURE_BINS
        bins = _number_bins(part) if numeric else _name_bins(part)
        if len(bins) > 1:
            found.append(Feature(name, tuple(bins), numeric))
    return sorted(found, key=lambda feature: -feature.spread)


def _bin(label: str, part: polars.DataFrame) -> Bin:
    hits = int(part["responder"].cast(bool).sum())
    share, n = hits / part.height, part.height
    return Bin(label, share, *wilson(share, float(n)), n)


def _number_bins(part: polars.DataFrame) -> list[Bin]:
    import polars as pl

    cuts = [part["value"].quantile(k / _FEATURE_BINS, "linear") for k in range(1, _FEATURE_BINS)]
    edges = sorted({float(cut) for cut in cuts if cut is not None})
    grouped = part.with_columns(
        pl.sum_horizontal([(pl.col("value") > edge).cast(pl.Int32) for edge in edges]).alias("bin")
    )
    out = []
    for (_,), group in sorted(grouped.group_by(["bin"], maintain_order=True), key=lambda item: item[0]):
        low, high = real(group["value"].min()), real(group["value"].max())
        ends = (_short(low), _short(high))
        out.append(_bin(ends[0] if ends[0] == ends[1] else "–".join(ends), group))
    return out


def _short(value: Number) -> str:
    digits = 0 if abs(value) >= 10 else 1 if abs(value) >= 1 else 2
    return f"{value:.{digits}f}"


def _name_bins(part: polars.DataFrame) -> list[Bin]:
    groups = sorted(part.group_by(["value"], maintain_order=True), key=lambda item: str(item[0][0]))
    return [_bin(words.label(str(value)), group) for (value,), group in groups][:8]


def adverse_columns(adverse: polars.DataFrame) -> list[tuple[str, str]]:
    """Return the (phase, arm) pairs of the adverse reactions in the order in which they appear."""
    return [
        (str(phase), str(arm)) for phase, arm in adverse.select("phase", "arm").unique(maintain_order=True).iter_rows()
    ]
