"""Comfortable walking speed. Equation in `assessment.walking`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eutonia.assessment.scales.abstract import Scale
from eutonia.assessment.scales.stance_support import ON_STRENGTH

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.scoring import Look


def _score(look: Look) -> Array:
    from eutonia.assessment.walking import comfortable_speed

    return comfortable_speed(look.stance.strength, look.stance.bias, *look.constants.speed)


SCALE = Scale(
    key="walking_speed",
    label="Walking speed",
    meaning="comfortable walking speed in m/s",
    explained="How fast the person walks without hurrying",
    lowest=0.0,
    highest=math.inf,
    kind="continuous",
    score=_score,
    sources=("Nadeau_1999",),
    unit="m/s",
    step=0.1,
    worse=-1,
    caveat=f"{ON_STRENGTH} A leg that has lost its support (stance support below 1) keeps its speed here.",
)
