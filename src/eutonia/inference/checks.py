"""Is this recording what it is said to be? Slips of unit, sign and order, gaps, clipping, and the wrong test."""

from __future__ import annotations

import numpy as np

from eutonia.errors import RecordingError
from eutonia.inference.forward import Body
from eutonia.inference.recording import Recording, Samples, refuse

# Guard rails against slips, set wide; none is a number of the model.
_FEWEST_SAMPLES = 40
_COARSEST_S, _MILLISECONDS_FROM_S = 0.0205, 0.4
_GAP_STEPS, _GAP_S = 2.5, 0.012
_RADIANS_BELOW, _LEAST_MOVED_DEG = 3.3, 8.0
_FASTEST_DEG_S = 2500.0
_CLIPPED_S, _CLIPPED_SAMPLES, _CLIPPED_FALL, _CLIPPED_QUANTA = 0.03, 4, 0.05, 8.0
_TORQUE_TIMES_CEILING = 4.0
_BEYOND_RANGE_DEG = 30.0
_SWING_BACK_DEG, _SWINGS = 8.0, 3
_MILLISECONDS_BELOW_S = 100.0
# Where the zero of another convention shows: a straight joint called 180, a hanging limb called 0.
_STRAIGHT_180, _FROM_HANGING = 130.0, -60.0
_RESTS_FROM, _RESTS_TO = 20.0, 130.0
# A movement by hand or motor: slower than any fall from 15 to 85 % of its way, or straighter than any.
_SLOW_S, _SLOW_BOW, _STRAIGHT, _FEWEST_OF_A_LINE = 0.9, 0.02, 0.002, 5
# An angle in coarser steps that stands still in a larger share of a stretch has no speed to speak of.
_COARSE_DEG, _STANDS = 0.2, 0.5


def check_time(r: Recording) -> None:
    """Refuse times that are not in order, not in seconds, have gaps or are too far apart."""
    _check_order(r)
    _check_spacing(r)


def _check_order(r: Recording) -> None:
    step = np.diff(r.time_s)
    if r.time_s.size < _FEWEST_SAMPLES:
        do = "Export the whole test at the rate at which it was recorded."
        given, allowed = f"{r.time_s.size} samples", f"at least {_FEWEST_SAMPLES}"
        raise refuse(r.name, "the table", given, "That is too short for a fit.", do, allowed=allowed)
    if (back := np.flatnonzero(step < 0)).size:
        at = back[0] + 1
        given = f"{r.time_s[at]:g} s after {r.time_s[at - 1]:g} s"
        do = "Sort the samples by time, or cut out one recording if several follow one another."
        raise refuse(r.name, "time_s", given, f"Time runs backwards ({back.size} times).", do, line=int(r.lines[at]))
    if (same := np.flatnonzero(step == 0)).size:
        at = same[0] + 1
        words = f"{same.size} times stand" if same.size > 1 else "One time stands"
        do = "Keep one sample a time; if the clock is too coarse, number the samples and divide by the sampling rate."
        raise refuse(r.name, "time_s", f"{r.time_s[at]:g} s twice", f"{words} twice.", do, line=int(r.lines[at]))


def _check_spacing(r: Recording) -> None:
    step = np.diff(r.time_s)
    usual = float(np.median(step))
    if usual >= _MILLISECONDS_FROM_S:
        slip = "milliseconds, divide by 1000" if usual < _MILLISECONDS_BELOW_S else "microseconds, divide by 1e6"
        given, why, do = f"a sample every {usual:g} s", "A limb cannot be followed like that.", f"If these are {slip}."
        raise refuse(r.name, "time_s", given, why, do, allowed="seconds")
    longest = int(np.argmax(step))
    if step[longest] > max(_GAP_STEPS * usual, usual + _GAP_S):
        given = f"{step[longest]:.3g} s without a sample, after {r.time_s[longest]:g} s"
        do = "Cut the recording so that the test lies before or after the gap; nothing is filled in."
        why = f"There is a gap: samples are {usual:.3g} s apart elsewhere."
        raise refuse(r.name, "time_s", given, why, do, line=int(r.lines[longest + 1]))
    if usual > _COARSEST_S:
        do = "Record at 100 Hz or more (a video at 60 frames a second is enough)."
        given, why = f"{1 / usual:.3g} samples a second", "The stretch reflex acts within 50 ms."
        raise refuse(r.name, "time_s", given, why, do, allowed="at least 49 a second")


