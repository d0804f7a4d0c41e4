"""A table of events as a whole, for tests that look at all of it at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from eutonia.drug.exposure import KineticModel, Records
from eutonia.exchange.cells import TableCells
from eutonia.exchange.events import Account, Reading, TablePart


@dataclass(frozen=True)
class Events(TablePart, Account):
    """A table that may be simulated, as a whole."""


def events_of(cells: TableCells, model: KineticModel, settings: Mapping[str, float]) -> Events:
    """Check the cells of a table and return its records."""
    reading = Reading(cells, model, settings)
    whole = joined(list(reading.parts()))
    return Events(**vars(reading.account()), **vars(whole) | {"ids": tuple(whole.ids)})


def joined(parts: Sequence[TablePart]) -> TablePart:
    """Return parts as one."""
    first, people = parts[0], np.cumsum([0, *(one.records.n_people for one in parts)])
    if len(parts) == 1:
        return first
    columns = {one.name: np.concatenate([getattr(part.records, one.name) for part in parts]) for one in fields(Records)}
    columns["person"] = np.concatenate(
        [part.records.person + np.int32(before) for part, before in zip(parts, people, strict=False)]
    )

    def both(name: str) -> Any:
        values = [getattr(part, name) for part in parts]
        return None if values[0] is None else np.concatenate(values)

    values = {name: np.concatenate([part.values[name] for part in parts]) for name in first.values}
    return TablePart(
        Records(**columns), values, both("lines"), both("who"), first.ids, both("observed"), both("occasion")
    )
