"""The parts of a single case's study file: one person, one lesion, perhaps a pump, and what happens when.

Time 0 of a case is the onset of the stroke, the injury or the disease. Names of attributes carry the unit; the keys of
the file do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.assessment.scales import SCALES
from eutonia.examination import TESTS
from eutonia.study import vocabulary
from eutonia.study.case_times import Moment
from eutonia.study.fields import (
    AgeOfCase,
    BedsideTestName,
    Bolus,
    Checking,
    Clearance,
    Concentration,
    Course,
    Grade,
    Interval,
    LesionVolume,
    Level,
    Method,
    MuscleName,
    Number,
    Part,
    Product,
    PumpModel,
    Rate,
    Reservoir,
    ScaleName,
    Segment,
    SessionsPerWeek,
    Share,
    Site,
    Tablet,
    Territory,
    WeightOfCase,
    described,
    is_beyond_label,
    refuse,
)
from eutonia.study.lesion_mask import MaskFile, NamedMask, mask_fits
from eutonia.study.parts import reservoir_fits
from eutonia.study.people import fits_kind
from eutonia.study.pump_parts import Day
from eutonia.study.scales import charted_fits, daily_fits
from eutonia.study.studyfile import Problem
from eutonia.study.treatments import tip_fits
from eutonia.study.vocabulary import LimbName

Lesions = Literal["ischaemic", "haemorrhagic", "spinal cord injury", "multiple sclerosis", "brain injury"]
#: What baclofen is taken for besides spasticity (`patient.uses`).
OtherUses = Literal["Parkinson's disease", "alcohol use disorder", "autism", "cerebral palsy"]


class CasePatient(Part):
    """The person."""

    age_year: AgeOfCase = described("Age at the onset.", alias="age")
    weight_kg: WeightOfCase = described("Body weight.", alias="weight")
    sex: Literal["woman", "man"] = described("Sex.")
    creatinine_clearance_ml_per_min: Clearance = described(
        "Kidney function at the start.", alias="creatinine_clearance"
    )
    side: Literal["left", "right"] = described("Affected side of the body; the side examined, where both are affected.")


class CaseLesion(Part):
    """The lesion, with the keys of its kind; or what else baclofen is taken for, which has no lesion and no tone."""

    kind: Lesions | OtherUses = described(
        "Infarct, bleed, injury of cord or brain, multiple sclerosis; or another use, of which only levels are shown."
    )
    territory: Territory | None = described("Arterial territory of an infarct.", default=None)
    extent: Share | None = described("Share of the territory that is infarcted, 0 to 1.", default=None)
    site: Site | None = described("Site of a bleed.", default=None)
    volume_ml: LesionVolume | None = described("Volume of the bleed.", default=None, alias="volume")
    mask: Annotated[NamedMask, MaskFile()] | None = described(
        "The person's own lesion, 0 and 1 in MNI space: a NIfTI file beside the study, in place of all other keys.",
        default=None,
    )
    level: Segment | None = described("Last whole segment above a cord injury.", default=None)
    completeness: Share | None = described("Share of the cord that is cut, 0 to 1.", default=None)
    course: Course | None = described("Course of multiple sclerosis.", default=None)
    load: Share | None = described(
        "Share of the pathways that a brain injury tears, or that multiple sclerosis takes from the leg in the end.",
        default=None,
    )

    def _problems(self) -> Iterable[Problem]:
        names = {"volume_ml": "volume"}
        values = {names.get(key, key): value for key, value in self if key not in ("kind", "mask")}
        return fits_kind(self.kind, values) if self.mask is None else mask_fits(self.kind, values)


class ChartedScore(Part):
    """A score in the person's chart from before any treatment: it tells how strongly this cord answers the lesion."""

    at_h: Moment = described("When it was charted, time since the onset, or by the calendar.", alias="at")
    scale: ScaleName = described("Scale, one that has a score for each limb or muscle group.")
    limb: LimbName | None = described("Limb; left out where a muscle group is named.", default=None)
    muscle: MuscleName | None = described("Muscle group; left out for a score of the whole limb.", default=None)
    score: Number | Grade = described('Score; a grade that is no number as text, such as "1+".')

    @property
    def of_limb(self) -> str:
        """The limb that was scored."""
        return self.limb or vocabulary.muscles()[str(self.muscle)]

    @property
    def number(self) -> float:
        """The score as a number; 1+ counts 1.5."""
        return float(SCALES[self.scale].number(self.score) or 0.0)

    @property
    def place(self) -> str:
        """What was scored, in words."""
        return self.muscle or f"{self.limb}"

    def _problems(self) -> Iterable[Problem]:
        return charted_fits(self.scale, self.limb, self.muscle, self.score)


