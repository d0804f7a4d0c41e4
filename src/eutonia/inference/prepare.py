"""From a recording to what a fit needs: the test cut out, neighbours averaged, its path smoothed."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from eutonia.inference import checks
from eutonia.inference.forward import SLOTS, Body, Path
from eutonia.inference.movement import movement, spread_of_noise
from eutonia.inference.recording import Recording, Samples, refuse
from eutonia.limb.swing import ReflexConstants

# How much of a pendulum test is used, s before and after release: what the model follows and a little of the hold, in
# all what a fit holds at 100 Hz.
_SWING_BEFORE, _SWING_AFTER, _SWING_LEAST = 0.15, 4.95, 1.5
# The fall that counts as movement, deg; and how much slower than free the first fall is, through tone.
_FALLEN_DEG, _FALL_SHARE = 5.0, 0.75
# How much of a stretch is used, s before it begins and after it ends.
_RAMP_BEFORE, _RAMP_AFTER = 0.3, 1.5
# After so long the errors of a torque count as independent when their size is guessed, s.
_FORGOTTEN_S = 0.01
# A limb moves where its speed is more than so many of its standard errors.
_FASTER_THAN = 3.0
# Shares of the way between which a stretch is under way, and how far it must return to count as over.
_UNDER_WAY, _RETURNED = (0.02, 0.98), 0.15


@dataclass(frozen=True)
class Prepared:
    """A recording cut and averaged: `time` s (0 where the movement begins), angle deg, the fitted channel, EMG if any.

    `trust` is the share of its usual weight with which each error counts, and each sample the mean of `averaged`
    recorded ones.
    """

    name: str
    time: Samples
    angle: Samples
    channel: Samples
    emg: Samples | None
    path: Path | None
    trust: Samples
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
    return Prepared(r.name, time, angle, angle, emg, None, np.ones(time.size), _each(int(keep.sum())), time > 0.0, 0.0)


def prepare_stretch(r: Recording, body: Body, constants: ReflexConstants) -> Prepared:
    """Check an imposed stretch, cut it out and smooth its path."""
    checks.check_time(r)
    checks.check_angle(r, body)
    torque = checks.check_stretch(r, body)
    checks.check_clipping(r, torque, "torque_Nm")
    step = float(np.median(np.diff(r.time_s)))
    time = np.arange(r.time_s[0], r.time_s[-1] + 0.5 * step, step)
    angle, resisted = np.interp(time, r.time_s, r.angle_deg), np.interp(time, r.time_s, torque)
    since = time - time[0]
    curve = movement(np.deg2rad(angle), step)
    smooth, velocity, acceleration = (curve.at(since, order) for order in range(3))
    way = (np.rad2deg(smooth) - np.rad2deg(smooth[0])) / (np.rad2deg(smooth.max()) - np.rad2deg(smooth[0]))
    first, last = (int(np.argmax(way >= share)) for share in _UNDER_WAY)
    over = np.flatnonzero(way[last:] < 1.0 - _RETURNED)
    until = min(time[last] + _RAMP_AFTER, time[last + over[0] - 1] if over.size else np.inf)
    keep = (time >= time[first] - _RAMP_BEFORE) & (time <= until)
    earlier = since - float(constants.delay)
    felt = curve.at(earlier, 1)
    # A speed within its error counts as none, or the noise of a limb that is held would tire the reflex.
    moves = (np.abs(felt) > _FASTER_THAN * curve.error(earlier, 1)) & (earlier > 0.0)
    delayed = curve.at(earlier), np.where(moves, felt, 0.0)
    series = np.stack([smooth, velocity, acceleration, *delayed, angle, resisted])[:, keep]
    short, series = _averaged(time[keep] - time[first], series)
    steps = np.append(np.diff(short), step)
    path = Path(*(jnp.asarray(_filled(x)) for x in (steps, *series[:5])))
    emg = None if r.emg_mv is None else _averaged(time[keep], np.abs(np.interp(time, r.time_s, r.emg_mv))[keep])[1]
    speed = float((np.rad2deg(smooth[last]) - np.rad2deg(smooth[first])) / (time[last] - time[first]))
    moving = (short >= 0.0) & (short <= time[last] - time[first])
    inertia = float(body.joint.inertia(body.weight_kg, body.stature_m))
    each = _each(int(keep.sum()))
    bends = _averaged(time[keep], curve.basis(since, 2)[keep].T)[1].T
    doubt = inertia * np.sqrt(np.einsum("ni,ij,nj->n", bends, curve.covariance, bends, optimize=True))
    noise = spread_of_noise(series[6], max(1, round(_FORGOTTEN_S / (step * each))))
    trust = 1.0 / np.sqrt(1.0 + (doubt / noise) ** 2)
    return Prepared(r.name, short, series[5], series[6], emg, path, trust, each, moving, speed)


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
