"""Typical values and spreads of the kinetics, read from records; replace one with `dataclasses.replace` to vary it."""

from __future__ import annotations

import dataclasses
import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia.drug.kinetics.cascade import Scalar
from eutonia.drug.kinetics.geometry import SpinalGeometry, vertebra_of
from eutonia.drug.kinetics.intrathecal import Intrathecal
from eutonia.drug.kinetics.oral import Blood
from eutonia.drug.kinetics.state import Patients
from eutonia.errors import ParameterError

Draws = Float[Array, "8 patient"]

#: The oral model where nobody names one.
ADULT = "oral_adult_default"
_MINUTES_AN_HOUR, _ML_A_LITRE = 60.0, 1000.0

# Which standard normal draw of a person moves what. A number is never reused.
_CLEARANCE_RATE, _DISPERSION, _FAST, _SLOW, _CLEARANCE, _VOLUME, _ABSORPTION = range(7)
N_DRAWS = 8


def oral_upper_age(oral_set: str) -> float:
    """Return the age of the oldest people that an oral set was made of and may be used for, years."""
    own = parameters.load(oral_set)
    return own.value("upper_age", "year") if "upper_age" in own else math.inf


class IntrathecalValues(eqx.Module):
    """Values of the spinal fluid model: typical (median) value and spread (SD of the logarithm) of each.

    Scalars may be traced, so that a calibration can vary them inside a compiled function; the geometry is fixed.
    """

    dispersion: Scalar
    dispersion_sd_log: Scalar
    csf_clearance_rate: Scalar
    csf_clearance_rate_sd_log: Scalar
    fast_effect_rate: Scalar
    fast_effect_rate_sd_log: Scalar
    slow_effect_rate: Scalar
    slow_effect_rate_sd_log: Scalar
    lumbar_puncture_spread: Scalar
    lumbar_puncture_conus_share: Scalar
    csf_plasma_ratio: Scalar
    puncture_volume: Scalar
    geometry: SpinalGeometry = eqx.field(static=True)
    tissue_ratio: Scalar | None = None
    tissue_return_rate: Scalar | None = None
    tip_excess: Scalar = 0.0

    @classmethod
    def from_records(cls) -> IntrathecalValues:
        """Read the sets `intrathecal` and `blood_csf`."""
        records = parameters.load("intrathecal")
        typical = records.named(_INTRATHECAL)
        spread = {f"{name}_sd_log": records.spread(name, _INTRATHECAL[name]).sd_log for name in _INTRATHECAL_SPREAD}
        ratio = parameters.load("blood_csf").value("csf_plasma_ratio", "1")
        volume = parameters.load("pump").value("bolus_volume_screening", "mL")
        geometry = SpinalGeometry.from_records()
        return cls(**typical, **spread, csf_plasma_ratio=ratio, geometry=geometry, puncture_volume=volume)

    @classmethod
    def neuraxis(cls, pieces: int = 1) -> IntrathecalValues:
        """Return the finer model of the set `neuraxis`: a segment to a vertebra (or several), tissue, the tip.

        Dispersion and removal are those of the trials, so that both models say the same of the label's numbers.
        """
        trials, finer = cls.from_records(), parameters.load("neuraxis")
        return dataclasses.replace(
            trials,
            geometry=trials.geometry.by_vertebra(pieces),
            tissue_ratio=finer.value("tissue_ratio", "1"),
            tissue_return_rate=trials.fast_effect_rate,  # the tissue is where the drug first acts
            tip_excess=finer.value("tip_excess", "h/L"),
        )

    def people(self, draws: Draws, tip: str) -> Intrathecal:
        """Return the spinal fluid of the people with these standard normal draws."""
        back = None if self.tissue_return_rate is None else jnp.full_like(draws[0], self.tissue_return_rate)
        return Intrathecal(
            clearance_rate=self.csf_clearance_rate * jnp.exp(self.csf_clearance_rate_sd_log * draws[_CLEARANCE_RATE]),
            dispersion=self.dispersion * jnp.exp(self.dispersion_sd_log * draws[_DISPERSION]),
            fast_rate=self.fast_effect_rate * jnp.exp(self.fast_effect_rate_sd_log * draws[_FAST]),
            slow_rate=self.slow_effect_rate * jnp.exp(self.slow_effect_rate_sd_log * draws[_SLOW]),
            spread=jnp.full_like(draws[0], self.lumbar_puncture_spread),
            conus_share=jnp.full_like(draws[0], self.lumbar_puncture_conus_share),
            tip=jnp.full(draws[0].shape, vertebra_of(tip), jnp.int32),
            puncture_volume=jnp.full_like(draws[0], self.puncture_volume),
            tip_excess=jnp.full_like(draws[0], self.tip_excess),
            geometry=self.geometry,
            uptake_rate=None if back is None or self.tissue_ratio is None else self.tissue_ratio * back,
            return_rate=back,
        )


