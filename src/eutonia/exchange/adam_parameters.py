"""Names and codes of what is scored, as analysis data sets have them."""

from __future__ import annotations

from collections.abc import Sequence

from eutonia.assessment.scales import SCALES

_MOST_CODE = 8


def parameters_of(kinds: Sequence[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """Return name and code (8 characters at most, each once) of every limb, scale and muscle."""
    found: list[tuple[str, str]] = []
    for limb, scale, item in kinds:
        of = "" if item == "mean" else f", {item.replace('_', ' ')}"
        label = SCALES[scale].label if scale in SCALES else scale.replace("_", " ")
        where = f", {limb}" if limb else ""
        begin = "".join(part[:3] for part in scale.split("_")).upper()[:5] + limb[:1].upper()
        taken, k, code = {code for _, code in found}, 0, begin
        while code in taken or (item != "mean" and k == 0):
            k += 1
            code = f"{begin[: _MOST_CODE - 2]}{k:02d}"
        found.append((f"{label[:1].upper()}{label[1:]}{where}{of}", code))
    return found
