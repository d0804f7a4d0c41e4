"""Numbers of people as prose and as rows of a tidy table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia._middle import MIDDLE_95
from eutonia.patient import LIMBS

if TYPE_CHECKING:
    import polars


def spread(values: Any) -> str:
    """Return the median of people, and the middle 95 % where there are several."""
    low, middle, high = np.quantile(np.asarray(values), MIDDLE_95)
    return f"{middle:.3g}" + (f" ({low:.3g} to {high:.3g})" if np.size(values) > 1 else "")


def one(values: Any, **about: object) -> polars.DataFrame:
    """Return one number a person as rows."""
    import polars as pl

    numbers = np.asarray(values, dtype=float)
    table = pl.DataFrame({"patient": np.arange(numbers.size), "value": numbers})
    return table.with_columns([pl.lit(x, dtype=pl.String if x is None else None).alias(k) for k, x in about.items()])


def long(values: np.ndarray, about: dict[str, Any]) -> polars.DataFrame:
    """Return numbers of limb and patient, or of patient alone, as rows."""
    import polars as pl

    of = zip(LIMBS, values, strict=True) if values.ndim > 1 else ((None, values),)
    return pl.concat([one(row, limb=limb, **about) for limb, row in of])
