"""From impulses to what an electrode on the muscle and a torque transducer see: EMG, M, H and F waves, torque, rates.

An impulse reaches the muscle after its axon's conduction time, unless it met the antidromic impulse of a shock on the
way. A shock also fires the axons directly: the M wave.

Equation
    EMG(t) = sum a_i h(t - s - L/v_i),  h(x + 4.5 w) = -(x/w) e^(1/2 - x^2/2w^2)         (share of the M wave's sum)
Source: Cisi_Kohn_2008; the torque is the sum of `twitch`, x = t - s - L/v_i.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.signal import lfilter

from eutonia import parameters
from eutonia.tone.segment.stimuli import SOLEUS, Plan
from eutonia.tone.segment.twitch import Twitches
from eutonia.tone.segment.units import MotorUnits

Rows = Int[np.ndarray, "_ 4"]
Course = Float[np.ndarray, "time patient"]
#: Half the length of a motor-unit potential in units of its time scale: beyond it less than 0.1 % is left.
_REACH = 4.5
KINDS = ("Ia", "II", "Ia inhibitory", "Renshaw")


@dataclass(frozen=True)
class Activity:
    """All impulses of a run: rows of step, muscle, cell and patient, in order of time.

    `sizes` tells how many cells of each kind a muscle has; `motor` are the impulses that leave motoneurons, `others`
    those of Ia, II, Ia inhibitory and Renshaw cells, where recorded.
    """

    units: MotorUnits
    plan: Plan
    sizes: Mapping[str, int]
    motor: Rows
    others: tuple[Rows, ...] = ()

    @property
    def n_patients(self) -> int:
        """Number of patients."""
        return self.plan.ia.shape[2]

    def emg(self, muscle: int = SOLEUS) -> Course:
        """Return the EMG of a muscle, in shares of the M wave's summed potentials at every step."""
        dt = self.plan.dt_ms
        width = parameters.load("segment").value("potential_time", "ms")
        x = np.arange(-_REACH * width, _REACH * width + dt / 2, dt) / width
        wave = -x * np.exp(0.5 - x**2 / 2.0)
        steps, unit, patient = self._arrivals(muscle)
        train = _placed(steps, patient, self.units.potential[unit], self.plan.n_steps, self.n_patients)
        return lfilter(wave, [1.0], train, axis=0)

    def torque(self, muscle: int = SOLEUS) -> Course:
        """Return the torque of a muscle at the ankle, N m, as the sum of twitches."""
        twitches = Twitches.of(self.units, self.plan.dt_ms)
        steps, unit, patient = self._arrivals(muscle)
        total = np.zeros((self.plan.n_steps, self.n_patients))
        family = twitches.family[unit]
        for k in np.unique(family):
            mine = family == k
            train = _placed(steps[mine], patient[mine], twitches.size[unit[mine]], self.plan.n_steps, self.n_patients)
            total += _twitches(train, float(twitches.ratio[k]))
        return total

    def _arrivals(self, muscle: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return step, unit and patient of all impulses that reach the muscle: from the cord, and from shocks."""
        rows = self.motor[self.motor[:, 1] == muscle]
        step, unit, patient = self._shocked(muscle)
        through = ~self._meets(rows, muscle)
        rows = rows[through]
        late = np.rint(self._way_ms(whole=True)[rows[:, 2]] / self.plan.dt_ms).astype(int)
        return (
            np.concatenate([rows[:, 0] + late, step]),
            np.concatenate([rows[:, 2], unit]),
            np.concatenate([rows[:, 3], patient]),
        )

    def _way_ms(self, *, whole: bool) -> Float[np.ndarray, " unit"]:
        """Return conduction times from the cord to the muscle, or to the stimulating electrode, ms."""
        near, far = parameters.load("segment").values(nerve_to_stimulus="m", stimulus_to_muscle="m")
        return 1000.0 * (near + far if whole else near) / self.units.velocity

    def _meets(self, rows: Rows, muscle: int) -> Bool[np.ndarray, " _"]:
        """Say which impulses meet that of a shock in their axon on the way out."""
        way = np.rint(self._way_ms(whole=False) / self.plan.dt_ms).astype(int)[rows[:, 2]]
        # Where it passes the electrode, the last shock lies less than twice the way back.
        passes = np.minimum(rows[:, 0] + way, self.plan.n_steps - 1)
        late = rows[:, 0] + way - passes
        back = self.plan.since[passes, muscle, rows[:, 3]] + late
        strong = self.plan.current[passes, muscle, rows[:, 3]] > self.units.current[rows[:, 2]]
        return strong & (back < 2 * way)

    def _shocked(self, muscle: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return step, unit and patient of the impulses that shocks send straight to the muscle."""
        step, patient = np.nonzero(self.plan.since[:, muscle] == 0)
        strength = self.plan.current[step, muscle, patient]
        which, unit = np.nonzero(strength[:, None] > self.units.current[None, :])
        far = parameters.load("segment").value("stimulus_to_muscle", "m")
        late = np.rint(1000.0 * far / self.units.velocity / self.plan.dt_ms).astype(int)
        return step[which] + late[unit], unit, patient[which]

    def rate(self, muscle: int = SOLEUS, start_s: float = 0.0) -> Float[np.ndarray, "unit patient"]:
        """Return the mean rate of every unit after a time, impulses/s."""
        first = round(start_s * 1000.0 / self.plan.dt_ms)
        rows = self.motor[(self.motor[:, 1] == muscle) & (self.motor[:, 0] >= first)]
        counts = np.zeros((self.units.n_units, self.n_patients))
        np.add.at(counts, (rows[:, 2], rows[:, 3]), 1.0)
        return counts / (self.plan.duration_s - start_s)

    def train(self, unit: int, patient: int = 0, muscle: int = SOLEUS) -> Float[np.ndarray, " impulse"]:
        """Return the times of the impulses of one motoneuron, s."""
        m = self.motor
        mine = (m[:, 1] == muscle) & (m[:, 2] == unit) & (m[:, 3] == patient)
        return m[mine, 0] * self.plan.dt_ms / 1000.0


def _placed(step: np.ndarray, patient: np.ndarray, size: np.ndarray, n_steps: int, n_patients: int) -> Course:
    """Return a course with jumps of given sizes at given steps."""
    train = np.zeros((n_steps, n_patients))
    inside = step < n_steps
    np.add.at(train, (step[inside], patient[inside]), size[inside])
    return train


def _twitches(train: Course, ratio: float) -> Course:
    """Return the sum of twitches (x/T) e^(1 - x/T) of a train; `ratio` is dt/T. The sampled twitch, exactly."""
    fade = np.exp(-ratio)
    return lfilter([0.0, ratio * np.e * fade], [1.0, -2.0 * fade, fade**2], train, axis=0)


def window(
    course: Course, plan: Plan, start_ms: float, end_ms: float, shock: int = 0
) -> Float[np.ndarray, "part patient"]:
    """Return the part of a course between two times after a shock to the soleus, for every patient."""
    first, last = (round(t / plan.dt_ms) for t in (start_ms, end_ms))
    steps = plan.shocks[shock][None, :] + np.arange(first, last)[:, None]
    return np.take_along_axis(course, np.minimum(steps, plan.n_steps - 1), axis=0)


def peak_to_peak(course: Course) -> Float[np.ndarray, " patient"]:
    """Return the difference between the highest and the lowest value."""
    return course.max(0) - course.min(0)
