"""From what happened to people to what a paper prints: means, intervals over replicate trials, published rows beside
them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from eutonia.assessment.scales import SCALES
from eutonia.study.design import TrialStudy
from eutonia.study.parts import Phase
from eutonia.study.parts import Published as PublishedRow
from eutonia.trial.charting import items, of_limb
from eutonia.trial.conduct import BlockOutcome, VisitRecord
from eutonia.trial.result import ConsortRow, Published, Quantity

_LEVEL = 0.95
_HOURS_PER_DAY = 24.0

Values = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]


@dataclass(frozen=True)
class Outcome:
    """All blocks joined: `person` runs over replicates, `visits` hold everybody once per phase, arm and visit."""

    study: TrialStudy
    n_replicates: int
    visits: dict[tuple[str, str, int], VisitRecord]
    entered: dict[str, Flags]
    passed: dict[str, Flags]
    assigned: dict[str, np.ndarray]
    left: dict[str, Flags]
    relieved_ug_per_h: dict[tuple[str, str], Values]
    features: dict[str, Values]
    member: np.ndarray

    def by_replicate(self, values: np.ndarray) -> np.ndarray:
        """Return values over people as a table of replicate by person."""
        return values.reshape(self.n_replicates, -1)


def join(study: TrialStudy, blocks: Iterable[BlockOutcome]) -> Outcome:
    """Join blocks of people in their order; the two records of a crossover visit (one a period) become one."""
    parts = list(blocks)
    merged = [_merge_periods(block.visits) for block in parts]
    visits = {key: _stack([m[key] for m in merged]) for key in merged[0]}
    whole = {
        name: {key: np.concatenate([getattr(b, name)[key] for b in parts]) for key in getattr(parts[0], name)}
        for name in ("entered", "passed", "assigned", "left", "relieved_ug_per_h", "features")
    }
    member = np.concatenate([b.member for b in parts])
    return Outcome(study, len(member) // study.population.n, visits, member=member, **whole)


def _merge_periods(visits: list[VisitRecord]) -> dict[tuple[str, str, int], VisitRecord]:
    found: dict[tuple[str, str, int], VisitRecord] = {}
    for record in visits:
        key = (record.phase, record.arm, record.visit)
        if key not in found:
            found[key] = record
            continue
        first, later = found[key], record.present
        found[key] = VisitRecord(
            phase=record.phase,
            arm=record.arm,
            visit=record.visit,
            time_h=record.time_h,
            scores={name: np.where(later, record.scores[name], old) for name, old in first.scores.items()},
            present=first.present | later,
            rate_ug_per_h=np.where(later, record.rate_ug_per_h, first.rate_ug_per_h),
            tablets_mg_per_day=np.where(later, record.tablets_mg_per_day, first.tablets_mg_per_day),
            brain=np.where(later, record.brain, first.brain),
        )
    return found


def _stack(records: list[VisitRecord]) -> VisitRecord:
    first = records[0]
    joined = {name: np.concatenate([getattr(r, name) for r in records]) for name in _PER_PERSON}
    scores = {name: np.concatenate([r.scores[name] for r in records], axis=-1) for name in first.scores}
    return VisitRecord(first.phase, first.arm, first.visit, first.time_h, scores, **joined)


_PER_PERSON = ("present", "rate_ug_per_h", "tablets_mg_per_day", "brain")


def score_of(record: VisitRecord, scale: str, limb: str | None) -> Values:
    """Return the scores of one scale and limb at a visit."""
    return of_limb(record.scores[scale], limb)


@dataclass(frozen=True)
class Summary:
    """A trial's statistic over replicates: mean, SD between patients, number, and the interval of the trial's own
    value.
    """

    mean: float
    sd: float | None
    n: float
    low: float
    high: float


def _nan_mean(table: np.ndarray) -> np.ndarray:
    """Row means that skip missing values; NaN for an empty row, without a warning."""
    count = np.sum(~np.isnan(table), axis=1)
    total = np.nansum(table, axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def summarise(outcome: Outcome, values: Values, present: Flags) -> Summary:
    """Summarise one number a person: each replicate trial has its mean, SD and n."""
    table = outcome.by_replicate(np.where(present, values, np.nan))
    means = _nan_mean(table)
    count = np.sum(~np.isnan(table), axis=1)
    return _over_trials(means, float(np.mean(count)), _spread(table))


def _spread(table: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each row, skipping missing values; NaN for a row of fewer than two."""
    count = np.sum(~np.isnan(table), axis=1)
    squares = _nan_mean((table - _nan_mean(table)[:, None]) ** 2)
    return np.where(count > 1, np.sqrt(squares * count / np.maximum(count - 1, 1)), np.nan)


