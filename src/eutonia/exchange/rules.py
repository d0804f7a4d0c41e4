"""Rules between the columns of a table of events: what a record may say, and in which order records come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eutonia._delimited import computes
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.exposure import KineticModel
from eutonia.drug.exposure.records import MODELLED_DURATION, MODELLED_RATE
from eutonia.exchange import amounts, foreign
from eutonia.exchange.cells import MARK, MISSING, is_number
from eutonia.exchange.columns import Floats, Mask, Numbers, Table
from eutonia.exchange.faults import TableFault

# More doses than this between a record and the last one of its person, and longer than this, are slips.
_MOST_DOSES, _MOST_OVERLAPS, _MOST_HOURS = 100_000, 1_000, 1e6
_MOST_STEPS = 20_000_000
_DOSE_ITEMS = ("RATE", "ADDL", "II", "SS")
_OBSERVED, _DOSED, _OTHER, _RESET, _RESET_AND_DOSED = range(5)


@dataclass
class _Rows:
    """What the rules look at."""

    numbers: Numbers
    evid: Floats
    amount: Floats
    person: NDArray[np.int32]

    @property
    def is_dose(self) -> Mask:
        return (self.evid == _DOSED) | (self.evid == _RESET_AND_DOSED)


class Rules:
    """The rules of a table, whose people are checked part by part."""

    def __init__(self, table: Table, settings: Mapping[str, float]) -> None:
        self._table, self._settings = table, dict(settings)
        self._doses, self._highest, self._last = 0.0, -1, 0
        self._is_seen = self._is_dosed = False
        self._called_mark: list[int] = []

    def check(self, part: Numbers) -> tuple[NDArray[np.int8], NDArray[np.int32]]:
        """Note every fault of some people; return EVID of each record, and the number of its person in the part."""
        model, person = self._table.model, self._person(part)
        rows = _Rows(part, _evid(part), part.get("AMT"), person)
        _records(rows)
        _doses(rows, model, self._settings)
        _rates(rows, model, self._settings)
        _repeats(rows)
        self._doses += _times(rows, self._doses)
        self._last = int(part.lines[-1])
        self._is_seen |= bool((rows.evid == _OBSERVED).any())
        self._is_dosed |= bool(rows.is_dose.any())
        return np.nan_to_num(rows.evid, nan=_OTHER).astype(np.int8), person

    def conclude(self) -> None:
        """Note what only the whole table shows."""
        noted, model = self._table.noted, self._table.model

        def fault(line: int, column: str, rule: str, allowed: str, do: str) -> None:
            noted.faults.append(TableFault(line, self._table.named.get(column, column), "", rule, allowed, do))

        names = self._table.names("ID")
        others = [name for name in names if name not in (MARK, *MISSING)]
        if others and all(is_number(name) for name in others):
            do = "Put # before the row to leave it out, or call the person otherwise"
            rule = f"{MARK} among IDs that are numbers is NONMEM's mark of a comment, or a person"
            for line in self._called_mark:
                fault(line, "ID", rule, "a number, or another name", do)
        if not self._is_seen and not noted.faults:
            do = "Add records with EVID 0 at the times that are asked for"
            fault(self._last, "EVID", "a table has at least one observation", "EVID 0", do)
        if not self._is_dosed and not noted.faults:
            rule, do = "a table doses somebody; this one doses nobody", foreign.amount(self._table.cells.names, model)
            fault(self._last, "AMT", rule, f"at least one dose, more than 0 {model.mass}", do)

    def _person(self, part: Numbers) -> NDArray[np.int32]:
        """Return the number of each record's person; records of one person stand together. An ID is text."""
        if "ID" not in part.texts:
            return np.zeros(len(part.lines), np.int32)
        who = part.texts["ID"]
        lacking = who.where(lambda name: name in MISSING)
        part.flag("ID", lacking, "every record is of somebody", "a number or a name", "Fill it in")
        do = "Begin it with a letter or a digit"
        rule = "an ID is a name, and a spreadsheet takes this one for a formula"
        part.flag("ID", who.where(computes), rule, "text", do)
        begins = np.append(True, who.codes[1:] != who.codes[:-1])
        # Codes count up as new people come: one that is not new came before.
        highest = np.maximum.accumulate(np.append(np.int32(self._highest), who.codes))
        again = begins & (who.codes <= highest[:-1]) & ~lacking
        self._highest = int(highest[-1])
        do = "Sort the table by ID and TIME, or give the second person another ID"
        part.flag("ID", again, "the records of one person stand together; this ID came before", "one block an ID", do)
        self._called_mark += part.lines[who.where(lambda name: name == MARK)].tolist()
        return np.cumsum(begins, dtype=np.int32) - np.int32(1)


