"""The kinds of field that a study file may hold: quantities with a unit, names from a list, plain numbers.

Units are read at this border; behind it a quantity is a number in its canonical unit that remembers its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from eutonia import _units
from eutonia.assessment import scales
from eutonia.errors import UnitError, nearest
from eutonia.parameters import citations
from eutonia.study import vocabulary
from eutonia.study.studyfile import Problem

# A number and at most one "per": what every quantity of a study looks like. Powers have no place in one.
_SHAPE = re.compile(r"\s*[+-]?[\d.]+(?:[eE][+-]?\d{1,3})?\s*[A-Za-zµμ%]*\s*(?:(?:/|\bper\b)\s*[A-Za-z]+)?\s*")
_LONGEST = 60
_LONGEST_LIST = 16
_LONGEST_REFERENCE = 500
_CITED = "Author A, Author B. Journal 2020;12:345-350"
_SENTENCE = re.compile(r"(?<=[.!?]) (?=Nearest: |Allowed: |Write )")

OF_STUDY = "study_problems"


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
        """Tell Pydantic that a bare `Given` is taken as it is; `Quantity` reads one from text."""
        return core_schema.is_instance_schema(cls)

    def __getnewargs__(self) -> tuple[float, str]:  # type: ignore[override]
        """Return what pickle needs to make it again."""
        return float(self), self.text


def refuse(*problems: Problem) -> NoReturn:
    """Raise all problems found in a part as one validation error."""
    raise PydanticCustomError(OF_STUDY, "the study does not hold together", {"problems": problems})


class Part(BaseModel):
    """A part of a study file: frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True)
class Quantity:
    """A field written as text with a unit; `above` and `at_most` bound it in the canonical unit of its kind.

    `limit` is read when a quantity is checked, so that it may come from a parameter record. `words` are texts that may
    stand in place of a quantity.
    """

    kind: str
    above: float | None = None
    at_most: tuple[float, str] | None = None
    limit: Callable[[], vocabulary.Limit] | None = field(default=None, compare=False)
    words: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Tell Pydantic how to read and write the field."""
        written = core_schema.plain_serializer_function_ser_schema(show_optional)
        return core_schema.no_info_plain_validator_function(self.read, serialization=written)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the field in the published schema: text, with its canonical unit and an example."""
        unit = _units.canonical_unit(self.kind)
        text = {"type": "string", "pattern": "^\\s*[-+.0-9]", "examples": [self.example()], "x-canonical-unit": unit}
        return {"anyOf": [{"enum": list(self.words)}, text]} if self.words else text

    def example(self) -> str:
        """Return a quantity of this kind as a file may write it."""
        return vocabulary.EXAMPLES[self.kind]

    def read(self, value: object) -> Given | str:
        """Read the text of a quantity, or refuse it with the reason."""
        if isinstance(value, Given):
            value = value.text
        if isinstance(value, str) and value in self.words:
            return value
        how = f'Write it with its unit, in quotation marks: "{self.example()}".'
        allowed = " or ".join(f'"{text}"' for text in (*self.words, self.example()))
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            refuse(Problem((), "It is not a quantity.", value, allowed, do=how))
        if isinstance(value, str) and (len(value) > _LONGEST or not _SHAPE.fullmatch(value)):
            close = tuple(f'"{word}"' for word in nearest(value, self.words))
            refuse(Problem((), "It is not a number with a unit.", value, allowed, close, how))
        try:
            number = _units.parse(value, self.kind)
        except UnitError as error:
            refuse(_explained(str(error), value))
        text = " ".join(str(value).split())
        self._check(number, text)
        return Given(number, text)

    def _check(self, number: float, text: str) -> None:
        unit = _units.canonical_unit(self.kind)
        if number < 0 and self.above is None:
            refuse(Problem((), "It is negative.", text, f'0 or more, such as "{self.example()}"', do="Drop the sign."))
        if self.above is not None and number <= self.above:
            why = f"It must be more than {self.above:g} {unit}."
            refuse(
                Problem((), why, text, f"more than {self.above:g} {unit}", do=f'Write one such as "{self.example()}".')
            )
        if self.at_most is not None and number > self.at_most[0]:
            why, most = f"It is beyond {self.at_most[1]}, so a digit or the unit has slipped.", self.at_most[1]
            refuse(
                Problem((), why, text, f"at most {most}", do=f'Check digits and unit; write it as "{self.example()}".')
            )
        limit = self.limit() if self.limit is not None else None
        if limit is not None and number > limit.value:
            why = f"{limit.label} is {limit.text} ({limit.source}), and this is beyond it."
            refuse(Problem((), why, text, f"at most {limit.text}", do="Check digits and unit, or lower the dose."))


def _explained(message: str, value: object) -> Problem:
    """Sort the sentences of a unit error into the parts of a problem."""
    parts = _SENTENCE.split(message.removeprefix(f'"{value}" ').removeprefix(f"{value} "))
    why = "It " + parts[0]
    allowed = next((part.removeprefix("Allowed: ").rstrip(".") for part in parts[1:] if part.startswith("All")), "")
    close = next((part.removeprefix("Nearest: ").rstrip(".") for part in parts[1:] if part.startswith("Near")), "")
    do = " ".join(part for part in parts[1:] if part.startswith("Write "))
    return Problem((), why, value, allowed, tuple(close.split(", ")) if close else (), do)


