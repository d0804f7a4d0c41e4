"""The Tardieu scale: a catch at three speeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np

from eutonia import parameters
from eutonia.assessment.tardieu import Patients, TardieuConstants, TardieuQuality, catch, clear, passive_range, quality
from eutonia.examination.abstract import BedsideTest
from eutonia.examination.clonus import beating
from eutonia.examination.findings import Found, finding
from eutonia.examination.movement import QUICK_S, SHOWN, movement
from eutonia.limb.joint import joint
from eutonia.limb.muscle import MuscleGroup, all_muscle_groups
from eutonia.limb.swing import Motion
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
        met = {"V2": fast_stretch(at, of, "V2"), "V3": fast_stretch(at, of, "V3")}
        caught = {speed: clear(one.torque, one.angle, r2, constants) for speed, one in met.items()}
        train = beats if of.name == clonus_test.MUSCLE else None
        count, lasted = (train.beats, train.duration) if train is not None else (0.0, 0.0)
        how_well = quality(met["V3"].torque, count, lasted, sustained, constants)
        findings += [
            finding("passive_range", of.name, "R2, passive range at V1", "deg", r2),
            finding("catch_v2", of.name, "Angle of catch at V2", "deg", caught["V2"]),
            finding("catch_v3", of.name, "R1, angle of catch at V3", "deg", caught["V3"]),
            finding("spasticity_angle", of.name, "Spasticity angle, R2 - R1", "deg", r2 - caught["V3"]),
            finding("quality", of.name, "Quality X at V3", "", how_well, _QUALITIES),
        ]
        if of.name in SHOWN.values():
            title = f"Fast stretch (V3) of the {of.name}"
            traces.append(movement(of.name, title, met["V3"].motion, at.limb(of.name), caught["V3"]))
    return findings, traces


class FastStretch(NamedTuple):
    """A stretch by hand: the movement, the angle (deg) at which the reflex sets in, and its largest torque (share of
    the ceiling of the whole muscle group, also of an injected one).
    """

    motion: Motion
    angle: Patients
    torque: Patients


def fast_stretch(at: Bedside, of: MuscleGroup, speed: Literal["V2", "V3"]) -> FastStretch:
    """Return what a stretch through the range meets whose highest speed is that of a maneuver, "V2" or "V3"."""
    limb, peak = at.limb(of.name), float(PassiveStretch(speed).degrees_per_second((of,))[0])
    reach = (0.0, float(np.deg2rad(of.range_of_motion)))
    motion = stretch_and_hold(limb, stepped_constants(), reach, float(np.deg2rad(peak)), QUICK_S, by_hand=True)
    met = catch(motion, limb, stepped_constants())
    whole = joint(of.joint).ceiling_of(at.people.weight_kg)
    return FastStretch(motion, jnp.rad2deg(met.angle), met.torque / whole)


TEST = BedsideTest(
    name="tardieu",
    label="Tardieu",
    how="V1 as slow as possible, V2 as the segment falls, V3 as fast as possible. Angles from the shortest "
    "position of the muscle. Quality 0 to 4: none, slight, catch, fatigable, unfatigable clonus.",
    limbs=LIMBS,
    run=_tardieu,
    sources=("Gracies_2015",),
)
