"""The clinic page: one person in everyday words and up to three ways to treat them, as study files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY, HOURS_A_MONTH
from eutonia._units import parse
from eutonia.errors import StudyError, UnitError

Fields = Mapping[str, str]
Tables = dict[str, Any]

OPTIONS = 3
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
MUSCLES = ("elbow flexors", "wrist flexors", "finger flexors", "ankle plantarflexors", "knee flexors", "hip adductors")
TOXINS = ("abobotulinumtoxinA", "onabotulinumtoxinA")
#: What the form holds before anybody has written in it.
START: dict[str, str] = {
    "age": "61", "weight": "68", "sex": "woman", "kidneys": "85", "side": "left",
    "lesion": "haemorrhagic|putaminal", "size": "middle", "charted_at": "6", "scale": "ashworth",
    "leg": "3.5", "arm": "3", "begins": "7", "follow": "18",
    "kind_1": "tablets", "amount_1": "10 mg", "every_1": "8",
    "kind_2": "pump", "amount_2": "150 mcg/day", "kind_3": "",
}  # fmt: skip
_PER_OPTION = ("kind", "amount", "every", "late", "product", "muscle", "limb")
NAMES = (
    "age", "weight", "sex", "kidneys", "side", "lesion", "size",
    "charted_at", "scale", "leg", "arm", "begins", "follow",
    *(f"{key}_{place}" for place in range(1, OPTIONS + 1) for key in _PER_OPTION),
)  # fmt: skip

# What an option is called in the files where its key would say too little.
_CALLED = {"missed": "pump_missed_refill", "bolus": "test_dose", "nothing": "no_treatment"}
_MONTH_DAYS = HOURS_A_MONTH / HOURS_A_DAY
_SCALES = ["spasm", "reflex", "stance_support", "walking_speed", "active_range", "pain", "adverse"]
_CONCENTRATION_UG, _FILLED_ML, _USED_ML, _LONGEST_DAYS, _MOST_REFILLS = 500.0, 20.0, 18.0, 90, 200
_LATE_DAYS = "7"
_MOST_STEPS, _ROUNDING = 20, 1e-9
# Which field of the form a key of the study file came from.
_OF_KEY = {
    "patient.age": "age", "patient.weight": "weight", "patient.sex": "sex", "patient.side": "side",
    "patient.creatinine_clearance": "kidneys", "case.duration": "follow",
}  # fmt: skip
_OF_LAST = {"every": "every", "muscle": "muscle", "product": "product", "limb": "limb"}


@dataclass
class Clinic:
    """What a form says: the text of a case an option, and the faults of fields by name."""

    fields: Fields
    texts: list[str] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, name: str, told: str) -> None:
        """Note a fault of a field, once."""
        if told not in self.faults.setdefault(name, []):
            self.faults[name].append(told)


def read(fields: Fields) -> Clinic:
    """Return the cases that a form asks for, or every fault of its fields: those that `eutonia check` finds."""
    from eutonia.study.replacing import toml_of
    from eutonia.web.asked import study_of

    found = Clinic(fields)
    chosen = [place for place in range(1, OPTIONS + 1) if fields.get(f"kind_{place}")]
    if len(chosen) < 2:
        found.refuse("kind_2", f"{len(chosen)} option is chosen. Allowed: 2 or 3. Nearest: 2. Choose another one.")
        return found
    words = {place: KINDS.get(fields.get(f"kind_{place}", ""), "") for place in chosen}
    for place in chosen:
        twice = sum(one == words[place] for one in words.values()) > 1
        tables = _tables(found, place, words[place], is_twice=twice)
        if tables is None:
            continue
        text = toml_of(tables)
        try:
            study_of(text, f"option {place}")
        except StudyError as error:
            _place(found, place, error)
        found.texts.append(text)
    return found


def _tables(found: Clinic, place: int, words: str, *, is_twice: bool) -> Tables | None:
    """Return the tables of one option; None where a field is no number or no choice."""
    fields = found.fields
    months = {name: _number(found, name, "a number of months") for name in ("charted_at", "begins", "follow")}
    lesion = _lesion(found)
    if lesion is None or None in months.values():
        return None
    begins = (months["begins"] or 0.0) * _MONTH_DAYS
    events, treatments, pump = _given(found, place, begins, (months["follow"] or 0.0) * _MONTH_DAYS)
    kind = fields[f"kind_{place}"]
    own = f"{_CALLED.get(kind, kind)}{f'_{place}' if is_twice else ''}"
    told = _amount_told(fields, place)
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
        "case": {"duration": _days((months["follow"] or 0.0) * _MONTH_DAYS), "examine_every": "7 day"},
        "charted": list(_charted(found, months["charted_at"] or 0.0)),
    }
    if not tables["charted"]:
        del tables["charted"]
    if pump:
        tables["pump"] = pump
    if treatments:
        tables["treatment"] = treatments
    if events:
        tables["event"] = events
    return tables


def _amount_told(fields: Fields, place: int) -> str:
    """Return how much is given, as the heading of an option says it; nothing of a field that its kind does not use."""
    kind, told = fields[f"kind_{place}"], fields.get(f"amount_{place}", "").strip()
    if kind == "nothing":
        return ""
    if kind == "tablets" and told:
        return f"{told} every {_with_unit(fields.get(f'every_{place}', '') or '8', 'h')}"
    return told


def _person(fields: Fields) -> Tables:
    units = {"age": ("age", "year"), "weight": ("weight", "kg"), "kidneys": ("creatinine_clearance", "mL/min")}
    person = {key: _with_unit(fields.get(name, ""), unit) for name, (key, unit) in units.items()}
    return {key: value for key, value in person.items() if value} | {
        key: fields[key] for key in ("sex", "side") if fields.get(key)
    }


def _with_unit(text: str, unit: str) -> str:
    """Return a quantity; a bare number has the unit that stands beside the field, and any other text is judged."""
    text = text.strip()
    return f"{text} {unit}" if re.fullmatch(r"[\d.,+-]+", text) else text


def _lesion(found: Clinic) -> Tables | None:
    which, size = found.fields.get("lesion", ""), found.fields.get("size", "")
    if which not in LESIONS:
        found.refuse("lesion", "It is none of the lesions. Choose one of the list.")
        return None
    if size not in SIZES:
        found.refuse("size", f"Allowed: {', '.join(SIZES)}. Choose one of the list.")
        return None
    kind, _, where = which.partition("|")
    extent, volume, _ = SIZES[size]
    if kind == "ischaemic":
        return {"kind": kind, "territory": where, "extent": extent}
    return {"kind": kind, "site": where, "volume": volume}


def _charted(found: Clinic, at_month: float) -> Iterator[Tables]:
    for limb in ("leg", "arm"):
        text = found.fields.get(limb, "").strip()
        if not text:
            continue
        try:
            score: float | str = float(text)
        except ValueError:
            score = text
        scale = found.fields.get("scale", "ashworth")
        if scale == "modified_ashworth" and not isinstance(score, str):
            score = int(score) if score.is_integer() else score
        yield {"at": _days(at_month * _MONTH_DAYS), "scale": scale, "limb": limb, "score": score}


def _given(found: Clinic, place: int, begins: float, ends: float) -> tuple[list[Tables], list[Tables], Tables]:
    """Return events, treatments and pump of an option."""
    kind, at = found.fields[f"kind_{place}"], _days(begins)
    amount = _micro(found.fields.get(f"amount_{place}", "").strip())
    if kind not in KINDS:
        found.refuse(f"kind_{place}", "It is none of the options. Choose one of the list.")
    if kind == "tablets":
        return list(_tablets(found, place, amount, begins)), [], {}
    if kind == "bolus":
        event = {"at": at, "kind": "bolus", "product": "Lioresal Intrathecal", "dose": amount}
        return [event | {"access": "lumbar puncture"}], [], {}
    if kind in ("pump", "missed"):
        return _pump(found, place, amount, (begins, ends))
    if kind == "toxin":
        product = found.fields.get(f"product_{place}", "") or TOXINS[0]
        dose = f"{amount} {product}" if re.fullmatch(r"[\d.,+-]+ *U", amount) else amount
        muscle = found.fields.get(f"muscle_{place}", "") or MUSCLES[0]
        given = {"route": "intramuscular", "product": product, "muscle": muscle, "dose": dose, "at": at}
        return [], [given | {"every": "16 week"}], {}
    if kind == "stretching":
        hours = _number(found, f"amount_{place}", "hours a day, such as 1", amount.removesuffix("hour").strip(" h"))
        limb = found.fields.get(f"limb_{place}", "") or "leg"
        return [], [{"route": "stretching", "limb": limb, "hours_per_day": hours or 0.0, "start": at}], {}
    return [], [], {}


def _tablets(found: Clinic, place: int, amount: str, begins: float) -> Iterator[Tables]:
    """Yield tablets that rise to their dose by the steps of the label."""
    every = _with_unit(found.fields.get(f"every_{place}", "") or "8", "hour")
    steps_of = {"oral_start_dose": "mg", "oral_step_dose": "mg", "oral_step_interval": "day"}
    begin, step, days = parameters.load("label_dosing").values(**steps_of)
    wanted = _read(amount, "oral_dose")
    steps = [begin + step * k for k in range(_MOST_STEPS)]
    doses = [*(f"{mg:g} mg" for mg in steps if mg < wanted * (1 - _ROUNDING)), amount]
    for k, dose in enumerate(doses):
        at = _days(begins + days * k)
        yield {"at": at, "kind": "tablets", "product": "baclofen tablets", "dose": dose, "every": every}


def _pump(
    found: Clinic, place: int, amount: str, span: tuple[float, float]
) -> tuple[list[Tables], list[Tables], Tables]:
    """Return a pump at one rate with refills in time, or with one that comes late."""
    at, (begins, ends) = _days(span[0]), span
    pump = {
        "model": "SynchroMed II", "product": "Lioresal Intrathecal", "implanted": at, "reservoir": f"{_FILLED_ML:g} mL",
        "concentration": f"{_CONCENTRATION_UG:g} ug/mL", "alarm_volume": "2 mL", "tip": "T10",
    }  # fmt: skip
    events: list[Tables] = [{"at": at, "kind": "infusion", "rate": amount}]
    ug_per_day = _read(amount, "intrathecal_rate") * HOURS_A_DAY
    if ug_per_day <= 0:
        return events, [], pump
    lasts = max(int(min(_USED_ML * _CONCENTRATION_UG / ug_per_day, _LONGEST_DAYS) + 1e-9), 1)
    day = begins + lasts
    if found.fields[f"kind_{place}"] == "missed":
        day = begins + _FILLED_ML * _CONCENTRATION_UG / ug_per_day + _late(found, place)
        if day >= ends:
            near = int(day / _MONTH_DAYS) + 1
            found.refuse(
                "follow",
                f"The refill of option {place} that is missed comes after the end. Allowed: more than "
                f"{day / _MONTH_DAYS:.1f} months. Nearest: {near}. Follow the person for longer.",
            )
    for _ in range(_MOST_REFILLS):
        if day >= ends:
            break
        events.append({"at": _days(day), "kind": "refill"})
        day += lasts
    return events, [], pump


def _late(found: Clinic, place: int) -> float:
    """Return how many days after the pump is dry its refill comes."""
    name = f"late_{place}"
    days = _number(found, name, "days too late, such as 7", found.fields.get(name, "").strip() or _LATE_DAYS)
    if days == 0:
        found.refuse(
            name, 'Given: 0 days. Allowed: more than 0. Nearest: 7. Where no refill is missed, choose "a pump".'
        )
    return days or 0.0


def _read(amount: str, kind: str) -> float:
    """Return an amount in the unit of the program; 0 where it is none, which the check of the study says with why."""
    try:
        return parse(amount, kind)
    except UnitError:
        return 0.0


def _number(found: Clinic, name: str, what: str, text: str | None = None) -> float | None:
    given = (found.fields.get(name, "") if text is None else text).strip()
    try:
        value = float(given)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1e4:
        found.refuse(name, f'Given: "{given[:40]}". Allowed: {what}. Write a number.')
        return None
    return value


def _days(days: float) -> str:
    return f"{days:.2f}".rstrip("0").rstrip(".") + " day"


def _micro(text: str) -> str:
    """Return text with micrograms as files write them."""
    return re.sub(r"(?<![A-Za-z])(?:mcg|[\u00b5\u03bc]g)", "ug", text)


def _place(found: Clinic, place: int, error: StudyError) -> None:
    """Put each fault of a study file at the field that it came from; its line, of a file nobody sees, is left out."""
    if not error.faults:
        found.refuse(f"kind_{place}", str(error))
    for fault in error.faults:
        key = str(getattr(fault, "key", ""))
        told = [f"Given: {given}." if (given := getattr(fault, "given", "")) else "", getattr(fault, "why", "")]
        told += [f"Allowed: {allowed}." if (allowed := getattr(fault, "allowed", "")) else ""]
        told += [f"Nearest: {', '.join(near)}." if (near := getattr(fault, "nearest", ())) else "", fault_do(fault)]
        found.refuse(_field_of(found, key, place), " ".join(part for part in told if part))


def fault_do(fault: object) -> str:
    """Return what a fault says to do."""
    do = getattr(fault, "do", "")
    return f"Do: {'Fill in this field.' if do.startswith('Add the key') else do}" if do else ""


def _field_of(found: Clinic, key: str, place: int) -> str:
    if key in _OF_KEY:
        return _OF_KEY[key]
    if (charted := re.match(r"charted\[(\d+)\](?:\.(\w+))?", key)) is not None:
        if charted[2] == "at":
            return "charted_at"
        named = [limb for limb in ("leg", "arm") if found.fields.get(limb, "").strip()]
        return "scale" if charted[2] == "scale" else named[min(int(charted[1]), len(named) - 1)]
    if key.startswith("lesion"):
        return "size" if key.endswith(("volume", "extent")) else "lesion"
    last = key.rpartition(".")[2]
    if last in ("at", "start", "implanted", "stop"):
        return "begins"
    return f"{_OF_LAST.get(last, 'amount')}_{place}"
