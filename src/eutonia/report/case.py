"""The figure of one person: dose, exposure, effect, tone, scores and risk over one shared axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eutonia.report import svg, words
from eutonia.report.course import GRADES, Panel, panels, seen, window
from eutonia.report.figures import time_axis
from eutonia.report.words import Number
from eutonia.trial.result import StudyResult, Zoom

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BRIEF = {"exposure": "Drug", "receptor": "Receptor effect", "sensitivity": "Sensitivity", "risk": "Risk"}
_HEIGHTS = {"dose": 84, "exposure": 138, "receptor": 96, "tone": 112}
_HEAD = 24.0
_SPACE = 16.0
_LOG_DECADES = 4.5
_DENSE = 200
_EDGE = 14.0
_LETTER = 6.0


@dataclass(frozen=True)
class Marker:
    """Events close enough to share one mark: number shown, time in h, what happened."""

    number: str
    time_h: float
    label: str

    @property
    def half(self) -> float:
        """Return half the width of the mark, px."""
        return 7.5 + 3.3 * len(self.number)

    @property
    def wide(self) -> float:
        """Return the room that the words need to the right of the middle of the mark, px."""
        return self.half + 14 + 6.7 * len(self.label)


def markers(events: Sequence[tuple[Number, str]], span_h: Number, apart: Number = 0.004) -> list[Marker]:
    """Return the events numbered in order of time; those closer than `apart` of the span share one mark."""
    groups: list[list[tuple[int, float, str]]] = []
    for number, (time_h, label) in enumerate(sorted(events, key=lambda event: event[0]), start=1):
        if groups and time_h - groups[-1][-1][1] <= apart * span_h:
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


def drawings(result: StudyResult) -> tuple[svg.Drawing, list[svg.Drawing], svg.Drawing | None]:
    """Draw the whole course, the closer looks, and the variables that only some readers want, if there are any."""
    strips = panels(result.course)
    main = [strip for strip in strips if strip.is_main] or strips
    rest = [strip for strip in strips if strip not in main]
    zooms = [_timeline(result, main, zoom, f"zoom-{k}") for k, zoom in enumerate(result.zooms)]
    more = _timeline(result, rest, None, "more") if rest else None
    return _timeline(result, main, None, "case"), zooms, more


def _timeline(result: StudyResult, whole: Sequence[Panel], zoom: Zoom | None, name: str) -> svg.Drawing:
    """Draw one stretch of the course for a wide page and for a phone."""
    time = result.course["time_h"].to_numpy().astype(float)
    first, last = (float(time[0]), float(time[-1])) if zoom is None else (zoom.start_h, zoom.end_h)
    strips = [strip for one in whole if (strip := window(one, time, first, last)) is not None]
    numbers = markers(result.events, float(time[-1] - time[0]))
    if zoom is not None:
        numbers = markers(result.events, float(last - first))
    inside = [mark for mark in numbers if first <= mark.time_h <= last]
    shown = zoom.title if zoom else "The whole course"
    text = f"{shown}: " + "; ".join(
        f"{strip.title} ({', '.join(line.name for line in strip.lines)})" for strip in strips
    )
    long_unit = words.time_unit(float(time[-1] - time[0]))
    since = (
        "start" if zoom is None or first < 1 else f"{long_unit.name.removesuffix('s')} {first / long_unit.hours:.1f}"
    )
    wide = _draw(time, strips, inside, (first, last), since, f"{name}-w", shown, text, 1000)
    narrow = _draw(time, strips, inside, (first, last), since, f"{name}-n", shown, text, 350)
    return svg.Drawing(shown, text, wide, narrow)


def _draw(
    time: np.ndarray,
    strips: Sequence[Panel],
    marks: Sequence[Marker],
    span: tuple[Number, Number],
    since: str,
    name: str,
    title: str,
    text: str,
    width: int,
) -> Markup:
    left, right, foot = 52, 14, 48
    inner = width - left - right
    unit = words.time_unit(span[1] - span[0])
    rows, is_named = _rows(marks, span, inner, is_wide=width > 600)
    lane = 8 + 20 * (max(rows, default=-1) + 1)
    heights = [_HEIGHTS.get(strip.kind, 88) for strip in strips]
    heads = [_legend(strip, inner)[0] for strip in strips]
    total = lane + sum(heights) + sum(heads) + _SPACE * len(strips) + foot - _SPACE
    with svg.style(12 if width > 600 else 11):
        figure = svg.sheet(width, total)
        offset = 0.0 if since == "start" else span[0]
        events = svg.place(figure, left, 0, inner, total - foot)
        _event_lane(events, marks, rows, lane, total - foot, span, inner=inner, named=is_named)
        top = float(lane)
        for strip, height, head in zip(strips, heights, heads, strict=True):
            _head(figure, strip, left, top, inner)
            axes = svg.place(figure, left, top + head, inner, height)
            _strip(axes, strip, (time - offset) / unit.hours, inner, tuple((end - offset) / unit.hours for end in span))
            axes.set_xlim((span[0] - offset) / unit.hours, (span[1] - offset) / unit.hours)
            time_axis(axes, span[0], span[1], unit, since, 14 if width > 600 else 6)
            if strip is not strips[-1]:
                axes.set_xlabel("")
                axes.tick_params(labelbottom=False, length=0)
            top += head + height + _SPACE
        return svg.inline(figure, name, title, text)


def _rows(
    marks: Sequence[Marker], span: tuple[Number, Number], inner: Number, *, is_wide: bool
) -> tuple[list[int], bool]:
    """Choose a row for every event so that none overlap: with words if five rows are enough, else numbers alone."""

    def fit(most: int, *, named: bool) -> list[int] | None:
        ends, out = [-1e9] * most, []
        for mark in marks:
            x = (mark.time_h - span[0]) / (span[1] - span[0]) * inner
            is_late = named and x + mark.wide > inner + _EDGE
            start = x - (mark.wide if is_late else mark.half)
            row = next((k for k in range(most) if start > ends[k]), None)
            if row is None:
                return None
            ends[row] = x + (mark.wide if named and not is_late else mark.half) + 2
            out.append(row)
        return out

    named = fit(5, named=True) if is_wide else None
    if named is not None:
        return named, True
    return fit(4, named=False) or [k % 4 for k in range(len(marks))], False


def _event_lane(
    axes: Axes,
    marks: Sequence[Marker],
    rows: Sequence[int],
    lane: Number,
    height: Number,
    span: tuple[Number, Number],
    *,
    inner: Number,
    named: bool,
) -> None:
    """Draw a numbered mark for each event above the panels, its words if they fit, and a hair line through all."""
    axes.set_axis_off()
    axes.set_xlim(*span)
    axes.set_ylim(height, 0)
    axes.set_zorder(-1)
    hours_a_px = (span[1] - span[0]) / inner
    for mark, row in zip(marks, rows, strict=True):
        y = 10 + 20 * row
        axes.plot([mark.time_h] * 2, [y, height], color=svg.colour("line"), linewidth=0.9, alpha=0.75, clip_on=False)
    for mark, row in zip(marks, rows, strict=True):
        y = 10 + 20 * row
        badge = {
            "boxstyle": "circle,pad=0.22" if len(mark.number) == 1 else "round,pad=0.3,rounding_size=0.9",
            "facecolor": svg.colour("ink"),
            "edgecolor": "none",
        }
        text = axes.text(
            mark.time_h, y, mark.number, ha="center", va="center", fontsize=10, fontweight="bold", bbox=badge
        )
        text.set_color(svg.colour("paper"))
        if named:
            is_late = (mark.time_h - span[0]) / hours_a_px + mark.wide > inner + _EDGE
            shift = (mark.half + 4) * hours_a_px * (-1 if is_late else 1)
            axes.text(mark.time_h + shift, y, mark.label, ha="right" if is_late else "left", va="center", fontsize=11.5)


def _head_words(strip: Panel, inner: Number) -> tuple[str, list[str]]:
    """Return the title of a panel and the names of its lines, shorter where there is little room."""
    is_wide = inner > 500
    title = strip.title if is_wide else _BRIEF.get(strip.kind, strip.title)
    if len(strip.lines) == 1 and strip.lines[0].name in (strip.title, "Leg", "Arm"):
        names = []
    else:
        names = [line.name if is_wide or not line.where else _brief(line.name, line.where) for line in strip.lines]
    return (f"{title}, {strip.unit}" if strip.unit else title), names


def _brief(name: str, where: str) -> str:
    """Return the word that tells a line apart where there is little room."""
    return name if name.casefold().startswith(where) else where


def _legend(strip: Panel, inner: Number) -> tuple[float, list[list[tuple[float, int]]]]:
    """Return the height of a panel's head, and for each row of its legend the place (px from the left) of each line."""
    title, names = _head_words(strip, inner)
    widths = [_LETTER * len(name) + 24 for name in names]
    gap = 14.0
    whole = sum(widths) + gap * (len(widths) - 1)
    if 7.6 * len(title) + whole < inner + 20:
        x, row = inner - whole, []
        for index, wide in enumerate(widths):
            row.append((x, index))
            x += wide + gap
        return _HEAD, [row]
    rows: list[list[tuple[float, int]]] = [[]]
    x = 0.0
    for index, wide in enumerate(widths):
        if rows[-1] and x + wide > inner + 46:
            rows.append([])
            x = 0.0
        rows[-1].append((x - 46, index))
        x += wide + gap
    return _HEAD + 18.0 * len(rows), rows


