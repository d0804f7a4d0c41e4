"""From a recording to what a fit needs: the test cut out, averaged to the samples that a fit uses, its path smoothed."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.signal import savgol_filter

from eutonia.inference import checks
from eutonia.inference.forward import SLOTS, Body, Path
from eutonia.inference.recording import Recording, Samples, refuse
from eutonia.limb.swing import ReflexConstants

# How much of a pendulum test is used, s before and after release: what the model follows, and a little of the hold.
_SWING_BEFORE, _SWING_AFTER, _SWING_LEAST = 0.25, 4.95, 1.5
# The fall that counts as movement, deg; and how much slower than free the first fall is, through tone.
_FALLEN_DEG, _FALL_SHARE = 5.0, 0.75
# How much of a stretch is used, s before it begins and after it ends.
_RAMP_BEFORE, _RAMP_AFTER = 0.3, 1.5
# Window that smooths the path of a stretch, s at least and at most, and the noise of speed that it may leave (share of
# the speed): noise that the model took for movement would tire the reflex.
_SMOOTH_LEAST, _SMOOTH_MOST, _SPEED_NOISE = 0.02, 0.5, 0.005
# Shares of the way between which a stretch is under way, and how far it must return to count as over.
_UNDER_WAY, _RETURNED = (0.02, 0.98), 0.15


@dataclass(frozen=True)
class Prepared:
    """A recording cut and averaged: `time` s (0 where the movement begins), angle deg, the fitted channel, EMG if any."""

    name: str
    time: Samples
    angle: Samples
    channel: Samples
    emg: Samples | None
    path: Path | None
    moving: np.ndarray
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
        raise refuse(r.name, "time_s", f"{after:.2g} s after release", "The swing is not over.", do, allowed=f"at least {_SWING_LEAST:g} s")
    keep = (r.time_s >= seen - _SWING_BEFORE) & (r.time_s <= seen + _SWING_AFTER)
    time, angle = _averaged(r.time_s[keep] - seen, r.angle_deg[keep])
    emg = None if r.emg_mv is None else _averaged(r.time_s[keep], np.abs(r.emg_mv[keep]))[1]
    return Prepared(r.name, time, angle, angle, emg, None, time > 0.0, 0.0)


def prepare_stretch(r: Recording, body: Body, constants: ReflexConstants) -> Prepared:
    """Check an imposed stretch, cut it out and smooth its path."""
    checks.check_time(r)
    checks.check_angle(r, body)
    torque = checks.check_stretch(r, body)
    checks.check_clipping(r, torque, "torque_Nm")
    step = float(np.median(np.diff(r.time_s)))
    time = np.arange(r.time_s[0], r.time_s[-1] + 0.5 * step, step)
    angle = np.interp(time, r.time_s, r.angle_deg)
    smooth, velocity, acceleration = _smoothed(np.deg2rad(angle), step)
    way = (np.rad2deg(smooth) - np.rad2deg(smooth[0])) / (np.rad2deg(smooth.max()) - np.rad2deg(smooth[0]))
    first, last = (int(np.argmax(way >= share)) for share in _UNDER_WAY)
    over = np.flatnonzero(way[last:] < 1.0 - _RETURNED)
    until = min(time[last] + _RAMP_AFTER, time[last + over[0] - 1] if over.size else np.inf)
    keep = (time >= time[first] - _RAMP_BEFORE) & (time <= until)
    delayed = [np.interp(time - float(constants.delay), time, x, left=x0) for x, x0 in ((smooth, smooth[0]), (velocity, 0.0))]
    resisted = np.interp(time, r.time_s, torque)
    series = np.stack([smooth, velocity, acceleration, *delayed, angle, resisted])[:, keep]
    short, series = _averaged(time[keep] - time[first], series)
    steps = np.append(np.diff(short), step)
    path = Path(*(jnp.asarray(_filled(x)) for x in (steps, *series[:5])))
    emg = None if r.emg_mv is None else _averaged(time[keep], np.abs(np.interp(time, r.time_s, r.emg_mv))[keep])[1]
    speed = float((np.rad2deg(smooth[last]) - np.rad2deg(smooth[first])) / (time[last] - time[first]))
    moving = (short >= 0.0) & (short <= time[last] - time[first])
    return Prepared(r.name, short, series[5], series[6], emg, path, moving, speed)


def _smoothed(angle: Samples, step: float) -> tuple[Samples, Samples, Samples]:
    """Return angle, speed and acceleration through parabolas over as many samples as the noise of the angle asks for."""
    noise = float(np.std(np.diff(angle, 2))) / np.sqrt(6.0)
    way = (angle - angle[0]) / np.ptp(angle)
    early, late = (int(np.argmax(way >= share)) for share in (0.1, 0.9))
    speed = 0.8 * np.ptp(angle) / (max(late - early, 1) * step)
    # The slope of a line through n samples has the variance 12 s^2 / (n^3 step^2).
    wanted = float(np.cbrt(12.0 * (noise / (_SPEED_NOISE * speed * step)) ** 2))
    samples = np.clip(wanted, _SMOOTH_LEAST / step, _SMOOTH_MOST / step)
    window = min(max(5, 2 * round(0.5 * float(samples)) + 1), (angle.size - 1) // 2 * 2 - 1)
    smooth, velocity, acceleration = (
        savgol_filter(angle, window, 2, deriv=order, delta=step, mode="nearest") for order in (0, 1, 2)
    )
    return smooth, velocity, acceleration


def _averaged(time: Samples, values: Float[np.ndarray, "*row sample"]) -> tuple[Samples, Float[np.ndarray, "*row sample"]]:
    """Average neighbours together until no more samples are left than a fit uses."""
    each = -(-time.size // SLOTS)
    whole = time.size // each * each
    return (
        time[:whole].reshape(-1, each).mean(axis=1),
        values[..., :whole].reshape(*values.shape[:-1], -1, each).mean(axis=-1),
    )


def _filled(values: Samples) -> Samples:
    return np.pad(values, (0, SLOTS - values.size), mode="edge")
