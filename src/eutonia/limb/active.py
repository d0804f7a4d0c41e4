"""How far a person moves a joint: up to the angle at which what drives it meets what holds it back.

Equation
    A (1 - f theta) - C  =  T(theta, v) + k_p max(0, theta - theta_p)        the smallest theta that solves it, 0..1
A torque of the agonist at full length, C of the antagonist that contracts with it, T of its stretch reflex and
background (`ramp.yielding_torque`), all as shares of the antagonist's torque ceiling; theta and v in shares of range,
from where the antagonist is short. The left falls and the right rises with the angle, so there is one such angle.
Assumptions: the movement is steady and slow, gravity is out of it, force of the agonist falls straight as it shortens.
Source: balance of torques at the end of an active movement; sizes assumed or fitted (set `active_range`).
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from eutonia._types import Scalar
from eutonia.limb.ramp import MuscleState, RampConstants, yielding_torque

Lanes = Float[Array, "muscle patient"]

# Halvings of the range before a straight line ends the search: numerical accuracy (a millionth of it), not science.
_HALVINGS, _DIGITS = 10, 8


def active_range(
    agonist: Lanes,
    opposed: Lanes,
    state: MuscleState,
    constants: RampConstants,
    speed: Scalar,
    shortening: Scalar,
) -> Lanes:
    """Return the active range of each joint, as a share of its passive range.

    Parameters
    ----------
    agonist
        Torque of the muscle that moves the joint where it is longest, share of the antagonist's torque ceiling.
    opposed
        Torque of the antagonist that contracts with it, in the same shares.
    state
        What resists in the antagonist.
    constants
        Constants of the stretch reflex.
    speed
        Speed of the movement, ranges per second.
    shortening
        Share of its torque that the agonist loses over the whole range.
    """

    def lacking(angle: Lanes) -> Lanes:
        passive = state.stiffness * jnp.maximum(angle - state.rest_angle, 0.0)
        drawn = agonist * (1.0 - shortening * angle) - opposed
        return yielding_torque(angle, speed, state, constants, constants.range_rad) + passive - drawn

    def halved(_: int | Array, ends: tuple[Lanes, Lanes]) -> tuple[Lanes, Lanes]:
        low, high = ends
        middle = (low + high) / 2
        stops = lacking(middle) > 0.0
        return jnp.where(stops, low, middle), jnp.where(stops, middle, high)

    none, whole = jnp.zeros_like(agonist), jnp.ones_like(agonist)
    low, high = lax.fori_loop(0, _HALVINGS, halved, (none, whole))
    below, above = lacking(low), lacking(high)
    between = low - below * (high - low) / jnp.where(above > below, above - below, 1.0)
    # What is finer than the search is noise of the arithmetic, and differs between compiled programs.
    return jnp.round(jnp.where(above <= 0.0, whole, jnp.where(below > 0.0, none, between)), _DIGITS)
