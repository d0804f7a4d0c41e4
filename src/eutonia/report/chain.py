"""The chain from brain to score with the numbers of a run: how much of the damping is lost, how much of that the drug
gives back, what an examiner then finds, and what it costs. Of the middle one of the people of a course.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from eutonia.assessment.scales import SCALES
from eutonia.report import words
from eutonia.report.drawing.chain import ChainBox, ChainLine, draw
from eutonia.report.drawing.svg import Drawing

if TYPE_CHECKING:
    import xarray

Course = Float[np.ndarray, " time"]

# Signals below this have no share that could be told, mV; shares below that are no effect of a drug.
_LEAST_MV, _LEAST_SHARE = 0.05, 0.005
_TITLE = "From the brain to the score, with the numbers of this run"


@dataclass(frozen=True)
class ChainNumbers:
    """What becomes of one limb: `lost` share of the damping (of `ceiling`, mV) and the most (`given`) and last (`last`)
    share of it that the drug gives back, at `at_h` h; the scores then and before; stance then and before, and the
    highest risk of drowsiness within a day; what is not known is NaN. `blocked` are words on a muscle.
    """

    limb: str
    lost: float
    ceiling: float
    given: float
    last: float
    at_h: float
    span_h: float
    level: float
    scale: str
    score: tuple[float, float, float]
    support: tuple[float, float]
    drowsy: float
    blocked: str = ""
    has_drug: bool = False


def numbers(course: xarray.Dataset, limb: str = "leg") -> ChainNumbers | None:
    """Return the numbers of a limb over a course; None where its people have no raised tone that could be told."""
    if "untreated_bias" not in course or limb not in course["limb"].values:
        return None
    time = course["time_h"].to_numpy().astype(float)
    lesion, left = (_of(course, name, limb) for name in ("untreated_bias", "bias"))
    is_raised = (lesion > _LEAST_MV).any(axis=1)
    if not is_raised.any():
        return None
    given = np.zeros(time.size)
    for place in np.flatnonzero(is_raised):
        who = lesion[place] > _LEAST_MV
        given[place] = np.median(1.0 - left[place, who] / lesion[place, who])
    scale = next((key for key in SCALES if key in course and SCALES[key].per != "person" and key != "h_reflex"), "")
    scored = _middle(course, scale, limb)
    looked = np.isfinite(scored) if np.isfinite(scored).any() else np.ones(time.size, dtype=bool)
    level = _middle(course, f"csf_{limb}", limb)
    is_given = (np.nan_to_num(level) > 0.0) | (np.abs(given) > _LEAST_SHARE)
    has_drug = bool(is_given.any())
    # Without a drug the end is told, and no change: tone that comes with time is not what anything did.
    at = int(np.where(looked & is_given, given, -math.inf).argmax()) if has_drug else int(np.flatnonzero(looked)[-1])
    ceiling = float(course["untreated_bias"].attrs.get("valid_max", math.nan))
    before = int(np.argmax(is_given)) if has_drug else at + 1
    support = _middle(course, "stance_support", limb)
    drowsy = _middle(course, "risk_drowsiness", limb)
    return ChainNumbers(
        limb=limb,
        lost=float(np.median(lesion[at])) / ceiling,
        ceiling=ceiling,
        given=float(given[at]),
        last=float(given[-1]),
        at_h=float(time[at]),
        span_h=float(time[-1] - time[0]),
        level=float(level[at]),
        scale=scale,
        score=_around(scored, before, at),
        support=_around(support, before, at)[:2],
        drowsy=float(np.nanmax(drowsy)) if np.isfinite(drowsy).any() else math.nan,
        blocked=_blocked(course),
        has_drug=has_drug,
    )


def _of(course: xarray.Dataset, name: str, limb: str) -> Float[np.ndarray, "time patient"]:
    found = course[name]
    found = found.sel(limb=limb) if "limb" in found.dims else found
    return found.transpose("time_h", "patient").to_numpy().astype(float)


def _middle(course: xarray.Dataset, name: str, limb: str) -> Course:
    """Return the median over the people; NaN where it is not told."""
    if name not in course:
        return np.full(course.sizes["time_h"], math.nan)
    values = _of(course, name, limb)
    return np.where(np.isfinite(values).all(axis=1), np.median(values, axis=1), math.nan)


def _around(values: Course, before: int, at: int) -> tuple[float, float, float]:
    """Return the last value before a drug acts, that nearest to its most, and the last of all."""
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return (math.nan,) * 3
    first = known[known < max(before, 1)]
    nearest = known[int(np.argmin(np.abs(known - at)))]
    return float(values[first[-1] if first.size else known[0]]), float(values[nearest]), float(values[known[-1]])


def _blocked(course: xarray.Dataset) -> str:
    """Return how much of the reflex force of the most blocked muscle group is gone at most, in words; or nothing."""
    found = {str(key): float(course[key].median("patient").max()) for key in course if str(key).startswith("blockade_")}
    if not found:
        return ""
    key = max(found, key=lambda one: found[one])
    return f"toxin: {found[key]:.0%} of the reflex force of the {course[key].attrs['muscle']} blocked at most"


def sentence(found: Mapping[str, ChainNumbers]) -> str:
    """Return the chain in one sentence; options by their names, where there are several or one has any."""
    first = next(iter(found.values()))
    told = [f"{words.lower(name) or 'the drug'} {_gives(one)}" for name, one in found.items() if one.has_drug]
    lost = f"The {first.limb} has lost {first.lost:.0%} of its damping"
    if not told:
        return f"{lost}; no drug acts on it in the spinal cord."
    return f"{lost}; {'; '.join(told)}."


def _gives(one: ChainNumbers) -> str:
    """Return how much of the damping comes back, at most and at the end."""
    when = f" ({words.when(one.at_h, words.time_unit(one.span_h))})" if one.span_h else ""
    when += ", which is more than was lost," if one.given > 1.0 else ""
    if one.last < -_LEAST_SHARE:
        end = f"at the end tone is {-one.last:.0%} above what the damage alone makes"
        return f"gives back {one.given:.0%} of that at most{when}, and {end}" if one.given > _LEAST_SHARE else end
    if not one.span_h or abs(one.last - one.given) < _LEAST_SHARE:
        return f"gives back {one.given:.0%} of that"
    return f"gives back {one.given:.0%} of that at most{when} and {one.last:.0%} at the end"


def drawing(found: Mapping[str, ChainNumbers]) -> Drawing:
    """Return brain, cord, muscle and standing with what this run says of each; a line an option."""
    first = next(iter(found.values()))
    signal = f"the {first.limb}: {first.lost * first.ceiling:.1f} mV of the {first.ceiling:g} that a cord can have"
    brain = ChainBox("Brain", (ChainLine(f"damping lost: {first.lost:.0%}", signal, first.lost),), "does-not")
    cord = ChainBox("Spinal cord", tuple(_cord(name, one) for name, one in found.items()), "active")
    rest = (
        ChainBox("Muscle", _lines(found, _muscle), "leg"),
        ChainBox("Standing and waking", _lines(found, _cost), "brain"),
    )
    boxes = [brain, cord, *(box for box in rest if box.lines)]
    return draw("chain-of-run", _TITLE, boxes)


def _lines(
    found: Mapping[str, ChainNumbers], of: Callable[[str, ChainNumbers], ChainLine | None]
) -> tuple[ChainLine, ...]:
    return tuple(line for name, one in found.items() if (line := of(name, one)) is not None)


def _cord(name: str, one: ChainNumbers) -> ChainLine:
    who = f"{name}: " if name else ""
    if not one.has_drug:
        return ChainLine(f"{who}no drug here", "nothing is given back", 0.0)
    when = f" at most, {words.when(one.at_h, words.time_unit(one.span_h))}" if one.span_h else ""
    level = "" if not math.isfinite(one.level) else f"; {words.number(one.level)} ng/mL of drug then"
    end = f"; {one.last:.0%} at the end".replace("-", "−") if one.span_h else ""
    more = ", more than was lost" if one.given > 1.0 else ""
    return ChainLine(f"{who}gives back {one.given:.0%}", f"of that{when}{more}{level}{end}", max(one.given, 0.0))


def _muscle(name: str, one: ChainNumbers) -> ChainLine | None:
    before, then, last = one.score
    if not one.scale or not math.isfinite(before):
        return ChainLine(name or "toxin", one.blocked) if one.blocked else None
    scale = SCALES[one.scale]
    who = f"{name}: " if name else ""
    bad = "higher" if scale.worse > 0 else "lower"
    ends = f"{scale.ends}, {bad} is worse{'' if scale.normal is None else f', {scale.normal:g} is normal'}"
    more = f"; {one.blocked}" if one.blocked else ""
    moved = (
        words.number(then) if not one.span_h or not one.has_drug else f"{words.number(before)} to {words.number(then)}"
    )
    end = f"; {words.number(last)} at the end" if one.span_h else ""
    return ChainLine(f"{who}{words.scale_label(one.limb, one.scale)} {moved}", f"{ends}{end}{more}")


def _cost(name: str, one: ChainNumbers) -> ChainLine | None:
    who = f"{name}: " if name else ""
    before, then = one.support
    drowsy = f"drowsy within a day: {one.drowsy:.0%} at most" if math.isfinite(one.drowsy) else ""
    if not math.isfinite(before):
        return ChainLine(f"{who}{drowsy}", "") if drowsy else None
    small = f"of what standing asks; below 100% it gives way{f'; {drowsy}' if drowsy else ''}"
    moved = f"{before:.0%} to {then:.0%}" if one.has_drug else f"{then:.0%}"
    return ChainLine(f"{who}leg carries {moved}", small)


def context(courses: Mapping[str, xarray.Dataset], limb: str = "leg") -> tuple[str, Drawing | None]:
    """Return the chain of courses by name as a sentence and a picture; nothing where there is no tone to tell of."""
    found = {name: one for name, course in courses.items() if (one := numbers(course, limb)) is not None}
    if not found or not math.isfinite(next(iter(found.values())).ceiling):
        return "", None
    return sentence(found), drawing(found)


def limb_of(limbs: Sequence[str]) -> str:
    """Return the limb that the chain is told of: the leg, where it was looked at."""
    return "arm" if set(limbs) == {"arm"} else "leg"
