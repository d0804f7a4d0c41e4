"""The pendulum test: the shank falls and swings."""

from __future__ import annotations

from collections.abc import Sequence

from eutonia.assessment.pendulum import PendulumConstants, pendulum_score
from eutonia.examination.abstract import BedsideTest
from eutonia.examination.findings import Found, finding
from eutonia.examination.movement import movement
from eutonia.simulation import pendulum as pendulum_test
from eutonia.simulation.bedside import Bedside, stepped_constants


def _pendulum(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    name, constants = pendulum_test.MUSCLE, stepped_constants()
    limb = at.limb(name)
    motion = pendulum_test.pendulum(limb, constants)
    score = pendulum_score(motion, PendulumConstants.from_records())
    rows = (
        ("first_swing", "First swing excursion", "deg", score.first_swing),
        ("rest_angle", "Rest angle", "deg", score.rest_angle),
        ("relaxation_index", "Relaxation index", "", score.relaxation_index),
        ("normalised_index", "Relaxation index / 1.6", "", score.normalised_index),
        ("oscillations", "Oscillations above 3 deg", "count", score.oscillations),
        ("peak_velocity", "Peak velocity", "deg/s", score.peak_velocity),
        ("peak_velocity_time", "Time of peak velocity", "s", score.peak_velocity_time),
    )
    trace = movement(name, "Pendulum: knee flexion after release", motion, limb, score.first_swing)
    return [finding(row[0], name, *row[1:]) for row in rows], [trace]


TEST = BedsideTest(
    name="pendulum",
    label="Pendulum",
    how="Lying, thigh supported; the shank is let go from the horizontal. Relaxation index: first swing over the "
    "way to rest; divided by 1.6 a healthy leg has about 1 (Rahimi 2020).",
    limbs=("leg",),
    run=_pendulum,
    sources=("Rahimi_2020",),
)