def _evid(numbers: Numbers) -> Floats:
    """Return EVID; without it a record is a dose if it has an amount or a rate, else an observation (or, with MDV = 1,
    another event), as NM-TRAN has it.
    """
    given = numbers.get("EVID", np.nan)
    has_dose = _is_set(numbers.get("AMT")) | _is_set(numbers.get("RATE"))
    derived = np.where(has_dose, 1.0, np.where(numbers.get("MDV") == 1, 2.0, 0.0))
    if not numbers.has("EVID"):
        return derived
    numbers.flag("EVID", numbers.missing["EVID"], "EVID says what a record is", "0 to 4", "Fill it in in every record")
    wrong = np.isfinite(given) & ~np.isin(given, (0, 1, 2, 3, 4))
    do = "0 observation, 1 dose, 2 other, 3 reset, 4 reset and dose: choose one"
    numbers.flag("EVID", wrong, "EVID is one of 0 to 4", "0, 1, 2, 3, 4", do)
    return given


def _records(rows: _Rows) -> None:
    """Check what each kind of record may hold."""
    numbers, evid = rows.numbers, rows.evid
    no_dose = np.isin(evid, (_OBSERVED, _OTHER, _RESET))
    do = "Set EVID to 1 if this is a dose, or the cell to 0"
    numbers.flag("AMT", no_dose & _is_set(rows.amount), "only a dose has an amount", "0 or .", do)
    for name in _DOSE_ITEMS:
        is_set = no_dose & _is_set(numbers.get(name))
        numbers.flag(name, is_set, f"only a dose has {name}", "0 or .", do)
    mdv = numbers.get("MDV", np.nan)
    numbers.flag("MDV", np.isfinite(mdv) & ~np.isin(mdv, (0, 1)), "MDV is 0 or 1", "0, 1", "Correct the number")
    do = "Set MDV to 1 in every record that is not an observation"
    numbers.flag("MDV", (mdv == 0) & np.isfinite(evid) & (evid != _OBSERVED), "only an observation has a DV", "1", do)
    if numbers.has("DV") and not numbers.has("MDV"):
        held = no_dose & (evid != _OBSERVED) & _is_set(numbers.get("DV"))
        numbers.flag("DV", held, "only an observation has a DV", "0 or .", "Remove it, or set EVID to 0")


def _doses(rows: _Rows, model: KineticModel, settings: dict[str, float]) -> None:
    """Check amounts and compartments."""
    numbers, amount, mass = rows.numbers, rows.amount, model.mass
    numbers.flag("AMT", amount < 0, "an amount is not negative", "0 or more", "Correct the number")
    empty = rows.is_dose & (amount == 0) & ~_constant(rows)
    do = foreign.amount(numbers.cells.names, model)
    if numbers.has("AMT"):
        do += "; for a mark without a dose use EVID 2 (or 3 for a reset)"
    numbers.flag("AMT", empty, "a dose has an amount", f"more than 0 {mass}", do)
    if model.largest_dose is not None:
        _largest(rows, model.largest_dose, mass, settings)
    larger = {"mg": "g", "ug": "mg"}[mass]
    do = f"Multiply by 1000 if it is in {larger}: amounts are in {mass}"
    is_less = (amount > 0) & (amount < model.smallest_dose)
    numbers.flag(
        "AMT",
        is_less,
        "an amount is one that somebody could have been given",
        f"{model.smallest_dose:g} {mass} or more",
        do,
    )
    _ways_in(rows, model)


