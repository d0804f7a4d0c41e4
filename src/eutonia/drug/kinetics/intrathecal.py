"""Drug given into the spinal fluid: a chain of six segments with effect sites, in modes that never mix."""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from eutonia.drug.kinetics.cascade import Propagator, Scalar, propagator
from eutonia.drug.kinetics.geometry import ARM, BRAIN, LEG, LUMBAR, Segment, SpinalGeometry
from eutonia.drug.kinetics.state import Levels, Modes, ModesOfAny, Patients
from eutonia.drug.regimen import ACCESSES
from eutonia.errors import StudyError, unknown

UG_TO_NG = 1000.0
SOURCE, FLUID, FAST, SLOW = range(4)  # stages of a mode; the source is the constant infusion


class Intrathecal(eqx.Module):
    """Spinal fluid of a cohort as a chain of segments, and the two effect sites that follow it.

    Equation
        V_i C_i' = sum over neighbours j of q_ij (C_j - C_i) - k V_i C_i + dose_i
        F' = k_f (C - F),  S' = k_s (F - S)   in every segment
        with q_ij = D / (L_i / 2 A_i + L_j / 2 A_j), A = V / L

    Because k is the same everywhere and D only scales the exchange, the patterns (modes) of the chain depend on its
    geometry alone, and each decays at k + D lambda: six independent cascades fluid -> fast -> slow.

    Assumptions
        One dimension, no bulk flow, no change with posture; volume and speed of an injection do not change its spread.
    Source
        Eutonia_2026 (fitted); label gradient, clearance and half-life: Label_ITB.
    Not for
        Concentration drawn from the catheter tip, which exceeds that of its segment about fivefold.
    """

    clearance_rate: Patients
    dispersion: Patients
    fast_rate: Patients
    slow_rate: Patients
    spread: Patients
    conus_share: Patients
    geometry: SpinalGeometry = eqx.field(static=True)
    tip: str = eqx.field(static=True)

    @property
    def mode_rates(self) -> Modes:
        """Rate of decay of each mode, k + D lambda, 1/h."""
        exchange = self._constant(self.geometry.modes().exchange)
        return self.clearance_rate + self.dispersion * exchange

    def weights(self, access: str, tip: str | None = None) -> ModesOfAny:
        """Return how much of each mode one ug gives, ng/mL per ug, when it enters by a catheter or a lumbar puncture.

        A catheter delivers into the segment of its tip (of the cohort, or `tip`). A puncture leaves 1 - b in the sac
        and takes b to conus and tip segment.
        """
        shape = self.geometry.modes().shape
        unit = UG_TO_NG / self.geometry.total_volume
        if access == "catheter":
            return self._constant(unit * shape[self.geometry.segment_at(tip or self.tip)])
        if access == "lumbar puncture":
            b, near = self.spread, self.conus_share
            shares = {Segment.SAC: 1.0 - b, Segment.CONUS: near * b, Segment.TIP: (1.0 - near) * b}
            parts = [share * self._constant(unit * shape[segment]) for segment, share in shares.items()]
            return parts[0] + parts[1] + parts[2]
        raise StudyError(unknown("way into the spinal fluid", access, ACCESSES))

    def _constant(self, by_mode: NDArray[np.float64]) -> Float[Array, "mode 1"]:
        return jnp.asarray(by_mode, self.dispersion.dtype)[:, None]

    def propagator(self, dt_h: Scalar) -> Propagator:
        """Return the transition of every mode over a step; the source counts in ug/h through the catheter."""
        fast, slow = self.fast_rate, self.slow_rate
        rates = (jnp.zeros_like(fast), self.mode_rates, fast, slow)
        gains = {(FLUID, SOURCE): self.weights("catheter"), (FAST, FLUID): fast, (SLOW, FAST): slow}
        return propagator(rates, gains, dt_h)

    def steady(self, infusion_ug_per_h: Scalar | Patients) -> Modes:
        """Return the modes that a constant infusion ends in, ng/mL; fluid and effect sites agree there."""
        return self.weights("catheter") * infusion_ug_per_h / self.mode_rates

    def levels(self, csf: Modes, fast: Modes, slow: Modes) -> Levels:
        """Return the concentrations at the sites; rounding below zero is cut off."""
        at = _reader(self.geometry.modes().shape)
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
        at = _reader(self.geometry.modes().shape)
        return jnp.stack([at(segment, modes) for segment in Segment])


def _reader(shape: NDArray[np.float64]) -> Callable[[Segment, Modes], Patients]:
    def at(segment: Segment, modes: Modes) -> Patients:
        terms = [float(weight) * amplitude for weight, amplitude in zip(shape[segment], modes, strict=True)]
        return jnp.maximum(sum(terms[1:], start=terms[0]), 0.0)

    return at
