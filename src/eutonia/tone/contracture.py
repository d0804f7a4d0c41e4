"""Stiffness that no drug removes: passive resistance grows over months in a limb whose tone was high.

Equation
    X(t)     = c_p m max(0, D_limb)/D_sev (1 - exp(-t / tau_c))
    k_p      = k_healthy + X (k_severe - k_healthy) ;  theta_p = theta_0 - min(1, X) dtheta
Source: reduced joint model (k_p, theta_p); Plantin 2019 for the lost range. No lesion, no contracture.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar

Limbs = Float[Array, "limb patient"]


class PassiveConstants(eqx.Module):
    """Records of the set `tone` on passive resistance as plain numbers."""

    passive_stiffness: Scalar
    passive_stiffness_severe: Scalar
    passive_rest_angle: Scalar
    contracture_range_loss: Scalar
    contracture_time: Scalar
    severe_bias: Scalar

    @classmethod
    def from_records(cls) -> PassiveConstants:
        """Read the constants from the parameter set `tone`."""
        units = dict.fromkeys(cls.__dataclass_fields__, "1") | {"contracture_time": "h", "severe_bias": "mV"}
        return cls(**parameters.load("tone").named(units))


def contracture(
    bias: Limbs, susceptibility: Limbs, time_since_onset_h: Float[Array, " patient"], constants: PassiveConstants
) -> Limbs:
    """Return contracture of each limb as a share of the severe column (0 without a lesion, unbounded above).

    `bias` is the plateau bias of the lesion in mV, `susceptibility` the person's own factor (dimensionless).
    """
    grown = 1.0 - jnp.exp(-jnp.maximum(time_since_onset_h, 0.0) / constants.contracture_time)
    return susceptibility * jnp.maximum(bias, 0.0) / constants.severe_bias * grown


def passive_resistance(amount: Array, constants: PassiveConstants) -> tuple[Array, Array]:
    """Return stiffness (share of ceiling per range) and rest angle (share of range) for a contracture `amount`."""
    c = constants
    stiffness = c.passive_stiffness + amount * (c.passive_stiffness_severe - c.passive_stiffness)
    rest_angle = c.passive_rest_angle - jnp.minimum(amount, 1.0) * c.contracture_range_loss
    return stiffness, rest_angle
