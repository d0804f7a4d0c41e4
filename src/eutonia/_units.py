"""Units at the border: text with a unit in, one canonical number out.

The only file that imports Pint, and only for a unit that its own tables do not hold, because that import is slow.
Inside the program there is one unit a dimension: h, mg by mouth, ug in the spinal fluid, mL, kg, cm, deg.
"""

from __future__ import annotations

import functools
import math
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eutonia.errors import UnitError, nearest, unknown

_NUMBER = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*", re.DOTALL)
_POWER = re.compile(r"([A-Za-z])([2-9])(?![0-9A-Za-z])")
_ATOM = re.compile(r"[A-Za-z_]+")
_SHAPE = re.compile(r"[A-Za-z_0-9 */^().+-]*")

_SECOND = 1.0 / 3600.0
_TIME = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), _SECOND),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0 * _SECOND),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 1.0),
    **dict.fromkeys(("d", "day", "days"), 24.0),
    **dict.fromkeys(("wk", "week", "weeks"), 168.0),
    **dict.fromkeys(("month", "months"), 30.4375 * 24.0),
    **dict.fromkeys(("y", "yr", "year", "years"), 365.25 * 24.0),
}
_MICROGRAM = dict.fromkeys(("ug", "mcg", "microgram", "micrograms"), 1.0)
_MILLIGRAM = dict.fromkeys(("mg", "milligram", "milligrams"), 1.0)
_GRAM = dict.fromkeys(("g", "gram", "grams"), 1.0)
_MILLILITRE = {
    **dict.fromkeys(("mL", "ml", "millilitre", "millilitres", "milliliter", "cm^3"), 1.0),
    **dict.fromkeys(("L", "l", "litre", "litres", "liter"), 1000.0),
    **dict.fromkeys(("uL", "ul", "microlitre", "microlitres"), 0.001),
}
_LENGTH = {"mm": 0.1, "cm": 1.0, "m": 100.0}
_ANGLE = {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "rad": math.degrees(1.0)}

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
        percent grade score event impulse imp pps dimensionless
        """,
    )
)
_OWN_UNITS = (
    "@alias microgram = mcg",
    "@alias week = wk",
    "@alias year = y",
    "grade = []",
    "score = []",
    "event = []",
    "impulse = [] = imp",
    "pulses_per_second = impulse / second = pps",
)


# The masses of each route, then those that belong to the other: the thousandfold error.
_MASSES: Mapping[str, tuple[set[str], set[str]]] = {
    "intrathecal": ({"microgram", "nanogram"}, {"milligram", "gram"}),
    "oral": ({"milligram", "gram"}, {"microgram", "nanogram"}),
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """A quantity that may stand in a study file: its words, its canonical unit and the units read without Pint."""

    words: str
    canonical: str
    example: str
    table: Mapping[str, float]
    route: str = ""
    signed: bool = False


def _ratio(above: Mapping[str, float], below: Mapping[str, float]) -> dict[str, float]:
    return {f"{a}/{b}": x / y for a, x in above.items() for b, y in below.items()}


_KINDS: Mapping[str, _Kind] = {
    "duration": _Kind("time", "h", "48 hour", _TIME, signed=True),
    "intrathecal_dose": _Kind("intrathecal dose", "ug", "50 ug", _MICROGRAM, route="intrathecal"),
    "oral_dose": _Kind("oral dose", "mg", "10 mg", _MILLIGRAM, route="oral"),
    "intrathecal_rate": _Kind("intrathecal rate", "ug/h", "100 ug/day", _ratio(_MICROGRAM, _TIME), route="intrathecal"),
    "volume": _Kind("volume", "mL", "20 mL", _MILLILITRE),
    "concentration_pump": _Kind(
        "pump concentration", "ug/mL", "500 ug/mL", _ratio(_MICROGRAM, _MILLILITRE), route="intrathecal"
    ),
    "concentration_csf": _Kind(
        "concentration in spinal fluid",
        "ng/mL",
        "300 ng/mL",
        _ratio({"ng": 1.0, "nanogram": 1.0, **dict.fromkeys(_MICROGRAM, 1000.0)}, _MILLILITRE),
    ),
    "potential": _Kind("potential", "mV", "3 mV", {"mV": 1.0, "uV": 0.001, "V": 1000.0}, signed=True),
    "weight": _Kind("body weight", "kg", "71 kg", {"kg": 1.0, "kilogram": 1.0, "kilograms": 1.0, "g": 0.001}),
    "age": _Kind("age", "year", "67 year", {name: x / _TIME["year"] for name, x in _TIME.items()}),
    "clearance": _Kind(
        "clearance", "mL/min", "80 mL/min", {u: x / 60.0 for u, x in _ratio(_MILLILITRE, _TIME).items()}
    ),
    "length": _Kind("length", "cm", "42 cm", _LENGTH),
    "angle": _Kind("angle", "deg", "90 deg", _ANGLE, signed=True),
    "speed": _Kind("angular speed", "deg/s", "130 deg/s", {f"{a}/s": x for a, x in _ANGLE.items()}, signed=True),
}


def kinds() -> tuple[str, ...]:
    """Return the names of every kind of quantity that `parse` reads."""
    return tuple(_KINDS)


def canonical_unit(kind: str) -> str:
    """Return the unit in which `parse` gives back a quantity of this kind."""
    return _kind(kind).canonical


# Powers of powers and long exponents, which Pint would spend for ever on.
_TOWER = re.compile(r"\d\s*(\*\*|\^)|(\*\*|\^)\s*-?\s*(\d\s*\d|\()")


def parse(text: object, kind: str, where: str = "") -> float:
    """Read a quantity such as "50 ug" or "12 month" and return it in the canonical unit of its kind.

    Parameters
    ----------
    text
        Number and unit. ug, µg and mcg are one unit; a month is 30.4375 days.
    kind
        One of `kinds()`: duration (h), intrathecal_dose (ug), oral_dose (mg), intrathecal_rate (ug/h),
        volume (mL), concentration_pump (ug/mL), concentration_csf (ng/mL), potential (mV), weight (kg), age (year),
        clearance (mL/min), length (cm), angle (deg), speed (deg/s).
    where
        Key path in the file, put in front of an error message.

    Raises
    ------
    UnitError
        No unit, the unit of another dimension, or mg where the spinal fluid wants ug (and the reverse).
    """
    try:
        return _parse(text, kind) if isinstance(text, str) else _refuse_bare(f"{text}", _kind(kind))
    except UnitError as error:
        if not where:
            raise
        raise UnitError(f"{where}: {error}") from None


def read(text: str, unit: str) -> float:
    """Read a number that is plain, and then in `unit`, or has a unit of its own that converts to it."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise UnitError(f'"{text}" is not a number, with or without a unit. Allowed: such as "8" or "8 {unit}".')
    given = _spell(match[2])
    given = f"1{given}" if given.startswith("/") else given
    return float(match[1]) if given in ("", _spell(unit)) else convert(float(match[1]), given, unit)


