"""What two processes must share for the same bits: program, numbers of the science, precision, instruction set."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from eutonia import session
from eutonia.errors import SimulationError


@functools.cache
def program_digest() -> str:
    """Return the SHA-256 of the program's own source."""
    found = hashlib.sha256()
    for name, file in sorted(_sources(resources.files("eutonia"), "")):
        found.update(name.encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()


def _sources(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found = []
    for one in folder.iterdir():
        if one.is_dir():
            found += _sources(one, f"{prefix}{one.name}/")
        elif one.name.endswith(".py"):
            found.append((prefix + one.name, one))
    return found


def facts(numbers: Mapping[str, str]) -> dict[str, str]:
    """Return what this process computes with; `numbers` are the digests of the parameter sets."""
    said = session.facts()
    return {
        "program": program_digest(),
        "numbers": digest_of(dict(numbers)),
        **{name: str(said[name]) for name in ("precision", "instruction_set", "device")},
        "jax": str(said["platform"]).rpartition(" ")[2],
        "compiler_flags": " ".join(said.get("compiler_flags", ())),
    }


def digest_of(plain: object) -> str:
    """Return the SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def same(wanted: Mapping[str, Any], here: Mapping[str, Any], who: str) -> None:
    """Refuse what would not give the same bits.

    Raises
    ------
    SimulationError
        Something differs.
    """
    other = [name for name in wanted if wanted[name] != here.get(name)]
    if other:
        told = "; ".join(f"{name.replace('_', ' ')} {here.get(name)!s:.24}, not {wanted[name]!s:.24}" for name in other)
        raise SimulationError(
            f"{who} would give other bits: {told}. Allowed: the same of each. Nearest: the machine, version and study "
            "with which the run was begun. Use those, or begin the run anew."
        )
