"""Overrides: another number in the place of a record's, checked like the record, with what follows from it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from eutonia.errors import ParameterError, UnitError, nearest, unknown
from eutonia.parameters import arithmetic, quantity
from eutonia.parameters.record import ASSUMPTION, OVERRIDDEN, SPREAD_NUMBERS, Parameter

Records = Mapping[str, Parameter]

#: A number that is more than this many times another has a slip of digit or unit in it: mg for ug is a thousandfold.
MOST_FOLD = 50.0
# Two numbers that differ by rounding of a conversion are one number.
_SAME = 1e-14
# What nobody published has no source, no place and no method of anybody's.
_ANEW: Mapping[str, Any] = {
    "status": OVERRIDDEN,
    "source": ASSUMPTION,
    "where": "an override",
    "method": "specified",
    "distance": (),
    "correlation": (),
}
# What a label calls a share, or a name a reaction of people, cannot be more than the whole.
_SHARE = re.compile(r"\b[Ss]hares?\b|\b[Cc]orrelation\b|\b[Cc]ompleteness\b|\b[Bb]ioavailability\b")
_REACTION = re.compile(r"_(intrathecal|oral)(_|$)|_placebo$")
_WRITE = 'Write SET.NAME, such as "receptor.ec50". See: eutonia parameters'


@dataclass(frozen=True, slots=True)
class RecordOverride:
    """A number in the place of a record's: its `key`, what it `was` and `now` is, as text with unit.

    `given` is what somebody wrote, and empty where the number follows from another override by a record's arithmetic.
    """

    key: str
    given: str
    was: str
    now: str
    label: str
    before: Parameter
    after: Parameter


def texts(given: Mapping[str, object]) -> dict[str, str]:
    """Return overrides as text; a plain number is one without a unit."""
    found = {}
    for key, value in given.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise UnitError(
                f"{key!s:.60} is {value!r:.60}. Allowed: text with number and unit, or the plain number of a record "
                'without one. Nearest: such as "180 ng/mL". Write it in quotation marks.'
            )
        found[str(key)] = value if isinstance(value, str) else repr(value)
    return found


def apply(
    given: Mapping[str, str], sets: Collection[str], shipped: Callable[[str], Records]
) -> tuple[Mapping[str, Records], tuple[RecordOverride, ...]]:
    """Return the records that overrides change, by set and name, and every override with what follows from it.

    Parameters
    ----------
    given
        "SET.NAME" -> quantity with unit; SET.NAME.LABEL for one number of a vector with a named axis, SET.NAME.cv (sd,
        low, high) for how far a record varies.
    sets
        Names of all sets.
    shipped
        What returns the records of a set as they ship.

    Raises
    ------
    ParameterError
        No such set or record, one that is derived from others, or a number that cannot stand there.
    UnitError
        No unit, or one that measures something else.
    """
    changed: dict[str, dict[str, Parameter]] = {}
    told = []
    # Parts of a record come after the whole of it, in whatever order they were given.
    for key, text in sorted(given.items(), key=lambda item: item[0].count(".")):
        where, name, part = _place(key, sets, shipped)
        before = shipped(where)[name]
        mine = changed.setdefault(where, {})
        record = _set(mine.get(name, before), before, part, text, key)
        mine[name] = record
        was, now = _said(before, part), _said(record, part)
        told.append(RecordOverride(key, text, was, now, before.label, before, record))
    for where, records in changed.items():
        told += _follow(where, records, shipped(where))
        for name, record in records.items():
            _check_range(record, f"{where}.{name}")
    return changed, tuple(told)


def _place(key: str, sets: Collection[str], shipped: Callable[[str], Records]) -> tuple[str, str, str]:
    """Return set, record and part that a key names."""
    where, dot, rest = key.partition(".")
    if not dot or not rest:
        homes = [f"{one}.{where}" for one in sets if where in shipped(one)]
        hint = f" Nearest: {', '.join(homes)}." if homes else ""
        raise ParameterError(f'"{where:.60}" names no record of a set.{hint} Allowed: SET.NAME. {_WRITE}')
    if where not in sets:
        raise ParameterError(unknown("parameter set", where, sets, _WRITE))
    name, _, part = rest.partition(".")
    records = shipped(where)
    if name not in records:
        close = nearest(name, records)
        hint = f" Nearest: {', '.join(f'{where}.{one}' for one in close)}." if close else ""
        raise ParameterError(
            f'there is no parameter "{name}" of {where}.{hint} Allowed: its {len(records)} records. See: eutonia '
            f"parameters {where}"
        )
    record = records[name]
    if sources := arithmetic.names(record.derived):
        inputs = ", ".join(f"{where}.{one}" for one in sources)
        raise ParameterError(
            f'"{where}.{name}" is derived from other records: {record.derived}. Allowed: overrides of what it is made '
            f"of. Nearest: {inputs}. Set those; it then follows."
        )
    return where, name, part


def _set(record: Parameter, before: Parameter, part: str, text: str, key: str) -> Parameter:
    """Return a record with what was written in the place of its number, of one of a vector, or of its spread."""
    if part in SPREAD_NUMBERS:
        return _spread_set(record, before, part, text, key)
    labels = record.axis
    if part and part not in labels:
        has = [one for one in SPREAD_NUMBERS if getattr(record.spread, one) is not None]
        raise ParameterError(
            f"{key}: {unknown('part of this record', part, [*labels, *has], 'Leave it out for the whole record.')}"
        )
    found = _read(text, record.unit, key)
    wanted = 1 if part else len(record.numbers)
    if len(found) != wanted:
        of = f" ({', '.join(labels)})" if labels and not part else ""
        raise ParameterError(
            f'{key} = "{text:.60}" holds {len(found)} numbers. Allowed: {wanted}{of}. Nearest: "{_numbers(before)}". '
            "Write as many."
        )
    if part:
        at = labels.index(part)
        found = (*record.numbers[:at], found[0], *record.numbers[at + 1 :])
    size = max(map(abs, before.numbers))
    numbers = tuple(_sane(new, old, size, before, text, key) for new, old in zip(found, before.numbers, strict=True))
    return _noted(replace(record, numbers=numbers), before)


def _spread_set(record: Parameter, before: Parameter, part: str, text: str, key: str) -> Parameter:
    spread = record.spread
    old = getattr(before.spread, part)
    if old is None:
        has = [one for one in SPREAD_NUMBERS if getattr(spread, one) is not None]
        raise ParameterError(
            f'{key}: the record has no "{part}". Allowed: {", ".join(has) or "no spread is on record"}. Nearest: '
            f"{', '.join(has) or 'its number'}. Set that."
        )
    plain = part == "cv" or (part == "sd" and spread.kind == "lognormal")
    found = _read(text, "1" if plain else record.unit, key)
    if len(found) != 1 or (part in ("sd", "cv") and found[0] < 0.0):
        raise ParameterError(f'{key} = "{text:.60}". Allowed: one number, 0 or more. Nearest: "{old:g}". Correct it.')
    new = old if math.isclose(found[0], old, rel_tol=_SAME) else found[0]
    return _noted(replace(record, spread=spread.with_number(part, new)), before)


def _read(text: str, unit: str, key: str) -> tuple[float, ...]:
    try:
        return quantity.read(text, unit)
    except UnitError as trouble:
        raise UnitError(f"{key}: {trouble}") from None


def _sane(new: float, old: float, size: float, record: Parameter, text: str, key: str) -> float:
    """Return a number that may stand where `old` stood; `size` is the largest of a vector."""
    if math.isclose(new, old, rel_tol=_SAME):
        return old
    unit, low = record.unit, _lowest(record, old)
    if new < low or (new == low == 0.0 and unit != "1"):
        allowed = "0 or more" if unit == "1" else "above 0"
        raise ParameterError(
            f'{key} = "{text:.60}": {record.label} cannot be {new:g}. Allowed: {allowed}. Nearest: '
            f'"{quantity.example(unit, old)}", the record\'s. Correct the sign or the number.'
        )
    if new > 1.0 and _is_share(before=record):
        raise ParameterError(
            f'{key} = "{text:.60}": {record.label} cannot be {new:g}, which is more than the whole. Allowed: 0 to 1. '
            f'Nearest: "1". Write a share; {new:g} % is "{new / 100.0:g}".'
        )
    most = MOST_FOLD * size
    if size and (abs(new) > most or (new and not record.is_vector and abs(new) < size / MOST_FOLD)):
        raise ParameterError(
            f'{key} = "{text:.60}" is {new:.6g} {unit}, {abs(new) / size:.3g} times the {size:.6g} {unit} of the '
            f"record: a digit or the unit has slipped. Allowed: a fiftieth to fifty times of it. Nearest: "
            f'"{quantity.example(unit, old)}". Correct it.'
        )
    return new


def _is_share(before: Parameter) -> bool:
    """Return whether a record is a part of a whole: without a unit, up to 1, and called so by its label or name."""
    is_named = _SHARE.search(before.label) or _REACTION.search(before.name)
    return before.unit == "1" and min(before.numbers) >= 0.0 and max(before.numbers) <= 1.0 and bool(is_named)


def _lowest(record: Parameter, old: float) -> float:
    """Return what a number may not be below: what is measured above 0 has no negative kind."""
    return 0.0 if old > 0.0 and min(record.numbers) >= 0.0 else -math.inf


def _noted(record: Parameter, before: Parameter) -> Parameter:
    """Return a changed record with its new standing: nobody's paper says this number."""
    if (record.numbers, record.spread) == (before.numbers, before.spread):
        return before
    note = f"Override of {_numbers(before)} ({before.status}, {before.source})."
    return replace(record, **_ANEW, derived="", note=note)


