"""A table of events with the pharmacometric columns, checked whole: every fault at once, or the records.

Columns
    ID, TIME (h); EVID, AMT, CMT, RATE, ADDL, II (h), SS, MDV, DV; ALAG (h), F, RATE_M, DUR_M (h) of a dose; OCC; and
    every parameter and covariate of the model, by record. Others are left alone. Capitals make no difference. A missing
    cell is . or empty. AMT, RATE and RATE_M are in mg and mg/h; for the spinal fluid they are called AMT_ug,
    RATE_ug_per_h and RATE_M_ug_per_h: see `amounts`.
What is missing
    AMT, RATE, ADDL, II, SS and CMT count as 0. CMT 0 is the first compartment of the model; into the spinal fluid a
    dose must say its CMT. ALAG, F, RATE_M and DUR_M take the value of --set or of the model. A parameter or covariate
    with a column has a value in every record.
    Without EVID a record with an amount or a rate is a dose, others are observations (with MDV = 1: other events).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eutonia.drug.exposure import Model, Records
from eutonia.drug.exposure.records import MODELLED_DURATION, MODELLED_RATE
from eutonia.errors import DatasetError
from eutonia.exchange import rules
from eutonia.exchange.cells import Cells, read_cells
from eutonia.exchange.columns import Floats, Numbers, numbers_of
from eutonia.exchange.faults import Fault, error
from eutonia.exchange.settings import missing


@dataclass(frozen=True)
class Events:
    """A table that may be simulated.

    Attributes
    ----------
    records, values
        Records, and the value of each parameter and covariate at each.
    lines, ids, times
        Line of the file, ID and TIME of each record as they stand there.
    observed
        DV as it stands there; None if the table has no such column.
    occasion
        OCC of each record, NaN where it is missing; None if the table has no such column.
    unused
        Columns that mean nothing for this model.
    assumed
        Quantities that neither the table nor a setting gave, and the value of the model that stands in for each.
    """

    records: Records
    values: dict[str, Floats]
    lines: tuple[int, ...]
    ids: Sequence[str]
    times: Sequence[str]
    observed: Sequence[str] | None
    occasion: Floats | None
    unused: tuple[str, ...]
    assumed: dict[str, float]


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
        raise error(cells.file, numbers.faults)
    records = _records(numbers, model, settings, evid, person)
    rules.overlaps(numbers, _durations(records))
    if numbers.faults:
        raise error(cells.file, numbers.faults)
    every = {one.name: one.default for one in model.quantities if one.default is not None}
    assumed = {name: value for name, value in every.items() if name not in settings and name not in cells.names}
    known = {"ID", *numbers.named.values()}
    return Events(
        records=records,
        values={
            one.name: numbers.get(one.name, (every | dict(settings)).get(one.name, np.nan)) for one in model.quantities
        },
        lines=cells.rows,
        ids=numbers.text("ID"),
        times=numbers.text("TIME"),
        observed=numbers.text("DV") if numbers.has("DV") else None,
        occasion=numbers.get("OCC") if numbers.has("OCC") else None,
        unused=tuple(name for name in cells.names if name not in known),
        assumed=assumed,
    )


def _records(
    numbers: Numbers, model: Model, settings: Mapping[str, float], evid: Floats, person: NDArray[np.int64]
) -> Records:
    """Return the records of columns without faults."""
    whole = np.int64
    into = np.maximum(numbers.get("CMT").astype(whole) - 1, 0)
    favoured = model.structure.default_input
    dosing = {one.name: one for one in model.dosing}

    def of_dose(name: str, elsewhere: float) -> Floats:
        """Return a column; the value of --set or of the model, which may be one of the first compartment, stands in."""
        default = float(settings.get(name, dosing[name].default or 0.0))
        is_own = name in ("F", "ALAG") and favoured is not None
        filled = np.where(into == favoured, default, elsewhere) if is_own else np.full(len(into), default)
        given = numbers.get(name, np.nan)
        return np.where(np.isfinite(given), given, filled)

    return Records(
        person=person,
        time=numbers.get("TIME"),
        evid=evid.astype(whole),
        amount=numbers.get("AMT"),
        into=into,
        rate=numbers.get("RATE"),
        additional=numbers.get("ADDL").astype(whole),
        interval=numbers.get("II"),
        steady=numbers.get("SS").astype(whole),
        bioavailability=of_dose("F", 1.0),
        lag=of_dose("ALAG", 0.0),
        modelled_rate=of_dose("RATE_M", np.nan),
        modelled_duration=of_dose("DUR_M", np.nan),
    )


def _durations(records: Records) -> Floats:
    """Return how long each infusion lasts."""
    rate = np.where(records.rate == MODELLED_RATE, records.modelled_rate, records.rate)
    with np.errstate(divide="ignore", invalid="ignore"):
        lasts = records.amount * records.bioavailability / rate
    lasts = np.where(records.rate == MODELLED_DURATION, records.modelled_duration, lasts)
    return np.where(records.rate == 0, 0.0, np.nan_to_num(lasts, posinf=0.0))
