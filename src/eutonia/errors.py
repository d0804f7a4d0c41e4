"""Every error that Eutonia raises on purpose, and the one way to word them.

A message has four parts: what was given, what is allowed, the nearest valid thing, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EutoniaError(Exception):
    """Base of all errors that a user can mend; the command line prints it and exits with code 2."""


class ParameterError(EutoniaError):
    """A parameter record, set or source that is missing, incomplete or inconsistent."""


class UnitError(EutoniaError):
    """A quantity without a unit, or with a unit of the wrong dimension."""


class StudyError(EutoniaError):
    """A study file that cannot be read, or that asks for something that does not exist; `faults` lists what is
    wrong.
    """

    faults: tuple[object, ...] = ()


class DatasetError(EutoniaError):
    """A table of doses and observations that cannot be used; `faults` lists every fault with row, column and rule."""

    faults: tuple[object, ...] = ()


class RecordingError(EutoniaError):
    """A recording of a limb that cannot be read, or that is not what it is said to be; `faults` lists what is wrong."""

    faults: tuple[object, ...] = ()


class SessionError(EutoniaError):
    """The process cannot compute as Eutonia needs: no such device, or settings of JAX that cannot be had."""


class ArgumentError(EutoniaError, TypeError):
    """Something of another type than a function of the library takes."""


class SimulationError(EutoniaError):
    """A simulation that left the domain in which its model holds."""


def nearest(given: str, allowed: Iterable[str], limit: int = 3) -> list[str]:
    """Return up to `limit` names of `allowed` that look like `given`, best first."""
    names = list(allowed)
    folded = {name.casefold(): name for name in names}
    hits = difflib.get_close_matches(given.casefold(), list(folded), n=limit, cutoff=0.5)
    return [folded[hit] for hit in hits]


def unknown(what: str, given: object, allowed: Iterable[str], do: str = "") -> str:
    """Word an unknown name, or what is none: what was given, the nearest names, all names, what to do."""
    names = sorted(allowed)
    close = nearest(str(given), names)
    shown = f'"{given}"' if isinstance(given, str) else f"{given!r:.60} ({type(given).__name__}, no text)"
    parts = [f"there is no {what} {shown}."]
    if close:
        parts.append(f"Nearest: {', '.join(close)}.")
    # A name with a comma in it is one name.
    whole = [f'"{name}"' if ", " in name else name for name in names]
    parts.append(f"Allowed: {', '.join(whole)}.")
    if do:
        parts.append(do)
    return " ".join(parts)
