"""Parameter sets: read once, checked whole, frozen; and a record of which numbers a run has rested on."""

from __future__ import annotations

import contextlib
import functools
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib import resources
from types import MappingProxyType
from typing import ParamSpec, TypeVar

from eutonia import session
from eutonia.errors import ParameterError, unknown
from eutonia.parameters import arithmetic, citations
from eutonia.parameters.record import ASSUMPTION, STATUSES, Parameter, Spread, read_record

_HEADER = "set"
_HEADER_FIELDS = ("name", "title", "released", "note")
_NOT_A_SET = frozenset({"products"})
_DERIVED_TOLERANCE = 0.01

Given = ParamSpec("Given")
Made = TypeVar("Made")


@dataclass
class Used:
    """The records that were read while a recording was open; a record counts once however often it is read."""

    _records: dict[tuple[str, str], Parameter] = field(default_factory=dict)

    def add(self, record: Parameter) -> None:
        """Note the use of a record."""
        self._records.setdefault((record.set, record.name), record)

    def records(self) -> tuple[Parameter, ...]:
        """Return the records used, by set and name."""
        return tuple(self._records[key] for key in sorted(self._records))

    def sources(self) -> tuple[str, ...]:
        """Return the keys of the sources used, without "assumption", sorted."""
        return tuple(sorted({record.source for record in self._records.values()} - {ASSUMPTION}))

    def counts_by_status(self) -> dict[str, int]:
        """Return how many records of each status were used, in the order from verified to assumed."""
        counts = Counter(record.status for record in self._records.values())
        return {status: counts[status] for status in STATUSES if counts[status]}


_recorders: ContextVar[tuple[Used, ...]] = ContextVar("eutonia_recorders", default=())


@contextlib.contextmanager
def recording() -> Iterator[Used]:
    """Open a recording: every record read inside, also through inner recordings, is noted."""
    used = Used()
    token = _recorders.set((*_recorders.get(), used))
    try:
        yield used
    finally:
        _recorders.reset(token)