def convert(value: float | int, unit: str, to: str) -> float:
    """Return `value`, given in `unit`, in the unit `to`; both are any units that records may use."""
    check(unit)
    check(to)
    registry = _registry()
    try:
        return float(registry.Quantity(value, _spell(unit) or "dimensionless").to(_spell(to) or "dimensionless").m)
    except _PINT_REFUSES as error:
        raise UnitError(f'"{unit}" does not convert to "{to}": {error}.') from None


@functools.lru_cache(maxsize=4096)
def check(unit: str) -> None:
    """Refuse a unit that cannot be read; "" and "1" mean dimensionless."""
    spelled = _spell(unit)
    if spelled in ("", "1"):
        return
    atoms = _ATOM.findall(spelled)
    if _SHAPE.fullmatch(spelled) and atoms and all(atom in _KNOWN_ATOMS for atom in atoms) and _balanced(spelled):
        return
    try:
        if "//" in spelled:  # which Pint takes for a floor division
            raise ValueError(spelled)
        _registry().parse_units(spelled)
    except _PINT_REFUSES:
        close = [hit for atom in atoms for hit in nearest(atom, _KNOWN_ATOMS, limit=2) if atom not in _KNOWN_ATOMS]
        hint = f" Nearest: {', '.join(dict.fromkeys(close))}." if close else ""
        raise UnitError(
            f'the unit "{unit}" cannot be read.{hint} Allowed: anything that Pint reads, such as "mL/min", '
            '"ug/day", "N m/rad", "1/h". Write "1" for a number without a unit.'
        ) from None


