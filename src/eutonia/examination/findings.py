"""What a test of an examination finds: numbers over people who share what is known, and recordings to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    import xarray

Values = Float[np.ndarray, " patient"]


@dataclass(frozen=True)
class Finding:
    """One finding of one test over all people who share what is known: `values` in `unit`.

    `key` names it in files, `what` in words; `test` is filled in by the test that found it. `grades` names the steps of
    an ordered scale; its values are then places in it. NaN where a person shows nothing.
    """

    key: str
    of: str
    what: str
    unit: str
    values: Values
    grades: tuple[str, ...] = ()
    test: str = ""


@dataclass(frozen=True)
class MovementTrace:
    """Recordings of one movement: `data` over time_s and patient; `typical` is the person nearest to the median."""

    of: str
    title: str
    data: xarray.Dataset
    typical: int
    test: str = ""


Found = tuple[list[Finding], list[MovementTrace]]


def finding(key: str, of: str, what: str, unit: str, values: Any, grades: tuple[str, ...] = ()) -> Finding:
    """Return a finding of numbers of any kind."""
    return Finding(key, of, what, unit, np.asarray(values, dtype=float), grades)


def nearest_to_median(outcome: Any) -> int:
    """Return which person shows most nearly the median of an outcome (those who show none count as 0)."""
    known = np.nan_to_num(np.asarray(outcome, dtype=float))
    return int(np.argmin(np.abs(known - np.median(known))))
