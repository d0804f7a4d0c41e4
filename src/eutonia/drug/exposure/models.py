"""Kinetic models by name: their parameters and covariates, and the system that these make of a person."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import jax.numpy as jnp

from eutonia import parameters
from eutonia.drug.exposure.system import Patients, System
from eutonia.errors import ParameterError, unknown

Absorption = Literal["injected", "depot", "transit", "saturable"]
DEFAULT = "baclofen-oral"
_ORAL = "oral_"
_ADULT = "oral_adult_default"
_ML_PER_MIN_TO_L_PER_H = 0.06
MOST_TRANSIT_STEPS = 12


@dataclass(frozen=True, slots=True)
class Quantity:
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
class Structure:
    """What the equations of a model are, apart from the values of its parameters.

    Attributes
    ----------
    compartments
        One to three.
    absorption
        How drug enters the central compartment.
    transit_steps
        n of the chain: n + 1 stages, each at (n + 1) / MTT, before a depot (or before the blood without KA).
    has_depot
        Whether a chain ends in a depot emptied at KA.
    kidneys
        Non-renal share of clearance, and share per mL/min of creatinine clearance; None: no renal model.
    per_weight
        Whether clearances and volumes are per kg of body weight.
    """

    compartments: int
    absorption: Absorption
    transit_steps: int = 0
    has_depot: bool = True
    kidneys: tuple[float, float] | None = None
    per_weight: bool = False

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the compartments as CMT counts them; the stages of absorption are one."""
        names = ("CENTRAL", "PERIPHERAL", "PERIPHERAL2")[: self.compartments]
        return names if self.absorption == "injected" else ("DEPOT", *names)

    @property
    def central(self) -> int:
        """Which of the inputs is the central compartment."""
        return int(self.absorption != "injected")

    def volume(self, values: Mapping[str, Patients]) -> Patients:
        """Return the volume of the central compartment, L."""
        return values["V" if self.compartments == 1 else "VC"] * self._size(values)

    def system(self, values: Mapping[str, Patients]) -> System:
        """Return the rates that values of parameters and covariates make."""
        size, central = self._size(values), self.volume(values)
        clearance = values["CL"] * size
        if self.kidneys is not None:
            nonrenal, slope = self.kidneys
            clearance = clearance * (nonrenal + slope * values["CRCL"]) + _ML_PER_MIN_TO_L_PER_H * values["HD"]
        between = [("Q", "VP"), ("Q2", "VP2")][: self.compartments - 1]
        return System(
            absorption=self._gut(values),
            elimination=clearance / central,
            outward=tuple(values[q] * size / central for q, _ in between),
            back=tuple(values[q] / values[v] for q, v in between),
        )

    def _size(self, values: Mapping[str, Patients]) -> Patients:
        return values["WT"] if self.per_weight else jnp.ones_like(values["CL"])

    def _gut(self, values: Mapping[str, Patients]) -> tuple[Patients, ...]:
        if self.absorption == "depot":
            return (values["KA"],)
        if self.absorption == "transit":
            steps = self.transit_steps + 1
            return (steps / values["MTT"],) * steps + ((values["KA"],) if self.has_depot else ())
        return ()


@dataclass(frozen=True, slots=True)
class Model:
    """A kinetic model that a name stands for.

    Attributes
    ----------
    quantities
        Parameters and covariates of the rates.
    checked
        Covariates that only bound whom the model may be used for.
    per_litre
        Unit of concentrations, and how many of it one mg/L is.
    largest_dose
        The largest single dose, mg, that anybody is known to have taken; None: not known.
    """

    name: str
    title: str
    structure: Structure
    quantities: tuple[Quantity, ...]
    checked: tuple[Quantity, ...] = ()
    bioavailability: float = 1.0
    per_litre: tuple[str, float] = ("mg/L", 1.0)
    largest_dose: float | None = None

    @property
    def dosing(self) -> tuple[Quantity, ...]:
        """Quantities that belong to a dose rather than to the rates."""
        return (
            Quantity("F", "Bioavailability of a dose", "1", self.bioavailability, zero=True, highest=10.0),
            Quantity("ALAG", "Lag before a dose enters", "h", 0.0, zero=True, highest=1e4),
            Quantity("RATE_M", "Modelled rate, taken by RATE = -1", "mg/h", float("nan"), highest=1e9),
            Quantity("DUR_M", "Modelled duration, taken by RATE = -2", "h", float("nan"), highest=1e5),
        )

    def with_transit_steps(self, steps: int) -> Model:
        """Return the model with another number of transit steps."""
        return dataclasses.replace(self, structure=dataclasses.replace(self.structure, transit_steps=steps))


