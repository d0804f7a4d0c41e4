"""Eutonia: a simulator of muscle tone after stroke and of its treatment with baclofen. Research and teaching only."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Where public names live, with their types in `__init__.pyi`; each is imported when first asked for, so that
# `eutonia --help` stays light.
_HOMES = {
    "eutonia.api.course": "simulate",
    "eutonia.api.decision": "decision",
    "eutonia.api.credibility": "credibility",
    "eutonia.api.examination": "examine score",
    "eutonia.api.exposure": "expose",
    "eutonia.api.fit": "fit",
    "eutonia.api.options": "compare_options",
    "eutonia.api.papers": "papers",
    "eutonia.api.pump": "program",
    "eutonia.api.segment": "examine_segment",
    "eutonia.api.sensitivity": "sensitivity",
    "eutonia.api.power": "power",
    "eutonia.api.study": "compare run",
    "eutonia.api.sweep": "sweep",
    "eutonia.drug.kinetics": "Kinetics",
    "eutonia.drug.regimen": "Infusion IntrathecalDose OralDose Regimen",
    "eutonia.errors": "EutoniaError",
    "eutonia.limb.joint": "joint limb_with",
    "eutonia.parameters": "using",
    "eutonia.patient": "Cohort Lesion Patient Population cockcroft_gault from_egfr",
    "eutonia.report.files": "write",
    "eutonia.simulation.course": "Snapshot",
    "eutonia.simulation.make_people": "make_people",
    "eutonia.simulation.maneuver": "PassiveStretch TendonTap",
    "eutonia.study.design": "CaseStudy TrialStudy load_study parse_study shipped",
    "eutonia.trial.examine_case": "examine_case",
}
_PUBLIC = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'eutonia' has no attribute {name!r}; public names: {', '.join(sorted(_PUBLIC))}")
    found = getattr(importlib.import_module(_PUBLIC[name]), name)
    importlib.import_module("eutonia.session").begin_if_computing()
    return found
