"""Drawings of a pump forecast: delivery, levels, and the whole cord over time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float

from eutonia._hours import HOURS_A_DAY
from eutonia.drug.kinetics import LEVELS
from eutonia.drug.pump.forecast import CASES, SITES, Forecast
from eutonia.report.drawing import plot, scales, svg
from eutonia.report.drawing.svg import Drawing
from eutonia.report.pump import curves as pump_curves
from eutonia.report.words import Number

_WIDTH, _LEFT, _RIGHT = 1000, 76, 132
_LINES: dict[str, tuple[str, plot.Dash]] = {
    "lumbar": ("leg", "solid"),
    "thoracic": ("active", (7.0, 2.0)),
    "cervical": ("limb-arm", (4.0, 1.6)),
    "cisternal": ("brain", (1.5, 1.5)),
}
_BINS, _COLUMNS = 420, 220
#: Lowest level of a logarithmic scale, as a share of the highest, and steps of the map of the cord.
_DECADES, _SHADES = 3, 9
_LABELLED = ("S2", "L3", "T12", "T6", "T1", "C1")
# What matters less goes first where there is more than can be marked.
_LESSER = (("called", "refused"), ("programmed",), ("restart", "alarm", "patient bolus"))
_MOST_MARKS = 26
#: Height of the panel of flow found at refills with its title, px, and the least end of its scale, %.
_FLOW_PX, _FLOW_PERCENT = 106, 20.0
#: Regions that share a panel, the one with a band first, and the room for the title of a panel, px.
_REGIONS = (("lumbar", "thoracic"), ("cervical", "cisternal"))
_TITLE_PX = 34


def marked(forecast: Forecast) -> tuple[list[tuple[int, float, str]], int]:
    """Return what happened, numbered, and how much more happened than can be marked."""
    chosen = list(forecast.course.happenings)
    for kinds in _LESSER:
        if len(chosen) > _MOST_MARKS:
            chosen = [one for one in chosen if one.what not in kinds]
    shown = chosen[:_MOST_MARKS]
    left = len(forecast.course.happenings) - len(shown)
    return [(k, one.at_h, one.words) for k, one in enumerate(shown, start=1)], left


def whole(forecast: Forecast) -> Drawing:
    """Draw delivery above levels above the cord, on one axis of time."""
    end = float(forecast.time_h[-1])
    by_day = end > pump_curves.MOST_BY_HOUR
    more = _FLOW_PX if forecast.course.measured else 0
    sheet = plot.Sheet("whole", _WIDTH, 1020 + more)
    _marks(sheet, forecast, end, more)
    _delivery(sheet, forecast, (0.0, end), 34, is_daily=by_day)
    if forecast.course.measured:
        _flow(sheet, forecast, end, 230)
    _levels(sheet, forecast, (0.0, end), 230 + more, 360)
    _cord(sheet, forecast, end, 640 + more)
    words = "Delivery at pump and tip, levels in the spinal fluid by region, and the level at every height of the cord."
    return Drawing("Course", words, sheet.finish("Course of the pump and of the spinal fluid", words))


def one_day(forecast: Forecast, day: int) -> Drawing:
    """Draw the hours of one day."""
    sheet = plot.Sheet("day", _WIDTH, 600)
    span = (day * HOURS_A_DAY, day * HOURS_A_DAY + 24.0)
    _delivery(sheet, forecast, span, 20, is_daily=False)
    _levels(sheet, forecast, span, 216, 320)
    words = "What leaves pump and tip in each hour, and the levels of the spinal fluid."
    return Drawing("One day", words, sheet.finish("One day, hour by hour", words))


def _inside(forecast: Forecast, span: tuple[float, float]) -> slice:
    first, last = np.searchsorted(forecast.time_h, span)
    return slice(int(first), int(last) + 1)


def _axis(panel: plot.Panel, span: tuple[float, float], *, is_named: bool) -> None:
    """Draw the axis of time: hours of one day, or days."""
    if span[1] - span[0] <= 24.0:
        at = [span[0] + hour for hour in range(0, 25, 3)]
        panel.floor(at, [f"{hour:02d}:00" for hour in range(0, 25, 3)] if is_named else [])
        return
    days = scales.ticks(span[0] / HOURS_A_DAY, span[1] / HOURS_A_DAY, 12)
    panel.floor([HOURS_A_DAY * day for day in days], scales.shown(days) if is_named else [], "days" if is_named else "")


def _delivery(sheet: plot.Sheet, forecast: Forecast, span: tuple[float, float], top: Number, *, is_daily: bool) -> None:
    """Draw what left the reservoir and what left the tip, by day or by hour."""
    step = 24.0 if is_daily else 1.0
    edges = np.arange(span[0], span[1] + 1e-9, step)
    (pumped, tip, lost), wanted = forecast.course.totals(edges), forecast.course.wanted(edges)
    highest = max(float(np.quantile(np.concatenate([pumped, tip, wanted]), 0.995)) * 1.25, 1e-3)
    panel = sheet.panel((_LEFT, top, _WIDTH - _LEFT - _RIGHT, 150), span, (0.0, highest))
    marks = scales.ticks(0.0, highest, 4)
    panel.scale_up(marks)
    sheet.text(_LEFT, top - 10, f"Delivered, mcg per {'day' if is_daily else 'hour'}", bold=True)
    ends = [np.append(values, values[-1]) for values in (tip, wanted)]
    panel.band(edges, np.minimum(*ends), np.maximum(*ends), "does-not", 0.22, is_stepped=True)
    rows: tuple[tuple[Float[np.ndarray, " day"], str, Number, plot.Dash], ...] = (
        (pumped, "placebo", 2.0, "dashed"),
        (wanted, "ink", 1.4, (1.5, 2.5)),
        (tip, "active", 2.4, "solid"),
    )
    for values, token, width, dash in rows:
        panel.line(edges, np.append(values, values[-1]), token, width, dash, is_stepped=True)
    if lost.max(initial=0.0) > 0:
        panel.line(edges, np.append(lost, lost[-1]), "does-not", 1.8, (1.5, 1.5), is_stepped=True)
    above = [value for value in (pumped.max(), tip.max()) if value > highest]
    if above:
        sheet.text(panel.right - 4, top + 10, f"peak {max(above):.3g} mcg", "muted", size=11, anchor="end")
    keys: list[tuple[str, str, plot.Dash]] = [("left the tip", "active", "solid"), ("wanted", "ink", (1.5, 2.5))]
    keys.append(("left the pump", "placebo", "dashed"))
    if lost.max(initial=0.0) > 0:
        keys.append(("leaked", "does-not", (1.5, 1.5)))
    _key(sheet, top + 20, keys)
    sheet.parts.append(
        f'<rect x="{_WIDTH - _RIGHT + 14}" y="{top + 13 + 20 * len(keys)}" width="22" height="14" '
        f'fill="{svg.colour("does-not")}" fill-opacity="0.22"/>'
    )
    sheet.text(_WIDTH - _RIGHT + 42, top + 20 + 20 * len(keys), "differs", "muted", size=12)
    _axis(panel, span, is_named=False)


def _flow(sheet: plot.Sheet, forecast: Forecast, end: float, top: Number) -> None:
    """Draw the error of flow that each volume found at a refill tells, over the filling that it is of."""
    found = forecast.course.measured
    limits = {one: 100.0 * forecast.course.implant(one.since_h).device.flow_tolerance for one in found}
    most = 1.15 * max(_FLOW_PERCENT, *(abs(100.0 * one.error) for one in found), *limits.values())
    panel = sheet.panel((_LEFT, top, _WIDTH - _LEFT - _RIGHT, 62), (0.0, end), (-most, most))
    sheet.text(_LEFT, top - 10, "Flow error by the volume found at refills, %", bold=True)
    marks = [-round(most / 2.0, -1), 0.0, round(most / 2.0, -1)]
    panel.scale_up(marks, [f"{mark:+.0f}" if mark else "0" for mark in marks])
    for one in found:
        across, off = np.array([one.since_h, one.at_h]), 100.0 * one.error
        limit = np.full(2, limits[one])
        panel.band(across, -limit, limit, "placebo", 0.16)
        is_beyond = abs(off) > limits[one] or not one.is_explained
        token = "does-not" if is_beyond else "active"
        panel.band(across, np.full(2, min(off, 0.0)), np.full(2, max(off, 0.0)), token, 0.75)
        words = f"{off:+.1f}" if one.is_explained else "not explained"
        y = panel.y.at(0.0) + (9 if off >= 0 else -8)  # on the other side of zero than the bar
        sheet.text(panel.x.at((one.since_h + one.at_h) / 2.0), y, words, "ink", size=11, anchor="middle")
    sheet.text(_WIDTH - _RIGHT + 14, top + 20, "grey: specified", "muted", size=12)
    _axis(panel, (0.0, end), is_named=False)


def _levels(sheet: plot.Sheet, forecast: Forecast, span: tuple[float, float], top: Number, height: Number) -> None:
    """Draw the level of each region, typical, within the published range of spread, on one scale.

    Regions near the tip and far from it stand apart, as each has a band and two bands over each other are one grey.
    """
    inside = _inside(forecast, span)
    time = forecast.time_h[inside]
    known = {name: forecast.site(name)[inside] for name in SITES}
    highest = max(float(max(rows[:, 0].max() for rows in known.values())) * 1.6, 1e-3)
    lowest = highest / 10**_DECADES
    marks = scales.decades(lowest, highest)
    keep = svg.thinned(time, [rows[:, 0] for rows in known.values()], _BINS)
    tall = (height - _TITLE_PX) / len(_REGIONS)
    for place, names in enumerate(_REGIONS):
        above = top + place * (tall + _TITLE_PX)
        panel = sheet.panel((_LEFT, above, _WIDTH - _LEFT - _RIGHT, tall), span, (lowest, highest), is_log=True)
        panel.scale_up(marks, [f"{mark:g}" for mark in marks])
        sheet.text(_LEFT, above - 10, f"Level in the spinal fluid, {' and '.join(names)}, ng/mL", bold=True)
        low, high = known[names[0]][keep].min(axis=1), known[names[0]][keep].max(axis=1)
        floor = lowest * 1e-2
        panel.band(time[keep], np.maximum(low, floor), np.maximum(high, floor), _LINES[names[0]][0], 0.13)
        for name in names:
            token, dash = _LINES[name]
            panel.line(time[keep], np.maximum(known[name][keep, 0], floor), token, 2.0, dash)
        _key(sheet, above + 20, [(name, *_LINES[name]) for name in names])
        is_last = place == len(_REGIONS) - 1
        _axis(panel, span, is_named=is_last and span[1] - span[0] <= 24.0)


def _cord(sheet: plot.Sheet, forecast: Forecast, end: float, top: Number) -> None:
    """Draw the level at every height over time as shades; each shade is a step of the logarithm."""
    geometry = forecast.geometry
    heights = np.concatenate([[0.0], np.cumsum(geometry.length)])
    time_edges = np.linspace(0.0, end, min(_COLUMNS, forecast.time_h.size - 1) + 1)
    index = np.searchsorted(forecast.time_h, (time_edges[1:] + time_edges[:-1]) / 2)
    shown = forecast.segment[index, :, 0]
    highest = max(float(shown.max()), 1e-3)
    steps = np.linspace(-_DECADES, 0.0, _SHADES + 1)[:-1]
    shade = np.searchsorted(steps, np.log10(np.maximum(shown / highest, 1e-9)), side="right")
    panel = sheet.panel((_LEFT, top, _WIDTH - _LEFT - _RIGHT, 262), (0.0, end), (0.0, float(heights[-1])))
    sheet.text(_LEFT, top - 10, "Along the cord, head above, typical spread", bold=True)
    across = panel.x(time_edges)
    up = panel.y(heights)
    for step in range(1, _SHADES + 1):
        path = _boxes(shade == step, across, up)
        if path:
            sheet.fill(path, "active", opacity=step / _SHADES)
    implants = forecast.course.implants
    tips = list(dict.fromkeys(one.tip for one in implants))
    middle = {}
    for name in (*_LABELLED, *tips):
        middle[name] = pump_curves.height_of(forecast, name)
        is_tip = name in tips
        if is_tip or all(abs(LEVELS.index(name) - LEVELS.index(tip)) > 1 for tip in tips):
            words = f"tip {name}" if is_tip else name
            sheet.text(_LEFT - 5, panel.y.at(middle[name]), words, "ink" if is_tip else "muted", size=11, anchor="end")
    if len(tips) > 1:  # the tip was moved: a line says when
        when = np.array([*(one.at_h for one in implants), end])
        where = np.array([middle[one.tip] for one in (*implants, implants[-1])])
        panel.line(when, where, "ink", 1.2, (1.5, 2.5), is_stepped=True)
    panel.labels_up([float(heights[-1]) - 4.0], ["cistern"])
    _axis(panel, (0.0, end), is_named=True)
    levels = [highest * 10.0**step for step in [*steps, 0.0]]
    for k, (low, high) in enumerate(pairwise(levels)):
        y = top + 236 - 22 * k
        sheet.parts.append(
            f'<rect x="{_WIDTH - _RIGHT + 14}" y="{y}" width="16" height="16" fill="{svg.colour("active")}" '
            f'fill-opacity="{(k + 1) / _SHADES:.2f}"/>'
        )
        sheet.text(_WIDTH - _RIGHT + 36, y + 8, f"{_round(low)}–{_round(high)}", "muted", size=11)
    sheet.text(_WIDTH - _RIGHT + 14, top + 36, "ng/mL", "muted", size=11)


def _boxes(inside: np.ndarray, across: Float[np.ndarray, " edge"], up: Float[np.ndarray, " height"]) -> str:
    """Return a path of the boxes of one shade, neighbours in time joined."""
    parts = []
    for segment in range(inside.shape[1]):
        column = np.concatenate([[False], inside[:, segment], [False]])
        changes = np.flatnonzero(np.diff(column.astype(int)))
        y, tall = up[segment + 1], up[segment] - up[segment + 1]
        for start, stop in changes.reshape(-1, 2):
            parts.append(f"M{across[start]:.1f} {y:.1f}H{across[stop]:.1f}v{tall:.1f}H{across[start]:.1f}z")
    return "".join(parts)


def _marks(sheet: plot.Sheet, forecast: Forecast, end: float, more: int) -> None:
    """Draw numbered lines at what happened, through all panels, which are `more` px taller."""
    room = sheet.panel((_LEFT, 34, _WIDTH - _LEFT - _RIGHT, 868 + more), (0.0, end), (0.0, 1.0))
    last: dict[int, float] = {}
    for number, at, _ in marked(forecast)[0]:
        room.rules(x=[at], token="line")
        x = room.x.at(at)
        row = next((k for k in range(5) if x - last.get(k, -99.0) > 18.0), 4)
        last[row] = x
        sheet.text(x, 948 + more + 15 * row, str(number), "muted", size=11, anchor="middle")


def _key(sheet: plot.Sheet, top: Number, rows: list[tuple[str, str, plot.Dash]]) -> None:
    """Write a key at the right of a panel."""
    for k, (name, token, dash) in enumerate(rows):
        y, x = top + 20 * k, _WIDTH - _RIGHT + 14
        sheet.stroke(f"M{x} {y}h22", token, 2.2, dash)
        sheet.text(x + 28, y, name, "muted", size=12)


def _round(value: float) -> str:
    """Return a level to two digits, without an exponent."""
    return f"{float(f'{value:.2g}'):g}"


def cases() -> str:
    """Return what the bands mean."""
    return f"Lines: {CASES[0]}. Bands of lumbar and cervical level: from the {CASES[1]} to the {CASES[2]} published."
