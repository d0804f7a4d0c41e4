"""What the records mean: from the rows of a person to steps of time and what happens after each.

The rules are those of NONMEM's PREDPP but for one exception (a steady state with a lag at or beyond its interval);
where its documentation leaves a choice, the choice is said.

Order
    Records are taken in the order of the file; at one time, an observation sees the doses written above it and not
    those below. TIME may not fall within a person, except at a reset (EVID 3 or 4), where the clock starts anew.
Doses that come at times of their own
    Additional doses, delayed doses and ends of infusions enter *before* a record of the same time: an observation at
    the time of an additional dose sees that dose. Times that differ by rounding only (one part in 1e9) are the same.
Parameters and covariates
    Those of the record that *ends* an interval hold over the whole interval, also where a dose comes in between.
    A steady state is that of the values of its own record.
F, ALAG, modelled rate and duration
    Are those of the record that gives the dose, for the dose and all its additional doses. (PREDPP may evaluate them
    again when the dose enters. They are the same unless they change between the two.)
Bioavailability
    RATE > 0 and RATE = -1: the rate stays, the infusion lasts F * AMT / rate. RATE = -2: the duration stays, the rate
    becomes F * AMT / duration. It does not act on the steady state of a constant infusion. An infusion that is over at
    the time of its record, but for rounding, is a bolus.
ADDL, II
    ADDL further doses, each II after the one before. A reset or a dose with SS = 1 cancels those not yet given; so
    does it cancel delayed doses and infusions still running. Additional doses of a steady-state dose are plain doses.
Lag
    A dose enters ALAG after its record, its additional doses ALAG after their own times.
SS = 1, SS = 2, with II > 0
    The state of somebody who has been given this dose every II for ever: with this dose just given (bolus) or just
    started (infusion). SS = 1 puts it in the place of what is there; SS = 2 adds it, and leaves running infusions and
    doses to come alone. An infusion may last longer than II: those begun before go on to their ends.
SS with a lag
    The doses for ever are delayed too. At the record's time the person has the level of ALAG before the coming dose;
    where ALAG exceeds II, the doses that were given and have not yet arrived arrive at their times. This is the one
    exception from NONMEM: with a lag at or beyond the interval NONMEM 7.6 does otherwise, and gives other amounts.
SS with AMT = 0, RATE > 0, II = 0
    The state that a constant infusion of that rate ends in; the infusion itself ends at the record's time. Follow it
    with a dose of that rate to go on.
EVID = 3, 4
    Empties every compartment and cancels what is running or to come; 4 then gives its dose.
EVID = 2
    Marks a time at which a covariate changes; nothing is given and nothing observed.
"""

from __future__ import annotations

import heapq
import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from eutonia.drug.exposure import boluses
from eutonia.drug.exposure.records import (
    DOSE,
    MODELLED_DURATION,
    MODELLED_RATE,
    NO_STEADY_STATE,
    OBSERVATION,
    REPLACE,
    RESET,
    RESET_AND_DOSE,
    Ints,
    Records,
)
from eutonia.drug.exposure.steps import Courses, Periodic, joined

# Numerical constant: times closer than this, relative to their size (or to an hour), differ by rounding only.
SAME_TIME = 1e-9


@dataclass(slots=True)
class _Dose:
    """A dose that can be given: a bolus where it lasts no time."""

    into: int
    amount: float
    rate: float
    duration: float
    first: float
    interval: float
    additional: int


def courses(records: Records, n_inputs: int) -> Courses:
    """Return the steps of everybody, in the order of the people."""
    starts = np.array([first for first, _ in records.spans()])
    is_dose = np.isin(records.evid, (DOSE, RESET_AND_DOSE))
    is_special = (records.evid >= RESET) | (is_dose & ((records.rate != 0.0) | (records.steady != NO_STEADY_STATE)))
    special = np.logical_or.reduceat(is_special, starts)
    plain = None
    if not special.all():
        plain, crowded = boluses.courses(records, ~special, SAME_TIME, n_inputs)
        if crowded.any():  # never but by design: who is given three doses and more that fall due at one time
            special[np.flatnonzero(~special)[crowded]] = True
            plain = None if special.all() else boluses.courses(records, ~special, SAME_TIME, n_inputs)[0]
    parts = [*([] if plain is None else [plain]), *_one_by_one(records, np.flatnonzero(special), n_inputs)]
    found = joined(parts)
    place = np.argsort(np.concatenate([np.flatnonzero(~special), np.flatnonzero(special)]))
    return replace(found, first=found.first[place], lengths=found.lengths[place])


