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


def _at(creatinine_clearance: float | None) -> Profile:
    return Profile(model(), {} if creatinine_clearance is None else {"CRCL": creatinine_clearance})


def _blood(creatinine_clearance: float | None, oral: OralValues | None = None) -> Blood:
    return Kinetics.typical(oral_set=ADULT, oral=oral, creatinine_clearance=creatinine_clearance).blood


def _dialysis() -> dict[str, float]:
    """Return what a session takes off plasma without kidneys, from where long intake has left blood and tissue."""
    people, session = Kinetics.typical(oral_set=ADULT, creatinine_clearance=NO_KIDNEYS), Dialysis.from_records((0.0,))
    settled = people.steady_state(tablets_mg_per_h=1.0)
    state = dataclasses.replace(settled, gut=tuple(0.0 * amount for amount in settled.gut))

    def left(of: Kinetics, hours: float) -> float:
        later = of.advance(state, of.step_plan(hours))
        return float(of.exposure(later).plasma[0] / of.exposure(state).plasma[0])

    hours, machine = session.length_h, people.on_dialysis(session)
    rate, own = (-math.log(left(of, hours)) / hours for of in (machine, people))
    return {
        "removal_rate": rate,
        "removal_rate_machine": rate - own,
        "dialysis_fall": left(machine, hours) / left(machine, hours / 2.0),
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
        given = {"CRCL": float(kidneys), "CL": share * float(oral.clearance), "V": share * float(oral.central_volume)}
        curve = Profile(model("baclofen-oral-simon-2018"), given)
        found[f"half_life_{kidneys}"] = curve.half_life()
        if kidneys in (103, 65, 0):
            found[f"clearance_{kidneys}"] = float(_blood(float(kidneys), oral).clearance[0]) * L_PER_H_TO_ML_PER_MIN
    return found


if __name__ == "__main__":
    session.begin()
    print(targets.show(Path(__file__).parent, computed()))
