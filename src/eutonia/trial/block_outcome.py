"""What one block of people went through in a trial: every charted visit of every arm, and all that came of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from eutonia.assessment.scoring import Chart
from eutonia.trial.arm_pump import PumpCourses
from eutonia.trial.doses import DoseLog
from eutonia.trial.reactions import Reactions

Patients = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]


@dataclass
class VisitRecord:
    """One charted visit of one arm: every score of everybody, and who was there."""

    phase: str
    arm: str
    visit: int
    time_h: float
    scores: dict[str, np.ndarray]
    present: Flags
    rate_ug_per_h: Patients
    tablets_mg_per_day: Patients


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
    known: dict[str, np.ndarray] = field(default_factory=dict)
    left_h: dict[str, Patients] = field(default_factory=dict)
    reactions: dict[tuple[str, str], Reactions] = field(default_factory=dict)
    doses: dict[tuple[str, str], DoseLog] = field(default_factory=dict)
    pumps: dict[tuple[str, str], PumpCourses] = field(default_factory=dict)
    tested: dict[tuple[str, str], Flags] = field(default_factory=dict)

    def head(self, n: int) -> BlockOutcome:
        """Return the first `n` people (the others only filled the block)."""

        def cut(value: Any) -> Any:
            if isinstance(value, np.ndarray):
                return value[..., :n]
            if isinstance(value, dict):
                return {key: cut(item) for key, item in value.items()}
            if isinstance(value, VisitRecord | Reactions):
                return type(value)(**{f.name: cut(getattr(value, f.name)) for f in fields(value)})
            if isinstance(value, list):
                return [cut(item) for item in value]
            return value.head(n) if isinstance(value, DoseLog | PumpCourses) else value

        return BlockOutcome(**{f.name: cut(getattr(self, f.name)) for f in fields(self)})


def chart_of(record: VisitRecord) -> Chart:
    """Return the chart of a filed visit."""
    return Chart({name: jnp.asarray(score) for name, score in record.scores.items()})
