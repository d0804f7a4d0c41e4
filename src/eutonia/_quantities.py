"""Quantities at the border: text with a number and a unit in, one canonical number out.

Each kind of quantity has a closed table of units, and whatever is not in it is refused with the nearest that is. The
tables are made so that no slip of one letter turns a unit into another of the same kind: where "h" is read, "d" and
"s" are not. Inside the program there is one unit a dimension: h, mg by mouth, ug in the spinal fluid, mL, kg, cm, deg.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from eutonia import _bounds
from eutonia._bounds import COARSEST, FINEST, LONGEST_QUANTITY, Bounds
from eutonia._hours import HOURS_A_DAY, HOURS_A_MONTH, HOURS_A_YEAR
from eutonia.errors import UnitError, nearest, unknown

# Blanks that keyboards and web pages put between a number and its unit; digits of other scripts are no digits here.
_BLANK = "[ \t\u00a0\u2009\u202f]"
_NUMBER = re.compile(rf"{_BLANK}*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?){_BLANK}*(.*)")
# What follows a number that goes on behind a comma, an apostrophe, a blank or a dash; "1/day" is a unit.
_APART = re.compile(rf"([,'\u2019\u2013-]?){_BLANK}*([0-9]+)(?!/){_BLANK}*(.*)")
_OF_THOUSANDS = 3
_PER = re.compile(rf"{_BLANK}*/{_BLANK}*|{_BLANK}+per{_BLANK}+")
# A unit by the size of the body: the same number in the unit before it is another amount.
_BY_BODY = re.compile(rf"(.+)/(\(?(?:1\.73{_BLANK}*)?m(?:2|\^2|\u00b2)\)?|kg)")
_MICRO = re.compile("^[\u00b5\u03bc](?=g)")


def _spelled(factor: float, *names: str) -> dict[str, float]:
    return dict.fromkeys(names, factor)


def _ratio(above: Mapping[str, float], below: Mapping[str, float]) -> dict[str, float]:
    return {f"{a}/{b}": x / y for a, x in above.items() for b, y in below.items()}


_TIME = {
    **_spelled(1.0, "h", "hr", "hour", "hours"),
    **_spelled(HOURS_A_DAY, "day", "days"),
    **_spelled(1.0 / 60.0, "min", "minute", "minutes"),
    **_spelled(1.0 / 3600.0, "second", "seconds"),
    **_spelled(7 * HOURS_A_DAY, "wk", "week", "weeks"),
    **_spelled(HOURS_A_MONTH, "month", "months"),
    **_spelled(HOURS_A_YEAR, "year", "years"),
}
_PER_TIME = {name: _TIME[name] for name in ("h", "hr", "hour", "day", "min", "minute", "week")}
_A_TIME = {f"1/{name}": HOURS_A_YEAR / _TIME[name] for name in ("year", "month", "week", "day")}
_MICROGRAM = _spelled(1.0, "ug", "mcg", "microgram", "micrograms")
_MILLIGRAM = _spelled(1.0, "mg", "milligram", "milligrams")
_NANOGRAM = _spelled(1.0, "ng", "nanogram", "nanograms")
_MILLILITRE = _spelled(1.0, "mL", "ml", "millilitre", "millilitres", "milliliter", "milliliters")
_LITRE = _spelled(1.0, "L", "litre", "liter")
_CENTIMETRE = _spelled(1.0, "cm", "centimetre", "centimetres", "centimeter", "centimeters")
_METRE = _spelled(100.0, "m", "metre", "metres", "meter", "meters")
_KILOGRAM = _spelled(1.0, "kg", "kilogram", "kilograms")
_POUND = _spelled(0.45359237, "lb", "lbs", "pound", "pounds")
_DEGREE = _spelled(1.0, "deg", "degree", "degrees", "\u00b0")
_RADIAN = _spelled(math.degrees(1.0), "rad", "radian", "radians")

# How many of a route's own unit are in one unit of the other route: the thousandfold error.
_OTHER_ROUTE: Mapping[str, Mapping[str, float]] = {
    "intrathecal": {**dict.fromkeys(_MILLIGRAM, 1e3), **_spelled(1e6, "g", "gram", "grams")},
    "oral": {**dict.fromkeys(_MICROGRAM, 1e-3), **dict.fromkeys(_NANOGRAM, 1e-6)},
}
_OWN = {"intrathecal": "ug", "oral": "mg"}


@dataclass(frozen=True, slots=True)
class _Kind:
    """A quantity that may come from outside: its words, canonical unit, an example, and its closed table of units.

    `of` bounds it where a unit ten or a hundred times larger would otherwise be read.
    """

    words: str
    canonical: str
    example: str
    table: Mapping[str, float]
    route: str = ""
    signed: bool = False
    of: Bounds | None = None


_KINDS: Mapping[str, _Kind] = {
    "duration": _Kind("time", "h", "48 hour", _TIME, signed=True),
    "intrathecal_dose": _Kind("intrathecal dose", "ug", "50 ug", _MICROGRAM, route="intrathecal"),
    "oral_dose": _Kind("oral dose", "mg", "10 mg", _MILLIGRAM, route="oral"),
    "intrathecal_rate": _Kind(
        "intrathecal rate", "ug/h", "100 ug/day", _ratio(_MICROGRAM, _PER_TIME), route="intrathecal"
    ),
    "volume": _Kind("volume", "mL", "20 mL", _MILLILITRE),
    "concentration_pump": _Kind(
        "pump concentration", "ug/mL", "500 ug/mL", _ratio(_MICROGRAM, _MILLILITRE), route="intrathecal"
    ),
    "concentration_csf": _Kind(
        "concentration in spinal fluid",
        "ng/mL",
        "300 ng/mL",
        {**_ratio(_NANOGRAM, _MILLILITRE), **_ratio(_MICROGRAM, _LITRE)},
    ),
    "potential": _Kind("potential", "mV", "3 mV", {"mV": 1.0}, signed=True),
    "weight": _Kind("body weight", "kg", "71 kg", {**_KILOGRAM, **_POUND}),
    "age": _Kind(
        "age", "year", "67 year", {**_spelled(1.0, "year", "years", "yr", "y"), **_spelled(1 / 12, "month", "months")}
    ),
    "clearance": _Kind(
        "clearance",
        "mL/min",
        "80 mL/min",
        {
            **_ratio(_MILLILITRE, _spelled(1.0, "min", "minute")),
            **dict.fromkeys(_ratio(_LITRE, _spelled(1.0, "h", "hr", "hour")), 1000.0 / 60.0),
        },
    ),
    "leaving": _Kind("rate of leaving", "1/year", "0.2 1/year", _A_TIME),
    "length": _Kind("length", "cm", "42 cm", _CENTIMETRE),
    "stature": _Kind("height", "cm", "175 cm", {**_CENTIMETRE, **_METRE}, of=_bounds.STATURE),
    "shank": _Kind("length of a shank", "cm", "42 cm", {**_CENTIMETRE, **_METRE}, of=_bounds.SHANK),
    "angle": _Kind("angle", "deg", "90 deg", {**_DEGREE, **_RADIAN}, signed=True),
    "speed": _Kind(
        "angular speed",
        "deg/s",
        "130 deg/s",
        _ratio({**_DEGREE, **_RADIAN}, _spelled(1.0, "s", "second")),
        signed=True,
    ),
    # A unit of one toxin is none of another, so each is a kind of its own; the key product says which "U" are.
    **{
        toxin: _Kind(f"dose of {toxin}", short, f"100 {short}", _spelled(1.0, short, f"U {toxin}", f"U {brand}", "U"))
        for toxin, short, brand in (
            ("abobotulinumtoxinA", "aboU", "Dysport"),
            ("onabotulinumtoxinA", "onaU", "Botox"),
        )
    },
}

# The same for a number whose unit a kinetic model says: what else may be written for it, with its factor.
_PER_HOUR = {
    "1/h": 1.0,
    "/h": 1.0,
    "1/hour": 1.0,
    "/hour": 1.0,
    "1/day": 1 / HOURS_A_DAY,
    "/day": 1 / HOURS_A_DAY,
    "1/min": 60.0,
}
_CLEARANCES = {"L/h": 1.0, "L/hr": 1.0, "L/hour": 1.0, "mL/min": 0.06, "ml/min": 0.06}
_OF_MODEL: Mapping[str, Mapping[str, float]] = {
    "1": {"%": 0.01, "percent": 0.01},
    "h": _TIME,
    "1/h": _PER_HOUR,
    "L/h": _CLEARANCES,
    "L": _LITRE,
    "L/h/kg": {f"{unit}/kg": factor for unit, factor in _CLEARANCES.items()},
    "L/kg": {"L/kg": 1.0},
    "mL": _MILLILITRE,
    "mL/min": _KINDS["clearance"].table,
    "mg": _MILLIGRAM,
    "ug": _MICROGRAM,
    "mg/h": _ratio(_MILLIGRAM, _PER_TIME),
    "ug/h": _ratio(_MICROGRAM, _PER_TIME),
    "kg": _KINDS["weight"].table,
    "year": _KINDS["age"].table,
    "cm^2/h": {"cm^2/h": 1.0, "cm2/h": 1.0},
}


def kinds() -> tuple[str, ...]:
    """Return the names of every kind of quantity that `parse` reads."""
    return tuple(_KINDS)


def units_of(kind: str) -> tuple[str, ...]:
    """Return every unit in which a quantity of this kind may be written."""
    return tuple(_kind(kind).table)


def canonical_unit(kind: str) -> str:
    """Return the unit in which `parse` gives back a quantity of this kind."""
    return _kind(kind).canonical


def parse(text: object, kind: str, where: str = "", within: Bounds | None = None) -> float:
    """Read a quantity such as "50 ug" or "12 month" and return it in the canonical unit of its kind.

    Parameters
    ----------
    text
        Number and unit. ug, µg (either sign for micro) and mcg are one unit; a month is 30.4375 days.
    kind
        One of `kinds()`: duration (h), intrathecal_dose (ug), oral_dose (mg), intrathecal_rate (ug/h),
        volume (mL), concentration_pump (ug/mL), concentration_csf (ng/mL), potential (mV), weight (kg), age (year),
        clearance (mL/min), leaving (1/year), length, stature and shank (cm), angle (deg), speed (deg/s), and a dose of
        each toxin.
    where
        Key path in the file or option, put in front of an error message.
    within
        Bounds beyond which a digit or the unit has slipped.

    Raises
    ------
    UnitError
        No unit, one that is not in the table of its kind, mg where the spinal fluid wants ug (and the reverse), or a
        number beyond the bounds.
    """
    try:
        value = _parse(text, kind) if isinstance(text, str) else _refuse_bare(f"{text!s:.60}", _kind(kind))
        if within is not None and not within.hold(value):
            raise _beyond(str(text), _kind(kind), within)
        return value
    except UnitError as error:
        if not where:
            raise
        raise UnitError(f"{where}: {error}") from None


def may_be_plain(unit: str) -> bool:
    """Whether a number in this unit of a kinetic model may stand without it: amounts for the spinal fluid never do."""
    return not unit.startswith("ug")


def read(text: str, unit: str) -> float:
    """Read a number that is plain, and then in `unit` of a kinetic model, or that has a unit of its own out of a table.

    Raises
    ------
    UnitError
        No number, or a unit that the table of `unit` does not hold.
    """
    match = _NUMBER.fullmatch(text) if len(text) <= LONGEST_QUANTITY else None
    if match is None:
        way, such = ", with or without a unit", '"0.8" or "80 %"' if unit == "1" else f'"8" or "8 {unit}"'
        if not may_be_plain(unit):
            way, such = " with a unit", f'"8 {unit}"'
        raise UnitError(f'"{text:.60}" is not a number{way}. Allowed: such as {such}.')
    given, table = _normal(match[2]), _OF_MODEL[unit]
    number = float(match[1])
    if number != 0 and not FINEST <= abs(number) <= COARSEST:
        raise UnitError(f'"{text}" is no number that is measured. Allowed: a billionth to a billion. Correct it.')
    if given in ("", unit):
        return number
    if (apart := _APART.fullmatch(given)) is not None:
        plain = {"": 1.0} if may_be_plain(unit) else {}
        raise _number_apart(text, match[1], apart, "a number", {unit: 1.0, **plain, **table}, f"8 {unit}")
    if given not in table:
        plain_too = f", or a plain number in {unit}" if may_be_plain(unit) else ""
        near = f"Nearest: {_close(given, table, unit)}. Allowed: {_listed(table)}. Write one of them{plain_too}."
        by_body = _by_body(given, table, f'such as "8 {unit}"')
        raise UnitError(f'"{text}" does not convert to {unit}. {by_body or near}')
    return number * table[given]


def _kind(name: str) -> _Kind:
    if name not in _KINDS:
        raise UnitError(unknown("kind of quantity", name, _KINDS))
    return _KINDS[name]


@functools.lru_cache(maxsize=65536)
def _parse(text: str, name: str) -> float:
    kind = _kind(name)
    match = _NUMBER.fullmatch(text) if len(text) <= LONGEST_QUANTITY else None
    if match is None:
        raise UnitError(
            f'"{text:.60}" is not a number with a unit. Allowed: {kind.words} in {_listed(kind.table)}. '
            f'Write it like "{kind.example}".'
        )
    number, unit = float(match[1]), _normal(match[2])
    if not unit:
        _refuse_bare(match[1], kind)
    if (apart := _APART.fullmatch(unit)) is not None:
        raise _number_apart(text, match[1], apart, kind.words, kind.table, kind.example)
    if unit not in kind.table:
        raise _no_unit(text, number, unit, kind)
    value = number * kind.table[unit]
    if abs(value) > COARSEST:
        raise UnitError(f'"{text}" is too large for {kind.words}. Write it like "{kind.example}".')
    if value < 0 and not kind.signed:
        raise UnitError(f'"{text}" is negative, and {kind.words} cannot be. Write it like "{kind.example}".')
    if abs(value) < FINEST and match[1].lower().partition("e")[0].strip("+-0.") != "":
        raise UnitError(f'"{text}" is too small for {kind.words}. Write it like "{kind.example}".')
    if kind.of is not None and not kind.of.hold(value):
        raise _beyond(text, kind, kind.of)
    return value


def _normal(unit: str) -> str:
    """Bring the ways to write a unit to one: the two signs for micro before g to u, "per" to a slash."""
    return _MICRO.sub("u", _PER.sub("/", unit.strip(" \t\u00a0\u2009\u202f")))


def _beyond(text: str, kind: _Kind, of: Bounds) -> UnitError:
    return UnitError(
        f'"{text}" cannot be: {kind.words} beyond the bounds. Nobody has that ({of.why}), so a digit or the unit has '
        f'slipped. Allowed: {of.allowed}. Write it like "{kind.example}".'
    )


def _no_unit(text: str, number: float, unit: str, kind: _Kind) -> UnitError:
    """Word a unit that is not in the table: the other route's, or one that does not exist here."""
    mass, slash, below = unit.partition("/")
    other = _OTHER_ROUTE.get(kind.route, {}).get(mass)
    if other is not None and (not slash or f"{_OWN[kind.route]}/{below}" in kind.table):
        return _wrong_route(text, number, other, slash + below, kind)
    by_body = _by_body(unit, kind.table, f'such as "{kind.example}"')
    return UnitError(
        f'"{text}" is no {kind.words}: "{unit}" is no unit of it and does not convert to {kind.canonical}. '
        + (by_body or f"Nearest: {_close(unit, kind.table, kind.canonical)}. Allowed: {_listed(kind.table)}. ")
        + ("" if by_body else _advice(number, unit, kind))
    )


