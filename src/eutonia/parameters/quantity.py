"""What stands in place of a record's number: text with a unit out of a closed table, exact, in the record's own unit.

A unit is written as the record writes it, each word of it as it is or as another of its kind. The tables are made so
that a slip of one letter is a hundredfold at least, which an override may not be; mg and ug never stand for each other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction

from eutonia import _units
from eutonia._bounds import COARSEST
from eutonia.errors import UnitError, nearest

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_PIECE = re.compile(r"(1?[ */]*)([A-Za-z]+)(?:(?:\^|\*\*)([0-9]))?")
_LONGEST = 2000
_PLAIN = ("", "1")

_OF_TIME: Mapping[str, Fraction] = {
    "ms": Fraction(1, 1000),
    **dict.fromkeys(("s", "second", "seconds"), Fraction(1)),
    **dict.fromkeys(("min", "minute", "minutes"), Fraction(60)),
    **dict.fromkeys(("h", "hr", "hour", "hours"), Fraction(3600)),
    **dict.fromkeys(("day", "days"), Fraction(86_400)),
    **dict.fromkeys(("week", "weeks"), Fraction(7 * 86_400)),
    **dict.fromkeys(("month", "months"), Fraction(365_25 * 864, 12)),
    **dict.fromkeys(("year", "years"), Fraction(365_25 * 864)),
}
_KILOGRAM = {"kg": Fraction(1000), "g": Fraction(1)}
_GRAM = {**_KILOGRAM, "mg": Fraction(1, 1000)}
_BY_MOUTH = {**dict.fromkeys(("mg", "milligram", "milligrams"), Fraction(1)), "g": Fraction(1000)}
_NANOGRAM = dict.fromkeys(("ng", "nanogram", "nanograms"), Fraction(1, 1000))
_IN_FLUID = {**dict.fromkeys(("ug", "mcg", "microgram", "micrograms"), Fraction(1)), **_NANOGRAM}
_VOLUME = {"L": Fraction(1000), "mL": Fraction(1), "ml": Fraction(1), "uL": Fraction(1, 1000)}
_METRE = {"m": Fraction(1), "metre": Fraction(1)}
_MILLIMETRE = {"mm": Fraction(1, 1000), "um": Fraction(1, 10**6)}
_ANGLE = {"deg": Fraction(1), "degree": Fraction(1), "rad": Fraction(math.degrees(1.0))}


def _prefixed(unit: str) -> dict[str, Fraction]:
    return {unit: Fraction(1), f"m{unit}": Fraction(1, 1000), f"u{unit}": Fraction(1, 10**6)}


#: What may be written for each word that stands in the unit of a record.
WORDS: Mapping[str, Mapping[str, Fraction]] = {
    **dict.fromkeys(("ms", "s", "min", "h", "day", "week", "month", "year"), _OF_TIME),
    "kg": _KILOGRAM,
    "g": _GRAM,
    "mg": _BY_MOUTH,
    "ug": _IN_FLUID,
    "ng": _IN_FLUID,
    **dict.fromkeys(("L", "mL", "uL"), _VOLUME),
    "m": {**_METRE, "cm": Fraction(1, 100)},
    "cm": {**_METRE, "cm": Fraction(1, 100)},
    "mm": {**_METRE, **_MILLIMETRE},
    "um": _MILLIMETRE,
    **dict.fromkeys(("deg", "rad"), _ANGLE),
    "mV": _prefixed("V"),
    "mA": _prefixed("A"),
    "N": {"N": Fraction(1), "kN": Fraction(1000), "mN": Fraction(1, 1000)},
}
_OTHER_ROUTE = {"ug": "mg", "ng": "mg", "mg": "ug"}


def read(text: str, unit: str) -> tuple[float, ...]:
    """Read "180 ng/mL", or "50, 75, 100 ug" of a vector, and return its numbers in `unit`, that of a record.

    Raises
    ------
    UnitError
        No number, no unit, or one that measures something else or stands for the other route's dose.
    """
    parts = [part.strip() for part in text.split(",")] if len(text) <= _LONGEST else []
    last = _NUMBER.match(parts[-1]) if parts else None
    if last is None or not all(_NUMBER.fullmatch(part) for part in parts[:-1]):
        raise UnitError(
            f'"{text:.60}" is no number with a unit. Allowed: such as "{example(unit)}", and of a vector its numbers '
            "with commas before the unit. Write it so."
        )
    factor = _factor(parts[-1][last.end() :].strip(), unit, text)
    exact = [Fraction(number) * factor for number in (*parts[:-1], last[0])]
    if any(abs(number) > COARSEST for number in exact):
        raise UnitError(f'"{text:.60}" is no number that is measured. Allowed: to a billion. Correct it.')
    return tuple(map(float, exact))


def example(unit: str, number: float = 1.0) -> str:
    """Return a quantity in the unit of a record, as it may be written."""
    return f"{number:.12g}" if unit in _PLAIN else f"{number:.12g} {unit}"


def shown(numbers: Sequence[float], unit: str) -> str:
    """Return the numbers of a record as they may be written: all their digits, a vector with commas."""
    text = ", ".join(repr(float(number)).removesuffix(".0") for number in numbers)
    return text if unit in _PLAIN else f"{text} {unit}"


def _factor(given: str, unit: str, text: str) -> Fraction:
    """Return how many of `unit` are in one of the unit given."""
    if unit in _PLAIN:
        if given in _PLAIN:
            return Fraction(1)
        if given in ("%", "percent"):
            return Fraction(1, 100)
        raise _no_unit(given, unit, text, "a plain number, or %")
    if not given:
        raise UnitError(f'"{text:.60}" has no unit. Allowed: in {unit}. Write it as "{text.strip():.40} {unit}".')
    wanted, found = _pieces(unit), _pieces(given)
    if [piece[1:] for piece in wanted] != [piece[1:] for piece in found]:
        raise _no_unit(given, unit, text, f"a unit written as {unit} is, each word as it is or as another of its kind")
    factor = Fraction(1)
    for (own, power), (word, _) in zip(wanted, found, strict=True):
        table = WORDS.get(own, {own: Fraction(1)})
        if word not in table:
            if word in WORDS.get(_OTHER_ROUTE.get(own, ""), ()):
                raise _other_route(word, own, unit, text)
            raise _no_unit(given, unit, text, f"for {own}: {', '.join(table)}", nearest(word, table))
        factor *= (table[word] / table[own]) ** power
    return factor


def _pieces(unit: str) -> list[tuple[str, int]]:
    """Return the words of a unit with their powers, negative below a slash; none if it is not so written."""
    spelled = _units.spelled(unit)
    found = list(_PIECE.finditer(spelled))
    if "".join(piece[0] for piece in found) != spelled:
        return []
    words = (piece.groups() for piece in found)
    return [(word, int(power or 1) * (-1 if "/" in lead else 1)) for lead, word, power in words]


def _no_unit(given: str, unit: str, text: str, allowed: str, close: list[str] | None = None) -> UnitError:
    return UnitError(
        f'"{text:.60}" is given in "{given:.30}", and the record is in "{unit}": these measure different things, or '
        f"the unit is not in the table. Allowed: {allowed}. Nearest: {', '.join(close or [unit])}. Write the number "
        f"in {unit}."
    )


def _other_route(word: str, own: str, unit: str, text: str) -> UnitError:
    return UnitError(
        f'"{text:.60}" is given in {word}, and the record is in {unit}: oral amounts are in mg, amounts in the spinal '
        f"fluid in ug, never one for the other (1 mg = 1000 ug). Allowed: {', '.join(WORDS[own])}. Nearest: {own}. "
        f"Write the number in {unit}."
    )
