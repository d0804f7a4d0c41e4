"""Rows of the hierarchical calibration: source, class of study effect, error; and why the others are not used.

A row is a `Target`: one or more rows of calibration.csv that the chain predicts. Rows of one source (a centre, a
label) and one class share a study effect. Every other row of calibration.csv is in `hierarchical_rows.csv` with the
reason why it is not used.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import drug
from drug_targets import Target

HERE = Path(__file__).parent
DATA, TABLE = HERE / "calibration.csv", HERE / "hierarchical_rows.csv"

#: Class -> SD of the half-normal prior of its between-study SD (a judgement: about what placebo arms, centres and
#: labels of the same thing differ by), and whether it is a share of the value or in its unit.
CLASSES = {
    "fluid": (0.2, "share of the value"),
    "H/M": (0.1, "share"),
    "timing": (0.2, "share of the value"),
    "share": (0.1, "share"),
    "Ashworth": (0.3, "grade"),
    "Ashworth SD": (0.15, "grade"),
    "reflex": (0.4, "grade"),
    "spasm": (0.4, "grade"),
    "dose": (0.2, "share of the value"),
}
#: Beginning of a target's name -> source, where it has one: a centre's papers are one source.
_SOURCES = {
    "spinal fluid: hour of the peak": "Dyke 2020",
    "spinal fluid": "label, fluid",
    "H/M fall, lumbar puncture, 15 min": "Kumru 2011",
    "H/M": "Stokic 2005-2012",
    "Ashworth fall": "Kumru 2011",
    "tone: 30th daily bolus": "Hugenholtz 1992",
    "tone": "label, effect",
    "infusion": "label, effect",
    "tip": "Grabb 1999",
    "brain injury": "Meythaler 1996, 1999",
    "spinal, 3 d": "Penn 1989",
    "spinal, 12 mo: dose": "Spanish 2000",
    "spinal, 12 mo: leg": "Coffey 1993, Ordia 2002",
    "spinal": "Heetla 2009",
}
_NO_CHANGE = {
    "H/M fall": 0.0, "H/M left": 1.0, "Ashworth fall": 0.0, "tip": 0.0,
    "brain injury, 4 h: leg Ashworth": 4.2, "brain injury, 4 h: arm Ashworth": 3.3,
    "brain injury, 4 h: leg reflex": 3.3, "brain injury, 4 h: arm reflex": 2.7,
    "brain injury, 4 h: leg spasm": 3.1, "brain injury, 4 h: arm spasm": 1.8,
    "brain injury, 12 mo: leg Ashworth SD": 1.3, "brain injury, 12 mo: arm Ashworth SD": 1.5,
    "brain injury, 12 mo: leg Ashworth": 3.5, "brain injury, 12 mo: arm Ashworth": 2.9,
    "brain injury, 12 mo: leg reflex": 2.5, "brain injury, 12 mo: arm reflex": 2.2,
    "brain injury, 12 mo: leg spasm": 1.8, "spinal, 3 d: leg Ashworth": 4.0, "spinal, 3 d: leg spasm": 3.3,
    "spinal, 12 mo: leg Ashworth": 3.9,
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A target in the likelihood: published value, its error (SD), source, class and the unit of its study effect.

    `sampling` is the standard error that the paper's n and SD give, none where it prints none; `no_change` what would
    have been published if the drug did nothing, none where that says nothing.
    """

    key: str
    rows: str
    value: float
    tolerance: float
    sampling: float | None
    source: str
    kind: str
    unit: float
    no_change: float | None

    @property
    def sd(self) -> float:
        """The larger of tolerance and standard error: the tolerance holds what the chain leaves out of the study."""
        return max(self.tolerance, self.sampling or 0.0)


def _first(table: dict[str, object], key: str) -> object:
    return next((found for begin, found in table.items() if key.startswith(begin)), None)


