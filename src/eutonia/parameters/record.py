"""One number of the science with everything that is needed to trust it: unit, spread, source, status."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from eutonia import _units
from eutonia.errors import ParameterError, UnitError, unknown

Status = Literal["verified", "secondary", "recalled", "derived", "program default", "fitted", "assumed"]
Method = Literal["measured", "fitted", "derived", "extrapolated", "specified", "assumed"]
SpreadKind = Literal["none", "normal", "lognormal", "range"]

STATUSES: tuple[str, ...] = get_args(Status)
METHODS: tuple[str, ...] = get_args(Method)
SPREAD_KINDS: tuple[str, ...] = get_args(SpreadKind)
ASSUMPTION = "assumption"
#: Source of what this program chooses and nobody could measure: steps, bounds of inputs, what a report calls much.
OWN_CHOICE = "Eutonia_program"
#: Status of a record in whose place somebody has put another number: `overrides`. No file may say it.
OVERRIDDEN = "overridden"
#: Where a fitted record comes from that no script here makes again.
PROTOTYPE = "a prototype that was thrown away"
_FITTED_BY = re.compile(rf"calibration/\w+\.py\b|{PROTOTYPE}")
SPREAD_NUMBERS = ("sd", "cv", "low", "high")
#: In what the source of a number differs from its use, and what it was measured in or on. No word: not looked at.
DISTANCES: Mapping[str, str] = {
    "none": "people, route and scale as used",
    "species": "animals",
    "health": "healthy people",
    "condition": "people with something else",
    "age": "people of another age",
    "route": "another route",
    "drug": "another drug",
    "part": "another joint, muscle or reaction",
    "time": "another time of the course",
    "scale": "another scale, such as a cell, one person or a model",
}
#: What a count of them calls the numbers of a source of which nobody has said.
NOT_SAID = "not said"

_MANDATORY = ("value", "unit", "source", "where", "method", "status", "label")
_OPTIONAL = ("symbol", "spread", "as_given", "derived", "people", "valid", "note", "axis", "distance")
_SPREAD_NEEDS: Mapping[str, tuple[frozenset[str], ...]] = {
    "none": (frozenset(),),
    "normal": (frozenset({"sd"}), frozenset({"cv"})),
    "lognormal": (frozenset({"cv"}), frozenset({"sd"})),
    "range": (frozenset({"low", "high"}),),
}


@dataclass(frozen=True, slots=True)
class Spread:
    """How far a number varies, and between what.

    A normal spread has `sd` (in the unit of the value) or `cv`; a lognormal one has `cv` or `sd`, which is then the
    standard deviation of the natural logarithm; a range has `low` and `high`. `level` says between what it varies.
    """

    kind: str = "none"
    sd: float | None = None
    cv: float | None = None
    low: float | None = None
    high: float | None = None
    level: str = ""

    def times(self, factor: float) -> Spread:
        """Return the spread of the number times `factor`: a cv, and the SD of a logarithm, stay as they are."""
        own = ("low", "high") if self.kind == "lognormal" else ("sd", "low", "high")
        given = {name: getattr(self, name) for name in own}
        return replace(self, **{name: x * factor for name, x in given.items() if x is not None})

    def with_number(self, name: str, number: float) -> Spread:
        """Return the spread with another `sd`, `cv`, `low` or `high`."""
        return replace(self, **{name: number})  # type: ignore[arg-type]

    @property
    def sd_log(self) -> float:
        """Standard deviation of the natural logarithm of a lognormal spread; 0 for a number without spread."""
        if self.kind == "none":
            return 0.0
        if self.kind != "lognormal":
            raise ParameterError(
                f"a {self.kind} spread has no standard deviation of the logarithm. Allowed: lognormal."
            )
        if self.cv is not None:
            return math.sqrt(math.log1p(self.cv**2))
        return float(self.sd or 0.0)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A record of a parameter set: one number (or one vector) with its provenance.

    `value` is the number, in `unit`; `array()` the numbers of a vector. `source` is a key of sources.bib, or
    "assumption", in which case `note` holds the reason. `derived` is arithmetic that the loader has re-computed. `axis`
    names the numbers of a vector, where it has one. `distance` says in what the source differs from the use, in words
    of `DISTANCES`; it is empty where nobody has looked.
    """

    set: str
    name: str
    numbers: tuple[float, ...]
    is_vector: bool
    unit: str
    label: str
    source: str
    where: str
    method: str
    status: str
    symbol: str = ""
    spread: Spread = Spread()
    as_given: str = ""
    derived: str = ""
    people: str = ""
    valid: str = ""
    note: str = ""
    axis: tuple[str, ...] = ()
    distance: tuple[str, ...] = ()

    @property
    def value(self) -> float:
        """The number, in `unit`."""
        if self.is_vector:
            raise ParameterError(
                f'"{self.name}" of {self.set} is a vector of {len(self.numbers)} numbers. Ask for it with array().'
            )
        return self.numbers[0]

    def to(self, unit: str) -> Parameter:
        """Return the record in another unit of the same kind: its number and the spread that shares its unit.

        Raises
        ------
        UnitError
            The unit measures something else.
        """
        if unit == self.unit:
            return self
        try:
            factor = _units.convert(1.0, self.unit, unit)
        except UnitError:
            raise UnitError(
                f'"{self.name}" of {self.set} is recorded in "{self.unit}", and what reads it wants "{unit}": these '
                f"measure different things. Nearest: a unit that converts to {unit}. Write the record in one, or "
                "correct the unit where it is read."
            ) from None
        numbers = tuple(number * factor for number in self.numbers)
        return replace(self, numbers=numbers, unit=unit, spread=self.spread.times(factor))

    def array(self) -> tuple[float, ...]:
        """Return the numbers of a vector, or the one number as a vector of one."""
        return self.numbers


