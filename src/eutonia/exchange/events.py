"""A table of events with the pharmacometric columns, checked whole: every fault at once, or the records.

Columns
    ID, TIME (h); EVID, AMT, CMT, RATE, ADDL, II (h), SS, MDV, DV; ALAG (h), F, RATE_M, DUR_M (h) of a dose; OCC; and
    every parameter and covariate of the model, by record. Others are left alone. Capitals make no difference. A missing
    cell is . or empty. AMT, RATE and RATE_M are in mg and mg/h; for the spinal fluid they are called AMT_ug,
    RATE_ug_per_h and RATE_M_ug_per_h: see `amounts`. TINF, DUR or DURATION (h) make an infusion, and a CMT may be a
    name. Columns of other programs that would change a dose are refused: see `foreign`.
Who
    An ID is text: 1, 1.0 and 01 are three people. Lines that begin with # or @, and rows that a column C (or a first
    column other than ID) marks with C, are left out and counted.
What is missing
    AMT, RATE, ADDL, II, SS and CMT count as 0. CMT 0 is the first compartment of the model; into the spinal fluid a
    dose must say its CMT. ALAG, F, RATE_M and DUR_M take the value of --set or of the model. A parameter or covariate
    with a column has a value in every record.
    Without EVID a record with an amount or a rate is a dose, others are observations (with MDV = 1: other events).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eutonia.drug.exposure import KineticModel, Records
from eutonia.drug.exposure.records import (
    DOSE,
    MODELLED_DURATION,
    MODELLED_RATE,
    NO_STEADY_STATE,
    OBSERVATION,
    RESET_AND_DOSE,
)
from eutonia.errors import DatasetError
from eutonia.exchange.cells import MARK, TableCells, named
from eutonia.exchange.columns import Floats, Numbers, Table
from eutonia.exchange.faults import TableFault
from eutonia.exchange.rules import Rules, overlaps
from eutonia.exchange.settings import missing

# Words for a missing value that are read as the name of somebody, and told.
_LIKE_MISSING = frozenset(("na", "nan", "n/a", "inf", "-inf", "+inf", "infinity", "null", "none", "missing"))


@dataclass(frozen=True)
class Left:
    """What of a table is left out: how many rows, the IDs of which nothing is left, and lines of comments."""

    rows: int
    people: tuple[str, ...]
    comments: int


@dataclass(frozen=True)
class TablePart:
    """Records of whole people.

    Attributes
    ----------
    records, values
        Records, and the value of each parameter and covariate at each.
    lines, who, ids
        Line of the file of each record, which of the IDs it has, and these as they stand there.
    observed
        DV, NaN where it is missing; None if the table has no such column.
    occasion
        OCC of each record, NaN where it is missing; None if the table has no such column.
    """

    records: Records
    values: dict[str, Floats]
    lines: NDArray[np.int32]
    who: NDArray[np.int32]
    ids: Sequence[str]
    observed: Floats | None
    occasion: Floats | None


@dataclass(frozen=True)
class Account:
    """What a reader should know of a table, beside its numbers.

    Attributes
    ----------
    people, rows, observations
        How many there are.
    unused
        Columns that mean nothing for this model.
    assumed
        Quantities that neither the table nor a setting gave, and the value of the model that stands in for each.
    left, undosed, told
        Rows and people that are left out; IDs of people who are observed and never dosed; and in words, with these,
        what a reader should know of how it was read.
    """

    people: int
    rows: int
    observations: int
    unused: tuple[str, ...]
    assumed: dict[str, float]
    left: Left
    undosed: tuple[str, ...]
    told: tuple[str, ...]


class Reading:
    """A table while it is read: first its parts, then the account of it."""

    def __init__(self, cells: TableCells, model: KineticModel, settings: Mapping[str, float]) -> None:
        self.model, self.settings, self._cells = model, dict(settings), cells
        self._table = Table(cells, model)
        self._rules = Rules(self._table, settings)
        self._people = self._rows = self._observations = self._late = 0
        self._undosed: list[str] = []
        twice = sorted(set(settings) & set(self._table.named))
        if twice:
            raise DatasetError(
                f"{twice[0]} is a column of {cells.file} and is given by --set. Allowed: one of the two. Remove one."
            )
        for one in missing(model, settings, cells.names):
            do = f'Add the column {one.name}, or --set "{one.name}=... {one.unit}"'
            rule = f"{model.name} needs {one.label.lower()}, which has no default"
            self._table.noted.faults.append(TableFault(None, one.name, "", rule, one.allowed, do))

    def parts(self) -> Iterator[TablePart]:
        """Return the records of some people after the other, as long as there is no fault.

        Raises
        ------
        DatasetError
            The file is no table, or has faults; they are in `.faults`.
        """
        noted = self._table.noted
        for numbers in self._table.parts():
            evid, person = self._rules.check(numbers)
            if noted.faults or noted.ragged:
                continue
            part = self._part(numbers, evid, person)
            if part.records.steady.any():
                overlaps(numbers, _durations(part.records))
            if not noted.faults:
                self._note(part)
                yield part
        self._rules.conclude()
        if noted.faults:
            raise self._table.failure()

    @property
    def share(self) -> float:
        """Share of the file that has been read."""
        return self._cells.position.share

    def account(self) -> Account:
        """Return the account of a table whose parts have all been read."""
        noted, cells, ids = self._table.noted, self._cells, self._table.names("ID")
        share = self.model.bioavailability
        taken = self._defaults() | ({} if share == 1.0 else {"F": share})
        known = {"ID", *self._table.named.values(), *([MARK] if MARK in noted.left.lines else [])}
        people = {name: i for i, name in enumerate(ids)}
        idle = f"Observed and never dosed: {len(self._undosed)} of {len(ids)} people: {named(self._undosed)}."
        why = "the lag is at or beyond the interval"
        why += "; NONMEM 7.6 gives other amounts, here doses arrive when they are due"
        return Account(
            people=self._people,
            rows=self._rows,
            observations=self._observations,
            unused=tuple(name for name in cells.names if name not in known),
            assumed={name: value for name, value in taken.items() if name not in {*self.settings, *cells.names}},
            left=Left(noted.left.rows, tuple(noted.left.people(people)), noted.left.comments),
            undosed=tuple(self._undosed),
            told=(
                *noted.left.words(people),
                *([idle] if self._undosed else []),
                *_alike(ids),
                *([f"{self._late} steady states with a lag: {why}."] if self._late else []),
                *noted.told,
            ),
        )

    def _defaults(self) -> dict[str, float]:
        return {one.name: one.default for one in self.model.quantities if one.default is not None}

    def _part(self, numbers: Numbers, evid: NDArray[np.int8], person: NDArray[np.int32]) -> TablePart:
        stands_in, who = self._defaults() | self.settings, numbers.texts["ID"]
        return TablePart(
            records=_records(numbers, self.model, self.settings, evid, person),
            values={one.name: numbers.get(one.name, stands_in.get(one.name, np.nan)) for one in self.model.quantities},
            lines=numbers.lines,
            who=who.codes,
            ids=who.names,
            observed=numbers.get("DV") if numbers.has("DV") else None,
            occasion=numbers.get("OCC") if numbers.has("OCC") else None,
        )

    def _note(self, part: TablePart) -> None:
        records = part.records
        self._people += records.n_people
        self._rows += len(records)
        self._observations += int((records.evid == OBSERVATION).sum())
        self._undosed += _undosed(part)
        # See `drug.exposure.timeline`, SS with a lag.
        late = (records.steady != NO_STEADY_STATE) & (records.interval > 0) & (records.lag >= records.interval)
        self._late += int(late.sum())


def _undosed(part: TablePart) -> list[str]:
    """Return who is observed and never dosed."""
    records = part.records
    here = {}
    for what, kinds in (("seen", (OBSERVATION,)), ("dosed", (DOSE, RESET_AND_DOSE))):
        here[what] = np.bincount(records.person[np.isin(records.evid, kinds)], minlength=records.n_people) > 0
    first = np.flatnonzero(np.diff(records.person, prepend=-1))
    return [part.ids[i] for i in part.who[first[here["seen"] & ~here["dosed"]]].tolist()]


def _alike(names: Sequence[str]) -> list[str]:
    """Say which IDs a reader might take for one, and which for none."""
    kinds: dict[str, list[str]] = {}
    for name in names:
        kinds.setdefault(_folded(name), []).append(name)
    pairs = [" and ".join(f'"{name}"' for name in same) for same in kinds.values() if len(same) > 1]
    said = [f"IDs are text: these are different people: {named(pairs)}."] if pairs else []
    odd = [name for name in names if name.casefold() in _LIKE_MISSING]
    return [*said, *([f"Read as the name of a person: ID {named(odd)}."] if odd else [])]


def _folded(name: str) -> str:
    """Return what an ID looks like: without case, blanks, or the zeros and signs that a number may be written with."""
    flat = "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isprintable() and not c.isspace())
    try:
        return str(Decimal(flat).normalize())
    except InvalidOperation:
        return flat


def _records(
    numbers: Numbers,
    model: KineticModel,
    settings: Mapping[str, float],
    evid: NDArray[np.int8],
    person: NDArray[np.int32],
) -> Records:
    """Return the records of columns without faults."""
    into = np.maximum(_as(numbers.get("CMT"), np.int8) - np.int8(1), 0)
    favoured = model.structure.default_input
    dosing = {one.name: one for one in model.dosing}

    def of_dose(name: str, elsewhere: float) -> Floats:
        """Return a column; the value of --set or of the model, which may be one of the first compartment, stands in."""
        default = float(settings.get(name, dosing[name].default or 0.0))
        is_own = name in ("F", "ALAG") and favoured is not None
        given = numbers.get(name, np.nan)
        if not is_own and name not in numbers.values:
            return np.broadcast_to(default, len(into))
        return np.where(
            np.isfinite(given), given, np.where(into == favoured, default, elsewhere) if is_own else default
        )

    return Records(
        person=person,
        time=numbers.get("TIME"),
        evid=evid,
        amount=numbers.get("AMT"),
        into=into,
        rate=numbers.get("RATE"),
        additional=_as(numbers.get("ADDL"), np.int64),
        interval=numbers.get("II"),
        steady=_as(numbers.get("SS"), np.int8),
        bioavailability=of_dose("F", 1.0),
        lag=of_dose("ALAG", 0.0),
        modelled_rate=of_dose("RATE_M", np.nan),
        modelled_duration=of_dose("DUR_M", np.nan),
    )


def _as(values: Floats, kind: type[np.signedinteger[Any]]) -> NDArray[np.signedinteger[Any]]:
    """Return whole numbers; a column of one value still takes no room."""
    if values.strides == (0,):
        return np.broadcast_to(values[:1].astype(kind)[0], len(values))
    return values.astype(kind)


def _durations(records: Records) -> Floats:
    """Return how long each infusion lasts."""
    rate = np.where(records.rate == MODELLED_RATE, records.modelled_rate, records.rate)
    with np.errstate(divide="ignore", invalid="ignore"):
        lasts = records.amount * records.bioavailability / rate
    lasts = np.where(records.rate == MODELLED_DURATION, records.modelled_duration, lasts)
    return np.where(records.rate == 0, 0.0, np.nan_to_num(lasts, posinf=0.0))
