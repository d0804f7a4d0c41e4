"""Whether scores, limbs, scales and doses of a study file go together."""

from __future__ import annotations

from dataclasses import replace

from eutonia._hours import HOURS_A_DAY
from eutonia.assessment.scales import SCALES
from eutonia.errors import nearest
from eutonia.study import vocabulary
from eutonia.study.fields import BEYOND_LABEL, Given
from eutonia.study.studyfile import Problem

_ROUNDING = 1e-9
# Below a tenth of the finest step of any scale.
_LEAST_FALL = 0.001


def limb_fits(scale: str, limb: object, allowed: str = '"leg" or "arm"') -> list[Problem]:
    """Return the fault of a limb that is missing, or of one given where the scale scores the whole person."""
    if not SCALES[scale].is_score:
        scores = ", ".join(f'"{name}"' for name, one in SCALES.items() if one.is_score)
        return [Problem(("scale",), f"This is no score: {SCALES[scale].meaning}.", scale, scores, do="Choose a score.")]
    if SCALES[scale].of_limb and limb is None:
        return [Problem(("limb",), f"{scale} is scored for each limb.", None, allowed, do='Add limb = "leg".')]
    if not SCALES[scale].of_limb and limb is not None:
        return [Problem(("limb",), f"{scale} is one score for the whole person.", limb, do="Remove the key limb.")]
    return []


def on_scale(scale: str, value: float | None, key: str, *, is_difference: bool = False) -> list[Problem]:
    """Return the fault of a score that its scale cannot have."""
    here = SCALES[scale]
    if is_difference:
        here = replace(here, lowest=0.0, highest=here.highest - here.lowest)
    if value is None or here.lowest <= value <= here.highest:
        return []
    what = "A change on this scale" if is_difference else "This scale"
    why = f"{what} runs from {here.ends} ({here.meaning})."
    return [Problem((key,), why, value, here.ends, do="Correct the score or the scale.")]


def charted_fits(scale: str, limb: object, muscle: object, score: float | str) -> list[Problem]:
    """Return the faults of a score that is charted before treatment, of one limb or one muscle group."""
    here = SCALES[scale]
    if not here.of_limb:
        known = ", ".join(f'"{key}"' for key, one in SCALES.items() if one.of_limb)
        why = f"{scale} says nothing of one limb or muscle group, so it does not tell which cord this is."
        return [Problem(("scale",), why, scale, known, do="Choose a scale of limbs or muscle groups.")]
    if (limb is None) == (muscle is None):
        why = "A score is of one limb, or of one muscle group."
        do = 'Add limb = "leg", or muscle.' if limb is None else "Remove the key limb."
        return [Problem(("limb",), why, limb, "limb or muscle, one of the two", do=do)]
    if muscle is not None and not here.of_muscles:
        why = f"{scale} has no score for each muscle group."
        return [Problem(("muscle",), why, muscle, 'limb = "leg" or "arm"', do="Write the key limb instead.")]
    number, grades = here.number(score), {count: word for word, count in here.grades}
    if number is None:
        why, words = f"{here.label} has no such grade.", ", ".join(f'"{word}"' for word, _ in here.grades)
        near = tuple(f'"{word}"' for word in nearest(str(score), dict(here.grades)))
        return [Problem(("score",), why, score, words or here.ends, near, do="Correct the grade.")]
    if muscle is not None and grades and number not in grades:
        why = "One muscle group has a grade, never a number between two."
        return [Problem(("score",), why, score, ", ".join(f'"{word}"' for word in grades.values()), do="Write one.")]
    if isinstance(score, float) and number in grades and grades[number] != f"{number:g}" and muscle is not None:
        why = "It is a category, and only averages count it as a number."
        return [Problem(("score",), why, score, f'"{grades[number]}"', do=f'Write score = "{grades[number]}".')]
    return on_scale(scale, number, "score")


def difference_fits(scale: str, difference: float, key: str) -> list[Problem]:
    """Return the fault of a difference that a trial has to find, where the scale has none so large or so small."""
    if difference >= _LEAST_FALL:
        return on_scale(scale, difference, key, is_difference=True)
    why, do = "No scale here is read so finely: no trial is large enough.", "Check the digits, or write a larger one."
    return [Problem((key,), why, difference, f"at least {_LEAST_FALL:g}", do=do)]


def fall_fits(scale: str, limb: object, fall: float, over: str) -> list[Problem]:
    """Return the faults of a rule that looks for a fall of a score."""
    found = [*limb_fits(scale, limb), *on_scale(scale, fall, "fall", is_difference=True)]
    if 0 < fall < _LEAST_FALL:
        why = "No scale here is read so finely: any fall at all would do."
        do = "Check the digits, or write a larger fall."
        found.append(Problem(("fall",), why, fall, f"at least {_LEAST_FALL:g}", do=do))
    if over == "spastic muscles" and not SCALES[scale].of_muscles:
        why = f"{scale} has no score for each muscle group."
        found.append(Problem(("over",), why, over, '"limb mean"', do="Remove the key over."))
    return found


def daily_fits(dose: Given, every: Given, key: str, *, beyond_label: bool) -> list[Problem]:
    """Return the fault of tablets that add up to more in a day than the label allows, or than anybody ever took."""
    limit = vocabulary.oral_dose_on_record() if beyond_label else vocabulary.largest_oral_dose()
    daily = dose * HOURS_A_DAY / every
    if daily <= limit.value * (1 + _ROUNDING):
        return []
    given, allowed = f"{dose.text} every {every.text}, which is {daily:.4g} mg a day", f"at most {limit.text} a day"
    why = f"{limit.label} is {limit.text} ({limit.source})."
    do = "Lower the dose, or lengthen the interval." + ("" if beyond_label else BEYOND_LABEL)
    return [Problem((key,), why, given, allowed, do=do)]
