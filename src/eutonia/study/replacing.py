"""The tables of a study with some fields replaced, and their text: a changed study is a study file too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from eutonia.errors import StudyError, nearest

Tables = dict[str, Any]


def replaced(name: str, tables: Tables, fields: Mapping[str, object]) -> Tables:
    """Return a copy of the tables of a study with some fields replaced, each by its path in the file.

    A path names keys from the outside in, with dots between them; an item of a list by its `name` or by its number
    from 0: "population.n", "phase.bolus.arm.baclofen.treatment.0.dose".

    Raises
    ------
    StudyError
        A path that leads nowhere.
    """
    found: Tables = json.loads(json.dumps(tables))
    for path, value in fields.items():
        *way, last = str(path).split(".")
        if way and way[0] == "parameters":  # which names its records with a dot
            found.setdefault(way[0], {})[".".join([*way[1:], last])] = value
            continue
        at: Any = found
        for depth, step in enumerate(way):
            at = _entered(name, path, at, step, ".".join(way[:depth]))
        if isinstance(at, list):
            at[_position(name, path, at, last, ".".join(way))] = value
        elif isinstance(at, dict):
            at[last] = value
        else:
            raise _nowhere(name, path, last, ".".join(way), ())
    return found


def paths(tables: object, so_far: str = "") -> list[str]:
    """Return the path of every field of a study that holds a value, in the order of the file."""
    if isinstance(tables, dict):
        parts = list(tables.items())
    elif isinstance(tables, list) and any(isinstance(one, dict) for one in tables):
        parts = [(str(one.get("name", k)) if isinstance(one, dict) else str(k), one) for k, one in enumerate(tables)]
    else:
        return [so_far]
    return [path for name, one in parts for path in paths(one, f"{so_far}.{name}" if so_far else name)]


def _entered(name: str, path: str, at: object, step: str, so_far: str) -> object:
    """Return what a step leads to."""
    if isinstance(at, list):
        return at[_position(name, path, at, step, so_far)]
    if isinstance(at, dict) and step in at:
        return at[step]
    raise _nowhere(name, path, step, so_far, at if isinstance(at, dict) else ())


def _position(name: str, path: str, items: list[Any], step: str, so_far: str) -> int:
    names = [str(one.get("name", k)) if isinstance(one, dict) else str(k) for k, one in enumerate(items)]
    if step in names:
        return names.index(step)
    if step.isdecimal() and int(step) < len(items):
        return int(step)
    raise _nowhere(name, path, step, so_far, names)


def _nowhere(name: str, path: str, step: str, so_far: str, allowed: object) -> StudyError:
    known = [str(one) for one in allowed] if isinstance(allowed, dict | list | tuple) else []
    close = ", ".join(nearest(step, known))
    near = f"Nearest: {close}. " if close else ""
    return StudyError(
        f'{name} has no "{step}"{f" in {so_far}" if so_far else ""}, asked for by "{path}". '
        f"Allowed: {', '.join(known) or 'nothing, for it is no table'}. {near}"
        'Write the path as in the file, such as "population.n".'
    )


def toml_of(tables: Tables) -> str:
    """Return tables as the text of a study file."""
    parts = []
    for key, value in tables.items():
        many = value if isinstance(value, list) else [value]
        head = f"[[{key}]]" if isinstance(value, list) else f"[{key}]"
        for one in many:
            parts.append("\n".join([head, *(f"{_key(name)} = {_inline(item)}" for name, item in one.items())]))
    return "\n\n".join(parts) + "\n"


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else json.dumps(name)


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(name)} = {_inline(item)}" for name, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)
