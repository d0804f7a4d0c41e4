"""Figures of a spinal segment: who fired when, the EMG and torque that follow, and what an examination read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from eutonia.report.drawing import plot, scales, svg
from eutonia.report.words import Number
from eutonia.simulation.segment import Curve
from eutonia.tone.segment.readout import KINDS, Activity
from eutonia.tone.segment.stimuli import SOLEUS, TIBIALIS

_LEFT, _RIGHT, _FOOT, _HEAD, _GAP = 62, 16, 44, 24, 14
_WIDTHS = (("w", 1000), ("n", 350))
#: At most so many cells of a population are drawn: every so-manieth.
_MOST_CELLS = 48
_ROW = 2.0
_COLOURS = {"Motoneurons": "active", "Ia": "leg", "II": "brain", "Ia inhibitory": "limb-arm", "Renshaw": "plasma"}


@dataclass(frozen=True)
class _Row:
    """One strip of a raster: name, colour, number of cells drawn, time (s) and height of every impulse."""

    name: str
    token: str
    n: int
    time: Float[np.ndarray, " impulse"]
    height: Float[np.ndarray, " impulse"]


def raster(activity: Activity, start_s: float) -> svg.Drawing:
    """Draw the impulses of both muscles' populations from a time on."""
    rows = [row for muscle in (SOLEUS, TIBIALIS) for row in _rows(activity, muscle)]
    title = "Who fires when"
    words = (
        "One tick an impulse. Motoneurons stand in order of size, the smallest at the bottom; thin lines mark shocks."
    )
    drawn = [_raster(activity, rows, start_s, f"raster-{name}", title, words, width) for name, width in _WIDTHS]
    return svg.Drawing(title, words, drawn[0], drawn[1])


