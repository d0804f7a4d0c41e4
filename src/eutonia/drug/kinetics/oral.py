"""Drug in the blood: absorption of tablets, one or two compartments, and what blood brings to the spinal cord."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool

from eutonia import parameters
from eutonia.drug.kinetics.cascade import Gains, Scalar, Value
from eutonia.drug.kinetics.compartments import two
from eutonia.drug.kinetics.state import Patients

MG_PER_L_TO_NG_PER_ML = 1000.0
NG_TO_MG = 1e-6

_MINUTES_AN_HOUR, _ML_A_LITRE = 60.0, 1000.0

# Stages of the cascade: the constant infusion, mean concentration of the spinal fluid and, where it is modelled, of the
# tissue around it; then gut, blood and cord.
SOURCE, SPINAL, TISSUE = 0, 1, 2


class Dialysis(eqx.Module):
    """Haemodialysis: when sessions begin and end (h) and what a session clears of plasma, L/h.

    Equation
        CL(t) = CL_body + CL_HD while a session runs, CL_body otherwise
    Source
        Brvar_2007: one patient.
    Not for
        Peritoneal dialysis and slow continuous filtration, whose clearance was not seen.
    """

    clearance: Scalar
    starts_h: tuple[float, ...] = eqx.field(static=True)
    length_h: float = eqx.field(static=True)

    @classmethod
    def from_records(cls, starts_h: tuple[float, ...]) -> Dialysis:
        """Return sessions of the published clearance and length that begin at these hours."""
        adult = parameters.load("oral_adult_default")
        clearance, length = adult.values(haemodialysis_clearance="mL/min", haemodialysis_session="h")
        return cls(clearance * _MINUTES_AN_HOUR / _ML_A_LITRE, starts_h, length)

    def running(self, time_h: Scalar) -> Bool[Array, ""]:
        """Say whether a session runs at this hour; one that begins now does, one that ends now does not."""
        since = jnp.asarray(time_h) - jnp.asarray(self.starts_h)
        return jnp.any((since >= 0.0) & (since < self.length_h))


class Blood(eqx.Module):
    """Baclofen in the blood of a cohort, fed by tablets and by what leaves the spinal fluid.

    Equation
        gut_0' = -r_0 gut_0;  gut_i' = -r_i gut_i + r_(i-1) gut_(i-1);  absorbed = r_m gut_m
        A_1' = absorbed + k V C_spinal - (CL / V_1) A_1 - k_12 A_1 + k_21 A_2;  A_2' = k_12 A_1 - k_21 A_2
        Cp = A_1 / V_1;  C' = k (phi Cp - C);  F' = k_f (C - F);  S' = k_s (F - S)
        CL = CL_nonrenal + slope CLcr

    Volumes and clearance are true ones; the gut receives the share F of a tablet. A steady plasma level gives phi
    times itself in every segment.

    Assumptions
        Linear (no saturable uptake). What crosses from blood into the fluid, below a thousandth, is not taken from
        the blood.
    Source
        Of the oral set that it was drawn from; renal part: Renal_model, after Wuis_1985 and Agarwal_2015.
    Not for
        Overdose with delayed emptying of the stomach.
    """

    gut_rates: tuple[Patients, ...]
    bioavailability: Patients
    nonrenal_clearance: Patients
    renal_slope: Patients
    creatinine_clearance: Patients
    central_volume: Patients
    to_peripheral: Patients | None
    from_peripheral: Patients | None
    csf_ratio: Patients
    csf_rate: Patients
    csf_volume: float = eqx.field(static=True)
    fast_rate: Patients
    slow_rate: Patients
    uptake_rate: Patients | None = None
    return_rate: Patients | None = None

    @property
    def gut(self) -> int:
        """First stage of the gut in the cascade; those before it are of the spinal fluid."""
        return TISSUE if self.uptake_rate is None else TISSUE + 1

    @property
    def clearance(self) -> Patients:
        """Total clearance, L/h."""
        return self.nonrenal_clearance + self.renal_slope * self.creatinine_clearance

    def on_dialysis(self, dialysis: Dialysis) -> Blood:
        """Return the blood as it is while a session runs: kidneys and liver go on, the machine clears beside them."""
        return dataclasses.replace(self, nonrenal_clearance=self.nonrenal_clearance + dialysis.clearance)

    @property
    def elimination_rate(self) -> Patients:
        """Rate k_10 = CL / V_1, 1/h."""
        return self.clearance / self.central_volume

    @property
    def stages(self) -> tuple[int, int | None, int, int, int, int]:
        """Stages of central, peripheral, eliminated, fluid, fast and slow site in the cascade."""
        central = self.gut + len(self.gut_rates)
        two = self.to_peripheral is not None
        first = central + (2 if two else 1)
        return (central, central + 1 if two else None, first, first + 1, first + 2, first + 3)

    def shear(self) -> tuple[Patients, Patients, Patients]:
        """Return alpha, beta and nu: with y = A_1 - nu A_2 two compartments are the cascade y (alpha) -> A_2 (beta).

        alpha > beta are the macro-rates; see `compartments.two`.
        """
        if self.to_peripheral is None or self.from_peripheral is None:
            return self.elimination_rate, self.elimination_rate, jnp.zeros_like(self.central_volume)
        return two(self.elimination_rate, self.to_peripheral, self.from_peripheral)

    def cascade(self, source_gain: Value) -> tuple[Sequence[Value], Gains]:
        """Return the rates and gains; `source_gain` is what one ug/h adds to the mean fluid level, ng/mL/h."""
        alpha, beta, _ = self.shear()
        zero = jnp.zeros_like(alpha)
        rates: list[Value] = [zero, self.csf_rate, *self.gut_rates, alpha]
        if self.uptake_rate is not None and self.return_rate is not None:
            fluid, tissue, _ = two(self.csf_rate, self.uptake_rate, self.return_rate)
            rates[SPINAL:TISSUE] = [fluid, tissue]
        if self.to_peripheral is not None:
            rates.append(beta)
        rates += [zero, self.csf_rate, self.fast_rate, self.slow_rate]
        return rates, self._gains(source_gain)

    def _gains(self, source_gain: Value) -> Gains:
        central, peripheral, eliminated, csf, fast, slow = self.stages
        _, _, nu = self.shear()
        k10 = self.elimination_rate
        seen = self.csf_rate * self.csf_ratio * MG_PER_L_TO_NG_PER_ML / self.central_volume
        gains: dict[tuple[int, int], Value] = {
            (SPINAL, SOURCE): source_gain,
            (central, SPINAL): self.csf_rate * self.csf_volume * NG_TO_MG,
            (eliminated, central): k10,
            (csf, central): seen,
            (fast, csf): self.fast_rate,
            (slow, fast): self.slow_rate,
        }
        if self.uptake_rate is not None and self.return_rate is not None:
            tilt = two(self.csf_rate, self.uptake_rate, self.return_rate)[2]
            gains |= {(TISSUE, SPINAL): self.uptake_rate, (central, TISSUE): tilt * gains[central, SPINAL]}
        gains |= {(self.gut + i + 1, self.gut + i): rate for i, rate in enumerate(self.gut_rates)}
        if peripheral is not None and self.to_peripheral is not None:
            gains |= {(peripheral, central): self.to_peripheral, (eliminated, peripheral): k10 * nu}
            gains[csf, peripheral] = seen * nu
        return gains

    def plasma(self, central: Patients) -> Patients:
        """Return the plasma concentration, ng/mL, of an amount in the central compartment, mg."""
        return MG_PER_L_TO_NG_PER_ML * central / self.central_volume
