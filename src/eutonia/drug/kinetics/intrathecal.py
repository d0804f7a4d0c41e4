"""Drug given into the spinal fluid: a chain of segments with effect sites, in modes that never mix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from eutonia.drug.kinetics.cascade import Gains, Propagator, Scalar, Value
from eutonia.drug.kinetics.compartments import two
from eutonia.drug.kinetics.geometry import ARM, BRAIN, LEG, LUMBAR, CordSegment, SpinalGeometry
from eutonia.drug.kinetics.state import Levels, Modes, Patients
from eutonia.drug.regimen import ACCESSES
from eutonia.errors import StudyError, unknown

UG_TO_NG = 1000.0
# Stages of a mode: the constant infusion, the fluid, the tissue around it if that is modelled, two effect sites.
SOURCE, FLUID = range(2)


class Intrathecal(eqx.Module):
    """Spinal fluid of a cohort as a chain of segments, and the two effect sites that follow it.

    Equation
        V_i C_i' = sum over neighbours j of q_ij (C_j - C_i) - k V_i C_i + dose_i
        F' = k_f (C - F),  S' = k_s (F - S)   in every segment
        with q_ij = D / (L_i / 2 A_i + L_j / 2 A_j), A = V / L; a net flow, if any, takes drug along
        tissue, if any: C_i' gets - k_u C_i + k_r T_i,  T_i' = k_u C_i - k_r T_i

    Because k, k_u and k_r are the same everywhere and D scales exchange and net flow, the patterns (modes) of the chain
    depend on its geometry alone, and each decays at k + D lambda: independent cascades fluid, tissue, fast, slow site.

    Assumptions
        One dimension: front and back of the cord are not told apart, though in pigs they differ. No change with
        posture.
    Source
        Eutonia_2026 (fitted); label gradient, clearance and half-life: Label_ITB.
    Not for
        Concentration drawn from the catheter tip, which exceeds that of its segment about fivefold: see `at_tip`.
    """

    clearance_rate: Patients
    dispersion: Patients
    fast_rate: Patients
    slow_rate: Patients
    spread: Patients
    conus_share: Patients
    tip: Int[Array, " patient"]
    puncture_volume: Patients
    tip_excess: Patients
    geometry: SpinalGeometry = eqx.field(static=True)
    uptake_rate: Patients | None = None
    return_rate: Patients | None = None

    @property
    def stages(self) -> tuple[int | None, int, int]:
        """Stages of tissue, fast and slow site in the cascade of a mode."""
        return (None, FLUID + 1, FLUID + 2) if self.uptake_rate is None else (FLUID + 1, FLUID + 2, FLUID + 3)

    @property
    def mode_rates(self) -> Modes:
        """Rate of decay of each mode, k + D lambda, 1/h."""
        exchange = self._constant(self.geometry.modes().exchange)
        return self.clearance_rate + self.dispersion * exchange

    def weights(self, access: str, volume_ml: float | None = None) -> Modes:
        """Return how much of each mode one ug gives, ng/mL per ug, when it enters by a catheter or a lumbar puncture.

        A catheter delivers around its `tip` (number of the vertebra), over as much of the chain as `volume_ml` fills.
        A puncture leaves 1 - b in the sac and takes b to conus and tip region; a larger volume than that of the test
        dose takes more: 1 - (1 - b)^(volume / test volume).
        """
        into, geometry = self.geometry.modes().into, self.geometry
        unit = UG_TO_NG / geometry.total_volume
        if access == "catheter":
            return self._at_tip(unit * (geometry.places(volume_ml or 0.0) @ into))
        if access == "lumbar puncture":
            b = self.spread
            if volume_ml is not None:
                b = 1.0 - (1.0 - b) ** (volume_ml / self.puncture_volume)
            shares = puncture_shares(b, self.conus_share)
            parts = [share * self._constant(unit * (geometry.within(at) @ into)) for at, share in shares.items()]
            return parts[0] + parts[1] + parts[2]
        raise StudyError(unknown("way into the spinal fluid", access, ACCESSES))

    def _constant(self, by_mode: NDArray[np.float64]) -> Float[Array, "mode 1"]:
        return jnp.asarray(by_mode, self.dispersion.dtype)[:, None]

    def _at_tip(self, by_vertebra: Float[np.ndarray, "vertebra mode"]) -> Modes:
        return jnp.take(jnp.asarray(by_vertebra.T, self.dispersion.dtype), self.tip - 1, axis=1)

    def shear(self) -> tuple[Modes, Modes, Modes] | None:
        """Return alpha, beta and nu of fluid and tissue in every mode (see `compartments.two`); None without tissue."""
        if self.uptake_rate is None or self.return_rate is None:
            return None
        return two(self.mode_rates, self.uptake_rate, self.return_rate)

    def cascade(self) -> tuple[Sequence[Value], Gains]:
        """Return the rates and gains of every mode; the source counts in ug/h through the catheter."""
        quick, slow_rate, turned = self.fast_rate, self.slow_rate, self.shear()
        tissue, fast, slow = self.stages
        rates: tuple[Value, ...] = (jnp.zeros_like(quick), self.mode_rates, quick, slow_rate)
        gains: dict[tuple[int, int], Value] = {(FLUID, SOURCE): self.weights("catheter")}
        gains |= {(fast, FLUID): quick, (slow, fast): slow_rate}
        if turned is not None and tissue is not None and self.uptake_rate is not None:
            alpha, beta, nu = turned
            rates = (rates[SOURCE], alpha, beta, quick, slow_rate)
            gains |= {(tissue, FLUID): self.uptake_rate, (fast, tissue): quick * nu}
        return rates, gains

    def advance(
        self,
        step: Propagator,
        nu: Modes | None,
        rate: Value,
        csf: Modes,
        tissue: Modes | None,
        sites: tuple[Modes, Modes],
    ) -> tuple[Modes, Modes | None, Modes, Modes]:
        """Return fluid, tissue, fast and slow site one step later; `nu` is that of `shear`."""
        around, fast, slow = self.stages
        held: dict[int, Value] = {SOURCE: rate, FLUID: csf, fast: sites[0], slow: sites[1]}
        if around is None or tissue is None or nu is None:
            return step.into(FLUID, held), None, step.into(fast, held), step.into(slow, held)
        held |= {FLUID: csf - nu * tissue, around: tissue}
        later = step.into(around, held)
        return step.into(FLUID, held) + nu * later, later, step.into(fast, held), step.into(slow, held)

    def steady(self, infusion_ug_per_h: Scalar | Patients) -> Modes:
        """Return the modes that a constant infusion ends in, ng/mL; fluid and effect sites agree there."""
        return self.weights("catheter") * infusion_ug_per_h / self.mode_rates

    def around(self, csf: Modes) -> Modes | None:
        """Return what the tissue holds in balance with the fluid; None without tissue."""
        if self.uptake_rate is None or self.return_rate is None:
            return None
        return csf * self.uptake_rate / self.return_rate

    def levels(self, csf: Modes, fast: Modes, slow: Modes) -> Levels:
        """Return the concentrations at the sites; rounding below zero is cut off."""
        at = _reader(self.geometry.readings())
        return Levels(
            csf_lumbar=at(LUMBAR, csf),
            csf_leg=at(LEG, csf),
            csf_arm=at(ARM, csf),
            csf_brain=at(BRAIN, csf),
            fast_leg=at(LEG, fast),
            fast_arm=at(ARM, fast),
            fast_brain=at(BRAIN, fast),
            slow_leg=at(LEG, slow),
            slow_arm=at(ARM, slow),
        )

    def segments(self, modes: Modes) -> Float[Array, "segment patient"]:
        """Return the concentration in every segment, ng/mL, from mode amplitudes."""
        return jnp.maximum(jnp.asarray(self.geometry.modes().shape, modes.dtype) @ modes, 0.0)

    def at_tip(self, modes: Modes, infusion_ug_per_h: Scalar | Patients) -> Patients:
        """Return what would be drawn from the catheter's tip, ng/mL: its segment, and what piles up as it runs."""
        here = self._at_tip(self.geometry.places() @ self.geometry.modes().shape)
        return jnp.maximum(jnp.sum(here * modes, axis=0), 0.0) + self.tip_excess * infusion_ug_per_h


def puncture_shares(spread: Any, conus_share: Any) -> dict[CordSegment, Any]:
    """Return where a lumbar puncture's dose is at once, if the share `spread` of it leaves the sac."""
    near, far = conus_share * spread, (1.0 - conus_share) * spread
    return {CordSegment.SAC: 1.0 - spread, CordSegment.CONUS: near, CordSegment.TIP: far}


def _reader(shape: NDArray[np.float64]) -> Callable[[CordSegment, Modes], Patients]:
    def at(segment: CordSegment, modes: Modes) -> Patients:
        terms = [float(weight) * amplitude for weight, amplitude in zip(shape[segment], modes, strict=True)]
        return jnp.maximum(sum(terms[1:], start=terms[0]), 0.0)

    return at