def _one_by_one(records: Records, people: Ints, n_inputs: int) -> Iterator[Courses]:
    """Return the steps of some people; those who are given the same at the same times have the same steps."""
    spans, known = records.spans(), {}
    columns = [getattr(records, one.name) for one in fields(Records) if one.name != "person"]
    columns = [one for one in columns if one.strides != (0,)]
    for person in people.tolist():
        first, end = spans[person]
        key = b"".join([one[first:end].tobytes() for one in columns])
        if key not in known:
            known[key] = first, steps_of(records, first, end, n_inputs)
        begun, found = known[key]
        later = first - begun
        yield replace(found, rows=found.rows + later, observed=found.observed + later)


def steps_of(records: Records, first: int, end: int, n_inputs: int) -> Courses:
    """Return the steps of the person whose records are `first` to `end` (excluded)."""
    person = _Person(records, first, n_inputs)
    times, kinds = records.time[first:end].tolist(), records.evid[first:end].tolist()
    for row, time, evid in zip(range(first, end), times, kinds, strict=True):
        person.take(row, time, evid)
    return person.steps.as_columns()


class _Steps:
    """The columns of `Courses` while one person's records are read; the numbers of `Courses` count from 0."""

    def __init__(self) -> None:
        self.hours, self.amounts = array("d"), array("d")
        self.rows, self.infusing, self.dosed, self.into = array("q"), array("q"), array("q"), array("q")
        self.seen, self.observed, self.emptied = array("q"), array("q"), array("q")
        self.rates: list[tuple[float, ...]] = []
        self.steady: dict[int, Periodic] = {}

    def __len__(self) -> int:
        return len(self.hours)

    def as_columns(self) -> Courses:
        """Return them as those of one person."""
        whole = {name: np.array(getattr(self, name), np.int64) for name in ("rows", "infusing", "emptied", "dosed")}
        whole |= {name: np.array(getattr(self, name), np.int64) for name in ("into", "seen", "observed")}
        return Courses(
            first=np.zeros(1, np.int64),
            lengths=np.array([len(self)]),
            hours=np.array(self.hours),
            rates=np.array(self.rates),
            steady=self.steady,
            amounts=np.array(self.amounts),
            **whole,
        )