def check_angle(r: Recording, body: Body) -> None:
    """Refuse radians, a limb that does not move, jumps, and angles that the joint does not have."""
    low, high = float(r.angle_deg.min()), float(r.angle_deg.max())
    span = float(np.rad2deg(body.joint.range_rad))
    if max(abs(low), abs(high)) < _RADIANS_BELOW:
        moved = f"{low:.3g} to {high:.3g}"
        if high - low > np.deg2rad(_LEAST_MOVED_DEG):
            why = "That looks like radians; as degrees, it would be a limb that does not move."
            raise refuse(r.name, "angle_deg", moved, why, "Multiply by 57.296.", allowed="degrees")
    if high - low < _LEAST_MOVED_DEG:
        do = "Is this the angle of the joint that was moved, and the whole test?"
        given, allowed = f"{low:.3g} to {high:.3g} deg", f"a movement of {_LEAST_MOVED_DEG:g} deg or more"
        raise refuse(r.name, "angle_deg", given, "The limb does not move.", do, allowed=allowed)
    speed = np.abs(np.diff(r.angle_deg)) / np.diff(r.time_s)
    steep = int(np.argmax(speed))
    jump = abs(r.angle_deg[steep + 1] - r.angle_deg[steep])
    if speed[steep] > _FASTEST_DEG_S and jump > 0.1 * (high - low):
        gap = r.time_s[steep + 1] - r.time_s[steep]
        given = f"{r.angle_deg[steep]:.3g} to {r.angle_deg[steep + 1]:.3g} deg in {gap:.3g} s"
        do = "Mend the sample or the sensor's turn over 360 deg; if times are in the wrong unit, convert them."
        raise refuse(r.name, "angle_deg", given, "No limb is that fast.", do, line=int(r.lines[steep + 1]))
    if low < -_BEYOND_RANGE_DEG or high > span + _BEYOND_RANGE_DEG:
        raise _convention(r, body, low, high, span)


def _convention(r: Recording, body: Body, low: float, high: float, span: float) -> RecordingError:
    """Word which zero or sign the angles of a recording seem to have."""
    why = f"At the {body.joint.name} angles run from 0 (muscle shortest) to {span:.0f} deg and grow with the stretch."
    start, end = (float(np.median(part)) for part in (r.angle_deg[:5], r.angle_deg[-5:]))
    do = "Set the zero where the muscle is shortest; give stretch as growing angles."
    if start > max(_STRAIGHT_180, end):
        do = "If 180 is the straight joint, give 180 minus the angle."
    elif high <= _BEYOND_RANGE_DEG and start > end:
        do = "Change the sign."
    elif start < _FROM_HANGING:
        do = "If 0 is the hanging limb, add 90."
    return refuse(r.name, "angle_deg", f"{low:.3g} to {high:.3g} deg", why, do)


def check_clipping(r: Recording, values: Samples, column: str) -> None:
    """Refuse a channel that runs into its end and stays there: flat at the highest value after a steep rise."""
    top = float(values.max())
    flat = values >= top
    starts = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(int)) == 1)
    ends = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(int)) == -1)
    steps = np.abs(np.diff(values))
    quantum = float(steps[steps > 0].min()) if (steps > 0).any() else 0.0
    for first, last in zip(starts, ends, strict=True):
        length = r.time_s[last - 1] - r.time_s[first]
        if last - first < _CLIPPED_SAMPLES or length < _CLIPPED_S or first == 0:
            continue
        before = np.searchsorted(r.time_s, r.time_s[first] - min(length / 2, 0.05))
        fall = top - values[min(before, first - 1)]
        if fall > max(_CLIPPED_FALL * (top - float(values.min())), _CLIPPED_QUANTA * quantum):
            given = f"{top:.4g} for {1000 * length:.0f} ms"
            do = "Widen the range of the sensor and record again; or cut the recording before that."
            why = "The sensor is at its end: the top is cut off."
            raise refuse(r.name, column, given, why, do, line=int(r.lines[first]))


