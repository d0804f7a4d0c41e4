"""Named severities of a segment. No heavy imports: a page that only names them needs no network."""

from __future__ import annotations

from eutonia import parameters

PRESETS = ("healthy", "spastic", "severe")


def preset(severity: str) -> float:
    """Return the bias in mV of a named severity: one of `PRESETS`."""
    spastic, severe = (
        parameters.load("segment").value("spastic_bias", "mV"),
        parameters.load("tone").value("severe_bias", "mV"),
    )
    return dict(zip(PRESETS, (0.0, spastic, severe), strict=True))[severity]
