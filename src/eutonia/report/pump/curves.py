"""The curves of a pump page as lines: delivery, levels by region, flow found at refills, where the tip lies."""

from __future__ import annotations

import numpy as np

from eutonia._hours import HOURS_A_DAY
from eutonia.drug.kinetics import LEVELS
from eutonia.drug.pump.forecast import SITES, Forecast
from eutonia.report.curves import CurveLine

_TIME = "Time since the start, h"
_FLOW, _CORD = "Flow error by the volume found at refills", "Along the cord"
#: A course that is longer is drawn by day, h.
MOST_BY_HOUR = 96.0


def lines(forecast: Forecast, day: int) -> list[CurveLine]:
    """Return every curve of the page: the whole course, and the hours of the day that is shown."""
    end = float(forecast.time_h[-1])
    whole = _delivery(forecast, (0.0, end), 24.0 if end > MOST_BY_HOUR else 1.0)
    of_day = _delivery(forecast, (day * HOURS_A_DAY, day * HOURS_A_DAY + 24.0), 1.0)
    return [*whole, *_flow(forecast), *_levels(forecast), *_tip(forecast), *of_day]


def _delivery(forecast: Forecast, span: tuple[float, float], step: float) -> list[CurveLine]:
    """Return what left pump and tip and what was wanted, in each interval from its start."""
    edges = np.arange(span[0], span[1] + 1e-9, step)
    (pumped, tip, lost), wanted = forecast.course.totals(edges), forecast.course.wanted(edges)
    per = "day" if step > 1.0 else "hour"
    series = {"left the pump": pumped, "left the tip": tip, "wanted": wanted, "leaked": lost}
    figure = "Course" if span[0] == 0.0 and span[1] > 24.0 else "One day"
    return [
        CurveLine(figure, name, _TIME, f"Delivered, mcg/{per}", edges[:-1], values, panel=f"Delivered per {per}")
        for name, values in series.items()
    ]


def _levels(forecast: Forecast) -> list[CurveLine]:
    """Return the level of each region, hour by hour: typical, within the published range of spread."""
    found = []
    for name in SITES:
        level = forecast.site(name)
        low, high = level.min(axis=1), level.max(axis=1)
        up = "Level in the spinal fluid, ng/mL"
        found.append(
            CurveLine(
                "Course", name, _TIME, up, forecast.time_h, level[:, 0], low, high, panel="Level in the spinal fluid"
            )
        )
    return found


def _flow(forecast: Forecast) -> list[CurveLine]:
    """Return the error of flow that the volume found at each refill tells, over its filling, and what is specified."""
    found = []
    for one in forecast.course.measured:
        limit = np.full(2, 100.0 * forecast.course.implant(one.since_h).device.flow_tolerance)
        off, across = np.full(2, 100.0 * one.error), np.array([one.since_h, one.at_h])
        bar, room = (np.minimum(off, 0.0), np.maximum(off, 0.0)), (-limit, limit)
        for series, y, (low, high) in (("found", off, bar), ("specified", 0.0 * off, room)):
            found.append(CurveLine("Course", series, _TIME, "Flow error, %", across, y, low, high, panel=_FLOW))
    return found


def _tip(forecast: Forecast) -> list[CurveLine]:
    """Return how high the tip lies over time, in cm from the end of the sac."""
    implants = forecast.course.implants
    when = np.array([*(one.at_h for one in implants), float(forecast.time_h[-1])])
    heights = {one.tip: height_of(forecast, one.tip) for one in implants}
    where = np.array([heights[one.tip] for one in (*implants, implants[-1])])
    up = "Height above the end of the sac, cm"
    return [CurveLine("Course", "tip of the catheter", _TIME, up, when, where, panel=_CORD)]


def height_of(forecast: Forecast, level: str) -> float:
    """Return the height of a vertebral level above the end of the sac, cm."""
    geometry = forecast.geometry
    heights = np.concatenate([[0.0], np.cumsum(geometry.length)])
    here = np.flatnonzero(np.asarray(geometry.top_vertebra) == LEVELS.index(level) + 1)
    return float(heights[here[0]] + heights[here[-1] + 1]) / 2.0
