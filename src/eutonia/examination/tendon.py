"""The tendon jerk."""

from __future__ import annotations

from collections.abc import Sequence

from eutonia.assessment.reflex import reflex_grade, reflex_latent
from eutonia.assessment.scoring import chart_constants
from eutonia.examination.abstract import BedsideTest
from eutonia.examination.findings import Found, finding
from eutonia.patient import LIMBS
from eutonia.simulation.bedside import Bedside, examined

_TENDON = ("0 absent", "1 weak", "2 normal", "3 brisk", "4 unsustained clonus", "5 sustained clonus")


def _tendon(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    exam, scale = examined(at), chart_constants()
    latent = reflex_latent(exam.tap_probit, scale.healthy_probit, scale.grades_per_probit)
    grade = reflex_grade(latent)
    return [finding("tendon_jerk", limb, "Tendon jerk", "", grade[LIMBS.index(limb)], _TENDON) for limb in limbs], []


TEST = BedsideTest(
    name="tendon",
    label="Tendon jerk",
    how="A brisk tap; 0 absent, 2 normal, 5 sustained clonus.",
    limbs=LIMBS,
    run=_tendon,
    sources=("assumption",),
)
