"""What the pump of a case does, turn by turn: the pieces of delivery that `drug.pump.play` yields."""

from __future__ import annotations

import bisect
from dataclasses import dataclass, replace

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.pump.course import Delivery
from eutonia.drug.pump.implant import Piece
from eutonia.drug.pump.notes import Happening

# Times that differ by less (h) are one turn: rounding of the moment at which a reservoir runs dry.
_SAME_H = 1e-6
# A rate that rises or falls by more than this factor needs the finest steps behind it.
_STEEP = 2.0
#: A change of more than this share of the rate is looked at closely.
LARGE = 0.2
#: Turns of a program that are looked at, each: beyond so many only those near what happened to the pump.
MOST_LOOKS = 2000
_NEAR_H = 14 * HOURS_A_DAY
_CALLS = ("called", "refused")
_QUIET = ("alarm", "refused")


@dataclass(frozen=True)
class Turn:
    """A time at which the rate at the tip changes or something happens to the pump.

    Attributes
    ----------
    time_h
        On the clock of the therapy.
    before, rate
        Rate at the tip before and from then on, ug/h.
    happened
        What happened then; empty for a step of the program.
    is_other
        Whether another solution reaches the tip, or drug after none.
    is_seen
        Whether the turn is one to look at.
    """

    time_h: float
    before: float
    rate: float
    happened: tuple[Happening, ...]
    is_other: bool
    is_seen: bool = True

    @property
    def is_quiet(self) -> bool:
        """Whether nothing about the flow changes, not even by a program that says the same again."""
        return self.rate == self.before and all(one.what in _QUIET for one in self.happened)

    @property
    def is_idle(self) -> bool:
        """Whether a bolus was called and refused, and nothing else: the drug goes on as if nobody had called."""
        return self.rate == self.before and all(one.what == "refused" for one in self.happened)

    @property
    def is_abrupt(self) -> bool:
        """Whether the drug needs the finest steps from here on."""
        low, high = sorted((self.before, self.rate))
        return high > 0 and (low == 0 or self.is_other or high > _STEEP * low)

    @property
    def is_large(self) -> bool:
        """Whether what follows is worth a close look: not a step that comes every day, nor a bolus that is called."""
        is_event = self.is_other or any(one.what not in (*_CALLS, *_QUIET) for one in self.happened)
        return is_event and (self.is_abrupt or abs(self.rate - self.before) > LARGE * self.before)

    def says(self, *what: str) -> bool:
        """Whether something of these kinds happened."""
        return any(one.what in what for one in self.happened)


def turns(course: Delivery) -> list[Turn]:
    """Return every turn of a delivery, in order of time."""
    pieces = [piece for piece in course.pieces if piece.hours > 0]
    if not pieces:
        return []
    starts, end = [piece.start_h for piece in pieces], pieces[-1].end_h
    found: list[Turn] = []
    last: float | None = None  # strength of what left the tip last, drug or none
    rate = 0.0
    for time_h, happened in _moments(course, starts, end):
        piece = pieces[bisect.bisect_right(starts, time_h + _SAME_H) - 1]
        is_other = piece.delivered > 0 and last is not None and piece.strength != last
        turn = Turn(time_h, rate, piece.delivered, happened, is_other)
        last, rate = piece.strength if piece.flow > 0 or piece.delivered > 0 else last, piece.delivered
        if happened or turn.before != turn.rate:
            found.append(turn)
    return _seen(found)


def _moments(course: Delivery, starts: list[float], end: float) -> list[tuple[float, tuple[Happening, ...]]]:
    """Return the times at which anything may change, and what happened then."""
    marks: list[tuple[float, Happening | None]] = [(at, None) for at in starts]
    marks += [(one.at_h, one) for one in course.happenings if one.at_h <= end]
    groups: list[tuple[float, list[Happening]]] = []
    for at, one in sorted(marks, key=lambda mark: mark[0]):
        if not groups or at - groups[-1][0] > _SAME_H:
            groups.append((at, []))
        if one is not None:
            groups[-1][1].append(one)
    return [(at, tuple(here)) for at, here in groups]


def _seen(found: list[Turn]) -> list[Turn]:
    """Return turns of which only those near what happened are looked at, where there are too many for all."""
    if len(found) <= MOST_LOOKS:
        return found
    near = [turn.time_h for turn in found if any(one.what not in _CALLS for one in turn.happened)]
    kept, left = [], MOST_LOOKS
    for turn in found:
        place = bisect.bisect_right(near, turn.time_h) - 1
        is_near = place >= 0 and turn.time_h - near[place] <= _NEAR_H
        is_event = any(one.what not in _CALLS for one in turn.happened)
        is_seen = is_event or (is_near and left > 0)
        left -= is_seen
        kept.append(replace(turn, is_seen=is_seen))
    return kept


def giving(course: Delivery) -> list[Piece]:
    """Return the pieces in which drug leaves the tip, in order of time."""
    return [piece for piece in course.pieces if piece.hours > 0 and piece.delivered > 0]


def flows_from(given: list[Piece], end_h: float, time_h: float) -> bool:
    """Say whether drug leaves the tip at a time or soon after: a pause of a program is no time without drug.

    `given` are the pieces of `giving`. Where the course ends, at `end_h`, before it is known, a pause is taken for one
    if drug has flowed so shortly before it.
    """
    brief = parameters.load("pump").value("course_nothing_time", "h")
    first = time_h if time_h + brief <= end_h else time_h - brief
    place = bisect.bisect_right(given, first + _SAME_H, key=lambda piece: piece.end_h)
    return place < len(given) and given[place].start_h < time_h + brief
