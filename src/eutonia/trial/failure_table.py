"""Failures of pumps and catheters in the arms of a trial, counted: people, which part, how long without drug."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia._hours import HOURS_A_DAY
from eutonia._middle import TAIL
from eutonia.trial.analysis import Outcome

if TYPE_CHECKING:
    from eutonia.study.parts import Phase
    from eutonia.trial.arm_pump import PumpCourses
    from eutonia.trial.statistics import Flags


@dataclass(frozen=True)
class FailedPumps:
    """Failures of pumps and catheters in one arm: numbers of people in one trial, means over replicate trials.

    Parameters
    ----------
    phase, arm
        Names in the study file.
    people : float
        People with a pump.
    failed, low, high : float
        In how many of them pump or catheter fails before they leave, and the interval over replicate trials.
    catheters, severe : float
        In how many it is the catheter; in how many withdrawal takes the severe form.
    days : float
        Median time from failure to repair, day; NaN where nothing failed.
    """

    phase: str
    arm: str
    people: float
    failed: float
    low: float
    high: float
    catheters: float
    severe: float
    days: float


def failed_pumps(outcome: Outcome) -> tuple[FailedPumps, ...]:
    """Return what failed in each arm whose pumps may fail, of people who were there to see it."""
    found = []
    for phase in outcome.study.phases:
        for arm in phase.arms:
            pumps = outcome.pumps.get((phase.name, arm.name))
            if pumps is None or arm.placebo or not pumps.may_fail:
                continue
            there = outcome.in_arm(phase.name, arm.name) & (pumps.course >= 0)
            came = _came(outcome, phase, arm.name, pumps)
            counts = outcome.by_replicate(came).sum(axis=1).astype(float)
            low, high = np.quantile(counts, [TAIL, 1 - TAIL])
            lasts = (pumps.repaired_h[came] - pumps.failed_h[came]) / HOURS_A_DAY
            found.append(
                FailedPumps(
                    phase=phase.name,
                    arm=arm.name,
                    people=float(outcome.by_replicate(there).sum(axis=1).mean()),
                    failed=float(counts.mean()),
                    low=float(low),
                    high=float(high),
                    catheters=float(outcome.by_replicate(came & pumps.is_catheter).sum(axis=1).mean()),
                    severe=float(outcome.by_replicate(came & pumps.is_severe).sum(axis=1).mean()),
                    days=float(np.median(lasts)) if lasts.size else float("nan"),
                )
            )
    return tuple(found)


def _came(outcome: Outcome, phase: Phase, arm: str, pumps: PumpCourses) -> Flags:
    """Return in whom a pump or catheter failed before they left."""
    return outcome.in_arm(phase.name, arm) & (pumps.failed_h < outcome.left_h[phase.name]) & (pumps.course >= 0)


def columns_of(outcome: Outcome, phase: Phase, name: str) -> Mapping[str, Any]:
    """Return columns of a table of people about the pumps of a phase; none where no pump of it may fail."""
    import polars as pl

    n = len(outcome.member)
    failed, repaired, part = np.full(n, np.nan), np.full(n, np.nan), np.full(n, None, dtype=object)
    severe = np.zeros(n, dtype=bool)
    arms = [arm for arm in phase.arms if not arm.placebo and (phase.name, arm.name) in outcome.pumps]
    arms = [arm for arm in arms if outcome.pumps[phase.name, arm.name].may_fail]
    for arm in arms:
        pumps = outcome.pumps[phase.name, arm.name]
        came = _came(outcome, phase, arm.name, pumps)
        failed[came], repaired[came] = pumps.failed_h[came] / HOURS_A_DAY, pumps.repaired_h[came] / HOURS_A_DAY
        part[came] = np.where(pumps.is_catheter[came], "catheter", "pump")
        severe[came] = pumps.is_severe[came]
    if not arms:
        return {}
    return {
        f"failed_{name}": pl.Series(part.tolist(), dtype=pl.String),
        f"failed_day_{name}": pl.Series(failed).fill_nan(None),
        f"repaired_day_{name}": pl.Series(repaired).fill_nan(None),
        f"severe_withdrawal_{name}": pl.Series(
            [bool(bad) if one else None for bad, one in zip(severe, part, strict=True)], dtype=pl.Boolean
        ),
    }
