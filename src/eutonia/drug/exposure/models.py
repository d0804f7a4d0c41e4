"""Kinetic models by name: their parameters and covariates, and the system that these make of a person."""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass
from typing import Literal

from eutonia import parameters
from eutonia.drug.exposure.line import LineStructure
from eutonia.drug.exposure.structure import Absorption, Structure
from eutonia.drug.kinetics.cascade import Scalar
from eutonia.errors import ParameterError, unknown

DEFAULT = "baclofen-oral"
INTRATHECAL = "baclofen-intrathecal"
_ADULT = "oral_adult_default"
MOST_TRANSIT_STEPS = 12


@dataclass(frozen=True, slots=True)
class ModelQuantity:
    """A parameter or covariate of a model, in its canonical unit.

    Attributes
    ----------
    default
        None: it must be given.
    lowest, highest
        Bounds; `lowest` itself is allowed only where `zero` says so.
    """

    name: str
    label: str
    unit: str
    default: float | None = None
    lowest: float = 0.0
    highest: float = 1e6
    zero: bool = False
    covariate: bool = False

    @property
    def allowed(self) -> str:
        """Say the bounds in words."""
        low = f"{self.lowest:g} or more" if self.zero else f"more than {self.lowest:g}"
        return f"{low}, up to {self.highest:g} {self.unit}".removesuffix(" 1").strip()


@dataclass(frozen=True, slots=True)
class KineticModel:
    """A kinetic model that a name stands for.

    Attributes
    ----------
    quantities
        Parameters and covariates of the rates.
    checked
        Covariates that only bound whom the model may be used for.
    mass
        Unit of every amount.
    per_litre
        Unit of concentrations, and how many of it one unit of amount in a litre is.
    largest_dose
        A larger dose, or more than this in a day, is a slip of the unit; None: not known.
    smallest_dose
        So is a smaller one, above 0.
    """

    name: str
    title: str
    structure: Structure | LineStructure
    quantities: tuple[ModelQuantity, ...]
    checked: tuple[ModelQuantity, ...] = ()
    bioavailability: float = 1.0
    mass: Literal["mg", "ug"] = "mg"
    per_litre: tuple[str, float] = ("mg/L", 1.0)
    largest_dose: float | None = None
    smallest_dose: float = 0.0

    @property
    def dosing(self) -> tuple[ModelQuantity, ...]:
        """Quantities that belong to a dose rather than to the rates."""
        return (
            ModelQuantity("F", "Bioavailability of a dose", "1", self.bioavailability, zero=True, highest=10.0),
            ModelQuantity("ALAG", "Lag before a dose enters", "h", 0.0, zero=True, highest=1e4),
            ModelQuantity("RATE_M", "Modelled rate, taken by RATE = -1", f"{self.mass}/h", float("nan"), highest=1e9),
            ModelQuantity("DUR_M", "Modelled duration, taken by RATE = -2", "h", float("nan"), highest=1e5),
        )

    @property
    def transit_steps(self) -> int | None:
        """Number of transit steps, 0 while it is not said; None: no chain."""
        shape = self.structure
        return shape.transit_steps if isinstance(shape, Structure) and shape.absorption == "transit" else None

    def with_transit_steps(self, steps: int) -> KineticModel:
        """Return the model, which has a chain, with another number of transit steps."""
        assert isinstance(self.structure, Structure)
        return dataclasses.replace(self, structure=dataclasses.replace(self.structure, transit_steps=steps))


def names() -> tuple[str, ...]:
    """Return the names of all models, the default first."""
    oral = sorted(of_set(name) for name in parameters.sets("oral"))
    return (*sorted(oral, key=lambda name: name != DEFAULT), INTRATHECAL, *_generic())


def model(name: str = DEFAULT) -> KineticModel:
    """Return a model by name."""
    if name in _generic():
        return _generic()[name]
    if name == INTRATHECAL:
        return _intrathecal()
    sets = {of_set(one): one for one in parameters.sets("oral")}
    if name not in sets:
        raise ParameterError(unknown("model", name, names(), "See: eutonia models"))
    return _oral(name, sets[name])


def of_set(oral_set: str) -> str:
    """Return the name of the model of an oral set."""
    return DEFAULT if oral_set == _ADULT else "baclofen-oral-" + oral_set.removeprefix("oral_").replace("_", "-")


_CLEARANCE = ModelQuantity("CL", "Clearance", "L/h")
_KA = ModelQuantity("KA", "First-order absorption rate", "1/h", highest=1e4)
_MTT = ModelQuantity("MTT", "Mean transit time", "h", highest=1e4)
_VMAX = ModelQuantity("VMAX", "Largest rate of saturable absorption", "mg/h")
_KM = ModelQuantity("KM", "Amount in the depot at half of that rate", "mg")
_WORDS = ("one", "two", "three")


def _disposition(compartments: int) -> tuple[ModelQuantity, ...]:
    if compartments == 1:
        return (_CLEARANCE, ModelQuantity("V", "Volume of distribution", "L"))
    more = (
        ModelQuantity("VC", "Central volume", "L"),
        ModelQuantity("Q", "Intercompartmental clearance", "L/h"),
        ModelQuantity("VP", "Peripheral volume", "L"),
        ModelQuantity("Q2", "Second intercompartmental clearance", "L/h"),
        ModelQuantity("VP2", "Second peripheral volume", "L"),
    )
    return (_CLEARANCE, *more[: 2 * compartments - 1])