@dataclass(frozen=True)
class Named:
    """A field whose names come from a record or a product list, so that they stand in one place only.

    With a mapping, a name may stand for another: an alias is read as the name that it means. A name in `renamed` is
    refused with those that it may have meant, the likeliest first.
    """

    what: str
    allowed: Callable[[], Sequence[str] | Mapping[str, str]] = field(compare=False)
    renamed: Mapping[str, Sequence[str]] = field(default_factory=dict, compare=False)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Tell Pydantic how to read the field."""
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the field in the published schema by its names."""
        return {"type": "string", "enum": list(self.allowed())}

    def read(self, value: object) -> str:
        """Return the name if it is one of those allowed."""
        names = self.allowed()
        if isinstance(value, str) and value in names:
            return names[value] if isinstance(names, Mapping) else value
        ours = tuple(names.values()) if isinstance(names, Mapping) else tuple(names)
        if isinstance(value, str) and (now := self.renamed.get(value)):
            why, close = f"This {self.what} has another name now.", tuple(f'"{name}"' for name in now)
            allowed = ", ".join(f'"{name}"' for name in ours)
            refuse(Problem((), why, value, allowed, close, f"Write {close[0]}, which is what it meant here."))
        refuse(not_a_name((), self.what, value, ours))


class Reference:
    """A field that says where something was published: a key of sources.bib or of a .bib file beside, or text.

    A key is one word, so that a slip in one is told; a reference as text has several.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Tell Pydantic how to read the field; its context brings the folder of the study."""
        return core_schema.with_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the field in the published schema."""
        return {
            "type": "string",
            "minLength": 1,
            "maxLength": _LONGEST_REFERENCE,
            "examples": ["Meythaler_2001", _CITED],
        }

    def read(self, value: object, info: Any) -> str:
        """Return the key or the text, or refuse what is neither."""
        folder: Path | None = (info.context or {}).get("folder")
        if isinstance(value, str) and len(value.split()) > 1 and len(value) <= _LONGEST_REFERENCE:
            return " ".join(value.split())
        here, faults = citations.beside(folder) if folder is not None else ({}, [])
        names = (*here, *vocabulary.sources())
        if isinstance(value, str) and value in names:
            return value
        problem = not_a_name((), "source", value, names)
        do = f'Correct the key, put its entry into a .bib file beside the study, or write the reference: "{_CITED}".'
        why = " ".join((problem.why, *(f"{fault}." for fault in faults)))
        allowed = "a key of sources.bib or of a .bib file beside the study, or the reference as text"
        refuse(Problem((), why, value, allowed, problem.nearest, do))


def not_a_name(where: tuple[str | int, ...], what: str, value: object, names: Sequence[str]) -> Problem:
    """Word a name that does not exist: the nearest one and those allowed."""
    close = tuple(f'"{name}"' for name in nearest(value, names)) if isinstance(value, str) else ()
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


def show_optional(value: object) -> object:
    """Return the text of a quantity, or the value as it is."""
    return value.text if isinstance(value, Given) else value


def described(text: str, **more: Any) -> Any:
    """Return a field with its description; a required one unless a default is given."""
    return Field(description=text, **more)


Number = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Share = Annotated[float, Strict(), Field(ge=0, le=1, allow_inf_nan=False)]
Flag = Annotated[bool, Strict()]
Text = Annotated[str, Strict(), Field(min_length=1, max_length=2000)]
Name = Annotated[str, Strict(), Field(min_length=1, max_length=60, pattern=r"^\S(.*\S)?$")]

# The upper bounds below are guard rails against slips of the keyboard; bounds of the science come from records.
Hours = Annotated[Given, Quantity("duration", at_most=(100 * 8766.0, "100 year"))]
Interval = Annotated[Given, Quantity("duration", above=0.0, at_most=(100 * 8766.0, "100 year"))]
Age = Annotated[Given, Quantity("age", at_most=(120.0, "120 year"))]
Weight = Annotated[Given, Quantity("weight", above=0.0, at_most=(400.0, "400 kg"))]
Clearance = Annotated[Given, Quantity("clearance", above=0.0, at_most=(400.0, "400 mL/min"))]
LesionVolume = Annotated[Given, Quantity("volume", above=0.0, at_most=(500.0, "500 mL"))]
Reservoir = Annotated[Given, Quantity("volume", above=0.0, at_most=(100.0, "100 mL"))]
Concentration = Annotated[Given, Quantity("concentration_pump", above=0.0, limit=vocabulary.largest_concentration)]
Tablet = Annotated[Given, Quantity("oral_dose", limit=vocabulary.largest_oral_dose)]
Bolus = Annotated[Given, Quantity("intrathecal_dose", limit=vocabulary.largest_bolus)]
Rate = Annotated[Given, Quantity("intrathecal_rate", limit=vocabulary.largest_rate)]
RateOrTwiceScreening = Annotated[
    Given | Literal["twice screening"],
    Quantity("intrathecal_rate", limit=vocabulary.largest_rate, words=("twice screening",)),
]
SessionsPerWeek = Annotated[float, Strict(), Field(gt=0, le=21, allow_inf_nan=False)]
ScaleName = Annotated[str, Named("scale", lambda: tuple(scales.SCALES), scales.RENAMED)]
Product = Annotated[str, Named("product", vocabulary.products)]
Level = Annotated[str, Named("vertebral level", vocabulary.levels)]
Territory = Annotated[str, Named("arterial territory", vocabulary.territories)]
Site = Annotated[str, Named("site of a haemorrhage", vocabulary.sites)]
Origin = Annotated[str, Named("origin of spasticity", vocabulary.origins)]
Segment = Annotated[str, Named("cord level", vocabulary.segments)]
Course = Annotated[str, Named("course of multiple sclerosis", vocabulary.courses)]
Reaction = Annotated[str, Named("adverse reaction", vocabulary.reactions)]
Method = Annotated[str, Named("kind of practice", vocabulary.practices)]
Mixture = Annotated[str, Named("mix of lesions", vocabulary.mixes)]
PumpModel = Annotated[str, Named("pump model", vocabulary.pump_models)]
Source = Annotated[str, Reference()]