def _kind(key: str) -> str:
    if key.startswith("spinal fluid"):
        return "fluid"
    if "dose" in key:
        return "dose"
    if key.endswith("Ashworth SD"):
        return "Ashworth SD"
    for word, kind in (("Ashworth", "Ashworth"), ("reflex", "reflex"), ("spasm", "spasm"), ("H/M", "H/M")):
        if word in key:
            return kind
    return "timing" if "hour of" in key else "share"


def data() -> dict[str, dict[str, str]]:
    """Return the rows of calibration.csv by their id."""
    with DATA.open(newline="", encoding="utf-8") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def _sampling(target: Target, published: dict[str, dict[str, str]]) -> float | None:
    """Return the standard error of a mean (or of an SD) after treatment, from n and SD of the row."""
    row = published.get(target.rows.split()[0], {})
    is_score = _kind(target.key) in ("Ashworth", "Ashworth SD", "reflex", "spasm")
    if not (is_score and row.get("n") and row.get("followup_sd") and row.get("followup_mean")):
        return None
    n, sd = float(row["n"]), float(row["followup_sd"])
    return sd / math.sqrt(2 * (n - 1)) if target.key.endswith("SD") else sd / math.sqrt(n)


def rows() -> tuple[Row, ...]:
    """Return the rows of the likelihood, in the order of `drug_targets.TARGETS`."""
    published = data()
    found = []
    for target in drug.TARGETS:
        kind = _kind(target.key)
        unit = abs(target.value) if CLASSES[kind][1] == "share of the value" else 1.0
        source, none = _first(dict(_SOURCES), target.key), _first(dict(_NO_CHANGE), target.key)
        found.append(
            Row(target.key, target.rows, target.value, target.sd, _sampling(target, published), str(source), kind, unit,
                None if none is None else float(str(none)))
        )  # fmt: skip
    return tuple(found)


_LAYERS = {
    "oral_pk": "oral kinetics: calibration/oral.py fits it, and no record of it is moved here",
    "renal": "oral kinetics of the kidneys: no record of it is moved here",
    "adverse_events": "a hazard: set to the label at the frozen numbers by calibration/adverse_exposure.py",
    "withdrawal": "withdrawal: held to by tests, its records are not moved here",
    "toxin": "botulinum toxin: calibration/toxin.py",
    "rater": "raters: calibration/rater.py",
    "population": "who has tone after a stroke: calibration/population.py",
    "placebo": "what moves without a drug: the prior of trial.nonspecific_change_mean, or another drug's placebo",
    "physical": "physics and anatomy: held to by tests",
    "oral_effect": "effect of tablets: no cohort on tablets among the calibration's studies yet",
}


def _reason(row: dict[str, str]) -> str:
    """Return why a row of calibration.csv is not in the likelihood."""
    who = row["population"].lower()
    if who.startswith(("rat", "pig")):
        return "an animal, not a person"
    if row["layer"] in _LAYERS:
        return _LAYERS[row["layer"]]
    if row["status"] == "derived":
        return "arithmetic on other rows"
    if row["status"] == "recalled":
        return "recalled, never checked"
    if row["value_unit"] == "sign" or not any(row[name] for name in ("value", "followup_mean", "change_mean")):
        return "a direction or a significance, no number"
    if row["outcome"].endswith(("lower", "upper", "lowest", "highest")) or "range" in row["outcome"]:
        return "the end of a range"
    if row["n"] == "1":
        return "one person"
    return "no cohort of calibration/cohorts.py is of these people, this dose or this measure yet"


def table() -> list[dict[str, str]]:
    """Return every row of calibration.csv with its use: the target it is in, or why it is in none."""
    used = {word: target.key for target in drug.TARGETS for word in target.rows.split()}
    return [
        {
            "id": name,
            "study": row["study"],
            "used_in": used.get(name, ""),
            "reason": "" if name in used else _reason(row),
        }
        for name, row in data().items()
    ]


def write() -> dict[str, int]:
    """Write the table beside this file; return how many rows each reason keeps out."""
    lines = table()
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    counts: dict[str, int] = {}
    for line in lines:
        what = line["reason"] or "used"
        counts[what] = counts.get(what, 0) + 1
    return counts
