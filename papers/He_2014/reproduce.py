"""He 2014: two compartments with transit absorption, 49 children; values per kg, no kidney model.

python papers/He_2014/reproduce.py
"""

from __future__ import annotations

from pathlib import Path

from eutonia import parameters, session
from eutonia.drug.exposure import Profile, model
from eutonia.drug.kinetics import Kinetics
from eutonia.report import targets

SET, ADULT_WEIGHT_KG = "oral_he_2014", 70.0


def computed() -> dict[str, float]:
    """Return what the set gives for each row of targets.csv."""
    weight = parameters.load(SET).value("example_weight", "kg")
    curve = Profile(model("baclofen-oral-he-2014"), {"WT": weight})
    blood = Kinetics.typical(oral_set=SET, weight_kg=weight).blood
    clearance, central = (
        float(x[0] / blood.bioavailability[0]) / weight for x in (blood.clearance, blood.central_volume)
    )
    return {
        "clearance": clearance,
        "steady_volume": central * (1.0 + float(blood.to_peripheral[0] / blood.from_peripheral[0])),
        "transit_time": sum(1.0 / float(rate[0]) for rate in blood.gut_rates),
        "half_life": curve.half_life(),
        "clearance_70kg": clearance * ADULT_WEIGHT_KG,
    }


if __name__ == "__main__":
    session.begin()
    print(targets.show(Path(__file__).parent, computed()))
