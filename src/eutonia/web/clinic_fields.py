"""The fields of the clinic page: what each is called, what may be chosen, what a fault of a study file means there."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from eutonia import _bounds
from eutonia._hours import HOURS_A_DAY, HOURS_A_MONTH
from eutonia._units import parse
from eutonia.errors import StudyError, UnitError
from eutonia.web import limits

Fields = Mapping[str, str]

OPTIONS = 3
MONTH_DAYS = HOURS_A_MONTH / HOURS_A_DAY
_PLAIN = re.compile(r"[\d.,+-]+(?:[eE][+-]?\d+)?")
_LONGEST = 1e4
#: What may be given: its key, and what it is called.
KINDS = {
    "": "no option here",
    "nothing": "no treatment",
    "tablets": "baclofen tablets",
    "bolus": "a test dose into the spinal fluid",
    "pump": "a pump",
    "missed": "a pump whose refill is missed once",
    "toxin": "botulinum toxin",
    "stretching": "stretching or a splint",
}
#: Lesions in everyday words: kind and place of the study file.
LESIONS = {
    "ischaemic|M1 trunk": "a clot in the main artery of one side",
    "ischaemic|M2 superior": "a clot in its upper branch (weak face and arm)",
    "ischaemic|lenticulostriate": "a small deep clot",
    "ischaemic|ACA": "a clot in the front artery (leg more than arm)",
    "ischaemic|anterior choroidal": "a clot of a small deep artery (motor pathway)",
    "ischaemic|basilar/pontine": "a clot in the brain stem",
    "haemorrhagic|putaminal": "a bleed deep in the brain (putamen)",
    "haemorrhagic|thalamic": "a bleed in the thalamus",
    "haemorrhagic|internal capsule": "a bleed in the motor pathway (capsule)",
    "haemorrhagic|lobar": "a bleed near the surface",
    "haemorrhagic|pontine": "a bleed in the brain stem",
}
#: How large it is: the share of a territory, the volume of a bleed, and both in words.
SIZES = {
    "small": (0.1, "10 mL", "small (a tenth of the territory, or 10 mL)"),
    "middle": (0.25, "30 mL", "middle (a quarter, or 30 mL)"),
    "large": (0.5, "60 mL", "large (half of it, or 60 mL)"),
}
_TOXINS = ("abobotulinumtoxinA", "onabotulinumtoxinA")
_MUSCLES = ("elbow flexors", "wrist flexors", "finger flexors", "ankle plantarflexors", "knee flexors", "hip adductors")
#: What may be chosen in each list, by the field or by what it is in an option: key and words.
CHOICES: Mapping[str, Mapping[str, str]] = {
    "sex": {"woman": "woman", "man": "man"},
    "side": {"left": "left", "right": "right"},
    "lesion": LESIONS,
    "size": {key: words for key, (_, _, words) in SIZES.items()},
    "scale": {"ashworth": "Ashworth, 1 (normal) to 5", "modified_ashworth": "Modified Ashworth, 0 to 4 with 1+"},
    "kind": KINDS,
    "product": dict(zip(_TOXINS, _TOXINS, strict=True)),
    "muscle": dict(zip(_MUSCLES, _MUSCLES, strict=True)),
    "limb": {"leg": "leg", "arm": "arm"},
}
_LABELS = {
    "age": "Age at the stroke, years",
    "weight": "Weight, kg",
    "sex": "Sex",
    "kidneys": "Kidneys: creatinine clearance, mL/min",
    "side": "Weak side",
    "lesion": "What happened",
    "size": "How large it was",
    "mask": "Or the lesion itself, as a mask",
    "onset": "Date of the stroke",
    "scale": "Scale",
    "leg": "Leg",
    "arm": "Arm",
    "charted_at": "Charted so many months after the stroke, or on",
    "begins": "Treatment begins, months after the stroke, or on",
    "follow": "Followed until, months after the stroke, or until",
}
_OF_OPTION = {
    "kind": "What is given",
    "amount": "How much, with its unit",
    "every": "Tablets every so many hours",
    "steps": "Steps of the day",
    "late": "Refill comes so many days after the pump is dry",
    "product": "Toxin",
    "muscle": "Into which muscles",
    "limb": "Which limb is stretched",
}
#: What each field is called on the page.
LABELS = _LABELS | {f"{key}_{place}": told for place in range(1, OPTIONS + 1) for key, told in _OF_OPTION.items()}
NAMES = tuple(LABELS)
#: What the form holds before anybody has written in it.
START: dict[str, str] = {
    "age": "61", "weight": "68", "sex": "woman", "kidneys": "85", "side": "left",
    "lesion": "haemorrhagic|putaminal", "size": "middle", "charted_at": "6", "scale": "ashworth",
    "leg": "3.5", "arm": "3", "begins": "7", "follow": "18",
    "kind_1": "tablets", "amount_1": "10 mg", "every_1": "8",
    "kind_2": "pump", "amount_2": "150 mcg/day", "kind_3": "",
}  # fmt: skip
_DATED = ("charted_at", "begins", "follow")
# Which field of the form a key of the study file came from.
_OF_KEY = {
    "patient.age": "age", "patient.weight": "weight", "patient.sex": "sex", "patient.side": "side",
    "patient.creatinine_clearance": "kidneys", "case.duration": "follow", "case.examine_every": "follow",
    "case.onset": "onset", "lesion.mask": "mask",
}  # fmt: skip
_OF_LAST = {"every": "every", "muscle": "muscle", "product": "product", "limb": "limb"}
# What a study file says, and what the page has in its place.
_WORDS = (
    (r"The key \w+ is missing\. It says: [^.]*\.", "It is empty."),
    (r"Add the key.*", "Fill in this field."),
    (r", (?:in|with the) quotation marks", ""),
    (r" To teach an overdose, write allow_beyond_label[^.]*\.", " To teach an overdose, ask by the page Study."),
    (r" A package brings one more by [\w.]*\.", ""),
    (r"Lengthen the case, or move it", "Follow the person for longer, or begin earlier"),
    (r"the case\b", "the time that the person is followed"),
)


@dataclass
class Clinic:
    """What a form says: the text of a case an option, the files that these name, and the faults of fields by name."""

    fields: Fields
    texts: list[str] = field(default_factory=list)
    own: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, name: str, told: str) -> None:
        """Note a fault of a field, once."""
        if told not in self.faults.setdefault(name, []):
            self.faults[name].append(told)

    def text(self, name: str) -> str:
        """Return what a field holds."""
        return self.fields.get(name, "").strip()

    def hours(self, name: str, unit: str, what: str, text: str | None = None) -> float | None:
        """Return a field as hours, a bare number being in `unit`; or None with its fault."""
        given = self.text(name) if text is None else text
        value = hours_of(given, unit)
        if value is None:
            self.refuse(name, f'Given: "{given[:40]}". Allowed: {what}. Write a number.')
        return value

    def onset(self) -> datetime.date | None:
        """Return the day of the stroke, where it is told."""
        return _day(self.text("onset"))

    def days(self, name: str) -> float | None:
        """Return a time since the stroke in days: months as a number, or a day by the calendar."""
        text = self.text(name)
        if (day := _day(text)) is None:
            first, last = _bounds.FIRST_DAY, _bounds.LAST_DAY
            allowed = f"a number of months, or a day such as 2026-03-02, from {first} to {last}"
            hours = self.hours(name, "month", allowed)
            return None if hours is None else hours / HOURS_A_DAY
        onset = self.onset()
        if onset is None:
            told = 'Allowed: months, or a day once "Date of the stroke" is filled in. Fill that in, or write months.'
            self.refuse(name, f'Given: "{text}". {told}')
            return None
        if day < onset:
            self.refuse(
                name, f'Given: "{text}". Allowed: {onset} (the stroke) or later. Nearest: {onset}. Correct one of both.'
            )
            return None
        return float((day - onset).days)


def _day(text: str) -> datetime.date | None:
    """Return a day of the calendar that is near enough to reckon with."""
    try:
        day = datetime.date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return None
    return day if day is not None and _bounds.FIRST_DAY <= day <= _bounds.LAST_DAY else None


def with_unit(text: str, unit: str) -> str:
    """Return a quantity; a bare number has the unit that stands beside the field, and any other text is judged."""
    text = text.strip()
    return f"{text} {unit}" if _PLAIN.fullmatch(text) else text


def hours_of(text: str, unit: str) -> float | None:
    """Return a time in hours, a bare number being in `unit`; None for what is no time, or none that anybody waits."""
    try:
        hours = parse(with_unit(text, unit), "duration")
    except UnitError:
        return None
    return hours if 0 <= hours <= _LONGEST * parse(f"1 {unit}", "duration") else None


def hours_a_day(text: str) -> float | None:
    """Return so many hours a day, such as "2", "2 hours" or "2 h a day"; None for what is no time."""
    return hours_of(re.sub(r"\s*(?:/|\bper|\ba)\s*day$", "", text.strip()), "hour")


def none_of_list(
    fields: Fields, lists: Mapping[str, Mapping[str, str]], *, all_chosen: bool = False
) -> Iterator[tuple[str, str]]:
    """Yield field and fault of what is none of its list; with `all_chosen`, too, what is empty and has no place."""
    for name, value in fields.items():
        has_place = name[-1:].isdigit()
        choices = lists.get(name.rpartition("_")[0] if has_place else name)
        if choices is None or value in choices or (not value and not (all_chosen and not has_place)):
            continue
        told = ", ".join(choices.values())
        yield name, f'Given: "{value[:40]}". It is none of the list. Allowed: {told}. Choose one of them.'


def check(found: Clinic) -> None:
    """Refuse what no option could use: too few options, a choice of no list, no day, a time longer than is given."""
    for name, told in none_of_list(found.fields, CHOICES):
        found.refuse(name, told)
    if found.text("onset") and found.onset() is None:
        given, first, last = found.text("onset")[:40], _bounds.FIRST_DAY, _bounds.LAST_DAY
        allowed = f"a day from {first} to {last}, or nothing. Nearest: a day such as 2026-03-02"
        found.refuse("onset", f'Given: "{given}". Allowed: {allowed}. Correct it.')
    follow = found.days("follow")
    if follow is not None and follow < 7:
        given = f"Given: {follow / MONTH_DAYS:.2g} months"
        found.refuse("follow", f"{given}. Allowed: a week (0.23 months) or longer. Nearest: 0.23. Follow for longer.")
    if follow is not None and follow > limits.DAYS:
        most = int(limits.DAYS / MONTH_DAYS)
        found.refuse(
            "follow", f"Given: {follow / MONTH_DAYS:.4g} months. Allowed: at most {most}. Nearest: {most}. Shorten it."
        )


def place(found: Clinic, option: int, error: StudyError) -> None:
    """Put each fault of a study file at the field that it came from, in the words of the page."""
    if not error.faults:
        found.refuse(f"kind_{option}", worded(str(error)))
    for fault in error.faults:
        name = _field_of(found, str(getattr(fault, "key", "")), option)
        why = worded(getattr(fault, "why", ""))
        if any(why in told for told in found.faults.get(name, [])):
            continue  # of every event of a rise the same
        text = words_of(fault)
        found.refuse(name, _dated(text, found) if name in _DATED else text)


def words_of(fault: object) -> str:
    """Return a fault of a study file in the words of a page: its parts, or all of an error that has none."""
    if (why := getattr(fault, "why", None)) is None:
        return worded(str(fault))
    parts = [f"Given: {given}." if (given := getattr(fault, "given", "")) else "", str(why)]
    parts += [f"Allowed: {allowed}." if (allowed := getattr(fault, "allowed", "")) else ""]
    parts += [f"Nearest: {', '.join(near)}." if (near := getattr(fault, "nearest", ())) else ""]
    parts += [f"Do: {do}" if (do := getattr(fault, "do", "")) else ""]
    return " ".join(worded(part) for part in parts if part)


def worded(text: str) -> str:
    """Return words of a study file as those of a page."""
    for pattern, told in _WORDS:
        text = re.sub(pattern, told, text)
    return text


def _dated(text: str, found: Clinic) -> str:
    """Return a fault with its times as the page has them: a day by the calendar, or months."""
    onset = found.onset()

    def told(match: re.Match[str]) -> str:
        days = float(match[1])
        if onset is not None:
            return str(onset + datetime.timedelta(days=round(days)))
        return f"{days / MONTH_DAYS:.3g} months"

    return re.sub(r'"?(\d+(?:\.\d+)?) days?\b"?', told, text)


def _field_of(found: Clinic, key: str, option: int) -> str:
    if key in _OF_KEY:
        return _OF_KEY[key]
    if (charted := re.match(r"charted\[(\d+)\](?:\.(\w+))?", key)) is not None:
        if charted[2] == "at":
            return "charted_at"
        named = [limb for limb in ("leg", "arm") if found.text(limb)]
        return "scale" if charted[2] == "scale" else named[min(int(charted[1]), len(named) - 1)]
    if key.startswith("lesion"):
        return "size" if key.endswith(("volume", "extent")) else "lesion"
    if ".steps[" in key or key.startswith("therapy"):
        return f"steps_{option}"
    last = key.rpartition(".")[2]
    if last in ("at", "start", "implanted", "stop", "duration"):
        return "begins"
    return f"{_OF_LAST.get(last, 'amount')}_{option}"