@contextlib.contextmanager
def unrecorded() -> Iterator[None]:
    """Note nothing that is read inside: what only bounds an input is not what a result rests on."""
    token = _recorders.set(())
    try:
        yield
    finally:
        _recorders.reset(token)


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """A released set of records. It never changes: a correction is a new set with a new name."""

    name: str
    title: str
    released: str
    note: str
    _records: Mapping[str, Parameter]

    def __getitem__(self, name: str) -> Parameter:
        """Return a record by name and note its use."""
        record = self._records.get(name)
        if record is None:
            raise ParameterError(
                unknown(f"parameter of {self.name}", name, self._records, f"See: eutonia parameters {self.name}")
            )
        for used in _recorders.get():
            used.add(record)
        return record

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the records."""
        return iter(self._records)

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._records)

    def __contains__(self, name: object) -> bool:
        """Say whether the set has a record of this name."""
        return name in self._records

    def value(self, name: str, unit: str) -> float:
        """Return the number of a record in `unit`; a unit of another kind is refused."""
        return self[name].to(unit).value

    def values(self, **units: str) -> tuple[float, ...]:
        """Return the numbers of several records, each in the unit given for it, in the order asked."""
        return tuple(self.named(units).values())

    def named(self, units: Mapping[str, str]) -> dict[str, float]:
        """Return the numbers of several records by name, each in the unit given for it."""
        return {name: self.value(name, unit) for name, unit in units.items()}

    def array(self, name: str, unit: str) -> tuple[float, ...]:
        """Return the numbers of a vector record in `unit`."""
        return self[name].to(unit).array()

    def spread(self, name: str, unit: str) -> Spread:
        """Return how far a record varies, its numbers in `unit` (logarithms and coefficients have none)."""
        return self[name].to(unit).spread

    def records(self) -> tuple[Parameter, ...]:
        """Return all records, in the order of the file, without noting a use (for tables of documentation)."""
        return tuple(self._records.values())


def sets() -> tuple[str, ...]:
    """Return the names of all sets that ship, sorted."""
    folder = resources.files("eutonia.parameters").joinpath("data")
    names = (item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml"))
    return tuple(sorted(set(names) - _NOT_A_SET))


def remembered(make: Callable[Given, Made]) -> Callable[Given, Made]:
    """Keep what a function makes of records; whoever asks again, rests on the same records, and they are noted."""
    kept: dict[object, tuple[Made, tuple[Parameter, ...]]] = {}

    @functools.wraps(make)
    def again(*given: Given.args, **named: Given.kwargs) -> Made:
        key = (given, tuple(sorted(named.items())))
        if key not in kept:
            with recording() as used:
                made = make(*given, **named)
            kept[key] = made, used.records()
        made, records = kept[key]
        for used in _recorders.get():
            for record in records:
                used.add(record)
        return made

    return again


def load(name: str) -> ParameterSet:
    """Return a set by name, read and checked once. Where JAX is there, the session begins: see `session`.

    Raises
    ------
    ParameterError
        No such set, or a record in it that is incomplete, has no source or does not re-compute.
    UnitError
        A unit in it that cannot be read.
    """
    session.begin_if_computing()
    return _load(name)


@functools.cache
def _load(name: str) -> ParameterSet:
    if name not in sets():
        raise ParameterError(unknown("parameter set", name, sets(), "See: eutonia parameters"))
    text = resources.files("eutonia.parameters").joinpath("data", f"{name}.toml").read_text(encoding="utf-8")
    return read(text, name, citations.entries())


def read(text: str, name: str, sources: Collection[str]) -> ParameterSet:
    """Read the TOML of a set called `name`, whose sources must be among `sources`."""
    tables = parse_toml(text, name)
    header = read_header(tables.pop(_HEADER, None), name)
    records = {key: read_record(table, key, name) for key, table in tables.items()}
    if not records:
        raise ParameterError(f"{name}.toml holds no record. Allowed: one table for each number. Add a record.")
    scalars = {key: record.value for key, record in records.items() if not record.is_vector}
    for record in records.values():
        _check_source(record, sources)
        _check_derived(record, scalars)
    return ParameterSet(_records=MappingProxyType(records), **header)


def parse_toml(text: str, name: str) -> dict[str, object]:
    """Return the tables of a TOML text; say where it breaks when it does."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ParameterError(
            f"{name}.toml cannot be read: {error}. Allowed: TOML, in which each name stands once. Mend that line."
        ) from None


def read_header(table: object, name: str) -> dict[str, str]:
    """Check the [set] table: name, title, released and note, all text."""
    if not isinstance(table, dict):
        raise ParameterError(f"{name}.toml has no [{_HEADER}] table. Start it with {', '.join(_HEADER_FIELDS)}.")
    for key in table:
        if key not in _HEADER_FIELDS:
            raise ParameterError(f"[{_HEADER}] of {name}.toml: {unknown('field', key, _HEADER_FIELDS)}")
    missing = [key for key in _HEADER_FIELDS if not isinstance(table.get(key), str)]
    if missing:
        raise ParameterError(
            f"[{_HEADER}] of {name}.toml lacks {', '.join(missing)}. Allowed: {', '.join(_HEADER_FIELDS)}, all text. "
            "Add them."
        )
    if table["name"] != name:
        raise ParameterError(
            f'{name}.toml calls itself "{table["name"]}". The name is that of the file: make them one.'
        )
    return {key: table[key] for key in _HEADER_FIELDS}


def _check_source(record: Parameter, sources: Collection[str]) -> None:
    if record.source != ASSUMPTION and record.source not in sources:
        raise ParameterError(f"{record.name} in {record.set}.toml: {citations.unknown_key(record.source, sources)}")


def _check_derived(record: Parameter, scalars: Mapping[str, float]) -> None:
    if not record.derived:
        return
    where = f"{record.name} in {record.set}.toml"
    try:
        found = arithmetic.evaluate(record.derived, scalars)
    except ParameterError as error:
        raise ParameterError(f"{where}: derived: {error}") from None
    if abs(found - record.value) > _DERIVED_TOLERANCE * abs(record.value) + 1e-12:
        raise ParameterError(
            f'{where}: derived "{record.derived}" gives {found:.6g}, but value is {record.value:.6g}. '
            f"Allowed: within {_DERIVED_TOLERANCE:.0%}. Correct the value or the arithmetic."
        )
