"""F waves of a motor nerve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eutonia.examination.abstract import BedsideTest
from eutonia.examination.findings import Found
from eutonia.examination.nerve import people_of, rows_of, sweeps_of, trace
from eutonia.simulation.bedside import Bedside
from eutonia.tone.segment import protocols
from eutonia.tone.segment.readout import Activity

_AFTER_M_MS = 24.0  # where only F waves are left of a sweep


def f_wave(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    """Shock a motor nerve with more than every axon needs, again and again."""
    found = [protocols.f_wave(one) for one in people_of(at, seed)]
    size = [one.f_over_m for one in found]
    rows = (
        ("persistence", "F-wave persistence", "%", [100.0 * one.persistence for one in found]),
        ("f_over_m", "F/M, mean of the answers", "%", [100.0 * one for one in size]),
    )
    late = np.stack([sweeps_of(one.activity)[:, _answered(one.activity)] for one in found], axis=1)
    title = f"F wave after the M wave, from {_AFTER_M_MS:g} ms on"
    return rows_of(rows), [trace(title, late, size, _AFTER_M_MS)]


def _answered(activity: Activity) -> int:
    """Return a copy with a typical F wave: the median by size."""
    _, f = protocols.waves(activity)
    return int(np.argsort(f)[len(f) // 2])


TEST = BedsideTest(
    name="f-wave",
    label="M and F waves",
    how="Forty supramaximal shocks to a motor nerve: the share that is answered, and how large the answers are.",
    limbs=("leg",),
    run=f_wave,
    group="nerve",
    sources=("assumption",),
)
