"""Which records a run has rested on: what is read while a recording is open is noted."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from eutonia.parameters.record import ASSUMPTION, DISTANCES, NOT_SAID, OVERRIDDEN, OWN_CHOICE, STATUSES, Parameter


@dataclass
class Used:
    """The records that were read while a recording was open; a record counts once however often it is read."""

    _records: dict[tuple[str, str], Parameter] = field(default_factory=dict)
    _noted: dict[int, tuple[Parameter, ...]] = field(default_factory=dict)

    def add(self, records: tuple[Parameter, ...]) -> None:
        """Note the use of records; a tuple of several is gone through once."""
        if id(records) in self._noted:
            return
        if len(records) > 1:
            self._noted[id(records)] = records  # held, so that its identity is nobody else's
        for record in records:
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
        return {status: counts[status] for status in (*STATUSES, OVERRIDDEN) if counts[status]}

    def counts_by_distance(self) -> dict[str, int]:
        """Return how many records with a source differ from it in what; one that differs twice counts in both.

        What is assumed, overridden or chosen by the program has no source that could be far.
        """
        sourced = [one for one in self._records.values() if one.source not in (ASSUMPTION, OWN_CHOICE)]
        counts = Counter(word for one in sourced for word in one.distance or (NOT_SAID,))
        return {word: counts[word] for word in (*DISTANCES, NOT_SAID) if counts[word]}


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


def note(records: tuple[Parameter, ...]) -> None:
    """Note the use of records in every recording that is open."""
    for used in _recorders.get():
        used.add(records)