def _by_body(unit: str, table: Mapping[str, float], example: str) -> str:
    """Word what is allowed, and to do, where a unit of a table is given by the size of the body; empty where not."""
    match = _BY_BODY.fullmatch(unit)
    if match is None or match[1] not in table:
        return ""
    own, size = match.groups()
    measure, less = ("body weight in kg", "") if size == "kg" else ("body surface in m2", ", divided by 1.73")
    return (
        f"Allowed: {_listed(table)}. Nearest: {own}, which is that of the whole person. Multiply the number by the "
        f"{measure}{less if '1.73' in size else ''}, and write that, {example}."
    )


def _wrong_route(text: str, number: float, factor: float, per: str, kind: _Kind) -> UnitError:
    """Word the thousandfold error: a tablet's amount in the spinal fluid, or a pump's amount by mouth."""
    here, there = ("intrathecal", "oral") if kind.route == "intrathecal" else ("oral", "intrathecal")
    expected, meant = _OWN[kind.route] + per, number * factor
    return UnitError(
        f'"{text}" is given in the unit of the {there} route, but this is an {here} {kind.words.split()[-1]}: '
        f"oral amounts are in mg, intrathecal amounts in ug (1 mg = 1000 ug). "
        f'"{text}" is {meant:.12g} {expected}. '
        f'Write "{meant:.12g} {expected}" if that is meant, or "{number:.12g} {expected}" if the unit was a slip.'
    )


