"""The state that a lesion and a drug leave a segment in: what is set before anything fires.

Equation
    e     = D / D_sev, kept in 0..1                          (D bias, mV in the smallest cell)
    k     = k_h + e (k_s - k_h)                              (likewise presynaptic inhibition, reciprocal inhibition)
    rho   = 1 - phi A_pre u,   g_GIRK = [A_0 + phi (A_1 - A_0)] u           (u GABA-B effect, phi presynaptic share)
The three sizes hold the fall of H/M along phi, so a measured H/M cannot tell the two sites apart; what a motoneuron
does with other inputs can.
Source: slow layer for u; Lev_Tov_1988 and Orsnes_2000 disagree on phi, which is therefore explicit.
Not for: bias below 0 (give it as drug), or receptor tolerance (it is in u).
"""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar
from eutonia.tone.spinal import ToneConstants, velocity_sensitivity

Patients = Float[Array, " patient"]


class Condition(eqx.Module):
    """State of a segment, one number a patient.

    `bias` mV of descending drive in the smallest motoneuron; `release` Ia transmitter release, share of undrugged;
    `girk` GABA-B potassium conductance, share of leak; `depressible` share of release that post-activation depression
    can take away; `pad_rest`, `pad_step` presynaptic inhibition at rest and added by one impulse of every Ia afferent;
    `reciprocal` inhibition, share of healthy; `fusimotor` factor of the velocity part of the Ia rate.
    """

    bias: Patients
    release: Patients
    girk: Patients
    depressible: Patients
    pad_rest: Patients
    pad_step: Patients
    reciprocal: Patients
    fusimotor: Patients

    @classmethod
    def of_bias(cls, bias: Sequence[float] | Patients) -> Condition:
        """Return the undrugged segments of people with these descending biases in mV (0: healthy)."""
        s, tone = parameters.load("segment"), parameters.load("tone")
        of_a_radian = tone.values(depression_healthy="1/rad", depression_severe="1/rad")
        depth = jnp.asarray(bias, dtype=float)
        severity = jnp.clip(depth / tone.value("severe_bias", "mV"), 0.0, 1.0)

        def between(healthy: float, severe: float) -> Patients:
            return healthy + severity * (severe - healthy)

        one = jnp.ones_like(depth)
        return cls(
            bias=depth,
            release=one,
            girk=0.0 * one,
            depressible=between(*of_a_radian),
            pad_rest=s.value("pad_rest", "1") * one,
            pad_step=between(*s.values(pad_step_healthy="1", pad_step_severe="1")),
            reciprocal=between(1.0, s.value("reciprocal_severe", "1")),
            fusimotor=one,
        )

    def with_gaba_b(self, effect: Patients | Scalar, presynaptic_share: Patients | Scalar | None = None) -> Condition:
        """Return the same segments under a GABA-B effect, 0 to 1 of the maximum.

        `presynaptic_share` is the record of that name when left out.
        """
        s = parameters.load("segment")
        share = s.value("presynaptic_share", "1") if presynaptic_share is None else presynaptic_share
        alone, beside = s.along("post_conductance", "1", _SIDES)
        one = jnp.ones_like(self.bias)
        return eqx.tree_at(
            lambda c: (c.release, c.girk),
            self,
            ((1.0 - share * effect) * one, (alone + share * (beside - alone)) * effect * one),
        )

    def with_fusimotor_drive(self) -> Condition:
        """Return the same segments with fusimotor neurons that carry the bias too, less what GABA-B takes from it.

        The reduced model's velocity sensitivity mu rises with bias, which neither bias nor release of the segment can
        do, but the velocity part of the Ia rate can: F = mu(D - h)/mu(0), h the hyperpolarisation by GABA-B.
        """
        left = self.bias + self.girk * parameters.load("segment").value("girk_reversal", "mV") / (1.0 + self.girk)
        tone = ToneConstants.from_records()
        factor = velocity_sensitivity(left, tone) / velocity_sensitivity(jnp.zeros_like(left), tone)
        return eqx.tree_at(lambda c: c.fusimotor, self, factor)

    def with_presynaptic_inhibition(self, at_rest: Patients | Scalar) -> Condition:
        """Return the same segments with another presynaptic inhibition at rest, share of release."""
        return eqx.tree_at(lambda c: c.pad_rest, self, at_rest * jnp.ones_like(self.bias))

    @property
    def n_patients(self) -> int:
        """Number of patients."""
        return int(self.bias.shape[0])


_SIDES = ("postsynaptic alone", "presynaptic alone")
