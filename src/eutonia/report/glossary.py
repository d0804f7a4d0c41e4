"""What the words of a page mean, for somebody who has never heard of them: every score on it, and a few more."""

from __future__ import annotations

import math
from collections.abc import Iterable

from eutonia.assessment.scales import SCALES
from eutonia.report import words

_TONE = (
    "Tone",
    "How much a resting muscle resists when it is stretched. After damage to the brain or the spinal cord less damping "
    "reaches the muscles and tone rises; where it grows with the speed of the stretch, that is spasticity.",
)
_BACLOFEN = (
    "Baclofen",
    "A drug that damps the signal to the muscles in the spinal cord. Little of a tablet gets there by way of the "
    "blood, and it makes people drowsy; a pump brings it into the spinal fluid, a thousandth of the dose.",
)
_TRIAL = (
    "Interval, replicate trial",
    "The same trial is repeated many times with other people. The interval holds the results of the middle 95% of "
    "those repeats: what one trial of this size may find by luck alone.",
)
_CASE = (
    "Possible people, band",
    "Nobody knows all of one person. So the course is computed for many people who share what is known and differ by "
    "luck in what is not; a band or an interval holds the middle 95% of them.",
)


def entries(scales: Iterable[str], kind: str) -> list[tuple[str, str]]:
    """Return words and what they mean: tone, the scores among `scales` in their order, the drug, and the interval of a
    "trial" or of a "case".
    """
    shown = set(scales)
    scores = [(scale.label, score(key)) for key, scale in SCALES.items() if key in shown and scale.is_score]
    return [_TONE, *scores, _BACLOFEN, _TRIAL if kind == "trial" else _CASE]


def score(key: str) -> str:
    """Return what a score is, where it runs, which direction is bad and what is normal."""
    scale = SCALES[key]
    unit = words.unit(scale.unit) if scale.unit != "score" else ""
    normal = "" if scale.normal is None else f", {scale.normal:g} is normal"
    ends, bad = words.with_unit(scale.ends, unit), "higher" if scale.worse > 0 else "lower"
    runs = "is" if math.isinf(scale.highest) else "runs from"
    return f"{words.capital(scale.explained or scale.meaning)}. It {runs} {ends}; {bad} is worse{normal}."
