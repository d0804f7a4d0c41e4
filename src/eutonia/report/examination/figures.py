"""The recordings of an examination as strip charts: the angle of everybody, the torques of one typical person."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float
from markupsafe import Markup

from eutonia._middle import TAIL
from eutonia.examination.findings import MovementTrace
from eutonia.report import curves
from eutonia.report.drawing import plot, scales, svg
from eutonia.report.drawing.plot import Dash

_WIDTH, _HEIGHT, _LEFT, _TOP, _FOOT = 340, 236, 46, 30, 44
_BINS = 200
_MOST_S = {"pendulum": 10.0, "clonus": 5.0}
_BAND = 0.16
_TYPICAL = "person nearest to the median"
_TORQUES: tuple[tuple[str, str, str, Dash], ...] = (
    ("torque_Nm", "all", "ink", "solid"),
    ("neural_Nm", "neural", "leg", (5.0, 2.0)),
    ("passive_Nm", "passive", "limb-arm", (1.5, 1.5)),
)

Curve = Float[np.ndarray, " time"]


def lines(trace: MovementTrace) -> list[curves.CurveLine]:
    """Return the curves of a recording: angle with the middle 95 % of people, torques or EMG of a typical person."""
    time, shown = _shown(trace)
    if "emg" in trace.data:
        emg = trace.data["emg"].to_numpy()[shown, trace.typical]
        return [curves.CurveLine(trace.title, _TYPICAL, "Time, s", "EMG in shares of the largest M wave, 1", time, emg)]
    angle = trace.data["angle_deg"].to_numpy()[shown]
    low, high = np.quantile(angle, [TAIL, 1 - TAIL], axis=1)
    first = curves.CurveLine(
        trace.title, _TYPICAL, "Time, s", "Joint angle, deg", time, angle[:, trace.typical], low, high, panel="Angle"
    )
    torques = {label: trace.data[key].to_numpy()[shown, trace.typical] for key, label, *_ in _TORQUES}
    return [first] + [
        curves.CurveLine(trace.title, label, "Time, s", "Resisting torque, N m", time, torque, panel="Torque")
        for label, torque in torques.items()
    ]


def _shown(trace: MovementTrace) -> tuple[Curve, Bool[np.ndarray, " sample"]]:
    """Return the times that are drawn, and which of the recording they are."""
    time = trace.data["time_s"].to_numpy()
    shown = time <= _MOST_S.get(trace.test, math.inf)
    return time[shown], shown


def panels(trace: MovementTrace) -> list[svg.Drawing]:
    """Return the angle over time and the torques over time of one recording, or its EMG."""
    if "emg" in trace.data:
        return [_emg(trace)]
    time, shown = _shown(trace)
    name = f"{trace.test}-{trace.of.replace(' ', '-')}"
    angle = trace.data["angle_deg"].to_numpy()[shown]
    typical = {key: trace.data[key].to_numpy()[shown, trace.typical] for key, *_ in _TORQUES}
    low, high = np.quantile(angle, [TAIL, 1 - TAIL], axis=1)
    first = _angle(name, trace.title, time, angle[:, trace.typical], (low, high))
    title = f"Resisting torque of the {trace.of}"
    words = f"{title}, N m, of the person nearest to the median; largest {max(typical['torque_Nm']):.1f} N m."
    drawn = _torques(f"{name}-torque", title, words, time, typical)
    return [first, svg.Drawing(title, words, drawn)]


def _emg(trace: MovementTrace) -> svg.Drawing:
    time, emg = (trace.data[name].to_numpy() for name in ("time_s", "emg"))
    words = f"{trace.title}. EMG of the person nearest to the median, in shares of the largest M wave."
    low, high = float(emg.min()), float(emg.max())
    sheet, panel = _frame(f"{trace.test}-emg", time, (1.05 * low, 1.05 * high), "of Mmax")
    keep = svg.thinned(time, [emg[:, trace.typical]], _BINS)
    panel.line(time[keep], emg[keep, trace.typical], "leg", 1.5)
    return svg.Drawing(trace.title, words, sheet.finish(trace.title, words))


def _angle(name: str, title: str, time: Curve, middle: Curve, band: tuple[Curve, Curve]) -> svg.Drawing:
    words = f"{title}. Angle in deg over {time[-1]:.1f} s: from {middle[0]:.0f} to {middle[-1]:.0f} deg."
    low, high = min(0.0, float(band[0].min()), float(middle.min())), float(max(band[1].max(), middle.max()))
    sheet, panel = _frame(f"{name}-angle", time, (low, 1.05 * high), "deg")
    keep = svg.thinned(time, [middle, *band], _BINS)
    panel.band(time[keep], band[0][keep], band[1][keep], "leg", _BAND)
    panel.line(time[keep], middle[keep], "leg", 2.0)
    return svg.Drawing(title, words, sheet.finish(title, words))


def _torques(name: str, title: str, words: str, time: Curve, torques: dict[str, Curve]) -> Markup:
    values = np.concatenate(list(torques.values()))
    low, high = min(0.0, float(values.min())), max(float(values.max()), 0.1)
    sheet, panel = _frame(name, time, (low, 1.08 * high), "N m")
    keep = svg.thinned(time, list(torques.values()), _BINS)
    across = _LEFT + 34.0
    for key, label, colour, dash in _TORQUES:
        panel.line(time[keep], torques[key][keep], colour, 2.0, dash)
        sheet.stroke(f"M{across:.0f} 14h20", colour, 2.0, dash)
        sheet.text(across + 25, 14, label, "muted", size=11)
        across += 42 + svg.wide(label, 11)
    return sheet.finish(title, words)


def _frame(name: str, time: Curve, y: tuple[float, float], unit: str) -> tuple[plot.Sheet, plot.Panel]:
    sheet, start, end = plot.Sheet(name, _WIDTH, _HEIGHT), float(time[0]), math.ceil(100 * float(time[-1])) / 100
    panel = sheet.panel((_LEFT, _TOP, _WIDTH - _LEFT - 10, _HEIGHT - _TOP - _FOOT), (start, end), y)
    up, across = scales.ticks(*y, 5), scales.ticks(start, end, 6)
    panel.rules(x=across, y=up)
    panel.labels_up(up, scales.shown(up))
    panel.floor(across, scales.shown(across), "Time, s")
    sheet.text(2, 14, unit, "muted", size=11)
    return sheet, panel
