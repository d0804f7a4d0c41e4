"""From descending bias and drug to the state of each spinal reflex.

The stretch reflex reads the motoneuron bias through its threshold (subtractive: baclofen hyperpolarises, and stroke
raises bias, not gain); the monosynaptic reflex reads Ia transmitter release, which baclofen cuts long before tone
falls.

Equation
    D        = D_limb + d_muscle - h        (bias in mV; h hyperpolarisation by baclofen, may push D below 0)
    lambda   = R (1 - s_lambda D)
    mu       = mu_0 + s_mu max(0, D - D_mu)               (fusimotor neurons carry the same bias and the same receptors)
    T_b      = max(0, T_b0 + k_b D)
    H/M      = Phi[(rho x + D / V_gap - 1) / c],  x = max(0, 1 + c (h_0 + h))
Source: closed form of the spinal segment, severity ladder of the pendulum fits.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar

Muscles = Float[Array, "muscle patient"]
Limbs = Float[Array, "limb patient"]


class TonicReflex(eqx.Module):
    """Threshold, velocity sensitivity, depression and background tone of each muscle group (shares of range and
    ceiling).
    """

    threshold: Muscles
    velocity_sensitivity: Muscles
    depression: Muscles
    background: Muscles


_UNITS = {
    **dict.fromkeys(("threshold_without_bias", "background_tone"), "1"),
    **dict.fromkeys(("threshold_per_bias", "background_tone_per_bias"), "1/mV"),
    **dict.fromkeys(("velocity_sensitivity_from", "severe_bias", "muscle_deviation", "muscle_deviation_from"), "mV"),
    **dict.fromkeys(("depression_healthy", "depression_severe"), "1/rad"),
    "velocity_sensitivity_healthy": "s",
    "velocity_sensitivity_per_bias": "s/mV",
}


class ToneConstants(eqx.Module):
    """Records of the set `tone` as plain numbers, so that a calibration can vary them."""

    threshold_without_bias: Scalar
    threshold_per_bias: Scalar
    velocity_sensitivity_healthy: Scalar
    velocity_sensitivity_from: Scalar
    velocity_sensitivity_per_bias: Scalar
    background_tone: Scalar
    background_tone_per_bias: Scalar
    depression_healthy: Scalar
    depression_severe: Scalar
    severe_bias: Scalar
    muscle_deviation: Scalar
    muscle_deviation_from: Scalar

    @classmethod
    def from_records(cls) -> ToneConstants:
        """Read the constants from the parameter set `tone`."""
        return cls(**parameters.load("tone").named(_UNITS))


class VolleyConstants(eqx.Module):
    """Pool spread and healthy mean drive (set `receptor`), gap from rest to threshold in mV (set `tone`)."""

    pool_spread: Scalar
    volley_drive_mean: Scalar
    motoneuron_gap: Scalar

    @classmethod
    def from_records(cls) -> VolleyConstants:
        """Read the constants from their sets."""
        spread, mean = parameters.load("receptor").values(pool_spread="1", volley_drive_mean="1")
        return cls(spread, mean, parameters.load("tone").value("motoneuron_gap", "mV"))


def muscle_bias(limb_bias: Muscles, deviate: Muscles, constants: ToneConstants) -> Muscles:
    """Return the untreated bias of muscle groups in mV: never below 0, and 0 in a limb without a lesion.

    `limb_bias` (mV) is that of the limb each group belongs to, `deviate` a standard normal deviate of the group.
    """
    c = constants
    spread = c.muscle_deviation * jnp.clip(limb_bias / c.muscle_deviation_from, 0.0, 1.0)
    return jnp.maximum(limb_bias + spread * deviate, 0.0)


def velocity_sensitivity(bias: Array, constants: ToneConstants) -> Array:
    """Return mu, s: that of health up to a bias (mV), rising straight from there."""
    beyond = jnp.maximum(bias - constants.velocity_sensitivity_from, 0.0)
    return constants.velocity_sensitivity_healthy + constants.velocity_sensitivity_per_bias * beyond


def tonic_reflex(bias: Muscles, untreated_bias: Muscles, constants: ToneConstants) -> TonicReflex:
    """Return the reflex state of each muscle group.

    Parameters
    ----------
    bias
        Descending bias less the hyperpolarisation by the drug, mV; below zero the reflex has reserve.
    untreated_bias
        Descending bias of the lesion alone, mV: it sets post-activation depression, which the drug leaves alone.
    constants
        Records of the set `tone`.
    """
    c = constants
    share = jnp.clip(untreated_bias / c.severe_bias, 0.0, 1.0)
    return TonicReflex(
        threshold=c.threshold_without_bias - c.threshold_per_bias * bias,
        velocity_sensitivity=velocity_sensitivity(bias, c),
        depression=c.depression_healthy + (c.depression_severe - c.depression_healthy) * share,
        background=jnp.maximum(c.background_tone + c.background_tone_per_bias * bias, 0.0),
    )


def volley_probit(release: Limbs, deviation: Limbs, bias: Limbs, pool: VolleyConstants) -> Limbs:
    """Probit of the share of the motoneuron pool that a synchronous Ia volley fires (H/M is its normal probability).

    Parameters
    ----------
    release
        Ia transmitter release relative to the person's own undrugged level.
    deviation
        The person's own drive in units of pool spread (mean 0).
    bias
        Bias of the motoneurons in mV, lesion less drug.
    pool
        Spread of thresholds, mean drive and gap to threshold.
    """
    # A volley excites or does nothing: below 0, blocking its release would fire more of the pool.
    drive = jnp.maximum(1.0 + pool.pool_spread * (pool.volley_drive_mean + deviation), 0.0)
    return (release * drive + bias / pool.motoneuron_gap - 1.0) / pool.pool_spread
