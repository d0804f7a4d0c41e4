"""The one rule on the course: where what leaves the tip is not what was wanted, for how long, and why.

Equation
    D(t) = drug out of the tip in the 24 h before t; W(t) = what was wanted in them
    reported where |D - W| > s max(W, dose of a day in force) for longer than T, or nothing leaves the tip for longer
    than T0 although a dose is wanted
Assumptions
    What is wanted is the program; while a bridge runs, the dose that it keeps; after a stop, nothing; and a bolus that
    the person may call, on top. The records course_deviation, course_deviation_time and course_nothing_time are s, T
    and T0.
Not for
    Whether a dose is right: that is for the other rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.pump.course import Delivery
from eutonia.drug.pump.implant import Piece

# Shares and times within this of a limit are at it, not beyond; far above rounding.
_SAME = 1e-6
# A cause that brings less than this share of what is missing in a stretch is not told.
_MINOR = 0.1
# Less than this share of a day's dose, missing or too much, is a crumb.
_CRUMB = 0.01

Edges = Float[np.ndarray, " edge"]
Times = Float[np.ndarray, " time"]
Spans = Float[np.ndarray, " span"]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class WrongDose:
    """A stretch in which the tip gives too much or too little for one cause: mean rates in ug/day over it."""

    start_h: float
    end_h: float
    cause: str
    tip: float
    wanted: float

    @property
    def hours(self) -> float:
        """Length, h."""
        return self.end_h - self.start_h


def stretches(course: Delivery) -> tuple[WrongDose, ...]:
    """Return where the tip does not give what is wanted, each with its cause, in order of time."""
    pieces = [piece for piece in course.pieces if piece.hours > 0]
    if not pieces:
        return ()
    chosen: dict[tuple[str, bool], list[Span]] = {}
    for begin, end, is_over in [*_days(course, pieces), *_nothing(pieces)]:
        for cause, spans in _causes(pieces, begin, end, is_over).items():
            chosen.setdefault((cause, is_over), []).extend(spans)
    found = [
        _stretch(course, cause, span) for (cause, _), spans in chosen.items() for span in _joined(sorted(set(spans)))
    ]
    return tuple(sorted((one for one in found if _matters(course, one)), key=lambda one: (one.start_h, one.cause)))


def _matters(course: Delivery, one: WrongDose) -> bool:
    """Return whether a stretch is more than a crumb of the dose of a day."""
    setting = course.setting(one.start_h)
    day = max(one.wanted, setting.program.ug_per_day if setting else 0.0)
    return abs(one.tip - one.wanted) * one.hours / HOURS_A_DAY > max(_CRUMB * day, _SAME)


def _causes(pieces: list[Piece], begin: float, end: float, is_over: bool) -> dict[str, list[Span]]:
    """Return the causes that matter between two times, each with the spans in which it acts."""
    spans: dict[str, list[Span]] = {}
    missing: dict[str, float] = {}
    for piece in pieces:
        first, last = max(piece.start_h, begin), min(piece.end_h, end)
        if not piece.cause or last <= first or (piece.delivered > piece.wanted) != is_over:
            continue
        spans.setdefault(piece.cause, []).append((first, last))
        off = (last - first) * abs(piece.delivered - piece.wanted)
        missing[piece.cause] = missing.get(piece.cause, 0.0) + off
    least = _MINOR * sum(missing.values())
    return {cause: spans[cause] for cause, amount in missing.items() if amount >= least}


def _joined(spans: list[Span]) -> Iterator[Span]:
    """Yield spans in order of time, those joined that have no more than a day between them."""
    first, last = spans[0]
    for begin, end in spans[1:]:
        if begin - last > HOURS_A_DAY:
            yield first, last
            first = begin
        last = max(last, end)
    yield first, last


def _stretch(course: Delivery, cause: str, span: Span) -> WrongDose:
    tip, wanted = (float(given[0]) for given in (course.totals(span)[1], course.wanted(span)))
    hours = span[1] - span[0]
    return WrongDose(*span, cause, tip / hours * HOURS_A_DAY, wanted / hours * HOURS_A_DAY)


def _nothing(pieces: list[Piece]) -> Iterator[tuple[float, float, bool]]:
    """Yield spans in which nothing leaves the tip although a dose is wanted."""
    least, begin = parameters.load("pump").value("course_nothing_time", "h"), None
    for piece in [*pieces, None]:
        is_dry = piece is not None and piece.delivered == 0.0 and piece.wanted > 0.0
        if is_dry and begin is None:
            begin = piece.start_h if piece else None
        if not is_dry and begin is not None:
            end = pieces[-1].end_h if piece is None else piece.start_h
            if end - begin >= least - _SAME:
                yield begin, end, False
            begin = None


def _days(course: Delivery, pieces: list[Piece]) -> Iterator[tuple[float, float, bool]]:
    """Yield the spans behind running days that differ for too long: from a day before their first hour on."""
    records = parameters.load("pump")
    share, least = records.value("course_deviation", "1"), records.value("course_deviation_time", "h")
    edges = np.array([pieces[0].start_h, *(piece.end_h for piece in pieces)])
    at = np.unique(np.concatenate([edges, edges + HOURS_A_DAY, np.arange(edges[0], edges[-1])]))
    at = at[at <= edges[-1]]
    tip, wanted = (
        _running(edges, np.array([getattr(piece, name) for piece in pieces]), at) for name in ("delivered", "wanted")
    )
    doses = np.array([0.0, *(one.program.ug_per_day for one in course.settings)])
    starts = np.array([one.at_h for one in course.settings])
    force = doses[np.searchsorted(starts, (at[1:] + at[:-1]) / 2.0, side="right")]
    dust = _SAME * max(float(wanted.max(initial=0.0)), 1.0)
    for is_over in (False, True):
        off = (tip - wanted) * (1.0 if is_over else -1.0)
        beyond = [
            off[side] - share * (1.0 + _SAME) * np.maximum(wanted[side], force) - dust
            for side in (slice(None, -1), slice(1, None))
        ]
        for begin, end in _spans(at, *beyond):
            if end - begin >= least - _SAME:
                yield begin - HOURS_A_DAY, end, is_over


def _running(edges: Edges, rate: Float[np.ndarray, " piece"], at: Times) -> Times:
    """Return what flowed in the 24 h before each time."""
    held = np.concatenate([[0.0], np.cumsum(rate * np.diff(edges))])
    return np.interp(at, edges, held) - np.interp(at - HOURS_A_DAY, edges, held)


def _spans(at: Times, left: Spans, right: Spans) -> Iterator[tuple[float, float]]:
    """Yield where a function is above 0 that runs straight from `left` to `right` between neighbouring times."""
    width = np.diff(at)
    with np.errstate(divide="ignore", invalid="ignore"):
        zero = np.clip(left / (left - right), 0.0, 1.0)
    begin = np.where(left > 0, at[:-1], at[:-1] + zero * width)
    end = np.where(right > 0, at[1:], at[:-1] + zero * width)
    inside: Bool[np.ndarray, " span"] = (left > 0) | (right > 0)
    open_at: float | None = None
    last = 0.0
    for k in np.flatnonzero(inside):
        if open_at is not None and begin[k] > last + _SAME:
            yield open_at, last
            open_at = None
        open_at = float(begin[k]) if open_at is None else open_at
        last = float(end[k])
    if open_at is not None:
        yield open_at, last
