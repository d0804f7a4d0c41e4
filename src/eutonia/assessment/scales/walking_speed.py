"""Comfortable walking speed. Equation in `assessment.walking`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eutonia.assessment.scales.abstract import Scale
from eutonia.assessment.scales.stance_support import ON_STRENGTH, support

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.scoring import Look


def speed(look: Look) -> Array:
    """Return comfortable walking speed, m/s."""
    from eutonia.assessment.walking import comfortable_speed

    return comfortable_speed(look.stance.strength, look.stance.bias, support(look), look.constants.walking)


SCALE = Scale(
    key="walking_speed",
    label="Walking speed",
    meaning="comfortable walking speed in m/s",
    explained="How fast the person walks without hurrying",
    lowest=0.0,
    highest=math.inf,
    kind="continuous",
    score=speed,
    sources=("Nadeau_1999",),
    unit="m/s",
    step=0.1,
    worse=-1,
    caveat=f"{ON_STRENGTH} How much a leg that gives way (stance support below 1) slows its owner is assumed.",
)
