"""The chain from brain to score with the numbers of a run: how much too strong the signal is, how much of that is
taken away, what an examiner then finds, and what it costs. Of the middle one of the people of a course.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from eutonia import parameters
from eutonia.assessment.scales import SCALES
from eutonia.report import words
from eutonia.report.drawing.chain import ChainBox, ChainLine, draw
from eutonia.report.drawing.svg import Drawing

if TYPE_CHECKING:
    import xarray

Course = Float[np.ndarray, " time"]

# Signals below this have no share that could be told, mV; shares below that are no effect of a treatment.
_LEAST_MV, _LEAST_SHARE = 0.05, 0.005
_TITLE = "From the brain to the score, with the numbers of this run"


@dataclass(frozen=True)
class ChainNumbers:
    """What becomes of one limb: `excess` share of the strongest signal (`ceiling`, mV) by which it is too strong where
    it is so most, and of that share the most (`taken`) and last (`last`) that treatment takes away, at `at_h` h; the
    scores before, then and last; stance before and then, and the highest risk of drowsiness within a day. `plasma` is
    the highest level in plasma, ng/mL, where it is one of poisoning. What is not known is NaN. `blocked` are words on a
    muscle of the limb; `is_lowered` whether anything acts on the signal, `is_treated` on signal or muscle.
    """

    limb: str
    excess: float
    ceiling: float
    taken: float
    last: float
    at_h: float
    span_h: float
    level: float
    scale: str
    score: tuple[float, float, float]
    support: tuple[float, float]
    drowsy: float
    plasma: float = math.nan
    blocked: str = ""
    is_lowered: bool = False
    is_treated: bool = False


def numbers(
    course: xarray.Dataset, limb: str = "leg", scales: Sequence[str] = (), since_h: float = -math.inf
) -> ChainNumbers | None:
    """Return the numbers of a limb over a course; None where its people have no raised tone that could be told.

    The score is the first of `scales`, or of all if none is named; what treatment does most is looked for from
    `since_h` h on.
    """
    if "untreated_bias" not in course or limb not in course["limb"].values:
        return None
    time = course["time_h"].to_numpy().astype(float)
    # What lowers the descending signal itself is a treatment too: it is told against the lesion's own signal.
    lesion = _of(course, "lesion_bias" if "lesion_bias" in course else "untreated_bias", limb)
    highest = lesion.max(axis=0)
    is_raised = highest > _LEAST_MV
    if not is_raised.any():
        return None
    # Shares are of the highest signal of each person: of the little that there is in the first days any mV is much.
    taken = np.median(((lesion - _of(course, "bias", limb)) / np.maximum(highest, _LEAST_MV))[:, is_raised], axis=1)
    scale = _scale(course, scales)
    scored, level = _middle(course, scale, limb), _middle(course, f"csf_{limb}", limb)
    blockade, blocked = _blocked(course, limb)
    is_given = (np.nan_to_num(level) > 0.0) | (np.abs(taken) > _LEAST_SHARE)
    is_treated = is_given | (blockade > 0.0)
    is_late = time >= since_h
    acts, effect = (is_given, taken) if is_given.any() else (blockade > 0.0, blockade)
    at = _strongest(effect, acts & is_late, np.isfinite(scored))
    # Without a treatment the end is told, and no change: tone that comes with time is not what anything did.
    before = int(np.argmax(is_treated)) if is_treated.any() else at + 1
    support = _middle(course, "stance_support" if limb == "leg" else "", limb)
    drowsy = np.where(is_late, _middle(course, "risk_drowsiness", limb), math.nan)
    return ChainNumbers(
        limb=limb,
        excess=float(np.median(highest)) / float(course["untreated_bias"].attrs.get("valid_max", math.nan)),
        ceiling=float(course["untreated_bias"].attrs.get("valid_max", math.nan)),
        taken=float(taken[at]),
        last=float(taken[-1]),
        at_h=float(time[at]),
        span_h=float(time[-1] - time[0]),
        level=float(level[at]),
        scale=scale,
        score=_around(scored, before, at),
        support=_around(support, before, at)[:2],
        drowsy=float(np.nanmax(drowsy)) if np.isfinite(drowsy).any() else math.nan,
        plasma=_poisoning(course, limb),
        blocked=blocked,
        is_lowered=bool(is_given.any()),
        is_treated=bool(is_treated.any()),
    )


def _strongest(effect: Course, acts: Bool[np.ndarray, " time"], looked: Bool[np.ndarray, " time"]) -> int:
    """Return when an effect is strongest, at a look if there is one while it acts; the last look where none acts."""
    for among in (acts & looked, acts):
        if among.any():
            return int(np.where(among, effect, -math.inf).argmax())
    return int(np.flatnonzero(looked)[-1]) if looked.any() else len(effect) - 1


def _scale(course: xarray.Dataset, scales: Sequence[str]) -> str:
    """Return the first score of a course among those that are asked for; nothing if it has none of them."""
    told = (key for key in SCALES if key in course and SCALES[key].per != "person" and key != "h_reflex")
    return next((key for key in told if not scales or key in scales), "")


def _poisoning(course: xarray.Dataset, limb: str) -> float:
    """Return the highest level in plasma, ng/mL, where it is one of acute poisonings; NaN elsewhere."""
    level = _middle(course, "plasma_peak" if "plasma_peak" in course else "plasma", limb)
    highest = float(np.nanmax(level)) if np.isfinite(level).any() else 0.0
    return highest if highest >= parameters.load("adverse").value("overdose_level_low", "ng/mL") else math.nan


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


def _blocked(course: xarray.Dataset, limb: str) -> tuple[Course, str]:
    """Return how much of the reflex force of the most blocked muscle group of a limb is gone, and that in words."""
    gone = {
        key: np.asarray(course[key].median("patient"))
        for key in (str(name) for name in course)
        if key.startswith("blockade_") and course[key].attrs["limb"] == limb
    }
    if not gone:
        return np.zeros(course.sizes["time_h"]), ""
    key = max(gone, key=lambda one: float(gone[one].max()))
    what = f"of the reflex force of the {course[key].attrs['muscle']} blocked at most"
    return gone[key], f"toxin: {_percent(float(gone[key].max()))} {what}"


def _percent(share: float) -> str:
    """Return a share in percent; what rounds to nothing has no sign."""
    return f"{round(100.0 * share)}%".replace("-", "−")


def sentence(found: Mapping[str, ChainNumbers]) -> str:
    """Return the chain in one sentence; options by their names, where there are several or one has any."""
    first = next(iter(found.values()))
    told = [f"{words.lower(name) or 'treatment'} {_takes(one)}" for name, one in found.items() if one.is_lowered]
    excess = (
        f"The signal to the {first.limb} is too strong, by {_percent(first.excess)} of the most that a cord can have"
    )
    return f"{excess}; {'; '.join(told) or first.blocked or 'no treatment lowers it'}."


def _takes(one: ChainNumbers) -> str:
    """Return how much of the excess is taken away, at most and at the end."""
    when = f" ({words.when(one.at_h, words.time_unit(one.span_h))})" if one.span_h else ""
    when += ", which is more than was too much," if one.taken > 1.0 else ""
    most = f"takes away {_percent(one.taken)} of that"
    if one.last < -_LEAST_SHARE:
        end = f"at the end tone is {_percent(-one.last)} above what the damage alone makes"
        return f"{most} at most{when}, and {end}" if one.taken > _LEAST_SHARE else end
    if not one.span_h or abs(one.last - one.taken) < _LEAST_SHARE:
        return most
    return f"{most} at most{when} and {_percent(one.last)} at the end"


def drawing(found: Mapping[str, ChainNumbers]) -> Drawing:
    """Return brain, cord, muscle and standing with what this run says of each; a line an option."""
    first = next(iter(found.values()))
    excess = f"{first.excess * first.ceiling:.1f} mV of {first.ceiling:g}"
    signal = f"of the most that a cord can have; the {first.limb}: {excess}"
    brain = ChainBox(
        "Brain", (ChainLine(f"signal too strong: {_percent(first.excess)}", signal, first.excess),), "does-not"
    )
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
    if not one.is_lowered:
        return ChainLine(f"{who}no treatment here", "nothing is taken away", 0.0)
    when = f" at most, {words.when(one.at_h, words.time_unit(one.span_h))}" if one.span_h else ""
    level = f"; {words.number(one.level)} ng/mL of baclofen then" if one.level > 0.0 else ""
    end = f"; {_percent(one.last)} at the end" if one.span_h else ""
    more = ", more than was too much" if one.taken > 1.0 else ""
    return ChainLine(f"{who}takes away {_percent(one.taken)}", f"of that{when}{more}{level}{end}", max(one.taken, 0.0))


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
        words.number(then)
        if not one.span_h or not one.is_treated
        else f"{words.number(before)} to {words.number(then)}"
    )
    end = f"; {words.number(last)} at the end" if one.span_h else ""
    return ChainLine(f"{who}{words.scale_label(one.limb, one.scale)} {moved}", f"{ends}{end}{more}")


def _cost(name: str, one: ChainNumbers) -> ChainLine | None:
    who = f"{name}: " if name else ""
    before, then = one.support
    bold, small = _waking(one)
    if not math.isfinite(before):
        return ChainLine(f"{who}{bold}", small) if bold else None
    risk = "; ".join(part for part in (bold, small) if part)
    told = f"of what standing asks; below 100% it gives way{f'; {risk}' if risk else ''}"
    moved = f"{_percent(before)} to {_percent(then)}" if one.is_treated else _percent(then)
    return ChainLine(f"{who}leg carries {moved}", told)


def _waking(one: ChainNumbers) -> tuple[str, str]:
    """Return the risk of drowsiness; at levels of poisoning, of which it knows nothing, the level in its place."""
    if math.isfinite(one.plasma):
        low, high = parameters.load("adverse").values(overdose_level_low="ng/mL", overdose_level_high="ng/mL")
        poisonings = f"acute poisonings had {words.number(low)} to {words.number(high)} ng/mL, with coma and seizures"
        return f"plasma: {words.number(one.plasma)} ng/mL at most", poisonings
    return (f"drowsy within a day: {_percent(one.drowsy)} at most", "") if math.isfinite(one.drowsy) else ("", "")


def context(
    courses: Mapping[str, xarray.Dataset], limb: str = "leg", scales: Sequence[str] = ()
) -> tuple[str, Drawing | None]:
    """Return the chain of courses by name as a sentence and a picture; nothing where there is no tone to tell of.

    Of several courses it is of what comes after they part.
    """
    since_h = _parting_h(list(courses.values()))
    each = {name: numbers(course, limb, scales, since_h) for name, course in courses.items()}
    found = {name: one for name, one in each.items() if one is not None}
    if not found or not math.isfinite(next(iter(found.values())).ceiling):
        return "", None
    return sentence(found), drawing(found)


def _parting_h(courses: Sequence[xarray.Dataset]) -> float:
    """Return the first hour at which any of several courses differs from the first of them; -inf if none does."""
    parted = math.inf
    for other in courses[1:]:
        own, others = (one["time_h"].to_numpy() for one in (courses[0], other))
        time, here, there = np.intersect1d(own, others, return_indices=True)
        for name in courses[0].data_vars:
            if name not in other or "time_h" not in other[name].dims or other[name].dtype.kind != "f":
                continue
            one, two = (course[name].transpose("time_h", ...).to_numpy() for course in (courses[0], other))
            differs = ~np.isclose(one[here], two[there], equal_nan=True).reshape(time.size, -1).all(axis=1)
            parted = min(parted, float(time[int(differs.argmax())]) if differs.any() else math.inf)
    return parted if math.isfinite(parted) else -math.inf


def limb_of(limbs: Sequence[str]) -> str:
    """Return the limb that the chain is told of: the leg, where it was looked at."""
    return "arm" if set(limbs) == {"arm"} else "leg"


def traced(course: xarray.Dataset) -> tuple[dict[str, xarray.Dataset], str]:
    """Return the longest phase of the traces of a trial as a course, and whose they are; nothing if that is not said.

    They are of the first people in one arm, whatever they were allocated to: what is told of them has to say so.
    """
    about = course.attrs
    if "longest_phase" not in about:
        return {}, ""
    begin, end = float(about["longest_from_h"]), float(about["longest_to_h"])
    part = course.sel(time_h=slice(begin, end))
    where = f"the arm {about['longest_arm']} of the phase {about['longest_phase']}"
    whose = (
        f"the middle one of the first {course.sizes['patient']} people, all of them in {where} whatever they were "
        "allocated to, and none stopped by a gate; the phase begins without drug: to look at, not results"
    )
    return {"": part.assign_coords(time_h=part["time_h"] - begin)}, whose
