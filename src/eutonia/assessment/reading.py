"""What a clinic reads off a chart: one limb's score, by how much a score fell, whether a leg has gone loose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from eutonia.assessment.scales import SCALES
from eutonia.limb.muscle import charted_groups, muscles_of
from eutonia.patient import LIMBS

if TYPE_CHECKING:
    from eutonia.assessment.scoring import Chart

Patients = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]

# Scores that differ by less are the same: means over muscle groups are not exact.
ROUNDING = 1e-9


def of_limb(score: Float[np.ndarray, "..."], limb: str | None) -> Patients:
    """Return the scores of one limb (the leg when left out), or those of the whole person."""
    return score if score.ndim == 1 else score[LIMBS.index(limb or "leg")]


def score_of(chart: Chart, scale: str, limb: str | None) -> Patients:
    """Return the score of one limb, or the mean of "leg and arm"."""
    score = np.asarray(chart[scale])
    return score.mean(axis=0) if limb == "leg and arm" else of_limb(score, limb)


def score_fall(before: Chart, after: Chart, scale: str, limb: str | None, over: str) -> Patients:
    """Return by how much a score fell; over "spastic muscles" only groups that scored 3 or more (2 modified) count."""
    if over == "spastic muscles":
        old, new = (np.asarray(c[f"{scale}_muscle"]) for c in (before, after))
        spastic = (old >= SCALES[scale].spastic) & stand_for(limb)[:, None]
        count = spastic.sum(axis=0)
        return np.where(count > 0, ((old - new) * spastic).sum(axis=0) / np.maximum(count, 1), 0.0)
    old, new = (np.asarray(c[scale]) for c in (before, after))
    return of_limb(old - new, limb)


def stand_for(limb: str | None) -> Bool[np.ndarray, " muscle"]:
    """Return which muscle groups on the axis stand for a limb, or for both: ours."""
    mine = [k for of in LIMBS if limb in (None, of) for k in muscles_of(of)]
    return np.isin(np.arange(len(charted_groups())), mine)


def is_loose(chart: Chart, limb: str, absent: float) -> Flags:
    """Return whose limb has gone loose: every muscle group at the normal Ashworth, and no tendon reflex.

    `absent` is the grade of a reflex that is not there.
    """
    tone = np.asarray(chart["ashworth_muscle"])[stand_for(limb)]
    slack = np.all(tone <= SCALES["ashworth"].normal, axis=0)
    return slack & (of_limb(np.asarray(chart["reflex"]), limb) <= absent)


def has_lost(before: Chart, after: Chart, scale: str) -> Flags:
    """Return who had something before, by the level of the scale at which it is lost, and has it no longer."""
    level = SCALES[scale].lost_below
    assert level is not None
    old, new = (of_limb(np.asarray(c[scale]), None) for c in (before, after))
    return (old >= level) & (new < level)
