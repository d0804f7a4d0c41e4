"""Dosing and observation records of many people, as columns."""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger[Any]]

OBSERVATION, DOSE, OTHER, RESET, RESET_AND_DOSE = range(5)
NO_STEADY_STATE, REPLACE, ADD = range(3)
GIVEN_RATE, MODELLED_RATE, MODELLED_DURATION = 0.0, -1.0, -2.0


@dataclass(frozen=True)
class Records:
    """Records in file order; those of one person follow one another. One entry a record in every column.

    Attributes
    ----------
    person
        Number of the person, 0, 1, 2, ... without gaps.
    time
        Hours.
    evid
        0 observation, 1 dose, 2 other, 3 reset, 4 reset and dose.
    amount
        Amount of a dose, in the unit of the model.
    into
        Which input of the model a dose enters: its compartment, counted from 0.
    rate
        0 bolus, above 0 an infusion's rate, -1 modelled rate, -2 modelled duration.
    additional, interval
        Number of further doses, and hours between them.
    steady
        0 none, 1 replaces what is there, 2 adds to it.
    bioavailability, lag
        F and ALAG of the dose of this record.
    modelled_rate, modelled_duration
        What rate -1 and -2 take; NaN where not given.
    """

    person: Ints
    time: Floats
    evid: Ints
    amount: Floats
    into: Ints
    rate: Floats
    additional: Ints
    interval: Floats
    steady: Ints
    bioavailability: Floats
    lag: Floats
    modelled_rate: Floats
    modelled_duration: Floats

    @classmethod
    def of(cls, **columns: object) -> Records:
        """Return records from some columns, at least `time`; the others are those of observations of one person."""
        n = len(np.asarray(columns["time"]))
        plain = {"bioavailability": 1.0, "modelled_rate": np.nan, "modelled_duration": np.nan}
        whole = {"person", "evid", "into", "additional", "steady"}
        made: dict[str, Any] = {}
        for name in (field.name for field in dataclasses.fields(cls)):
            given = np.asarray(columns.get(name, plain.get(name, 0)), np.int64 if name in whole else np.float64)
            made[name] = np.broadcast_to(given, n)
        return cls(**made)

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self.time)

    @property
    def n_people(self) -> int:
        """Number of people."""
        return int(self.person[-1]) + 1 if len(self) else 0

    def spans(self) -> list[tuple[int, int]]:
        """Return the first record of each person, and the one after the last."""
        edges = [*np.flatnonzero(np.diff(self.person, prepend=-1)).tolist(), len(self)]
        return list(itertools.pairwise(edges))

    def of_people(self, people: NDArray[np.bool_]) -> tuple[Records, Ints]:
        """Return the records of some people, and which they are."""
        if people.all():
            return self, np.arange(len(self))
        rows = np.flatnonzero(people[self.person])
        return Records(**{field.name: getattr(self, field.name)[rows] for field in dataclasses.fields(self)}), rows
