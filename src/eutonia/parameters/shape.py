"""The shape of what a file of records may hold, for Pydantic, and its errors in our words.

Imported where a file is read, for Pydantic takes its time. That a source exists and arithmetic holds, the set says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from eutonia import _units
from eutonia.errors import EutoniaError, ParameterError, unknown
from eutonia.parameters.record import (
    ASSUMPTION,
    AXES,
    DISTANCES,
    OWN_CHOICE,
    OWN_WORK,
    PROTOTYPE,
    SPREAD_NEEDS,
    SPREAD_NUMBERS,
    Distance,
    Method,
    Parameter,
    Route,
    Spread,
    SpreadKind,
    Status,
)  # fmt: skip

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

_FITTED_BY = re.compile(rf"calibration/\w+\.py\b|{PROTOTYPE}")
_UNITS: Mapping[str, tuple[str, ...]] = {"oral": ("mg", "mg/mL"), "intrathecal": ("ug/mL",)}
#: Fields that are lists in every record.
_LISTS = ("axis", "distance")
_KINDS = {
    "string_type": "text, in quotation marks",
    "float_type": "no text, a number",
    "finite_number": "a finite number",
}


def _unit(unit: str) -> str:
    _units.check(unit)
    return unit


Filled = Annotated[str, Field(pattern=r"\S")]


class TomlTable(BaseModel):
    """A table of a file. The description of a field says what is allowed where an error has to."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


Shape = TypeVar("Shape", bound=TomlTable)


class HeaderTable(TomlTable):
    """The table [set] of a file."""

    name: str
    title: str
    released: str
    note: str


class SpreadTable(TomlTable):
    """How far a number varies, and between what."""

    kind: SpreadKind
    sd: float | None = None
    cv: float | None = None
    low: float | None = None
    high: float | None = None
    level: str = ""

    @model_validator(mode="after")
    def _agrees(self) -> SpreadTable:
        given = {key: x for key in SPREAD_NUMBERS if (x := getattr(self, key)) is not None}
        needs = SPREAD_NEEDS[self.kind]
        if frozenset(given) not in needs:
            wanted = " or ".join(" and ".join(sorted(need)) or "no number" for need in needs)
            raise ParameterError(
                f"a {self.kind} spread is given {', '.join(given) or 'no number'}. Allowed: {wanted}. "
                "Correct the kind or the number."
            )
        low, high = given.get("low", 0.0), given.get("high", 0.0)
        if min(given.get("sd", 0.0), given.get("cv", 0.0)) < 0.0 or low > high:
            raise ParameterError(f"spread {given} is negative or upside down. Allowed: sd, cv >= 0; low <= high.")
        return self


