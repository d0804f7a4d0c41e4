"""What is done to a segment: stretches of the ankle, shocks to a nerve, a descending command, all on one clock.

A plan is built in steps of the clock and frozen; every function returns a new one. Soleus is muscle 0 and lengthens in
dorsiflexion (positive angles), tibialis anterior is muscle 1 and shortens then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from eutonia import parameters
from eutonia.errors import SimulationError
from eutonia.tone.segment import spindle

#: Step of the network's clock, ms.
DT_MS = 0.1
SOLEUS, TIBIALIS = 0, 1
#: Steps since the last shock where there was none yet.
NEVER = 2**30


@dataclass(frozen=True)
class Plan:
    """What arrives at the cord at every step: afferent signals, shocks, command. Arrays are over muscle and patient.

    `ia` and `ii` imp/s of a cat spindle at the cord; `drive` mV of command in the smallest motoneuron; `since` steps
    since the last shock to the nerve of the muscle; `current` mA of that shock; `shocks` the steps of all shocks to the
    nerve of the soleus.
    """

    dt_ms: float
    ia: Float[np.ndarray, "time 2 patient"]
    ii: Float[np.ndarray, "time 2 patient"]
    drive: Float[np.ndarray, "time 2 patient"]
    since: Int[np.ndarray, "time 2 patient"]
    current: Float[np.ndarray, "time 2 patient"]
    shocks: Int[np.ndarray, "shock patient"]

    @property
    def n_steps(self) -> int:
        """Number of steps."""
        return len(self.ia)

    @property
    def duration_s(self) -> float:
        """Duration, s."""
        return self.n_steps * self.dt_ms / 1000.0

    @property
    def time_s(self) -> Float[np.ndarray, " time"]:
        """Start of every step, s."""
        return np.arange(self.n_steps) * self.dt_ms / 1000.0


def rest(duration_s: float, n_patients: int, dt_ms: float = DT_MS) -> Plan:
    """Return a plan in which nothing is done."""
    if not 0.0 < dt_ms <= DT_MS:
        raise SimulationError(
            f"a step of {dt_ms:g} ms is not allowed. Allowed: above 0 and up to {DT_MS:g} ms, because a synaptic "
            f"current lasts 0.4 ms. Use {DT_MS:g}."
        )
    shape = (max(round(duration_s * 1000.0 / dt_ms), 1), 2, n_patients)
    zero = np.zeros(shape)
    still = np.broadcast_to(spindle.secondary(np.zeros(1)), shape)
    none = np.zeros((0, n_patients), dtype=np.int32)
    return Plan(dt_ms, zero, still, zero, np.full(shape, NEVER, dtype=np.int32), zero, none)


def shock(
    plan: Plan, time_s: Sequence[float] | np.ndarray, milliampere: float | np.ndarray, muscle: int = SOLEUS
) -> Plan:
    """Add shocks to the nerve of a muscle at times in s, (shock) or (shock, patient), of a current in mA likewise."""
    n_patients = plan.ia.shape[2]
    times = np.asarray(time_s, dtype=float)
    times = np.broadcast_to(times[:, None] if times.ndim == 1 else times, (len(times), n_patients))
    strength = np.broadcast_to(np.asarray(milliampere, dtype=float), times.shape)
    steps = np.rint(times * 1000.0 / plan.dt_ms).astype(np.int32)
    since, current = plan.since.copy(), plan.current.copy()
    for patient in range(n_patients):
        for step, strong in sorted(zip(steps[:, patient], strength[:, patient], strict=True)):
            after = max(plan.n_steps - step, 0)
            since[step:, muscle, patient] = np.arange(after)
            current[step:, muscle, patient] = strong
    shocks = np.sort(np.concatenate([plan.shocks, steps]), axis=0) if muscle == SOLEUS else plan.shocks
    return replace(plan, since=since, current=current, shocks=shocks)


def command(plan: Plan, drive_mv: Float[np.ndarray, "time patient"], muscle: int = SOLEUS) -> Plan:
    """Add a descending command to one muscle, mV in its smallest motoneuron at every step."""
    drive = plan.drive.copy()
    drive[:, muscle] += drive_mv
    return replace(plan, drive=drive)


def vibration(plan: Plan, hertz: float | np.ndarray, start_s: float, end_s: float) -> Plan:
    """Add a vibration of the tendon that drives every Ia afferent of the soleus at its frequency."""
    ia = plan.ia.copy()
    between = (plan.time_s >= start_s) & (plan.time_s < end_s)
    ia[between, SOLEUS] += np.asarray(hertz) / parameters.load("segment").value("human_scale", "1")
    return replace(plan, ia=ia)


def stretch(
    plan: Plan,
    angle_deg: Float[np.ndarray, "time patient"],
    fusimotor: np.ndarray | float = 1.0,
    model: Literal["power law", "fibres"] = "power law",
) -> Plan:
    """Add a course of the ankle's angle: dorsiflexion from where it starts lengthens the soleus.

    `fusimotor` is the condition's factor of the velocity part of the Ia rate; the model of the intrafusal fibres has
    fusimotor inputs of its own and takes one course for all patients.
    """
    s = parameters.load("segment")
    arm = 1000.0 * s.value("moment_arm", "m") * s.value("fascicle_share", "1")  # mm
    length = np.deg2rad(angle_deg - angle_deg[:1]) * arm
    speed = np.gradient(length, plan.dt_ms / 1000.0, axis=0)
    both = np.stack([length, -length], axis=1)
    if model == "fibres":
        signal = np.stack([_fibres(sign * length[:, 0], plan.dt_ms) for sign in (1.0, -1.0)], axis=1)[:, :, None]
    else:
        signal = spindle.power_law(both, np.stack([speed, -speed], axis=1), fusimotor)
    way = s.value("nerve_to_stimulus", "m") + s.value("stimulus_to_muscle", "m")
    late = round(1e6 * way / np.mean(s.ends("afferent_velocity", "m/s")) / 1000.0 / plan.dt_ms)
    return replace(
        plan,
        ia=plan.ia + _later(np.broadcast_to(signal, both.shape), late),
        ii=plan.ii + _later(spindle.secondary(both) - spindle.secondary(np.zeros(1)), late),
    )


def ramp(
    plan: Plan, start_s: float, deg_s: float | np.ndarray, range_deg: float | np.ndarray
) -> Float[np.ndarray, "time patient"]:
    """Return a course of angle that rises by a range at a constant speed and is held."""
    moved = (plan.time_s[:, None] - start_s) * np.asarray(deg_s)
    return np.clip(moved, 0.0, np.asarray(range_deg)) * np.ones((1, plan.ia.shape[2]))


def triangle(plan: Plan, start_s: float, rise_s: float, peak: float) -> Float[np.ndarray, "time patient"]:
    """Return a course that rises to a peak and falls again in the same time."""
    course = peak * np.clip(1.0 - np.abs(plan.time_s - start_s - rise_s) / rise_s, 0.0, None)
    return course[:, None] * np.ones((1, plan.ia.shape[2]))


def _fibres(stretch_mm: Float[np.ndarray, " time"], dt_ms: float) -> Float[np.ndarray, " time"]:
    """Return the Ia signal over that at rest of the intrafusal fibres with a usual fusimotor drive."""
    s = parameters.load("spindle")
    length = s.value("rest_length", "1") + stretch_mm / s.value("optimal_length", "mm")
    drive = s.value("drive", "1/s")
    rate = spindle.mileusnic(length, dt_ms / 1000.0, drive, drive)
    return rate - rate[0]


def _later(course: Float[np.ndarray, "time muscle patient"], steps: int) -> Float[np.ndarray, "time muscle patient"]:
    """Return the course as the cord sees it, after conduction."""
    return np.concatenate([np.repeat(course[:1], steps, axis=0), course])[: len(course)]
