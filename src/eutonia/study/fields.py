"""The kinds of field that a study file may hold: quantities with a unit, names from a list, plain numbers.

Units are read at this border; behind it a quantity is a number in its canonical unit that remembers its text.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, Strict, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from eutonia import _bounds, _units
from eutonia._bounds import LARGEST_SEED, Bounds
from eutonia.assessment import scales
from eutonia.errors import UnitError, nearest
from eutonia.parameters import citations
from eutonia.study import vocabulary
from eutonia.study.read_field import Checking as Checking
from eutonia.study.read_field import ReadField
from eutonia.study.read_field import show_optional as show_optional
from eutonia.study.studyfile import Problem
from eutonia.study.texts import OF_STUDY as OF_STUDY
from eutonia.study.texts import FileName as FileName
from eutonia.study.texts import Name as Name
from eutonia.study.texts import Text as Text
from eutonia.study.texts import plain_text
from eutonia.study.texts import refuse as refuse

_LONGEST_LIST = 16
_LONGEST_REFERENCE = 500
_CITED = "Author A, Author B. Journal 2020;12:345-350"
_SENTENCE = re.compile(r"(?<=[.!?]) (?=Nearest: |Allowed: |Write )")

ALLOW = "allow_beyond_label"
#: Under which the context of a case holds the day of the onset.
ONSET = "onset"
#: Under which that of a case with a calendar holds what reads its days as times.
DATED = "dated"
BEYOND_LABEL = f" To teach an overdose, write {ALLOW} = true in [study]."


class Given(float):
    """A quantity in its canonical unit; `text` is what the file says, for printing."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, value: float, text: str) -> Given:
        """Make a quantity from its number in the canonical unit and its text."""
        self = super().__new__(cls, value)
        self.text = text
        return self

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Tell Pydantic that a bare `Given` is taken as it is; `QuantityField` reads one from text."""
        return core_schema.is_instance_schema(cls)

    def __getnewargs__(self) -> tuple[float, str]:  # type: ignore[override]
        """Return what pickle needs to make it again."""
        return float(self), self.text


class Part(BaseModel):
    """A part of a study file: frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="after")
    def _holds_together(self) -> Part:
        if found := [*self._problems()]:
            refuse(*found)
        return self

    def _problems(self) -> Iterable[Problem]:
        """Return what does not hold together once each key by itself is right."""
        return ()


