"""The course of a case sorted into panels: which variables belong together, in the order of the causal chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia.report import words
from eutonia.report.words import Number

if TYPE_CHECKING:
    import xarray

SCALES = (
    "ashworth",
    "modified_ashworth",
    "reflex",
    "spasm",
    "h_reflex",
    "walking",
    "pain",
    "tardieu",
    "pendulum",
    "clonus",
)
_GROUPS = {
    "dose": "Dose",
    "exposure": "Drug in spinal fluid and blood",
    "effect": "Effect at the receptor",
    "tone": "Tone",
    "risk": "Risk of adverse effects",
}
_COLOURS = {"leg": "leg", "arm": "limb-arm", "brain": "brain", "plasma": "plasma"}
_DASHES: dict[str, Any] = {
    "leg": "solid",
    "arm": (0, (5, 2)),
    "brain": (0, (1.5, 1.5)),
    "plasma": (0, (7, 2, 1.5, 2)),
}


@dataclass(frozen=True)
class Line:
    """One course to draw: what it is, its look, and its low, middle and high value at each time."""

    name: str
    colour: str
    dash: Any
    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Panel:
    """One strip of the figure: lines in one unit."""

    kind: str
    title: str
    unit: str
    lines: tuple[Line, ...]


def panels(course: xarray.Dataset) -> list[Panel]:
    """Sort the variables of a course into panels, one for each kind and unit, in the order of the causal chain."""
    found: dict[tuple[int, str, str, str], list[Line]] = {}
    for name in course.data_vars:
        variable = course[name]
        if "time_h" not in variable.dims or not np.issubdtype(variable.dtype, np.number):
            continue
        kind = _kind(str(name))
        unit = str(variable.attrs.get("units", ""))
        title = _GROUPS.get(kind) or str(variable.attrs.get("long_name") or words.label(str(name)))
        order = list(_GROUPS).index(kind) if kind in _GROUPS else 4
        rank = order + (1 if kind == "risk" else 0)
        found.setdefault((rank, kind, title, unit), []).extend(_lines(variable, str(name), kind))
    return [
        Panel(kind, title, _percent(kind, unit) or words.unit(unit), tuple(_coloured(lines)))
        for (_, kind, title, unit), lines in sorted(found.items(), key=lambda item: item[0][0])
    ]


def _kind(name: str) -> str:
    starts = {"dose": "dose", "csf": "exposure", "plasma": "exposure", "receptor": "effect", "sensitivity": "effect",
              "bias": "tone", "tone": "tone", "risk": "risk"}  # fmt: skip
    if name in SCALES:
        return name
    return next((kind for start, kind in starts.items() if name.startswith(start)), name)


def _percent(kind: str, unit: str) -> str:
    return "%" if kind in ("effect", "risk") and unit in ("", "1", "fraction", "probability", "dimensionless") else ""


def _lines(variable: xarray.DataArray, name: str, kind: str) -> list[Line]:
    """Return one line a limb; several patients become a middle line with a band."""
    label = str(variable.attrs.get("long_name") or words.label(name))
    factor = 100.0 if _percent(kind, str(variable.attrs.get("units", ""))) else 1.0
    limbs = [str(limb) for limb in variable["limb"].values] if "limb" in variable.dims else [""]
    out = []
    for limb in limbs:
        part = variable.sel(limb=limb) if limb else variable
        others = [dim for dim in part.dims if dim != "time_h"]
        values = part.transpose(*others, "time_h").to_numpy().reshape(-1, part.sizes["time_h"]) * factor
        low, middle, high = (values[0],) * 3 if len(values) == 1 else _spread(values)
        where = limb or next((key for key in _COLOURS if key in name.split("_")), "")
        shown = (words.label(limb) if kind in ("tone", *SCALES) else f"{label}, {limb}") if limb else label
        out.append(Line(shown, _COLOURS.get(where, ""), _DASHES.get(where, "solid"), low, middle, high))
    return out


def _spread(values: np.ndarray) -> np.ndarray:
    """Return the 5th, 50th and 95th percentile over patients; NaN only where nobody has a value."""
    out = np.full((3, values.shape[1]), np.nan)
    whole, some = np.isfinite(values).all(axis=0), np.isfinite(values).any(axis=0)
    out[:, whole] = np.quantile(values[:, whole], (0.05, 0.5, 0.95), axis=0)
    if (some & ~whole).any():
        out[:, some & ~whole] = np.nanquantile(values[:, some & ~whole], (0.05, 0.5, 0.95), axis=0)
    return out


def _coloured(lines: Sequence[Line]) -> list[Line]:
    """Give lines that belong to no limb the colours that are left."""
    spare = iter(["active", "third", "fourth", "brain", "plasma", "placebo"] * 3)
    return [
        line if line.colour else Line(line.name, next(spare), line.dash, line.low, line.middle, line.high)
        for line in lines
    ]


def window(strip: Panel, time: np.ndarray, first: Number, last: Number) -> Panel | None:
    """Return a panel with only what can be seen between two times; None if nothing can.

    A score holds until the next examination, so the one before the window reaches into it.
    """
    inside = (time >= first) & (time <= last)
    lines = []
    for line in strip.lines:
        middle = line.middle
        if strip.kind in SCALES:
            known = np.flatnonzero(np.isfinite(middle) & (time <= last))
            if not known.size:
                continue
        elif not np.isfinite(middle[inside]).any():
            continue
        lines.append(line)
    if not lines or (strip.kind == "dose" and all(not np.nan_to_num(line.high[inside]).any() for line in lines)):
        return None
    return Panel(strip.kind, strip.title, strip.unit, tuple(lines))
