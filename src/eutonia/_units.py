"""Units of parameter records: whether one can be read, and conversion. What people write is read by closed tables.

The only file that imports Pint, and only for a unit that its own list does not hold, because that import is slow.
"""

from __future__ import annotations

import functools
import re
import tokenize
from typing import Any

from eutonia._quantities import canonical_unit as canonical_unit
from eutonia._quantities import kinds as kinds
from eutonia._quantities import may_be_plain as may_be_plain
from eutonia._quantities import parse as parse
from eutonia._quantities import read as read
from eutonia._quantities import units_of as units_of
from eutonia.errors import UnitError, nearest

_POWER = re.compile(r"([A-Za-z])([2-9])(?![0-9A-Za-z])")
_ATOM = re.compile(r"[A-Za-z_]+")
_SHAPE = re.compile(r"[A-Za-z_0-9 */^().+-]*")

# Pint raises a different class for each way to go wrong, all of them below these.
_PINT_REFUSES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    KeyError,
    RecursionError,
    SyntaxError,
    TypeError,
    ValueError,
    tokenize.TokenError,
)

# What records may use without waking Pint; a test holds that Pint reads each of them.
_KNOWN_ATOMS = frozenset(
    re.findall(
        r"\w+",
        """
        s ms us min h hr hour day week month year  ng ug mcg mg g kg  mL L uL dL  um mm cm m km  deg rad
        N mN W J Pa kPa  mV V uV S mS uS nS ohm F uF A mA uA nA Hz  mol mmol umol nmol M mM uM nM
        aboU onaU  percent grade score event impulse imp pps dimensionless
        """,
    )
)
_OWN_UNITS = (
    "@alias microgram = mcg",
    "@alias week = wk",
    "@alias year = y",
    "grade = []",
    "score = []",
    "aboU = [abobotulinumtoxinA]",
    "onaU = [onabotulinumtoxinA]",
    "event = []",
    "impulse = [] = imp",
    "pulses_per_second = impulse / second = pps",
)


def convert(value: float | int, unit: str, to: str) -> float:
    """Return `value`, given in `unit`, in the unit `to`; both are any units that records may use."""
    check(unit)
    check(to)
    registry = _registry()
    try:
        return float(registry.Quantity(value, spelled(unit) or "dimensionless").to(spelled(to) or "dimensionless").m)
    except _PINT_REFUSES as error:
        raise UnitError(f'"{unit}" does not convert to "{to}": {error}.') from None


@functools.lru_cache(maxsize=4096)
def check(unit: str) -> None:
    """Refuse a unit that cannot be read; "" and "1" mean dimensionless."""
    text = spelled(unit)
    if text in ("", "1"):
        return
    atoms = _ATOM.findall(text)
    if _SHAPE.fullmatch(text) and atoms and all(atom in _KNOWN_ATOMS for atom in atoms) and _balanced(text):
        return
    try:
        if "//" in text:  # which Pint takes for a floor division
            raise ValueError(text)
        _registry().parse_units(text)
    except _PINT_REFUSES:
        close = [hit for atom in atoms for hit in nearest(atom, _KNOWN_ATOMS, limit=2) if atom not in _KNOWN_ATOMS]
        hint = f" Nearest: {', '.join(dict.fromkeys(close))}." if close else ""
        raise UnitError(
            f'the unit "{unit}" cannot be read.{hint} Allowed: anything that Pint reads, such as "mL/min", '
            '"ug/day", "N m/rad", "1/h". Write "1" for a number without a unit.'
        ) from None


def spelled(unit: str) -> str:
    """Bring the ways to write a unit to one: µ and mc to u, "per" to /, cm2 to cm^2, · to a space."""
    text = unit.strip().replace("µ", "u").replace("μ", "u").replace("·", " ").replace("−", "-")
    text = re.sub(r"\s+per\s+", "/", text)
    text = re.sub(r"\s*/\s*", "/", text)
    return _POWER.sub(r"\1^\2", text)


def _balanced(unit: str) -> bool:
    """Say whether a unit of known atoms is also well formed: no empty side of a slash, brackets in pairs."""
    plain = "(" not in unit and ")" not in unit
    parts = unit.split("/")
    atom = r"[A-Za-z_]+(?:(?:\^|\*\*)-?\d+(?:\.\d+)?)?"
    product = re.compile(rf"(?:1|{atom}(?:[ *]{atom})*)")
    return plain and all(product.fullmatch(part.strip()) for part in parts)


@functools.cache
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(on_redefinition="ignore")  # grade is a score here, no angle
    for definition in _OWN_UNITS:
        registry.define(definition)
    return registry