def check_swing(r: Recording, bottom: int) -> None:
    """Refuse what is no pendulum test: an angle that falls, ends elsewhere, or moves evenly from sample `bottom` on."""
    start, end = float(r.angle_deg[bottom]), float(np.median(r.angle_deg[-max(5, r.angle_deg.size // 10) :]))
    first = float(np.median(r.angle_deg[:3]))
    if end < first - _LEAST_MOVED_DEG and end < start + _LEAST_MOVED_DEG:
        given = f"{first:.3g} deg at the start, {end:.3g} deg at the end"
        do = "If 180 is the straight knee, give 180 minus the angle; else change the sign."
        why = "A leg that is let go flexes, and flexion grows from 0 (level) to about 90."
        raise refuse(r.name, "angle_deg", given, why, do)
    given = f"{start:.3g} deg at the start, {end:.3g} deg at the end"
    if not -_BEYOND_RANGE_DEG < start < end - _LEAST_MOVED_DEG:
        do = "Set the zero at the level shank; if 0 is the hanging leg, add 90. Give the whole fall."
        why = "A leg that is let go falls from any angle short of rest: 0 deg is level, about 90 deg hangs."
        raise refuse(r.name, "angle_deg", given, why, do)
    if _is_even(r, bottom):
        do = "Use --test ramp with the torque, or name the recording of the pendulum test."
        why = "A leg that falls speeds up and swings: this was moved by a hand or a motor."
        raise refuse(r.name, "angle_deg", "a movement at constant speed", why, do)
    if not _RESTS_FROM < end < _RESTS_TO:
        do = "Does the recording end before the leg has come to rest, or is it another angle?"
        raise refuse(r.name, "angle_deg", given, "A leg that is let go comes to rest at 30 to 120 deg.", do)


def _is_even(r: Recording, bottom: int) -> bool:
    """Say whether the first movement runs at constant speed from 15 to 85 % of its way."""
    times, angles = r.time_s[bottom:], r.angle_deg[bottom:]
    low, high = angles[0], angles.max()
    early, late = (int(np.argmax(angles >= low + share * (high - low))) for share in (0.15, 0.85))
    time, angle = times[early : late + 1], angles[early : late + 1]
    if time.size < _FEWEST_OF_A_LINE:
        return False
    slow = time[-1] - time[0] > _SLOW_S
    line = np.polyfit(time, angle, 1)
    bow = np.polyfit(time, angle, 3)
    left = float(np.std(angle - np.polyval(line, time))) / (high - low)
    gained = float(np.std(np.polyval(bow, time) - np.polyval(line, time))) / (high - low)
    return bool((slow and left < _SLOW_BOW) or gained < _STRAIGHT)


def check_stretch(r: Recording, body: Body) -> Samples:
    """Return the torque of an imposed stretch; refuse a missing or impossible one, and a swing."""
    if r.torque_nm is None:
        do = "Add the column torque_Nm; without a torque only a pendulum test can be fitted (--test pendulum)."
        raise refuse(r.name, "the columns", "no torque_Nm", "In an imposed stretch the torque holds what is asked.", do)
    if _turns(r) >= _SWINGS:
        do = "Use --test pendulum, or cut out one stretch."
        raise refuse(r.name, "angle_deg", "a limb that swings to and fro", "A ramp is one stretch and a hold.", do)
    ceiling = body.ceiling
    largest = float(np.abs(r.torque_nm).max())
    if largest > _TORQUE_TIMES_CEILING * ceiling:
        do = "If these are N cm, divide by 100; if N mm, by 1000."
        allowed = f"a resistance of up to about {_TORQUE_TIMES_CEILING * ceiling:.0f} N m"
        why = f"No muscle at the {body.joint.name} of that body resists so much."
        raise refuse(r.name, "torque_Nm", f"{largest:.4g}", why, do, allowed=allowed)
    if np.ptp(r.torque_nm) == 0.0:
        given, why = f"{r.torque_nm[0]:g} throughout", "The torque does not change."
        raise refuse(r.name, "torque_Nm", given, why, "Is the sensor connected?")
    top = int(np.argmax(r.angle_deg))
    if top < _FEWEST_SAMPLES // 10 or r.angle_deg[top] - r.angle_deg[0] < _LEAST_MOVED_DEG:
        do = "If the stretch lowers the angle, change its sign and set the zero where the muscle is shortest."
        given, why = f"{r.angle_deg[0]:.3g} deg falling", "The angle grows as the muscle is stretched."
        raise refuse(r.name, "angle_deg", given, why, do)
    during = slice(0, top + 1)
    slope = np.polyfit(r.angle_deg[during], r.torque_nm[during], 1)[0]
    if slope < 0 and r.torque_nm[top] < np.median(r.torque_nm[:5]) - 0.01 * ceiling:
        do = "Change the sign of the torque; take off the weight of the limb if it is still in."
        given, why = "a torque that falls as the muscle is stretched", "Resistance to the stretch counts positive."
        raise refuse(r.name, "torque_Nm", given, why, do)
    return r.torque_nm


def check_grain(r: Recording) -> None:
    """Refuse a stretch whose angle stands still and jumps, again and again."""
    low, high = float(r.angle_deg[0]), float(r.angle_deg.max())
    first, last = (int(np.argmax(r.angle_deg >= low + share * (high - low))) for share in (0.1, 0.9))
    steps = np.abs(np.diff(r.angle_deg[first : last + 1]))
    still = steps == 0.0
    grain = float(steps[~still].min())
    if grain > _COARSE_DEG and still.mean() > _STANDS:
        do = "Export the angle with more digits, or use a finer sensor; 0.1 deg will do."
        why = "The angle stands still and jumps: it tells no speed, which the reflex follows."
        given, allowed = f"steps of {grain:.2g} deg", f"steps of up to {_COARSE_DEG:g} deg"
        raise refuse(r.name, "angle_deg", given, why, do, allowed=allowed)


def _turns(r: Recording) -> int:
    """Count how often the limb turns round after moving so far that noise is out of the question."""
    turns, direction, last = 0, 0, float(r.angle_deg[0])
    for angle in r.angle_deg:
        if (direction >= 0 and angle > last) or (direction <= 0 and angle < last):
            if direction == 0 and abs(angle - last) < _SWING_BACK_DEG:
                continue
            direction = direction or (1 if angle > last else -1)
            last = float(angle)
        elif abs(angle - last) >= _SWING_BACK_DEG:
            turns, direction, last = turns + 1, -direction, float(angle)
    return turns
