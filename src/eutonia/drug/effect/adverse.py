"""Adverse effects: one hazard a reaction, route and phase of treatment, in proportion to exposure of the brain.

No single exposure curve gives the rates of every phase, because label phases are cumulative over very different
times. So each label row becomes a hazard per hour at the exposure of its phase, and a person's hazard follows their
own exposure.

Equation
    h(t) = -log(1 - p) / T * B(t) / B_ref ;  risk = 1 - exp(-integral of h)
p published incidence, T length of the phase, B effective concentration at the brain (ng/mL), B_ref its level in that
phase.
Not for: overdose (the hazard is linear), or the order of reactions in one person.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float

from eutonia import parameters

Stage = Literal["screening", "titration", "maintenance", "oral"]
Hours = Float[np.ndarray, " time"]

INTRATHECAL_REACTIONS = (
    "drowsiness", "dizziness", "headache", "nausea", "confusion", "hypotonia", "urinary_retention", "seizure",
    "hypotension", "hypoventilation", "coma",
)  # fmt: skip
ORAL_REACTIONS = ("drowsiness", "dizziness", "weakness", "fatigue", "headache", "nausea", "confusion")
_HOURS_PER_DAY = 24.0


def reactions(stage: Stage) -> tuple[str, ...]:
    """Return the reactions that the label counts in a stage of treatment."""
    return ORAL_REACTIONS if stage == "oral" else INTRATHECAL_REACTIONS


def hazard_per_exposure(reaction: str, stage: Stage, origin: str) -> float:
    """Return the hazard of a reaction per hour and ng/mL at the brain.

    `origin` is "cerebral" or "spinal". Drowsiness by mouth is the excess over placebo, which has no exposure.
    """
    records = parameters.load("adverse")
    if stage == "oral":
        share = records.value("drowsiness_oral_excess" if reaction == "drowsiness" else f"{reaction}_oral")
    else:
        share = records.value(f"{reaction}_intrathecal_{origin}_{stage}")
    length, exposure = records.values(f"{stage}_duration", f"reference_exposure_{stage}")
    return float(-np.log1p(-share) / (length * _HOURS_PER_DAY) / exposure)


def stage_of(route: str, hours_on_treatment: float) -> Stage:
    """Return the stage of the label that a time on treatment by `route` belongs to."""
    if route == "oral":
        return "oral"
    if route == "intrathecal bolus":
        return "screening"
    limit = parameters.load("adverse").value("titration_duration") * _HOURS_PER_DAY
    return "titration" if hours_on_treatment <= limit else "maintenance"


def cumulative_risk(
    reaction: str, route: str, origin: str, time_h: Hours, brain: Float[np.ndarray, "time patient"]
) -> Float[np.ndarray, " patient"]:
    """Return each person's risk of at least one reaction over the times given.

    `time_h` hours on treatment, `brain` effective concentration in ng/mL at those times; exposure between them is
    linear.
    """
    total = np.zeros(brain.shape[1])
    for before, after, low, high in zip(time_h[:-1], time_h[1:], brain[:-1], brain[1:], strict=True):
        stage = stage_of(route, float(after))
        total += hazard_per_exposure(reaction, stage, origin) * (low + high) / 2 * (after - before)
    return -np.expm1(-total)
