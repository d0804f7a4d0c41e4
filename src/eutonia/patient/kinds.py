"""The kinds of lesion, and the levels of the cord."""

from __future__ import annotations

import re

from eutonia.errors import SimulationError

KINDS = ("none", "ischaemic", "haemorrhagic", "spinal", "multiple sclerosis", "cerebral palsy", "brain injury")

_REGIONS = {"C": (0, 8), "T": (8, 12), "L": (20, 5), "S": (25, 5)}  # segments above the region, segments in it
#: Segments of the cord from C1 to S5.
SEGMENTS = tuple(f"{region}{number + 1}" for region, (_, count) in _REGIONS.items() for number in range(count))
_LEVEL = re.compile(r"([CTLS])(\d{1,2})", re.IGNORECASE)


def segment_number(level: str) -> int:
    """Return the number of a cord segment, counted from C1 = 1 to S5 = 30."""
    match = _LEVEL.fullmatch(level)
    if match is not None:
        above, count = _REGIONS[match[1].upper()]
        if 1 <= int(match[2]) <= count:
            return above + int(match[2])
    raise SimulationError(
        f'there is no cord level "{level}". Allowed: C1 to C8, T1 to T12, L1 to L5, S1 to S5. Write it like "C5".'
    )
