"""Pain while nothing is moved, 0 to 10: the scale of pain with another share of tone. Equation in `assessment.pain`."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from eutonia.assessment.scales import pain

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.pain import PainConstants
    from eutonia.assessment.scoring import Look


def _score(look: Look) -> Array:
    from eutonia.assessment.pain import pain_of

    constants: PainConstants = look.own[SCALE.key]
    return pain_of(look, constants, key=SCALE.key, tone_share=constants.tone_at_rest)


SCALE = dataclasses.replace(
    pain.SCALE,
    key="pain_at_rest",
    label="Pain at rest",
    meaning="pain 0 to 10, at rest",
    explained=(
        "How bad pain is while nothing moves, as the person tells it: 0 is none, 10 the worst that can be imagined"
    ),
    score=_score,
    is_main=False,
)
