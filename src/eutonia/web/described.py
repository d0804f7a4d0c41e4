"""Requests that are not as the API describes them, worded as every other fault: given, allowed, nearest, what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from eutonia.errors import nearest

_FAULTS_TOLD = 20
_SHOWN = 60
_DESCRIPTION = "/api/v1/openapi.json"
# Options of commands that are called otherwise in a request.
_OTHERWISE = {"set": "values"}
Fault = dict[str, Any]

_KINDS = {
    "string": "a text", "int": "a whole number", "list": "a list", "dict": "a JSON object", "float": "a number",
    "bool": "true or false",
}  # fmt: skip


def faults_of(request: Request, error: RequestValidationError) -> list[Fault]:
    """Return what is wrong with a request, each fault in its parts, the first ones of many."""
    known = _fields(request)
    return [_fault(request, one, known) for one in error.errors()[:_FAULTS_TOLD]]


def told(faults: Sequence[Fault]) -> str:
    """Return faults as prose, a line each."""
    return "\n".join(_line(one) for one in faults)


def in_fields(request: Request) -> Callable[[str], str]:
    """Return what words an error for whoever asks by the API: options of a command by the fields of this address."""
    known = {*_fields(request), *(one["name"] for one in _method(request).get("parameters", []))}

    def field(found: re.Match[str]) -> str:
        name = found[1].replace("-", "_")
        name = _OTHERWISE.get(name, name)
        return f"`{name}`" if name in known else found[0]

    return lambda text: re.sub(r"--([a-z][a-z-]*)", field, text)


def elsewhere(request: Request, error: HTTPException) -> tuple[str, str]:
    """Return title and detail of what is asked where nothing answers, or in a way in which it does not."""
    asked = f'Given: "{request.method} {request.url.path[:200]}".'
    paths: Mapping[str, Mapping[str, Any]] = request.app.openapi()["paths"]
    see = f"See {_DESCRIPTION}."
    if error.status_code == 404:
        close = "".join(f" Nearest: {', '.join(found)}." for found in [nearest(request.url.path, paths)] if found)
        return "There is nothing at this address.", f"{asked} Allowed: {', '.join(paths)}.{close} {see}"
    if error.status_code == 405:
        methods = (error.headers or {}).get("Allow", "")
        return (
            "This address is not asked in this way.",
            f"{asked} Allowed: {methods}. Nearest: {methods.partition(',')[0]} {request.url.path[:200]}. {see}",
        )
    return (
        "The body of the request cannot be read.",
        f"{asked} {str(error.detail).rstrip('.')}. Allowed: one JSON object, nested a few levels deep. "
        f"Let a JSON library write it. {see}",
    )


def _method(request: Request) -> Mapping[str, Any]:
    """Return what the API says of this address, asked in this way."""
    app: FastAPI = request.app
    found: Mapping[str, Any] = app.openapi()["paths"].get(request.url.path, {}).get(request.method.lower(), {})
    return found


def _fields(request: Request) -> dict[str, str]:
    """Return the fields of the body that this address takes, with what each is, from the API's own description."""
    app: FastAPI = request.app
    schema = _method(request).get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    model = app.openapi()["components"]["schemas"].get(str(schema.get("$ref", "")).rpartition("/")[2], {})
    return {name: str(one.get("description", "")) for name, one in model.get("properties", {}).items()}


def _fault(request: Request, one: Mapping[str, Any], known: Mapping[str, str]) -> Fault:
    """Return one fault in its parts, from what the library that reads requests says of it."""
    kind, place, ctx = str(one["type"]), tuple(one["loc"][1:]), one.get("ctx", {})
    key = ".".join(str(part) for part in place)
    found: Fault = {"key": key, "line": None, "given": _shown(one.get("input")), "nearest": []}
    body = f"one JSON object with {', '.join(known)}" if known else "what the API describes"
    send = f'Send it with "content-type: application/json"; see {_DESCRIPTION}.'
    if kind == "json_invalid":
        at = place[0] if place else 0
        why = f"It is no JSON: {ctx.get('error', 'it ends too early')}, at letter {at}."
        return found | {"key": "body", "given": "", "why": why, "allowed": body, "do": send}
    if not place:
        sent = request.headers.get("content-type", "")
        if kind == "missing":
            found |= {"given": ""}
        elif not sent.startswith("application/json"):
            found |= {"given": f'content-type "{sent[:_SHOWN]}"'}
        why = "There is no body." if kind == "missing" else "The body is no JSON object."
        return found | {"key": "body", "why": why, "allowed": body, "do": send}
    if kind == "missing":
        allowed = known.get(key, "").rstrip(".") or "what the API describes"
        return found | {"given": "", "why": "It is missing.", "allowed": allowed, "do": "Give it."}
    if kind == "extra_forbidden":
        near = nearest(str(place[-1]), known) if len(place) == 1 else []
        allowed = ", ".join(known) if len(place) == 1 else "what the API describes"
        return found | {"why": "There is no such field.", "allowed": allowed, "nearest": near, "do": "Leave it out."}
    allowed, near = _range(kind, ctx)
    why = f"{str(one['msg']).rstrip('.')}."
    return found | {"why": why, "allowed": allowed, "nearest": near, "do": f"Correct it; see {_DESCRIPTION}."}


def _range(kind: str, ctx: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return what is allowed where a value is of the wrong kind, too large or too long, and the nearest of it."""
    ends: dict[str, tuple[str, Callable[[str], list[str]]]] = {
        "le": ("at most {}", lambda end: [end]),
        "ge": ("at least {}", lambda end: [end]),
        "max_length": ("at most {} long", lambda end: []),
        "min_length": ("at least {} long", lambda end: []),
    }
    for name, (words, near) in ends.items():
        if name in ctx:
            return words.format(ctx[name]), near(str(ctx[name]))
    return next((words for start, words in _KINDS.items() if kind.startswith(start)), "what the API describes"), []


def _shown(given: Any) -> str:
    """Return what was given as JSON shows it, the beginning of what is long."""
    try:
        text = json.dumps(given, ensure_ascii=True, default=lambda one: f"{type(one).__name__}")
    except (ValueError, RecursionError):
        text = type(given).__name__
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _line(one: Fault) -> str:
    parts: Iterable[tuple[str, str]] = (
        ("Given", one["given"]), ("", one["why"]), ("Allowed", one["allowed"]), ("Nearest", ", ".join(one["nearest"])),
    )  # fmt: skip
    said = " ".join(f"{name}: {text}." if name else text for name, text in parts if text)
    return f"{one['key']}: {said} {one['do']}"