def _close(unit: str, table: Mapping[str, float], canonical: str) -> str:
    """Return the nearest units of a table; the canonical one where none looks like it."""
    return ", ".join(nearest(unit, reversed(list(table))) or [canonical])


def _advice(number: float, unit: str, kind: _Kind) -> str:
    """Say what to write: the number stays only where the unit looks like one of its own and is no unit of anything.

    A unit with another count of "per" is that of something else.
    """
    is_other = any(unit in other.table for other in _KINDS.values())
    close = [] if is_other else nearest(unit, reversed(list(kind.table)))
    if close and (_is_prefixed(unit, close[0]) or unit.count("/") != close[0].count("/")):
        close = []
    elif unit.casefold() in ("u", "unit", "units") and kind.canonical.endswith("U"):
        close = [kind.canonical]
    if (share := unit.replace("%", "1")) != unit:
        number, close = number / 100.0, [share] * (share in kind.table)
    return f'Write it as "{number:.12g} {close[0]}".' if close else f'Write it like "{kind.example}".'


def _is_prefixed(unit: str, other: str) -> bool:
    """Whether one of two units is the other with a metric prefix, as kg is of g: the number is another amount."""
    short, long = sorted((unit.casefold(), other.casefold()), key=len)
    return long[1:] == short and long[0] in "kdcmun"


