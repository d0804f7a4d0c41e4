"""What treatments beside baclofen bring of unwanted things: hazards that add to those of baclofen.

Equation
    L    = sum over treatments of k C(t) + largest of k_0 C(t) ,   C(t) = 1 - exp(-t/tau) + r t/tau
    k    = -log[(1 - p)/(1 - p_0)] / C(T) ,  k_0 = -log(1 - p_0) / C(T)
t hours given so far, p and p_0 shares on it and on placebo in trials, their length T, tau and r those of tablets
(`drug.effect.adverse`). Two drugs that make drowsy add: the hazards do, and neither makes the other worse, for no
number says by how much. What placebo brings comes once, however many placebos there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.effect.adverse import REACTIONS, course_of_habituation
from eutonia.study.treatments import Treatment

Reactions = Float[np.ndarray, " reaction"]


def brought_by(treatments: Iterable[Treatment]) -> frozenset[str]:
    """Return the reactions that are counted for treatments beside baclofen."""
    sets = [parameters.load(one.harms) for one in treatments if one.harms is not None]
    return frozenset(name for name in REACTIONS if any(name in records for records in sets))


@dataclass(frozen=True)
class Harms:
    """When each treatment with harms is given, h, and the hazards of it and of its placebo, for the course so far."""

    windows_h: tuple[tuple[float, float], ...]
    drug: tuple[Reactions, ...]
    placebo: tuple[Reactions, ...]

    @classmethod
    def of(cls, treatments: Iterable[Treatment]) -> Harms:
        """Read the records of treatments beside baclofen; the others have none here."""
        these = [(one, one.harms) for one in treatments if one.harms is not None]
        hazards = [_hazards(harms) for _, harms in these]
        windows = tuple((float(one.begins_h), one.ends_h if one.lasts else math.inf) for one, _ in these)
        return cls(windows, tuple(drug for drug, _ in hazards), tuple(placebo for _, placebo in hazards))

    def by(self, time_h: float, *, drug: bool, placebo: bool) -> Reactions:
        """Return the hazard of each reaction by an hour: of the drugs, of what placebo of them brings, or of both."""
        found, reported = np.zeros(len(REACTIONS)), np.zeros(len(REACTIONS))
        for (begin_h, end_h), of_drug, of_placebo in zip(self.windows_h, self.drug, self.placebo, strict=True):
            course = course_of_habituation(max(min(time_h, end_h) - begin_h, 0.0))
            found += course * of_drug
            reported = np.maximum(reported, course * of_placebo)
        return drug * found + placebo * reported


def _hazards(harms: str) -> tuple[Reactions, Reactions]:
    """Return the hazards of drug and of placebo for each unit of the course of habituation."""
    records, drug, placebo = parameters.load(harms), np.zeros(len(REACTIONS)), np.zeros(len(REACTIONS))
    length = course_of_habituation(parameters.load("adverse").value("oral_duration", "day") * HOURS_A_DAY)
    for row, name in enumerate(REACTIONS):
        if name in records:
            on_drug, own = records.value(name, "1"), f"{name}_placebo"
            on_placebo = records.value(own, "1") if own in records else 0.0
            placebo[row] = -np.log1p(-on_placebo) / length
            drug[row] = -np.log1p(-on_drug) / length - placebo[row]
    return drug, placebo
