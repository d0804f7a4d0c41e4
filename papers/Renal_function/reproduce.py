"""Failing kidneys, haemodialysis and old age: Vlavonou 2014, Brvar 2007, case reports, Hulme 1985.

python papers/Renal_function/reproduce.py
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

from eutonia import parameters, session
from eutonia.drug.exposure import Profile, model
from eutonia.drug.kinetics import Blood, Dialysis, Kinetics, OralValues
from eutonia.report import targets

ADULT, NO_KIDNEYS = "oral_adult_default", 0.0
L_PER_H_TO_ML_PER_MIN = 1000.0 / 60.0


def computed() -> dict[str, float]:
    """Return what the adult default gives for each row of targets.csv."""
    whole = float(_blood(None).clearance[0])
    found = {}
    for name, kidneys in (("mild", 65.0), ("moderate", 40.0), ("severe", 20.0)):
        found[f"cut_{name}"] = 1.0 - float(_blood(kidneys).clearance[0]) / whole
    found["cmax_severe_ratio"] = _at(20.0).peak(5.0)[0] / _at(None).peak(5.0)[0]
    found["half_life_no_kidneys"] = _at(NO_KIDNEYS).half_life()
    elderly = parameters.load("stroke_population").value("creatinine_clearance", "mL/min")
    found["elderly_area_ratio"] = _at(elderly).area(10.0) / _at(None).area(10.0)
    return found | _dialysis() | _hand_worked()


def _at(creatinine_clearance: float | None, **given: float) -> Profile:
    return Profile(model(), given if creatinine_clearance is None else {"CRCL": creatinine_clearance, **given})


def _blood(creatinine_clearance: float | None, oral: OralValues | None = None) -> Blood:
    return Kinetics.typical(oral_set=ADULT, oral=oral, creatinine_clearance=creatinine_clearance).blood


def _dialysis() -> dict[str, float]:
    """Return the rate of removal during a session without kidneys, and the fall of plasma over its second half."""
    blood, session = _blood(NO_KIDNEYS), Dialysis.from_records(starts_h=(0.0,))
    rate = float(blood.clearance_at(0.0, session)[0] / blood.central_volume[0])
    return {
        "removal_rate": rate,
        "removal_rate_machine": float(session.clearance / blood.central_volume[0]),
        "dialysis_fall": math.exp(-rate * session.length_h / 2.0),
    }


def _hand_worked() -> dict[str, float]:
    """Return the table of the renal model, which takes clearance and volume of area from Wuis 1985."""
    wuis = parameters.load("oral_wuis_1985")
    oral = dataclasses.replace(
        OralValues.from_records(ADULT),
        clearance=wuis.value("clearance_over_bioavailability", "L/h"),
        central_volume=wuis.value("area_volume_over_bioavailability", "L"),
    )
    found = {}
    for kidneys in (103, 65, 40, 20, 0):
        share = model().bioavailability
        curve = _at(float(kidneys), CL=share * float(oral.clearance), V=share * float(oral.central_volume))
        found[f"half_life_{kidneys}"] = curve.half_life()
        if kidneys in (103, 65, 0):
            found[f"clearance_{kidneys}"] = float(_blood(float(kidneys), oral).clearance[0]) * L_PER_H_TO_ML_PER_MIN
    return found


if __name__ == "__main__":
    session.begin()
    print(targets.show(Path(__file__).parent, computed()))
