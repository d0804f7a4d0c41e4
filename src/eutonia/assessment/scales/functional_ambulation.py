"""Functional Ambulation Category, 0 to 5: whose help walking needs. Equation in `assessment.walking`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eutonia.assessment.scales.abstract import Scale
from eutonia.assessment.scales.stance_support import ON_STRENGTH, support
from eutonia.assessment.scales.walking_speed import speed

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.scoring import Look


def _score(look: Look) -> Array:
    from eutonia.assessment.walking import ambulation_category

    return ambulation_category(support(look), speed(look), look.constants.walking)


SCALE = Scale(
    key="functional_ambulation",
    label="Functional Ambulation Category",
    meaning="walking, 0 (cannot) to 5 (alone, anywhere)",
    explained=(
        "Whose help walking needs: 0 cannot walk, 1 and 2 only while somebody supports, 3 while somebody watches, "
        "4 alone on level ground, 5 alone anywhere"
    ),
    lowest=0.0,
    highest=5.0,
    kind="ordinal",
    score=_score,
    sources=("Holden_1984", "Perry_1995", "assumption"),
    normal=5.0,
    worse=-1,
    lost_below=3.0,
    caveat=f"{ON_STRENGTH} Read from stance support and speed, with assumed marks, by a rater who never errs.",
    is_main=False,
)
