"""What the emulator is fitted to: threshold line, gain, H/M and depression of many segments, from spiking runs.

Every segment is stretched at four speeds, shocked at four currents and given a train at 1 Hz, four copies each time, so
that one compiled program serves all three.
"""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from eutonia.tone.emulator import INPUTS
from eutonia.tone.segment import stimuli
from eutonia.tone.segment.cells import Sizes
from eutonia.tone.segment.condition import Condition
from eutonia.tone.segment.movements import LEAD_S as STRETCH_LEAD_S
from eutonia.tone.segment.movements import read_stretch
from eutonia.tone.segment.network import Segment
from eutonia.tone.segment.protocols import LEAD_S, supramaximal, waves
from eutonia.tone.segment.readout import Activity

#: Speeds of the ramps, deg/s, and currents of the recruitment curve below the supramaximal one, mA: as many of each.
SPEEDS = (50.0, 100.0, 200.0, 400.0)
CURRENTS = (14.0, 15.0, 16.0)
COPIES = len(SPEEDS)
#: Range of a ramp, deg: beyond a real ankle, so that most thresholds lie inside; and the part that gives the gain.
RANGE_DEG, GAIN_DEG = 100.0, 20.0
_GAIN_SPEED = 1
_TAIL_S = 0.065
#: An H below this share of M is too small to be followed through a train.
_SMALLEST_H = 0.05


def condition(x: Float[np.ndarray, "input point"]) -> Condition:
    """Return the segments at points of the emulator's inputs."""
    given = {name: jnp.asarray(values) for name, values in zip(INPUTS, x, strict=True)}
    return eqx.tree_at(
        lambda c: (c.release, c.girk, c.fusimotor, c.pad_rest),
        Condition.of_bias(given["bias"]),
        (given["release"], given["girk"], given["fusimotor"], given["pad_rest"]),
    )


def measure(
    x: Float[np.ndarray, "input point"], sizes: Sizes, person: Sequence[int]
) -> Float[np.ndarray, "output point"]:
    """Return the emulator's outputs from spiking runs at points of its inputs; nan where a reflex never came."""
    many = jax.tree_util.tree_map(lambda v: jnp.repeat(v, COPIES), condition(x))
    segment = Segment.of(many, sizes, person=np.repeat(np.asarray(person), COPIES).tolist())
    return np.stack([*_stretched(segment), *_shocked(segment)])


def _stretched(segment: Segment) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return lambda (deg), mu (s) and gain (N m/rad)."""
    n = segment.condition.n_patients // COPIES
    speeds = np.tile(SPEEDS, n)
    plan = stimuli.rest(STRETCH_LEAD_S + RANGE_DEG / min(SPEEDS) + _TAIL_S, len(speeds))
    angle = stimuli.ramp(plan, STRETCH_LEAD_S, speeds, RANGE_DEG)
    activity = segment.run(stimuli.stretch(plan, angle, np.asarray(segment.condition.fusimotor)))
    end = np.rint((STRETCH_LEAD_S + RANGE_DEG / speeds + _TAIL_S) * 1000.0 / plan.dt_ms).astype(int)
    onset = read_stretch(activity, angle, end)[1].reshape(n, COPIES)
    line = [np.polyfit(SPEEDS, row, 1) if np.isfinite(row).all() else (np.nan, np.nan) for row in onset]
    slope = np.array(line)
    return slope[:, 1], -slope[:, 0], _gains(activity, angle, onset)


def _gains(activity: Activity, angle: np.ndarray, onset: np.ndarray) -> np.ndarray:
    """Return the rise of torque with angle beyond the onset at one speed; nan where there is no room or no rise."""
    torque = activity.torque()
    gain = np.full(len(onset), np.nan)
    for k, first in enumerate(onset[:, _GAIN_SPEED]):
        copy = k * COPIES + _GAIN_SPEED
        inside = (angle[:, copy] >= first) & (angle[:, copy] <= first + GAIN_DEG)
        if np.isfinite(first) and first + GAIN_DEG < RANGE_DEG:
            gain[k] = np.polyfit(np.deg2rad(angle[inside, copy]), torque[inside, copy], 1)[0]
    return np.where(gain > 0.0, gain, np.nan)


def _shocked(segment: Segment) -> tuple[np.ndarray, np.ndarray]:
    """Return Hmax/Mmax, and H at 1 Hz over the first H at the best current."""
    n = segment.condition.n_patients // COPIES
    currents = np.append(CURRENTS, supramaximal())
    plan = stimuli.shock(stimuli.rest(LEAD_S + _TAIL_S, n * COPIES), [LEAD_S], np.tile(currents, n)[None, :])
    m, h = (wave.reshape(n, COPIES) for wave in waves(segment.run(plan)))
    best = np.repeat(currents[h.argmax(1)], COPIES)
    train = stimuli.shock(stimuli.rest(LEAD_S + 3.0 + _TAIL_S, n * COPIES), LEAD_S + np.arange(4.0), best[None, :])
    activity = segment.run(train)
    first, last = (waves(activity, shock)[1].reshape(n, COPIES).mean(1) for shock in (0, 3))
    h_over_m = h.max(1) / m.max(1)
    kept = h_over_m > _SMALLEST_H
    return h_over_m, np.where(kept, last / np.where(kept, first, 1.0), np.nan)
