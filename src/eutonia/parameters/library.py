"""Parameter sets: read once, checked whole, frozen; and a record of which numbers a run has rested on."""

from __future__ import annotations

import contextlib
import functools
import threading
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

from eutonia import session
from eutonia._arguments import accepts, instance
from eutonia.errors import EutoniaError, ParameterError, unknown
from eutonia.parameters import arithmetic, citations, folders
from eutonia.parameters import overrides as overriding
from eutonia.parameters.overrides import RecordOverride
from eutonia.parameters.record import ASSUMPTION, Parameter, Spread
from eutonia.parameters.used import note, recording

_DERIVED_TOLERANCE = 0.01

Given = ParamSpec("Given")
Made = TypeVar("Made")


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
        note((record,))
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

    def along(self, name: str, unit: str, labels: Iterable[str]) -> tuple[float, ...]:
        """Return the numbers of a vector in `unit` by the names of its axis, in the order asked."""
        return self[name].to(unit).along(labels)

    def ends(self, name: str, unit: str) -> tuple[float, float]:
        """Return the low and the high end of what a vector record spans, in `unit`."""
        low, high = self.along(name, unit, ("low", "high"))
        return low, high

    def spread(self, name: str, unit: str) -> Spread:
        """Return how far a record varies, its numbers in `unit` (logarithms and coefficients have none)."""
        return self[name].to(unit).spread

    def records(self) -> tuple[Parameter, ...]:
        """Return all records, in the order of the file, without noting a use (for tables of documentation)."""
        return tuple(self._records.values())


@accepts(folder=instance("a folder of parameter sets", 'Path(__file__).parent / "records"', Traversable))
def register(folder: Traversable) -> Traversable:
    """Add a folder of parameter sets, TOML files as in `parameters/data`, and of `sources.bib` with their papers.

    Parameters
    ----------
    folder : path
        Such as `Path(__file__).parent / "records"`.

    Raises
    ------
    ArgumentError, ParameterError, UnitError
        No folder, or a set whose name is taken or that could not be one of ours; then nothing is added.
    """
    folders.FOLDERS.register(folder)
    try:
        for name in folders.sets_in(folder):
            _load(name)
    except EutoniaError:
        folders.FOLDERS.remove(str(folder))
        raise
    return folder


@dataclass(frozen=True, eq=False)
class Constants:
    """The numbers that a run reads: the records that ship, overrides in the place of some, and what is made of them.

    `given` is what was written, "SET.NAME" -> quantity; `overrides` what it changes, and what follows from it.
    `changes` says how often something of others had come or gone.
    """

    changes: int
    given: Mapping[str, str]
    overrides: tuple[RecordOverride, ...]
    _records: Mapping[str, Mapping[str, Parameter]]
    _made: dict[object, tuple[Any, tuple[Parameter, ...]]] = field(default_factory=dict)
    _changed: dict[str, ParameterSet] = field(default_factory=dict)

    def load(self, name: str) -> ParameterSet:
        """Return a set by name."""
        changed = self._records.get(name)
        if not changed:
            return _load(name)
        if name not in self._changed:
            shipped = _load(name)
            self._changed[name] = replace(shipped, _records=MappingProxyType({**shipped._records, **changed}))
        return self._changed[name]

    def made(self, key: object, make: Callable[[], Made]) -> Made:
        """Return what `make` makes of records, made once; whoever asks rests on the same records."""
        if key not in self._made:
            with recording() as used, session.concretely():
                found = make()
            self._made[key] = found, used.records()
        found, records = self._made[key]
        note(records)
        return found


_active: ContextVar[Constants | None] = ContextVar("eutonia_constants", default=None)
_lock = threading.Lock()
_open = 0


def active() -> Constants:
    """Return the numbers that hold here: those that ship, or with the overrides of `using` around this call.

    Raises
    ------
    ParameterError
        This thread was begun without the overrides that hold where it was begun.
    """
    found = _active.get()
    if found is None and _open:
        raise ParameterError(
            "numbers are read in a thread that knows nothing of the overrides that hold in another. Allowed: `with "
            "eutonia.using(...)` inside the function that the thread runs, with the same overrides or with {}. "
            "Nearest: contextvars.copy_context().run, which takes them along. Write one of them."
        )
    return _now({} if found is None else found.given)


@accepts(overrides=instance("a mapping of records to numbers", '{"receptor.ec50": "180 ng/mL"}', Mapping))
@contextlib.contextmanager
def using(overrides: Mapping[str, object]) -> Iterator[Constants]:
    """Put other numbers in the place of records, for everything that is called inside.

    with eutonia.using({"receptor.ec50": "180 ng/mL"}):
        eutonia.run(study)

    Parameters
    ----------
    overrides
        "SET.NAME" -> number with unit, as `eutonia parameters` lists them; "SET.NAME.LABEL" for one number of a vector
        whose axis has names, "SET.NAME.cv" (sd, low, high) for how far a record varies. An inner `using` stands above
        an outer one, and both above the [parameters] of a study.

    Raises
    ------
    ParameterError, UnitError
        No such record, one that is derived from others, or a number or unit that cannot stand there.
    """
    global _open
    around = _active.get() or _now({})  # a thread that says for itself what holds needs nobody's
    known = _with({**around.given, **overrides}, around)
    with _lock:
        _open += bool(known.given)
    try:
        with _holding(known):
            yield known
    finally:
        with _lock:
            _open -= bool(known.given)