@dataclass(frozen=True)
class QuantityField(ReadField):
    """A field written as text with a unit, within bounds in the canonical unit of its kind.

    The three limits are read when a quantity is checked, because they come from parameter records: the smallest dose
    other than 0, the label's largest, and the largest that is allowed where a study says `allow_beyond_label = true`.
    `words` are texts that may stand in place of a quantity.
    """

    kind: str
    within: Bounds | None = None
    smallest: Callable[[], vocabulary.Limit] | None = None
    limit: Callable[[], vocabulary.Limit] | None = None
    beyond: Callable[[], vocabulary.Limit] | None = None
    words: tuple[str, ...] = ()

    def published(self) -> JsonSchemaValue:
        """Describe the field in the published schema: text, with its canonical unit, all its units and an example."""
        units, canonical = list(_units.units_of(self.kind)), _units.canonical_unit(self.kind)
        text = {
            "type": "string",
            "pattern": "^\\s*[-+.0-9]",
            "examples": [self.example()],
            "x-canonical-unit": canonical,
            "x-units": units,
        }
        return {"anyOf": [{"enum": list(self.words)}, text]} if self.words else text

    def example(self) -> str:
        """Return a quantity of this kind as a file may write it."""
        return vocabulary.EXAMPLES[self.kind]

    def read_in(self, value: object, info: Checking) -> Given | str:
        """Read the text of a quantity in its file, where a study may go beyond the label."""
        if self.within is _bounds.TIME and (dated := (info.context or {}).get(DATED)) is not None:
            return dated(value, info)
        return self.read(value, beyond_label=is_beyond_label(info))

    def read(self, value: object, *, beyond_label: bool = False) -> Given | str:
        """Read the text of a quantity, or refuse it with the reason."""
        if isinstance(value, Given):
            value = value.text
        if isinstance(value, str) and value in self.words:
            return value
        how = f'Write it with its unit, in quotation marks: "{self.example()}".'
        allowed = " or ".join(f'"{text}"' for text in (*self.words, self.example()))
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            refuse(Problem((), "It is not a quantity.", value, allowed, do=how))
        if isinstance(value, str) and not value.lstrip()[:1].isdecimal() and value.lstrip()[:1] not in tuple("+-."):
            close = tuple(f'"{word}"' for word in nearest(value, self.words))
            refuse(Problem((), "It is not a number with a unit.", value, allowed, close, how))
        try:
            number = _units.parse(value, self.kind)
        except UnitError as error:
            refuse(explained(str(error), value))
        text = " ".join(str(value).split())
        self._check(number, text, beyond_label=beyond_label)
        return Given(number, text)

    def _check(self, number: float, text: str, *, beyond_label: bool) -> None:
        if number < 0 and (self.within is None or self.within.low >= 0):
            refuse(Problem((), "It is negative.", text, f'0 or more, such as "{self.example()}"', do="Drop the sign."))
        do = f'Check digits and unit; write it as "{self.example()}".'
        if self.within is not None and not self.within.hold(number):
            why = f"It is out of bounds, because {self.within.why}: a digit or the unit has slipped."
            if self.within.below is not None and number < self.within.low:
                why, do = self.within.below
            refuse(Problem((), why, text, self.within.allowed, do=do))
        least = self.smallest() if self.smallest is not None else None
        if least is not None and 0 < number < least.value:
            why = f"It is less than any dose; {least.label.lower()}: {least.text} ({least.source})."
            refuse(Problem((), why, text, f"0, or at least {least.text}", do=do))
        label = self.limit() if self.limit is not None else None
        limit = self.beyond() if beyond_label and self.beyond is not None else label
        if limit is not None and number > limit.value:
            why = f"{limit.label} is {limit.text} ({limit.source}), and this is beyond it."
            do = "Check digits and unit, or lower the dose."
            do += BEYOND_LABEL if limit is label and self.beyond is not None else ""
            refuse(Problem((), why, text, f"at most {limit.text}", do=do))


@dataclass(frozen=True)
class KindBeside(ReadField):
    """A quantity whose kind, and so its unit, is that of the name under another key, which stands before it."""

    key: str
    kinds: Mapping[str, QuantityField]

    def published(self) -> JsonSchemaValue:
        """Describe the field in the published schema: a quantity of any of the kinds."""
        return {"anyOf": [one.published() for one in self.kinds.values()]}

    def read_in(self, value: object, info: Any) -> Given | str:
        """Read it as a quantity of that kind; where the name itself is refused, that is told, and not this."""
        field = self.kinds.get(info.data.get(self.key))
        return Given(0.0, str(value)) if field is None else field.read(value, beyond_label=is_beyond_label(info))


def is_beyond_label(info: Checking) -> bool:
    """Say whether the study that is being checked allows doses beyond the label."""
    return bool(info.context and info.context.get(ALLOW))


def context_of(tables: Mapping[str, Any]) -> dict[str, bool]:
    """Return what the parts of a study have to know of its head when they are checked."""
    head = tables.get("study")
    return {ALLOW: isinstance(head, Mapping) and head.get(ALLOW) is True}


def explained(message: str, value: object) -> Problem:
    """Sort the sentences of a unit error into the parts of a problem."""
    parts = _SENTENCE.split(message.removeprefix(f'"{value}" ').removeprefix(f"{value} "))
    why = "It " + parts[0]
    allowed = next((part.removeprefix("Allowed: ").rstrip(".") for part in parts[1:] if part.startswith("All")), "")
    close = next((part.removeprefix("Nearest: ").rstrip(".") for part in parts[1:] if part.startswith("Near")), "")
    do = " ".join(part for part in parts[1:] if part.startswith("Write "))
    return Problem((), why, value, allowed, tuple(close.split(", ")) if close else (), do)


