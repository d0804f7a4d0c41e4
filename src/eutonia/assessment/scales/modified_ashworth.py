"""Modified Ashworth: 0, 1, 1+, 2, 3, 4. 1+ is a category; only averages count it 1.5."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from eutonia.assessment.scales.abstract import Scale
from eutonia.assessment.scales.ashworth import latent, noise

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.scoring import Look

# Each grade as it counts, and the middle of what a rater cuts it from (marks in `assessment.ashworth`).
_COUNTS = (0.0, 1.0, 1.5, 2.0, 3.0, 4.0)
_MIDDLES = (0.0, 0.75, 1.25, 2.0, 3.0, 4.0)


def _score(look: Look) -> Array:
    from eutonia.assessment.ashworth import modified_ashworth_code

    return modified_ashworth_code(look.latent_grade, look.scatter)


def _latent_of(score: float) -> float:
    """Return the latent grade of a score; a mean over muscle groups lies between two grades."""
    after = max(bisect_left(_COUNTS, score), 1)
    (low, high), (below, above) = _COUNTS[after - 1 : after + 1], _MIDDLES[after - 1 : after + 1]
    return below + (score - low) / (high - low) * (above - below)


SCALE = Scale(
    key="modified_ashworth",
    label="Modified Ashworth",
    meaning="modified Ashworth 0 to 4, where 1+ counts 1.5",
    explained=(
        "Ashworth's grades counted from 0, with one more between 1 and 2: at 1+ a catch is followed by a "
        "slight resistance"
    ),
    lowest=0.0,
    highest=4.0,
    kind="ordinal",
    score=_score,
    per="muscle",
    latent=latent,
    latent_of=_latent_of,
    grades=(("0", 0.0), ("1", 1.0), ("1+", 1.5), ("2", 2.0), ("3", 3.0), ("4", 4.0)),
    noise=noise,
    luck="rater",
    sources=("MAS_kappa_2008", "Zurawski"),
    normal=0.0,
    spastic=2.0,
    important="minimal_important_change_{limb}",
    is_main=False,
)