def _largest(rows: _Rows, largest: float, mass: str, settings: dict[str, float]) -> None:
    """Refuse an amount that only a slip of the unit explains."""
    numbers, rate = rows.numbers, rows.numbers.get("RATE")
    modelled, lasts = (numbers.get(name, settings.get(name, np.nan)) for name in ("RATE_M", "DUR_M"))
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.select([rate == MODELLED_RATE, rate == MODELLED_DURATION], [modelled, rows.amount / lasts], rate)
    a_day = np.minimum(rows.amount, np.where(rate > 0, rate * HOURS_A_DAY, np.inf))
    smaller = {"mg": "ug", "ug": "ng"}[mass]
    do = f"Divide by 1000 if it is in {smaller}: amounts are in {mass}"
    rule = "an amount is one that somebody could have been given"
    numbers.flag("AMT", a_day > largest, rule, f"up to {largest:g} {mass} at once or in a day", do)


def _ways_in(rows: _Rows, model: KineticModel) -> None:
    """Check where doses enter."""
    numbers, into, shape = rows.numbers, rows.numbers.get("CMT"), model.structure
    most = len(shape.inputs)
    allowed = ", ".join(f"{i} {one}" for i, one in enumerate(shape.inputs, start=1))
    if shape.default_input is None:
        unsaid = rows.is_dose & (into == 0)
        rule, do = "a dose says where it enters", f"Write CMT; see what each is: eutonia models {model.name}"
        numbers.flag("CMT", unsaid, rule, allowed, do)
    else:
        allowed = f"0 (the first), {allowed}"
    do = "A compartment cannot be switched off: take the minus away, or leave the record out"
    numbers.flag("CMT", into < 0, "a compartment is not negative", allowed, do)
    do = "Correct the number, or choose another --model"
    numbers.flag("CMT", into > most, f"{model.name} has {most} compartments", allowed, do)


def _constant(rows: _Rows) -> Mask:
    """Return which doses are steady states of a constant infusion."""
    numbers = rows.numbers
    return (numbers.get("SS") > 0) & (rows.amount == 0) & _is_set(numbers.get("RATE")) & (numbers.get("II") == 0)


def _is_set(values: Floats) -> Mask:
    """Say where a cell holds a number other than 0 (a faulty cell holds none)."""
    return np.isfinite(values) & (values != 0)


def _rates(rows: _Rows, model: KineticModel, settings: dict[str, float]) -> None:
    """Check infusions."""
    numbers, rate = rows.numbers, rows.numbers.get("RATE")
    wrong = (rate < 0) & ~np.isin(rate, (MODELLED_RATE, MODELLED_DURATION))
    do = "-1 takes the modelled rate RATE_M, -2 the modelled duration DUR_M; else write a rate"
    numbers.flag("RATE", wrong, "a rate is 0 (bolus), above 0, -1 or -2", "0, more than 0, -1, -2", do)
    for code, name, words in ((MODELLED_RATE, "RATE_M", "rate"), (MODELLED_DURATION, "DUR_M", "duration")):
        lacking = (rate == code) & ~np.isfinite(numbers.get(name, settings.get(name, np.nan)))
        column = amounts.spelled(name, model) if name == "RATE_M" and model.mass == "ug" else name
        unit = f"{model.mass}/h" if name == "RATE_M" else "h"
        do = f'Add the column {column}, or --set "{name}=... {unit}"'
        numbers.flag(
            "RATE", lacking, f"RATE {code:g} takes a modelled {words}, and there is none", f"a value of {name}", do
        )
    endless = (rate == MODELLED_DURATION) & _constant(rows)
    do = "Write the rate in RATE, or use -1"
    numbers.flag("RATE", endless, "a constant infusion has a rate, not a duration", "more than 0, or -1", do)