def _head(figure: Figure, strip: Panel, left: Number, top: Number, inner: Number) -> None:
    """Write the name of a panel and its unit, and at the right, or below, a small sample and name of each line."""
    from matplotlib.lines import Line2D

    full_width, full_height = figure.get_size_inches() * 72
    height, rows = _legend(strip, inner)
    title, names = _head_words(strip, inner)
    y = 1 - (top + _HEAD / 2 - 1) / full_height
    figure.text(6 / full_width, y, title, fontweight="bold", va="center", color=svg.colour("ink"))
    for index, row in enumerate(rows):
        y = 1 - (top + (_HEAD / 2 - 1 if height == _HEAD else _HEAD + 18 * index + 7)) / full_height
        for place, which in row:
            line, x = strip.lines[which], left + place
            ends = [x / full_width, (x + 18) / full_width]
            sample = Line2D(ends, [y, y], color=svg.colour(line.colour), linestyle=line.dash, linewidth=2)
            figure.add_artist(sample)
            figure.text((x + 24) / full_width, y, names[which], va="center", fontsize=11, color=svg.colour("muted"))


def _strip(axes: Axes, strip: Panel, time: np.ndarray, inner: Number, ends: tuple[Number, ...]) -> None:
    """Draw the lines of one panel; grades as steps, with dots where they were looked at only now and then."""
    points = int(inner / 2)
    tops, lows = [0.0], [0.0]
    for line in strip.lines:
        places = seen(strip, line, time, ends[0], ends[1])
        if not places.size:
            continue
        colour, hours = svg.colour(line.colour), time[places]
        low, middle, high = (values[places] for values in (line.low, line.middle, line.high))
        tops.append(float(np.nanmax(high if line.has_band else middle)))
        lows.append(float(np.nanmin(low if line.has_band else middle)))
        x, y = svg.thin(hours.tolist(), middle.tolist(), points)
        if strip.is_stepped:
            x, y = [*x, ends[1]], [*y, y[-1]]
        drawn = "steps-post" if strip.is_stepped else "default"
        wide = 1.2 if line.is_quiet else 1.8
        axes.plot(x, y, color=colour, linestyle=line.dash, drawstyle=drawn, linewidth=wide)
        is_examined = strip.kind in GRADES and not np.isfinite(line.middle).all()
        if is_examined and places.size <= _DENSE:
            axes.plot(hours, middle, "o" if line.where == "leg" else "D", color=colour, markersize=3.4)
        if line.has_band:
            x, bottom = _edge(*svg.thin(hours.tolist(), low.tolist(), points), ends[1], strip)
            x2, roof = _edge(*svg.thin(hours.tolist(), high.tolist(), points), ends[1], strip)
            axes.fill([*x, *reversed(x2)], [*bottom, *reversed(roof)], color=colour, alpha=0.13, linewidth=0)
    _scale_axis(axes, strip, max(tops), min(lows))


