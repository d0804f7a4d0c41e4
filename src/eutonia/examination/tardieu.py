"""The Tardieu scale: a catch at three speeds."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from eutonia import parameters
from eutonia.assessment.tardieu import TardieuConstants, TardieuQuality, catch, clear, passive_range, quality
from eutonia.examination.abstract import BedsideTest
from eutonia.examination.clonus import beating
from eutonia.examination.findings import Found, finding
from eutonia.examination.movement import QUICK_S, SHOWN, movement
from eutonia.limb.joint import joint
from eutonia.limb.muscle import MuscleGroup, all_muscle_groups
from eutonia.limb.swing import Limb, Motion
from eutonia.patient import LIMBS
from eutonia.simulation import clonus as clonus_test
from eutonia.simulation.bedside import Bedside, bedside_constants, stepped_constants
from eutonia.simulation.maneuver import PassiveStretch
from eutonia.simulation.stretching import stretch_and_hold

_QUALITIES = tuple(f"{one.value} {one.name.lower().replace('_', ' ')}" for one in TardieuQuality)


def _tardieu(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    constants = TardieuConstants.from_records()
    healthy_rest = bedside_constants().passive.passive_rest_angle
    beats = beating(at)[1] if "leg" in limbs else None
    sustained = parameters.load("examination").value("clonus_sustained", "1")
    findings, traces = [], []
    for row, of in enumerate(all_muscle_groups()):
        if of.limb not in limbs:
            continue
        r2 = of.range_of_motion * passive_range(at.state.rest_angle[row], healthy_rest)
        limb = at.limb(of.name)
        motions = {speed: _by_hand(limb, of, PassiveStretch(speed)) for speed in ("V2", "V3")}
        met = {speed: catch(motion, limb, stepped_constants()) for speed, motion in motions.items()}
        whole = joint(of.joint).ceiling_of(at.people.weight_kg)  # of an injected muscle too
        share = {v: one.torque / whole for v, one in met.items()}
        caught = {v: clear(share[v], jnp.rad2deg(one.angle), r2, constants) for v, one in met.items()}
        train = beats if of.name == clonus_test.MUSCLE else None
        count, lasted = (train.beats, train.duration) if train is not None else (0.0, 0.0)
        how_well = quality(share["V3"], count, lasted, sustained, constants)
        findings += [
            finding("passive_range", of.name, "R2, passive range at V1", "deg", r2),
            finding("catch_v2", of.name, "Angle of catch at V2", "deg", caught["V2"]),
            finding("catch_v3", of.name, "R1, angle of catch at V3", "deg", caught["V3"]),
            finding("spasticity_angle", of.name, "Spasticity angle, R2 - R1", "deg", r2 - caught["V3"]),
            finding("quality", of.name, "Quality X at V3", "", how_well, _QUALITIES),
        ]
        if of.name in SHOWN.values():
            title = f"Fast stretch (V3) of the {of.name}"
            traces.append(movement(of.name, title, motions["V3"], limb, caught["V3"]))
    return findings, traces


def _by_hand(limb: Limb, of: MuscleGroup, stretching: PassiveStretch) -> Motion:
    """Return a stretch through the range whose highest speed is that of the maneuver."""
    peak = float(stretching.degrees_per_second((of,))[0])
    end = float(np.deg2rad(of.range_of_motion))
    return stretch_and_hold(limb, stepped_constants(), (0.0, end), float(np.deg2rad(peak)), QUICK_S, by_hand=True)


TEST = BedsideTest(
    name="tardieu",
    label="Tardieu",
    how="V1 as slow as possible, V2 as the segment falls, V3 as fast as possible. Angles from the shortest "
    "position of the muscle. Quality 0 to 4: none, slight, catch, fatigable, unfatigable clonus.",
    limbs=LIMBS,
    run=_tardieu,
    sources=("Gracies_2015",),
)