def names() -> tuple[str, ...]:
    """Return the names of all models, the default first."""
    oral = sorted(_named(name) for name in parameters.sets() if name.startswith(_ORAL))
    return tuple(sorted(oral, key=lambda name: name != DEFAULT)) + tuple(_generic())


def model(name: str = DEFAULT) -> Model:
    """Return a model by name."""
    if name in _generic():
        return _generic()[name]
    sets = {_named(one): one for one in parameters.sets() if one.startswith(_ORAL)}
    if name not in sets:
        raise ParameterError(unknown("model", name, names(), "See: eutonia models"))
    return _oral(name, sets[name])


def _named(oral_set: str) -> str:
    return DEFAULT if oral_set == _ADULT else "baclofen-oral-" + oral_set.removeprefix(_ORAL).replace("_", "-")


_CLEARANCE = Quantity("CL", "Clearance", "L/h")
_KA = Quantity("KA", "First-order absorption rate", "1/h", highest=1e4)
_MTT = Quantity("MTT", "Mean transit time", "h", highest=1e4)
_VMAX = Quantity("VMAX", "Largest rate of saturable absorption", "mg/h")
_KM = Quantity("KM", "Amount in the depot at half of that rate", "mg")
_WORDS = ("one", "two", "three")


def _disposition(compartments: int) -> tuple[Quantity, ...]:
    if compartments == 1:
        return (_CLEARANCE, Quantity("V", "Volume of distribution", "L"))
    more = (
        Quantity("VC", "Central volume", "L"),
        Quantity("Q", "Intercompartmental clearance", "L/h"),
        Quantity("VP", "Peripheral volume", "L"),
        Quantity("Q2", "Second intercompartmental clearance", "L/h"),
        Quantity("VP2", "Second peripheral volume", "L"),
    )
    return (_CLEARANCE, *more[: 2 * compartments - 1])


@functools.cache
def _generic() -> dict[str, Model]:
    """Return the models without values: every number of them must be given."""
    absorptions: tuple[tuple[str, str, Absorption, tuple[Quantity, ...]], ...] = (
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
            found[name] = Model(name, title, Structure(count, absorption), (*_disposition(count), *more))
    return found


@functools.cache
def _oral(name: str, oral_set: str) -> Model:
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
    return Model(
        name=name,
        title=parameters.load(oral_set).title,
        structure=shape,
        quantities=(*quantities, *_covariates(values.per_weight, float(values.creatinine_clearance_reference))),
        checked=(_age(values.per_weight),),
        bioavailability=share,
        per_litre=("ng/mL", 1000.0),
        largest_dose=parameters.load("exposure").value("largest_oral_dose"),
    )


def _covariates(per_weight: bool, reference: float) -> tuple[Quantity, ...]:
    if per_weight:
        return (Quantity("WT", "Body weight", "kg", None, 1.0, 300.0, zero=True, covariate=True),)
    return (
        Quantity("CRCL", "Creatinine clearance", "mL/min", reference, 0.0, 300.0, zero=True, covariate=True),
        Quantity("HD", "Clearance added by haemodialysis", "mL/min", 0.0, 0.0, 500.0, zero=True, covariate=True),
    )


def _age(is_child: bool) -> Quantity:
    """Return the ages that a set may be used for; nothing in the rates depends on them."""
    adult = parameters.load("oral_he_2014").value("upper_age")
    low, high = (0.0, adult) if is_child else (adult, 120.0)
    return Quantity(
        "AGE", "Age of the people that the model is for", "year", None, low, high, zero=True, covariate=True
    )
