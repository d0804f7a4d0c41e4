"""Wuis 1985: two compartments, healthy men; and what Wuis 1989 saw in urine and late plasma.

python papers/Wuis_1985/reproduce.py
"""

from __future__ import annotations

import math
from pathlib import Path

from eutonia import session
from eutonia.drug.exposure import Profile, model
from eutonia.drug.kinetics import Kinetics
from eutonia.report import targets

SET = "oral_wuis_1985"
FASTER_ABSORPTION = 1.5  # 1/h, the other rate in the table of reference outputs
L_PER_H_TO_ML_PER_MIN = 1000.0 / 60.0


def computed() -> dict[str, float]:
    """Return what the set gives for each row of targets.csv."""
    wuis = model("baclofen-oral-wuis-1985")
    curve, fast = Profile(wuis), Profile(wuis, {"KA": FASTER_ABSORPTION})
    return {**_disposition(curve), **_one_dose(curve, ""), **_one_dose(fast, "_fast")}


def _disposition(curve: Profile) -> dict[str, float]:
    blood = Kinetics.typical(oral_set=SET).blood
    bioavailability, clearance, central = (
        float(x[0]) for x in (blood.bioavailability, blood.clearance, blood.central_volume)
    )
    alpha, beta = (float(rate[0]) for rate in blood.shear()[:2])
    k12, k21 = float(blood.to_peripheral[0]), float(blood.from_peripheral[0])
    renal = float(blood.renal_slope[0] * blood.creatinine_clearance[0])
    return {
        "area_volume": clearance / bioavailability / beta,
        "half_life_1989": curve.half_life(),
        "urinary_recovery": bioavailability * renal / clearance,
        "clearance": clearance / bioavailability,
        "central_volume": central / bioavailability,
        "fast_exponent": alpha,
        "slow_exponent": beta,
        "renal_clearance": renal * L_PER_H_TO_ML_PER_MIN,
        "k10": float(blood.elimination_rate[0]),
        "k12": k12,
        "k21": k21,
        "intercompartmental": k12 * central / bioavailability,
        "peripheral_volume": k12 / k21 * central / bioavailability,
        "steady_volume": (1.0 + k12 / k21) * central / bioavailability,
        "half_life_fast": math.log(2.0) / alpha,
        "half_life_slow": math.log(2.0) / beta,
        "area_10": curve.area(10.0),
    }


def _one_dose(curve: Profile, tail: str) -> dict[str, float]:
    cmax, tmax = curve.peak(10.0)
    late = float(curve.level(10.0, 8.0)[0])
    return {f"cmax_10{tail}": cmax, f"tmax{tail}": tmax, f"level_8h_10{tail}": late}


if __name__ == "__main__":
    session.begin()
    print(targets.show(Path(__file__).parent, computed()))
