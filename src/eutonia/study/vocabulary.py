"""The names and bounds that study files may use, read from the parameter records when a file first needs them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Literal

from eutonia import _units, parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.examination import TESTS
from eutonia.parameters import Parameter, citations

LimbName = Literal["leg", "arm"]

EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "duration": "48 hour",
        "intrathecal_dose": "50 ug",
        "oral_dose": "10 mg",
        "intrathecal_rate": "100 ug/day",
        "volume": "20 mL",
        "concentration_pump": "500 ug/mL",
        "weight": "71 kg",
        "age": "67 year",
        "clearance": "80 mL/min",
        "length": "82 cm",
        "leaving": "0.2 1/year",
        "abobotulinumtoxinA": "100 aboU",
        "onabotulinumtoxinA": "100 onaU",
    }
)

# Vertebrae by region, from the head down; sacral ones lie below any catheter tip.
_VERTEBRAE = (("C", 7), ("T", 12), ("L", 5))


@dataclass(frozen=True, slots=True)
class Limit:
    """An upper bound that comes from a parameter record: its number, the same as text, what it is, its source."""

    value: float
    text: str
    label: str
    source: str


@functools.cache
def levels() -> tuple[str, ...]:
    """Return the vertebral levels at which a catheter tip may lie."""
    return tuple(f"{region}{number}" for region, count in _VERTEBRAE for number in range(1, count + 1))


def territories() -> Mapping[str, str]:
    """Return the arterial territory of the lesion model that each name means, its own names first."""
    from eutonia.patient import places

    return {**{name: name for name in places.territories()}, **places.everyday()}


def sites() -> Mapping[str, str]:
    """Return the site of haemorrhage of the lesion model that each name means, its own names first."""
    from eutonia.patient import places

    return {**{name: name for name in places.sites()}, **places.everyday_sites()}


def several_places() -> Mapping[str, Sequence[str]]:
    """Return the places that a name may mean which stands for more than one."""
    from eutonia.patient.places import SEVERAL

    return SEVERAL


def mixes() -> tuple[str, ...]:
    """Return the named mixes of lesions."""
    from eutonia.patient import MIXES

    return tuple(MIXES)


def mix_of(origin: str) -> str | None:
    """Return the named mix that goes with an origin of spasticity; None for healthy people."""
    from eutonia.patient.population import MIX_OF

    return MIX_OF.get(origin)


def origins() -> tuple[str, ...]:
    """Return where spasticity may come from, and "healthy"."""
    from eutonia.patient import ORIGINS

    return ORIGINS


def since_birth(origin: str) -> bool:
    """Say whether a condition is there since birth, so that the time since its onset is the age."""
    from eutonia.patient import CONDITIONS

    return origin in CONDITIONS and CONDITIONS[origin].since_birth


def segments() -> tuple[str, ...]:
    """Return the segments of the cord that an injury may leave whole as the last."""
    from eutonia.patient.lesion import SEGMENTS

    return SEGMENTS


def courses() -> tuple[str, ...]:
    """Return the courses of multiple sclerosis."""
    from eutonia.patient import CONDITIONS

    return tuple(CONDITIONS["multiple sclerosis"].forms)


def muscles() -> Mapping[str, str]:
    """Return the muscle groups that are charted, and the limb of each."""
    from eutonia.assessment.muscles import charted_groups

    return {name: limb for name, _, limb in charted_groups()}


def muscles_by_name() -> Sequence[str]:
    """Return the names of the muscle groups that are charted."""
    return tuple(muscles())


def muscles_of_joints() -> Mapping[str, Sequence[str]]:
    """Return the muscle groups that a joint's name may mean."""
    from eutonia.assessment.muscles import charted_groups

    groups = charted_groups()
    return {joint: tuple(name for name, of, _ in groups if of == joint) for _, joint, _ in groups}


def injected() -> dict[str, str]:
    """Return the muscle groups that toxin may go into, those whose volume is on record, and the limb of each."""
    from eutonia.assessment.muscles import stretched_groups

    known = {record.name for record in parameters.load("toxin").records()}
    return {name: limb for name, _, limb in stretched_groups() if f"volume_{name.replace(' ', '_')}" in known}


def bedside_tests() -> tuple[str, ...]:
    """Return the tests at the bedside that a case may ask for."""
    return tuple(TESTS)


def practices() -> tuple[str, ...]:
    """Return the kinds of practice by which a person may learn."""
    from eutonia.simulation.practice import METHODS

    return METHODS


def products() -> Mapping[str, str]:
    """Return the product that each name or alias means, in the order of the records."""
    return {name: product.name for product in parameters.products() for name in product.names}


def products_for(route: str) -> tuple[str, ...]:
    """Return the names of the products that are given by a route, such as "oral" or "intrathecal bolus"."""
    return tuple(product.name for product in parameters.products() if route.startswith(product.route))


def sources() -> tuple[str, ...]:
    """Return the keys of sources.bib."""
    return citations.keys()


