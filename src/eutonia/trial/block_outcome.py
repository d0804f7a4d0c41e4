"""What one block of people went through in a trial: every charted visit of every arm, and all that came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from eutonia.assessment.scoring import Chart
from eutonia.study.policies import Screening
from eutonia.trial.arm_pump import PumpCourses
from eutonia.trial.doses import DoseLog
from eutonia.trial.reactions import Reactions
from eutonia.trial.rescue import Rescued

Patients = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]


@dataclass
class VisitRecord:
    """One charted visit of one arm: every score of everybody, and who was there.

    `without_rescue` has the scores that the analysis asks for as they would have been without rescue.
    """

    phase: str
    arm: str
    visit: int
    time_h: float
    scores: Mapping[str, np.ndarray]
    present: Flags
    rate_ug_per_h: Patients
    tablets_mg_per_day: Patients
    member: Flags | None = None
    without_rescue: Mapping[str, np.ndarray] = field(default_factory=dict)

    def later(self, record: VisitRecord) -> VisitRecord:
        """Return this visit with what a later period has of the people who had the arm in it, also of who had left."""
        there = record.present if record.member is None else record.member
        return VisitRecord(
            phase=record.phase,
            arm=record.arm,
            visit=record.visit,
            time_h=record.time_h,
            scores={name: np.where(there, record.scores[name], old) for name, old in self.scores.items()},
            present=self.present | record.present,
            rate_ug_per_h=np.where(there, record.rate_ug_per_h, self.rate_ug_per_h),
            tablets_mg_per_day=np.where(there, record.tablets_mg_per_day, self.tablets_mg_per_day),
        )


@dataclass
class BlockOutcome:
    """What one block of people went through."""

    person: Int[np.ndarray, " patient"]
    member: Int[np.ndarray, " patient"]
    visits: list[VisitRecord] = field(default_factory=list)
    entered: dict[str, Flags] = field(default_factory=dict)
    passed: dict[str, Flags] = field(default_factory=dict)
    assigned: dict[str, Int[np.ndarray, " patient"]] = field(default_factory=dict)
    left: dict[str, Flags] = field(default_factory=dict)
    relieved_ug_per_h: dict[tuple[str, str], Patients] = field(default_factory=dict)
    features: dict[str, Patients] = field(default_factory=dict)
    left_h: dict[str, Patients] = field(default_factory=dict)
    left_why: dict[str, Int[np.ndarray, " patient"]] = field(default_factory=dict)
    reactions: dict[tuple[str, str], Reactions] = field(default_factory=dict)
    doses: dict[tuple[str, str], DoseLog] = field(default_factory=dict)
    pumps: dict[tuple[str, str], PumpCourses] = field(default_factory=dict)
    tested: dict[tuple[str, str], Flags] = field(default_factory=dict)
    rescued: dict[tuple[str, str], Rescued] = field(default_factory=dict)
    failed: dict[str, Flags] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    screening: Screening | None = None

    def exclude(self, phase: str) -> None:
        """Let nobody count in a phase of whom a score is no number, and keep the reason: of the first visit."""
        failed = np.zeros(len(self.person), dtype=bool)
        mine = [record for record in self.visits if record.phase == phase]
        for record in mine:
            for scale, score in record.scores.items():
                bad = ~np.isfinite(score).reshape(-1, len(failed)).all(axis=0) & record.present
                for place in np.flatnonzero(bad & ~failed):
                    who = f"{phase}, {record.arm}, hour {record.time_h:g}"
                    self.reasons[int(place)] = f"{scale} is no number ({who})"
                failed |= bad
        for record in mine:
            record.present = record.present & ~failed
        self.entered[phase] = self.entered[phase] & ~failed
        self.failed[phase] = failed

    def periods_merged(self) -> list[VisitRecord]:
        """Return the visits with the two records of a crossover visit (one a period) made one, in their order."""
        found: dict[tuple[str, str, int], VisitRecord] = {}
        for record in self.visits:
            key = (record.phase, record.arm, record.visit)
            found[key] = record if key not in found else found[key].later(record)
        return list(found.values())

    def head(self, n: int) -> BlockOutcome:
        """Return the first `n` people (the others only filled the block)."""

        def cut(value: Any) -> Any:
            if isinstance(value, np.ndarray):
                return value[..., :n]
            if isinstance(value, Screening):
                return value.taken(slice(n))
            if isinstance(value, Mapping):
                return {key: cut(item) for key, item in value.items()}
            if isinstance(value, VisitRecord | Reactions):
                return type(value)(**{f.name: cut(getattr(value, f.name)) for f in fields(value)})
            if isinstance(value, list):
                return [cut(item) for item in value]
            return value.take(slice(n)) if isinstance(value, DoseLog | PumpCourses) else value

        whole = {f.name: cut(getattr(self, f.name)) for f in fields(self)}
        whole["reasons"] = {place: why for place, why in self.reasons.items() if place < n}
        return BlockOutcome(**whole)


def chart_of(record: VisitRecord) -> Chart:
    """Return the chart of a filed visit."""
    return Chart(dict(record.scores))
