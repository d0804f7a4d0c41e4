"""Resistance of a muscle group to a stretch at constant speed, in closed form.

Angles are shares of the joint range, torques shares of the torque ceiling, so that one function serves every joint.

Equation
    e(t)  = max(0, theta(t - tau) - lambda + mu v)
    R'    = (1 - R)/tau_R - k_R v R                      while e grows
    a1'   = (R e - a1)/tau_a ;  a2' = (a1 - a2)/tau_a
    T_r   = S(theta) tanh(G (1 + g_v v) a2) FV(v)
    T     = T_r + S(theta) T_b + k_p max(0, theta - theta_p)
S is the lever and strength of active muscle at an angle (`strength`), 1 where no record says otherwise.
With theta = v t the input R e is (A + B exp(-kappa s)) (e0 + v s), whose response through two equal lags is elementary.

Source: reduced joint model (threshold, velocity sensitivity, gain) with force-velocity and post-activation depression.
Not for: free limbs (pendulum, clonus), where the angle is an outcome.
"""

from __future__ import annotations

import functools
import operator

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia._types import Scalar
from eutonia.limb.strength import Strength

Lanes = Float[Array, "muscle patient"]
Scale = Float[Array, "muscle 1"]

#: Nodes of the mean over the stretch, and their weights: numerical accuracy (tested), not science.
NODES, WEIGHTS = np.polynomial.legendre.leggauss(8)


class MuscleState(eqx.Module):
    """What resists a stretch in each muscle group, dimensionless (shares of range and torque ceiling).

    `threshold` lambda/R, `velocity_sensitivity` mu in s, `depression` k_R in 1/rad, `background` T_b/T_max,
    `stiffness` k_p R/T_max, `rest_angle` theta_p/R. Where a muscle is treated: `gain` factor of the reflex
    gain, `left` share of its active torque that is left.
    """

    threshold: Lanes
    velocity_sensitivity: Lanes
    depression: Lanes
    background: Lanes
    stiffness: Lanes
    rest_angle: Lanes
    gain: Lanes | None = None
    left: Lanes | None = None


class RampConstants(eqx.Module):
    """Constants that all muscle groups share; `range_rad` turns shares of the range into radians, `strength` (in shares
    of range) says where active muscle has most torque; none for a constant lever.
    """

    gain: Scalar
    gain_per_velocity: Scalar
    delay: Scalar
    activation_time: Scalar
    depression_recovery_time: Scalar
    force_velocity_reference: Scalar
    force_velocity_ceiling: Scalar
    range_rad: Scale
    strength: Strength | None = None


class RampResponse(eqx.Module):
    """Outcome of one stretch: mean resistance (share of the torque ceiling), catch angle (share of range).

    `catch_angle` is the angle at which reflex torque begins, 1 when it never does.
    """

    mean_resistance: Lanes
    mean_reflex: Lanes
    catch_angle: Lanes


def _two_lags(s: Array, rate: Array | Scalar, decay: Array, level: Array, slope: Array) -> Array:
    """Response of two equal lags to exp(-decay s) (level + slope s), from rest at s = 0."""
    gap = rate - decay
    fade, gone = jnp.exp(-decay * s), jnp.exp(-rate * s)
    constant = (fade - gone * (1 + gap * s)) * (rate / gap) ** 2
    linear = (fade * (s * gap - 2) + gone * (s * gap + 2)) * rate**2 / gap**3
    return level * constant + slope * linear


def _activation(s: Array, speed: Array, start: Array, state: MuscleState, constants: RampConstants) -> Array:
    """Activation `s` seconds after the reflex began, for excitation start + speed s thinned by depression."""
    s = jnp.maximum(s, 0.0)
    recovery = 1.0 / constants.depression_recovery_time
    decay = recovery + state.depression * speed * constants.range_rad
    settled = recovery / decay
    rate = 1.0 / constants.activation_time
    kept = _two_lags(s, rate, jnp.zeros_like(decay), start, speed * jnp.ones_like(start))
    spent = _two_lags(s, rate, decay, start, speed * jnp.ones_like(start))
    return settled * kept + (1 - settled) * spent


def reflex_torque(time: Array, speed: Array, state: MuscleState, constants: RampConstants) -> Array:
    """Reflex torque (share of the ceiling) at `time` s of a stretch at `speed` (joint ranges per second)."""
    ahead = state.velocity_sensitivity * speed - state.threshold
    onset = constants.delay + jnp.maximum(-ahead, 0.0) / speed
    activation = _activation(time - onset, speed, jnp.maximum(ahead, 0.0), state, constants)
    velocity = speed * constants.range_rad
    lengthening = jnp.minimum(1 + velocity / constants.force_velocity_reference, constants.force_velocity_ceiling)
    gain = constants.gain if state.gain is None else constants.gain * state.gain
    torque = jnp.tanh(gain * (1 + constants.gain_per_velocity * velocity) * activation) * lengthening
    torque = torque if state.left is None else state.left * torque
    return torque if constants.strength is None else constants.strength.share(speed * time) * torque


def stretch(state: MuscleState, constants: RampConstants, speed: Scalar | Scale) -> RampResponse:
    """Stretch every muscle group through its full range at `speed` (joint ranges per second)."""
    pace = jnp.asarray(speed) * jnp.ones_like(constants.range_rad)
    duration = 1.0 / pace
    ahead = state.velocity_sensitivity * pace - state.threshold
    onset = jnp.minimum(constants.delay + jnp.maximum(-ahead, 0.0) / pace, duration)
    half = (duration - onset) / 2
    torque = reflex_torque(onset + half * (1 + jnp.asarray(NODES)[:, None, None]), pace, state, constants)
    # Added one by one: the order of a reduction, and so the last bit, may change with the number of people.
    weighted = (weight * torque[node] for node, weight in enumerate(WEIGHTS))
    mean_reflex = functools.reduce(operator.add, weighted) * half / duration
    reach = jnp.maximum(1 - state.rest_angle, 0.0)
    background = state.background if constants.strength is None else constants.strength.mean() * state.background
    background = background if state.left is None else state.left * background
    mean = mean_reflex + background + state.stiffness * reach**2 / 2
    catch = jnp.clip(-ahead, 0.0, 1.0)
    return RampResponse(mean, mean_reflex, catch)


def yielding_torque(
    angle: Array | Scalar,
    speed: Array | Scalar,
    state: MuscleState,
    constants: RampConstants,
    range_rad: Array | Scalar,
) -> Float[Array, "muscle patient"]:
    """Torque (share of the ceiling) of a joint that yields at `speed` (ranges per second) when it passes `angle`
    (share of range).

    Excitation is taken as settled: the yield lasts longer than the activation lags. The lever is taken as constant.
    """
    excitation = jnp.maximum(angle - state.threshold + state.velocity_sensitivity * speed, 0.0)
    velocity = speed * range_rad
    lengthening = jnp.minimum(1 + velocity / constants.force_velocity_reference, constants.force_velocity_ceiling)
    gain = constants.gain * (1 + constants.gain_per_velocity * velocity)
    gain = gain if state.gain is None else gain * state.gain
    torque = jnp.tanh(gain * excitation) * lengthening + state.background
    return torque if state.left is None else state.left * torque
