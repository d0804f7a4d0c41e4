"""Units of records as unit definitions of SBML, and back."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

from eutonia.errors import UnitError, unknown

# Atom -> kind of SBML, power of ten, multiplier.
_ATOMS = {
    "h": ("SECOND", 0, 3600.0),
    "min": ("SECOND", 0, 60.0),
    "kg": ("GRAM", 3, 1.0),
    "mg": ("GRAM", -3, 1.0),
    "ug": ("GRAM", -6, 1.0),
    "ng": ("GRAM", -9, 1.0),
    "L": ("LITRE", 0, 1.0),
    "mL": ("LITRE", -3, 1.0),
    "cm": ("METRE", -2, 1.0),
    "mV": ("VOLT", -3, 1.0),
}
_ATOM = re.compile(r"([A-Za-z]+)(?:\^(\d+))?")
_DIMENSIONLESS = "dimensionless"


def define(libsbml: ModuleType, model: Any, unit: str) -> str:
    """Return the name of a unit in a model, defining it there if it is not yet; "1" is dimensionless."""
    factors = _factors(unit)
    if not factors:
        return _DIMENSIONLESS
    name = "_".join(
        [f"{atom}{power if power > 1 else ''}" for atom, power in factors if power > 0]
        + [f"per_{atom}{-power if power < -1 else ''}" for atom, power in factors if power < 0]
    )
    if model.getUnitDefinition(name) is None:
        definition = model.createUnitDefinition()
        definition.setId(name)
        definition.setName(unit)
        for atom, power in factors:
            kind, scale, multiplier = _ATOMS[atom]
            part = definition.createUnit()
            part.setKind(getattr(libsbml, f"UNIT_KIND_{kind}"))
            part.setExponent(power)
            part.setScale(scale)
            part.setMultiplier(multiplier)
    return name


def _factors(unit: str) -> list[tuple[str, int]]:
    """Split "cm^2/h" into its atoms and powers: [("cm", 2), ("h", -1)]."""
    above, *below = unit.split("/")
    parts = [(part, 1) for part in above.split() if part != "1"] + [
        (part, -1) for group in below for part in group.split()
    ]
    found = []
    for part, sign in parts:
        match = _ATOM.fullmatch(part)
        if match is None or match[1] not in _ATOMS:
            raise UnitError(unknown("unit in SBML", part, _ATOMS, f'Found in "{unit}".'))
        found.append((match[1], sign * int(match[2] or 1)))
    return found
