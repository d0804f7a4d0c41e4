"""Vibratory and reciprocal inhibition of the H-reflex."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eutonia.examination.abstract import BedsideTest
from eutonia.examination.findings import Found
from eutonia.examination.nerve import people_of, recruited, rows_of
from eutonia.simulation.bedside import Bedside
from eutonia.tone.segment import protocols


def inhibition(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    """Test a reflex while its tendon is shaken, and after a shock to the nerve of the antagonist."""
    people, alone = people_of(at, seed), recruited(at, seed)
    found = [protocols.inhibition(one, h.test_current) for one, h in zip(people, alone, strict=True)]
    has_h, rate = [one.is_seen for one in alone], protocols.usual_vibration()[0]
    shaken = np.where(has_h, [one.vibratory for one in found], np.nan)
    reciprocal = np.where(has_h, [one.reciprocal.min() for one in found], np.nan)
    rows = (
        ("vibratory", f"H during vibration at {rate:g} Hz, of H alone", "", shaken),
        ("reciprocal", "H at the most reciprocal inhibition, of H alone", "", reciprocal),
    )
    return rows_of(rows), []


TEST = BedsideTest(
    name="inhibition",
    label="Vibratory and reciprocal inhibition",
    how="H while the tendon is shaken, and 0 to 12 ms after a shock to the peroneal nerve at its motor "
    "threshold, each over H alone.",
    limbs=("leg",),
    run=inhibition,
    group="nerve",
    sources=("Nielsen_Crone_Hultborn_2007",),
)
