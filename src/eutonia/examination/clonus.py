"""Clonus: the foot is pressed, and beats."""

from __future__ import annotations

from collections.abc import Sequence

from eutonia.assessment.clonus import ClonusConstants, ClonusScore, clonus_score
from eutonia.examination.abstract import BedsideTest
from eutonia.examination.findings import Found, finding
from eutonia.examination.movement import movement
from eutonia.limb.swing import Motion
from eutonia.simulation import clonus as clonus_test
from eutonia.simulation.bedside import Bedside, stepped_constants


def _clonus(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    name = clonus_test.MUSCLE
    limb = at.limb(name)
    motion, score = beating(at)
    rows = (
        ("beats", "Beats", "count", score.beats),
        ("frequency", "Frequency", "Hz", score.frequency),
        ("duration", "Time of the last beat", "s", score.duration),
        ("sustained", "More than 5 beats", "share", score.sustained),
    )
    trace = movement(name, "Clonus: dorsiflexion while pressed", motion, limb, score.beats)
    return [finding(row[0], name, *row[1:]) for row in rows], [trace]


def beating(at: Bedside) -> tuple[Motion, ClonusScore]:
    """Return the movement of the ankle that is pressed, and its beats."""
    name = clonus_test.MUSCLE
    motion = clonus_test.clonus(at.limb(name), at.healthy(name), stepped_constants())
    return motion, clonus_score(motion, ClonusConstants.from_records())


TEST = BedsideTest(
    name="clonus",
    label="Clonus",
    how="Foot pushed into dorsiflexion at Tardieu's fast speed and pressed at the end of range. A beat is a swing "
    "above 3 deg; more than 5 in a train are sustained.",
    limbs=("leg",),
    run=_clonus,
    sources=("assumption",),
)