class CasePump(Part):
    """An implanted pump with its catheter."""

    model: PumpModel = described("Model by name.")
    product: Product = described("Product with which it is filled.")
    implanted_h: Moment = described("When it is implanted and filled for the first time.", alias="implanted")
    reservoir_ml: Reservoir = described("Volume of the reservoir.", alias="reservoir")
    concentration_ug_per_ml: Concentration = described("Concentration of the drug in it.", alias="concentration")
    alarm_volume_ml: Reservoir = described("Volume left at which the low-reservoir alarm sounds.", alias="alarm_volume")
    tip: Level = described("Vertebral level of the catheter tip.")

    def _problems(self) -> Iterable[Problem]:
        return reservoir_fits(self.model, self.reservoir_ml, self.alarm_volume_ml)


class CaseCourse(Part):
    """How long the person is followed and how often examined."""

    onset: Day | None = described(
        "Date of the onset, for events by the calendar; time 0 is its midnight.", default=None
    )
    duration_h: Interval = described("Length of the course from the onset.", alias="duration")
    examine_every_h: Interval = described("Time from examination to examination.", alias="examine_every")

    def _problems(self) -> Iterable[Problem]:
        if self.examine_every_h > self.duration_h:
            why, allowed = "Nobody would be examined after the start.", f"at most {self.duration_h.text}"
            yield Problem(("examine_every",), why, self.examine_every_h.text, allowed, do="Lower it.")


class _Event(Part):
    """Something that happens at one time."""

    at_h: Moment = described("When: time since the onset, or day and time of day by the calendar.", alias="at")


class BolusEvent(_Event):
    """One injection into the spinal fluid."""

    kind: Literal["bolus"] = described("One injection into the spinal fluid.")
    product: Product = described("Product by name.")
    dose_ug: Bolus = described("Dose.", alias="dose")
    access: Literal["lumbar puncture", "catheter"] = described("Needle into the sac, or the catheter of a pump.")
    tip: Level | None = described("Vertebral level of the catheter tip; left out for a lumbar puncture.", default=None)

    def _problems(self) -> Iterable[Problem]:
        return tip_fits(self.access, self.tip)


class InfusionEvent(_Event):
    """The pump is programmed to a new rate."""

    kind: Literal["infusion"] = described("The pump is programmed to a rate, which holds until the next change.")
    rate_ug_per_h: Rate = described("Amount per time.", alias="rate")


class TabletsEvent(_Event):
    """Tablets from here on, in place of those before."""

    kind: Literal["tablets"] = described("Tablets from here on; they replace those before.")
    product: Product = described("Product by name.")
    dose_mg: Tablet = described("One dose.", alias="dose")
    every_h: Interval = described("Time from dose to dose.", alias="every")

    @property
    def mg_per_day(self) -> float:
        """What is taken in a day, mg."""
        return self.dose_mg * HOURS_A_DAY / self.every_h

    @model_validator(mode="after")
    def _daily(self, info: Checking) -> TabletsEvent:
        if found := daily_fits(self.dose_mg, self.every_h, "dose", beyond_label=is_beyond_label(info)):
            refuse(*found)
        return self


class StopTabletsEvent(_Event):
    """No tablets from here on."""

    kind: Literal["stop tablets"] = described("No tablets from here on.")


class StopInfusionEvent(_Event):
    """The pump is stopped."""

    kind: Literal["stop infusion"] = described("The pump stands still from here on.")


class RefillEvent(_Event):
    """The reservoir is emptied and filled."""

    kind: Literal["refill"] = described("The reservoir is emptied and filled to the top.")
    concentration_ug_per_ml: Concentration | None = described(
        "New concentration; left out, as before.", alias="concentration", default=None
    )


class CreatinineClearanceEvent(_Event):
    """Kidney function changes."""

    kind: Literal["creatinine clearance"] = described("Kidney function from here on.")
    value_ml_per_min: Clearance = described("New creatinine clearance.", alias="value")


class WeightEvent(_Event):
    """A child has grown."""

    kind: Literal["weight"] = described("Body weight of a child from here on.")
    weight_kg: WeightOfCase = described("New body weight.", alias="value")