def _over_trials(values: np.ndarray, n: float, spread: np.ndarray | None = None) -> Summary:
    known = values[~np.isnan(values)]
    if known.size == 0:
        return Summary(float("nan"), None, n, float("nan"), float("nan"))
    tail = (1 - _LEVEL) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    sd = None if spread is None or np.all(np.isnan(spread)) else float(np.nanmean(spread))
    return Summary(float(np.mean(known)), sd, n, float(low), float(high))


def quantities(outcome: Outcome) -> tuple[Quantity, ...]:
    """Return every reported quantity: scores at all visits, then what the study file lists as published."""
    study = outcome.study
    found: list[Quantity] = []
    published = [row for row in study.published if row.statistic == "mean"]
    for (phase, arm, _), record in outcome.visits.items():
        present = _observed(outcome, study.phase(phase), arm, record)
        for scale, limb in items(study.assessment):
            row = _published_row(published, phase, arm, record.time_h, scale, limb)
            found.append(_score_quantity(outcome, record, present, scale, limb, row))
    found += [_special(outcome, row) for row in study.published if row.statistic != "mean"]
    return tuple(found)


def _observed(outcome: Outcome, phase: Phase, arm: str, record: VisitRecord) -> Flags:
    """Return who is seen in this arm: those allocated to it in a parallel phase, everybody otherwise."""
    if phase.design != "parallel":
        return record.present
    names = [a.name for a in phase.arms]
    return record.present & (outcome.assigned[phase.name] == names.index(arm))


def _published_row(
    rows: list[PublishedRow], phase: str, arm: str, time_h: float, scale: str, limb: str | None
) -> PublishedRow | None:
    for row in rows:
        is_this = (row.phase, row.scale, row.limb) == (phase, scale, limb) and row.arm in (None, arm)
        if is_this and row.visit_h is not None and abs(row.visit_h - time_h) < 1e-6:
            return row
    return None


def _score_quantity(
    outcome: Outcome, record: VisitRecord, present: Flags, scale: str, limb: str | None, row: PublishedRow | None
) -> Quantity:
    summary = summarise(outcome, score_of(record, scale, limb), present)
    first = outcome.visits[record.phase, record.arm, 0]
    before = summarise(outcome, score_of(first, scale, limb), present)
    return _quantity(record, limb, scale, "mean", summary, "", row, baseline=before.mean)


def _quantity(
    record: VisitRecord,
    limb: str | None,
    scale: str,
    statistic: str,
    summary: Summary,
    unit: str,
    row: PublishedRow | None,
    baseline: float | None = None,
) -> Quantity:
    return Quantity(
        name="",
        phase=record.phase,
        arm=record.arm,
        limb=limb,
        scale=scale,
        visit=visit_label(record.time_h),
        time_h=record.time_h,
        statistic=statistic,
        mean=summary.mean,
        sd=summary.sd,
        n=summary.n,
        low=summary.low,
        high=summary.high,
        level=_LEVEL,
        unit=unit,
        baseline_mean=baseline,
        published=None if row is None else _published(row),
    )


def _published(row: PublishedRow) -> Published:
    return Published(
        value=row.value,
        sd=row.sd,
        n=None if row.n is None else int(row.n),
        p=row.p,
        source=row.source,
        status=row.status,
        note=row.note or "",
        baseline=row.baseline,
    )


def visit_label(time_h: float) -> str:
    """Return the time of a visit as a reader would say it: hours, then days, then months."""
    month = 730.5
    if time_h >= month:
        months = time_h / month
        number = f"{months:.0f}" if abs(months - round(months)) < 0.02 else f"{months:.1f}"
        return "1 month" if number == "1" else f"{number} months"
    if time_h > 72 and abs(time_h / _HOURS_PER_DAY - round(time_h / _HOURS_PER_DAY)) < 1e-6:
        return f"{time_h / _HOURS_PER_DAY:.0f} days"
    return f"{time_h:g} h"


def _last_record(outcome: Outcome, row: PublishedRow) -> VisitRecord:
    """Return the visit that a published row speaks of: its own time, or the last of its phase."""
    phase = outcome.study.phase(row.phase)
    arm = row.arm or phase.arms[0].name
    times = [float(t) for t in phase.visits_h]
    k = len(times) - 1 if row.visit_h is None else int(np.argmin(np.abs(np.array(times) - row.visit_h)))
    return outcome.visits[row.phase, arm, k]


