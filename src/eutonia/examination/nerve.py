"""What the tests that shock a nerve share: the spiking segment of the soleus of people of a case.

A segment costs far more than a limb, so a dozen people are examined, evenly spread by the tone that the drug left.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from eutonia.examination.findings import Finding, MovementTrace, finding, nearest_to_median
from eutonia.simulation import nerve
from eutonia.simulation.bedside import Bedside
from eutonia.tone.segment import protocols
from eutonia.tone.segment.protocols import Person
from eutonia.tone.segment.readout import Activity, peak_to_peak, window

#: People examined: a compromise of time and smoothness.
PEOPLE = 12
_SHOWN_MS = 60.0  # of a sweep

Wave = Float[np.ndarray, "time patient"]


class _Same:
    """A bedside that is equal to itself only: what was read there need not be read again in the next test."""

    def __init__(self, at: Any) -> None:
        self.at: Bedside = at

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.at is other.at

    def __hash__(self) -> int:
        return id(self.at)


def recruited(at: Bedside, seed: int) -> list[protocols.Recruitment]:
    """Return the recruitment curve of everybody: most of the work of an examination, shared by three tests."""
    return _recruited(_Same(at), seed)


@functools.lru_cache(maxsize=1)
def _recruited(same: _Same, seed: int) -> list[protocols.Recruitment]:
    return [protocols.recruitment(one) for one in people_of(same.at, seed)]


def people_of(at: Bedside, seed: int) -> list[Person]:
    """Return the segments of a dozen people, evenly spread by tone."""
    return nerve.persons(at, nerve.spread_by_tone(at, PEOPLE), seed)


def rows_of(rows: Sequence[tuple[str, str, str, object]]) -> list[Finding]:
    """Return findings of the soleus: key, what, unit, values."""
    return [finding(row[0], nerve.MUSCLE, *row[1:]) for row in rows]


def sweeps_of(activity: Activity) -> Wave:
    """Return the EMG after the shock in every copy, in shares of the largest M wave."""
    sweep = window(activity.emg(), activity.plan, 0.0, _SHOWN_MS)
    return sweep / peak_to_peak(sweep).max()


def trace(title: str, sweeps: Wave, outcome: object, from_ms: float = 0.0) -> MovementTrace:
    """Return the recording of everybody from a time after the shock on."""
    import xarray as xr

    time = np.arange(len(sweeps)) * (_SHOWN_MS / 1000.0 / len(sweeps))
    shown = time >= from_ms / 1000.0
    time, sweeps = time[shown], sweeps[shown]
    about = {"units": "1", "long_name": "EMG of the soleus, share of the largest M wave"}
    data = {"emg": xr.Variable(("time_s", "patient"), sweeps, about)}
    axes = {
        "time_s": xr.Variable(("time_s",), time, {"units": "s", "long_name": "Time after the shock"}),
        "patient": np.arange(sweeps.shape[1]),
    }
    return MovementTrace(nerve.MUSCLE, title, xr.Dataset(data, axes), nearest_to_median(outcome))
