"""From Pydantic's errors to faults that a clinician can mend: key, line, given, allowed, nearest, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from eutonia.errors import nearest
from eutonia.study import studyfile
from eutonia.study.fields import OF_STUDY, QuantityField, more
from eutonia.study.registered import Registered
from eutonia.study.studyfile import Fault, Key, Problem

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

# A name with an apostrophe stands in double quotation marks.
_QUOTED = re.compile(r"""(['"])(.*?)\1""")
# A number of a few digits as another program writes it: with a comma, as a percentage.
_NUMBER = re.compile(r"([0-9]{1,9})(?:[.,]([0-9]{1,9}))?\s*(%?)")
_PERCENT = 100
_BOUNDS = {"greater_than": "more than", "greater_than_equal": "at least", "less_than": "less than"}
# By which function another package brings one more sort of a table, by the key that tells the sorts.
_REGISTERS = {
    "policy": "eutonia.study.policies.POLICIES.register",
    "route": "eutonia.study.treatments.TREATMENTS.register",
}
_TOO_SHORT = "The list is too short."
_KINDS = {
    "int_type": ("a whole number", "Write a whole number, without quotation marks or a point."),
    "int_from_float": ("a whole number", "Write a whole number, without quotation marks or a point."),
    "float_type": ("a number", "Write a number, without quotation marks or a unit."),
    "finite_number": ("a finite number", "Write an ordinary number; nan and inf are none."),
    "bool_type": ("true or false", "Write true or false, in small letters, without quotation marks."),
    "string_type": ("text", 'Put it in quotation marks: "text".'),
    "string_too_short": ("some text", "Fill it in."),
    "string_too_long": ("a short text", "Shorten it."),
    "string_pattern_mismatch": ("text without blanks at its ends", "Remove the blanks."),
    "too_short": ("a longer list", "Add to the list."),
    "too_long": ("a shorter list", "Shorten the list."),
}


def faults_of(
    error: ValidationError, raw: Mapping[str, Any], lines: Mapping[Key, int], model: type[BaseModel]
) -> list[Fault]:
    """Return the faults of a study file, in the order of its lines.

    Parameters
    ----------
    error
        What Pydantic found.
    raw
        The tables of the file.
    lines
        Line of each key.
    model
        The model against which the file was checked; its fields are the keys that are allowed.
    """
    found = [found for detail in error.errors(include_url=False) for found in _problems(detail, raw, model)]
    places = [path for path, _ in found]
    faults = [
        _placed(path, problem, raw, lines)
        for path, problem in found
        if not (
            problem.why == _TOO_SHORT and any(len(other) > len(path) and other[: len(path)] == path for other in places)
        )
    ]
    return sorted(dict.fromkeys(faults), key=lambda fault: fault.line or 0)


def _placed(path: Key, problem: Problem, raw: Mapping[str, Any], lines: Mapping[Key, int]) -> Fault:
    key, line, within = studyfile.locate(raw, path, lines)
    given = "" if problem.given is None else studyfile.show(problem.given)
    if isinstance(problem.given, str) and studyfile.at(raw, path) != problem.given:
        given = given.strip('"')  # words of ours about the file, not a text that stands in it
    return Fault(key, line, given, problem.why, problem.allowed, problem.nearest, problem.do, within)


def _problems(detail: ErrorDetails, raw: Mapping[str, Any], model: type[BaseModel]) -> Iterator[tuple[Key, Problem]]:
    """Yield the place of each problem in one Pydantic error, and its words."""
    path: Key = tuple(detail["loc"])
    if detail["type"] == OF_STUDY:
        for problem in detail["ctx"]["problems"]:
            yield (*path, *problem.at), problem
    elif detail["type"] == "extra_forbidden":
        yield path, _unknown_key(path, raw, model)
    elif detail["type"] == "missing":
        yield path, _missing_key(path, model)
    elif detail["type"].startswith("union_tag"):
        tag = str(detail["ctx"]["discriminator"]).strip("'")
        names = detail["ctx"].get("expected_tags") or str(_choices(_variants(model, path), tag))
        problem = _not_one_of(studyfile.at(raw, (*path, tag)), tag, names)
        yield (*path, tag), replace(problem, do=f"{problem.do}{more(_REGISTERS.get(tag, ''))}")
    else:
        yield path, _plain(detail, raw)


def _plain(detail: ErrorDetails, raw: Mapping[str, Any]) -> Problem:
    """Word an error of kind, bound or choice."""
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    key = str(detail["loc"][-1]) if detail["loc"] else "study"
    if kind == "literal_error":
        return _not_one_of(given, key, str(context["expected"]))
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        end = next(iter(context.values()))
        bound = f"{_BOUNDS.get(kind, 'at most')} {int(end) if end == int(end) else end:,}"
        # A share is meant, and given in percent.
        is_percent = end == 1 < given <= _PERCENT
        do = f"Write {given / _PERCENT:g} if {given:g} % is meant." if is_percent else "Correct the number."
        return Problem((), "The number is out of bounds.", given, bound, do=do)
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return Problem(
            (), "It is not a table.", given, "a table", do=f"Write [{key}] on a line of its own, and keys below."
        )
    if kind in ("tuple_type", "list_type"):
        do = f"Write a list in square brackets, or [[{key}]] for each table."
        return Problem((), "It is not a list.", given, "a list", do=do)
    allowed, do = _KINDS.get(kind, ("another value", "Correct the value."))
    why = f"It is not {allowed}." if kind in _KINDS else f"{detail['msg']}."
    if kind == "float_type" and isinstance(given, str) and (number := _NUMBER.fullmatch(given.strip())):
        value = float(f"{number[1]}.{number[2] or 0}") / (_PERCENT if number[3] else 1)
        do = f"Write {value:g}, without quotation marks{' or a sign of percent' if number[3] else ''}."
    if kind == "too_short":
        why, allowed = _TOO_SHORT, f"at least {context.get('min_length')} entries"
    if kind == "too_long":
        why, allowed = "The list is too long.", f"at most {context.get('max_length')} entries"
    return Problem((), why, given, allowed, do=do)


def _not_one_of(given: object, key: str, expected: str) -> Problem:
    """Word a value outside a short list of names, or a missing choice."""
    names = [name for _, name in _QUOTED.findall(expected)]
    close = tuple(f'"{name}"' for name in nearest(given, names)) if isinstance(given, str) else ()
    allowed = ", ".join(f'"{name}"' for name in names)
    if given is None:
        return Problem((), "This key is missing.", None, allowed, do=f"Add the key {key}.")
    do = f"Write {close[0]} if that is meant, or choose from the list." if close else "Choose from the list."
    return Problem((), "There is no such choice.", given, allowed, close, do)


def _unknown_key(path: Key, raw: Mapping[str, Any], model: type[BaseModel]) -> Problem:
    key, fields = str(path[-1]), _fields_at(model, path[:-1])
    close = tuple(nearest(key, fields))
    what = "table" if isinstance(studyfile.at(raw, path), Mapping | list) else "key"
    do = f"Rename it to {close[0]} if that is meant, or remove it." if close else "Remove it."
    return Problem((), f"There is no such {what} here.", None, ", ".join(fields), close, do)


def _missing_key(path: Key, model: type[BaseModel]) -> Problem:
    key = str(path[-1])
    field = _fields_at(model, path[:-1]).get(key)
    meaning = f" It says: {field.description}" if field is not None and field.description else ""
    if field is None or _parts(field.annotation) == []:
        return Problem((), f"The key {key} is missing.{meaning}", None, _example(field), do=f"Add the key {key}.")
    name = ".".join(str(step) for step in path if isinstance(step, str))
    header = f"[[{name}]]" if "tuple" in str(field.annotation) else f"[{name}]"
    return Problem((), f"The table {key} is missing.{meaning}", None, header, do=f"Add the table {header}.")


def _example(field: FieldInfo | None) -> str:
    """Return what a field may hold, as far as its type tells."""
    if field is None:
        return ""
    quantity = next((one for one in field.metadata if isinstance(one, QuantityField)), None)
    names = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    kinds = {int: "a whole number", float: "a number", bool: "true or false", str: "text in quotation marks"}
    plain = kinds.get(field.annotation, "") if isinstance(field.annotation, type) else ""
    return f'a quantity such as "{quantity.example()}"' if quantity else ", ".join(f'"{one}"' for one in names) or plain


def _fields_at(model: type[BaseModel], path: Key) -> dict[str, FieldInfo]:
    """Return the keys that a part at a place of the file may hold, with their fields."""
    variants = _variants(model, path)
    return {key: field for variant in variants[:1] for key, field in _keyed(variant).items()}


def _variants(model: type[BaseModel], path: Key) -> list[type[BaseModel]]:
    """Return the models that may stand at a place; the tag of a variant in the path leaves only that one."""
    current: list[type[BaseModel]] = [model]
    for step in path:
        if isinstance(step, int):
            continue
        field = next((fields[step] for fields in map(_keyed, current) if step in fields), None)
        if field is not None:
            current = _parts(field.annotation)
        else:
            current = [one for one in current if any(step in _names(inner) for inner in one.model_fields.values())]
    return current


def _choices(variants: list[type[BaseModel]], tag: str) -> list[str]:
    """Return the values of the key by which variants are told apart."""
    return [name for one in variants if tag in one.model_fields for name in _names(one.model_fields[tag])]


def _names(field: FieldInfo) -> tuple[str, ...]:
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


def _keyed(model: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _parts(annotation: Any) -> list[type[BaseModel]]:
    """Return the models inside an annotation such as tuple[Arm, ...] or a union of variants."""
    if isinstance(annotation, type) and issubclass(annotation, Registered) and annotation.is_abstract():
        return list(annotation.sorts())
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]
