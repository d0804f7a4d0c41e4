"""What a prediction has to beat: that nobody changes, and the mean of what the calibration data show."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia.assessment.scales import SCALES
from eutonia.statistics.crps import crps
from eutonia.trial.result import Quantity

if TYPE_CHECKING:
    import polars

_LIMBS: Mapping[str, str] = {"leg": "LE", "arm": "UE"}
#: Statistics that are 0 where nobody changes.
_NONE_MOVES = (
    "change from baseline", "difference between arms", "fraction removed", "share with a fall", "share lost",
    "share with a reaction",
)  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """Rows of the calibration data, and which of them speak of what, as criteria.toml says."""

    rows: tuple[Mapping[str, str], ...]
    stated: Mapping[str, Any]

    @classmethod
    def read(cls, file: Path, stated: Mapping[str, Any]) -> Rows:
        """Read calibration.csv; `stated` is the baseline calibration_mean of criteria.toml."""
        with file.open(encoding="utf-8", newline="") as opened:
            return cls(tuple(csv.DictReader(opened)), stated)

    def _of(self, outcome: str, route: str, layers: Sequence[str], without: str) -> list[Mapping[str, str]]:
        return [
            row
            for row in self.rows
            if (row["outcome"], row["route"]) == (outcome, route)
            and row["layer"] in layers
            and without not in row["study"]
        ]

    def kept(self, scale: str, limb: str | None, route: str, *, is_placebo: bool, without: str) -> float | None:
        """Return the mean share of the excess score that is left after treatment in rows of other studies."""
        outcome, layers = (
            self.stated["score_rows"].get(scale, ""),
            self.stated["layers"]["placebo" if is_placebo else "drug"],
        )
        left = [
            (row["limb"], (float(row["followup_mean"]) - normal) / (float(row["baseline_mean"]) - normal))
            for row in self._of(outcome, route, layers, without)
            if row["followup_mean"] and row["baseline_mean"] and row["scale_min"]
            for normal in (float(row["scale_min"]),)
        ]
        same = [share for where, share in left if where == _LIMBS.get(limb or "")] or [share for _, share in left]
        return float(np.mean(same)) if same else None

    def dose(self, route: str, without: str) -> float | None:
        """Return the mean of mean daily doses of treated people in rows of other studies, ug/day."""
        rows = self._of(self.stated["dose_rows"], route, self.stated["layers"]["drug"], without)
        doses = [float(row["value"]) for row in rows if row["value_unit"] == "ug/d" and row["timepoint"] != "0"]
        return float(np.mean(doses)) if doses else None


def no_change(quantity: Quantity, doses: polars.DataFrame | None) -> float | None:
    """Return what would be seen if people stayed as they entered, of doses the first of `doses`; None if nothing."""
    published = quantity.published
    assert published is not None
    if quantity.statistic == "mean":
        return published.baseline if published.baseline is not None else quantity.baseline_mean
    if quantity.statistic in _NONE_MOVES:
        return 0.0
    if quantity.statistic == "ratio":
        return 1.0
    if quantity.statistic == "dose" and doses is not None and not doses.is_empty():
        own = doses.filter(
            (doses["phase"] == quantity.phase) & (doses["arm"] == quantity.arm) & (doses["unit"] == quantity.unit)
        ).sort("time_h")
        given = own.filter(own["mean"] > 0.0)
        return None if given.is_empty() else float(given["mean"][0])
    return None


def calibration_mean(quantity: Quantity, rows: Rows, route: str, *, is_placebo: bool) -> float | None:
    """Return what the calibration rows of the same scale and route would let one expect; None where there are none.

    **Equation** score: normal + kept (entry - normal); fraction removed: 1 - kept; change: (kept - 1) (entry - normal).
    """
    published = quantity.published
    assert published is not None
    own = published.source
    if quantity.statistic == "dose":
        return rows.dose(route, own) if quantity.unit == "ug/day" else None
    if quantity.scale not in SCALES:
        return None
    kept = rows.kept(quantity.scale, quantity.limb, route, is_placebo=is_placebo, without=own)
    entry = published.baseline if published.baseline is not None else quantity.baseline_mean
    normal = SCALES[quantity.scale].normal or 0.0
    if kept is None:
        return None
    if quantity.statistic == "fraction removed":
        return 1.0 - kept
    if entry is None or not math.isfinite(entry):
        return None
    if quantity.statistic == "mean":
        return normal + kept * (entry - normal)
    return -(1.0 - kept) * (entry - normal) if quantity.statistic == "change from baseline" else None


def scores(drawn: Sequence[float], seen: float, *middles: float | None) -> tuple[float | None, ...]:
    """Return the CRPS of the predicted trials, and of the same trials about each of other middles."""
    values = np.asarray(drawn, dtype=float)
    if not values.size:
        return (None,) * (1 + len(middles))
    centred = values - values.mean()
    moved = (None if middle is None else crps(middle + centred, seen) for middle in middles)
    return (crps(values, seen), *moved)
