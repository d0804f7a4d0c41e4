"""From a recording to what a fit needs: the test cut out, neighbours averaged, its path found."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import uniform_filter1d

from eutonia.inference import checks
from eutonia.inference.forward import SLOTS, Body, Path, Stretch
from eutonia.inference.movement import Movement, movement
from eutonia.inference.recording import Recording, Samples, refuse
from eutonia.limb.swing import ReflexConstants

# How much of a pendulum test is used, s before and after release: what the model follows and a little of the hold, in
# all what a fit holds at 100 Hz.
_SWING_BEFORE, _SWING_AFTER, _SWING_LEAST = 0.15, 4.95, 1.5
# The fall that counts as movement, deg; and how much slower than free the first fall is, through tone.
_FALLEN_DEG, _FALL_SHARE = 5.0, 0.75
# How much of a stretch is used, s before it begins and after it ends.
_RAMP_BEFORE, _RAMP_AFTER = 0.3, 1.5
# A limb moves where its speed is more than so many of its standard errors.
_FASTER_THAN = 3.0
# Shares of the way between which a stretch is under way, and how far it must return to count as over.
_UNDER_WAY, _RETURNED = (0.02, 0.98), 0.15
# Window over which the angle is averaged to find begin and end of a stretch, s.
_BLURRED_S = 0.02
# A stretch that moves less within a sample, deg, is followed at the samples that a fit uses.
_COARSE_DEG = 0.6


@dataclass(frozen=True)
class Prepared:
    """A recording cut and averaged: `time` s (0 where the movement begins), angle deg, the fitted channel, EMG if any.

    Each sample is the mean of `averaged` recorded ones.
    """

    name: str
    time: Samples
    angle: Samples
    channel: Samples
    emg: Samples | None
    stretch: Stretch | None
    averaged: int
    moving: Bool[np.ndarray, " sample"]
    speed: float


def prepare_swing(r: Recording, body: Body) -> Prepared:
    """Check a pendulum test and cut it out."""
    checks.check_time(r)
    checks.check_angle(r, body)
    checks.check_clipping(r, r.angle_deg, "angle_deg")
    held = r.angle_deg[: max(3, int(np.searchsorted(r.time_s, r.time_s[0] + 0.05)))]
    begin = float(np.median(held))
    fallen = r.angle_deg > begin + max(_FALLEN_DEG, 4.0 * float(np.std(held)))
    pulled = body.joint.falling_rate(body.stature_m) ** 2 * _FALL_SHARE
    if not fallen.any():
        checks.check_swing(r)
    seen = float(r.time_s[int(np.argmax(fallen))] - np.sqrt(2.0 * np.deg2rad(_FALLEN_DEG) / pulled))
    after = r.time_s[-1] - seen
    checks.check_swing(r)
    if after < _SWING_LEAST:
        do = "Record until the leg has come to rest; five seconds are used."
        raise refuse(
            r.name,
            "time_s",
            f"{after:.2g} s after release",
            "The swing is not over.",
            do,
            allowed=f"at least {_SWING_LEAST:g} s",
        )
    keep = (r.time_s >= seen - _SWING_BEFORE) & (r.time_s <= seen + _SWING_AFTER)
    time, angle = _averaged(r.time_s[keep] - seen, r.angle_deg[keep])
    emg = None if r.emg_mv is None else _averaged(r.time_s[keep], np.abs(r.emg_mv[keep]))[1]
    return Prepared(r.name, time, angle, angle, emg, None, _each(int(keep.sum())), time > 0.0, 0.0)


def prepare_stretch(r: Recording, body: Body, constants: ReflexConstants) -> Prepared:
    """Check an imposed stretch, cut it out and find the movement behind its angle."""
    checks.check_time(r)
    checks.check_angle(r, body)
    torque = checks.check_stretch(r, body)
    checks.check_clipping(r, torque, "torque_Nm")
    checks.check_grain(r)
    step = float(np.median(np.diff(r.time_s)))
    time = np.arange(r.time_s[0], r.time_s[-1] + 0.5 * step, step)
    angle, resisted = np.interp(time, r.time_s, r.angle_deg), np.interp(time, r.time_s, torque)
    first, last, until = _stretched(time, angle, step)
    keep = (time >= time[first] - _RAMP_BEFORE) & (time <= until)
    since = time[keep] - time[keep][0]
    curve = movement(np.deg2rad(angle[keep]), step)
    earlier = since - float(constants.delay)
    # A speed within its error counts as none, or the noise of a limb that is held would tire the reflex.
    felt = (np.abs(curve.at(earlier, 1)) > _FASTER_THAN * curve.error(earlier, 1)) & (earlier > 0.0)
    rows = [curve.basis(since, order) for order in range(3)]
    rows += [curve.basis(earlier), np.where(felt[:, None], curve.basis(earlier, 1), 0.0)]
    short, series = _averaged(time[keep] - time[first], np.stack([angle[keep], resisted[keep]]))
    emg = None if r.emg_mv is None else _averaged(time[keep], np.abs(np.interp(time, r.time_s, r.emg_mv))[keep])[1]
    way = (since >= time[first] - time[keep][0]) & (since <= time[last] - time[keep][0])
    speed = float(np.rad2deg(np.median(curve.at(since[way], 1))))
    moving = (short >= 0.0) & (short <= time[last] - time[first])
    # The model is averaged like the recording where it changes much within a sample.
    each = _each(since.size)
    means = np.stack(rows)[:, : since.size // each * each]
    if speed * step * each < _COARSE_DEG:
        means, step = means.reshape(len(means), -1, each, means.shape[2]).mean(axis=2), step * each
    stretch = _stretch(step, short.size, means, curve)
    return Prepared(r.name, short, series[0], series[1], emg, stretch, each, moving, speed)


def _stretch(step: float, samples: int, rows: Float[np.ndarray, "five sample row"], curve: Movement) -> Stretch:
    slots = SLOTS * (rows.shape[1] // samples)
    filled = np.pad(rows, ((0, 0), (0, slots - rows.shape[1]), (0, 0)), mode="edge")
    series = filled @ curve.coefficients
    path = Path(jnp.full(slots, step), *(jnp.asarray(one)[:, None] for one in series))
    return Stretch(path, samples, filled @ curve.scatter())


def _stretched(time: Samples, angle: Samples, step: float) -> tuple[int, int, float]:
    """Return the samples between which a stretch is under way, and the time until which its hold is used."""
    smooth = uniform_filter1d(angle, max(1, round(_BLURRED_S / step)), mode="nearest")
    way = (smooth - smooth[0]) / (smooth.max() - smooth[0])
    first, last = (int(np.argmax(way >= share)) for share in _UNDER_WAY)
    over = np.flatnonzero(way[last:] < 1.0 - _RETURNED)
    return first, last, min(time[last] + _RAMP_AFTER, time[last + over[0] - 1] if over.size else np.inf)


def _each(samples: int) -> int:
    """Return how many samples are averaged together so that a fit can hold them all."""
    return -(-samples // SLOTS)


def _averaged(
    time: Samples, values: Float[np.ndarray, "*row sample"]
) -> tuple[Float[np.ndarray, " slot"], Float[np.ndarray, "*row slot"]]:
    """Average neighbours together until no more samples are left than a fit uses."""
    each = _each(time.size)
    whole = time.size // each * each
    return (
        time[:whole].reshape(-1, each).mean(axis=1),
        values[..., :whole].reshape(*values.shape[:-1], -1, each).mean(axis=-1),
    )