def _edge(time: list[float], values: list[float], end: Number, strip: Panel) -> tuple[list[float], list[float]]:
    """Return the edge of a band: with both corners of every step where values hold, else as it is."""
    if not strip.is_stepped:
        return time, values
    new = [k for k, value in enumerate(values) if not k or value != values[k - 1]]
    starts = [time[k] for k in new]
    corners = [corner for pair in zip(starts, [*starts[1:], float(end)], strict=True) for corner in pair]
    return corners, [values[k] for k in new for _ in range(2)]


def _scale_axis(axes: Axes, strip: Panel, top: Number, low: Number) -> None:
    """Give the axis of a panel its range and round numbers."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    if strip.kind == "exposure" and top > 0:
        axes.set_yscale("log")
        axes.set_ylim(top * 1.6 / 10**_LOG_DECADES, top * 1.6)
        axes.yaxis.set_major_locator(LogLocator(numticks=6))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        return
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "−"))
    if strip.kind in ("dose", "receptor", "sensitivity", "risk") and low >= 0:
        axes.set_ylim(0, top * 1.08 or 1.0)
    else:
        axes.margins(y=0.12)
        low, high = axes.get_ylim()
        if strip.kind in GRADES and high - low < 1.0:
            axes.set_ylim((low + high) / 2 - 0.6, (low + high) / 2 + 0.6)
