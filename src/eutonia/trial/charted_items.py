"""Which scores a study charts, and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eutonia.assessment.scales import SCALES

if TYPE_CHECKING:
    from eutonia.study.parts import Assessment, Phase


def items(assessment: Assessment) -> list[tuple[str, str | None]]:
    """Return every score that is charted as (scale, limb); the limb is None for a score of the whole person."""
    scales = [scale for scale in assessment.scales if SCALES[scale].is_score]
    return [(scale, limb) for scale in scales for limb in (assessment.limbs if SCALES[scale].of_limb else (None,))]


def visit_words(phase: Phase, visit: int) -> str:
    """Return the time of a visit in the words of the study file."""
    pair, nth = divmod(visit, len(phase.visits_h))
    text = phase.visits_h[nth].text
    return text if phase.pairs is None else f"pair {pair + 1}, {text}"
