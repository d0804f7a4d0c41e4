"""The clinic page: one person in everyday words and up to three ways to treat them, as study files."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from eutonia import parameters
from eutonia.errors import StudyError
from eutonia.study.replacing import toml_of
from eutonia.web import clinic_pump, limits
from eutonia.web.asked import ONE_AT_A_TIME, study_of
from eutonia.web.clinic_fields import (
    KINDS,
    LESIONS,
    OPTIONS,
    SIZES,
    START,
    Clinic,
    Fields,
    check,
    hours_a_day,
    place,
    with_unit,
)
from eutonia.web.clinic_pump import days_told, micro
from eutonia.web.store import Store, own_name

__all__ = ["KINDS", "OPTIONS", "START", "Clinic", "read"]

Tables = dict[str, Any]

# What an option is called in the files where its key would say too little.
_CALLED = {"missed": "pump_missed_refill", "bolus": "test_dose", "nothing": "no_treatment"}
_SCALES = ["spasm", "reflex", "stance_support", "walking_speed", "active_range", "pain", "adverse"]
_MOST_STEPS, _ROUNDING, _TOXIN = 20, 1e-9, "abobotulinumtoxinA"


def read(fields: Fields, store: Store | None = None, own: Mapping[str, bytes] | None = None) -> Clinic:
    """Return the cases that a form asks for, or every fault of its fields: those that `eutonia check` finds.

    A file that the cases name (a mask, a pump program) is in `store`, or came with the form in `own`. Nothing is kept
    here: what is to be kept for a run is in `own` of what is returned.
    """
    found = Clinic(fields, own=dict(own or {}))
    chosen = [option for option in range(1, OPTIONS + 1) if fields.get(f"kind_{option}")]
    if len(chosen) < 2:
        found.refuse("kind_2", f"{len(chosen)} option is chosen. Allowed: 2 or 3. Nearest: 2. Choose another one.")
        return found
    check(found)
    if found.faults:
        return found
    words = {option: KINDS[fields[f"kind_{option}"]] for option in chosen}
    for option in chosen:
        twice = sum(one == words[option] for one in words.values()) > 1
        tables = _tables(found, option, words[option], is_twice=twice)
        if tables is None:
            continue
        text = toml_of(tables)
        _check(found, option, text, store)
        found.texts.append(text)
    return found


def _check(found: Clinic, option: int, text: str, store: Store | None) -> None:
    """Note what the check of a study finds in an option, unless its own program has faults that say it better."""
    if f"steps_{option}" in found.faults:
        return
    try:
        study_of(text, f"option {option}", store, found.own)
    except StudyError as error:
        place(found, option, error)


def _tables(found: Clinic, option: int, words: str, *, is_twice: bool) -> Tables | None:
    """Return the tables of one option; None where a field is no number."""
    fields = found.fields
    times = [found.days(name) for name in ("charted_at", "begins", "follow")]
    lesion = _lesion(found)
    if lesion is None or None in times:
        return None
    charted_at, begins, ends = (time or 0.0 for time in times)
    given = _given(found, option, (begins, ends))
    kind = fields[f"kind_{option}"]
    own = f"{_CALLED.get(kind, kind)}{f'_{option}' if is_twice else ''}"
    told = _amount_told(found, option)
    course: Tables = {"duration": days_told(ends), "examine_every": "7 day"}
    tables: Tables = {
        "study": {
            "name": own,
            "title": f"{words[:1].upper()}{words[1:]}{f', {told}' if told else ''}"[:180],
            "kind": "case",
            "seed": 1,
        },
        "patient": _person(fields),
        "lesion": lesion,
        "assessment": {
            "side": "affected",
            "limbs": ["leg", "arm"],
            "scales": [fields.get("scale") or "ashworth", *_SCALES],
            "rater": "noiseless",
        },
        "case": ({"onset": str(onset)} if (onset := found.onset()) else {}) | course,
        "charted": list(_charted(found, charted_at)),
    }
    return {key: value for key, value in (tables | given).items() if value}


def _amount_told(found: Clinic, option: int) -> str:
    """Return how much is given, as the heading of an option says it; nothing of a field that its kind does not use."""
    kind, told = found.fields[f"kind_{option}"], found.text(f"amount_{option}")
    if kind == "nothing":
        return ""
    if kind in ("pump", "missed") and found.text(f"steps_{option}"):
        return f"in steps of the day: {found.text(f'steps_{option}')}"
    if kind == "toxin" and told:  # a unit of one toxin is none of another
        product = found.text(f"product_{option}") or _TOXIN
        return told if product in told else f"{told} {product}"
    if kind == "tablets" and told:
        return f"{told} every {with_unit(found.text(f'every_{option}') or '8', 'h')}"
    return told


def _person(fields: Fields) -> Tables:
    units = {"age": ("age", "year"), "weight": ("weight", "kg"), "kidneys": ("creatinine_clearance", "mL/min")}
    person = {key: with_unit(fields.get(name, ""), unit) for name, (key, unit) in units.items()}
    return {key: value for key, value in person.items() if value} | {
        key: fields[key] for key in ("sex", "side") if fields.get(key)
    }


def _lesion(found: Clinic) -> Tables | None:
    """Return the lesion: the mask where one came, else what the words mean."""
    kind, _, where = found.text("lesion").partition("|")
    if mask := found.text("mask"):
        return {"kind": kind, "mask": mask}
    size = found.text("size")
    for name, value, known in (("lesion", where, LESIONS), ("size", size, SIZES)):
        if not value:
            found.refuse(name, f"It is empty. Allowed: {len(known)} choices. Choose one of the list.")
            return None
    extent, volume, _ = SIZES[size]
    if kind == "ischaemic":
        return {"kind": kind, "territory": where, "extent": extent}
    return {"kind": kind, "site": where, "volume": volume}


def mask_name(content: bytes) -> str:
    """Return the name by which a case names the mask of a person, which is one.

    Raises
    ------
    StudyError
        Too large, no mask, or none of MNI space.
    """
    from eutonia.patient.masks import MaskError, parse_mask

    if len(content) > limits.MASK:
        raise StudyError(
            f"Given: {len(content):,} bytes. Allowed: {limits.MASK:,} on a server. Nearest: the same mask, saved "
            "compressed (.nii.gz). Save it so, or use the command eutonia."
        )
    try:
        with ONE_AT_A_TIME:
            parse_mask(content, "the mask")
    except MaskError as error:
        raise StudyError(f"{error.why} Given: {error.given}. Allowed: {error.allowed}. Do: {error.do}.") from None
    return own_name(content, ".nii.gz" if content[:2] == b"\x1f\x8b" else ".nii")


def _charted(found: Clinic, at_day: float) -> Iterator[Tables]:
    for limb in ("leg", "arm"):
        text = found.text(limb)
        if not text:
            continue
        try:
            score: float | str = float(text)
        except ValueError:
            score = text
        score = score if isinstance(score, str) or math.isfinite(score) else text  # which no scale has
        scale = found.text("scale") or "ashworth"
        if scale == "modified_ashworth" and not isinstance(score, str):
            score = int(score) if score.is_integer() else score
        yield {"at": days_told(at_day), "scale": scale, "limb": limb, "score": score}


def _given(found: Clinic, option: int, span: tuple[float, float]) -> Tables:
    """Return the tables that say what an option gives."""
    kind, at = found.fields[f"kind_{option}"], days_told(span[0])
    amount = micro(found.text(f"amount_{option}"))
    if kind == "tablets":
        return {"event": list(_tablets(found, option, amount, span[0]))}
    if kind == "bolus":
        event = {"at": at, "kind": "bolus", "product": "Lioresal Intrathecal", "dose": amount}
        return {"event": [event | {"access": "lumbar puncture"}]}
    if kind in ("pump", "missed"):
        return _pump(found, option, amount, span)
    if kind == "toxin":
        product = found.text(f"product_{option}") or _TOXIN
        muscle = found.text(f"muscle_{option}") or "elbow flexors"
        given = {"route": "intramuscular", "product": product, "muscle": muscle, "dose": amount, "at": at}
        return {"treatment": [given | {"every": "16 week"}]}
    if kind == "stretching":
        hours, limb = hours_a_day(amount), found.text(f"limb_{option}") or "leg"
        if hours is None:
            told = f'Given: "{amount[:40]}". Allowed: hours a day, such as 1. Write a number.'
            found.refuse(f"amount_{option}", told)
        return {"treatment": [{"route": "stretching", "limb": limb, "hours_per_day": hours or 0.0, "start": at}]}
    return {}


def _pump(found: Clinic, option: int, amount: str, span: tuple[float, float]) -> Tables:
    """Return the tables of a pump: one rate in the case itself, or steps of the day as a program beside it."""
    steps = clinic_pump.steps_of(found, option)
    if not steps:
        events, pump = clinic_pump.of_one_rate(found, option, amount, span)
        return {"pump": pump, "event": events}
    content = clinic_pump.of_steps(found, option, steps, span).encode()
    program = {"program": own_name(content, ".toml")}
    found.own[program["program"]] = content
    return {"therapy": program if found.onset() else program | {"implanted": days_told(float(int(span[0])))}}


def _tablets(found: Clinic, option: int, amount: str, begins: float) -> Iterator[Tables]:
    """Yield tablets that rise to their dose by the steps of the label."""
    every = with_unit(found.text(f"every_{option}") or "8", "hour")
    steps_of = {"oral_start_dose": "mg", "oral_step_dose": "mg", "oral_step_interval": "day"}
    begin, step, days = parameters.load("label_dosing").values(**steps_of)
    wanted = clinic_pump.read(amount, "oral_dose")
    steps = [begin + step * k for k in range(_MOST_STEPS)]
    doses = [*(f"{mg:g} mg" for mg in steps if mg < wanted * (1 - _ROUNDING)), amount]
    for k, dose in enumerate(doses):
        at = days_told(begins + days * k)
        yield {"at": at, "kind": "tablets", "product": "baclofen tablets", "dose": dose, "every": every}
