"""Policies: the chart so far becomes the next dose. Doses change only at visits, by no more than the allowed step.

Every rule is a pure function of arrays over patients, so that a whole trial is dosed at once and each person keeps a
record of why the dose moved. No rule raises a dose when a dose-limiting sign is charted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY

Patients = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]


@dataclass(frozen=True)
class Step:
    """How much a policy may move a dose at one visit, as shares of the dose."""

    up: float
    down: float


@dataclass(frozen=True)
class InfusionLimits:
    """Lowest and highest rate of a pump programme in ug/h."""

    lowest: float
    highest: float


def daily_step(origin: str) -> Step:
    """Return the daily step of the first days on a pump for tone of `origin` "cerebral" or "spinal" (label)."""
    label = parameters.load("label_dosing")
    return Step(up=label.value(f"titration_step_{origin}", "1"), down=label.value("decrease_step", "1"))


def visit_step(origin: str) -> Step:
    """Return the step at a later visit for tone of `origin` "cerebral" or "spinal" (inside the label's range)."""
    label = parameters.load("label_dosing")
    factor = label.value("visit_step_spinal_factor", "1") if origin == "spinal" else 1.0
    return Step(up=label.value("visit_step_fitted", "1") * factor, down=label.value("decrease_step", "1"))


def titrate(
    rate: Patients, score: Patients, target: Patients, limiting: Flags, step: Step, limits: InfusionLimits
) -> Patients:
    """Return the next infusion rate of each person.

    Up by `step.up` where the scored mean is above the target and no dose-limiting sign is charted; down by
    `step.down` where one is; else unchanged. Missing scores (NaN) leave the dose alone.

    Parameters
    ----------
    rate, score, target
        Rate in ug/h; score and target in points of the same scale.
    limiting
        Whether a dose-limiting sign (hypotonia, drowsiness) is charted.
    """
    with np.errstate(invalid="ignore"):
        wants_more = (score > target) & ~limiting
    factor = np.where(limiting, 1.0 - step.down, np.where(wants_more, 1.0 + step.up, 1.0))
    moved = np.clip(rate * factor, limits.lowest, limits.highest)
    # The lower limit must not lift a rate that a sign asks to lower.
    moved = np.where(limiting, np.minimum(moved, rate), moved)
    return np.where(factor == 1.0, rate, moved)


def relieve(rate: Patients, score: Patients, target: Patients, step: float, highest: float) -> Patients:
    """Return the next rate on a ladder that climbs by `step` ug/h until the score is at most the target, then stays."""
    with np.errstate(invalid="ignore"):
        return np.where(score > target, np.minimum(rate + step, highest), rate)


def first_pump_rate(effective_ug: Patients, lasted: Flags) -> Patients:
    """Return the first pump rate in ug/h: twice the effective screening dose a day, or once if its effect lasted
    over 8 h.
    """
    multiple, lasting = parameters.load("label_dosing").values(
        first_pump_dose_multiple="1/day", first_pump_dose_multiple_prolonged="1/day"
    )
    return effective_ug * np.where(lasted, lasting, multiple) / HOURS_A_DAY


def pump_limits(highest_ug_per_h: float) -> InfusionLimits:
    """Return the range of pump rates: the lowest usual rate of the label, and the study's own highest."""
    return InfusionLimits(
        parameters.load("label_dosing").value("lowest_dose", "ug/day") / HOURS_A_DAY, highest_ug_per_h
    )
