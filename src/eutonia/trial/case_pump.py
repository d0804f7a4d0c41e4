"""The pump of a case: its therapy played once, its turns in order, and what a report shows of each."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from math import ceil, floor, isinf

from eutonia._hours import HOURS_A_DAY
from eutonia.drug.pump import play
from eutonia.drug.pump.breach import Breach
from eutonia.drug.pump.dates import next_dates
from eutonia.drug.pump.rules import breaches
from eutonia.drug.pump.therapy import Therapy
from eutonia.trial.pump_turns import MOST_LOOKS, Turn, flows_from, giving, turns
from eutonia.trial.result import Zoom

# Before and after a zoomed turn, h, and how often somebody looks within.
_DRY_H, _DAYS_H, _CALL_H, _BEFORE_CALL_H = 30 * HOURS_A_DAY, 72.0, 10.0, 2.0
_AFTER_CALL_H = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)
#: Programs and calls that get a closer look, each.
_MOST_ZOOMS = 3
# Looks between two turns of a program that varies within the day, where they are further apart than this.
_BETWEEN, _LEAST_GAP_H = 2, 1.0
_CALLS = ("called", "refused")
# What the events of a case tell in their own words.
_OF_EVENTS = ("programmed", "filled")
_WORDS = {"alarm": "low-reservoir alarm", "empty": "pump runs dry"}


@dataclass(frozen=True)
class PumpDate:
    """A date of a pump in words: what, when as programmed, earliest and latest where flow may be off, and why."""

    what: str
    earliest: str
    programmed: str
    latest: str
    because: str


class CasePumpCourse:
    """What the pump of one person does, in order of time.

    Parameters
    ----------
    therapy
        On the clock of the case.
    is_named
        Whether it is a program of its own; what the events of a case say is told by them.
    """

    def __init__(self, therapy: Therapy, *, is_named: bool) -> None:
        self.delivery = play(therapy)
        self.is_named = is_named
        self._all, self._given = turns(self.delivery), giving(self.delivery)
        self.turns = deque(self._all)
        self._calls: dict[int, Counter[str]] = {}
        for one in self.delivery.happenings:
            if one.what in _CALLS:
                self._calls.setdefault(self._day(one.at_h), Counter())[one.what] += 1
        self._told: set[int] = set()
        self._left = MOST_LOOKS - len(self._all)
        self._zoomed: Counter[str] = Counter()

    @staticmethod
    def _day(time_h: float) -> int:
        return int(time_h // HOURS_A_DAY)

    @property
    def broken(self) -> tuple[Breach, ...]:
        """Every rule that the therapy breaks, in order of time."""
        return breaches(self.delivery)

    @property
    def dates(self) -> tuple[PumpDate, ...]:
        """Every filling with the days since the one before, alarm and dry pump on the way, and what is due next."""
        therapy, found, before = self.delivery.therapy, [], None
        for one in self.delivery.happenings:
            if one.what == "filled":
                since = "" if before is None else f"{(one.at_h - before) / HOURS_A_DAY:.3g} days after the one before"
                found.append(PumpDate("filled", "", therapy.day(one.at_h), "", since))
                before = one.at_h
            elif one.what in _WORDS:
                found.append(PumpDate(_WORDS[one.what], "", therapy.day(one.at_h), "", "if the flow is as programmed"))
        for date in next_dates(therapy):
            at_h = (date.at_h.low, date.at_h.typical, date.at_h.high)
            low, at, high = ("" if isinf(x) else therapy.day(x) for x in at_h)
            ends = ("", "") if low == high else (low, high)
            found.append(PumpDate(f"next: {date.what}", ends[0], at or "not within a year", ends[1], date.because))
        return tuple(found)

    @property
    def caveats(self) -> tuple[str, ...]:
        """What is not drawn, in a sentence."""
        left = sum(not turn.is_seen for turn in self._all)
        if not left:
            return ()
        return (
            f"The pump changes its rate {len(self._all):,} times, and the drug follows all of them. The course is "
            f"drawn at {len(self._all) - left:,} of them and at the examinations; in between its lines are straight "
            "and its doses hold.",
        )

    def flows_from(self, time_h: float) -> bool:
        """Say whether drug leaves the tip at a time, or soon after."""
        return flows_from(self._given, self.delivery.therapy.duration_h, time_h)

    def tip(self, turn: Turn) -> str | None:
        """Return the level of the tip of a new catheter; None where the old one stays."""
        return self.delivery.implant(turn.time_h).tip if turn.says("revised") else None

    def labels(self, turn: Turn) -> list[str]:
        """Return what happened at a turn, in words; to be asked once a turn, in order of time."""
        calls = self._calls.get(self._day(turn.time_h), Counter())
        found = []
        for one in turn.happened:
            if one.what in _OF_EVENTS and not self.is_named:
                continue
            if one.what in _CALLS and calls.total() > 1:
                continue  # told once a day, at the first of them
            words = _WORDS.get(one.what, one.words)
            found.append(f"pump: {words}" if one.what == "programmed" else words)
        if calls.total() > 1 and turn.says(*_CALLS) and (day := self._day(turn.time_h)) not in self._told:
            self._told.add(day)
            given, refused = calls["called"], calls["refused"]
            found.append(f"a bolus is called {given + refused} times on this day: {given} given, {refused} refused")
        if turn.is_other:
            found.append("the new solution reaches the tip" if turn.before else "drug reaches the tip")
        return found

    def zoom(self, turn: Turn) -> Zoom | None:
        """Return a closer look that a turn is worth."""
        at = turn.time_h
        if turn.says("empty") and turn.rate == 0:
            return Zoom("Pump runs dry", at - HOURS_A_DAY, at + _DRY_H)
        if turn.says("programmed") and turn.rate == 0 < turn.before and not self.flows_from(at):
            return Zoom("Pump stopped", at - HOURS_A_DAY, at + _DRY_H)
        if self._varies(turn) and self._is_among("program"):
            setting = self.delivery.setting(at)
            assert setting is not None
            days = [HOURS_A_DAY * round_to(hours / HOURS_A_DAY) for round_to, hours in ((floor, at), (ceil, at))]
            return Zoom(f"{setting.program.kind.capitalize()}, hour by hour", days[0], days[1] + _DAYS_H)
        if turn.says("called") and self._is_among("call"):
            return Zoom("A bolus that the person calls", at - _BEFORE_CALL_H, at + _CALL_H)
        return None

    def looks(self, turn: Turn) -> list[float]:
        """Return the hours at which somebody looks after a turn, beside those after any large change."""
        at, end = turn.time_h, self.delivery.therapy.duration_h
        hours: tuple[float, ...] = ()
        if self._varies(turn) and self._zoomed["program"] <= _MOST_ZOOMS:
            hours = tuple(float(k) for k in range(1, int(_DAYS_H + HOURS_A_DAY) + 1))
        elif turn.says("called") and self._zoomed["call"] <= _MOST_ZOOMS:
            hours = _AFTER_CALL_H
        return [at + hour for hour in (*hours, *self._between(turn)) if at + hour <= end]

    def _between(self, turn: Turn) -> list[float]:
        """Return hours between a turn and the next: where rates rise and fall within a day, so does the effect."""
        gap = self.turns[0].time_h - turn.time_h if self.turns else HOURS_A_DAY
        setting = self.delivery.setting(turn.time_h)
        is_varied = setting is not None and len(set(setting.program.rates)) > 1
        if not (is_varied and turn.is_seen and _LEAST_GAP_H < gap <= HOURS_A_DAY and self._left > 0):
            return []
        self._left -= _BETWEEN
        return [gap * k / (_BETWEEN + 1) for k in range(1, _BETWEEN + 1)]

    def _varies(self, turn: Turn) -> bool:
        setting = self.delivery.setting(turn.time_h) if turn.says("programmed") else None
        return setting is not None and len(set(setting.program.rates)) > 1

    def _is_among(self, what: str) -> bool:
        self._zoomed[what] += 1
        return self._zoomed[what] <= _MOST_ZOOMS