class RecordTable(TomlTable):
    """One number of the science, or one vector, with everything that is needed to trust it."""

    value: float | Annotated[list[float], Field(min_length=1)] = Field(
        description="a number or a list of numbers; the unit stands in its own field"
    )
    unit: Annotated[str, AfterValidator(_unit)]
    source: Filled
    where: Filled
    method: Method
    status: Status
    label: Filled
    symbol: str = ""
    spread: SpreadTable | None = Field(
        None, description='a table such as { kind = "lognormal", cv = 0.3, level = "between patients" }'
    )
    as_given: Filled = Field("", description="what the paper prints, or no such field")
    derived: str = ""
    people: str = ""
    valid: str = ""
    note: str = ""
    axis: list[Filled] = Field([], description='a name for each of its numbers, such as ["leg", "arm"]')
    distance: list[Distance] = Field(
        [], min_length=1, description=f'a list of {", ".join(DISTANCES)}. Nearest: distance = ["health"]'
    )

    correlation: dict[str, Annotated[float, Field(ge=-1.0, le=1.0)]] = Field(
        {},
        description="records of the same fit with the correlation of their estimates, -1 to 1, such as { hill = 0.4 }",
    )

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers of a vector, or the one number."""
        return tuple(self.value) if isinstance(self.value, list) else (self.value,)

    @model_validator(mode="after")
    def _agrees(self) -> RecordTable:
        if (self.status == "assumed") != (self.source == ASSUMPTION):
            raise ParameterError(
                f'status "{self.status}" with source "{self.source}". Allowed: status "assumed" together with source '
                f'"{ASSUMPTION}", or neither. Name the paper, or say that it is assumed and why.'
            )
        if self.status == "assumed" and not self.note.strip():
            raise ParameterError("an assumption without a reason. Allowed: any text. Write the reason in note.")
        if self.source == OWN_CHOICE and (self.status != "program default" or not self.note.strip()):
            raise ParameterError(
                f'source "{OWN_CHOICE}" with status "{self.status}" and note "{self.note:.40}". Allowed: status '
                '"program default" and the reason of the choice in note. What could be measured is "assumed", with '
                f'source "{ASSUMPTION}". Correct the status, or write the reason.'
            )
        ours = self.method == "fitted" and self.source == OWN_WORK
        if (ours or self.status == "fitted") and not _FITTED_BY.match(self.where):
            raise ParameterError(
                f'status "{self.status}", fitted here, and where is "{self.where:.60}". Allowed: the script that fits '
                f'it, or "{PROTOTYPE}". Nearest: where = "calibration/drug.py: its data". Name the script.'
            )
        return self._agree_words()

    def _agree_words(self) -> RecordTable:
        if isinstance(self.value, list) or self.axis:
            _check_axis(self.axis, len(self.numbers))
        if self.derived and self.axis:
            raise ParameterError('a vector cannot be "derived". Allowed: one number. Put the arithmetic into the note.')
        if len(set(self.distance)) != len(self.distance) or ("none" in self.distance and len(self.distance) > 1):
            raise ParameterError(
                f'distance is {self.distance!r:.80}. Allowed: each word once, and "none" alone. Take the others out.'
            )
        if self.distance and self.source == ASSUMPTION:
            raise ParameterError(
                f"distance is {self.distance!r:.80}, and the number is an assumption. Allowed: a distance of a "
                "source. Name the source, or leave the field out."
            )
        return self


class CodesTable(TomlTable):
    """Codes of a product, and of each of its strengths."""

    atc: str
    rxcui: dict[str, str] = Field({}, description='codes as text, such as { "10 mg" = "197391" }')
    ndc: dict[str, str] = Field({}, description='codes as text, such as { "10 mg" = "0703-1234-01" }')


class ProductTable(TomlTable):
    """What is in a packet."""

    name: Filled
    form: Filled
    route: Route
    strength_unit: Filled
    region: Filled
    status: Status
    source: Filled
    note: str
    aliases: list[Filled] = Field(description="a list of names, which may be empty")
    strengths: list[Annotated[float, Field(gt=0)]] = Field(min_length=1, description="a list of numbers above 0")
    codes: CodesTable = Field(description='a table such as codes = { atc = "M03BX01", rxcui = { "10 mg" = "197391" } }')

    @model_validator(mode="after")
    def _agrees(self) -> ProductTable:
        if self.strength_unit not in (units := _UNITS[self.route]):
            raise ParameterError(
                f'an {self.route} product with strengths in "{self.strength_unit}". Allowed: {" or ".join(units)}; '
                "tablets are in mg, pump solutions in ug (1 mg = 1000 ug). Convert the strengths."
            )
        return self


def _check_axis(axis: list[str], size: int) -> None:
    if len(set(axis)) != len(axis) or size not in (len(axis), len(axis) ** 2) or "." in "".join(axis):
        raise ParameterError(
            f"axis is {axis!r:.80}. Allowed: one name for each of its {size} numbers (for each row of a square), none "
            'twice, no point in any. Nearest: axis = ["leg", "arm"]. Name each number.'
        )
    shared = {what: len(set(axis).intersection(names)) for what, names in AXES.items()}
    what = max(shared, key=shared.__getitem__)
    if 0 < shared[what] < len(axis):
        stray = next(name for name in axis if name not in AXES[what])
        raise ParameterError(unknown(what, stray, AXES[what], "Take all names of an axis from one list."))


def apart(tables: Mapping[str, object], of: str) -> dict[str, object]:
    """Return one table for each record of a set called `of`.

    A table ["share_{each}"] with `each = ["low", "high"]` stands for a record a word: {each} in its name and its texts
    is the word, and a list in any field but `axis` and `distance` holds what each of them has, in that order.

    Raises
    ------
    ParameterError
        No {each} in the name, a list of another length, or a name that another table has.
    """
    found: dict[str, object] = {}
    for name, table in tables.items():
        for one, fields in _apart(name, table, f"{name} in {of}.toml"):
            if one in found:
                raise ParameterError(f"{one} stands twice in {of}.toml. Allowed: each name once. Rename one of them.")
            found[one] = fields
    return found


def _apart(name: str, table: object, where: str) -> Iterator[tuple[str, object]]:
    """Return names and tables of the records of a table."""
    if not isinstance(table, dict) or "each" not in table:
        yield name, table
        return
    words = table["each"]
    if "{each}" not in name or not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ParameterError(
            f"{where}: each is {words!r:.80}. Allowed: a list of words, and {{each}} in the name of the table, where "
            'they go. Nearest: ["share_{each}"] with each = ["low", "high"]. Correct the name or the list.'
        )
    for key, given in table.items():
        if isinstance(given, list) and key not in _LISTS and len(given) != len(words):
            raise ParameterError(
                f"{where}: {key} has {len(given)} entries. Allowed: one for each of {len(words)} words of each. "
                "Correct the list."
            )
    for i, word in enumerate(words):
        own = {
            key: given[i] if isinstance(given, list) and key not in _LISTS else given
            for key, given in table.items()
            if key != "each"
        }
        texts = {key: given.replace("{each}", word) for key, given in own.items() if isinstance(given, str)}
        yield name.replace("{each}", word), own | texts


def record(table: object, name: str, of: str) -> Parameter:
    """Check the table of a record and return it; `of` is the name of its set."""
    checked = read(RecordTable, table, f"{name} in {of}.toml")
    fields: dict[str, Any] = {
        key: tuple(field) if isinstance(field, list) else field for key, field in checked if key != "value"
    }
    fields["correlation"] = tuple(checked.correlation.items())
    fields["spread"] = Spread(**dict(checked.spread)) if checked.spread else Spread()
    return Parameter(set=of, name=name, numbers=checked.numbers, **fields)


def read(shape: type[Shape], table: object, where: str) -> Shape:
    """Check a table of a file against its shape; `where` says which table it is.

    Raises
    ------
    ParameterError, UnitError
        A field that is unknown or missing, of another kind, word or bound, or that another contradicts.
    """
    if not isinstance(table, dict):
        given = "missing" if table is None else f"a bare value ({table!r:.80})"
        raise ParameterError(f"{where} is {given}. Allowed: a table of {', '.join(shape.model_fields)}. Write a table.")
    try:
        return shape.model_validate(table)
    except EutoniaError as error:
        raise type(error)(f"{where}: {error}") from None
    except ValidationError as error:
        raise ParameterError(_worded(shape, error.errors(include_url=False), where)) from None


def _worded(shape: type[TomlTable], found: list[ErrorDetails], where: str) -> str:
    """Word what Pydantic found: a field that is none, then what is missing, then the first of the rest."""
    first = {one["type"]: one for one in reversed(found)}
    one = first.get("extra_forbidden") or first.get("missing") or found[0]
    (*inside, key), fields = _place(shape, one["loc"])
    of = "".join(f" of {step}" for step in inside)
    if one["type"] == "extra_forbidden":
        return f"{where}: {unknown(f'field{of}', key, fields, 'Rename it or take it out.')}"
    if one["type"] == "missing":
        missing = ", ".join(str(lost["loc"][-1]) for lost in found if lost["type"] == "missing")
        needed = ", ".join(name for name, field in fields.items() if field.is_required())
        return f"{where} lacks {missing}{of}. Allowed: all of {needed}. Add what is missing: no source, no number."
    name, given, allowed = " ".join((*inside, key)), one["input"], fields[key].description
    if one["type"] == "literal_error" and isinstance(given, str):
        words = re.findall(r"'([^']*)'", one["ctx"]["expected"])
        return f"{where}: {unknown(name, given, words, 'Use one of these words.')}"
    if one["type"] == "string_pattern_mismatch":
        return (
            f"{where}: {name} is empty ({given!r}). Allowed: {allowed or 'any text'}. Fill it in: no source, no number."
        )
    return f"{where}: {name} is {given!r:.80}. Allowed: {allowed or _KINDS[one['type']]}. Correct {name}."


def _place(shape: type[TomlTable], steps: Iterable[object]) -> tuple[list[str], dict[str, FieldInfo]]:
    """Return the keys that lead to the place of an error, and the fields of the table in which it stands."""
    keys: list[str] = []
    fields, inner = shape.model_fields, shape.model_fields
    for step in map(str, steps):
        if not inner:
            break  # what Pydantic adds: places in a list, kinds that it tried
        keys.append(step)
        fields = inner
        of = fields[step].annotation if step in fields else None
        tables = [one for one in (of, *get_args(of)) if isinstance(one, type) and issubclass(one, TomlTable)]
        inner = tables[0].model_fields if tables else {}
    return keys, fields
