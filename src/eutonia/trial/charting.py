"""Which scores a study charts, and where a chart keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from eutonia.limb.muscle import LIMBS
from eutonia.study.vocabulary import SCALES

if TYPE_CHECKING:
    from eutonia.study.parts import Assessment

# Scale in a study file -> field of the chart.
SCORE_OF = {
    "ashworth": "ashworth",
    "modified_ashworth": "modified_ashworth",
    "reflex": "reflex",
    "spasm": "spasm",
    "h_reflex": "h_reflex",
    "walking": "support",
    "pain": "pain",
}


def items(assessment: Assessment) -> list[tuple[str, str | None]]:
    """Return every score that is charted as (scale, limb); the limb is None for a score of the whole person."""
    scales = [scale for scale in assessment.scales if scale in SCORE_OF]
    return [(scale, limb) for scale in scales for limb in (assessment.limbs if SCALES[scale].of_limb else (None,))]


def of_limb(score: Float[np.ndarray, "..."], limb: str | None) -> Float[np.ndarray, " patient"]:
    """Return the scores of one limb (the leg when left out), or those of the whole person."""
    return score if score.ndim == 1 else score[LIMBS.index(limb or "leg")]