def _kind(name: str) -> _Kind:
    if name not in _KINDS:
        raise UnitError(unknown("kind of quantity", name, _KINDS))
    return _KINDS[name]


@functools.lru_cache(maxsize=65536)
def _parse(text: str, name: str) -> float:
    kind = _kind(name)
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise UnitError(
            f'"{text}" is not a number with a unit. Allowed: {kind.words} in {kind.canonical} or a unit that '
            f'converts to it. Write it as "{kind.example}".'
        )
    number, unit = float(match[1]), _spell(match[2])
    if not unit:
        _refuse_bare(match[1], kind)
    factor = kind.table.get(unit.replace(" ", ""))
    if factor is None:
        factor = _factor(text, number, unit, kind)
    value = number * factor
    if not math.isfinite(value):
        raise UnitError(f'"{text}" is too large to be a {kind.words}. Write it as "{kind.example}".')
    if value < 0 and not kind.signed:
        raise UnitError(f'"{text}" is negative, and {kind.words} cannot be. Write it as "{kind.example}".')
    return value


def _factor(text: str, number: float, unit: str, kind: _Kind) -> float:
    """Find the factor to the canonical unit with Pint; refuse another dimension or the other route's mass."""
    try:
        if _TOWER.search(unit):
            raise ValueError(unit)
        registry = _registry()
        quantity = registry.Quantity(1.0, registry.parse_units(unit))
        masses = {str(part) for part in quantity.units._units if registry.Unit(part).dimensionality == {"[mass]": 1}}
        canonical = float(quantity.to(kind.canonical).m)
    except _PINT_REFUSES:
        close = nearest(unit, kind.table)
        hint = f" Nearest: {', '.join(close)}." if close else ""
        raise UnitError(
            f'"{text}" is no {kind.words}: the unit "{unit}" does not convert to {kind.canonical}.{hint} '
            f'Write it as "{kind.example}".'
        ) from None
    own, other = _MASSES.get(kind.route, (masses, set()))
    if masses & other:
        raise _wrong_route(text, number * canonical, number, unit, kind)
    if not masses <= own:
        raise UnitError(
            f'"{text}" is no {kind.words}: nobody gives it in {" or ".join(sorted(masses))}. Allowed: '
            f'{" or ".join(sorted(own))}. Write it as "{kind.example}".'
        )
    return canonical


def _wrong_route(text: str, canonical: float, number: float, unit: str, kind: _Kind) -> UnitError:
    """Word the thousandfold error: a tablet's amount in the spinal fluid, or a pump's amount by mouth."""
    rate = unit.partition("/")[2].strip()
    expected = ("ug" if kind.route == "intrathecal" else "mg") + (f"/{rate}" if rate else "")
    if rate and kind.canonical == "ug/h":
        canonical *= _hours(rate)
    elif rate:
        canonical *= _MILLILITRE.get(rate, 1.0)
    here, there = ("intrathecal", "oral") if kind.route == "intrathecal" else ("oral", "intrathecal")
    return UnitError(
        f'"{text}" is given in the unit of the {there} route, but this is an {here} {kind.words.split()[-1]}: '
        f"oral amounts are in mg, intrathecal amounts in ug (1 mg = 1000 ug). "
        f'"{text}" is {canonical:.12g} {expected}. '
        f'Write "{canonical:.12g} {expected}" if that is meant, or "{number:.12g} {expected}" if the unit was a slip.'
    )


def _hours(unit: str) -> float:
    return _TIME.get(unit, 1.0)


def _refuse_bare(number: str, kind: _Kind) -> float:
    raise UnitError(
        f"{number} has no unit. Allowed: {kind.words} in {kind.canonical} or a unit that converts to it. "
        f'Write it as "{kind.example}", with the quotation marks.'
    )


def _spell(unit: str) -> str:
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