def _repeats(rows: _Rows) -> None:
    """Check additional doses, intervals and steady states."""
    numbers = rows.numbers
    additional, interval, steady = (numbers.get(name) for name in ("ADDL", "II", "SS"))
    numbers.flag("ADDL", additional < 0, "the number of further doses is not negative", "0 or more", "Correct it")
    numbers.flag("II", interval < 0, "an interval is not negative", "more than 0 h", "Correct it")
    do = "Write the hours between the doses in II"
    column = "II" if numbers.has("II") else "ADDL"
    numbers.flag(column, (additional > 0) & (interval == 0), "further doses have an interval", "more than 0 h", do)
    do = "Write ADDL or SS, or set II to 0"
    idle = rows.is_dose & (interval > 0) & (additional == 0) & (steady == 0)
    numbers.flag("II", idle, "an interval belongs to further doses or a steady state", "0", do)
    wrong = np.isfinite(steady) & ~np.isin(steady, (0, 1, 2))
    do = "1 puts the steady state in the place of what is there, 2 adds it"
    numbers.flag("SS", wrong, "SS is 0, 1 or 2", "0, 1, 2", do)
    constant = _constant(rows)
    do = "Write II; or, for a constant infusion, AMT 0, RATE above 0 and II 0"
    lacking = (steady > 0) & (interval == 0) & ~constant & rows.is_dose
    numbers.flag("SS", lacking, "a steady state has an interval", "SS with II more than 0 h", do)
    do = "Set ADDL to 0, and start another infusion to go on"
    numbers.flag("ADDL", constant & (additional > 0), "a constant infusion has no further doses", "0", do)


def _times(rows: _Rows, before: float) -> float:
    """Check that time runs forward, and that no record asks for more doses than anybody could give; return how many
    further doses there are, `before` of them in records before.
    """
    numbers = rows.numbers
    if not numbers.has("TIME"):
        return 0.0
    time, evid = numbers.get("TIME"), rows.evid
    numbers.flag("TIME", numbers.missing["TIME"], "every record has a time", "hours", "Fill it in")
    far = np.abs(time) > _MOST_HOURS
    numbers.flag("TIME", far, f"a time lies within {_MOST_HOURS:g} h of 0", "hours", "Write hours since the start")
    same = rows.person[1:] == rows.person[:-1]
    back = np.append(False, same & (time[1:] < time[:-1])) & ~np.isin(evid, (_RESET, _RESET_AND_DOSED))
    do = "Sort by TIME; a new start of the clock is a reset, EVID 3 or 4"
    numbers.flag(
        "TIME", back, "time does not run back within a person, except at a reset", "the time before, or later", do
    )
    if numbers.noted.faults:
        return 0.0
    last = _last_of_clock(time, rows)
    interval, additional = numbers.get("II"), numbers.get("ADDL")
    with np.errstate(divide="ignore", invalid="ignore"):
        within = np.where(interval > 0, np.minimum(additional, (last - time) / interval), 0.0)
    do = "Write a longer interval, or split the person's time"
    numbers.flag("ADDL", within > _MOST_DOSES, f"a record brings at most {_MOST_DOSES:,} doses", f"{_MOST_DOSES:,}", do)
    total = float(np.minimum(within, _MOST_DOSES).sum())
    if before <= _MOST_STEPS < before + total:
        worst = np.zeros(len(within), bool)
        worst[int(np.argmax(within))] = True
        rule = f"a table brings at most {_MOST_STEPS:,} doses; this one brings more"
        numbers.flag("ADDL", worst, rule, f"{_MOST_STEPS:,} doses", "Split the table by ID")
    return total


def _last_of_clock(time: Floats, rows: _Rows) -> Floats:
    """Return the latest time of each record's person."""
    latest = np.full(int(rows.person[-1]) + 1, -np.inf)
    np.maximum.at(latest, rows.person, time)
    return latest[rows.person]


def overlaps(numbers: Numbers, duration: Floats) -> None:
    """Refuse infusions that outlast the interval of their steady state many times over."""
    interval = numbers.get("II")
    with np.errstate(divide="ignore", invalid="ignore"):
        often = np.where((numbers.get("SS") > 0) & (interval > 0), duration / interval, 0.0)
    do = "Check AMT, RATE and II, and their units (hours, not days)"
    rule = f"an infusion lasts at most {_MOST_OVERLAPS:,} intervals of its steady state"
    numbers.flag("RATE", often > _MOST_OVERLAPS, rule, f"up to {_MOST_OVERLAPS:,} x II", do)
