"""What can be given in an arm: one table of the study file each, told apart by its `route`.

A treatment says here when it is given, how much, and what a file may not say of it; what it does to people is in
`trial.given`, for drugs in the kinetics and the receptor. From outside a treatment is registered by
`TREATMENTS.register`, or offered under the group of entry points `eutonia.treatments`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from jaxtyping import Array, Int
from pydantic import model_validator

from eutonia._hours import HOURS_A_DAY
from eutonia.drug import products
from eutonia.drug.regimen import OralDose
from eutonia.registry import Registry
from eutonia.study import companions, vocabulary
from eutonia.study.fields import (
    Bolus,
    Checking,
    Given,
    Hours,
    Interval,
    Level,
    Product,
    Rate,
    Tablet,
    described,
    is_beyond_label,
    not_a_name,
    refuse,
)
from eutonia.study.registered import Registered
from eutonia.study.scales import daily_fits
from eutonia.study.studyfile import Problem
from eutonia.study.vocabulary import Limit

if TYPE_CHECKING:
    from eutonia.treatment import Effects


#: To whom of an arm with a gate of its own a treatment is given.
EVERYBODY, RESPONDERS, OTHERS = "everybody", "responders", "others"


class Treatment(Registered):
    """One thing that is given. A final of it is one table of the study file.

    One that is no drug of ours says what it does by `begin`, `advance` and `effects`, as named effects (`treatment`).
    """

    tag: ClassVar[str] = "route"
    #: Keys of the table that hold its begin and its amount.
    begins_key: ClassVar[str] = "start"
    amount_key: ClassVar[str] = "dose"
    #: Whether it goes on until it is stopped, and whether it is a test dose.
    lasts: ClassVar[bool] = True
    tests: ClassVar[bool] = False
    #: Rows of the table of adverse reactions: "oral", "intrathecal"; None without any.
    hazards: ClassVar[str | None] = None
    #: Record of the set "trial" that says how many people on it leave a year; None for the background alone.
    dropout: ClassVar[str | None] = None
    #: Route of another treatment that a policy steers alike.
    like: ClassVar[str | None] = None
    #: Unit of its daily dose in tables.
    dose_unit: ClassVar[str] = "ug/day"
    #: Kind of event by which a case gives it; None where a case has it as a [[treatment]] too.
    case_event: ClassVar[str | None] = None
    #: What a reader of any result has to know of it, as a sentence.
    caveat: ClassVar[str] = ""
    #: Set of records of what it brings of unwanted things, if it is no baclofen (`trial.harms`): shares of people by
    #: reaction, and `sedation_factor`, by which it multiplies what baclofen does to alertness.
    harms: ClassVar[str | None] = None
    #: Whether it does so by the factor of the set `depressants`, where its own set has none.
    deepens: ClassVar[bool] = False
    #: Where it was published.
    sources: ClassVar[tuple[str, ...]] = ()
    #: A table of it without its route, as a file might have it; what has one is tried by every test of treatments.
    example: ClassVar[Mapping[str, Any]] = {}
    #: Whether what an earlier one of its route has done in the same place (`alone_in`) is what it begins with.
    goes_on: ClassVar[bool] = False

    if TYPE_CHECKING:
        route: str

    given_to: Literal["everybody", "responders", "others"] = described(
        "Of an arm with a gate of its own: who responded to its test dose, the others, or everybody.",
        default="everybody",
    )

    @property
    def begins_h(self) -> Given:
        """When it begins, time in the phase."""
        found = getattr(self, f"{self.begins_key}_h", None)
        return found if isinstance(found, Given) else Given(0.0, "0 hour")

    @property
    def ends_h(self) -> float:
        """The hour from which nothing of it is given."""
        return float(getattr(self, "stop_h", None) or math.inf)

    @property
    def amount(self) -> Given | None:
        """What is given, in the unit of its kind; None where it has no dose, or a policy says it."""
        return None

    @property
    def says_dose(self) -> bool:
        """Whether it tells how much is given."""
        return self.amount is not None

    @property
    def first_amount(self) -> float:
        """What is given at first, in the unit of its kind; 1 where it has no dose, and is given or not."""
        return 1.0 if self.amount is None else float(self.amount)

    @property
    def dose_text(self) -> str:
        """What is given, in the words of the file."""
        return "" if self.amount is None else self.amount.text

    @property
    def name(self) -> str:
        """What it is, in words: its product, or its route."""
        return str(getattr(self, "product", self.route))

    @property
    def in_case(self) -> str:
        """How a case gives it, where not as a [[treatment]]."""
        return f'Write [[event]] with kind = "{self.case_event}" in its place.'

    @property
    def where_tip(self) -> str | None:
        """Vertebral level of the catheter tip; None without a catheter."""
        return getattr(self, "tip", None)

    @property
    def outlasts_h(self) -> float:
        """How long it goes on acting after the last of it was given, h."""
        return 0.0

    @property
    def since_h(self) -> float:
        """From when on it is given, h of the phase: before 0 where people come with it."""
        return float(self.begins_h)

    @property
    def spacing(self) -> tuple[str, float] | None:
        """Where it is given, and how many hours lie between two of its route there at least; None without a rule."""
        return None

    @property
    def alone_in(self) -> str | None:
        """Where only one of its route is given at a time: a limb, or the person; None where several may be."""
        return None

    @model_validator(mode="after")
    def _stops_after_start(self) -> Treatment:
        """Refuse a stop that is not later than the start, or of what is given once."""
        stop = getattr(self, "stop_h", None)
        if stop is not None and stop <= self.begins_h:
            do = "Correct one of the two."
            allowed = f"later than {self.begins_h.text}"
            refuse(Problem(("stop",), "It stops before it starts.", stop.text, allowed, do=do))
        if stop is not None and getattr(self, "every_h", stop) is None:
            why, do = "It is given once, so that there is nothing to stop.", "Add every, or remove stop."
            refuse(Problem(("stop",), why, stop.text, 'stop with every = "16 week", or neither', do=do))
        return self

    def times_h(self, until_h: float) -> list[float]:
        """Return when it is given for itself, up to an hour; the first time always."""
        return [float(self.begins_h)]

    def happenings(self, until_h: float) -> list[tuple[float, str]]:
        """Return what is done when, h and words, up to an hour: its begin, and its end if it lasts."""
        named = f"{self.name} {self.dose_text}".strip()
        found = [(float(self.begins_h), named), *([(self.ends_h, f"{self.name} stopped")] if self.lasts else [])]
        return [one for one in found if one[0] <= until_h]

    def begin(self, n_patients: int) -> Any:
        """Return the state of people who are given it for the first time."""
        return n_patients

    def begin_in(self, seed: int, person: Int[Array, " patient"]) -> Any:
        """Return the state of these people, where their own luck decides on it; else that of anybody."""
        return self.begin(len(person))

    def advance(self, state: Any, span_h: float, is_given: bool) -> Any:
        """Return the state so many hours later, given or not; a pure function, whatever the span."""
        return state

    def effects(self, state: Any, is_given: bool) -> Effects:
        """Return what it does in a state, to those who are given it."""
        raise NotImplementedError

    def adds_up(self, *, beyond_label: bool) -> tuple[float, Limit, float, str] | None:
        """Return what adds up with others of its route: amount, limit, factor and unit by which it is shown."""
        return None

    def daily_faults(self, dose: Given, key: str, *, beyond_label: bool) -> list[Problem]:
        """Find that a dose adds up to more in a day than the label allows."""
        return []

    def product_faults(self) -> list[Problem]:
        """Find a product of baclofen that is not given by this route."""
        product = str(getattr(self, "product", ""))
        return product_fits(product, self.route) if product in vocabulary.products() else []


_OURS = (
    *(f"{__name__}:{name}Treatment" for name in ("Oral", "Bolus", "Infusion")),
    "eutonia.study.pump_treatment:PumpTreatment",
    "eutonia.study.toxin:ToxinTreatment",
    "eutonia.study.own_signal:OwnSignalTreatment",
    "eutonia.study.stretching:StretchingTreatment",
    *companions.found(),
)
TREATMENTS: Registry[type[Treatment]] = Registry("treatment", "eutonia.treatments", _OURS, lambda one: one.named())
Treatment.registry = TREATMENTS


class OralTreatment(Treatment):
    """A drug by mouth, in equal doses at equal intervals."""

    product: Product = described("Product by name.")
    route: Literal["oral"] = described("By mouth.")
    dose_mg: Tablet = described("One dose.", alias="dose")
    every_h: Interval = described("Time from dose to dose.", alias="every")
    start_h: Hours = described("First dose, time in the phase.", alias="start", default=Given(0.0, "0 hour"))
    stop_h: Hours | None = described(
        "No dose from here on; left out, to the end of the phase.", alias="stop", default=None
    )
    taken_for_h: Interval | None = described(
        "How long it has been taken at this dose by the first visit; left out, not at all.",
        alias="taken_for",
        default=None,
    )

    hazards: ClassVar[str | None] = "oral"
    sources: ClassVar[tuple[str, ...]] = ("Label_oral",)
    dropout: ClassVar[str | None] = "oral_dropout_rate"
    case_event: ClassVar[str | None] = "tablets"
    dose_unit: ClassVar[str] = "mg/day"

    @property
    def amount(self) -> Given | None:
        """One dose, mg."""
        return self.dose_mg

    @property
    def since_h(self) -> float:
        """From when on it is taken, h of the phase."""
        return float(self.start_h) - float(self.taken_for_h or 0.0)

    @property
    def mg_per_day(self) -> float:
        """What is taken in a day, mg."""
        return self.dose_mg * HOURS_A_DAY / self.every_h

    def adds_up(self, *, beyond_label: bool) -> tuple[float, Limit, float, str] | None:
        """Return the daily dose and what the label allows of it."""
        limit = vocabulary.oral_dose_on_record() if beyond_label else vocabulary.largest_oral_dose()
        return self.mg_per_day, limit, 1.0, "mg a day"

    def daily_faults(self, dose: Given, key: str, *, beyond_label: bool) -> list[Problem]:
        """Find that tablets of a dose add up to more in a day than the label allows."""
        return daily_fits(dose, self.every_h, key, beyond_label=beyond_label)

    def product_faults(self) -> list[Problem]:
        """Find a product of another route, or a dose that its strengths do not make."""
        return [*super().product_faults(), *strength_fits(self.product, self.dose_mg)]

    @model_validator(mode="after")
    def _ordered(self, info: Checking) -> OralTreatment:
        if self.taken_for_h is not None and self.start_h > 0:
            why, do = "What has been taken for some time goes on from the first visit.", "Remove one of the two keys."
            refuse(Problem(("taken_for",), why, self.taken_for_h.text, 'start = "0 hour"', do=do))
        if found := daily_fits(self.dose_mg, self.every_h, "dose", beyond_label=is_beyond_label(info)):
            refuse(*found)
        return self


class BolusTreatment(Treatment):
    """One injection into the spinal fluid."""

    product: Product = described("Product by name.")
    route: Literal["intrathecal bolus"] = described("One injection into the spinal fluid.")
    dose_ug: Bolus = described("Dose.", alias="dose")
    at_h: Hours = described("Time in the phase.", alias="at")
    access: Literal["lumbar puncture", "catheter"] = described("Needle into the sac, or the catheter of a pump.")
    tip: Level | None = described("Vertebral level of the catheter tip; left out for a lumbar puncture.", default=None)

    begins_key: ClassVar[str] = "at"
    hazards: ClassVar[str | None] = "intrathecal"
    sources: ClassVar[tuple[str, ...]] = ("Label_ITB",)
    lasts: ClassVar[bool] = False
    tests: ClassVar[bool] = True
    case_event: ClassVar[str | None] = "bolus"

    @property
    def ends_h(self) -> float:
        """A bolus is given at its own hour only."""
        return math.nextafter(self.at_h, math.inf)

    @property
    def amount(self) -> Given | None:
        """The dose, ug."""
        return self.dose_ug

    def adds_up(self, *, beyond_label: bool) -> tuple[float, Limit, float, str] | None:
        """Return the dose and what the label allows at one time."""
        limit = vocabulary.intrathecal_dose_on_record() if beyond_label else vocabulary.largest_bolus()
        return float(self.dose_ug), limit, 1.0, "ug"

    def _problems(self) -> Iterable[Problem]:
        return tip_fits(self.access, self.tip)


class InfusionTreatment(Treatment):
    """A steady infusion into the spinal fluid through a catheter."""

    product: Product = described("Product by name.")
    route: Literal["intrathecal infusion"] = described("A steady flow into the spinal fluid.")
    rate_ug_per_h: Rate | None = described(
        "Amount per time; left out only where a titration says how to start.", alias="rate", default=None
    )
    start_h: Hours = described("Start, time in the phase.", alias="start", default=Given(0.0, "0 hour"))
    stop_h: Hours | None = described("End; left out, to the end of the phase.", alias="stop", default=None)
    tip: Level = described("Vertebral level of the catheter tip.")

    amount_key: ClassVar[str] = "rate"
    case_event: ClassVar[str | None] = "infusion"
    hazards: ClassVar[str | None] = "intrathecal"
    sources: ClassVar[tuple[str, ...]] = ("Label_ITB",)

    @property
    def amount(self) -> Given | None:
        """The rate, ug/h; None where a policy says how to start."""
        return self.rate_ug_per_h

    def adds_up(self, *, beyond_label: bool) -> tuple[float, Limit, float, str] | None:
        """Return the rate and what the label allows."""
        limit = vocabulary.intrathecal_rate_on_record() if beyond_label else vocabulary.largest_rate()
        rate = self.rate_ug_per_h
        return None if rate is None else (float(rate), limit, HOURS_A_DAY, "ug/day")


def rate_problems(treatments: Sequence[Treatment]) -> list[Problem]:
    """Return the infusions that say no rate."""
    why, example = "An infusion has a rate.", '"100 ug/day"'
    return [
        Problem(("treatment", position, "rate"), why, None, example, do="Add the key rate.")
        for position, given in enumerate(treatments)
        if given.amount_key == "rate" and not given.says_dose
    ]


def product_fits(name: str, route: str) -> list[Problem]:
    """Return the fault of a product that is given by another way than that for which it is made."""
    suitable = vocabulary.products_for(route)
    if name in suitable:
        return []
    problem = not_a_name(("product",), f"product for the route {route}", name, suitable)
    why = f"This product is not for the route {route}: that is a thousandfold error of dose in the making."
    return [Problem(problem.at, why, name, problem.allowed, problem.nearest, "Choose a product of that route.")]


def strength_fits(name: str, dose: Given) -> list[Problem]:
    """Return the fault of a dose that whole units of the product, or half tablets, do not make."""
    product = products.find(name)
    if product.route != products.ORAL or not (warning := products.check_dose(product, OralDose(dose))):
        return []
    why = f"Whole or, of tablets, half units of {product.name} do not make this dose."
    allowed = f"made of {', '.join(f'{x:g}' for x in product.strengths)} {product.strength_unit}"
    near = tuple(f'"{dose.mg:g} mg"' for dose in warning.nearest)
    return [Problem(("dose",), why, dose.text, allowed, near, "Choose a dose that they make, or a liquid.")]


def tip_fits(access: str, tip: str | None) -> list[Problem]:
    """Return the fault of a catheter without a tip, or of a tip without a catheter."""
    if access == "catheter" and tip is None:
        return [Problem(("tip",), "A catheter has a tip at a vertebral level.", None, '"T10"', do='Add tip = "T10".')]
    if access == "lumbar puncture" and tip is not None:
        why = "A lumbar puncture goes into the lumbar sac and has no tip."
        return [Problem(("tip",), why, tip, do='Remove the key tip, or write access = "catheter".')]
    return []