@functools.cache
def _generic() -> dict[str, KineticModel]:
    """Return the models without values: every number of them must be given."""
    absorptions: tuple[tuple[str, str, Absorption, tuple[ModelQuantity, ...]], ...] = (
        ("", "injected or infused", "injected", ()),
        ("-oral", "first-order absorption from a depot", "depot", (_KA,)),
        ("-transit", "a chain of NN + 1 transit stages before a depot", "transit", (_MTT, _KA)),
        ("-saturable", "saturable absorption from a depot (by a solver)", "saturable", (_VMAX, _KM)),
    )
    found = {}
    for count, word in enumerate(_WORDS, start=1):
        for tail, words, absorption, more in absorptions:
            name = f"{word}-compartment{tail}"
            title = f"{word.capitalize()} compartment{'s' if count > 1 else ''}, {words}"
            found[name] = KineticModel(name, title, Structure(count, absorption), (*_disposition(count), *more))
    return found


@parameters.remembered
def _oral(name: str, oral_set: str) -> KineticModel:
    """Return the model of an oral set: true clearance and volumes, of which the gut receives the share F."""
    from eutonia.drug.kinetics.values import OralValues

    values = OralValues.from_records(oral_set)
    share = float(values.bioavailability)
    per = "/kg" if values.per_weight else ""
    two = values.peripheral_volume is not None
    apparent = {
        "CL": values.clearance,
        "VC" if two else "V": values.central_volume,
        "Q": values.intercompartmental_clearance,
        "VP": values.peripheral_volume,
    }
    absorption = {"KA": values.absorption_rate, "MTT": values.mean_transit_time}
    defaults = {name: share * float(value) for name, value in apparent.items() if value is not None}
    defaults |= {name: float(value) for name, value in absorption.items() if value is not None}
    nonrenal, slope = values.kidneys()
    shape = Structure(
        compartments=2 if two else 1,
        absorption="depot" if values.mean_transit_time is None else "transit",
        transit_steps=values.transit_steps,
        has_depot=values.absorption_rate is not None,
        kidneys=None if values.per_weight else (float(nonrenal), float(slope)),
        per_weight=values.per_weight,
    )
    quantities = [
        dataclasses.replace(one, unit=one.unit + ("" if one.name in absorption else per), default=defaults[one.name])
        for one in (*_disposition(shape.compartments), _MTT, _KA)
        if one.name in defaults
    ]
    return KineticModel(
        name=name,
        title=parameters.load(oral_set).title,
        structure=shape,
        quantities=(*quantities, *_covariates(values.per_weight, float(values.creatinine_clearance_reference))),
        checked=(_age(oral_set),),
        bioavailability=share,
        per_litre=("ng/mL", 1000.0),
        largest_dose=parameters.load("exposure").value("largest_oral_dose", "mg"),
        smallest_dose=parameters.load("exposure").value("smallest_oral_dose", "mg"),
    )


@parameters.remembered
def _intrathecal() -> KineticModel:
    """Return the spinal fluid of the trials and, as what it empties into, the blood of the default adult."""
    from eutonia.drug.kinetics.values import IntrathecalValues

    values, adult = IntrathecalValues.from_records(), model(DEFAULT)
    assert isinstance(adult.structure, Structure)
    blood = dataclasses.replace(adult.structure, absorption="depot", transit_steps=0, has_depot=True)
    return KineticModel(
        name=INTRATHECAL,
        title="Baclofen in the spinal fluid, seven segments with dispersion, and in the blood; amounts in ug",
        structure=LineStructure(blood, values.geometry),
        quantities=(
            ModelQuantity("KCSF", "Rate of removal from the spinal fluid", "1/h", float(values.csf_clearance_rate)),
            ModelQuantity("DISP", "Dispersion along the spinal fluid", "cm^2/h", float(values.dispersion)),
            ModelQuantity("VCSF", "Volume of fluid in spine and cisterns", "mL", values.geometry.spinal_volume),
            _share("LPOUT", "Share of a lumbar puncture that leaves the sac at once", values.lumbar_puncture_spread),
            _share("LPNEAR", "Part of that share that reaches the conus", values.lumbar_puncture_conus_share),
            *(one for one in adult.quantities if one.name not in ("KA", "MTT")),
        ),
        checked=adult.checked,
        mass="ug",
        per_litre=("ng/mL", 1.0),
        largest_dose=parameters.load("exposure").value("largest_intrathecal_dose", "ug"),
        smallest_dose=parameters.load("exposure").value("smallest_intrathecal_dose", "ug"),
    )


def _share(name: str, label: str, value: Scalar) -> ModelQuantity:
    return ModelQuantity(name, label, "1", float(value), highest=1.0, zero=True)


def _covariates(per_weight: bool, reference: float) -> tuple[ModelQuantity, ...]:
    if per_weight:
        return (ModelQuantity("WT", "Body weight", "kg", None, 1.0, 300.0, zero=True, covariate=True),)
    return (
        ModelQuantity("CRCL", "Creatinine clearance", "mL/min", reference, 0.0, 300.0, zero=True, covariate=True),
        ModelQuantity("HD", "Clearance added by haemodialysis", "mL/min", 0.0, 0.0, 500.0, zero=True, covariate=True),
    )


def _age(oral_set: str) -> ModelQuantity:
    """Return the ages that a set may be used for, up to its own or those of adults; the rates do not depend on them."""
    from eutonia.drug.kinetics.values import oral_upper_age

    upper, adult = oral_upper_age(oral_set), parameters.load("oral_he_2014").value("upper_age", "year")
    low, high = (0.0, upper) if upper < math.inf else (adult, 120.0)
    return ModelQuantity(
        "AGE", "Age of the people that the model is for", "year", None, low, high, zero=True, covariate=True
    )
