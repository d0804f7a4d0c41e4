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
_SWING_BEFORE, _SWING_AFTER, _SWING_LEAST = 0.15, 4.8, 1.5
# The fall that counts as movement, deg; and how much slower than free the first fall is, through tone.
_FALLEN_DEG, _FALL_SHARE = 5.0, 0.75
# A limb that is held stirs by less than this, deg, or twice its unrest; where it was held is read off so long before
# it stirs, s.
_STIRS_DEG, _BEFORE_S = 1.5, 0.2
# The first swing is the first rise of so much of the largest; the hold before it, s; and how near rest a fall is slow:
# sine of the angle to rest, at least.
_FIRST_RISE, _HOLD_S, _STEEP = 0.6, 0.1, 0.3
# A leg has nearly come to rest between these times after it was held, s.
_RESTS_S = (3.0, 4.8)
# A limb that moves faster than this at its first sample, deg/s, and on by so many deg in twice so many s, was released
# before; how far speed and angle that are reckoned back may err, as shares.
_MOVES_DEG_S, _MOVED_DEG, _FIRST_S, _BACK_TIME, _BACK_ANGLE = 10.0, 2.0, 0.05, 0.3, 0.5
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
    begin: Begin | None = None

    @property
    def step(self) -> float:
        """Time between samples, s."""
        return float(np.median(np.diff(self.time)))


@dataclass(frozen=True)
class Begin:
    """How a swing begins: angle at release (deg), its doubt beside that of a hand that lets go (deg), doubt of the time
    of release (s), and whether the recording begins later.
    """

    angle: float
    angle_doubt: float = 0.0
    time_doubt: float = 0.0
    is_missing: bool = False


def prepare_swing(r: Recording, body: Body) -> Prepared:
    """Check a pendulum test and cut it out."""
    checks.check_time(r)
    checks.check_angle(r, body)
    checks.check_clipping(r, r.angle_deg, "angle_deg")
    checks.check_swing(r, bottom := _bottom(r.angle_deg))
    seen, begin = _release(r, bottom, body.joint.falling_rate(body.stature_m) ** 2 * _FALL_SHARE)
    after = r.time_s[-1] - seen
    if after < _SWING_LEAST:
        do = "Record until the leg has come to rest; five seconds are used."
        given, allowed = f"{after:.2g} s after release", f"at least {_SWING_LEAST:g} s"
        raise refuse(r.name, "time_s", given, "The swing is not over.", do, allowed=allowed)
    keep = (r.time_s >= max(seen - _SWING_BEFORE, r.time_s[bottom] - _HOLD_S)) & (r.time_s <= seen + _SWING_AFTER)
    time, angle = _averaged(r.time_s[keep] - seen, r.angle_deg[keep])
    emg = None if r.emg_mv is None else _averaged(r.time_s[keep], np.abs(r.emg_mv[keep]))[1]
    return Prepared(r.name, time, angle, angle, emg, None, _each(int(keep.sum())), time > 0.0, 0.0, begin)


def _bottom(angle: Samples) -> int:
    """Return the last sample of the hold, from which the first swing rises: a leg may be lifted before."""
    lowest = np.minimum.accumulate(angle)
    rise = angle - lowest
    top = int(np.argmax(rise >= _FIRST_RISE * rise.max()))
    return int(np.flatnonzero(angle[: top + 1] <= lowest[top])[-1])


def _release(r: Recording, bottom: int, pull: float) -> tuple[float, Begin]:
    """Return about when a leg was let go, and from where; `pull` is the acceleration of a level leg, rad/s2."""
    time, angle = r.time_s, r.angle_deg
    late = angle[(time >= time[bottom] + _RESTS_S[0]) & (time <= time[bottom] + _RESTS_S[1])]
    rest = float(np.median(late if late.size else angle[-max(5, angle.size // 10) :]))

    def pulled(at: float) -> float:
        return float(np.rad2deg(pull * max(np.sin(np.deg2rad(rest - at)), _STEEP)))

    first = slice(bottom, max(int(np.searchsorted(time, time[bottom] + _FIRST_S)), bottom + 5))
    slope, height = np.polyfit(time[first] - time[bottom], angle[first], 1)
    # The slope is that of the middle of the window.
    speed = slope - 0.5 * float(np.ptp(time[first])) * pulled(height)
    noise = float(np.std(angle[first] - np.polyval([slope, height], time[first] - time[bottom])))
    onward = float(np.interp(time[bottom] + 2.0 * _FIRST_S, time, angle)) - height
    is_moving = slope > _MOVES_DEG_S + 4.0 * noise / _FIRST_S and onward > _MOVED_DEG
    if time[bottom] - time[0] < _FIRST_S and is_moving:
        back = max(speed, 0.5 * slope) / pulled(height)
        fallen = 0.5 * pulled(height) * back**2
        return float(time[bottom]) - back, Begin(height - fallen, _BACK_ANGLE * fallen, _BACK_TIME * back, True)
    hold = angle[(time >= time[bottom] - _HOLD_S) & (time <= time[bottom] + _HOLD_S)] if bottom else angle[first]
    held = hold[hold <= np.min(hold) + _FALLEN_DEG]
    begin, unrest = float(np.median(held)), float(np.std(held))
    crossed = bottom + int(np.argmax(angle[bottom:] > begin + max(_FALLEN_DEG, 4.0 * unrest)))
    # Tone and a slow hand delay the fall: what is no hold any more says nothing of where the limb was held.
    still = angle[: crossed + 1] <= begin + max(_STIRS_DEG, 2.0 * unrest)
    last = int(np.flatnonzero(still)[-1]) if still.any() else crossed
    seen = float(time[last])
    before = angle[(time >= max(seen - _BEFORE_S, time[bottom] - _HOLD_S)) & (time <= seen)]
    return seen, Begin(float(np.median(before)))


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
