"""H-reflex of the soleus: a measurement, which no rater scatters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eutonia.assessment.scales.abstract import Scale

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.scoring import Look


def _score(look: Look) -> Array:
    return look.exam.h_over_m


SCALE = Scale(
    key="h_reflex",
    label="H-reflex",
    meaning="largest H as a share of the largest M",
    explained=(
        "How many of a muscle's nerve cells answer a weak electric stimulus by way of the spinal cord, as a "
        "share of all of them"
    ),
    lowest=0.0,
    highest=1.0,
    kind="continuous",
    score=_score,
    per="limb",
    sources=("Stokic_2005",),
    unit="1",
    step=0.1,
    is_main=False,
)