class DialysisEvent(_Event):
    """Sessions of haemodialysis."""

    kind: Literal["dialysis"] = described("A session of haemodialysis, or sessions again and again.")
    lasts_h: Interval | None = described("Length of a session; left out, the usual one.", alias="lasts", default=None)
    every_h: Interval | None = described(
        "Time from session to session; left out, it is one.", alias="every", default=None
    )
    until_h: Moment | None = described("Last time at which one may begin, with every.", alias="until", default=None)

    @property
    def length_h(self) -> float:
        """Length of a session, h."""
        usual = parameters.load("oral_adult_default").value("haemodialysis_session", "h")
        return usual if self.lasts_h is None else float(self.lasts_h)

    @property
    def sessions_h(self) -> list[tuple[float, float]]:
        """Begin and end of every session, h since the onset."""
        count = 1
        if self.every_h is not None and self.until_h is not None:
            count = int((self.until_h - self.at_h) / self.every_h + 1e-9) + 1
        begins = [self.at_h + k * float(self.every_h or 0.0) for k in range(count)]
        return [(begin, begin + self.length_h) for begin in begins]

    def _problems(self) -> Iterable[Problem]:
        if (self.every_h is None) != (self.until_h is None):
            key, other = ("until", "every") if self.until_h is None else ("every", "until")
            why = f"Sessions that repeat have every and until; {other} stands alone."
            do = f"Add {key}, or remove {other}."
            yield Problem((key,), why, None, '"56 hour" and "90 day", or neither', do=do)
        if self.until_h is not None and self.until_h < self.at_h:
            why, allowed = "It is before the first session.", f"{self.at_h.text} or later"
            yield Problem(("until",), why, self.until_h.text, allowed, do="Correct one of the two.")
        if self.every_h is not None and self.every_h <= self.length_h:
            why, allowed = "The next session would begin while one runs.", f"more than {self.length_h:g} hour"
            yield Problem(("every",), why, self.every_h.text, allowed, do="Make it longer.")


class PracticeEvent(_Event):
    """The person begins to practise."""

    kind: Literal["practice"] = described("Practice from here on, by which the person may learn to lower the signal.")
    method: Method = described("Kind of practice.")
    limb: LimbName = described("Limb that is practised.")
    sessions_per_week: SessionsPerWeek = described("Sessions a week.")


class ExaminationEvent(_Event):
    """A test at the bedside, which moves nothing."""

    kind: Literal["examination"] = described("A test at the bedside; it comes before whatever else is of that time.")
    test: BedsideTestName = described("Test by name.")
    limb: LimbName | None = described("Limb; left out, every limb that the test is of.", default=None)

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the test was published."""
        return TESTS[self.test].sources

    @property
    def limbs(self) -> tuple[str, ...]:
        """The limbs that are examined."""
        return tuple(limb for limb in TESTS[self.test].limbs if self.limb in (None, limb))

    def _problems(self) -> Iterable[Problem]:
        if not self.limbs:
            why, do = f"There is no {self.test} of the {self.limb}.", "Leave the key out, or choose another test."
            yield Problem(("limb",), why, self.limb, do=do)


class StopPracticeEvent(_Event):
    """No practice from here on."""

    kind: Literal["stop practice"] = described("No practice from here on; what was learned fades.")


Event = Annotated[
    BolusEvent
    | InfusionEvent
    | TabletsEvent
    | StopTabletsEvent
    | StopInfusionEvent
    | RefillEvent
    | CreatinineClearanceEvent
    | WeightEvent
    | DialysisEvent
    | PracticeEvent
    | StopPracticeEvent
    | ExaminationEvent,
    Field(discriminator="kind"),
]

#: In which order things of one time happen: a look, the body, the pump, the dose, the injection.
_ORDER = (
    "examination",
    "creatinine clearance",
    "weight",
    "dialysis",
    "stop practice",
    "practice",
    "refill",
    "infusion",
    "stop infusion",
    "tablets",
    "stop tablets",
    "bolus",
)
# What replaces what: two of them at one time contradict each other.
_REPLACE = (
    ("infusion", "stop infusion"),
    ("tablets", "stop tablets"),
    ("refill",),
    ("bolus",),
    ("creatinine clearance",),
    ("weight",),
    ("dialysis",),
)


def rank(event: Event) -> tuple[float, int, str]:
    """Return the key by which events are put in order: time, then kind, then what they say; never place in the file."""
    return event.at_h, _ORDER.index(event.kind), event.model_dump_json()


def excludes(one: Event, other: Event) -> bool:
    """Return whether two events are of one time and only one of them can hold."""
    if one.at_h != other.at_h:
        return False
    if isinstance(one, ExaminationEvent) and isinstance(other, ExaminationEvent):
        return (one.test, one.limb) == (other.test, other.limb)
    if isinstance(one, PracticeEvent) and isinstance(other, PracticeEvent):
        return (one.method, one.limb) == (other.method, other.limb)
    return any(one.kind in kinds and other.kind in kinds for kinds in _REPLACE)
