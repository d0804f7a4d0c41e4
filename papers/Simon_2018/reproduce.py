"""Simon 2018: one compartment, first-order absorption, 57 adults with alcohol use disorder.

python papers/Simon_2018/reproduce.py
"""

from __future__ import annotations

from pathlib import Path

from eutonia import parameters, session
from eutonia.drug.exposure import Profile, model
from eutonia.drug.kinetics import Kinetics
from eutonia.report import targets

SET = "oral_simon_2018"


def computed() -> dict[str, float]:
    """Return what the set gives for each row of targets.csv."""
    records, curve = parameters.load(SET), Profile(model("baclofen-oral-simon-2018"))
    blood = Kinetics.typical(oral_set=SET).blood
    found = {
        "half_life": curve.half_life(),
        "clearance": float(blood.clearance[0] / blood.bioavailability[0]),
        "volume": float(blood.central_volume[0] / blood.bioavailability[0]),
        "absorption_rate": float(blood.gut_rates[-1][0]),
        "residual_error": records.value("proportional_error", "1"),
        "tmax": curve.peak(10.0)[1],
        "area_10": curve.area(10.0),
        "level_8h_10": float(curve.level(10.0, 8.0)[0]),
    }
    found |= {f"cmax_{dose}": curve.peak(float(dose))[0] for dose in (5, 10, 20, 40)}
    for dose in (10, 20, 25):
        found |= {f"steady_{what}_{dose}": level for what, level in curve.steady(float(dose), every_h=8.0).items()}
    return found


if __name__ == "__main__":
    session.begin()
    print(targets.show(Path(__file__).parent, computed()))
