"""The figure of one person: dose, exposure, effect, tone, scores and risk over one shared axis of time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from markupsafe import Markup

from eutonia.assessment.scales import SCALES
from eutonia.report import words
from eutonia.report.case.panels import CourseLine, CoursePanel, is_grade, moment, moves, panels, seen, window
from eutonia.report.drawing import plot, scales, svg
from eutonia.report.trial.figures import time_steps
from eutonia.report.words import Number
from eutonia.trial.result import StudyResult, Zoom

_BRIEF = {
    "Drug in spinal fluid and blood": "Drug",
    "Effect at the receptor": "Receptor effect",
    "Receptor sensitivity": "Sensitivity",
    "Risk of adverse effects": "Risk",
}
_HEIGHTS = {"dose": 84, "exposure": 100}
_HEIGHT = 88
#: Strips taller than this go on a second sheet, so that none is cut by the end of a printed page, px.
_PAGE = 1150.0
_SMALL_LINE = 14.0
_HEAD = 24.0
_SPACE = 16.0
_LOG_DECADES = 4.5
_DENSE = 200
_EDGE = 14.0
_LEFT = 52
_MARGIN = 6.0
_SAMPLE = 24.0
_GAP = 14.0
_SMALL = 11.0
#: Width of the bins that long courses are thinned to, px.
_BIN = 3
#: Shares of the span within which events share a mark: the first for which all marks find room is taken.
_APART = (0.004, 0.012, 0.03, 0.06, 0.12)


@dataclass(frozen=True)
class Marker:
    """Events close enough to share one mark: number shown, time in h, what happened."""

    number: str
    time_h: float
    label: str

    @property
    def half(self) -> float:
        """Return half the width of the mark, px."""
        return max(7.5, svg.wide(self.number, 10, bold=True) / 2 + 3.5)

    @property
    def wide(self) -> float:
        """Return the room that the words need to the right of the middle of the mark, px."""
        return self.half + 8 + svg.wide(self.label, 11.5)


def markers(events: Sequence[tuple[Number, str]], span_h: Number, apart: Number = _APART[0]) -> list[Marker]:
    """Return the events numbered in order of time; those within `apart` of the span share one mark."""
    groups: list[list[tuple[int, float, str]]] = []
    for number, (time_h, label) in enumerate(sorted(events, key=lambda event: event[0]), start=1):
        if groups and time_h - groups[-1][0][1] <= apart * span_h:
            groups[-1].append((number, time_h, label))
        else:
            groups.append([(number, time_h, label)])
    return [
        Marker(
            str(group[0][0]) if len(group) == 1 else f"{group[0][0]}–{group[-1][0]}",
            group[0][1],
            "; ".join(words.said(label) for _, _, label in group),
        )
        for group in groups
    ]


def drawings(result: StudyResult) -> tuple[list[svg.Drawing], list[tuple[str, list[svg.Drawing]]], list[svg.Drawing]]:
    """Draw the whole course, the closer looks by title, and the variables that only some readers want."""
    strips = panels(result.course)
    main = [strip for strip in strips if strip.is_main] or strips
    rest = [strip for strip in strips if strip not in main]
    time, events = result.course["time_h"].to_numpy().astype(float), result.events
    close = [strip for strip in panels(moment(result.course)) if strip.is_main] if result.zooms else []
    zooms = [(zoom.title, timeline(time, events, close, zoom, f"zoom-{k}")) for k, zoom in enumerate(result.zooms)]
    return timeline(time, events, main, None, "case"), zooms, timeline(time, events, rest, None, "more") if rest else []


def timeline(
    time: Float[np.ndarray, " time"],
    events: Sequence[tuple[Number, str]],
    whole: Sequence[CoursePanel],
    zoom: Zoom | None,
    name: str,
) -> list[svg.Drawing]:
    """Draw one stretch of a course for a wide page and for a phone, on sheets that fit a printed page.

    `name` tells the drawings of a page apart; without a zoom the whole course is drawn.
    """
    first, last = (float(time[0]), float(time[-1])) if zoom is None else (zoom.start_h, zoom.end_h)
    strips = [strip for one in whole if (strip := window(one, time, first, last)) is not None]
    strips = [strip for strip in strips if zoom is None or moves(strip, time, first, last)] or strips
    numbered = [markers(events, float(last - first), apart) for apart in _APART]
    inside = [[mark for mark in marks if first <= mark.time_h <= last] for marks in numbered]
    shown = zoom.title if zoom else "The whole course"
    long_unit = words.time_unit(float(time[-1] - time[0]))
    begun = f"{first / long_unit.hours:.1f}".removesuffix(".0")
    since = "start" if zoom is None or first < 1 else f"{long_unit.name.removesuffix('s')} {begun}"
    limits = _limits(strips, time, (first, last))
    out = []
    for k, part in enumerate(_sheets(strips)):
        names = (f"{strip.title} ({', '.join(line.name for line in strip.lines)})" for strip in part)
        text = f"{shown}: {'; '.join(names)}"
        wide, narrow = (
            _draw(time, part, limits, inside, (first, last), since, f"{name}-{k}-{end}", shown, text, width)
            for end, width in (("w", 1000), ("n", 350))
        )
        out.append(svg.Drawing(shown, text, wide, narrow))
    return out


def _sheets(strips: Sequence[CoursePanel]) -> list[list[CoursePanel]]:
    """Deal strips out over as few sheets as hold them, evenly, each short enough for a page; limbs stay together."""
    tall = [_HEIGHTS.get(strip.kind, _HEIGHT) + _HEAD + _SPACE for strip in strips]
    count = max(1, math.ceil(sum(tall) / _PAGE))
    share, filled = sum(tall) / count, 0.0
    out: list[list[CoursePanel]] = [[]]
    for strip, height in zip(strips, tall, strict=True):
        is_sibling = bool(out[-1]) and out[-1][-1].family == strip.family
        if out[-1] and filled + height / 2 > share * len(out) and not is_sibling:
            out.append([])
        out[-1].append(strip)
        filled += height
    return out


def _limits(
    strips: Sequence[CoursePanel], time: Float[np.ndarray, " time"], span: tuple[Number, Number]
) -> dict[str, tuple[float, float]]:
    """Return the lowest and highest value that is drawn in each family of strips."""
    found: dict[str, tuple[float, float]] = {}
    for strip in strips:
        for line in strip.lines:
            if (at := seen(strip, line, time, *span)).size:
                under = line.low if line.has_band else line.middle if line.trough is None else line.trough
                low = float(np.nanmin(under[at]))
                high = float(np.nanmax((line.high if line.has_band else line.middle)[at]))
                high = (
                    min(high, scales.usual_most(line.middle[at], time[at], span[1])) if strip.kind == "dose" else high
                )
                before = found.get(_shared(strip), (low, high))
                found[_shared(strip)] = min(low, before[0]), max(high, before[1])
    return found


def _shared(strip: CoursePanel) -> str:
    """Return the name under which strips share a scale: limbs one of theirs, fluids each their own."""
    return strip.title if strip.kind == "exposure" else str(strip.family)


@dataclass(frozen=True)
class _Head:
    """The words above a panel: lines of the title, and what stands where in its legend, px from its top left corner.

    A legend entry is place, height, which line it is about, its words, and whether a sample of the line goes before.
    """

    height: float
    title: list[str]
    legend: list[tuple[float, float, int, str, bool]]
    caveat: list[str]


def _draw(
    time: Float[np.ndarray, " time"],
    strips: Sequence[CoursePanel],
    limits: Mapping[str, tuple[float, float]],
    coarser: Sequence[Sequence[Marker]],
    span: tuple[Number, Number],
    since: str,
    name: str,
    title: str,
    text: str,
    width: int,
) -> Markup:
    right, foot = 14, 48
    inner = width - _LEFT - right
    size = 12.0 if width > 600 else 11.0
    unit = words.time_unit(span[1] - span[0])
    fitting = [(one, found) for one in coarser if (found := _rows(one, span, inner, is_wide=width > 600))]
    marks, (rows, is_named) = fitting[0] if fitting else (coarser[-1], ([0] * len(coarser[-1]), False))
    lane = 8 + 20 * (max(rows, default=-1) + 1)
    heads = [_head(strip, width, size) for strip in strips]
    heights = [_HEIGHTS.get(strip.kind, _HEIGHT) for strip in strips]
    total = lane + sum(heights) + sum(head.height for head in heads) + _SPACE * (len(strips) - 1) + foot
    sheet = plot.Sheet(name, width, total, size)
    _event_lane(sheet, marks, rows, span, inner=inner, named=is_named, foot=total - foot)
    offset = 0.0 if since == "start" else span[0]
    ends = ((span[0] - offset) / unit.hours, (span[1] - offset) / unit.hours)
    at = time_steps(*ends, unit, 14 if width > 600 else 6)
    top = float(lane)
    for strip, height, head in zip(strips, heights, heads, strict=True):
        _write_head(sheet, strip, head, top)
        box = (_LEFT, top + head.height, inner, height)
        up = _range(strip, *limits.get(_shared(strip), (0.0, 0.0)))
        panel = _strip(sheet, strip, (time - offset) / unit.hours, box, ends, up)
        if strip is strips[-1]:
            panel.floor(at, scales.shown(at), unit.axis(since))
        else:
            panel.floor()
        top += head.height + height + _SPACE
    return sheet.finish(title, text)


def _rows(
    marks: Sequence[Marker], span: tuple[Number, Number], inner: Number, *, is_wide: bool
) -> tuple[list[int], bool] | None:
    """Return rows in which no marks overlap: with words if five are enough, else numbers alone; None if six are few."""

    def fit(most: int, *, named: bool) -> list[int] | None:
        ends, out = [-1e9] * most, []
        for mark in marks:
            x = (mark.time_h - span[0]) / (span[1] - span[0]) * inner
            is_late = named and x + mark.wide > inner + _EDGE
            start = x - (mark.wide if is_late else mark.half)
            if named and start < -_LEFT:
                return None
            row = next((k for k in range(most) if start > ends[k]), None)
            if row is None:
                return None
            ends[row] = x + (mark.wide if named and not is_late else mark.half) + 3
            out.append(row)
        return out

    named = fit(5, named=True) if is_wide else None
    if named is not None:
        return named, True
    numbers = fit(4, named=False) or fit(6, named=False)
    return None if numbers is None else (numbers, False)


def _event_lane(
    sheet: plot.Sheet,
    marks: Sequence[Marker],
    rows: Sequence[int],
    span: tuple[Number, Number],
    *,
    inner: Number,
    named: bool,
    foot: Number,
) -> None:
    """Draw a numbered mark for each event above the panels, its words if they fit, and a hair line through all."""
    across = scales.Axis(span[0], span[1], _LEFT, _LEFT + inner)
    places = [(mark, across.at(mark.time_h), 10 + 20 * row) for mark, row in zip(marks, rows, strict=True)]
    hair = "".join(f"M{x:.2f} {y}V{foot:.2f}" for _, x, y in places)
    if hair:
        sheet.stroke(hair, "line", 0.9, opacity=0.75)
    for mark, x, y in places:
        sheet.box(x - mark.half, y - 7.5, 2 * mark.half, 15, "ink", corner=7.5)
        sheet.text(x, y, mark.number, "paper", size=10, anchor="middle", bold=True, badge=True)
        if named:
            is_late = x - _LEFT + mark.wide > inner + _EDGE
            shift = -(mark.half + 4) if is_late else mark.half + 4
            sheet.text(x + shift, y, mark.label, size=11.5, anchor="end" if is_late else "start")


def _head_words(strip: CoursePanel, *, is_wide: bool) -> tuple[str, list[str]]:
    """Return the title of a panel and the names of its lines, shorter where there is little room."""
    is_short = not is_wide and strip.title in _BRIEF
    title = _BRIEF[strip.title] if is_short else strip.title
    one = strip.lines[0]
    if len(strip.lines) == 1 and one.name in (strip.title, "Leg", "Arm"):
        names = []
    else:
        names = [line.name if is_wide or not line.where else _brief(line.name, line.where) for line in strip.lines]
    return (f"{title}, {strip.unit}" if strip.unit else title), names


def _brief(name: str, where: str) -> str:
    """Return the word that tells a line apart where there is little room."""
    return name if name.casefold().startswith(where) else where


def _head(strip: CoursePanel, width: Number, size: Number) -> _Head:
    """Lay out the title and the legend of a panel: side by side if they fit, else the legend wraps below."""
    title, names = _head_words(strip, is_wide=width > 600)
    room = width - 2 * _MARGIN
    heading = svg.wrap(title, room, size, bold=True)
    widths = [svg.wide(name, _SMALL) + _SAMPLE for name in names]
    whole = sum(widths) + _GAP * (len(widths) - 1)
    caveat = svg.wrap(strip.caveat, room, _SMALL) if strip.caveat else []
    below = _SMALL_LINE * len(caveat) + 2 if caveat else 0.0
    y, x = _HEAD / 2 - 1, width - 14 - whole
    legend: list[tuple[float, float, int, str, bool]] = []
    if len(heading) == 1 and svg.wide(title, size, bold=True) + 2 * _GAP + whole <= width - 14 - _MARGIN:
        for index, (name, wide) in enumerate(zip(names, widths, strict=True)):
            legend.append((x, y, index, name, True))
            x += wide + _GAP
        return _Head(_HEAD + below, heading, legend, caveat)
    y += 16.0 * (len(heading) - 1)
    if not names:
        return _Head(y + _HEAD / 2 + 1 + below, heading, [], caveat)
    y, x = y + 18.0, _MARGIN
    for index, (name, wide) in enumerate(zip(names, widths, strict=True)):
        if x > _MARGIN and x + wide > width - _MARGIN:
            x, y = _MARGIN, y + 18.0
        for k, line in enumerate(svg.wrap(name, room - _SAMPLE, _SMALL)):
            y += 14.0 if k else 0.0
            legend.append((x, y, index, line, not k))
        x += wide + _GAP
    return _Head(y + 13.0 + below, heading, legend, caveat)


def _write_head(sheet: plot.Sheet, strip: CoursePanel, head: _Head, top: Number) -> None:
    """Write the name of a panel and its unit, and a small sample and the name of each line."""
    for k, line in enumerate(head.title):
        sheet.text(_MARGIN, top + _HEAD / 2 - 1 + 16 * k, line, bold=True)
    under = top + head.height - _SMALL_LINE * len(head.caveat) + 1
    for k, line in enumerate(head.caveat):
        sheet.text(_MARGIN, under + _SMALL_LINE * k, line, "muted", size=_SMALL)
    for x, y, which, said, is_first in head.legend:
        look = strip.lines[which]
        if is_first:
            sheet.stroke(f"M{x:.2f} {top + y:.2f}h18", look.colour, 2, look.dash)
        sheet.text(x + _SAMPLE, top + y, said, "muted", size=_SMALL)


def _strip(
    sheet: plot.Sheet,
    strip: CoursePanel,
    time: Float[np.ndarray, " time"],
    box: tuple[Number, Number, Number, Number],
    ends: tuple[Number, Number],
    scale: tuple[tuple[float, float], bool],
) -> plot.Panel:
    """Draw the lines of one panel; grades as steps, with dots where they were looked at only now and then."""
    shown = [(line, places) for line in strip.lines if (places := seen(strip, line, time, ends[0], ends[1])).size]
    up, is_log = scale
    panel = sheet.panel(box, ends, up, is_log=is_log)
    if (
        strip.kind == "dose"
        and (peak := max((float(line.middle[at].max()) for line, at in shown), default=0.0)) > up[1]
    ):
        sheet.text(panel.left + 4, panel.top + 8, f"briefly {peak:,.0f}", "muted", size=_SMALL)
    at = scales.decades(*up) if is_log else scales.steps_of(SCALES.get(strip.kind), *up)
    panel.rules(y=at)
    looks = []
    for line, places in shown:
        trough = line.middle if line.trough is None else line.trough
        courses = [values[places] for values in (time, line.middle, line.low, line.high, trough)]
        keep = svg.thinned(courses[0], courses[1:] if line.has_band else courses[1:2], int(box[2] / _BIN))
        x, middle, bottom, roof, under = (values[keep] for values in courses)
        if strip.is_stepped:
            x = np.append(x, ends[1])
            middle, bottom, roof, under = (np.append(values, values[-1]) for values in (middle, bottom, roof, under))
        looks.append((line, places, x, middle, under))
        if line.has_band:
            panel.band(x, bottom, roof, line.colour, 0.13, is_stepped=strip.is_stepped)
        if line.trough is not None:
            panel.band(x, under, middle, line.colour, 0.3)
    for line, places, x, middle, under in looks:
        thick = 1.2 if line.is_quiet or line.trough is not None else 1.8
        panel.line(x, middle, line.colour, thick, line.dash, is_stepped=strip.is_stepped)
        if line.trough is not None:
            panel.line(x, under, line.colour, thick, line.dash)
        _dots(panel, strip, line, time, places)
    panel.labels_up(at, [f"{value:g}" for value in at] if is_log else scales.shown(at))
    return panel


def _dots(
    panel: plot.Panel,
    strip: CoursePanel,
    line: CourseLine,
    time: Float[np.ndarray, " time"],
    places: Int[np.ndarray, " seen"],
) -> None:
    """Mark each look at a grade, where there are few enough to tell apart."""
    is_examined = is_grade(strip.kind) and not np.isfinite(line.middle).all()
    if not is_examined or places.size > _DENSE:
        return
    inside = places[(time[places] >= panel.x.low) & (time[places] <= panel.x.high)]
    panel.marks(time[inside], line.middle[inside], "o" if line.where == "leg" else "D", line.colour, 3.4)


def _range(strip: CoursePanel, low: Number, high: Number) -> tuple[tuple[float, float], bool]:
    """Return the ends of the scale of a panel, and whether it is logarithmic."""
    if strip.kind == "exposure" and high > 0 and not any(line.trough is not None for line in strip.lines):
        return (high * 1.6 / 10**_LOG_DECADES, high * 1.6), True
    return scales.whole(SCALES.get(strip.kind), low, high), False
