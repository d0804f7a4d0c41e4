"""Pain of spasms, of tone on stretch, of stiff tissue and of the brain, 0 to 10. Equation in `assessment.pain`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eutonia import parameters
from eutonia.assessment.scales.abstract import Scale

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.pain import PainConstants
    from eutonia.assessment.scoring import ChartConstants, Look


def _constants() -> PainConstants:
    from eutonia.assessment.pain import PainConstants

    return PainConstants.from_records()


def _score(look: Look) -> Array:
    from eutonia.assessment.pain import pain_of

    constants: PainConstants = look.own[SCALE.key]
    return pain_of(look, constants, key=SCALE.key, tone_share=1.0)


def _noise(constants: ChartConstants) -> float:
    return parameters.load("pain").value("report_noise", "1")


SCALE = Scale(
    key="pain",
    label="Pain",
    meaning="pain 0 to 10, while limbs are moved",
    explained=(
        "How bad pain is while limbs are moved, as the person tells it: 0 is none, 10 the worst that can be imagined"
    ),
    lowest=0.0,
    highest=10.0,
    kind="ordinal",
    score=_score,
    noise=_noise,
    constants=_constants,
    sources=("assumption",),
    normal=0.0,
    caveat="Where it comes from is a mechanism with assumed sizes; shoulder, joints and analgesics are left out.",
)