def read_record(table: object, name: str, of: str) -> Parameter:
    """Check one TOML table and return it as a record; `of` is the name of its set.

    Checks fields, kinds, unit and spread. That the source exists and that `derived` holds is for the set to check.
    """
    where = f"{name} in {of}.toml"
    if not isinstance(table, dict):
        raise ParameterError(
            f'{where} is a bare value ({table!r}). Allowed: a table of {", ".join(_MANDATORY)}. Write "[{name}]".'
        )
    fields = _fields(table, where)
    numbers, is_vector = _numbers(fields["value"], where)
    texts = {
        key: _text(fields.get(key, ""), key, where)
        for key in (*_MANDATORY[1:], *_OPTIONAL)
        if key not in ("spread", "axis", "distance")
    }
    for key in ("source", "where", "label"):
        if not texts[key].strip():
            raise ParameterError(f'{where}: "{key}" is empty. Allowed: any text. No number without it: fill it in.')
    _one_of(texts["status"], "status", STATUSES, where)
    _one_of(texts["method"], "method", METHODS, where)
    _check_unit(texts["unit"], where)
    if "as_given" in fields and not texts["as_given"].strip():
        raise ParameterError(f"{where}: as_given is empty. Write what the paper prints, or leave the field out.")
    _check_assumption(texts, where)
    _check_fitted(texts, where)
    if texts["derived"] and is_vector:
        raise ParameterError(f'{where}: a vector cannot be "derived". Put the arithmetic into the note.')
    return Parameter(
        set=of,
        name=name,
        numbers=numbers,
        is_vector=is_vector,
        spread=_spread(fields.get("spread"), where),
        axis=_axis(fields.get("axis", []), len(numbers), where),
        distance=_distance(fields.get("distance"), texts["source"], where),
        **texts,
    )


