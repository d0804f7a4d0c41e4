"""Stiffness that no drug removes at once: tissue follows, over months, the tone and the hours at the end of range.

Equation
    X(t)     = c_p m max(0, D_limb)/D_sev g(t) ,  g = 1 - exp(-t / tau_c)          where nothing was given
    k_p      = k_healthy + X (k_severe - k_healthy) ;  theta_p = theta_0 - min(1, X) dtheta
Under treatment X is c_p m max(0, D)/D_sev y, with
    y'       = (f - y)/tau - r(H) y ,  f = max(0, D - h)/max(0, D) ,  r(H) = r_max H/(H + H_half)
D the lesion's bias, h what treatments have taken of it (mV), H hours a day at the end of range; tau is tau_c where
tissue grows (y < f) and tau_l, longer, where tone asks for less than there is. The state kept is m = g - y, which is
exactly 0 in whom nothing was given.
Assumptions: toxin is no relief of tissue, for it blocks the muscle and leaves the signal; no side of a joint by itself.
Source: reduced joint model (k_p, theta_p); Plantin 2019 for the lost range; Harvey 2017 for stretching; tau_l by
`calibration/tissue.py`. No lesion, no contracture.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar

Limbs = Float[Array, "limb patient"]
Known = Float[Array | np.ndarray, "limb patient"]


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


class TissueConstants(eqx.Module):
    """How fast tissue grows and goes: times in h, fastest rate at the end of range 1/h, hours a day for half of it."""

    contracture_time: Scalar
    contracture_loss_time: Scalar
    fastest_rate: Scalar
    hours_for_half: Scalar

    @classmethod
    def from_records(cls) -> TissueConstants:
        """Read the constants from the parameter sets `tone` and `stretching`."""
        times = parameters.load("tone").values(contracture_time="h", contracture_loss_time="h")
        return cls(*times, *parameters.load("stretching").values(fastest_rate="1/h", hours_for_half="h"))


def stretch_share(hours_per_day: Known, constants: TissueConstants) -> Known:
    """Return the loss at so many hours a day at the end of range, as a share of the fastest."""
    return hours_per_day / (hours_per_day + constants.hours_for_half)


def missing_after(
    missing: Limbs,
    drive: Limbs,
    stretch: Limbs,
    time_since_onset_h: Float[Array, " patient"],
    span_h: Scalar,
    constants: TissueConstants,
) -> Limbs:
    """Return by how much contracture falls short of what it would be without treatment, a span later.

    Parameters
    ----------
    missing
        The same at the start of the span, share of the lesion's own contracture after endless time.
    drive
        Bias that is left through the span, share of the lesion's own (above 1 in rebound).
    stretch
        Share of the fastest loss at the end of range (`stretch_share`).
    time_since_onset_h
        Time since the lesion at the start of the span, h.
    span_h
        Its length, h: short against `constants.contracture_time`.
    constants
        Records of the sets `tone` and `stretching`.
    """
    c = constants
    grows, goes = 1.0 / c.contracture_time, 1.0 / c.contracture_loss_time
    ungrown = jnp.exp(-grows * jnp.maximum(time_since_onset_h, 0.0))
    follows = jnp.where(1.0 - ungrown - missing <= drive, grows, goes)
    rate = follows + c.fastest_rate * stretch
    kept, ungrown_kept = jnp.exp(-rate * span_h), jnp.exp(-grows * span_h)
    settled = drive * follows / rate
    # What the untreated gain in the span, less what these do: exactly 0 at full drive without a stretch.
    return missing * kept + (1.0 - settled) * (1.0 - kept) + ungrown * (kept - ungrown_kept)


@jax.jit
def share_left(missing: Limbs, time_since_onset_h: Float[Array, " patient"], constants: TissueConstants) -> Limbs:
    """Return contracture as a share of what it would be without treatment by the same time."""
    grown = -jnp.expm1(-jnp.maximum(time_since_onset_h, 0.0) / constants.contracture_time)
    return jnp.where(grown > 0.0, 1.0 - missing / jnp.where(grown > 0.0, grown, 1.0), 1.0)