def _check_range(record: Parameter, key: str) -> None:
    spread = record.spread
    low, high = spread.low, spread.high
    if spread.kind != "range" or record.status != OVERRIDDEN or low is None or high is None:
        return
    if not low <= record.value <= high:
        raise ParameterError(
            f"{key} is {_numbers(record)}, outside of what is on record for it. Allowed: {low:g} to {high:g} "
            f"{record.unit}. Nearest: {low if record.value < low else high:g} {record.unit}. Write that, or set "
            f"{key}.low and {key}.high, too."
        )


def _follow(where: str, changed: dict[str, Parameter], shipped: Records) -> list[RecordOverride]:
    """Compute anew the records that are derived from changed ones, and put them among those."""
    told = []
    before = {name: one.value for name, one in shipped.items() if not one.is_vector}
    waiting = {name: one for name, one in shipped.items() if arithmetic.names(one.derived)}
    while ready := [n for n, one in waiting.items() if not arithmetic.names(one.derived).isdisjoint(changed)]:
        name = next((n for n in ready if arithmetic.names(waiting[n].derived).isdisjoint(waiting)), ready[0])
        record = waiting.pop(name)
        now = before | {n: one.value for n, one in changed.items() if not one.is_vector}
        old, new = (arithmetic.evaluate(record.derived, numbers) for numbers in (before, now))
        # The record is rounded: what it follows by is the ratio, so that an equal number moves nothing.
        value = record.value * (new / old) if old else new
        if value == record.value:
            changed[name] = record
            continue
        note = f"Follows from an override: {record.derived}; {_numbers(record)} on record."
        after = replace(record, numbers=(value,), **_ANEW, note=note)
        changed[name] = after
        now_is = quantity.example(record.unit, float(f"{value:.6g}"))
        told.append(RecordOverride(f"{where}.{name}", "", _numbers(record), now_is, record.label, record, after))
    return told


def _said(record: Parameter, part: str) -> str:
    """Return what an override is about, as text: the number of a record, of a label, or of its spread."""
    if part in SPREAD_NUMBERS:
        plain = part == "cv" or record.spread.kind == "lognormal"
        return quantity.example("1" if plain else record.unit, getattr(record.spread, part))
    if part:
        return quantity.example(record.unit, record.numbers[record.axis.index(part)])
    return _numbers(record)


def _numbers(record: Parameter) -> str:
    return quantity.shown(record.numbers, record.unit)