_INTRATHECAL_SPREAD = ("dispersion", "csf_clearance_rate", "fast_effect_rate", "slow_effect_rate")
_INTRATHECAL = {
    "dispersion": "cm^2/h",
    **dict.fromkeys(_INTRATHECAL_SPREAD[1:], "1/h"),
    **dict.fromkeys(("lumbar_puncture_spread", "lumbar_puncture_conus_share"), "1"),
}


class OralValues(eqx.Module):
    """Values of an oral model: apparent ones (per F) as published, spreads as SD of the logarithm.

    Attributes
    ----------
    clearance, central_volume, intercompartmental_clearance, peripheral_volume
        CL/F (L/h) at the reference creatinine clearance, V/F (L), Q/F and Vp/F (None: one compartment); of a set
        `per_weight`, per kg of body weight.
    absorption_rate, mean_transit_time
        ka (1/h), MTT (h) of a chain of `transit_steps` before absorption; one of the two may be None.
    bioavailability, nonrenal_clearance, renal_per_creatinine, creatinine_clearance_reference
        F; kidney model CL proportional to CL_NR + slope CLcr, mL/min.
    """

    clearance: Scalar
    clearance_sd_log: Scalar
    central_volume: Scalar
    volume_sd_log: Scalar
    intercompartmental_clearance: Scalar | None
    peripheral_volume: Scalar | None
    absorption_rate: Scalar | None
    mean_transit_time: Scalar | None
    absorption_sd_log: Scalar
    bioavailability: Scalar
    nonrenal_clearance: Scalar
    renal_per_creatinine: Scalar
    creatinine_clearance_reference: Scalar
    transit_steps: int = eqx.field(static=True)
    per_weight: bool = eqx.field(static=True)

    @classmethod
    def from_records(cls, oral_set: str = ADULT) -> OralValues:
        """Read an oral set; F and the kidney model, where the set has none, are those of the adult default."""
        own, adult = parameters.load(oral_set), parameters.load(ADULT)
        if not {"absorption_rate", "mean_transit_time"} & set(own):
            raise ParameterError(
                f"{oral_set} says nothing of absorption. Allowed: absorption_rate, mean_transit_time with "
                "transit_steps, or both. Add a record."
            )
        per_weight = "clearance_over_bioavailability_per_weight" in own

        per_kg = "/kg" if per_weight else ""

        def value(name: str, unit: str) -> float | None:
            return own.value(name, unit) if name in own else None

        def shared(name: str, unit: str) -> float:
            return (own if name in own else adult).value(name, unit)

        def spread(*names: str) -> float:
            return next((own[name].spread.sd_log for name in names if name in own), 0.0)

        tail = "_per_weight" if per_weight else ""
        volume = f"volume_over_bioavailability{tail}"
        central = value(f"central_volume_over_bioavailability{tail}", f"L{per_kg}")
        return cls(
            clearance=own.value(f"clearance_over_bioavailability{tail}", f"L/h{per_kg}"),
            clearance_sd_log=spread(f"clearance_over_bioavailability{tail}"),
            central_volume=own.value(volume, f"L{per_kg}") if central is None else central,
            volume_sd_log=spread(f"steady_state_{volume}", f"central_{volume}", volume),
            intercompartmental_clearance=value(
                f"intercompartmental_clearance_over_bioavailability{tail}", f"L/h{per_kg}"
            ),
            peripheral_volume=value(f"peripheral_volume_over_bioavailability{tail}", f"L{per_kg}"),
            absorption_rate=value("absorption_rate", "1/h"),
            mean_transit_time=value("mean_transit_time", "h"),
            absorption_sd_log=spread("absorption_rate", "mean_transit_time"),
            bioavailability=shared("bioavailability", "1"),
            nonrenal_clearance=shared("nonrenal_clearance", "mL/min"),
            renal_per_creatinine=shared("renal_clearance_per_creatinine_clearance", "1"),
            creatinine_clearance_reference=shared("creatinine_clearance_reference", "mL/min"),
            transit_steps=int(value("transit_steps", "1") or 0),
            per_weight=per_weight,
        )

    def people(
        self,
        draws: Draws,
        weight_kg: Patients,
        creatinine_clearance: Patients | None,
        fluid: Intrathecal,
        csf_plasma_ratio: Scalar,
    ) -> Blood:
        """Return the blood of the people with these standard normal draws; `fluid` is their spinal fluid."""
        size = self.bioavailability * (weight_kg if self.per_weight else jnp.ones_like(weight_kg))
        clearance = size * self.clearance * jnp.exp(self.clearance_sd_log * draws[_CLEARANCE])
        larger = jnp.exp(self.volume_sd_log * draws[_VOLUME])
        central = size * self.central_volume * larger
        outward, back = None, None
        if self.intercompartmental_clearance is not None and self.peripheral_volume is not None:
            outward = size * self.intercompartmental_clearance / central
            back = self.intercompartmental_clearance / (self.peripheral_volume * larger)
        nonrenal, slope = self.kidneys()
        reference = jnp.full_like(weight_kg, self.creatinine_clearance_reference)
        return Blood(
            gut_rates=self._gut(draws[_ABSORPTION]),
            bioavailability=jnp.full_like(weight_kg, self.bioavailability),
            nonrenal_clearance=nonrenal * clearance,
            renal_slope=slope * clearance,
            creatinine_clearance=reference if creatinine_clearance is None else creatinine_clearance,
            central_volume=central,
            to_peripheral=outward,
            from_peripheral=back,
            csf_ratio=jnp.full_like(weight_kg, csf_plasma_ratio),
            csf_rate=fluid.clearance_rate,
            csf_volume=fluid.geometry.total_volume,
            fast_rate=fluid.fast_rate,
            slow_rate=fluid.slow_rate,
            uptake_rate=fluid.uptake_rate,
            return_rate=fluid.return_rate,
        )

    def kidneys(self) -> tuple[Scalar, Scalar]:
        """Return non-renal share of clearance, and share per mL/min of creatinine clearance.

        The kidney model is one of adults: a set per kg of body weight is left as published.
        """
        if self.per_weight:
            return 1.0, 0.0
        whole = self.nonrenal_clearance + self.renal_per_creatinine * self.creatinine_clearance_reference
        return self.nonrenal_clearance / whole, self.renal_per_creatinine / whole

    def _gut(self, draw: Patients) -> tuple[Patients, ...]:
        """Return the rates of the stages of absorption: n + 1 at (n + 1) / MTT, then ka if a depot follows."""
        faster = jnp.exp(self.absorption_sd_log * draw)
        last: tuple[Patients, ...] = () if self.absorption_rate is None else (self.absorption_rate * faster,)
        if self.mean_transit_time is None:
            return last
        steps = self.transit_steps + 1
        transit = steps / self.mean_transit_time / (faster if self.absorption_rate is None else jnp.ones_like(faster))
        return (transit,) * steps + last
