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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eutonia.drug.exposure import Model, Records
from eutonia.drug.exposure.records import (
    DOSE,
    MODELLED_DURATION,
    MODELLED_RATE,
    NO_STEADY_STATE,
    OBSERVATION,
    RESET_AND_DOSE,
)
from eutonia.errors import DatasetError
from eutonia.exchange import rules
from eutonia.exchange.cells import MARK, Cells, named, read_cells
from eutonia.exchange.columns import Floats, Numbers, Texts, numbers_of
from eutonia.exchange.faults import Fault
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
class Events:
    """A table that may be simulated.

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
    unused
        Columns that mean nothing for this model.
    assumed
        Quantities that neither the table nor a setting gave, and the value of the model that stands in for each.
    left, undosed, told
        Rows and people that are left out; IDs of people who are observed and never dosed; and in words, with these,
        what a reader should know of how it was read.
    """

    records: Records
    values: dict[str, Floats]
    lines: NDArray[np.int32]
    who: NDArray[np.int32]
    ids: tuple[str, ...]
    observed: Floats | None
    occasion: Floats | None
    unused: tuple[str, ...]
    assumed: dict[str, float]
    left: Left
    undosed: tuple[str, ...]
    told: tuple[str, ...]


def read_events(path: str | Path, model: Model, settings: Mapping[str, float]) -> Events:
    """Read and check a table.

    Raises
    ------
    DatasetError
        The file is no table, or has faults; they are in `.faults`.
    """
    return events_of(read_cells(path), model, settings)


def events_of(cells: Cells, model: Model, settings: Mapping[str, float]) -> Events:
    """Check the cells of a table and return its records."""
    numbers = numbers_of(cells, model)
    twice = sorted(set(settings) & set(numbers.values))
    if twice:
        raise DatasetError(
            f"{twice[0]} is a column of {cells.file} and is given by --set. Allowed: one of the two. Remove one."
        )
    for one in missing(model, settings, cells.names):
        do = f'Add the column {one.name}, or --set "{one.name}=... {one.unit}"'
        rule = f"{model.name} needs {one.label.lower()}, which has no default"
        numbers.faults.append(Fault(None, one.name, "", rule, one.allowed, do))
    evid, person = rules.check(numbers, model, dict(settings))
    if numbers.faults:
        raise numbers.failure()
    records = _records(numbers, model, settings, evid, person)
    if records.steady.any():
        rules.overlaps(numbers, _durations(records))
    if numbers.faults:
        raise numbers.failure()
    every = {one.name: one.default for one in model.quantities if one.default is not None}
    assumed = {name: value for name, value in every.items() if name not in settings and name not in cells.names}
    who = numbers.texts["ID"]
    known = {"ID", *numbers.named.values(), *([MARK] if MARK in numbers.left.lines else [])}
    people = {name: i for i, name in enumerate(who.names)}
    undosed = _undosed(records, who)
    idle = f"Observed and never dosed: {len(undosed)} of {len(who.names)} people: {named(undosed)}."
    return Events(
        records=records,
        values={
            one.name: numbers.get(one.name, (every | dict(settings)).get(one.name, np.nan)) for one in model.quantities
        },
        lines=numbers.lines,
        who=who.codes,
        ids=who.names,
        observed=numbers.get("DV") if numbers.has("DV") else None,
        occasion=numbers.get("OCC") if numbers.has("OCC") else None,
        unused=tuple(name for name in cells.names if name not in known),
        assumed=assumed,
        left=Left(numbers.left.rows, tuple(numbers.left.people(people)), numbers.left.comments),
        undosed=undosed,
        told=(
            *numbers.left.words(people),
            *([idle] if undosed else []),
            *_alike(who.names),
            *_late(records),
            *numbers.told,
        ),
    )


def _undosed(records: Records, who: Texts) -> tuple[str, ...]:
    """Return who is observed and never dosed."""
    is_dose = np.isin(records.evid, (DOSE, RESET_AND_DOSE))
    dosed = np.bincount(who.codes[is_dose], minlength=len(who.names)) > 0
    seen = np.bincount(who.codes[records.evid == OBSERVATION], minlength=len(who.names)) > 0
    return tuple(who.names[i] for i in np.flatnonzero(seen & ~dosed).tolist())


def _late(records: Records) -> list[str]:
    """Say where these numbers are not those of NONMEM: see `drug.exposure.timeline`, SS with a lag."""
    late = (records.steady != NO_STEADY_STATE) & (records.interval > 0) & (records.lag >= records.interval)
    count = int(late.sum())
    why = "the lag is at or beyond the interval; NONMEM 7.6 gives other amounts, here doses arrive when they are due"
    return [f"{count} steady states with a lag: {why}."] if count else []


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
    numbers: Numbers, model: Model, settings: Mapping[str, float], evid: NDArray[np.int8], person: NDArray[np.int32]
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
