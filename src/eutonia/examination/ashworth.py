"""The Ashworth scales, muscle group by muscle group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eutonia.assessment import ashworth
from eutonia.assessment.scoring import chart_constants
from eutonia.examination.abstract import BedsideTest
from eutonia.examination.findings import Found, MovementTrace, finding
from eutonia.examination.movement import QUICK_S, SHOWN, movement
from eutonia.limb.joint import joint
from eutonia.limb.muscle import all_muscle_groups
from eutonia.limb.swing import torques
from eutonia.patient import LIMBS
from eutonia.simulation.bedside import Bedside, bedside_constants, examined, group, stepped_constants
from eutonia.simulation.examine import excess_curve
from eutonia.simulation.stretching import stretch_and_hold

_ASHWORTH = tuple(str(one.value) for one in ashworth.Ashworth)


def _ashworth(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    exam = examined(at)
    scale, body = chart_constants(), bedside_constants()
    curve = excess_curve(ashworth.reference_grid(), body)
    modified = tuple(str(one) for one in ashworth.ModifiedAshworth)
    findings = []
    for row, of in enumerate(all_muscle_groups()):
        if of.limb not in limbs:
            continue
        latent = ashworth.latent_grade(exam.excess[row], curve[row], scale.grade_per_bias)
        rank = ashworth.modified_ashworth_rank(latent)
        newton_metres = exam.response.mean_resistance[row] * joint(of.joint).ceiling_of(at.people.weight_kg)
        findings += [
            finding("ashworth", of.name, "Ashworth, 1 to 5", "", ashworth.ashworth_score(latent) - 1, _ASHWORTH),
            finding("modified_ashworth", of.name, "Modified Ashworth", "", rank, modified),
            finding("mean_torque", of.name, "Mean resisting torque", "N m", newton_metres),
        ]
    return findings, [_ramp_trace(at, limb) for limb in limbs]


def _ramp_trace(at: Bedside, limb: str) -> MovementTrace:
    """Return the recording of an Ashworth stretch, at the constant speed of its closed form."""
    of = group(SHOWN[limb])
    moved, end = at.limb(of.name), float(np.deg2rad(of.range_of_motion))
    motion = stretch_and_hold(moved, stepped_constants(), (0.0, end), float(np.deg2rad(of.speed)), QUICK_S)
    peak = torques(motion, moved, stepped_constants()).reflex.max(axis=0)
    title = f"Ashworth stretch of the {of.name} at {of.speed:.0f} deg/s, then held"
    return movement(of.name, title, motion, moved, peak)


TEST = BedsideTest(
    name="ashworth",
    label="Ashworth",
    how="Each muscle group stretched through its range in about a second. Ashworth 1 (normal) to 5, Modified "
    "Ashworth 0 to 4 with 1+.",
    limbs=LIMBS,
    run=_ashworth,
    sources=("Zurawski", "MAS_kappa_2008"),
)
