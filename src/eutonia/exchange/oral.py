"""Blood with its gut stages as equations of any oral set: the structure that tables are computed by, with names of
records in place of numbers, and the effect sites of `drug.kinetics.oral.Blood`.
"""

from __future__ import annotations

import dataclasses

from eutonia import parameters
from eutonia.drug.exposure.models import model, of_set
from eutonia.drug.exposure.structure import Structure
from eutonia.drug.kinetics.oral import MG_PER_L_TO_NG_PER_ML
from eutonia.drug.kinetics.values import ADULT
from eutonia.exchange.equations import (
    LEVEL,
    ONE,
    PER_HOUR,
    Amount,
    Constant,
    Equations,
    FlowTerm,
    Rate,
    Rule,
    Space,
    from_record,
)
from eutonia.exchange.formula import Formula
from eutonia.parameters.record import Parameter

_MASS_TO_LEVEL = {"mg": MG_PER_L_TO_NG_PER_ML, "ug": 1.0}


class _Names:
    """The structure of an oral set, and for what it computes with the names of records in place of numbers."""

    def __init__(self, oral_set: str) -> None:
        shape = model(of_set(oral_set)).structure
        assert isinstance(shape, Structure)
        self._own, self._adult = parameters.load(oral_set), parameters.load(ADULT)
        self._tail = "_per_weight" if shape.per_weight else ""
        two = shape.compartments > 1
        self.apparent = {"CL": "clearance_over_bioavailability", "V": "volume_over_bioavailability"}
        self.apparent |= {"VC": "central_volume_over_bioavailability", "VP": "peripheral_volume_over_bioavailability"}
        self.apparent |= {"Q": "intercompartmental_clearance_over_bioavailability"}
        self.apparent = {name: self.apparent[name] for name in (("CL", "VC", "Q", "VP") if two else ("CL", "V"))}
        self.values = {
            name: Formula("bioavailability") * Formula(self.record(apparent).name)
            for name, apparent in self.apparent.items()
        }
        self.values |= {"KA": Formula("absorption_rate"), "MTT": Formula("mean_transit_time")}
        self.values |= {"NN": Formula("transit_steps"), "CRCL": Formula("creatinine_clearance")}
        self.values |= {"WT": Formula("body_weight")}
        shares = Formula("nonrenal_share"), Formula("renal_share_per_creatinine_clearance")
        self.shape = shape if shape.kidneys is None else dataclasses.replace(shape, kidneys=shares)
        self.rates = self.shape.rates(self.values, Formula("clearance"), Formula("central"))

    def record(self, name: str) -> Parameter:
        """Return the record of a name, with or without its ending per kg; what a set lacks is the adult default's."""
        for known in (name + self._tail, name):
            if known in self._own:
                return self._own[known]
        return self._adult[name]

    def constants(self, *names: str) -> tuple[Constant, ...]:
        """Return the numbers of records."""
        return tuple(from_record(self.record(name)) for name in names)


def tablets(oral_set: str, dose_mg: float, every_h: float | None) -> Equations:
    """Return an oral set as a model: a tablet at time 0 (and every so often) to plasma and the effect sites."""
    names = _Names(oral_set)
    own = parameters.load(oral_set)
    into = [f"gut_{i + 1}" for i in range(len(names.rates.absorption))]
    entering = "bioavailability * dose"
    return (
        Equations(
            constants=(Constant("dose", "Dose by mouth", dose_mg, "mg"),),
            spaces=(Space("gut", "Gut, of any volume", "L", 1.0),),
            amounts=tuple(
                Amount(stage, f"Drug that will be absorbed, stage {i + 1}", "gut", "" if i else entering)
                for i, stage in enumerate(into)
            ),
            repeats={into[0]: entering},
            every_h=every_h,
            mass="mg",
            name=oral_set,
            title=own.title,
            note=own.note,
        )
        + blood(oral_set, "mg")
        + _absorption(names)
        + Equations(flows=tuple(_flows(names)[: len(into)]))
    )


def _flows(names: _Names) -> list[FlowTerm]:
    """Return the flows of a set: of absorption, of elimination, to and from tissue."""
    gut, two = len(names.rates.absorption), names.shape.compartments > 1
    stages = [f"gut_{i + 1}" for i in range(gut)]
    stages += ["drug_central", *(["drug_peripheral"] if two else []), "drug_eliminated"]
    said = [(f"absorption_{i + 1}", f"Absorption, stage {i + 1}") for i in range(gut)]
    said += [("elimination", "Elimination by kidneys and otherwise")]
    said += [("distribution", "From blood to tissue"), ("redistribution", "From tissue to blood")] if two else []
    rates = [
        *map(_absorbed, names.rates.absorption),
        Formula("elimination_rate"),
        *(f for _, _, f in names.rates.flows()[gut + 1 :]),
    ]
    return [
        FlowTerm(name, label, stages[source], stages[target], str(rate * Formula(stages[source])))
        for (name, label), (source, target, _), rate in zip(said, names.rates.flows(), rates, strict=True)
    ]


