"""Adverse reactions: a list of signs, no score. Their hazards are in `drug.effect.adverse`."""

from __future__ import annotations

from eutonia.assessment.scales.abstract import Scale

SCALE = Scale(
    key="adverse",
    label="Adverse reactions",
    meaning="adverse effects, a list of signs",
    lowest=0.0,
    highest=1.0,
    kind="signs",
    score=None,
    sources=("Label_ITB", "Label_oral"),
)
