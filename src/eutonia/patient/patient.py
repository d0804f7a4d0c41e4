"""One person: what a chart says before any treatment."""

# ruff: noqa: N803 -- a millilitre is written mL

from __future__ import annotations

from dataclasses import dataclass

from eutonia import _bounds
from eutonia._arguments import one_of
from eutonia._bounds import within
from eutonia.patient.lesion import SIDES

SEXES = ("woman", "man")

_AGE_YEAR = (_bounds.AGE.low, _bounds.AGE.high)
_WEIGHT_KG = (_bounds.WEIGHT.low, _bounds.WEIGHT.high)
_CREATININE_CLEARANCE_ML_MIN = (_bounds.CLEARANCE.low, _bounds.CLEARANCE.high)
_WORDS = {"female": "woman", "f": "woman", "male": "man", "m": "man"}

# The equation of Cockcroft and Gault 1976 with serum creatinine in mg/dL; part of its definition, not of this model.
_COCKCROFT_AGE = 140.0
_COCKCROFT_DIVISOR = 72.0
_COCKCROFT_WOMAN = 0.85
_REFERENCE_SURFACE_M2 = 1.73


@dataclass(frozen=True, slots=True)
class Patient:
    """A person.

    Parameters
    ----------
    age
        Age, years, adults only.
    weight
        Body weight, kg.
    sex
        "woman" or "man".
    creatinine_clearance
        Creatinine clearance, mL/min: see `cockcroft_gault` and `from_egfr`.
    side
        Weak side of the body; the lesion, if it is in the brain, lies on the other side.
    """

    age: float
    weight: float
    sex: str
    creatinine_clearance: float
    side: str = "right"

    def __post_init__(self) -> None:
        within("age", self.age, *_AGE_YEAR, "years")
        within("weight", self.weight, *_WEIGHT_KG, "kg")
        within("creatinine clearance", self.creatinine_clearance, *_CREATININE_CLEARANCE_ML_MIN, "mL/min")
        _check_sex(self.sex)
        one_of("side", self.side, SIDES, "Name the weak side of the body.")


def cockcroft_gault(age: float, weight: float, sex: str, creatinine_mg_dL: float) -> float:
    """Return creatinine clearance, mL/min.

    Parameters
    ----------
    age, weight, sex
        Years, kg, "woman" or "man".
    creatinine_mg_dL
        Serum creatinine, mg/dL (umol/L divided by 88.4).

    Equation
        (140 - age) weight / (72 creatinine), times 0.85 in women
    Source: Cockcroft and Gault 1976.
    """
    within("age", age, *_AGE_YEAR, "years")
    within("weight", weight, *_WEIGHT_KG, "kg")
    within("serum creatinine", creatinine_mg_dL, 0.1, 25.0, "mg/dL")
    _check_sex(sex)
    man = (_COCKCROFT_AGE - age) * weight / (_COCKCROFT_DIVISOR * creatinine_mg_dL)
    return man * _COCKCROFT_WOMAN if sex == "woman" else man


def from_egfr(egfr: float, body_surface_m2: float = _REFERENCE_SURFACE_M2) -> float:
    """Return clearance in mL/min for a person whose laboratory reports eGFR in mL/min per 1.73 m2."""
    within("eGFR", egfr, *_CREATININE_CLEARANCE_ML_MIN, "mL/min/1.73 m2")
    within("body surface", body_surface_m2, 0.8, 3.5, "m2")
    return egfr * body_surface_m2 / _REFERENCE_SURFACE_M2


def _check_sex(sex: str) -> None:
    hint = _WORDS.get(str(sex).casefold())
    one_of("sex", sex, SEXES, f'Write "{hint}".' if hint else "Use one of these.")
