"""Chevillard 2018: one compartment, first-order absorption, 143 adults with alcohol use disorder.

python papers/Chevillard_2018/reproduce.py
"""

from __future__ import annotations

from pathlib import Path

from eutonia import session
from eutonia.drug.exposure import Profile, model
from eutonia.drug.kinetics import Kinetics
from eutonia.report import targets

SET = "oral_chevillard_2018"


def computed() -> dict[str, float]:
    """Return what the set gives for each row of targets.csv."""
    curve, blood = Profile(model("baclofen-oral-chevillard-2018")), Kinetics.typical(oral_set=SET).blood
    found = {
        "clearance": float(blood.clearance[0] / blood.bioavailability[0]),
        "volume": float(blood.central_volume[0] / blood.bioavailability[0]),
        "absorption_rate": float(blood.gut_rates[-1][0]),
        "half_life": curve.half_life(),
        "tmax": curve.peak(10.0)[1],
        "area_10": curve.area(10.0),
        "level_8h_10": float(curve.level(10.0, 8.0)[0]),
    }
    found |= {f"cmax_{dose}": curve.peak(float(dose))[0] for dose in (5, 10, 20, 40)}
    return found | {f"steady_{what}_20": level for what, level in curve.steady(20.0, every_h=8.0).items()}


if __name__ == "__main__":
    session.begin()
    print(targets.show(Path(__file__).parent, computed()))
