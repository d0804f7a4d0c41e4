"""The spinal fluid as a line of segments in plain volumes and flows: what `drug.kinetics.intrathecal` does in modes."""

from __future__ import annotations

from itertools import pairwise

from eutonia import parameters
from eutonia.drug.kinetics.geometry import (
    ARM,
    BRAIN,
    LEG,
    LUMBAR,
    SEGMENTS,
    CordSegment,
    SpinalGeometry,
    half_resistance,
    volume_records,
)
from eutonia.drug.kinetics.intrathecal import UG_TO_NG, puncture_shares
from eutonia.drug.kinetics.values import ADULT
from eutonia.drug.regimen import ACCESSES
from eutonia.errors import StudyError, unknown
from eutonia.exchange.equations import LEVEL, Amount, Constant, Equations, FlowTerm, Rate, Rule, Space, from_record
from eutonia.exchange.formula import Formula
from eutonia.exchange.oral import blood

TYPICAL_TIP = "T10"  # as in Kinetics.typical

_SITES = {"leg": LEG, "arm": ARM, "brain": BRAIN}
_WITH_SLOW_SITE = ("leg", "arm")


def spinal_fluid(dose_ug: float, every_h: float | None, infusion_ug_per_h: float, access: str, tip: str) -> Equations:
    """Return the spinal fluid with its effect sites, and the blood that it empties into, as a model.

    Parameters
    ----------
    dose_ug, every_h
        A bolus at time 0 and its repetition, by `access`.
    infusion_ug_per_h
        Constant infusion through the catheter, whose tip is at the level `tip`.
    """
    own = parameters.load("intrathecal")
    at_tip = SpinalGeometry.from_records().segment_at(tip)
    shares = _shares(access, at_tip)
    constants = (
        Constant("dose", f"Bolus into the spinal fluid by {access}", dose_ug, "ug"),
        Constant("infusion", "Infusion through the catheter", infusion_ug_per_h, "ug/h"),
        Constant("level_per_ug", "Level of one ug in a millilitre", UG_TO_NG, "ng/ug"),
        from_record(own["dispersion"], "cm^2/h"),
        *(from_record(own[name]) for name in ("lumbar_puncture_spread", "lumbar_puncture_conus_share")),
    )
    pump = FlowTerm("pump", f"Pump, catheter tip at {tip}", None, f"csf_{_name(at_tip)}", "infusion")
    return (
        Equations(
            constants=constants,
            amounts=tuple(
                Amount(
                    f"csf_{_name(s)}",
                    f"Drug in the {_name(s)} segment",
                    _name(s),
                    f"dose * {shares[s]}" if s in shares else "",
                )
                for s in CordSegment
            ),
            repeats={f"csf_{_name(s)}": f"dose * {share}" for s, share in shares.items()},
            every_h=every_h,
            flows=(pump,),
            mass="ug",
            name="intrathecal",
            title=own.title,
            note=own.note,
        )
        + _line()
        + blood(ADULT, "ug")
        + _sites()
    )


def _name(segment: CordSegment) -> str:
    return segment.name.lower()


def _shares(access: str, at_tip: CordSegment) -> dict[CordSegment, str]:
    """Return which share of a bolus goes where: all to the tip of a catheter, or spread by a lumbar puncture."""
    if access not in ACCESSES:
        raise StudyError(unknown("way into the spinal fluid", access, ACCESSES))
    if access == "catheter":
        return {at_tip: "1"}
    spread, near = Formula("lumbar_puncture_spread"), Formula("lumbar_puncture_conus_share")
    return {segment: f"({share})" for segment, share in puncture_shares(spread, near).items()}


def _line() -> Equations:
    """Return volumes, exchange between neighbours, removal into the blood, and the level in each segment."""
    own = parameters.load("intrathecal")
    names = [_name(s) for s in CordSegment]
    return Equations(
        constants=tuple(
            from_record(own["segment_length"], name=f"length_{name}", of=of)
            for of, name in zip(SEGMENTS, names, strict=True)
        ),
        spaces=tuple(
            Space(name, f"Spinal fluid, {name} segment", "mL", record.along([name])[0], record)
            for name, record in volume_records(own)
        ),
        rules=(
            *(
                Rule(
                    f"flow_{low}_{high}",
                    f"Flow to and fro between {low} and {high}",
                    "mL/h",
                    str(Formula("dispersion") * (1.0 / (_half(low) + _half(high)))),
                )
                for low, high in pairwise(names)
            ),
            *(Rule(f"level_{n}", f"Level in the {n} segment", LEVEL, f"level_per_ug * csf_{n} / {n}") for n in names),
        ),
        flows=(
            *(
                FlowTerm(
                    f"exchange_{low}_{high}",
                    f"Exchange between {low} and {high}",
                    f"csf_{low}",
                    f"csf_{high}",
                    f"flow_{low}_{high} * (csf_{low} / {low} - csf_{high} / {high})",
                )
                for low, high in pairwise(names)
            ),
            *(
                FlowTerm(
                    f"removal_{n}", f"Removal from {n}", f"csf_{n}", "drug_central", f"csf_clearance_rate * csf_{n}"
                )
                for n in names
            ),
        ),
    )


def _half(name: str) -> Formula:
    found: Formula = half_resistance(Formula(name), Formula(f"length_{name}"))
    return found


def _sites() -> Equations:
    """Return the fast effect sites of leg, arm and brain, the slow ones of leg and arm, and the level where a needle
    draws.
    """
    fast = tuple(
        Rate(
            f"fast_{site}",
            f"Level at the fast effect site of the {site}, from drug given into the fluid",
            LEVEL,
            f"fast_effect_rate * (level_{_name(segment)} - fast_{site})",
        )
        for site, segment in _SITES.items()
    )
    slow = tuple(
        Rate(
            f"slow_{site}",
            f"Level at the slow effect site of the {site}, from drug given into the fluid",
            LEVEL,
            f"slow_effect_rate * (fast_{site} - slow_{site})",
        )
        for site in _WITH_SLOW_SITE
    )
    lumbar = Rule("csf_lumbar", "Level that a lumbar puncture draws", LEVEL, f"level_{_name(LUMBAR)}")
    return Equations(rules=(lumbar,), rates=(*fast, *slow))
