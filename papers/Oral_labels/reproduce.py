"""What labels and monographs quote for oral baclofen, beside the adult default.

python papers/Oral_labels/reproduce.py
"""

from __future__ import annotations

from pathlib import Path

from eutonia import session
from eutonia.drug.exposure import Profile, model
from eutonia.drug.kinetics import Kinetics
from eutonia.report import targets

SET, WEIGHT_KG = "oral_adult_default", 70.0


def computed() -> dict[str, float]:
    """Return what the adult default gives for each row of targets.csv."""
    curve, blood = Profile(model()), Kinetics.typical(oral_set=SET).blood
    assert blood.to_peripheral is not None
    assert blood.from_peripheral is not None
    found = {f"cmax_{dose}": curve.peak(float(dose))[0] for dose in (10, 20, 30)}
    return found | {
        "half_life_solution": curve.half_life(),
        "half_life_suspension": curve.half_life(),
        "volume_per_weight": float(blood.central_volume[0] * (1.0 + blood.to_peripheral[0] / blood.from_peripheral[0]))
        / WEIGHT_KG,
        "renal_share": float(blood.renal_slope[0] * blood.creatinine_clearance[0] / blood.clearance[0]),
    }


if __name__ == "__main__":
    session.begin()
    print(targets.show(Path(__file__).parent, computed()))
