"""Blood with its gut stages as equations: what `drug.kinetics.oral.Blood` steps, written out for any oral set."""

from __future__ import annotations

from eutonia import parameters
from eutonia.drug.kinetics.oral import MG_PER_L_TO_NG_PER_ML
from eutonia.drug.kinetics.values import ADULT, OralValues
from eutonia.exchange.equations import (
    LEVEL,
    ONE,
    PER_HOUR,
    Amount,
    Constant,
    Equations,
    Flow,
    Rate,
    Rule,
    Space,
    from_record,
)
from eutonia.parameters.record import Parameter

_MASS_TO_LEVEL = {"mg": MG_PER_L_TO_NG_PER_ML, "ug": 1.0}


class _Names:
    """Records of an oral set under the names that they have in it; what it lacks is that of the adult default."""

    def __init__(self, oral_set: str) -> None:
        self.values = OralValues.from_records(oral_set)
        self._own, self._adult = parameters.load(oral_set), parameters.load(ADULT)
        self._tail = "_per_weight" if self.values.per_weight else ""

    def record(self, name: str) -> Parameter:
        """Return the record of a name, with or without its ending per kg."""
        for known in (name + self._tail, name):
            if known in self._own:
                return self._own[known]
        return self._adult[name]

    def sized(self, name: str) -> str:
        """Return the formula of an apparent clearance or volume of the whole person, times F."""
        weight = "body_weight * " if self.values.per_weight else ""
        return f"bioavailability * {weight}{self.record(name).name}"

    @property
    def central(self) -> str:
        """Name of the central volume."""
        two = self.values.intercompartmental_clearance is not None
        return "central_volume_over_bioavailability" if two else "volume_over_bioavailability"


def tablets(oral_set: str, dose_mg: float, every_h: float | None) -> Equations:
    """Return an oral set as a model: a tablet at time 0 (and every so often) to plasma and the effect sites."""
    names = _Names(oral_set)
    own = parameters.load(oral_set)
    stages = _stages(names)
    into = [f"gut_{i + 1}" for i in range(len(stages))]
    onward = [*into[1:], "drug_central"]
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
        + Equations(
            flows=tuple(
                Flow(f"absorption_{i + 1}", f"Absorption, stage {i + 1}", source, target, f"{rate} * {source}")
                for i, (source, target, rate) in enumerate(zip(into, onward, stages, strict=True))
            )
        )
    )


def _stages(names: _Names) -> list[str]:
    """Return the name of the rate of each stage of absorption: transit steps, then ka or one step more."""
    last = [] if names.values.absorption_rate is None else ["absorption_rate"]
    if names.values.mean_transit_time is None:
        return last
    return ["transit_rate"] * (names.values.transit_steps + 1 - len(last)) + last


def _absorption(names: _Names) -> Equations:
    """Return the rates of absorption of a set."""
    part = Equations()
    if names.values.absorption_rate is not None:
        part += Equations(constants=(from_record(names.record("absorption_rate")),))
    if names.values.mean_transit_time is not None:
        formula = "(transit_steps + 1) / mean_transit_time"
        part += Equations(
            constants=(from_record(names.record("mean_transit_time")), from_record(names.record("transit_steps"))),
            rules=(Rule("transit_rate", "Rate of each transit step", PER_HOUR, formula),),
        )
    return part


def blood(oral_set: str, mass: str) -> Equations:
    """Return drug in blood, tissue and removal, and the levels that blood causes in the cord; amounts in `mass`."""
    names = _Names(oral_set)
    factor = Constant("level_per_mass", f"Level of one {mass} in a litre", _MASS_TO_LEVEL[mass], f"ng L/mL/{mass}")
    return (
        Equations(
            constants=(from_record(names.record("bioavailability")), factor),
            rules=(
                Rule("elimination_rate", "Rate of elimination from blood", PER_HOUR, "clearance / central"),
                Rule("plasma", "Plasma level", LEVEL, "level_per_mass * drug_central / central"),
            ),
            spaces=(
                Space("central", "Central volume", "L", names.sized(names.central)),
                Space("removed", "What has left the body, of any volume", "L", 1.0),
            ),
            amounts=(
                Amount("drug_central", "Drug in blood", "central"),
                Amount("drug_eliminated", "Drug eliminated", "removed"),
            ),
            flows=(
                Flow(
                    "elimination",
                    "Elimination by kidneys and otherwise",
                    "drug_central",
                    "drug_eliminated",
                    "elimination_rate * drug_central",
                ),
            ),
        )
        + _size(names)
        + _tissue(names)
        + _clearance(names)
        + _cord()
    )


def _size(names: _Names) -> Equations:
    volume = from_record(names.record(names.central))
    if not names.values.per_weight:
        return Equations(constants=(volume,))
    return Equations(constants=(volume, from_record(names.record("example_weight"), name="body_weight")))


def _tissue(names: _Names) -> Equations:
    """Return the peripheral compartment of a set that has one."""
    if names.values.intercompartmental_clearance is None:
        return Equations()
    exchange, volume = "intercompartmental_clearance_over_bioavailability", "peripheral_volume_over_bioavailability"
    return Equations(
        constants=(from_record(names.record(exchange)), from_record(names.record(volume))),
        rules=(Rule("intercompartmental_clearance", "Exchange with tissue", "L/h", names.sized(exchange)),),
        spaces=(Space("peripheral", "Peripheral volume", "L", names.sized(volume)),),
        amounts=(Amount("drug_peripheral", "Drug in tissue", "peripheral"),),
        flows=(
            Flow(
                "distribution",
                "Exchange between blood and tissue",
                "drug_central",
                "drug_peripheral",
                "intercompartmental_clearance * (drug_central / central - drug_peripheral / peripheral)",
            ),
        ),
    )


def _clearance(names: _Names) -> Equations:
    """Return total clearance; a set per kg of body weight has no kidney model."""
    apparent = "clearance_over_bioavailability"
    whole = Rule("clearance", "Clearance of the whole person", "L/h", names.sized(apparent))
    if names.values.per_weight:
        return Equations(constants=(from_record(names.record(apparent)),), rules=(whole,))
    slope, reference = "renal_clearance_per_creatinine_clearance", "creatinine_clearance_reference"
    kidneys = names.record(reference)
    own = "nonrenal_clearance + renal_clearance_per_creatinine_clearance"
    share = f"({own} * creatinine_clearance) / ({own} * creatinine_clearance_reference)"
    return Equations(
        constants=(
            *(from_record(names.record(name)) for name in (apparent, "nonrenal_clearance", slope, reference)),
            Constant(
                "creatinine_clearance", "Creatinine clearance of the person", kidneys.value, kidneys.unit, kidneys
            ),
        ),
        rules=(
            Rule("kidney_share", "Clearance relative to reference kidneys", ONE, share),
            Rule("clearance", whole.label, whole.unit, f"{whole.formula} * kidney_share"),
        ),
    )


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
