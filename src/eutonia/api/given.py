"""Times that are given to a verb: hours, or text with a unit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import Float

from eutonia import _units
from eutonia._bounds import TIME, number, told
from eutonia.errors import SimulationError

#: What may be given as a time: hours, or text with a unit.
Time = float | int | str


def hours(what: str, given: Any) -> Float[np.ndarray, " time"]:
    """Return one time or many in h, in order and each once: a number of hours, or text with a unit such as "14 day".

    Raises
    ------
    SimulationError
        No time at all, or one that nobody lives.
    UnitError
        Text without a unit of time.
    """
    many: Iterable[Any] = given if isinstance(given, list | tuple | range | np.ndarray) else (given,)
    found = [_units.parse(one, "duration", what) if isinstance(one, str) else number(one) for one in many]
    bad = [one for one, x in zip(many, found, strict=True) if not TIME.low <= x <= TIME.high]
    if bad or not found:
        shown = told(bad[0]) if bad else "an empty list"
        raise SimulationError(
            f"{what} is {shown}. Allowed: hours as a number, or text with a unit, {TIME.allowed}. Nearest: 24, or "
            '"1 day". Correct it.'
        )
    return np.unique(np.array(found))
