"""Every scale, one file each; `SCALES` holds them by key. From outside: `register(Scale(...))`."""

from __future__ import annotations

from collections.abc import Mapping

from eutonia.assessment.scales.abstract import Scale as Scale
from eutonia.registry import Registry

#: In the order in which pages show them.
_OURS = (
    "ashworth",
    "modified_ashworth",
    "spasm",
    "reflex",
    "h_reflex",
    "stance_support",
    "walking_speed",
    "functional_ambulation",
    "active_range",
    "pain",
    "pain_at_rest",
    "disability",
    "adverse",
)

SCALES: Registry[Scale] = Registry(
    "scale", "eutonia.scales", [f"{__name__}.{name}:SCALE" for name in _OURS], lambda scale: scale.key
)
register = SCALES.register


def names() -> Mapping[str, str]:
    """Return every name that a study file may use for a scale, and its key: "walking" is what files before the split of
    stance and speed wrote, and meant the stance.
    """
    return {**{key: key for key in SCALES}, "walking": "stance_support"}
