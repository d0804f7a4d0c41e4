"""From the spinal segment to the reduced joint model, in closed form: where the first units fire as a stretch grows.

Equation
    rho w r + D - I = V_gap at threshold,  r = c + k_L (theta - theta_0) + k_v v^0.6
    lambda = theta_0 + [(V_gap - D + I)/(rho w) - c]/k_L
    mu     = 0.6 (k_v/k_L) v^(-0.4)                         (at the test speed; free of rho and D)
    G      = rho w k_L phi(0)/(c_v V_gap) T_max
    H/M    = Phi[(rho E/E50 + (D - I)/V_gap - 1)/c_v]
Assumptions
    Thresholds in the pool are Gaussian with coefficient of variation c_v; transmission is linear and does not tire.
Not for: a synapse that tires, or bistable motoneurons; the emulator of the spiking segment holds those.
"""

from __future__ import annotations

import math

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array

from eutonia import parameters
from eutonia._types import Scalar

_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)  # of a standard normal at its mean
_POWER = "ia_velocity_exponent"


class ClosedForm(eqx.Module):
    """Constants of the closed form: gap mV, weight mV per imp/s, rate gains imp/s per deg and per (deg/s)^0.6."""

    gap: Scalar
    weight: Scalar
    rest_rate: Scalar
    length_gain: Scalar
    velocity_gain: Scalar
    velocity_exponent: Scalar
    pool_spread: Scalar

    @classmethod
    def from_records(cls) -> ClosedForm:
        """Read the sets `segment`, `tone` and `receptor`.

        The weight of an afferent impulse is that of the spiking segment with a rested synapse: conductance times its
        duration times driving force over the membrane time of the smallest motoneuron.
        """
        s, gap = parameters.load("segment"), parameters.load("tone").value("motoneuron_gap", "mV")
        mm = math.radians(1.0) * 1000.0 * s.value("moment_arm", "m") * s.value("fascicle_share", "1")
        h, exponent = s.value("human_scale", "1"), s.value(_POWER, "1")
        force = s.value("excitatory_reversal", "mV") - gap
        per_impulse = s.value("ia_conductance", "1") * s.value("excitatory_decay", "ms") / 1000.0 * force
        return cls(
            gap=gap,
            weight=per_impulse,
            rest_rate=h * s.value("ia_rest", "1/s"),
            length_gain=h * s.value("ia_length_gain", "1/s/mm") * mm,
            velocity_gain=h * s.value("ia_velocity_gain", "1/s") * mm**exponent,
            velocity_exponent=exponent,
            pool_spread=parameters.load("receptor").value("pool_spread", "1"),
        )

    def threshold(
        self, bias: Array | Scalar, release: Array | Scalar, hyperpolarisation: Array | Scalar = 0.0
    ) -> Array:
        """Return lambda in deg of dorsiflexion from neutral; `bias` and `hyperpolarisation` in mV."""
        rate = (self.gap - jnp.asarray(bias) + hyperpolarisation) / (jnp.asarray(release) * self.weight)
        return (rate - self.rest_rate) / self.length_gain

    def velocity_sensitivity(self, speed: Array | Scalar, fusimotor: Array | Scalar = 1.0) -> Array:
        """Return mu in s at a test speed in deg/s; it does not depend on release or bias."""
        p = self.velocity_exponent
        return p * fusimotor * self.velocity_gain / self.length_gain * jnp.asarray(speed) ** (p - 1.0)

    def gain(self, release: Array | Scalar) -> Array:
        """Return G as the share of the pool recruited per deg beyond the threshold."""
        return jnp.asarray(release) * self.weight * self.length_gain * _DENSITY / (self.pool_spread * self.gap)

    def h_over_m(
        self,
        drive: Array | Scalar,
        release: Array | Scalar,
        bias: Array | Scalar,
        hyperpolarisation: Array | Scalar = 0.0,
    ) -> Array:
        """Return H/M for a volley of `drive` times the one that fires half a healthy pool."""
        shift = (jnp.asarray(bias) - hyperpolarisation) / self.gap
        return ndtr((jnp.asarray(release) * drive + shift - 1.0) / self.pool_spread)
