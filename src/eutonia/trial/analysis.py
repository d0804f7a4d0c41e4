"""From what happened to people to what a paper prints: means, intervals over replicate trials, published rows beside
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from eutonia._bounds import FEWEST_FOR_VERDICT
from eutonia._middle import TAIL
from eutonia.assessment.scales import SCALES
from eutonia.statistics.reassessment import Walk
from eutonia.statistics.response_adaptive import Stages
from eutonia.study.design import TrialStudy
from eutonia.study.parts import Phase
from eutonia.study.published import PublishedRow
from eutonia.trial.arm_pump import PumpCourses
from eutonia.trial.block_outcome import VisitRecord
from eutonia.trial.charted_items import items, visit_words
from eutonia.trial.conduct import site_luck
from eutonia.trial.doses import Doses
from eutonia.trial.leaving import REASONS, missed
from eutonia.trial.reactions import Reactions
from eutonia.trial.rescue import Rescued, rescues
from eutonia.trial.result import ConsortRow, Published, Quantity
from eutonia.trial.statistics import STATISTICS, Asked, Summary, detail, observed, score_of, summarise
from eutonia.trial.width import split

if TYPE_CHECKING:
    import polars

Values = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]


@dataclass(frozen=True)
class Outcome:
    """All blocks joined: `person` runs over replicates, `visits` hold everybody once per phase, arm and visit.

    `known` is what was known before the trial of those from whom people were recruited, among whom `member` is
    everybody's place; `eligible` says by person who meets the rules of entry, where some are let in who do not.
    `uncomputed` says by person why somebody could not be computed, and `failed` by phase who that is.
    `walk` is the way of each trial through its cohorts, where a dose is found; `stages` what its looks say of the
    allocation, where that moves.
    `draw` is the number of each trial's draw of numbers, none where all have the same; `refused` how many draws the
    population spoke against.
    """

    study: TrialStudy
    n_replicates: int
    visits: Mapping[tuple[str, str, int], VisitRecord]
    entered: Mapping[str, Flags]
    passed: Mapping[str, Flags]
    assigned: Mapping[str, np.ndarray]
    left: Mapping[str, Flags]
    relieved_ug_per_h: Mapping[tuple[str, str], Values]
    features: Mapping[str, Values]
    member: np.ndarray
    known: Mapping[str, np.ndarray] = field(default_factory=dict)
    eligible: np.ndarray | None = None
    left_h: Mapping[str, Values] = field(default_factory=dict)
    left_why: Mapping[str, np.ndarray] = field(default_factory=dict)
    reactions: Mapping[tuple[str, str], Reactions] = field(default_factory=dict)
    doses: Mapping[tuple[str, str], Doses] = field(default_factory=dict)
    pumps: Mapping[tuple[str, str], PumpCourses] = field(default_factory=dict)
    tested: Mapping[tuple[str, str], Flags] = field(default_factory=dict)
    rescued: Mapping[tuple[str, str], Rescued] = field(default_factory=dict)
    failed: Mapping[str, Flags] = field(default_factory=dict)
    uncomputed: Mapping[int, str] = field(default_factory=dict)
    draw: Int[np.ndarray, " trial"] | None = None
    refused: int = 0
    walk: Walk | None = None
    stages: Stages | None = None

    @cached_property
    def site(self) -> Float[np.ndarray, " trial"]:
        """How far the site of each trial lies from the mean site, in standard deviations."""
        return np.asarray(site_luck(self.study.seed, np.arange(self.n_replicates)))

    def in_arm(self, phase: str, arm: str) -> Flags:
        """Return who was in an arm: those allocated to it, or, in a crossover, those who had not left before it."""
        of = self.study.phase(phase)
        if of.design == "crossover":
            return self.visits[phase, arm, 0].present
        return self.entered[phase] & (self.assigned[phase] == [one.name for one in of.arms].index(arm))

    def missed(self, phase: str, arm: str, visit: int) -> Flags:
        """Return who misses a visit of an arm by chance, also of those who are not in it."""
        of, person = self.study.phase(phase), np.arange(len(self.member))
        return missed(of, self.study.phases.index(of), arm, visit, self.study.seed, person)

    def by_replicate(self, values: np.ndarray) -> np.ndarray:
        """Return values over people as a table of replicate by person."""
        return values.reshape(self.n_replicates, -1)


def quantities(outcome: Outcome, adverse: polars.DataFrame | None = None) -> tuple[Quantity, ...]:
    """Return every reported quantity: scores at all visits, then what the study file lists as published.

    `adverse` is the table of adverse reactions, from which published shares of people with one are read.
    """
    study = outcome.study
    found: list[Quantity] = []
    published = [row for row in study.published if row.statistic == "mean"]
    charted = items(study.assessment)
    before: dict[tuple[str, str, str, str | None], Values] = {}
    for (phase, arm, _), record in outcome.visits.items():
        present = observed(outcome, record)
        for scale, limb in charted:
            now = score_of(record, scale, limb)
            # The first visit is read once: of many people only a few visits are in memory.
            first = before.setdefault((phase, arm, scale, limb), now)
            row = _published_row(published, phase, arm, record.time_h, scale, limb)
            baseline = summarise(outcome, first, present).mean
            summary = summarise(outcome, now, present)
            found.append(_quantity(outcome, record, limb, scale, "mean", summary, row, baseline=baseline))
    found += [_special(outcome, row, adverse) for row in study.published if row.statistic != "mean"]
    return tuple(found)


def _published_row(
    rows: list[PublishedRow], phase: str, arm: str, time_h: float, scale: str, limb: str | None
) -> PublishedRow | None:
    for row in rows:
        is_this = (row.phase, row.scale, row.limb) == (phase, scale, limb) and row.arm in (None, arm)
        if is_this and row.visit_h is not None and abs(row.visit_h - time_h) < 1e-6:
            return row
    return None


def _quantity(
    outcome: Outcome,
    record: VisitRecord,
    limb: str | None,
    scale: str,
    statistic: str,
    summary: Summary,
    row: PublishedRow | None,
    baseline: float | None = None,
) -> Quantity:
    return Quantity(
        name="",
        phase=record.phase,
        arm=record.arm,
        limb=limb,
        scale=scale,
        visit=visit_words(outcome.study.phase(record.phase), record.visit),
        time_h=record.time_h,
        statistic=statistic,
        mean=summary.mean,
        sd=summary.sd,
        n=summary.n,
        low=summary.low,
        high=summary.high,
        unit=_unit(scale, statistic, row),
        baseline_mean=baseline,
        published=None if row is None else _published(row),
        detail="" if row is None else detail(row),
        withheld=_nobody(summary) or _withheld(outcome.n_replicates),
        in_trials=() if row is None or summary.values is None else _known(summary.values),
        width=None if summary.values is None else split(summary.values, outcome.draw, outcome.site),
    )


def _known(values: Float[np.ndarray, " trial"]) -> tuple[float, ...]:
    return tuple(values[~np.isnan(values)].tolist())


def _nobody(summary: Summary) -> str:
    """Return why there is no number to judge; empty where there is one."""
    if not np.isnan(summary.mean):
        return ""
    return "nobody entered" if summary.n == 0 else "no replicate trial has such a number"


def _withheld(n: int) -> str:
    """Return why so few replicate trials allow no verdict; empty where they are enough."""
    if n >= FEWEST_FOR_VERDICT:
        return ""
    return f"{n} replicate trial{'s' * (n > 1)}, and a verdict needs {FEWEST_FOR_VERDICT} or more"


def _unit(scale: str, statistic: str, row: PublishedRow | None) -> str:
    """Return the unit of a quantity: that of its dose or of its scale, none for a share, a fraction or a ratio."""
    if row is not None and row.unit is not None:
        return row.unit
    of_score = scale in SCALES and not statistic.startswith(("share", "fraction", "ratio"))
    return SCALES[scale].unit if of_score else ""


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
        se=row.se,
    )


def _last_record(outcome: Outcome, row: PublishedRow) -> VisitRecord:
    """Return the visit that a published row speaks of: its own time, or the last of its phase."""
    phase = outcome.study.phase(row.phase)
    arm = row.arm or phase.arms[0].name
    times = [float(t) for t in phase.visits_h]
    k = len(times) - 1 if row.visit_h is None else int(np.argmin(np.abs(np.array(times) - row.visit_h)))
    return outcome.visits[row.phase, arm, k]


def _special(outcome: Outcome, row: PublishedRow, adverse: polars.DataFrame | None) -> Quantity:
    """Return a published quantity that is not a mean score: a share, a dose, a difference, an SD."""
    record = _last_record(outcome, row)
    asked = Asked(outcome, row, outcome.visits[record.phase, record.arm, 0], record, adverse)
    scale = row.scale or ("adverse" if row.reaction else row.statistic)
    return _quantity(outcome, record, row.limb, scale, row.statistic, STATISTICS[row.statistic](asked), row)


def consort(outcome: Outcome) -> tuple[ConsortRow, ...]:
    """Return the flow of people through the phases, as mean numbers and intervals over replicate trials."""
    rows: list[ConsortRow] = []

    def row(stage: str, arm: str | None, who: Flags, reason: str = "") -> None:
        count = outcome.by_replicate(who).sum(axis=1).astype(float)
        low, high = np.quantile(count, [TAIL, 1 - TAIL])
        rows.append(ConsortRow(stage, arm, float(count.mean()), float(low), float(high), reason))

    row("Recruited", None, np.ones(len(outcome.member), dtype=bool))
    for phase in outcome.study.phases:
        entered = outcome.entered[phase.name]
        if phase.follows is not None:
            stayed = outcome.entered[phase.follows] & ~outcome.left[phase.follows]
            row(f"Gate after {phase.follows}", None, stayed & ~entered, "response too small")
        failed = outcome.failed.get(phase.name)
        if failed is not None and failed.any():
            row(f"Before {phase.name}", None, failed, "could not be computed")
        if not entered.any():
            row(f"Nobody entered {phase.name}", None, entered)
            continue
        if phase.reassessment is not None:
            row(f"Before {phase.name}", None, outcome.assigned[phase.name] < 0, "not enrolled, the trial had stopped")
        left = outcome.left[phase.name]
        # In a parallel phase each arm is a branch of its own, down to who completed it.
        branches: list[tuple[str | None, Flags]] = [(None, entered)]
        if phase.design == "parallel":
            allocated = outcome.assigned[phase.name]
            branches = [(arm.name, entered & (allocated == k)) for k, arm in enumerate(phase.arms)]
        for arm, mine in branches:
            row(f"Entered {phase.name}" if arm is None else f"Allocated in {phase.name}", arm, mine)
        for arm, mine in branches:
            passed = outcome.tested.get((phase.name, arm or phase.arms[0].name))
            if passed is not None:
                row(f"Test dose in {phase.name}", arm, mine & ~passed, "response too small, stay in the arm")
        for arm, mine in branches if phase.missed_visits is not None else ():
            row(f"Visits of {phase.name}", arm, mine & _missed_any(outcome, phase, arm), "missed one or more, stay")
        for arm, mine in branches if phase.rescue is not None else ():
            row(f"Visits of {phase.name}", arm, mine & rescues(outcome, phase).any(axis=0), "given rescue, stay")
        why = outcome.left_why.get(phase.name, left.astype(int))
        reasons = [k for k, reason in enumerate(REASONS) if k == 1 or reason in {one.after for one in phase.leaving}]
        for arm, mine in branches if phase.dropout else ():
            for k in reasons:
                row(f"Left {phase.name}", arm, mine & left & (why == k), REASONS[k])
        for arm, mine in branches:
            row(f"Completed {phase.name}", arm, mine & ~left)
    return tuple(rows)


def _missed_any(outcome: Outcome, phase: Phase, arm: str | None) -> Flags:
    """Return who misses a visit or more before leaving, in an arm or in any."""
    found = np.zeros(len(outcome.member), dtype=bool)
    for (of, name, visit), record in outcome.visits.items():
        if of == phase.name and arm in (None, name):
            found |= record.present & outcome.missed(of, name, visit)
    return found