def _special(outcome: Outcome, row: PublishedRow) -> Quantity:
    """Return a published quantity that is not a mean score: a share, a dose, a fraction removed, an SD."""
    record = _last_record(outcome, row)
    first = outcome.visits[record.phase, record.arm, 0]
    present = _observed(outcome, outcome.study.phase(row.phase), record.arm, record)
    scale = row.scale or row.statistic
    unit = row.unit or ""
    if row.statistic == "sd":
        summary = _sd(outcome, score_of(record, scale, row.limb), present)
    elif row.statistic == "fraction removed":
        summary = _fraction_removed(outcome, first, record, scale, row.limb, present)
    elif row.statistic == "share lost":
        summary = _share_lost(outcome, first, record, scale, row.limb, present)
    elif row.statistic == "share entered":
        entered = outcome.entered[row.phase].astype(float)
        summary = summarise(outcome, entered, np.ones(entered.shape, dtype=bool))
    else:
        summary = _dose(outcome, row, record, present)
    return _quantity(record, row.limb, scale, row.statistic, summary, unit, row)


def _sd(outcome: Outcome, values: Values, present: Flags) -> Summary:
    table = outcome.by_replicate(np.where(present, values, np.nan))
    count = np.sum(~np.isnan(table), axis=1)
    return _over_trials(_spread(table), float(np.mean(count)))


def _fraction_removed(
    outcome: Outcome, first: VisitRecord, record: VisitRecord, scale: str, limb: str | None, present: Flags
) -> Summary:
    """(before - after) / (before - normal) of each trial's means."""
    before, after = (
        _nan_mean(outcome.by_replicate(np.where(present, score_of(r, scale, limb), np.nan))) for r in (first, record)
    )
    excess = before - (SCALES[scale].normal or 0.0)
    # Where nothing was in excess, nothing can be removed.
    removed = (before - after) / np.where(excess > 0.0, excess, np.nan)
    return _over_trials(removed, float(np.mean(outcome.by_replicate(present).sum(axis=1))))


def _share_lost(
    outcome: Outcome, first: VisitRecord, record: VisitRecord, scale: str, limb: str | None, present: Flags
) -> Summary:
    """Share of people who lost what they had (stance, below 1), or whose score became worse by a step."""
    before, after, of = score_of(first, scale, limb), score_of(record, scale, limb), SCALES[scale]
    lost = of.worse * (after - before) >= of.step
    if of.lost_below is not None:
        lost = (before >= of.lost_below) & (after < of.lost_below)
    return summarise(outcome, lost.astype(float), present)


def _dose(outcome: Outcome, row: PublishedRow, record: VisitRecord, present: Flags) -> Summary:
    """Mean, lowest or highest daily dose; of those who reached relief where the policy climbs to relief."""
    relieved = outcome.relieved_ug_per_h.get((record.phase, record.arm))
    if row.unit == "mg/day":
        dose = record.tablets_mg_per_day
    else:
        dose = (record.rate_ug_per_h if relieved is None else relieved) * _HOURS_PER_DAY
    known = present & ~np.isnan(dose)
    if row.statistic == "dose":
        return summarise(outcome, dose, known)
    table = outcome.by_replicate(np.where(known, dose, np.nan))
    some = ~np.all(np.isnan(table), axis=1)
    extreme = np.nanmin if row.statistic == "lowest dose" else np.nanmax
    return _over_trials(extreme(table[some], axis=1), float(np.mean(outcome.by_replicate(known).sum(axis=1))))


def consort(outcome: Outcome) -> tuple[ConsortRow, ...]:
    """Return the flow of people through the phases, as mean numbers and intervals over replicate trials."""
    rows: list[ConsortRow] = []

    def row(stage: str, arm: str | None, who: Flags, reason: str = "") -> None:
        count = outcome.by_replicate(who).sum(axis=1).astype(float)
        tail = (1 - _LEVEL) / 2
        low, high = np.quantile(count, [tail, 1 - tail])
        rows.append(ConsortRow(stage, arm, float(count.mean()), float(low), float(high), reason))

    row("Recruited", None, np.ones(len(outcome.member), dtype=bool))
    for phase in outcome.study.phases:
        entered = outcome.entered[phase.name]
        if phase.follows is not None:
            row(f"Gate after {phase.follows}", None, outcome.entered[phase.follows] & ~entered, "response too small")
        if phase.design == "parallel":
            for k, arm in enumerate(phase.arms):
                row(f"Allocated in {phase.name}", arm.name, entered & (outcome.assigned[phase.name] == k))
        else:
            row(f"Entered {phase.name}", None, entered)
        left = entered & outcome.left[phase.name]
        if phase.dropout:
            row(f"Left {phase.name}", None, left, "dropped out")
        row(f"Completed {phase.name}", None, entered & ~left)
    return tuple(rows)
