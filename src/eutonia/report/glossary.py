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
_DAMPING = (
    "Signal too strong, taken away",
    "The brain damps the signal to the muscles all the time. What an injury leaves undamped is told as a share of the "
    "most that a cord can have, and what a treatment takes away from it as a share of that.",
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


_PUMP = (
    ("Tip", "The end of the thin tube in the spinal fluid, where the drug comes out of the body's pump."),
    ("mcg, ng/mL", "A mcg is a thousandth of a milligram. 1 ng/mL is 1 mcg in a litre of fluid."),
    ("Hazard", "A broken rule that can hurt somebody: too much of the drug, too little, or none."),
)
_FIT = (
    ("Neural", "What resists because the muscle is active: the reflex that answers a stretch, and tone at rest."),
    ("Passive", "What resists in any muscle, asleep or awake: tendon, skin, and a muscle that has shortened."),
    ("Determined", "The recording itself tells the number. Where it does not, the number is what was known before."),
    ("95% interval", "Where the number lies with a chance of 95 in 100, if the model of the limb is right."),
)
_SEGMENT = (
    ("Motoneuron", "A cell in the spinal cord that makes a part of a muscle pull, each time that it fires."),
    ("Bias", "How far the lost damping has pushed these cells towards firing, in thousandths of a volt (mV)."),
    ("H reflex, M wave", "A shock to a nerve goes to the muscle directly (M wave) and through the cord (H reflex)."),
    ("F wave", "A shock that runs up to the cell and comes back: it tells how easily the cell fires."),
)
_DESIGN = (
    ("Power", "How often a trial of this size finds the difference that is there, of 100 such trials."),
    ("Monte Carlo error", "How far a simulated number may be off because only so many trials were simulated."),
)
_SCREEN = (
    ("Record", "One number of the science, with its source and how well it is known."),
    ("Share of a move", "How much of all that the numbers do to a prediction is done by this one."),
)
#: What the pages of a kind explain beside tone, scores and drug.
OF_KIND: dict[str, tuple[tuple[str, str], ...]] = {
    "trial": (_DAMPING, _TRIAL),
    "case": (_DAMPING, _CASE),
    "pump": (_DAMPING, *_PUMP),
    "fit": _FIT,
    "examination": (_DAMPING, _CASE),
    "segment": _SEGMENT,
    "design": (*_DESIGN, _TRIAL),
    "screen": _SCREEN,
}


def entries(scales: Iterable[str], kind: str) -> list[tuple[str, str]]:
    """Return words and what they mean: tone, the scores among `scales` in their order, the drug, and the words of a
    kind of page: "trial", "case", "pump", "fit", "examination", "segment", "design" or "screen".
    """
    shown = set(scales)
    scores = [(scale.label, score(key)) for key, scale in SCALES.items() if key in shown and scale.is_score]
    return [_TONE, *scores, *(() if kind == "fit" else (_BACLOFEN,)), *OF_KIND[kind]]


def score(key: str) -> str:
    """Return what a score is, where it runs, which direction is bad and what is normal."""
    scale = SCALES[key]
    unit = words.unit(scale.unit) if scale.unit != "score" else ""
    normal = "" if scale.normal is None else f", {scale.normal:g} is normal"
    ends, bad = words.with_unit(scale.ends, unit), "higher" if scale.worse > 0 else "lower"
    runs = "is" if math.isinf(scale.highest) else "runs from"
    return f"{words.capital(scale.explained or scale.meaning)}. It {runs} {ends}; {bad} is worse{normal}."
