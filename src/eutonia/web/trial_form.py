"""A trial as a form: who takes part, what each arm is given, what is measured; as the text of a study file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from eutonia.errors import StudyError
from eutonia.study.replacing import toml_of
from eutonia.web import asked, limits
from eutonia.web.clinic_fields import CHOICES as OF_CLINIC
from eutonia.web.clinic_fields import hours_a_day, none_of_list, with_unit, words_of
from eutonia.web.clinic_pump import micro

Fields = Mapping[str, str]
Tables = dict[str, Any]
Faults = dict[str, list[str]]

ARMS = 3
KINDS = {
    "": "no arm here",
    "placebo": "placebo tablets",
    "tablets": "baclofen tablets that rise by the label",
    "pump": "baclofen into the spinal fluid, at one rate",
    "toxin": "botulinum toxin",
    "stretching": "stretching or a splint",
}
CHOICES: Mapping[str, Mapping[str, str]] = {
    "kind": KINDS,
    "product": OF_CLINIC["product"],
    "muscle": OF_CLINIC["muscle"],
    "limb": OF_CLINIC["limb"],
    "entry_limb": OF_CLINIC["limb"],
    "end_limb": OF_CLINIC["limb"],
    "scale": OF_CLINIC["scale"],
    "masking": {"double blind": "nobody knows who has what", "open": "open"},
    "method": {"MMRM": "mixed model over all visits", "ANCOVA": "analysis of covariance", "Wilcoxon": "ranks"},
}
_LABELS = {
    "title": "Title",
    "people": "People in all",
    "age": "Mean age, years",
    "women": "Share of women, 0 to 1",
    "scale": "Scale",
    "entry_limb": "Entry: limb that is scored",
    "entry_least": "Entry: score of at least",
    "masking": "Masking",
    "visits": "Visits, weeks after the start",
    "end_limb": "Primary endpoint: change of the score of the",
    "end_week": "At week",
    "method": "Analysed by",
    "replicates": "Replicate trials",
}
_OF_ARM = {
    "kind": "What is given",
    "amount": "How much, with its unit",
    "product": "Toxin",
    "muscle": "Into which muscles",
    "limb": "Which limb is stretched",
}
LABELS = _LABELS | {f"{key}_{arm}": told for arm in range(1, ARMS + 1) for key, told in _OF_ARM.items()}
NAMES = tuple(LABELS)
START = {
    "title": "Tablets against placebo", "people": "60", "age": "60", "women": "0.45", "scale": "ashworth",
    "entry_limb": "leg", "entry_least": "2", "masking": "double blind", "visits": "2, 4, 8, 12", "end_limb": "leg",
    "end_week": "12", "method": "MMRM", "replicates": "40",
    "kind_1": "placebo", "kind_2": "tablets", "amount_2": "15 mg", "kind_3": "",
}  # fmt: skip
_SCALES = ["spasm", "pain", "stance_support", "adverse"]
_START_MG = "5 mg"
# Which field a key of the study file came from; the first that fits.
_OF_KEY = (
    (r"study\.title", "title"),
    (r"population\.n\b", "people"),
    (r"population\.age", "age"),
    (r"population\.women", "women"),
    (r"population\.entry.*at_least", "entry_least"),
    (r"population\.entry", "entry_limb"),
    (r"phase\[0\]\.visits", "visits"),
    (r"phase\[0\]\.masking", "masking"),
    (r"analysis.*visit", "end_week"),
    (r"analysis.*limb", "end_limb"),
    (r"analysis", "method"),
    (r"assessment", "scale"),
)


def study_of(fields: Fields) -> tuple[str, Faults]:
    """Return the text of the study that a form describes, and every fault of its fields: those of `eutonia check`."""
    faults = _unknown(fields)
    arms = [arm for arm in range(1, ARMS + 1) if fields.get(f"kind_{arm}")]
    if len(arms) < 2:
        told = f"{len(arms)} arm is chosen. Allowed: 2 or 3. Nearest: 2. Choose another one."
        faults.setdefault("kind_2", []).append(told)
    if faults:
        return "", faults
    text = toml_of(_tables(fields)) + "".join(_arm(fields, arm) for arm in arms) + _analysis(fields, arms)
    try:
        asked.study_of(text, "the trial")
    except StudyError as error:
        for fault in error.faults or [error]:
            name = _field_of(str(getattr(fault, "key", "")), arms)
            faults.setdefault(name, []).append(words_of(fault))
    try:
        asked.replicates_of(fields.get("replicates", ""))
    except StudyError as error:
        faults.setdefault("replicates", []).append(str(error))
    return text, faults


def _unknown(fields: Fields) -> Faults:
    """Return the faults of what is none of its list, or no number where the file has one without a unit."""
    faults: Faults = {name: [told] for name, told in none_of_list(fields, CHOICES, all_chosen=True)}
    for name, what in (("people", "a whole number"), ("women", "0 to 1"), ("entry_least", "a score"), ("age", "years")):
        if not re.fullmatch(r"\d{1,6}" if name == "people" else r"\d{1,6}(\.\d{1,4})?", fields.get(name, "").strip()):
            given, near = fields.get(name, "")[:40], START[name]
            faults[name] = [f'Given: "{given}". Allowed: {what}. Nearest: {near}. Write a number.']
    if "people" not in faults and int(fields["people"]) > limits.PEOPLE:
        most = limits.PEOPLE
        faults["people"] = [f"Given: {fields['people']}. Allowed: at most {most}. Nearest: {most}. Correct it."]
    if not _weeks(fields.get("visits", "")):
        faults["visits"] = ["It is empty. Allowed: weeks, such as 2, 4, 8, 12. Fill in this field."]
    return faults


def _weeks(text: str) -> list[str]:
    return [with_unit(part, "week") for part in re.split(r"[,;]", text) if part.strip()]


def _tables(fields: Fields) -> Tables:
    scale, limbs = fields["scale"], list(dict.fromkeys(["leg", "arm", fields["entry_limb"], fields["end_limb"]]))
    return {
        "study": {"name": "my_trial", "title": fields.get("title", "").strip(), "kind": "trial", "seed": 1},
        "population": {
            "n": int(fields["people"]),
            "origin": "stroke",
            "lesions": "stroke survivors",
            "women": float(fields["women"]),
            "age": {"mean": f"{fields['age'].strip()} year", "sd": "12 year", "min": "18 year", "max": "90 year"},
            "weight": {"mean": "76 kg", "sd": "15 kg", "min": "40 kg", "max": "140 kg"},
            "creatinine_clearance": {
                "mean": "85 mL/min", "sd": "25 mL/min", "min": "40 mL/min", "max": "160 mL/min",
            },
            "time_since_onset": {"mean": "24 month", "sd": "18 month", "min": "6 month", "max": "120 month"},
            "entry": [{"scale": scale, "limb": fields["entry_limb"], "at_least": _number(fields["entry_least"])}],
        },
        "assessment": {"side": "affected", "limbs": limbs, "scales": [scale, *_SCALES], "rater": "human"},
        "phase": [
            {
                "name": "treatment",
                "design": "parallel",
                "masking": fields["masking"],
                "visits": ["0 week", *_weeks(fields.get("visits", ""))],
                "nonspecific": True,
                "dropout": True,
            }
        ],
    }  # fmt: skip


def _number(text: str) -> float | int:
    value = float(text)
    return int(value) if value.is_integer() else value


def _arm(fields: Fields, arm: int) -> str:
    """Return the tables of an arm as text."""
    kind, amount = fields[f"kind_{arm}"], micro(fields.get(f"amount_{arm}", "").strip())
    tables: Tables = {"phase.arm": [{"name": _name(fields, arm)} | ({"placebo": True} if kind == "placebo" else {})]}
    given: Tables | None = None
    if kind == "tablets":
        given = {"product": "baclofen tablets", "route": "oral", "dose": _START_MG, "every": "8 hour"}
        tables["phase.arm.treatment"] = [given]
        rises = {"policy": "oral label", "step": "5 mg", "max": amount, "every": "3 day"}
        return f"\n{toml_of(tables)}\n{toml_of({'phase.arm.titration': rises})}"
    if kind == "pump":
        given = {"product": "Lioresal Intrathecal", "route": "intrathecal infusion", "rate": amount, "tip": "T10"}
    if kind == "toxin":
        product, muscle = fields.get(f"product_{arm}") or "abobotulinumtoxinA", fields.get(f"muscle_{arm}")
        given = {"route": "intramuscular", "product": product, "muscle": muscle or "elbow flexors"}
        given |= {"dose": amount, "at": "0 week"}
    if kind == "stretching":
        hours = hours_a_day(amount)
        given = {"route": "stretching", "limb": fields.get(f"limb_{arm}") or "leg", "start": "0 hour"}
        given["hours_per_day"] = amount if hours is None else hours
    if given is not None:
        tables["phase.arm.treatment"] = [given]
    return f"\n{toml_of(tables)}"


def _analysis(fields: Fields, arms: list[int]) -> str:
    """Return the analysis as text: every other arm against the placebo, or where there is none against the first."""
    against = next((arm for arm in arms if fields[f"kind_{arm}"] == "placebo"), arms[0])
    rest = {"scale": fields["scale"], "limb": fields["end_limb"], "visit": with_unit(fields["end_week"], "week")}
    rest |= {"measure": "change", "estimand": "hypothetical", "method": fields["method"]}
    endpoints = [
        {"role": "primary" if k == 0 else "secondary", "arm": _name(fields, arm), "against": _name(fields, against)}
        | rest
        for k, arm in enumerate(arm for arm in arms if arm != against)
    ]
    return f"\n{toml_of({'analysis': {'alpha': 0.05}})}\n{toml_of({'analysis.endpoint': endpoints})}"


def _name(fields: Fields, arm: int) -> str:
    return f"{fields[f'kind_{arm}']} {arm}"


def _field_of(key: str, arms: list[int]) -> str:
    if (arm := re.match(r"phase\[0\]\.arm\[(\d+)\](?:.*\.(\w+))?", key)) is not None:
        place = arms[min(int(arm[1]), len(arms) - 1)]
        return f"{arm[2] if arm[2] in ('product', 'muscle', 'limb') else 'amount'}_{place}"
    return next((name for pattern, name in _OF_KEY if re.match(pattern, key)), "title" if not key else "visits")
