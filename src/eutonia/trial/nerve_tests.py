"""The tests of an examination that shock a nerve: the spiking segment of the soleus of people of a case.

A segment costs far more than a limb, so a dozen people are examined, evenly spread by the tone that the drug left.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from eutonia.simulation import nerve
from eutonia.simulation.bedside import Bedside
from eutonia.tone.segment import protocols
from eutonia.tone.segment.network import Segment
from eutonia.tone.segment.protocols import Person
from eutonia.tone.segment.readout import Activity, peak_to_peak, window
from eutonia.trial.findings import Finding, Found, MovementTrace, finding, nearest_to_median

#: People examined: a compromise of time and smoothness.
PEOPLE = 12
_HERTZ = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_SHOWN_MS, _AFTER_M_MS = 60.0, 24.0  # of a sweep; where only F waves are left of it

Wave = Float[np.ndarray, "time patient"]


def h_reflex(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    """Shock the tibial nerve with growing currents."""
    found = _recruited(_Same(at), seed)
    ratio = [one.h_over_m for one in found]
    has_h = np.array([one.is_seen for one in found])
    rows = (
        ("Hmax/Mmax", "", ratio),
        ("Latency of H", "ms", np.where(has_h, [one.latency_ms[one.best] for one in found], np.nan)),
        ("Current of the largest H", "mA", np.where(has_h, [one.current[one.best] for one in found], np.nan)),
        ("Current of half of it", "mA", np.where(has_h, [one.test_current for one in found], np.nan)),
    )
    sweeps = np.stack([_sweeps(one.activity)[:, one.best] for one in found], axis=1)
    return _found("h-reflex", rows), [_trace("h-reflex", "H-reflex of the soleus at its largest", sweeps, ratio)]


def f_wave(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    """Shock a motor nerve with more than every axon needs, again and again."""
    found = [protocols.f_wave(one) for one in _people(at, seed)]
    size = [one.f_over_m for one in found]
    rows = (
        ("F-wave persistence", "%", [100.0 * one.persistence for one in found]),
        ("F/M, mean of the answers", "%", [100.0 * one for one in size]),
    )
    late = np.stack([_sweeps(one.activity)[:, _answered(one.activity)] for one in found], axis=1)
    title = f"F wave after the M wave, from {_AFTER_M_MS:g} ms on"
    return _found("f-wave", rows), [_trace("f-wave", title, late, size, _AFTER_M_MS)]


def depression(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    """Repeat a test reflex, ever faster."""
    people, alone = _people(at, seed), _recruited(_Same(at), seed)
    current = np.array([one.test_current for one in alone])
    together = jax.tree.map(lambda *parts: jnp.concatenate(parts), *(one.condition for one in people))
    segment = Segment.of(together, people[0].sizes, seed, [one.person for one in people])
    ratio = np.where([one.is_seen for one in alone], protocols.trains(segment, current, _HERTZ), np.nan)
    return _found("depression", [(f"H at {f:g} Hz, of the first", "", ratio[k]) for k, f in enumerate(_HERTZ)]), []


def inhibition(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    """Test a reflex while its tendon is shaken, and after a shock to the nerve of the antagonist."""
    people, alone = _people(at, seed), _recruited(_Same(at), seed)
    found = [protocols.inhibition(one, h.test_current) for one, h in zip(people, alone, strict=True)]
    has_h, rate = [one.is_seen for one in alone], protocols.usual_vibration()[0]
    shaken = np.where(has_h, [one.vibratory for one in found], np.nan)
    reciprocal = np.where(has_h, [one.reciprocal.min() for one in found], np.nan)
    rows = (
        (f"H during vibration at {rate:g} Hz, of H alone", "", shaken),
        ("H at the most reciprocal inhibition, of H alone", "", reciprocal),
    )
    return _found("inhibition", rows), []


class _Same:
    """A bedside that is equal to itself only: what was read there need not be read again in the next test."""

    def __init__(self, at: Any) -> None:
        self.at: Bedside = at

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.at is other.at

    def __hash__(self) -> int:
        return id(self.at)


@functools.lru_cache(maxsize=1)
def _recruited(same: _Same, seed: int) -> list[protocols.Recruitment]:
    """Return the recruitment curve of everybody: most of the work of an examination, shared by three tests."""
    return [protocols.recruitment(one) for one in _people(same.at, seed)]


def _people(at: Bedside, seed: int) -> list[Person]:
    return nerve.persons(at, nerve.spread_by_tone(at, PEOPLE), seed)


def _found(test: str, rows: Sequence[tuple[str, str, object]]) -> list[Finding]:
    return [finding(test, nerve.MUSCLE, *row) for row in rows]


def _sweeps(activity: Activity) -> Wave:
    """Return the EMG after the shock in every copy, in shares of the largest M wave."""
    sweep = window(activity.emg(), activity.plan, 0.0, _SHOWN_MS)
    return sweep / peak_to_peak(sweep).max()


def _answered(activity: Activity) -> int:
    """Return a copy with a typical F wave: the median by size."""
    _, f = protocols.waves(activity)
    return int(np.argsort(f)[len(f) // 2])


def _trace(test: str, title: str, sweeps: Wave, outcome: object, from_ms: float = 0.0) -> MovementTrace:
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
    return MovementTrace(test, nerve.MUSCLE, title, xr.Dataset(data, axes), nearest_to_median(outcome))