class _Person:
    """One person while the records are read: the clock, the infusions that run, and what is to come."""

    def __init__(self, records: Records, first: int, n_inputs: int) -> None:
        self.records = records
        self.n_inputs = n_inputs
        self.time = float(records.time[first])
        self.steps = _Steps()
        self.cancel()

    def cancel(self) -> None:
        """Stop every infusion and forget every dose to come."""
        self.running = [0] * self.n_inputs
        self.rates = [0.0] * self.n_inputs
        self.steps.rates.append(tuple(self.rates))
        self.coming: list[tuple[float, int, _Dose | None, int, float]] = []
        self.order = 0

    def take(self, row: int, time: float, evid: int) -> None:
        """Advance to a record and do what it says."""
        if time >= self.time:
            self._until(time, row)
        self.time = time
        if evid in (RESET, RESET_AND_DOSE):
            self.cancel()
            self.steps.emptied.append(self._new_step(0.0, row))
        if evid in (DOSE, RESET_AND_DOSE):
            self._dose(row)
        elif evid == OBSERVATION:
            self.steps.seen.append(self._now(row))
            self.steps.observed.append(row)

    def _until(self, time: float, row: int) -> None:
        """Advance to a time, doing what comes at times of its own on the way."""
        latest = time + SAME_TIME * max(1.0, abs(time))
        while self.coming and self.coming[0][0] <= latest:
            due, _, dose, number, rate = heapq.heappop(self.coming)
            self._advance(min(max(due, self.time), time), row)
            if dose is None:
                self._stop(number, rate)
            else:
                self._start(dose, due, row)
                self._expect(dose, number + 1)
        self._advance(time, row)

    def _advance(self, time: float, row: int) -> None:
        if time > self.time or not self.steps:
            self._new_step(time - self.time, row)
            self.time = time

    def _new_step(self, hours: float, row: int) -> int:
        steps = self.steps
        steps.hours.append(hours)
        steps.rows.append(row)
        steps.infusing.append(len(steps.rates) - 1)
        return len(steps.hours) - 1

    def _now(self, row: int) -> int:
        return len(self.steps) - 1 if self.steps else self._new_step(0.0, row)

    def _dose(self, row: int) -> None:
        records = self.records
        dose = self._dose_of(row)
        steady, lag = int(records.steady[row]), float(records.lag[row])
        if steady != NO_STEADY_STATE:
            if steady == REPLACE:
                self.cancel()
            step = self._new_step(0.0, row)
            if steady == REPLACE:
                self.steps.emptied.append(step)
            if records.amount[row] == 0.0:
                self.steps.steady[step] = Periodic(dose.into, 0.0, dose.rate, 0.0, 0.0, 0.0)
                return
            self.steps.steady[step] = self._periodic(dose, lag)
        elif lag == 0.0:
            self._start(dose, self.time, row)
        else:
            self._come(dose.first, dose, 0)
            return
        self._expect(dose, 1)

    def _dose_of(self, row: int) -> _Dose:
        """Return the dose of a record, with bioavailability acting on its size, its duration or its rate."""
        records = self.records
        given, share = float(records.amount[row]), float(records.bioavailability[row])
        rate, amount, duration = float(records.rate[row]), given * share, 0.0
        if rate == MODELLED_DURATION:
            duration = float(records.modelled_duration[row])
            rate = amount / duration
        elif rate != 0.0:
            rate = float(records.modelled_rate[row]) if rate == MODELLED_RATE else rate
            duration = amount / rate
        if amount and duration <= SAME_TIME * max(
            1.0, abs(self.time)
        ):  # too short for the clock: all of it enters at once
            rate = duration = 0.0
        return _Dose(
            into=int(records.into[row]),
            amount=amount,
            rate=rate,
            duration=duration,
            first=self.time + float(records.lag[row]),
            interval=float(records.interval[row]),
            additional=int(records.additional[row]),
        )

    def _periodic(self, dose: _Dose, lag: float) -> Periodic:
        """Return the steady state of a dose, and let go on what of the doses for ever has not yet ended or arrived."""
        interval = dose.interval
        late = math.fmod(lag, interval)
        if min(late, interval - late) < SAME_TIME * interval:
            late = 0.0
        phase = interval - late if late else 0.0
        latest = round((lag - late) / interval)  # this one and so many before it have not arrived, or arrive just now
        for back in range(latest + 1):
            begun = self.time + late + (latest - back) * interval
            if begun > self.time:
                self._come(begun, dose, dose.additional)
        if dose.duration:
            begun = self.time - phase
            while begun + dose.duration > self.time:
                self._run(dose.into, dose.rate, begun + dose.duration)
                begun -= interval
        return Periodic(dose.into, dose.amount, dose.rate, dose.duration, interval, phase)

    def _expect(self, dose: _Dose, number: int) -> None:
        """Put the additional dose of that number on the list of what is to come."""
        if number <= dose.additional:
            self._come(dose.first + number * dose.interval, dose, number)

    def _come(self, time: float, dose: _Dose | None, number: int, rate: float = 0.0) -> None:
        """Note a dose to come and its number among the additional ones, or the end of an infusion into an input."""
        self.order += 1
        heapq.heappush(self.coming, (time, self.order, dose, number, rate))

    def _start(self, dose: _Dose, time: float, row: int) -> None:
        if dose.duration:
            self._run(dose.into, dose.rate, time + dose.duration)
        elif dose.amount:
            step, steps = self._now(row), self.steps
            is_seen = bool(steps.seen) and steps.seen[-1] == step
            if is_seen or steps.rows[step] != row:  # seen before this dose, or of another record
                step = self._new_step(0.0, row)
            steps.dosed.append(step)
            steps.into.append(dose.into)
            steps.amounts.append(dose.amount)

    def _run(self, into: int, rate: float, until: float) -> None:
        self.running[into] += 1
        self.rates[into] += rate
        self.steps.rates.append(tuple(self.rates))
        self._come(until, None, into, rate)

    def _stop(self, into: int, rate: float) -> None:
        self.running[into] -= 1
        self.rates[into] = self.rates[into] - rate if self.running[into] else 0.0  # nothing is left by rounding
        self.steps.rates.append(tuple(self.rates))
