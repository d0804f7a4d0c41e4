"""The numbers of the science that a study changes: a table of SET.NAME = "quantity", or tables of tables."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.json_schema import JsonSchemaValue

from eutonia import parameters
from eutonia.errors import EutoniaError
from eutonia.study.fields import explained
from eutonia.study.read_field import ReadField
from eutonia.study.studyfile import Key, Problem
from eutonia.study.texts import refuse

TABLE = "parameters"
_DO = 'Write [parameters] and below it "receptor.ec50" = "180 ng/mL".'


class NumbersOfStudy(ReadField):
    """A field that holds overrides of records."""

    def published(self) -> JsonSchemaValue:
        """Describe the field in the published schema: quantities by SET.NAME, or by SET and then NAME."""
        text = {"type": ["string", "number"], "examples": ["180 ng/mL"]}
        either = {"anyOf": [text, {"type": "object", "additionalProperties": {"anyOf": [text, {"type": "object"}]}}]}
        return {"type": "object", "additionalProperties": either}

    def read_in(self, value: object, info: object) -> dict[str, str]:
        """Return the overrides by SET.NAME, or refuse those that cannot be, each by its key."""
        if not isinstance(value, Mapping):
            refuse(Problem((), "It is not a table.", value, "a table of SET.NAME = quantity", do=_DO))
        places = {".".join(map(str, path)): (path, given) for path, given in _leaves(value)}
        found = []
        for key, (path, given) in places.items():
            try:
                _check({key: given})
            except EutoniaError as error:
                found.append(_at(path, explained(str(error).removeprefix(f"{key}: "), given)))
        if found:
            refuse(*found)
        together = {key: given for key, (_, given) in places.items()}
        try:
            _check(together)
        except EutoniaError as error:
            refuse(explained(str(error), None))
        return {key: str(given) for key, given in together.items()}


def _leaves(table: Mapping[Any, Any], above: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Return what stands in a table of tables, each with its keys: TOML reads a dotted key so."""
    for name, inside in table.items():
        if isinstance(inside, Mapping) and inside:
            yield from _leaves(inside, (*above, name))
        else:
            yield (*above, name), inside


def _check(given: Mapping[str, Any]) -> None:
    with parameters.beneath(given):
        pass


def _at(path: Key, problem: Problem) -> Problem:
    why = problem.why if problem.why.startswith("It is") else problem.why.removeprefix("It ")
    return Problem(path, why[:1].upper() + why[1:], problem.given, problem.allowed, problem.nearest, problem.do)


@contextlib.contextmanager
def holding(tables: Mapping[str, Any]) -> Iterator[None]:
    """Read the rest of a study by the numbers that it changes; where they cannot be, by those that ship."""
    given = tables.get(TABLE)
    found = {".".join(map(str, path)): one for path, one in _leaves(given)} if isinstance(given, Mapping) else {}
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(EutoniaError):  # the field itself says what is wrong
            stack.enter_context(parameters.beneath(found))
        yield