@contextlib.contextmanager
def beneath(overrides: Mapping[str, object]) -> Iterator[Constants]:
    """Put the numbers of a study in the place of records; what `using` says around it stands above them."""
    around = active()
    with _holding(_with({**overrides, **around.given}, around)) as known:
        yield known


def given_beside(own: Mapping[str, str]) -> list[str]:
    """Return the overrides that hold here and are not a study's own, as --set takes them."""
    return [f"{key}={text}" for key, text in active().given.items() if own.get(key) != text]


@contextlib.contextmanager
def _holding(known: Constants) -> Iterator[Constants]:
    token = _active.set(known)
    try:
        yield known
    finally:
        _active.reset(token)


def _with(given: Mapping[str, object], around: Constants) -> Constants:
    """Return the numbers under overrides; the same overrides give the same object, so that nothing is made twice."""
    texts = overriding.texts(given)
    return around if texts == dict(around.given) else _now(texts)


def _now(given: Mapping[str, str]) -> Constants:
    return _as_of(folders.now(), tuple(given.items()))


@functools.lru_cache(maxsize=16)
def _as_of(changes: int, given: tuple[tuple[str, str], ...]) -> Constants:
    if not given:
        return Constants(changes, MappingProxyType({}), (), MappingProxyType({}))
    records, told = overriding.apply(dict(given), folders.sets(), lambda name: _load(name)._records)
    return Constants(changes, MappingProxyType(dict(given)), told, records)


def remembered(make: Callable[Given, Made]) -> Callable[Given, Made]:
    """Keep what a function makes of records; whoever asks again, rests on the same records, and they are noted."""

    @functools.wraps(make)
    def again(*given: Given.args, **named: Given.kwargs) -> Made:
        return active().made((make, given, tuple(sorted(named.items()))), lambda: make(*given, **named))

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
    return active().load(name)


def _load(name: str) -> ParameterSet:
    found = folders.files()
    if name not in found:
        do = "See: eutonia parameters. One more: eutonia.parameters.register"
        raise ParameterError(unknown("parameter set", name, found, do))
    return _loaded(name, folders.now())


@functools.lru_cache(maxsize=1024)
def _loaded(name: str, _: int) -> ParameterSet:
    return read(folders.text_of(folders.files()[name]), name, citations.entries())


def read(text: str, name: str, sources: Collection[str]) -> ParameterSet:
    """Read the TOML of a set called `name`, whose sources must be among `sources`."""
    from eutonia.parameters import shape

    tables, header = parse_file(text, name)
    records = {key: shape.record(table, key, name) for key, table in shape.apart(tables, name).items()}
    if not records:
        raise ParameterError(f"{name}.toml holds no record. Allowed: one table for each number. Add a record.")
    scalars = {key: record.value for key, record in records.items() if not record.is_vector}
    for record in records.values():
        check_source(record.source, sources, f"{record.name} in {name}.toml")
        _check_derived(record, scalars)
        _check_correlation(record, records)
    return ParameterSet(_records=MappingProxyType(records), **header)


def parse_toml(text: str, name: str) -> dict[str, object]:
    """Return the tables of a TOML text; say where it breaks when it does."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ParameterError(
            f"{name}.toml cannot be read: {error}. Allowed: TOML, in which each name stands once. Mend that line."
        ) from None


def parse_file(text: str, name: str) -> tuple[dict[str, object], dict[str, str]]:
    """Return the tables of a set and, apart from them, its [set]."""
    from eutonia.parameters import shape

    tables = parse_toml(text, name)
    header = dict(shape.read(shape.HeaderTable, tables.pop("set", None), f"[set] of {name}.toml"))
    if header["name"] != name:
        raise ParameterError(
            f'{name}.toml calls itself "{header["name"]}". The name is that of the file: make them one.'
        )
    return tables, header


def check_source(key: str, sources: Collection[str], where: str) -> None:
    """Refuse a source that is not among `sources`; an assumption has none."""
    if key != ASSUMPTION and key not in sources:
        raise ParameterError(f"{where}: {citations.unknown_key(key, sources)}")


def _script(record: Parameter) -> str:
    return record.where.partition(":")[0].partition(",")[0]


def _check_correlation(record: Parameter, records: Mapping[str, Parameter]) -> None:
    for name, _ in record.correlation:
        others = [one.name for one in records.values() if _script(one) == _script(record) and one.name != record.name]
        if record.method != "fitted" or name not in others:
            told = unknown("record of the same fit", name, others, "Name one that the same script fits.")
            raise ParameterError(f"{record.name} in {record.set}.toml: correlation: {told}")


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
