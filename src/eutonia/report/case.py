"""The figure of one person: dose, exposure, effect, tone, scores and risk over one shared axis of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eutonia.report import svg, words
from eutonia.report.course import SCALES, Panel, panels, window
from eutonia.report.figures import time_axis
from eutonia.report.words import Number
from eutonia.trial.result import StudyResult, Zoom

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BRIEF = {"exposure": "Drug", "effect": "Receptor", "risk": "Risk"}
_HEIGHTS = {"dose": 84, "exposure": 138, "effect": 100, "tone": 112, "risk": 92}
_HEAD = 24.0
_SPACE = 16.0
_LOG_DECADES = 4.5
_DENSE = 200
_EDGE = 14.0


@dataclass(frozen=True)
class Marker:
    """Events close enough to share one mark: number shown, time in h, what happened."""

    number: str
    time_h: float
    label: str


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
            "; ".join(label for _, _, label in group),
        )
        for group in groups
    ]


def timeline(result: StudyResult, zoom: Zoom | None = None, name: str = "case") -> svg.Drawing:
    """Draw the whole course, or a stretch of it, for a wide page and for a phone."""
    return drawings(result, [zoom], name)[0]


def drawings(result: StudyResult, zooms: Sequence[Zoom | None], name: str = "case") -> list[svg.Drawing]:
    """Draw several stretches of one course; None is the whole of it."""
    strips = panels(result.course)
    return [_timeline(result, strips, zoom, f"{name}-{index}") for index, zoom in enumerate(zooms)]


def _timeline(result: StudyResult, whole: Sequence[Panel], zoom: Zoom | None, name: str) -> svg.Drawing:
    time = result.course["time_h"].to_numpy().astype(float)
    first, last = (float(time[0]), float(time[-1])) if zoom is None else (zoom.start_h, zoom.end_h)
    strips = [strip for one in whole if (strip := window(one, time, first, last)) is not None]
    numbers = markers(result.events, float(time[-1] - time[0]))
    inside = [mark for mark in numbers if first <= mark.time_h <= last]
    shown = zoom.title if zoom else "The whole course"
    text = f"{shown}: " + "; ".join(
        f"{strip.title} ({', '.join(line.name for line in strip.lines)})" for strip in strips
    )
    wide = _draw(time, strips, inside, (first, last), f"{name}-w", shown, text, 1000)
    narrow = _draw(time, strips, inside, (first, last), f"{name}-n", shown, text, 350)
    return svg.Drawing(shown, text, wide, narrow)


def _draw(
    time: np.ndarray,
    strips: Sequence[Panel],
    marks: Sequence[Marker],
    span: tuple[Number, Number],
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
    heads = [_head_height(strip, inner) for strip in strips]
    total = lane + sum(heights) + sum(heads) + _SPACE * len(strips) + foot - _SPACE
    with svg.style(12 if width > 600 else 11):
        figure = svg.sheet(width, total)
        offset = 0.0 if span[0] < 1.0 or span[1] - span[0] > 0.5 * span[1] else span[0]
        events = svg.place(figure, left, 0, inner, total - foot)
        _event_lane(events, marks, rows, lane, total - foot, span, inner=inner, named=is_named)
        top = float(lane)
        for strip, height, head in zip(strips, heights, heads, strict=True):
            _head(figure, strip, left, top, inner)
            axes = svg.place(figure, left, top + head, inner, height)
            _strip(axes, strip, (time - offset) / unit.hours, inner, tuple((end - offset) / unit.hours for end in span))
            axes.set_xlim((span[0] - offset) / unit.hours, (span[1] - offset) / unit.hours)
            time_axis(axes, span[0], span[1], unit, "start" if not offset else _since(offset), 14 if width > 600 else 6)
            if strip is not strips[-1]:
                axes.set_xlabel("")
                axes.tick_params(labelbottom=False, length=0)
            top += head + height + _SPACE
        return svg.inline(figure, name, title, text)


def _since(time_h: Number) -> str:
    """Return the start of a closer look as a date on the long axis: "month 13.9"."""
    value, name = words.moment(time_h).split(" ")
    return f"{name.removesuffix('s')} {value}"


def _rows(
    marks: Sequence[Marker], span: tuple[Number, Number], inner: Number, *, is_wide: bool
) -> tuple[list[int], bool]:
    """Choose a row for every event so that none overlap: with words if five rows are enough, else numbers alone."""

    def fit(widths: Sequence[Number], most: int) -> list[int] | None:
        ends, out = [-1e9] * most, []
        for mark, wide in zip(marks, widths, strict=True):
            x = (mark.time_h - span[0]) / (span[1] - span[0]) * inner
            is_late = x + wide > inner + _EDGE
            row = next((k for k in range(most) if (x - wide if is_late else x - 11) > ends[k]), None)
            if row is None:
                return None
            ends[row] = x + (11 if is_late else wide)
            out.append(row)
        return out

    named = fit([24 + 6.9 * len(mark.label) for mark in marks], 5) if is_wide else None
    if named is not None:
        return named, True
    return fit([11 + 6 * len(mark.number) for mark in marks], 4) or [k % 4 for k in range(len(marks))], False


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
        wide = 24 + 6.9 * len(mark.label)
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
            is_late = (mark.time_h - span[0]) / hours_a_px + wide > inner + _EDGE
            shift = -14 * hours_a_px if is_late else 14 * hours_a_px
            axes.text(mark.time_h + shift, y, mark.label, ha="right" if is_late else "left", va="center", fontsize=11.5)


def _head_words(strip: Panel, inner: Number) -> tuple[str, list[str]]:
    """Return the title of a panel and the names of its lines, shorter where there is little room."""
    is_wide = inner > 500
    title = strip.title if is_wide else _BRIEF.get(strip.kind, strip.title)
    if len(strip.lines) == 1 and strip.lines[0].name == strip.title:
        names = []
    else:
        names = [line.name if is_wide else _brief(line.name) for line in strip.lines]
    return (f"{title}, {strip.unit}" if strip.unit else title), names


def _head_height(strip: Panel, inner: Number) -> float:
    """Return one row of height, or two where title and names do not fit beside one another."""
    title, names = _head_words(strip, inner)
    size = 11.0
    return (
        _HEAD if 7.6 * len(title) + sum(0.58 * size * len(name) + 38 for name in names) < inner + 46 else 2 * _HEAD - 6
    )


def _head(figure: Figure, strip: Panel, left: Number, top: Number, inner: Number) -> None:
    """Write the name of a panel and its unit, and at the right, or below, a small sample and name of each line."""
    from matplotlib.lines import Line2D

    full_width, full_height = figure.get_size_inches() * 72
    height = _head_height(strip, inner)
    title, names = _head_words(strip, inner)
    y = 1 - (top + _HEAD / 2 - 1) / full_height
    figure.text(6 / full_width, y, title, fontweight="bold", va="center", color=svg.colour("ink"))
    size, y = 11.0, 1 - (top + height - _HEAD / 2 - 1) / full_height
    wide = sum(0.58 * size * len(name) + 24 for name in names) + 14 * (len(names) - 1)
    x = left + inner - wide if height == _HEAD else 6.0
    for line, name in zip(strip.lines, names, strict=False):
        ends = [x / full_width, (x + 18) / full_width]
        sample = Line2D(ends, [y, y], color=svg.colour(line.colour), linestyle=line.dash, linewidth=2)
        figure.add_artist(sample)
        figure.text((x + 24) / full_width, y, name, va="center", fontsize=size, color=svg.colour("muted"))
        x += 0.58 * size * len(name) + 38


def _brief(name: str) -> str:
    """Return the word that tells a line apart where there is little room."""
    return name.split(", ")[-1] if ", " in name else name.split(" at the ")[-1].removesuffix(" segments")


def _strip(axes: Axes, strip: Panel, time: np.ndarray, inner: Number, ends: tuple[Number, ...]) -> None:
    """Draw the lines of one panel; scores as steps with a dot at each examination, exposure on a log axis."""
    is_score = strip.kind in SCALES
    points = int(inner / 2)
    top = 0.0
    for line in strip.lines:
        known = np.isfinite(line.middle) & (line.middle > 0 if strip.kind == "exposure" else True) & (time <= ends[1])
        known &= True if is_score else time >= ends[0]
        if not known.any():
            continue
        top = max(top, float(np.nanmax(line.high[known])))
        x, middle = svg.thin(time[known].tolist(), line.middle[known].tolist(), points)
        if is_score:
            x, middle = [*x, ends[1]], [*middle, middle[-1]]
        drawn = "steps-post" if is_score or strip.kind == "dose" else "default"
        style = "solid" if is_score and not line.dash else line.dash
        axes.plot(x, middle, color=svg.colour(line.colour), linestyle=style, drawstyle=drawn, linewidth=1.8)
        if is_score and known.sum() <= _DENSE:
            mark = "o" if line.colour == "leg" else "D"
            axes.plot(time[known], line.middle[known], mark, color=svg.colour(line.colour), markersize=3.4)
        if not np.array_equal(line.low, line.high, equal_nan=True):
            x, low = svg.thin(time[known].tolist(), line.low[known].tolist(), points)
            x2, high = svg.thin(time[known].tolist(), line.high[known].tolist(), points)
            axes.fill(
                [*x, *reversed(x2)], [*low, *reversed(high)], color=svg.colour(line.colour), alpha=0.16, linewidth=0
            )
    _scale_axis(axes, strip, top)


def _scale_axis(axes: Axes, strip: Panel, top: Number) -> None:
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
    if strip.kind in ("dose", "effect", "risk"):
        axes.set_ylim(0, max(top * 1.08, 1e-9) if top else 1.0)
    else:
        axes.margins(y=0.12)
        low, high = axes.get_ylim()
        if strip.kind in SCALES and high - low < 1.0:
            axes.set_ylim((low + high) / 2 - 0.6, (low + high) / 2 + 0.6)