@dataclass(frozen=True)
class Named(ReadField):
    """A field whose names come from a record or a product list, so that they stand in one place only.

    With a mapping, a name may stand for another: an alias is read as the name that it means. `register` is the function
    by which another package brings one more.
    """

    what: str
    allowed: Callable[[], Sequence[str] | Mapping[str, str]]
    several: Callable[[], Mapping[str, Sequence[str]]] = dict
    register: str = ""

    def published(self) -> JsonSchemaValue:
        """Describe the field in the published schema by its names."""
        return {"type": "string", "enum": list(self.allowed())}

    def read_in(self, value: object, info: object = None) -> str:
        """Return the name if it is one of those allowed."""
        names = self.allowed()
        if isinstance(value, str) and value in names:
            return names[value] if isinstance(names, Mapping) else value
        if isinstance(value, str) and isinstance(names, Mapping) and value.casefold() in names:
            return names[value.casefold()]
        ours = tuple(dict.fromkeys(names.values())) if isinstance(names, Mapping) else tuple(names)
        meant = self.several().get(value.casefold(), ()) if isinstance(value, str) else ()
        if meant := [f'"{name}"' for name in meant if name in ours]:
            why, do = f"It is no {self.what} by itself.", f"Write {' or '.join(meant)}."
            refuse(Problem((), why, value, ", ".join(f'"{name}"' for name in ours), tuple(meant), do))
        problem = not_a_name((), self.what, value, names)
        return refuse(replace(problem, do=f"{problem.do}{more(self.register)}"))


def more(register: str) -> str:
    """Word how another package brings what is named; nothing where none does."""
    return f" A package brings one more by {register}." if register else ""


class Reference(ReadField):
    """A field that says where something was published: a key of sources.bib or of a .bib file beside, or text.

    A key is one word, so that a slip in one is told; a reference as text has several.
    """

    def published(self) -> JsonSchemaValue:
        """Describe the field in the published schema."""
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": _LONGEST_REFERENCE,
            "examples": ["Meythaler_2001", _CITED],
        }

    def read_in(self, value: object, info: Any) -> str:
        """Return the key or the text, or refuse what is neither."""
        folder: Path | None = (info.context or {}).get("folder")
        if isinstance(value, str) and len(value.split()) > 1 and len(value) <= _LONGEST_REFERENCE:
            return plain_text(" ".join(value.split()))
        here, faults = citations.beside(folder) if folder is not None else ({}, [])
        names = (*here, *vocabulary.sources())
        if isinstance(value, str) and value in names:
            return value
        problem = not_a_name((), "source", value, names)
        do = f'Correct the key, put its entry into a .bib file beside the study, or write the reference: "{_CITED}".'
        why = " ".join((problem.why, *(f"{fault}." for fault in faults)))
        allowed = "a key of sources.bib or of a .bib file beside the study, or the reference as text"
        return refuse(Problem((), why, value, allowed, problem.nearest, do))


def not_a_name(
    where: tuple[str | int, ...], what: str, value: object, names: Sequence[str] | Mapping[str, str]
) -> Problem:
    """Word a name that does not exist: the nearest one and those allowed; a mapping says what each alias means."""
    meant = names if isinstance(names, Mapping) else {name: name for name in names}
    hits = nearest(value, meant) if isinstance(value, str) else ()
    close, names = tuple(dict.fromkeys(f'"{meant[name]}"' for name in hits)), tuple(meant.values())
    shown = [f'"{name}"' for name in dict.fromkeys(names)]
    if len(shown) > _LONGEST_LIST:
        shown = [*shown[:3], "...", f"{shown[-1]} ({len(shown)} names)"]
    do = f"Write {close[0]} if that is meant, or choose from the list." if close else "Choose from the list."
    return Problem(where, f"There is no such {what}.", value, ", ".join(shown) or "nothing yet", close, do)


def not_in_order(where: tuple[str | int, ...], values: Sequence[float]) -> list[Problem]:
    """Find the first value that is not later or larger than the one before it."""
    for position in range(1, len(values)):
        before, here = values[position - 1], values[position]
        if here <= before:
            why = "It stands there twice." if here == before else f"It comes before the one in front, {show(before)}."
            do = "Remove one of the two." if here == before else "Sort the list, smallest first."
            return [Problem((*where, position), why, show(here), "a rising list", do=do)]
    return []


def show(value: float) -> str:
    """Return a quantity as its file wrote it."""
    return value.text if isinstance(value, Given) else f"{value:g}"


