"""The H-reflex of the soleus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eutonia.examination.abstract import BedsideTest
from eutonia.examination.findings import Found
from eutonia.examination.nerve import PEOPLE, recruited, rows_of, sweeps_of, trace
from eutonia.simulation.bedside import Bedside


def h_reflex(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    """Shock the tibial nerve with growing currents."""
    found = recruited(at, seed)
    ratio = [one.h_over_m for one in found]
    has_h = np.array([one.is_seen for one in found])
    rows = (
        ("h_over_m", "Hmax/Mmax", "", ratio),
        ("latency", "Latency of H", "ms", np.where(has_h, [one.latency_ms[one.best] for one in found], np.nan)),
        (
            "current_largest",
            "Current of the largest H",
            "mA",
            np.where(has_h, [one.current[one.best] for one in found], np.nan),
        ),
        ("current_half", "Current of half of it", "mA", np.where(has_h, [one.test_current for one in found], np.nan)),
    )
    sweeps = np.stack([sweeps_of(one.activity)[:, one.best] for one in found], axis=1)
    return rows_of(rows), [trace("H-reflex of the soleus at its largest", sweeps, ratio)]


TEST = BedsideTest(
    name="h-reflex",
    label="H-reflex",
    how="Tibial nerve shocked with growing currents, EMG of the soleus; waves in shares of the largest M. "
    f"Spiking segments of {PEOPLE} people, evenly spread by tone, as in the next three.",
    limbs=("leg",),
    run=h_reflex,
    group="nerve",
    sources=("Stokic_2005",),
)
