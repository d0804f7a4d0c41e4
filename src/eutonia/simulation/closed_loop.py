"""The spiking segment moves the ankle, and the ankle drives its spindles: a stretch reflex that closes on itself.

Equation
    stretch of the soleus = r s (theta - theta_n), of the tibialis anterior the negative  (r arm, s share of fascicles)
    spindles (power law) -> afferents, delayed -> segment -> impulses, delayed -> twitches -> torque -> theta
Method of steps: both ways take longer than a block of steps, so within a block limb and cord hear nothing of each
other: first the limb, then the cord is stepped through it from what the other did before, both at the clock of the
network, and the order does not matter. The delay of the loop, from a stretch to the first force, is a number of its
own: what axons and one synapse leave of it lies before the cord and stands for afferents, spindle and contraction.
Assumptions
    Torques of twitches add up and shorten as the joint model's muscle does (force-velocity); the tendon is in the share
    of the fascicles.
Not for: shocks or tendon taps in a joint that moves, or a bistable joint with short-range stiffness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from eutonia import parameters
from eutonia._compiled import compiled
from eutonia._types import Scalar
from eutonia.errors import SimulationError
from eutonia.limb.driven import Moving, moved
from eutonia.limb.swing import Limb, ReflexConstants
from eutonia.tone.segment import stimuli
from eutonia.tone.segment.network import Record, Segment, State, advance, events, resting
from eutonia.tone.segment.readout import Activity
from eutonia.tone.segment.spindle import PowerLaw
from eutonia.tone.segment.stimuli import NEVER, SOLEUS, TIBIALIS
from eutonia.tone.segment.twitch import Twitches

#: Seconds that one compiled program runs; a longer time repeats it.
_PART_S = 0.3
#: The least time for afferents and all before the cord, ms: shorter blocks would be slow.
_LEAST_MS = 5.0


@dataclass(frozen=True)
class Loop:
    """What happened: impulses, and angle (rad), speed (rad/s) and torque of both muscles (N m) at every step."""

    activity: Activity
    angle: Float[np.ndarray, "time patient"]
    velocity: Float[np.ndarray, "time patient"]
    torque: Float[np.ndarray, "time 2 patient"]


class _Body(eqx.Module):
    """What stays the same: cord, limb, muscles, spindles, `neutral` rad, `arm` mm/rad; delays and `block` in steps."""

    segment: Segment
    limb: Limb
    constants: ReflexConstants
    spindles: PowerLaw
    twitches: Twitches
    neutral: Scalar
    arm: Scalar
    late_in: Int[np.ndarray, " patient"]
    late_out: Int[np.ndarray, " unit"]
    dt_ms: float = eqx.field(static=True)
    block: int = eqx.field(static=True)
    record: Record = eqx.field(static=True)

    def signals(self, joint: Moving) -> Array:
        """Return what the spindles of both muscles say: (Ia or II, muscle, patient)."""
        length = (joint.angle - self.neutral) * self.arm
        speed = joint.velocity * self.arm
        both = jnp.stack([length, -length])
        ia = self.spindles.primary(both, jnp.stack([speed, -speed]), self.segment.condition.fusimotor)
        return jnp.stack([ia, self.spindles.secondary(both)])


class _Now(eqx.Module):
    """What changes: cord, joint, twitches; signals and impulses that are still on their way."""

    cord: State
    joint: Moving
    pull: tuple[Array, Array]
    signals: Float[Array, "said kind 2 patient"]
    impulses: Bool[Array, "sent 2 unit patient"]


def close(
    segment: Segment,
    limb: Limb,
    constants: ReflexConstants,
    path: Float[np.ndarray, "time 2"],
    duration_s: float,
    *,
    delay_s: Float[np.ndarray, " patient"],
    dt_ms: float = stimuli.DT_MS,
    record: Record = "motor",
) -> Loop:
    """Hold the ankle of every patient along a path, let go, and return what it does.

    Parameters
    ----------
    segment, limb, constants
        Cord and ankle of each patient; of `constants` only force-velocity counts.
    path
        Angle (rad) and speed (rad/s) at every step as long as it is held.
    duration_s
        How long is watched, the path included, s.
    delay_s
        Time from a stretch to the first force, s.
    dt_ms
        Step of the clock, ms.
    record
        Impulses of motoneurons alone ("motor") or of every cell ("all").
    """
    body = _body(segment, limb, constants, delay_s, dt_ms, record)
    n_steps = round(duration_s * 1000.0 / dt_ms)
    part = max(round(_PART_S * 1000.0 / dt_ms / body.block), 1) * body.block
    now = _start(body, float(path[0, 0]))
    is_held = np.arange(n_steps + part) < len(path)
    course = np.concatenate([path, np.zeros((max(n_steps + part - len(path), 0), 2))])
    motor: list[np.ndarray] = []
    more: list[list[np.ndarray]] = []
    seen: list[list[np.ndarray]] = []
    for first in range(0, n_steps, part):
        block = (-1, body.block)
        here = [jnp.asarray(x[first : first + part].reshape(*block, *x.shape[1:])) for x in (course, is_held)]
        now, spikes, signs = _part(body, now, here)
        found = [events(x, first, n_steps) for x in spikes]
        motor.append(found[0])
        more.append(found[1:])
        seen.append([np.asarray(x) for x in signs])
    ia, ii, angle, velocity, torque = (np.concatenate(x)[:n_steps] for x in zip(*seen, strict=True))
    kinds = tuple(np.concatenate(x) for x in zip(*more, strict=True))
    still = stimuli.rest(duration_s, segment.condition.n_patients, dt_ms)
    activity = Activity(
        segment.cells.units, replace(still, ia=ia, ii=ii), segment.sizes.by_kind, np.concatenate(motor), kinds
    )
    return Loop(activity, angle, velocity, torque)


def _body(
    segment: Segment, limb: Limb, constants: ReflexConstants, delay_s: np.ndarray, dt_ms: float, record: Record
) -> _Body:
    s, units = parameters.load("segment"), segment.cells.units
    way = s.value("nerve_to_stimulus", "m") + s.value("stimulus_to_muscle", "m")
    out_ms = 1000.0 * way / units.velocity
    in_ms = 1000.0 * np.asarray(delay_s) - out_ms.mean() - segment.cells.synaptic_delay
    if in_ms.min() < _LEAST_MS:
        least = out_ms.mean() + segment.cells.synaptic_delay + _LEAST_MS
        raise SimulationError(
            f"a loop of {1000.0 * float(np.min(delay_s)):g} ms is not allowed. Allowed: {np.ceil(least):g} ms or more, "
            "because motor axons alone take most of that. Usual: 40 to 60 ms."
        )
    late_in, late_out = (np.rint(x / dt_ms).astype(int) for x in (in_ms, out_ms))
    return _Body(
        segment=segment,
        limb=limb,
        constants=constants,
        spindles=PowerLaw.from_records(),
        twitches=Twitches.of(units, dt_ms),
        neutral=float(np.deg2rad(parameters.load("limb_ankle").value("neutral", "deg"))),
        arm=1000.0 * s.value("moment_arm", "m") * s.value("fascicle_share", "1"),
        late_in=late_in,
        late_out=late_out,
        dt_ms=dt_ms,
        block=int(min(late_in.min(), late_out.min())),
        record=record,
    )


def _start(body: _Body, angle: float) -> _Now:
    """Return ankles held still at an angle, their cords at rest."""
    cord = resting(body.segment.cells, body.segment.condition, body.dt_ms, 0)
    n_units, n = cord.potential.shape[1:]
    dtype = cord.potential.dtype
    zero = jnp.zeros(n, dtype)
    joint = Moving(zero + angle, zero, zero)
    calm = jnp.zeros((2, len(body.twitches.ratio), n), dtype)
    signals = body.signals(joint).astype(dtype)
    return _Now(
        cord=cord,
        joint=joint,
        pull=(calm, calm),
        signals=signals * jnp.ones((int(body.late_in.max()), 1, 1, 1), dtype),
        impulses=jnp.zeros((int(body.late_out.max()), 2, n_units, n), bool),
    )


@compiled
def _part(body: _Body, now: _Now, given: Sequence[Array]) -> tuple[_Now, tuple[Array, ...], tuple[Array, ...]]:
    """Run blocks; return impulses of every kind, and signals at the cord, angle, speed, torque at every step."""
    now, (spikes, signs) = jax.lax.scan(partial(_block, body), now, tuple(given))
    joined = [tuple(x.reshape(-1, *x.shape[2:]) for x in group) for group in (spikes, signs)]
    return now, joined[0], joined[1]


def _block(body: _Body, now: _Now, given: Sequence[Array]) -> tuple[_Now, tuple[tuple[Array, ...], tuple[Array, ...]]]:
    """Step limb and cord through a block, each from what the other did before it."""
    step = jnp.arange(body.block)[:, None]
    there = len(now.signals) - body.late_in + step
    felt = jnp.take_along_axis(now.signals, there[:, None, None, :], axis=0)
    there = len(now.impulses) - body.late_out + step
    arrived = now.impulses[there, :, jnp.arange(there.shape[1])]  # step, unit, muscle, patient
    weighed = body.twitches.gathered(jnp.swapaxes(arrived, 1, 2).astype(felt.dtype))

    joint, pull, (said, angle, velocity, torque) = _moved(body, now, weighed, given)
    quiet = jnp.zeros_like(felt[:, 0])
    never = jnp.full(quiet.shape, NEVER, jnp.int32)
    inputs = (felt[:, 0], felt[:, 1], quiet, never, quiet)
    cord, spikes = advance(body.segment.cells, body.segment.condition, now.cord, inputs, body.dt_ms, body.record)
    after = _Now(
        cord=cord,
        joint=joint,
        pull=pull,
        signals=jnp.concatenate([now.signals, said])[body.block :],
        impulses=jnp.concatenate([now.impulses, spikes[0]])[body.block :],
    )
    return after, (spikes, (felt[:, 0], felt[:, 1], angle, velocity, torque))


def _moved(
    body: _Body, now: _Now, weighed: Array, given: Sequence[Array]
) -> tuple[Moving, tuple[Array, Array], tuple[Array, ...]]:
    """Step the joint through a block under impulses that reach the muscles, N m."""

    def one(
        carry: tuple[Moving, tuple[Array, Array]], known: Sequence[Array]
    ) -> tuple[tuple[Moving, tuple[Array, Array]], tuple[Array, ...]]:
        (joint, pull), (impulses, path, is_held) = carry, known
        held = [jnp.where(is_held, at, x) for at, x in zip(path, (joint.angle, joint.velocity), strict=True)]
        joint = Moving(held[0], held[1], joint.acceleration)
        pull, torque = body.twitches.step(pull, impulses)
        muscles = (torque[SOLEUS], torque[TIBIALIS])
        onward = moved(body.limb, joint, muscles, is_held, body.dt_ms / 1000.0, body.constants)
        return (onward, pull), (body.signals(joint), joint.angle, joint.velocity, torque)

    (joint, pull), seen = jax.lax.scan(one, (now.joint, now.pull), (weighed, *given))
    return joint, pull, seen
