"""A finding on a therapy: what is wrong, what follows from it, what to do, and who says so."""

from __future__ import annotations

from dataclasses import dataclass

from eutonia import parameters


@dataclass(frozen=True, slots=True)
class Breach:
    """A broken rule: its name, when (h), what is wrong and what follows, what to do, and the source of the rule."""

    rule: str
    at_h: float
    says: str
    do: str
    source: str
    is_hazard: bool = False


def source_of(of: str, name: str) -> str:
    """Return the source of a record of a parameter set."""
    return parameters.load(of)[name].source
