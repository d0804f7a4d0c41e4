"""What the kinetics hold (drug in the body) and what they tell (concentrations at the sites)."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia.drug.kinetics.cascade import Scalar

Patients = Float[Array, " patient"]
Modes = Float[Array, "mode patient"]
MaybePatients = Float[Array, " #patient"]


class KineticState(eqx.Module):
    """All drug in the body and at the effect sites at one moment; physical, so that rates may change under it.

    Attributes
    ----------
    csf, fast, slow
        Drug given into the spinal fluid: amplitude of each mode in the fluid, at the fast and at the slow effect
        site, ng/mL. Mode 0 of `csf` is the mean concentration of the chain.
    gut
        Drug swallowed and going to be absorbed, by stage of absorption, mg.
    central, peripheral
        Drug in blood and in tissue, mg; `peripheral` is None in a one-compartment model.
    eliminated
        Drug cleared from blood since the start, mg.
    csf_blood, fast_blood, slow_blood
        Concentrations that blood causes in the spinal fluid and at the effect sites, the same in every segment, ng/mL.
    tissue
        Amplitude of each mode in the tissue around the fluid, as a concentration of the fluid's volume, ng/mL; None
        where the tissue holds no drug.
    """

    csf: Modes
    fast: Modes
    slow: Modes
    gut: tuple[Patients, ...]
    central: Patients
    peripheral: Patients | None
    eliminated: Patients
    csf_blood: Patients
    fast_blood: Patients
    slow_blood: Patients
    tissue: Modes | None = None


class Levels(eqx.Module):
    """Concentrations of baclofen in the spinal fluid and at the effect sites, ng/mL.

    The H reflex reads `fast`, tone reads `slow`, drowsiness reads `fast_brain`.
    """

    csf_lumbar: Patients
    csf_leg: Patients
    csf_arm: Patients
    csf_brain: Patients
    fast_leg: Patients
    fast_arm: Patients
    fast_brain: Patients
    slow_leg: Patients
    slow_arm: Patients

    @property
    def fast(self) -> Float[Array, "limb patient"]:
        """Fast effect site of leg (0) and arm (1)."""
        return jnp.stack([self.fast_leg, self.fast_arm])

    @property
    def slow(self) -> Float[Array, "limb patient"]:
        """Slow effect site of leg (0) and arm (1)."""
        return jnp.stack([self.slow_leg, self.slow_arm])


class Exposure(eqx.Module):
    """What the drug does its work with: plasma level, and levels in the cord by the route they came.

    Attributes
    ----------
    plasma
        Total concentration in plasma from both routes, ng/mL.
    spinal
        Levels from drug given into the spinal fluid.
    blood
        Levels from drug that came by the blood; the same in every segment.
    """

    plasma: Patients
    spinal: Levels
    blood: Levels

    def levels(self, blood_potency: Scalar | MaybePatients = 1.0) -> Levels:
        """Return both routes together, a concentration that came by the blood counting `blood_potency` times."""
        pairs = zip(self._fields(self.spinal), self._fields(self.blood), strict=True)
        return Levels(*(spinal + blood_potency * blood for spinal, blood in pairs))

    @staticmethod
    def _fields(levels: Levels) -> tuple[Patients, ...]:
        return tuple(getattr(levels, name) for name in Levels.__dataclass_fields__)


class Balance(eqx.Module):
    """Where the drug is: amounts in spinal fluid and the tissue around it (ug), gut and body (mg), and what has left
    (mg, integrated exactly).

    A dose in the spinal fluid is in `csf_ug` until it enters the blood. The share of a tablet that is never absorbed
    is in none of them.
    """

    csf_ug: Patients
    gut_mg: Patients
    body_mg: Patients
    eliminated_mg: Patients
    tissue_ug: Patients | float = 0.0

    @property
    def total_ug(self) -> Patients:
        """All drug that ever entered the spinal fluid or will be or was absorbed, ug."""
        return self.csf_ug + self.tissue_ug + 1000.0 * (self.gut_mg + self.body_mg + self.eliminated_mg)
