"""Eutonia: a simulator of muscle tone after stroke and of its treatment with baclofen. Research and teaching only."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Public names and where they live; each is imported when first asked for, so that `eutonia --help` stays light.
_PUBLIC = {
    "Cohort": "eutonia.patient",
    "Lesion": "eutonia.patient",
    "Patient": "eutonia.patient",
    "Population": "eutonia.patient",
    "make_people": "eutonia.simulation.make_people",
    "Kinetics": "eutonia.drug.kinetics",
    "Regimen": "eutonia.drug.regimen",
    "PassiveStretch": "eutonia.simulation.maneuver",
    "TendonTap": "eutonia.simulation.maneuver",
    "joint": "eutonia.limb.joint",
    "limb_with": "eutonia.limb.joint",
    "EutoniaError": "eutonia.errors",
    "load_study": "eutonia.study.design",
    "parse_study": "eutonia.study.design",
    "shipped": "eutonia.study.design",
    "examine_case": "eutonia.trial.bedside",
    "run": "eutonia.trial.running",
    "write": "eutonia.report.files",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'eutonia' has no attribute {name!r}; public names: {', '.join(sorted(_PUBLIC))}")
    found = getattr(importlib.import_module(_PUBLIC[name]), name)
    importlib.import_module("eutonia.session").begin_if_computing()
    return found
