"""From a recording to what a fit needs: the test cut out, neighbours averaged, its path smoothed."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import maximum_filter1d
from scipy.signal import savgol_filter

from eutonia import parameters
from eutonia.inference import checks
from eutonia.inference.forward import SLOTS, Body, Path
from eutonia.inference.recording import Recording, Samples, refuse
from eutonia.limb.swing import ReflexConstants

# How much of a pendulum test is used, s before and after release: what the model follows and a little of the hold, in
# all what a fit holds at 100 Hz.
_SWING_BEFORE, _SWING_AFTER, _SWING_LEAST = 0.15, 4.95, 1.5
# The fall that counts as movement, deg; and how much slower than free the first fall is, through tone.
_FALLEN_DEG, _FALL_SHARE = 5.0, 0.75
# How much of a stretch is used, s before it begins and after it ends.
_RAMP_BEFORE, _RAMP_AFTER = 0.3, 1.5
# Narrowest and widest window that smooths the path of a stretch, s, and the noise that the widest may leave in the
# speed, rad/s: noise that the model took for movement would tire the reflex. The speed changes where two windows differ
# by so many standard deviations.
_FEW_S, _MANY_S, _SPEED_NOISE, _CHANGED = 0.016, 0.5, 0.0015, 3.5
# Shares of the way between which a stretch is under way, and how far it must return to count as over.
_UNDER_WAY, _RETURNED = (0.02, 0.98), 0.15


@dataclass(frozen=True)
class Prepared:
    """A recording cut and averaged: `time` s (0 where the movement begins), angle deg, the fitted channel, EMG if any.

    `trust` is the share of its usual weight with which each error counts.
    """

    name: str
    time: Samples
    angle: Samples
    channel: Samples
    emg: Samples | None
    path: Path | None
    trust: Samples
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
    return Prepared(r.name, time, angle, angle, emg, None, np.ones(time.size), time > 0.0, 0.0)


def prepare_stretch(r: Recording, body: Body, constants: ReflexConstants) -> Prepared:
    """Check an imposed stretch, cut it out and smooth its path."""
    checks.check_time(r)
    checks.check_angle(r, body)
    torque = checks.check_stretch(r, body)
    checks.check_clipping(r, torque, "torque_Nm")
    step = float(np.median(np.diff(r.time_s)))
    time = np.arange(r.time_s[0], r.time_s[-1] + 0.5 * step, step)
    angle, resisted = np.interp(time, r.time_s, r.angle_deg), np.interp(time, r.time_s, torque)
    smooth, velocity, acceleration, error = _smoothed(np.deg2rad(angle), step)
    way = (np.rad2deg(smooth) - np.rad2deg(smooth[0])) / (np.rad2deg(smooth.max()) - np.rad2deg(smooth[0]))
    first, last = (int(np.argmax(way >= share)) for share in _UNDER_WAY)
    over = np.flatnonzero(way[last:] < 1.0 - _RETURNED)
    until = min(time[last] + _RAMP_AFTER, time[last + over[0] - 1] if over.size else np.inf)
    keep = (time >= time[first] - _RAMP_BEFORE) & (time <= until)
    delayed = [
        np.interp(time - float(constants.delay), time, x, left=x0) for x, x0 in ((smooth, smooth[0]), (velocity, 0.0))
    ]
    series = np.stack([smooth, velocity, acceleration, *delayed, angle, resisted, error])[:, keep]
    short, series = _averaged(time[keep] - time[first], series)
    steps = np.append(np.diff(short), step)
    path = Path(*(jnp.asarray(_filled(x)) for x in (steps, *series[:5])))
    emg = None if r.emg_mv is None else _averaged(time[keep], np.abs(np.interp(time, r.time_s, r.emg_mv))[keep])[1]
    speed = float((np.rad2deg(smooth[last]) - np.rad2deg(smooth[first])) / (time[last] - time[first]))
    moving = (short >= 0.0) & (short <= time[last] - time[first])
    usual, doubt = (parameters.load("inference").value(name) for name in ("torque_noise", "acceleration_error"))
    inertia = float(body.joint.inertia(body.weight_kg, body.stature_m))
    trust = 1.0 / np.sqrt(1.0 + (inertia / (usual * body.ceiling)) ** 2 * ((doubt * series[2]) ** 2 + series[7] ** 2))
    # The mean of several samples errs less than one, which matters where stretches of several lengths are fitted.
    trust = trust * np.sqrt(_each(int(keep.sum())))
    return Prepared(r.name, short, series[5], series[6], emg, path, trust, moving, speed)


def _smoothed(angle: Samples, step: float) -> tuple[Samples, Samples, Samples, Samples]:
    """Return angle, speed, acceleration and the standard error of the acceleration, from parabolas through neighbours:
    through many where the speed is steady, through few where it changes by more than noise.
    """
    noise = float(np.std(np.diff(angle, 2))) / np.sqrt(6.0)
    window = _odd(_FEW_S / step)
    # The slope and the bend of a parabola through n samples have the variances 12 s^2 / (n^3 step^2) and 720 s^2 /
    # (n^5 step^4).
    wanted = float(np.cbrt(12.0 * (noise / (_SPEED_NOISE * step)) ** 2))
    most = min(_odd(wanted), _odd(_MANY_S / step), _odd(angle.size / 4.0))
    chosen = _parabolas(angle, window, step)
    error = np.full(angle.size, noise * np.sqrt(720.0 / window**5) / step**2)
    steady = np.ones(angle.size, bool)
    while window < most:
        doubt = _CHANGED * noise * np.sqrt(12.0 / window**3) / step
        window = min(_odd(1.6 * window), most)
        wider = _parabolas(angle, window, step)
        differs = (np.abs(wider[1] - chosen[1]) > doubt).astype(float)
        steady &= maximum_filter1d(differs, window) == 0.0
        chosen = np.where(steady, wider, chosen)
        error = np.where(steady, noise * np.sqrt(720.0 / window**5) / step**2, error)
    return chosen[0], chosen[1], chosen[2], error


def _parabolas(angle: Samples, window: int, step: float) -> Float[np.ndarray, "three sample"]:
    return np.stack([savgol_filter(angle, window, 2, deriv=order, delta=step, mode="nearest") for order in (0, 1, 2)])


def _odd(samples: float) -> int:
    """Return the nearest odd number of samples, five at least."""
    return max(5, 2 * round(0.5 * (samples - 1.0)) + 1)


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


def _filled(values: Samples) -> Float[np.ndarray, " slot"]:
    return np.pad(values, (0, SLOTS - values.size), mode="edge")
