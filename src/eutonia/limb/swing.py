"""A joint that moves freely: gravity, passive tissue and the stretch reflex, stepped in time for many people at once.

One muscle group is stretched as the angle grows; angles in rad from its shortest position, torques in N m.

Equation
    I v'  = m g l cos(theta - theta_g) + T_load - d v - T_p - T_stop - T_srs - T_b - T_r
    e(t)  = max(0, theta(t - tau) - lambda + mu v(t - tau))
    R'    = (1 - R)/tau_R - k_R R max(e', 0)
    a1'   = (R e - a1)/tau_a ;  a2' = (a1 - a2)/tau_a
    T_r   = S(theta) T_max tanh(G (1 + g_v max(v, 0)) a2 / T_max) FV(v) ;  FV = clip(1 + v/v_ref, 0, FV_max)
    T_b   = S(theta) T_0, with T_0 the background tone; S as in `strength`, 1 for a constant lever
    T_p   = k_p max(0, theta - theta_p)
    T_stop= T_e [exp(c (theta - theta_high)) - exp(c (theta_low - theta))]
    T_srs = k_srs T_0 min(theta - theta_0, x_srs) on the first stretch, then fading with tau_srs
    a hand that lets go over tau_h holds with what kept the limb still, times exp(-t/tau_h)

Method of steps: the excitation of one delay is known before it acts, so each delay is a block, and the block before
it is its input. Within a block, resource and activation are exact for excitation that is linear over a step; angle
and speed advance by the second-order Adams-Bashforth and trapezoid rules, one evaluation of the torque a step.

Source: reduced joint model; DeGroote_2018 for short-range stiffness, end stops and delay.
Not for: two joints at once, voluntary movement, a muscle that is slack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from eutonia._types import Scalar
from eutonia.limb.strength import Strength

Patients = Float[Array, " patient"] | Scalar
Traces = Float[Array, "time patient"]

# Steps in one delay (2.5 ms at a delay of 50 ms): halving the step moves no reported angle by 0.01 deg and no index by
# 1e-4 (tested).
STEPS = 20
# Every so many steps a sample is kept: 5 ms at a delay of 50 ms.
KEPT = 2
# Keeps a quotient finite where nothing moves, rad/s.
_STILL = 1e-12


class Limb(eqx.Module):
    """One joint of each person, its tissue and its reflex; what is left a number is the same for all.

    `inertia` kg m2, `gravity` m g l in N m, `horizontal` the angle at which the segment is level, `load` a steady
    torque towards stretch, N m; `damping` N m s/rad; `stiffness` N m/rad beyond `rest_angle`; `stop_torque` N m at
    the ends `low` and `high` of the free range, growing by `stop_rate` 1/rad; `background` N m; `threshold` rad,
    `velocity_sensitivity` s, `gain` N m/rad, `ceiling` N m, `depression` 1/rad; `strength` says where active muscle
    has most torque (rad), none for a constant lever.
    """

    inertia: Patients
    gravity: Patients
    horizontal: Patients
    load: Patients
    damping: Patients
    stiffness: Patients
    rest_angle: Patients
    stop_torque: Patients
    stop_rate: Patients
    low: Patients
    high: Patients
    background: Patients
    threshold: Patients
    velocity_sensitivity: Patients
    gain: Patients
    ceiling: Patients
    depression: Patients
    strength: Strength | None = None


class ReflexConstants(eqx.Module):
    """Constants that all people and joints share: s, rad/s, rad, 1/rad; `short_range_stiffness` per unit of T_0."""

    delay: Scalar
    activation_time: Scalar
    depression_recovery_time: Scalar
    gain_per_velocity: Scalar
    force_velocity_reference: Scalar
    force_velocity_ceiling: Scalar
    short_range_stiffness: Scalar
    short_range_stretch: Scalar
    short_range_time: Scalar


class Start(eqx.Module):
    """State at time 0: angle, speed, resource and activation, the excitation of the last delay, whether short-range
    stiffness is there to be stretched (1) or was broken by a movement just before (0), and the time over which a hand
    lets go, s.
    """

    angle: Float[Array, " patient"]
    velocity: Float[Array, " patient"]
    resource: Float[Array, " patient"]
    first: Float[Array, " patient"]
    second: Float[Array, " patient"]
    excitation: Float[Array, "step patient"]
    fresh: Float[Array, " patient"]
    letting_go: Patients = 0.0


class Motion(eqx.Module):
    """Samples of a movement: `time` s, `angle` rad, `velocity` rad/s, `activation` rad, `short_range` N m."""

    time: Float[Array, " time"]
    angle: Traces
    velocity: Traces
    activation: Traces
    short_range: Traces


class Torques(eqx.Module):
    """What resists a stretch, N m: `reflex`, `background` tone, tissue (`elastic`, end stops included), `viscous`,
    `short_range`.
    """

    reflex: Traces
    background: Traces
    elastic: Traces
    viscous: Traces
    short_range: Traces

    @property
    def neural(self) -> Traces:
        """What the nervous system adds: reflex and background tone."""
        return self.reflex + self.background

    @property
    def passive(self) -> Traces:
        """What is left when the nervous system is silent, and the short-range stiffness."""
        return self.elastic + self.viscous + self.short_range

    @property
    def total(self) -> Traces:
        """All of it."""
        return self.neural + self.passive


# Resource, first and second activation.
_Reflex = tuple[Array, Array, Array]


class _State(NamedTuple):
    angle: Array
    velocity: Array
    acceleration: Array
    resource: Array
    first: Array
    second: Array
    short_range: Array
    fresh: Array
    held: Array


def excitation(angle: Array, velocity: Array, limb: Limb) -> Array:
    """Return how far the stretch is beyond the dynamic threshold, rad; it acts one delay later."""
    return jnp.maximum(angle - limb.threshold + limb.velocity_sensitivity * velocity, 0.0)


def reflex_torque(angle: Array, activation: Array, velocity: Array, limb: Limb, constants: ReflexConstants) -> Array:
    """Return the reflex torque, N m."""
    c = constants
    drive = limb.gain * (1.0 + c.gain_per_velocity * jnp.maximum(velocity, 0.0)) * activation
    return _strong(angle, limb) * (limb.ceiling * jnp.tanh(drive / limb.ceiling) * force_velocity(velocity, c))


def background_torque(angle: Array, limb: Limb) -> Array:
    """Return the torque of background tone, N m."""
    return _strong(angle, limb) * limb.background * jnp.ones_like(angle)


def _strong(angle: Array, limb: Limb) -> Array | float:
    """Return the share of its torque that active muscle has at an angle."""
    return 1.0 if limb.strength is None else limb.strength.share(angle)


def force_velocity(velocity: Array, constants: ReflexConstants) -> Array:
    """Return the force of a muscle that is stretched at this speed, share of its force when still."""
    c = constants
    return jnp.clip(1.0 + velocity / c.force_velocity_reference, 0.0, c.force_velocity_ceiling)


def passive_torque(angle: Array | float, limb: Limb) -> Array:
    """Return the torque of passive tissue without the end stops, N m."""
    return limb.stiffness * jnp.maximum(angle - limb.rest_angle, 0.0)


def stop_torque(angle: Array | float, limb: Limb) -> Array:
    """Return the torque of the end stops, N m."""
    beyond, before = limb.stop_rate * (angle - limb.high), limb.stop_rate * (limb.low - angle)
    return limb.stop_torque * (jnp.exp(beyond) - jnp.exp(before))


def gravity_torque(angle: Array, limb: Limb, cosine: Callable[[Array], Array] = jnp.cos) -> Array:
    """Return the torque of gravity, N m, positive where it stretches the muscle group."""
    return limb.gravity * cosine(angle - limb.horizontal)


@jax.jit
def torques(motion: Motion, limb: Limb, constants: ReflexConstants) -> Torques:
    """Return what resisted at every sample of a movement."""
    return resisting_torques(motion.angle, motion.velocity, motion.activation, motion.short_range, limb, constants)


def resisting_torques(
    angle: Array, velocity: Array, activation: Array, short_range: Array, limb: Limb, constants: ReflexConstants
) -> Torques:
    """Return what resists a movement whose series are given apart; angle and velocity may be one for all limbs."""
    return Torques(
        reflex=reflex_torque(angle, activation, velocity, limb, constants),
        background=background_torque(angle, limb),
        elastic=passive_torque(angle, limb) + stop_torque(angle, limb),
        viscous=limb.damping * velocity,
        short_range=short_range,
    )


def at_rest(
    angle: Array, limb: Limb, *, steps: int = STEPS, moved_before: bool = False, letting_go: Patients = 0.0
) -> Start:
    """Return the start of a limb that was held still at `angle` (rad), or moved just before if so said; the hand that
    held it lets go over the time `letting_go`, s.
    """
    still = jnp.zeros_like(angle)
    held = excitation(angle, still, limb) * jnp.ones_like(angle)
    past = held * jnp.ones((steps + 1, 1), held.dtype)
    fresh = still if moved_before else still + 1.0
    return Start(angle, still, still + 1.0, held, held, past, fresh, letting_go)


def activate(
    resource: Array,
    first: Array,
    second: Array,
    before: Array,
    after: Array,
    depression: Patients,
    step: Scalar,
    constants: ReflexConstants,
) -> _Reflex:
    """Return resource and both activations one step on, for excitation that goes straight from `before` to `after`.

    The lags are exact. Depletion, which follows the rise of excitation and not its duration, is exact between two
    exact half steps of recovery.
    """
    c = constants
    kept = jnp.exp(-0.5 * step / c.depression_recovery_time)
    left = (1.0 - (1.0 - resource) * kept) * jnp.exp(-depression * jnp.maximum(after - before, 0.0))
    left = 1.0 - (1.0 - left) * kept
    begin, end = resource * before, left * after
    share = step / c.activation_time
    fade, climb = jnp.exp(-share), (end - begin) / share
    behind = first - begin + climb
    onward = second - begin + 2.0 * climb
    return left, end - climb + behind * fade, end - 2.0 * climb + (onward + behind * share) * fade


def follow(
    limb: Limb, angle: Traces, velocity: Traces, constants: ReflexConstants, *, steps: int = STEPS
) -> tuple[Motion, Start]:
    """Move every limb along given angles (rad) and speeds (rad/s), sampled `steps` times a delay, and return what
    resists and the state at the end.

    Before the first sample the limb lay still at its first angle. A movement that begins at full speed spends no
    resource by its sudden start, only by the stretch that follows. Whoever goes on from the end finds short-range
    stiffness broken.
    """
    c = constants
    step = c.delay / steps
    held = excitation(angle[0], jnp.zeros_like(angle[0]), limb)
    felt = excitation(angle, velocity, limb)
    still = held * jnp.ones((steps, 1), felt.dtype)
    before = jnp.concatenate([still, felt[:-1]])[: len(felt) - 1]
    after = jnp.concatenate([still, felt[1:]])[: len(felt) - 1]

    def one(state: _Reflex, known: tuple[Array, Array]) -> tuple[_Reflex, _Reflex]:
        moved = activate(*state, *known, limb.depression, step, c)
        return moved, moved

    rest = jnp.ones_like(held)
    _, (left, first, second) = lax.scan(one, (rest, held, held), (before, after))
    second = jnp.concatenate([held[None], second])
    stretched = jnp.clip(angle - angle[0], 0.0, c.short_range_stretch)
    short = c.short_range_stiffness * limb.background * stretched
    motion = Motion(step * jnp.arange(len(felt)), angle, velocity, second, short)
    past = jnp.concatenate([still, felt])[-steps - 1 :]
    end = Start(angle[-1], velocity[-1], left[-1], first[-1], second[-1], past, jnp.zeros_like(held))
    return motion, end


def swing(
    limb: Limb,
    start: Start,
    constants: ReflexConstants,
    blocks: int,
    *,
    steps: int = STEPS,
    kept: int = KEPT,
    cosine: Callable[[Array], Array] = jnp.cos,
) -> Motion:
    """Let go of every limb and return how it moves for `blocks` delays.

    Pure and differentiable in `limb`, `start` and `constants` (piecewise: thresholds have kinks). Compile it with
    `blocks`, `steps`, `kept` and `cosine` (a faster one, for many candidates) fixed; `kept` divides `steps`.
    """
    c = constants
    step = c.delay / steps

    def accelerate(angle: Array, velocity: Array, second: Array, short: Array, hand: Array) -> Array:
        held = background_torque(angle, limb) + short + reflex_torque(angle, second, velocity, limb, c)
        held = held + passive_torque(angle, limb) + stop_torque(angle, limb) + limb.damping * velocity
        return (gravity_torque(angle, limb, cosine) + limb.load - held) / limb.inertia - hand

    fade = jnp.exp(-step / c.short_range_time)
    lets_go = jnp.exp(-step / jnp.maximum(start.letting_go, _STILL))

    def one(state: _State, known: tuple[Array, Array]) -> tuple[_State, tuple[Array, ...]]:
        now = accelerate(state.angle, state.velocity, state.second, state.short_range, state.held)
        velocity = state.velocity + step * (1.5 * now - 0.5 * state.acceleration)
        angle = state.angle + 0.5 * step * (state.velocity + velocity)
        left, first, second = activate(state.resource, state.first, state.second, *known, limb.depression, step, c)
        fresh = jnp.where(velocity < -_STILL, 0.0, state.fresh)
        stretched = c.short_range_stiffness * limb.background * jnp.minimum(angle - start.angle, c.short_range_stretch)
        # It fades from the moment of turning, which lies within a step: so what follows has no jumps from limb to limb.
        since = jnp.where(state.velocity > 0.0, -velocity / jnp.maximum(state.velocity - velocity, _STILL), 1.0)
        turned = jnp.where(state.fresh > 0.0, jnp.clip(since, 0.0, 1.0), 1.0)
        short = jnp.where(fresh > 0.0, stretched, state.short_range * (1.0 - turned * (1.0 - fade)))
        sample = (excitation(angle, velocity, limb), state.angle, state.velocity, state.second, state.short_range)
        return _State(angle, velocity, now, left, first, second, short, fresh, state.held * lets_go), sample

    def block(carry: tuple[_State, Array], _: None) -> tuple[tuple[_State, Array], tuple[Array, ...]]:
        state, past = carry
        state, (new, *seen) = lax.scan(one, state, (past[:-1], past[1:]))
        return (state, jnp.concatenate([past[-1:], new])), tuple(series[::kept] for series in seen)

    zero = jnp.zeros_like(start.angle)
    free = accelerate(start.angle, start.velocity, start.second, zero, zero)
    held = jnp.where(start.letting_go > 0.0, free, 0.0)
    begin = (start.angle, start.velocity, free - held, start.resource, start.first, start.second, zero, start.fresh)
    state = _State(*begin, held)
    _, seen = lax.scan(block, (state, start.excitation), None, length=blocks)
    angle, velocity, second, short = (series.reshape(-1, series.shape[-1]) for series in seen)
    return Motion(step * kept * jnp.arange(angle.shape[0]), angle, velocity, second, short)