def _absorbed(rate: Formula) -> Formula:
    """Return the name of a rate of absorption."""
    return rate if rate.text == "absorption_rate" else Formula("transit_rate")


def _absorption(names: _Names) -> Equations:
    """Return the rates of absorption of a set."""
    part = Equations()
    for rate in dict.fromkeys(names.rates.absorption):
        if rate.text == "absorption_rate":
            part += Equations(constants=names.constants("absorption_rate"))
        else:
            part += Equations(
                constants=names.constants("mean_transit_time", "transit_steps"),
                rules=(Rule("transit_rate", "Rate of each transit step", PER_HOUR, str(rate)),),
            )
    return part


def blood(oral_set: str, mass: str) -> Equations:
    """Return drug in blood, tissue and removal, and the levels that blood causes in the cord; amounts in `mass`."""
    names = _Names(oral_set)
    factor = Constant("level_per_mass", f"Level of one {mass} in a litre", _MASS_TO_LEVEL[mass], f"ng L/mL/{mass}")
    volume = str(names.shape.volume(names.values))
    return (
        Equations(
            constants=(*names.constants("bioavailability", *names.apparent.values()), factor),
            rules=(
                Rule("elimination_rate", "Rate of elimination from blood", PER_HOUR, str(names.rates.elimination)),
                Rule("plasma", "Plasma level", LEVEL, "level_per_mass * drug_central / central"),
            ),
            spaces=(
                Space("central", "Central volume", "L", volume),
                Space("removed", "What has left the body, of any volume", "L", 1.0),
            ),
            amounts=(
                Amount("drug_central", "Drug in blood", "central"),
                Amount("drug_eliminated", "Drug eliminated", "removed"),
            ),
        )
        + _tissue(names)
        + _clearance(names)
        + Equations(flows=tuple(_flows(names)[len(names.rates.absorption) :]))
        + _cord()
    )


def _tissue(names: _Names) -> Equations:
    """Return the peripheral compartment of a set that has one."""
    if names.shape.compartments == 1:
        return Equations()
    size = names.values["VP"] * (names.values["WT"] if names.shape.per_weight else 1.0)
    return Equations(
        spaces=(Space("peripheral", "Peripheral volume", "L", str(size)),),
        amounts=(Amount("drug_peripheral", "Drug in tissue", "peripheral"),),
    )


def _clearance(names: _Names) -> Equations:
    """Return total clearance; a set per kg of body weight has no kidney model."""
    whole = Rule("clearance", "Clearance of the whole person", "L/h", str(names.shape.clearance(names.values)))
    if names.shape.per_weight:
        return Equations(constants=(from_record(names.record("example_weight"), name="body_weight"),), rules=(whole,))
    slope, reference = "renal_clearance_per_creatinine_clearance", "creatinine_clearance_reference"
    kidneys = names.record(reference)
    normal = f"(nonrenal_clearance + {slope} * {reference})"
    shares = (
        Rule("nonrenal_share", "Share of clearance without kidneys", ONE, f"nonrenal_clearance / {normal}"),
        Rule(
            "renal_share_per_creatinine_clearance",
            "Share of clearance for each mL/min of creatinine clearance",
            "min/mL",
            f"{slope} / {normal}",
        ),
    )
    own = Constant("creatinine_clearance", "Creatinine clearance of the person", kidneys.value, kidneys.unit, kidneys)
    return Equations(constants=(*names.constants("nonrenal_clearance", slope, reference), own), rules=(*shares, whole))


def _cord() -> Equations:
    """Return the levels that blood causes in the spinal fluid and at the effect sites, the same in every segment."""
    fluid, exchange = parameters.load("intrathecal"), parameters.load("blood_csf")
    rates = ("csf_clearance_rate", "fast_effect_rate", "slow_effect_rate")
    follows = "csf_clearance_rate * (csf_plasma_ratio * plasma - csf_from_blood)"
    return Equations(
        constants=(*(from_record(fluid[name], PER_HOUR) for name in rates), from_record(exchange["csf_plasma_ratio"])),
        rates=(
            Rate("csf_from_blood", "Level in spinal fluid that came by blood", LEVEL, follows),
            Rate(
                "fast_from_blood",
                "Level at the fast effect site that came by blood",
                LEVEL,
                "fast_effect_rate * (csf_from_blood - fast_from_blood)",
            ),
            Rate(
                "slow_from_blood",
                "Level at the slow effect site that came by blood",
                LEVEL,
                "slow_effect_rate * (fast_from_blood - slow_from_blood)",
            ),
        ),
    )