def _rows(activity: Activity, muscle: int) -> list[_Row]:
    """Return the strips of one muscle; of the antagonist only its motoneurons and what they are driven by."""
    side = "Soleus" if muscle == SOLEUS else "Tibialis anterior"
    groups = dict(zip(("Motoneurons", *KINDS), (activity.motor, *activity.others), strict=True))
    kept = groups if muscle == SOLEUS else {name: groups[name] for name in ("Motoneurons", "Ia", "Ia inhibitory")}
    rows = []
    for name, found in kept.items():
        mine = found[found[:, 1] == muscle]
        n = activity.sizes[name]
        every = max(-(-n // _MOST_CELLS), 1)
        shown = mine[mine[:, 2] % every == 0]
        time = shown[:, 0] * activity.plan.dt_ms / 1000.0
        rows.append(_Row(f"{side}: {name}", _COLOURS[name], -(-n // every), time, shown[:, 2] / every + 0.5))
    return rows


def _raster(
    activity: Activity, rows: Sequence[_Row], start_s: float, name: str, title: str, words: str, width: int
) -> Markup:
    heights = [max(_ROW * row.n, 14.0) for row in rows]
    total = sum(heights) + len(rows) * _HEAD + _FOOT
    sheet = plot.Sheet(name, width, total, 12.0 if width > 600 else 11.0)
    ends, top = (start_s, activity.plan.duration_s), 0.0
    for row, height in zip(rows, heights, strict=True):
        sheet.text(6, top + _HEAD / 2 + 1, row.name, bold=True)
        sheet.text(width - _RIGHT, top + _HEAD / 2 + 1, f"{row.n} cells drawn", "muted", anchor="end", size=11)
        panel = sheet.panel((_LEFT, top + _HEAD, width - _LEFT - _RIGHT, height), ends, (0.0, row.n))
        panel.rules(x=_shocks(activity))
        inside = row.time >= start_s
        across, up = panel.x(row.time[inside]), panel.y(row.height[inside])
        ticks = "".join(f"M{a:.1f} {b - 1:.1f}v2" for a, b in zip(across, up, strict=True))
        if ticks:
            sheet.stroke(ticks, row.token, 1.2, is_blunt=True)
        top += _HEAD + height
        _floor(panel, ends, "Time, s" if row is rows[-1] else "", width)
    return sheet.finish(title, words)


def signals(activity: Activity, start_s: float, angle: Float[np.ndarray, " time"] | None = None) -> svg.Drawing:
    """Draw EMG and torque of the soleus, and the angle (deg) if the ankle moved, over the same time as the raster."""
    first = round(start_s * 1000.0 / activity.plan.dt_ms)
    time = activity.plan.time_s[first:]
    shown = [(label, values[first:], token) for label, values, token in strips(activity, angle)]
    ends = (start_s, activity.plan.duration_s)
    title, words = signals_title(angle), "Surface EMG and the sum of twitches at the ankle, after conduction."
    if angle is not None:
        words = f"{words[:-1]}; the angle that the spindles feel."
    drawn = [
        _stack(f"signals-{name}", width, title, words, time, shown, ends, _shocks(activity)) for name, width in _WIDTHS
    ]
    return svg.Drawing(title, words, drawn[0], drawn[1])


def signals_title(angle: object) -> str:
    """Return the title of the signals over time, with or without an ankle that moved."""
    return "EMG and torque" if angle is None else "EMG, torque and angle"


def strips(
    activity: Activity, angle: Float[np.ndarray, " time"] | None = None
) -> list[tuple[str, Float[np.ndarray, " time"], str]]:
    """Return the signals over time: name and unit, values, colour."""
    found = [
        ("EMG of the soleus as a share of the M wave's potentials, 1", activity.emg()[:, 0], "active"),
        ("Torque of the soleus, N m", activity.torque()[:, 0], "limb-arm"),
    ]
    if angle is not None:
        found.append(("Torque of the tibialis anterior, N m", activity.torque(TIBIALIS)[:, 0], "limb-arm"))
        found.append(("Angle of the ankle in dorsiflexion from the start, deg", angle, "leg"))
    return found


def _stack(
    name: str,
    width: int,
    title: str,
    words: str,
    time: Float[np.ndarray, " time"],
    strips: Sequence[tuple[str, Float[np.ndarray, " time"], str]],
    ends: tuple[Number, Number],
    shocks: Sequence[float],
) -> Markup:
    tall = 120
    total = len(strips) * (tall + _HEAD + _GAP) + _FOOT
    sheet = plot.Sheet(name, width, total, 12.0 if width > 600 else 11.0)
    top = 0.0
    for label, values, token in strips:
        low, high = float(min(values.min(), 0.0)), float(values.max()) or 1.0
        pad = 0.06 * (high - low)
        for k, line in enumerate(svg.wrap(label, width - 12, 12.0, bold=True)[:1]):
            sheet.text(6, top + _HEAD / 2 + 14 * k, line, bold=True)
        panel = sheet.panel((_LEFT, top + _HEAD, width - _LEFT - _RIGHT, tall), ends, (low - pad, high + pad))
        at = scales.ticks(low, high, 4)
        panel.rules(x=shocks, y=at)
        keep = svg.thinned(time, [values], width)
        panel.line(time[keep], values[keep], token, 1.5)
        panel.labels_up(at, scales.shown(at))
        _floor(panel, ends, "Time, s" if label == strips[-1][0] else "", width)
        top += tall + _HEAD + _GAP
    return sheet.finish(title, words)


def curve(found: Curve) -> svg.Drawing:
    """Draw what was read against what was varied."""
    words = f"{found.up} against {found.across}: {', '.join(found.lines)}."
    drawn = [_curve(found, f"curve-{name}", words, width) for name, width in _WIDTHS]
    return svg.Drawing(found.title, words, drawn[0], drawn[1])


def _curve(found: Curve, name: str, words: str, width: int) -> Markup:
    across = min(width, 640)
    sheet = plot.Sheet(name, across, 330, 12.0)
    values = np.concatenate([np.asarray(line) for line in found.lines.values()])
    high = float(np.nanmax(values)) if np.isfinite(values).any() else 1.0
    x = np.log10(found.x) if found.is_log else found.x
    pad = 0.03 * float(x.max() - x.min())
    ends = (float(x.min()) - pad, float(x.max()) + pad)
    panel = sheet.panel((_LEFT, 34, across - _LEFT - _RIGHT, 240), ends, (0.0, max(high, 1e-3) * 1.08))
    at = scales.ticks(0.0, max(high, 1e-3) * 1.05, 5)
    panel.scale_up(at)
    sheet.text(6, 13, found.up, bold=True)
    room = float(across - _RIGHT)
    for (label, line), token in zip(found.lines.items(), ("active", "placebo"), strict=False):
        there = np.isfinite(line)
        panel.line(x[there], np.asarray(line)[there], token, 2.0)
        panel.marks(x[there], np.asarray(line)[there], "o", token, 5)
        room -= svg.wide(label, 12.0, bold=True) + 14
        sheet.text(room, 13, label, token, bold=True)
    if found.is_log:
        panel.floor(x.tolist(), [f"{value:g}" for value in found.x], found.across)
    else:
        places = scales.ticks(*ends, 7)
        panel.floor(places, scales.shown(places), found.across)
    return sheet.finish(found.title, words)


def _shocks(activity: Activity) -> list[float]:
    """Return the times of shocks to the nerve of the soleus, s."""
    return [float(t) for t in activity.plan.shocks[:, 0] * activity.plan.dt_ms / 1000.0]


def _floor(panel: plot.Panel, ends: tuple[Number, Number], name: str, width: int) -> None:
    if not name:
        panel.floor()
        return
    at = scales.ticks(*ends, 10 if width > 600 else 5)
    panel.floor(at, scales.shown(at), name)
