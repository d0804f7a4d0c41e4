"""Resistance split into neural, elastic and viscous parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eutonia import parameters
from eutonia.assessment.split import split
from eutonia.examination.abstract import BedsideTest
from eutonia.examination.findings import Found, finding
from eutonia.examination.movement import movement
from eutonia.limb.joint import joint
from eutonia.patient import LIMBS
from eutonia.simulation.bedside import Bedside, group, stepped_constants
from eutonia.simulation.stretching import stretch_and_hold

_SPLIT_OF = {"leg": "ankle plantarflexors", "arm": "wrist flexors"}


def _split(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    records, constants = parameters.load("examination"), stepped_constants()
    slow, fast, hold = records.values(split_slow="deg/s", split_fast="deg/s", split_hold="s")
    findings, traces = [], []
    for limb in limbs:
        name = _SPLIT_OF[limb]
        moved, span = at.limb(name), joint(group(name).joint).range_rad
        path = (span * records.value("split_from", "1"), span * records.value("split_to", "1"))
        lasting = {v: float(np.rad2deg(path[1] - path[0])) / v + hold for v in (slow, fast)}
        slowly, quickly = (stretch_and_hold(moved, constants, path, float(np.deg2rad(v)), lasting[v]) for v in lasting)
        found = split(slowly, quickly, moved, constants)
        findings += [
            finding("neural", name, "Neural component", "N m", found.neural),
            finding("elastic", name, "Elastic component", "N m", found.elastic),
            finding("viscous", name, "Viscous component", "N m", found.viscous),
            finding("reflex_torque", name, "Reflex torque at the end of the fast stretch", "N m", found.reflex),
        ]
        title = f"Slow and fast: {name} at {fast:g} deg/s, then held"
        traces.append(movement(name, title, quickly, moved, found.neural))
    return findings, traces


TEST = BedsideTest(
    name="split",
    label="Split of resistance",
    how="One slow and one fast stretch between the same angles, as the NeuroFlexor does; torque at the joint. "
    "Reflex activity that outlasts the slow stretch counts as elastic.",
    limbs=LIMBS,
    run=_split,
    sources=("NeuroFlexor_ref",),
)