def reactions() -> tuple[str, ...]:
    """Return the adverse reactions that are counted, in words."""
    from eutonia.drug.effect import adverse

    return tuple(name.replace("_", " ") for name in adverse.REACTIONS)


CHARTED_SIGNS = ("loose leg", "lost stance", "enough")


def signs() -> tuple[str, ...]:
    """Return what a clinic may heed when it doses: reported reactions, and signs of the chart."""
    return (*reactions(), *CHARTED_SIGNS)


def reactions_by(way: str) -> tuple[str, ...]:
    """Return the reactions, in words, that the label lists for a drug given "oral" or "intrathecal"."""
    from eutonia.drug.effect import adverse

    listed = adverse.ORAL_REACTIONS if way == "oral" else adverse.INTRATHECAL_REACTIONS
    return tuple(name.replace("_", " ") for name in listed)


def oral_models() -> tuple[str, ...]:
    """Return the parameter sets by which tablets may be taken up and cleared."""
    return parameters.sets("oral")


def pump_models() -> tuple[str, ...]:
    """Return the pump models by name."""
    return tuple(parameters.pump_models())


def reservoirs(model: str) -> tuple[float, ...]:
    """Return the reservoir sizes of a pump model, mL."""
    return _record(_pump(model), "reservoirs", "mL").sorted()


def flows(model: str) -> tuple[float, float]:
    """Return the lowest and the highest flow of a pump model, mL/day."""
    lowest, highest = (_record(_pump(model), f"flow_{end}", "mL/day").value for end in ("lowest", "highest"))
    return lowest, highest


def intrathecal_rate_on_record() -> Limit:
    """Return the rate into the spinal fluid beyond which nothing is read, ug/h."""
    dose = intrathecal_dose_on_record()
    return replace(dose, value=dose.value / HOURS_A_DAY, text=f"{dose.text}/day")


def toxin_dose(product: str, end: str) -> Limit:
    """Return the "smallest" or the "largest" dose of a toxin, in its own unit."""
    return _limit("toxin", f"{product.lower()}_{end}_dose", _units.canonical_unit(product))


def _limit(of: str, name: str, unit: str, shown: str | None = None, per: float = 1.0) -> Limit:
    """Return a record as a limit, `per` less of it, with its number in words in `unit`, shown as another."""
    record = _record(of, name, unit)
    text = f"{record.value:g} {unit if shown is None else shown}".rstrip()
    return Limit(record.value / per, text, record.label, record.source)


def _largest(of: str, name: str, unit: str, label: str) -> Limit:
    record = _record(of, name, unit)
    largest = max(record.numbers)
    return Limit(largest, f"{largest:g} {unit}", label, record.source)


def _record(of: str, name: str, unit: str) -> Parameter:
    """Return a record in `unit` without noting a use: checking a file is no part of a run."""
    with parameters.unrecorded():
        return parameters.load(of)[name].to(unit)


def _pump(model: str) -> str:
    return parameters.pump_models()[model]


#: Largest dose by mouth: what the label allows in a whole day, mg.
largest_oral_dose = partial(_limit, "label_dosing", "oral_highest_daily", "mg/day", "mg")
#: Largest bolus into the spinal fluid: the last step of the label's ladder of test doses, ug.
largest_bolus = partial(_largest, "label_dosing", "screening_ladder", "ug", "The largest test dose")
#: Until when the effect of a test dose is judged, h after it.
longest_watch = partial(_limit, "label_dosing", "screening_observation_last", "h", "hour")
#: Largest rate into the spinal fluid by the label, ug/h.
largest_rate = partial(_limit, "label_dosing", "highest_dose", "ug/day", per=HOURS_A_DAY)
#: Lowest rate to which the label titrates, ug/h.
lowest_rate = partial(_limit, "label_dosing", "lowest_dose", "ug/day", per=HOURS_A_DAY)
#: Largest dose by mouth that anybody is known to have taken, mg.
oral_dose_on_record = partial(_limit, "exposure", "largest_oral_dose", "mg")
#: Dose into the spinal fluid beyond which nothing is read, ug.
intrathecal_dose_on_record = partial(_limit, "exposure", "largest_intrathecal_dose", "ug")
#: Smallest dose by mouth other than 0, mg.
smallest_oral_dose = partial(_limit, "exposure", "smallest_oral_dose", "mg")
#: Smallest bolus into the spinal fluid other than 0, ug.
smallest_bolus = partial(_limit, "exposure", "smallest_intrathecal_dose", "ug")
#: Largest share by which the own signal may be taken to be lowered.
largest_own_lowering = partial(_limit, "learning", "conditioning_reduction", "1", "")
#: Smallest rate into the spinal fluid other than 0, ug/h.
smallest_rate = partial(_limit, "exposure", "smallest_intrathecal_rate", "ug/day", per=HOURS_A_DAY)
#: Largest concentration that is marketed for pumps, ug/mL.
largest_concentration = partial(_largest, "pump", "concentrations", "ug/mL", "The highest marketed concentration")
