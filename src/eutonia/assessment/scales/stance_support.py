"""Whether the leg carries the body. Equation in `assessment.walking`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eutonia.assessment.scales.abstract import Scale

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.scoring import Look

ON_STRENGTH = (
    "Made of strength and tone alone: nothing of balance, of sensation, of being unwell, or of the first days after a "
    "stroke. Trust its direction, not its size."
)


def support(look: Look) -> Array:
    """Return the stance stability index."""
    from eutonia.assessment.walking import stance_support

    standing = look.stance
    return stance_support(standing.voluntary_torque, standing.tone_torque, look.constants.walking.needed_torque)


SCALE = Scale(
    key="stance_support",
    label="Stance support",
    meaning="stance support, 1 or more carries the body",
    explained=(
        "How much of what standing on the leg asks for the strength and the stiffness of hip, knee and ankle bring "
        "together: below 1 the leg gives way"
    ),
    lowest=0.0,
    highest=math.inf,
    kind="continuous",
    score=support,
    sources=("Akazawa_2017", "assumption"),
    unit="1",
    step=0.1,
    worse=-1,
    lost_below=1.0,
    caveat=ON_STRENGTH,
)