def _fields(table: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    allowed = (*_MANDATORY, *_OPTIONAL)
    for key in table:
        if key not in allowed:
            raise ParameterError(f"{where}: {unknown('field', key, allowed)} Rename it or take it out.")
    missing = [key for key in _MANDATORY if key not in table]
    if missing:
        raise ParameterError(
            f"{where} lacks {', '.join(missing)}. Every record needs {', '.join(_MANDATORY)}. Add what is missing: "
            "no source, no number."
        )
    return table


def _numbers(value: object, where: str) -> tuple[tuple[float, ...], bool]:
    items: list[Any] = value if isinstance(value, list) else [value]
    if not items or any(isinstance(x, bool) or not isinstance(x, int | float) or not math.isfinite(x) for x in items):
        raise ParameterError(
            f"{where}: value is {value!r}. Allowed: a number or a list of numbers; the unit stands in its own field."
        )
    return tuple(float(x) for x in items), isinstance(value, list)


def _axis(labels: object, size: int, where: str) -> tuple[str, ...]:
    """Return the names of the numbers of a vector, none where it has no axis."""
    known = labels if isinstance(labels, list) and all(isinstance(one, str) and one for one in labels) else None
    if known is None or (known and (len(set(known)) != size or any("." in one for one in known))):
        raise ParameterError(
            f"{where}: axis is {labels!r:.80}. Allowed: one name for each of its {size} numbers, none twice, no point "
            'in any. Nearest: axis = ["leg", "arm"]. Name each number.'
        )
    return tuple(known)


def _distance(words: object, source: str, where: str) -> tuple[str, ...]:
    """Return in what the source of a number differs from its use; nothing where it is not said."""
    if words is None:
        return ()
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise ParameterError(
            f"{where}: distance is {words!r:.80}. Allowed: a list of {', '.join(DISTANCES)}. Nearest: "
            'distance = ["health"]. Write such a list, or leave the field out.'
        )
    for word in words:
        _one_of(word, "distance", tuple(DISTANCES), where)
    if len(set(words)) != len(words) or ("none" in words and len(words) > 1):
        raise ParameterError(
            f'{where}: distance is {words!r:.80}. Allowed: each word once, and "none" alone. Take the others out.'
        )
    if source == ASSUMPTION:
        raise ParameterError(
            f"{where}: distance is {words!r:.80}, and the number is an assumption. Allowed: a distance of a source. "
            "Name the source, or leave the field out."
        )
    return tuple(words)


def _text(value: object, key: str, where: str) -> str:
    if not isinstance(value, str):
        raise ParameterError(f'{where}: {key} is {value!r}. Allowed: text. Write it in quotation marks: {key} = "...".')
    return value


def _one_of(given: str, field: str, allowed: tuple[str, ...], where: str) -> None:
    if given not in allowed:
        raise ParameterError(f"{where}: {unknown(field, given, allowed, 'Use one of these words.')}")


def _check_unit(unit: str, where: str) -> None:
    try:
        _units.check(unit)
    except UnitError as error:
        raise UnitError(f"{where}: {error}") from None


def _check_assumption(texts: Mapping[str, str], where: str) -> None:
    assumed, no_source = texts["status"] == "assumed", texts["source"] == ASSUMPTION
    if assumed != no_source:
        raise ParameterError(
            f'{where}: status "{texts["status"]}" with source "{texts["source"]}". Allowed: status "assumed" together '
            f'with source "{ASSUMPTION}", or neither. Name the paper, or say that it is assumed and why.'
        )
    if assumed and not texts["note"].strip():
        raise ParameterError(f"{where} is an assumption without a reason. Allowed: any text. Write the reason in note.")
    if texts["source"] == OWN_CHOICE and (texts["status"] != "program default" or not texts["note"].strip()):
        raise ParameterError(
            f'{where}: source "{OWN_CHOICE}" with status "{texts["status"]}" and note "{texts["note"]:.40}". Allowed: '
            'status "program default" and the reason of the choice in note. What could be measured is "assumed", with '
            f'source "{ASSUMPTION}". Correct the status, or write the reason.'
        )


def _check_fitted(texts: Mapping[str, str], where: str) -> None:
    if texts["status"] == "fitted" and not _FITTED_BY.match(texts["where"]):
        raise ParameterError(
            f'{where}: status "fitted", and where is "{texts["where"]:.60}". Allowed: the script that fits it, or '
            f'"{PROTOTYPE}". Nearest: where = "calibration/drug.py: its data". Name the script.'
        )


def _spread(table: object, where: str) -> Spread:
    if table is None:
        return Spread()
    if not isinstance(table, dict) or not isinstance(table.get("kind"), str):
        raise ParameterError(
            f"{where}: spread is {table!r}. Allowed: a table with a kind ({', '.join(SPREAD_KINDS)}). "
            'Write spread = { kind = "lognormal", cv = 0.3, level = "between patients" }.'
        )
    _one_of(table["kind"], "spread kind", SPREAD_KINDS, where)
    for key in table:
        if key not in ("kind", "level", *SPREAD_NUMBERS):
            raise ParameterError(f"{where}: {unknown('field of spread', key, ('kind', 'level', *SPREAD_NUMBERS))}")
    given = {key: table[key] for key in SPREAD_NUMBERS if key in table}
    if any(isinstance(x, bool) or not isinstance(x, int | float) for x in given.values()):
        raise ParameterError(f"{where}: spread {given} holds something that is no number. Write numbers.")
    needs = _SPREAD_NEEDS[table["kind"]]
    if frozenset(given) not in needs:
        wanted = " or ".join(" and ".join(sorted(need)) or "no number" for need in needs)
        raise ParameterError(
            f"{where}: a {table['kind']} spread is given {', '.join(given) or 'no number'}. Allowed: {wanted}. "
            "Correct the kind or the number."
        )
    numbers = {key: float(x) for key, x in given.items()}
    if any(numbers.get(key, 0.0) < 0 for key in ("sd", "cv")) or numbers.get("low", 0.0) > numbers.get(
        "high", math.inf
    ):
        raise ParameterError(f"{where}: spread {given} is negative or upside down. Allowed: sd, cv >= 0; low <= high.")
    return Spread(kind=table["kind"], level=_text(table.get("level", ""), "level", where), **numbers)