def _number_apart(
    text: str, first: str, apart: re.Match[str], words: str, table: Mapping[str, float], example: str
) -> UnitError:
    """Word a number with a comma, a blank or a dash in it: no part of it may be taken for the whole."""
    between, digits, unit = apart.groups()
    meant = {f"{first}.{digits}"} if between == "," else set()
    meant |= {first + digits} if len(digits) == _OF_THOUSANDS and between != "-" and float(first) >= 1 else set()
    whole = [f'"{f"{number} {unit}".strip()}"' for number in sorted(meant)] if unit in table else []
    do = f"Write it as {' or '.join(whole)}" if whole else f'Write it like "{example}"'
    which = ", whichever is meant." if len(whole) > 1 else "."
    return UnitError(
        f'"{text}" is not one number with a unit: a number here has no comma and no blank. '
        f"Allowed: {words} in {_listed(table)}. {do}{which}"
    )


def _listed(table: Mapping[str, float]) -> str:
    """Return the first name of each unit of a table."""
    first: dict[float, str] = {}
    for name, factor in table.items():
        first.setdefault(factor, name)
    return ", ".join(first.values())


def _refuse_bare(number: str, kind: _Kind) -> float:
    plain = _NUMBER.fullmatch(number)
    meant = kind.example if plain is None else f"{float(plain[1]):.12g} {kind.example.partition(' ')[2]}"
    raise UnitError(
        f"{number} has no unit. Allowed: {kind.words} in {_listed(kind.table)}. "
        f'Write it as "{meant}", with the quotation marks.'
    )
