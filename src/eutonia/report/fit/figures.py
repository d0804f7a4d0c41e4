"""The pictures of a fit: data and fit, what is left over, and the resistance part by part, over one axis of time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from eutonia.inference.stretch_fit import FittedCourse, StretchFit
from eutonia.report import curves
from eutonia.report.drawing import plot, scales, svg
from eutonia.report.drawing.plot import Dash, Panel

_LEFT, _RIGHT, _HEAD, _FOOT, _GAP = 54.0, 14.0, 26.0, 46.0, 12.0
_BINS, _BAND = 260, 0.2
_LEFT_OVER, _GIVEN = "Recorded less fitted", "Angle"
#: Pages narrower than this are of phones; so many entries of a legend stand beside the title; a low panel, px.
_WIDE, _BESIDE, _LOW = 600, 4, 66.0
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


def lines(result: StretchFit) -> list[curves.CurveLine]:
    """Return every curve of the page: recorded, fitted with its band, what is left, parts of the torque, angle, EMG."""
    return [line for course in result.courses for line in _lines(result, course)]


def _lines(result: StretchFit, course: FittedCourse) -> list[curves.CurveLine]:
    title, unit, time = Path(course.name).name, result.unit, course.time_s
    channel = result.channel.capitalize()

    def line(panel: str, series: str, up: str, y: Curve, low: Curve | None = None, high: Curve | None = None) -> None:
        out.append(curves.CurveLine(title, series, "Time, s", up, time, y, low, high, panel))

    out: list[curves.CurveLine] = []
    line(channel, "recorded", f"{channel}, {unit}", course.recorded)
    line(channel, "fitted", f"{channel}, {unit}", course.fitted, course.low, course.high)
    line(_LEFT_OVER, _LEFT_OVER, f"{_LEFT_OVER}, {unit}", course.recorded - course.fitted)
    for key, label, *_ in _TORQUES:
        line("Resisting torque", label, "Resisting torque, N m", course.parts[key])
    if result.channel != "angle":
        line(_GIVEN, "given", f"{_GIVEN}, deg", course.angle_deg)
    if course.emg_mv is not None:
        line("EMG", "EMG", "EMG rectified, mV", course.emg_mv)
    return out


def _drawing(result: StretchFit, course: FittedCourse, name: str) -> svg.Drawing:
    title = Path(course.name).name
    left = course.recorded - course.fitted
    words = (
        f"Recorded and fitted {result.channel} of {title} over {course.time_s[-1]:.1f} s, the errors (largest "
        f"{np.abs(left).max():.2g} {result.unit}), and the resisting torque part by part."
    )
    sizes = (("w", 940), ("n", 350))
    wide, narrow = (_draw(result, course, f"{name}-{end}", title, words, width) for end, width in sizes)
    return svg.Drawing(title, words, wide, narrow)


@dataclass(frozen=True)
class _Strip:
    """One panel of a picture: title, height (px), legend, the curves that its scale must hold, and what draws it."""

    title: str
    height: float
    legend: Legend
    held: Sequence[Curve]
    draw: Callable[[Panel], None]

    def head(self, width: int) -> float:
        """Return the room above the panel: the legend stands beside the title or in rows below it."""
        below = self.legend and (width < _WIDE or len(self.legend) > _BESIDE)
        return _HEAD + (16.0 * _rows(self.legend, width) if below else 0.0)


def _strips(result: StretchFit, course: FittedCourse) -> list[_Strip]:
    unit, left = result.unit, course.recorded - course.fitted
    dots: Dash = (1.0, 1.0)
    legend: Legend = [("recorded", "limb-arm", dots), ("fitted, 95% band", "leg", "solid")]
    held = [course.recorded, course.low, course.high]
    torques: Legend = [(label, colour, dash) for _, label, colour, dash in _TORQUES]
    parts = [course.parts[key] for key, *_ in _TORQUES]

    def errors(panel: Panel) -> None:
        panel.marks(course.time_s, left, "o", "limb-arm", 1.4)

    strips = [
        _Strip(f"{result.channel.capitalize()}, {unit}", 190.0, legend, held, lambda panel: _data(panel, course)),
        _Strip(f"{_LEFT_OVER}, {unit}", _LOW, [], [left, -left], errors),
        _Strip("Resisting torque, N m", 170.0, torques, parts, lambda panel: _parts(panel, course)),
    ]
    if result.channel != "angle":

        def given(panel: Panel) -> None:
            panel.line(course.time_s, course.angle_deg, "ink", 1.6)

        strips.append(_Strip(f"{_GIVEN}, deg (given, not fitted)", _LOW, [], [course.angle_deg], given))
    if (emg := course.emg_mv) is not None:

        def muscle(panel: Panel) -> None:
            panel.line(course.time_s, emg, "muted", 1.2)

        strips.append(_Strip("EMG, rectified, mV (not fitted)", _LOW, [], [emg], muscle))
    return strips


def _draw(result: StretchFit, course: FittedCourse, name: str, title: str, words: str, width: int) -> Markup:
    strips = _strips(result, course)
    total = sum(strip.height + strip.head(width) for strip in strips) + _GAP * (len(strips) - 1) + _FOOT
    sheet = plot.Sheet(name, width, total, 12.0 if width > _WIDE else 11.0)
    begin, end = math.floor(10 * course.time_s[0]) / 10, math.ceil(10 * course.time_s[-1]) / 10
    at = scales.ticks(begin, end, 12 if width > _WIDE else 6)
    top = 0.0
    for strip in strips:
        head = strip.head(width)
        sheet.text(6, top + 11, strip.title, bold=True)
        _write_legend(sheet, strip.legend, width, top, below=head > _HEAD)
        low, high = _range(strip.held)
        panel = sheet.panel((_LEFT, top + head, width - _LEFT - _RIGHT, strip.height), (begin, end), (low, high))
        up = scales.ticks(low, high, 3 if strip.height <= _LOW else 5)
        # One number tells no scale.
        up = up if len(up) > 1 else scales.ticks(low, high, 5)
        panel.rules(x=at, y=up)
        panel.labels_up(up, scales.shown(up))
        strip.draw(panel)
        if strip is strips[-1]:
            panel.floor(at, scales.shown(at), "Time since the movement began, s")
        else:
            panel.floor()
        top += head + strip.height + _GAP
    return sheet.finish(title, words)


def _range(held: Sequence[Curve]) -> tuple[float, float]:
    low, high = min(float(c.min()) for c in held), max(float(c.max()) for c in held)
    room = 0.06 * (high - low) or 0.5
    return low - room, high + room


def _data(panel: Panel, course: FittedCourse) -> None:
    keep = svg.thinned(course.time_s, [course.low, course.high], _BINS)
    panel.band(course.time_s[keep], course.low[keep], course.high[keep], "leg", _BAND)
    panel.marks(course.time_s, course.recorded, "o", "limb-arm", 1.6)
    panel.line(course.time_s[keep], course.fitted[keep], "leg", 1.6)


def _parts(panel: Panel, course: FittedCourse) -> None:
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


def _write_legend(sheet: plot.Sheet, legend: Legend, width: int, top: float, *, below: bool) -> None:
    across = 6.0 if below else width - _RIGHT - sum(_wide(label) for label, _, _ in legend)
    y = top + (28.0 if below else 11.0)
    for label, colour, dash in legend:
        if below and across > 6.0 and across + _wide(label) > width:
            across, y = 6.0, y + 16.0
        sheet.stroke(f"M{across:.1f} {y:.1f}h20", colour, 2.4, dash)
        sheet.text(across + 25, y, label, "muted", size=11)
        across += _wide(label)
