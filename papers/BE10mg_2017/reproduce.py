"""Two 10 mg tablets in 22 healthy men: measured levels that no set but one was made from.

python papers/BE10mg_2017/reproduce.py
"""

from __future__ import annotations

from pathlib import Path

from eutonia import parameters, session
from eutonia.drug.kinetics import Kinetics, Profile
from eutonia.report import targets


def computed() -> dict[str, float]:
    """Return what the adult sets give for each row of targets.csv."""
    curves = {
        name: Profile(Kinetics.typical(oral_set=oral_set))
        for name, oral_set in (
            ("default", "oral_adult_default"),
            ("chevillard", "oral_chevillard_2018"),
            ("wuis", "oral_wuis_1985"),
        )
    }
    found = {}
    for name, curve in curves.items():
        found[f"cmax_{name}"], found[f"tmax_{name}"] = curve.peak(10.0)
    length = parameters.load("oral_wuis_1985").value("zero_order_duration", "h")
    found["cmax_wuis_zero_order"] = float(curves["wuis"].level_zero_order(10.0, length, length)[0])
    return found | {"cmax_wuis_reference": found["cmax_wuis"]}


if __name__ == "__main__":
    session.begin()
    print(targets.show(Path(__file__).parent, computed()))
