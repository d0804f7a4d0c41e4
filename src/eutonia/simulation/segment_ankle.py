"""The ankle of a person whose cord is simulated cell by cell, moved by an examiner: clonus test, Ashworth stretch.

Posture, push, hand and pressure of the clonus test are those of the reduced model's (`clonus`); the foot is that of a
person of usual size without contracture. Tone is what the segment does: no background torque is added. The cords'
fusimotor factor should be that of `Condition.with_fusimotor_drive`: without it the segment's reflex at the ankle has
about a seventh of the reduced model's gain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia.limb.driven import muscle_torque
from eutonia.limb.joint import joint, limb_with
from eutonia.limb.swing import Limb, Motion
from eutonia.simulation.bedside import group, stepped_constants
from eutonia.simulation.clonus import MUSCLE, in_hand, push
from eutonia.simulation.closed_loop import Loop, close
from eutonia.tone.segment.movements import LEAD_S
from eutonia.tone.segment.network import Record, Segment
from eutonia.tone.segment.stimuli import DT_MS, SOLEUS, TIBIALIS

#: A sample of the movement is kept every so many s: clonus beats in a fifth of a second.
_KEPT_S = 0.001


@dataclass(frozen=True)
class Pressed:
    """A foot that was pushed and is pressed; `released` is the step at which the push stopped."""

    loop: Loop
    released: int

    @cached_property
    def motion(self) -> Motion:
        """The movement from the stop of the push, as the clonus score reads it."""
        plan = self.loop.activity.plan
        every = max(round(_KEPT_S * 1000.0 / plan.dt_ms), 1)
        angle, velocity = (x[self.released :: every] for x in (self.loop.angle, self.loop.velocity))
        time = np.arange(len(angle)) * every * plan.dt_ms / 1000.0
        none = jnp.zeros_like(jnp.asarray(angle))
        return Motion(jnp.asarray(time), jnp.asarray(angle), jnp.asarray(velocity), none, none)

    @property
    def largest_torques(self) -> tuple[float, float]:
        """Largest torque of soleus and tibialis anterior of the first person after the push, N m."""
        torque = self.loop.torque[self.released :, :, 0]
        return float(torque[:, SOLEUS].max()), float(torque[:, TIBIALIS].max())

    @property
    def late_swing_deg(self) -> float:
        """How far the foot of the first person still swings in the later half, deg."""
        return float(np.ptp(np.rad2deg(self.loop.angle[len(self.loop.angle) // 2 :, 0])))


def pressed(
    segment: Segment,
    pressed_s: float | None = None,
    *,
    delay_s: Float[np.ndarray, " patient"] | float | None = None,
    dt_ms: float = DT_MS,
    record: Record = "motor",
) -> Pressed:
    """Push the foot of each person to the end of its range and press it.

    Parameters
    ----------
    segment
        The cords.
    pressed_s
        How long the foot is pressed; as long as in the reduced model's test when left out.
    delay_s
        Time from a stretch to the first force; that of the reduced model when left out.
    dt_ms
        Step of the clock.
    record
        Impulses of motoneurons alone or of every cell.
    """
    seconds = parameters.load("examination").value("clonus_time", "s") if pressed_s is None else pressed_s
    delay = parameters.load("tone").value("reflex_delay", "s") if delay_s is None else delay_s
    n = segment.condition.n_patients
    feet = foot(n)
    angle, speed = push()
    path = np.concatenate([_path(angle, speed, dt_ms), [[angle, 0.0]]])
    loop = close(
        segment,
        in_hand(feet, feet),
        stepped_constants(),
        path,
        len(path) * dt_ms / 1000.0 + seconds,
        delay_s=delay * np.ones(n),
        dt_ms=dt_ms,
        record=record,
    )
    return Pressed(loop, len(path) - 1)


def resistance(segment: Segment) -> Float[np.ndarray, " patient"]:
    """Return the mean torque, N m, by which the muscles of each person resist an Ashworth stretch of the ankle."""
    ankle, constants = group(MUSCLE), stepped_constants()
    path = _path(math.radians(ankle.range_of_motion), math.radians(ankle.speed), DT_MS)
    n = segment.condition.n_patients
    delay = np.full(n, parameters.load("tone").value("reflex_delay", "s"))
    loop = close(segment, foot(n), constants, path, len(path) * DT_MS / 1000.0, delay_s=delay)
    muscles = (jnp.asarray(loop.torque[:, SOLEUS]), jnp.asarray(loop.torque[:, TIBIALIS]))
    held = muscle_torque(muscles, jnp.asarray(loop.velocity), constants)
    return np.asarray(held)[path[:, 1] > 0.0].mean(0)


def _path(angle: float, speed: float, dt_ms: float) -> Float[np.ndarray, "time 2"]:
    """Return rest at full plantarflexion, then the way to an angle (rad) at a speed (rad/s), at every step."""
    lead = np.zeros((round(LEAD_S * 1000.0 / dt_ms), 2))
    time = np.arange(round(angle / speed * 1000.0 / dt_ms)) * dt_ms / 1000.0
    return np.concatenate([lead, np.stack([speed * time, np.full_like(time, speed)], axis=1)])


def foot(n: int) -> Limb:
    """Return healthy feet; of their reflex only the usual background torque, which the examiner presses against."""
    ankle = joint("ankle")
    none = jnp.zeros(n)
    return limb_with(
        ankle,
        threshold_deg=none,
        velocity_sensitivity_s=0.0,
        gain_nm_per_rad=0.0,
        background_nm=parameters.load("tone").value("background_tone", "1") * ankle.ceiling,
        depression_per_rad=0.0,
    )