def described(text: str, **more: Any) -> Any:
    """Return a field with its description; a required one unless a default is given."""
    return Field(description=text, **more)


Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Share = Annotated[float, Strict(), Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
#: Shares without their ends, or without nothing.
Inside = Annotated[float, Field(strict=True, gt=0, lt=1, allow_inf_nan=False)]
PartOfOne = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
Flag = Annotated[bool, Strict()]
Seed = Annotated[int, Field(strict=True, ge=0, le=LARGEST_SEED)]

Hours = Annotated[Given, QuantityField("duration", _bounds.TIME)]
Interval = Annotated[Given, QuantityField("duration", _bounds.INTERVAL)]
Age = Annotated[Given, QuantityField("age", _bounds.AGE)]
AgeOfCase = Annotated[Given, QuantityField("age", _bounds.ANY_AGE)]
WeightOfCase = Annotated[Given, QuantityField("weight", _bounds.ANY_WEIGHT)]
AgeSD = Annotated[Given, QuantityField("age", _bounds.AGE_SPREAD)]
Weight = Annotated[Given, QuantityField("weight", _bounds.WEIGHT)]
WeightSD = Annotated[Given, QuantityField("weight", _bounds.WEIGHT_SPREAD)]
Clearance = Annotated[Given, QuantityField("clearance", _bounds.CLEARANCE)]
ClearanceSD = Annotated[Given, QuantityField("clearance", _bounds.CLEARANCE_SPREAD)]
LesionVolume = Annotated[Given, QuantityField("volume", _bounds.BLEED)]
LesionVolumeSD = Annotated[Given, QuantityField("volume", _bounds.BLEED_SPREAD)]
Reservoir = Annotated[Given, QuantityField("volume", _bounds.RESERVOIR)]
Concentration = Annotated[
    Given, QuantityField("concentration_pump", _bounds.PUMP_CONCENTRATION, limit=vocabulary.largest_concentration)
]
ORAL = QuantityField(
    "oral_dose",
    smallest=vocabulary.smallest_oral_dose,
    limit=vocabulary.largest_oral_dose,
    beyond=vocabulary.oral_dose_on_record,
)
BOLUS = QuantityField(
    "intrathecal_dose",
    smallest=vocabulary.smallest_bolus,
    limit=vocabulary.largest_bolus,
    beyond=vocabulary.intrathecal_dose_on_record,
)
RATE = QuantityField(
    "intrathecal_rate",
    smallest=vocabulary.smallest_rate,
    limit=vocabulary.largest_rate,
    beyond=vocabulary.intrathecal_rate_on_record,
)
Tablet = Annotated[Given, ORAL]
Bolus = Annotated[Given, BOLUS]
Rate = Annotated[Given, RATE]
RateOrTwiceScreening = Annotated[
    Given | Literal["twice screening"], dataclasses.replace(RATE, words=("twice screening",))
]
# Less than a session in ten weeks is no training, and a slip.
SessionsPerWeek = Annotated[float, Strict(), Field(ge=0.1, le=21, allow_inf_nan=False)]
_SETS = "eutonia.parameters.register"
ScaleName = Annotated[str, Named("scale", scales.names, register="eutonia.assessment.scales.register")]
MuscleName = Annotated[
    str,
    Named("muscle group", vocabulary.muscles_by_name, vocabulary.muscles_of_joints, "eutonia.limb.muscle.register"),
]
Grade = Annotated[str, Strict(), Field(min_length=1, max_length=20)]
Product = Annotated[str, Named("product", vocabulary.products)]
Level = Annotated[str, Named("vertebral level", vocabulary.levels)]
Territory = Annotated[str, Named("arterial territory", vocabulary.territories, vocabulary.several_places, _SETS)]
Site = Annotated[str, Named("site of a haemorrhage", vocabulary.sites, vocabulary.several_places, _SETS)]
Origin = Annotated[str, Named("origin of spasticity", vocabulary.origins)]
Segment = Annotated[str, Named("cord level", vocabulary.segments)]
Course = Annotated[str, Named("course of multiple sclerosis", vocabulary.courses)]
Reaction = Annotated[str, Named("adverse reaction", vocabulary.reactions)]
Method = Annotated[str, Named("kind of practice", vocabulary.practices)]
Mixture = Annotated[str, Named("mix of lesions", vocabulary.mixes)]
OralModel = Annotated[str, Named("oral model", vocabulary.oral_models, register=_SETS)]
BedsideTestName = Annotated[
    str, Named("bedside test", vocabulary.bedside_tests, register="eutonia.examination.register")
]
PumpModel = Annotated[str, Named("pump model", vocabulary.pump_models, register=_SETS)]
Source = Annotated[str, Reference()]
