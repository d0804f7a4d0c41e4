"""Two 10 mg tablets in 22 healthy men: measured levels that two sets were fitted to and the others were not.

python papers/BE10mg_2017/reproduce.py
"""

from __future__ import annotations

from pathlib import Path

from eutonia import parameters, session
from eutonia.drug.exposure import Profile, model
from eutonia.report import targets


def computed() -> dict[str, float]:
    """Return what the adult sets give for each row of targets.csv."""
    curves = {
        name: Profile(model(oral))
        for name, oral in (
            ("default", "baclofen-oral"),
            ("simon", "baclofen-oral-simon-2018"),
            ("chevillard", "baclofen-oral-chevillard-2018"),
            ("wuis", "baclofen-oral-wuis-1985"),
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
