"""The pictures of a fit: data and fit, what is left over, and the resistance part by part, over one axis of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from eutonia.inference.stretch_fit import Course, StretchFit
from eutonia.report import plot, scales, svg

if TYPE_CHECKING:
    from markupsafe import Markup

    from eutonia.report.plot import Dash, Panel

_LEFT, _RIGHT, _HEAD, _FOOT, _GAP = 54.0, 14.0, 26.0, 46.0, 12.0
_BINS, _BAND = 260, 0.2
_TORQUES: tuple[tuple[str, str, str, Dash], ...] = (
    ("total", "all", "ink", "solid"),
    ("reflex", "stretch reflex", "leg", "solid"),
    ("background", "background tone", "leg", (5.0, 2.0)),
    ("elastic", "elastic", "limb-arm", "solid"),
    ("viscous", "viscous", "limb-arm", (5.0, 2.0)),
    ("short_range", "short-range", "brain", (1.5, 1.5)),
)

Curve = Float[np.ndarray, " time"]
Legend = Sequence[tuple[str, str, "Dash"]]


def drawings(result: StretchFit) -> list[svg.Drawing]:
    """Return one drawing a recording, for a wide page and for a phone."""
    return [_drawing(result, course, f"fit-{number}") for number, course in enumerate(result.courses)]


def _drawing(result: StretchFit, course: Course, name: str) -> svg.Drawing:
    title = Path(course.name).name
    left = course.recorded - course.fitted
    words = (
        f"Recorded and fitted {result.channel} of {title} over {course.time_s[-1]:.1f} s, the errors (largest "
        f"{np.abs(left).max():.2g} {result.unit}), and the resisting torque part by part."
    )
    return svg.Drawing(title, words, _draw(result, course, f"{name}-w", title, words, 940), _draw(result, course, f"{name}-n", title, words, 350))


def _draw(result: StretchFit, course: Course, name: str, title: str, words: str, width: int) -> Markup:
    legends: list[Legend] = [
        [("recorded", "limb-arm", (0.1, 2.0)), ("fitted, 95% band", "leg", "solid")],
        [],
        [(label, colour, dash) for _, label, colour, dash in _TORQUES],
    ]
    heights = [190.0, 62.0, 170.0]
    titles = [f"{result.channel.capitalize()}, {result.unit}", f"Recorded less fitted, {result.unit}", "Resisting torque, N m"]
    if course.emg_mv is not None:
        legends, heights, titles = [*legends, []], [*heights, 70.0], [*titles, "EMG, rectified, mV (not fitted)"]
    heads = [_HEAD + 16.0 * (_rows(legend, width) if width < 600 or len(legend) > 4 else 0) for legend in legends]
    total = sum(heights) + sum(heads) + _GAP * (len(heights) - 1) + _FOOT
    sheet = plot.Sheet(name, width, total, 12.0 if width > 600 else 11.0)
    begin, end = math.floor(10 * course.time_s[0]) / 10, math.ceil(10 * course.time_s[-1]) / 10
    at = scales.ticks(begin, end, 12 if width > 600 else 6)
    left, courses, top = course.recorded - course.fitted, _curves(course), 0.0
    draws = [
        lambda panel: _data(panel, course),
        lambda panel: panel.marks(course.time_s, left, "o", "limb-arm", 1.4),
        lambda panel: _parts(panel, course),
        lambda panel: panel.line(course.time_s, course.emg_mv, "muted", 1.2),
    ]
    for number, (height, head, legend) in enumerate(zip(heights, heads, legends, strict=True)):
        sheet.text(6, top + 11, titles[number], bold=True)
        _write_legend(sheet, legend, width, top, head)
        low, high = _range(courses[number])
        box = (_LEFT, top + head, width - _LEFT - _RIGHT, height)
        panel = sheet.panel(box, (begin, end), (low, high))
        up = scales.ticks(low, high, 2 if height < 80 else 5)
        panel.rules(x=at, y=up)
        panel.labels_up(up, scales.shown(up))
        draws[number](panel)
        is_last = number == len(heights) - 1
        panel.floor(at if is_last else (), scales.shown(at) if is_last else (), "Time since the movement began, s" if is_last else "")
        top += head + height + _GAP
    return sheet.finish(title, words)


def _curves(course: Course) -> list[list[Curve]]:
    torques = [course.parts[key] for key, *_ in _TORQUES]
    last = [] if course.emg_mv is None else [[course.emg_mv]]
    return [[course.recorded, course.low, course.high], [course.recorded - course.fitted], torques, *last]


def _range(curves: Sequence[Curve]) -> tuple[float, float]:
    low, high = min(float(c.min()) for c in curves), max(float(c.max()) for c in curves)
    room = 0.06 * (high - low) or 0.5
    return low - room, high + room


def _data(panel: Panel, course: Course) -> None:
    keep = svg.thinned(course.time_s, [course.low, course.high], _BINS)
    panel.band(course.time_s[keep], course.low[keep], course.high[keep], "leg", _BAND)
    panel.marks(course.time_s, course.recorded, "o", "limb-arm", 1.6)
    panel.line(course.time_s[keep], course.fitted[keep], "leg", 1.6)


def _parts(panel: Panel, course: Course) -> None:
    keep = svg.thinned(course.time_s, [course.parts["total"]], _BINS)
    for key, _, colour, dash in _TORQUES:
        panel.line(course.time_s[keep], course.parts[key][keep], colour, 1.8, dash)


def _wide(label: str) -> float:
    return 40.0 + svg.wide(label, 11)


def _rows(legend: Legend, width: int) -> int:
    rows, across = 1 if legend else 0, 6.0
    for label, _, _ in legend:
        if across > 6.0 and across + _wide(label) > width:
            rows, across = rows + 1, 6.0
        across += _wide(label)
    return rows


def _write_legend(sheet: plot.Sheet, legend: Legend, width: int, top: float, head: float) -> None:
    below = head > _HEAD
    across = 6.0 if below else width - _RIGHT - sum(_wide(label) for label, _, _ in legend)
    y = top + (28.0 if below else 11.0)
    for label, colour, dash in legend:
        if below and across > 6.0 and across + _wide(label) > width:
            across, y = 6.0, y + 16.0
        sheet.stroke(f"M{across:.1f} {y:.1f}h20", colour, 2.4, dash)
        sheet.text(across + 25, y, label, "muted", size=11)
        across += _wide(label)
