"""How the speed of a stretch comes into its resistance: velocity sensitivity and gain per velocity.

    python calibration/velocity.py     velocity sensitivity against bias from the severity ladder; the split of
                                       McPherson 2018 against gain per velocity

The ladder's rows are fits to pendulum recordings; the bias of a row is what its threshold stands for. Velocity
sensitivity is that of health up to one bias and rises straight from there.

The split (RFX048, RFX049): thirteen people with chronic stroke, elbow, 15 to 150 deg/s; 74 % of the velocity-dependent
rise of resistance came from the slope of torque against angle, 15 % from the threshold. Here survivors whose stroke is
half a year old or more and whose elbow flexors are charted 1+ to 3 on the Modified Ashworth scale (less is a catch at
the end, which has no slope; 4 is an elbow that cannot be turned) are stretched through the full range by the
examination of the program. The threshold b is where reflex torque passes a twentieth of what it has at the end of the
range R, the slope k goes from there to the end; both are averaged over people, and T = k (R - b).
    slope share     = (k_fast - k_slow) (R - b_slow) / (T_fast - T_slow)
    threshold share = k_slow (b_slow - b_fast) / (T_fast - T_slow)          what is left is their product
The study gives no standard errors: those here are of the split between groups of thirteen.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import least_squares
from survivors import survivors

from eutonia import parameters, session
from eutonia.limb.joint import joint
from eutonia.limb.muscle import muscle_groups
from eutonia.limb.swing import Limb, ReflexConstants, torques
from eutonia.simulation.bedside import stepped_constants
from eutonia.simulation.stretching import stretch_and_hold

# Severity ladder of the reduced joint model, without its healthy row: threshold deg, velocity sensitivity s.
LADDER = np.array([(105.0, 0.06), (95.0, 0.12), (86.0, 0.20), (75.0, 0.30), (66.0, 0.40)])

SEED, POOL = 2018, 8192
GROUP, GROUPS = 13, 2000
MUSCLE, CHRONIC_H, GRADES = "elbow flexors", 6 * 730.5, (1.5, 3.0)
BEGINS = 0.05  # share of the torque at the end
SPEEDS = (15.0, 150.0)  # deg/s
PUBLISHED = np.array([0.74, 0.15])  # RFX048, RFX049
GAINS = (0.1, 0.2, 0.3, 0.4, 0.5)
# Samples of a stretch per reflex delay: 5 ms, in which the fastest goes 0.75 deg.
STEPS = 10


def ladder_bias() -> np.ndarray:
    """Return the bias of each row of the ladder, mV."""
    tone = parameters.load("tone")
    without, slope = tone.values(threshold_without_bias="1", threshold_per_bias="1/mV")
    return (without - np.deg2rad(LADDER[:, 0]) / joint("knee").range_rad) / slope


def fit_ladder() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return onset (mV) and rise (s/mV) of velocity sensitivity, their covariance, and what rows are missed by (s)."""
    bias, healthy = ladder_bias(), parameters.load("tone").value("velocity_sensitivity_healthy", "s")

    def gap(x: np.ndarray) -> np.ndarray:
        return healthy + x[1] * np.maximum(bias - x[0], 0.0) - LADDER[:, 1]

    found = least_squares(gap, [1.5, 0.1])
    variance = np.sum(found.fun**2) / (len(bias) - len(found.x))
    return found.x, np.linalg.inv(found.jac.T @ found.jac) * variance, found.fun


def elbows(limb: Limb, grade: np.ndarray, time_h: np.ndarray) -> Limb:
    """Return the elbow flexors that the study could have stretched, by charted grade and time since onset."""
    seen = (time_h >= CHRONIC_H) & (grade >= GRADES[0]) & (grade <= GRADES[1])
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, grade.shape)[seen], limb)


def stretched(limb: Limb, speed: float, constants: ReflexConstants) -> np.ndarray:
    """Stretch through the full range at `speed` (deg/s): return slope (N m/rad) and threshold (rad) of each person."""
    reach, pace = joint("elbow").range_rad, float(np.deg2rad(speed))
    motion = stretch_and_hold(limb, constants, (0.0, reach), pace, reach / pace, steps=STEPS)
    moving = np.asarray(motion.velocity[:, 0]) > 0.0
    angle, torque = (np.asarray(x)[moving] for x in (motion.angle[:, 0], torques(motion, limb, constants).reflex))
    begins = angle[np.argmax(torque > BEGINS * torque[-1], axis=0)]
    begins = np.where(torque[-1] > 0.0, begins, angle[-1])
    return np.stack([torque[-1] / (reach - begins), begins])


def split(slow: np.ndarray, fast: np.ndarray) -> np.ndarray:
    """Return the shares of slope and threshold from mean slope and mean threshold, slow and fast."""
    reach = joint("elbow").range_rad
    (slope, begins), (steeper, sooner) = slow, fast
    rise = steeper * (reach - sooner) - slope * (reach - begins)
    return np.stack([(steeper - slope) * (reach - begins), slope * (begins - sooner)]) / rise


def shares(limb: Limb, gain_per_velocity: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the split of all people, and that of many groups of thirteen (share by group)."""
    constants = dataclasses.replace(stepped_constants(), gain_per_velocity=jnp.asarray(gain_per_velocity))
    slow, fast = (stretched(limb, speed, constants) for speed in SPEEDS)
    who = np.random.default_rng(SEED).integers(slow.shape[1], size=(GROUPS, GROUP))
    groups = split(slow[:, who].mean(axis=-1), fast[:, who].mean(axis=-1))
    return split(slow.mean(axis=-1), fast.mean(axis=-1)), groups


def main() -> None:
    """Print both fits."""
    session.begin()
    (onset, rise), covariance, missed = fit_ladder()
    errors = np.sqrt(np.diag(covariance))
    print(f"ladder: onset {onset:.3f} (SE {errors[0]:.3f}) mV, rise {rise:.4f} (SE {errors[1]:.4f}) s/mV", end=", ")
    print(f"correlation {covariance[0, 1] / errors.prod():.2f}")
    print("  rows missed by", ", ".join(f"{gap:+.3f}" for gap in missed), "s")
    people = survivors(SEED, POOL)
    row = [group.name for group in muscle_groups()].index(MUSCLE)
    grade = np.asarray(people.chart.modified_ashworth_muscle[row])
    limb = elbows(people.bedside.limb(MUSCLE), grade, people.time_h)
    print(f"{limb.threshold.shape[-1]} elbows; published {PUBLISHED[0]:.2f} slope, {PUBLISHED[1]:.2f} threshold")
    print("g_v, s/rad    slope (16-84 % of groups of 13)   threshold")
    for gain in GAINS:
        found, groups = shares(limb, gain)
        low, high = np.percentile(groups, [16, 84], axis=1)
        text = (f"{found[k]:.2f} ({low[k]:.2f} to {high[k]:.2f})" for k in (0, 1))
        print(f"{gain:10.2f}", *text, sep="    ")


if __name__ == "__main__":
    main()
