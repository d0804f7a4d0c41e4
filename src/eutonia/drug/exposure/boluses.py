"""The steps of people who are given boluses alone, all of them at once, by the rules of `timeline`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eutonia.drug.exposure.records import DOSE, OBSERVATION, Floats, Ints, Records
from eutonia.drug.exposure.steps import Courses

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class _Coming:
    """Doses that come at times of their own, in the order in which they do: when, before which record, of which."""

    due: Floats
    before: Ints
    of: Ints


@dataclass(frozen=True)
class _Items:
    """What happens in the order in which it does: when, before or at which record, which dose, how much."""

    clock: Floats
    row: Ints
    dose: Ints
    amount: Floats


def courses(whole: Records, people: Mask, same_time: float, n_inputs: int) -> tuple[Courses, Mask]:
    """Return the steps of some people, and which of them have three doses or more due at one time: the order of these
    is not settled here.

    Parameters
    ----------
    whole, people
        Records, and whose of them are taken: these have no resets, infusions or steady states.
    same_time
        Times closer than this, relative to their size (or to an hour), are one.
    n_inputs
        Number of inputs of the model.
    """
    records, rows = whole.of_people(people)
    edges = np.append(np.flatnonzero(np.diff(records.person, prepend=-1)), len(records))
    coming = _coming(records, edges, records.time + same_time * np.maximum(1.0, np.abs(records.time)))
    tied = np.zeros(len(coming.due), bool)
    tied[2:] = (coming.before[2:] == coming.before[:-2]) & (coming.due[2:] == coming.due[:-2])
    crowded = np.zeros(len(edges) - 1, bool)
    crowded[np.searchsorted(edges, coming.before[tied], side="right") - 1] = True

    own = np.arange(len(records)) + np.searchsorted(coming.before, np.arange(len(records)), side="right")
    items = _items(records, coming, own)
    first = np.zeros(len(items.clock), bool)
    first[own[edges[:-1]]] = True
    before, gives = np.append(items.clock[:1], items.clock[:-1]), items.amount != 0.0
    is_new = _begins_step(first | (items.clock > before), gives, items.row)
    step, seen = np.cumsum(is_new) - 1, records.evid == OBSERVATION
    starts = step[own[edges[:-1]]]
    return (
        Courses(
            first=starts,
            lengths=np.diff(np.append(starts, step[-1] + 1)),
            hours=np.where(first, 0.0, items.clock - before)[is_new],
            rows=rows[items.row[is_new]],
            infusing=np.zeros(int(step[-1]) + 1, np.int64),
            rates=np.zeros((1, n_inputs)),
            emptied=np.zeros(0, np.int64),
            steady={},
            dosed=step[gives],
            into=records.into[items.dose[gives]].astype(np.int64),
            amounts=items.amount[gives],
            seen=step[own[seen]],
            observed=rows[seen],
        ),
        crowded,
    )


def _items(records: Records, coming: _Coming, own: Ints) -> _Items:
    """Return records, at the places `own`, and the doses that come before each, in their order."""
    given = np.where(records.evid == DOSE, records.amount * records.bioavailability, 0.0)
    at, time, numbers = coming.before + np.arange(len(coming.due)), records.time, np.arange(len(records))
    n = len(own) + len(at)
    found = _Items(np.empty(n), np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n))
    found.clock[own], found.row[own], found.dose[own] = time, numbers, numbers
    found.amount[own] = np.where(records.lag == 0.0, given, 0.0)
    found.clock[at] = np.minimum(np.maximum(coming.due, time[coming.before - 1]), time[coming.before])
    found.row[at], found.dose[at], found.amount[at] = coming.before, coming.of, given[coming.of]
    return found


def _begins_step(moves: Mask, gives: Mask, row: Ints) -> Mask:
    """Say which items have a step of their own: those that move the clock, and the first dose of a record, which may
    not enter a step of an earlier record that has been seen.
    """
    has = moves | gives
    earlier: Ints = np.cumsum(has) - has
    opens = np.append(True, row[1:] != row[:-1])
    in_record: Ints = earlier - earlier[opens][np.cumsum(opens) - 1]
    return moves | (gives & (in_record == 0))


def _coming(records: Records, edges: Ints, latest: Floats) -> _Coming:
    """Return the additional and the delayed doses that come; a record is after what is due by its `latest`."""
    doses = np.flatnonzero((records.evid == DOSE) & ((records.additional > 0) | (records.lag > 0.0)))
    end = edges[np.searchsorted(edges, doses, side="right")]
    first, interval = records.time[doses] + records.lag[doses], records.interval[doses]
    number = (records.lag[doses] == 0.0).astype(np.int64)  # of the first that comes
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.floor((latest[end - 1] - first) / interval) + 1.0  # one more than fits, against rounding
    most = np.where(interval > 0.0, np.clip(most, -1.0, records.additional[doses]), 0.0).astype(np.int64)
    count = np.maximum(most - number + 1, 0)
    which = np.repeat(np.arange(len(doses)), count)
    order = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + number[which]
    due = first[which] + order * interval[which]
    low, high = doses[which] + 1, end[which]
    last = high
    while (low < high).any():  # halve until each is before its record, the first that sees it
        middle = (low + high) // 2
        sees = latest[np.minimum(middle, last - 1)] >= due
        low, high = np.where(sees | (low >= high), low, middle + 1), np.where(sees & (low < high), middle, high)
    comes = low < last
    due, low, of = due[comes], low[comes], doses[which][comes]
    sort = np.lexsort((due, low))
    return _Coming(due[sort], low[sort], of[sort])
