"""The course of a case sorted into panels: which variables belong together, in the order of the causal chain."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from eutonia._middle import over_people
from eutonia.assessment.scales import SCALES
from eutonia.report import words
from eutonia.report.curves import CurveLine
from eutonia.report.drawing.plot import Dash
from eutonia.report.words import Number
from eutonia.trial.withdrawal import OF_PUMP

if TYPE_CHECKING:
    import xarray

#: Kind of panel, how its variables begin, fixed title (else the long name), and whether everybody wants it.
_Kind = tuple[str, tuple[str, ...], str, bool]
_BEFORE_SCALES: tuple[_Kind, ...] = (
    ("dose", ("dose",), "Dose", True),
    ("exposure", ("csf", "plasma"), "Drug in spinal fluid and blood", True),
    ("brain", ("brain",), "", False),
    ("receptor", ("receptor",), "Effect at the receptor", True),
    ("sensitivity", ("sensitivity",), "Receptor sensitivity", True),
    ("tone", ("bias", "tone", "untreated_bias", "untreated_tone"), "Tone", True),
    ("rebound", ("rebound",), "", False),
    ("contracture", ("contracture",), "", False),
    ("gain", ("gain",), "Reflex gain left by treatment", True),
    ("blockade", ("blockade",), "Reflex force blocked", True),
    ("force", ("force",), "Voluntary force left", True),
)
_AFTER_SCALES: tuple[_Kind, ...] = (
    ("other", ("",), "", False),
    ("hours", ("without",), "", False),
    ("risk", ("risk",), "Risk of adverse effects", True),
    ("withdrawal", ("withdrawal",), "Withdrawal", True),
)
#: Kinds of panel that hold nothing but rounding where nobody is given any drug.
_OF_DRUG = frozenset({"dose", "exposure", "brain", "receptor", "sensitivity", "rebound", "risk", "withdrawal"})
_PERCENT = frozenset({"receptor", "sensitivity", "gain", "blockade", "force", "risk", "withdrawal"})
#: Kinds of panel whose lines are muscle groups.
_OF_MUSCLES = frozenset({"gain", "blockade", "force"})
#: What a reader has to know at panels that are no scale.
_CAVEATS = {
    "blockade": "Of tone and stretch reflex. Spindles are blocked more; jerks and spasms do not follow it here.",
    "force": "Weakness is what a block costs. At knee and ankle it moves stance, elsewhere the movement that is made.",
    "risk": "Of drug that is given. Without drug the danger is withdrawal, which these risks do not hold.",
    "withdrawal": OF_PUMP,
}
_COLOURS = {"leg": "leg", "arm": "limb-arm", "brain": "brain", "plasma": "plasma"}
_DASHES: dict[str, Dash] = {
    "leg": "solid",
    "arm": (5.0, 2.0),
    "brain": (1.5, 1.5),
    "plasma": (7.0, 2.0, 1.5, 2.0),
}
_QUIET_DASH = (1.0, 2.5)
_SPARE = ("active", "third", "fourth", "brain", "plasma", "placebo")
#: What changes by less than this share of its size is still; sizes below the second are none.
_STILL, _NOTHING = 0.03, 1e-3
#: Endings of variables that hold the lowest and the highest value within a dosing interval.
_WITHIN = ("_trough", "_peak")


@dataclass(frozen=True)
class CourseLine:
    """One course to draw: what it is, its look, and its low, middle and high value at each time.

    A quiet line is there for comparison: thin, dotted, without a band. A `trough` is the lowest value of the middle
    person within the dosing interval of the tablets, whose highest value is then `middle`; between the two is where
    any sample lies.
    """

    name: str
    where: str
    colour: str
    dash: Dash
    is_quiet: bool
    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray
    trough: np.ndarray | None = None

    @property
    def has_band(self) -> bool:
        """Tell whether people differ."""
        return not self.is_quiet and not np.array_equal(self.low, self.high, equal_nan=True)


@dataclass(frozen=True)
class CoursePanel:
    """One strip of the figure: lines in one unit. Strips of one family share their scale up."""

    kind: str
    title: str
    unit: str
    lines: tuple[CourseLine, ...]
    is_main: bool
    family: int = 0

    @property
    def caveat(self) -> str:
        """What the model of this misses; empty where nothing has to be said."""
        return SCALES[self.kind].caveat if self.kind in SCALES else _CAVEATS.get(self.kind, "")

    @property
    def is_stepped(self) -> bool:
        """Tell whether values hold until they change."""
        return self.kind == "dose" or is_grade(self.kind)


def curve_lines(figure: str, across: str, time: np.ndarray, strips: Iterable[CoursePanel]) -> list[CurveLine]:
    """Return the lines of strips as a tidy table has them, over `time` on the axis `across`."""
    found = []
    for strip in strips:
        up = f"{strip.title}, {strip.unit}"
        for one in strip.lines:
            found.append(CurveLine(figure, one.name, across, up, time, one.middle, one.low, one.high, strip.title))
            if one.trough is not None:
                found.append(CurveLine(figure, f"{one.name}, trough", across, up, time, one.trough, panel=strip.title))
    return found


def is_grade(kind: str) -> bool:
    """Tell whether a kind of panel shows grades, which hold until the next look and so are drawn as steps."""
    return kind in SCALES and SCALES[kind].kind == "ordinal"


def _kinds() -> tuple[_Kind, ...]:
    """Return the kinds of panel in the order of the causal chain: the model, every scale, what remains."""
    scales = ((key, (key,), "", scale.is_main) for key, scale in SCALES.items() if scale.is_score)
    return (*_BEFORE_SCALES, *scales, *_AFTER_SCALES)


def panels(course: xarray.Dataset) -> list[CoursePanel]:
    """Sort the variables of a course into panels, one for each kind and unit, in the order of the causal chain."""
    found: dict[tuple[int, str, str], list[CourseLine]] = {}
    names, kinds = [str(name) for name in course.data_vars], _kinds()
    is_treated = any(course[name].to_numpy().any() for name in names if name.startswith(("csf", "plasma")))
    for name in names:
        variable, rank = course[name], _rank(name, kinds)
        if "time_h" not in variable.dims or not np.issubdtype(variable.dtype, np.number):
            continue
        if kinds[rank][0] in _OF_DRUG and not is_treated:
            continue
        if name.endswith(_WITHIN) and name.rpartition("_")[0] in names:
            continue  # drawn with what it is the trough or the peak of
        if name.startswith("untreated") and name.removeprefix("untreated_") in names and not is_treated:
            continue  # without drug there is nothing to compare with
        title = kinds[rank][2] or str(variable.attrs.get("long_name") or words.label(name))
        unit = str(variable.attrs.get("units", ""))
        found.setdefault((rank, title, unit), []).extend(_lines(course, name, kinds[rank][0]))
    out: list[CoursePanel] = []
    for (rank, title, unit), lines in sorted(found.items(), key=lambda item: item[0][0]):
        kind, _, _, is_main = kinds[rank]
        is_main = is_main or (kind == "modified_ashworth" and "ashworth" not in names)
        shown = _percent(kind, unit) or words.unit(unit)
        out += _apart(CoursePanel(kind, title, shown, tuple(_coloured(lines)), is_main, len(out)))
    return out


def moment(course: xarray.Dataset) -> xarray.Dataset:
    """Return a course with the levels of each look alone: close by, people look often enough to see tablets rise."""
    return course.drop_vars([name for name in map(str, course.data_vars) if name.endswith(_WITHIN)])


def _apart(panel: CoursePanel) -> list[CoursePanel]:
    """Give each limb a strip of its own where several have bands: bands that overlap become one grey."""
    banded = {line.where or line.name for line in panel.lines if line.has_band or line.trough is not None}
    if len(banded) < 2:
        return [panel]
    groups: dict[str, list[CourseLine]] = {}
    for line in panel.lines:
        groups.setdefault(line.where or line.name, []).append(line)
    return [replace(panel, title=_title(panel, lines[0]), lines=tuple(lines)) for lines in groups.values()]


def _title(panel: CoursePanel, first: CourseLine) -> str:
    """Return the title of a strip that holds one limb or muscle of a panel: "Ashworth, leg", "Spinal fluid, leg"."""
    is_part = first.name in ("Leg", "Arm") or panel.kind in _OF_MUSCLES
    return f"{panel.title}, {first.name.lower()}" if is_part else first.name


def _rank(name: str, kinds: tuple[_Kind, ...]) -> int:
    """Return which kind of panel a variable belongs to: the one whose beginning it shares the longest."""
    fits = [(len(start), -k) for k, (_, starts, _, _) in enumerate(kinds) for start in starts if name.startswith(start)]
    return -max(fits)[1]


def _percent(kind: str, unit: str) -> str:
    return "%" if kind in _PERCENT and unit in ("", "1", "fraction", "probability", "dimensionless") else ""


def _lines(course: xarray.Dataset, name: str, kind: str) -> list[CourseLine]:
    """Return one line a limb; several people become a middle line with a band."""
    variable = course[name]
    label = str(variable.attrs.get("long_name") or words.label(name))
    factor = 100.0 if _percent(kind, str(variable.attrs.get("units", ""))) else 1.0
    is_quiet = name.startswith("untreated")
    limbs = [str(limb) for limb in variable["limb"].values] if "limb" in variable.dims else [""]
    out = []
    for limb in limbs:
        low, middle, high = _over_people(variable, limb, factor)
        trough = None
        if all(f"{name}{end}" in course for end in _WITHIN):
            (low, trough, _), (_, middle, high) = (_over_people(course[name + end], limb, factor) for end in _WITHIN)
            trough = None if np.array_equal(trough, middle) else trough
            label = label if trough is None else f"{label}, trough to peak"
        where = limb or next((key for key in _COLOURS if key in name.split("_")), "")
        shown = words.label(limb) + (" without drug" if is_quiet else "") if limb else label
        shown = words.label(variable.attrs["muscle"]) if kind in _OF_MUSCLES else shown
        dash = _QUIET_DASH if is_quiet else _DASHES.get(where, "solid")
        out.append(CourseLine(shown, where, _COLOURS.get(where, ""), dash, is_quiet, low, middle, high, trough))
    return out


def _over_people(variable: xarray.DataArray, limb: str, factor: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return low, middle and high over people at each time; all three the same for one person."""
    part = variable.sel(limb=limb) if limb else variable
    others = [dim for dim in part.dims if dim != "time_h"]
    values = part.transpose(*others, "time_h").to_numpy().reshape(-1, part.sizes["time_h"]) * factor
    low, middle, high = (values[0],) * 3 if len(values) == 1 else over_people(values)
    return low, middle, high


def _coloured(lines: Sequence[CourseLine]) -> list[CourseLine]:
    """Give lines that belong to no limb the colours that are left, and dashes that show lines beneath."""
    spare, dashes = itertools.cycle(_SPARE), itertools.cycle(_DASHES.values())
    return [line if line.colour else replace(line, colour=next(spare), dash=next(dashes)) for line in lines]


def window(panel: CoursePanel, time: np.ndarray, first: Number, last: Number) -> CoursePanel | None:
    """Return a panel with only the lines that can be seen between two times; None if there is nothing to see."""
    kept = tuple(line for line in panel.lines if seen(panel, line, time, first, last).size)
    # A dose is a step: the one before the window reaches into it.
    held = (np.nan_to_num(line.high[seen(panel, line, time, first, last)]) for line in kept)
    if panel.kind == "dose" and not any(dose.any() for dose in held):
        return None
    return replace(panel, lines=kept) if kept else None


def moves(panel: CoursePanel, time: np.ndarray, first: Number, last: Number) -> bool:
    """Tell whether anything of a panel changes visibly between two times; a dose is told whether it does or not."""
    if panel.kind == "dose":
        return True
    for line in panel.lines:
        inside = seen(panel, line, time, first, last)
        for values in (line.low[inside], line.middle[inside], line.high[inside]):
            if values.size and np.ptp(values) > _STILL * max(float(np.abs(values).max()), _NOTHING):
                return True
    return False


def seen(panel: CoursePanel, line: CourseLine, time: np.ndarray, first: Number, last: Number) -> np.ndarray:
    """Return the places of the values to draw between two times, with the neighbours on either side.

    A grade holds until the next look, so the look before the window reaches into it. A log axis has no place for zero.
    """
    known = np.isfinite(line.middle) & ((line.middle > 0) if panel.kind == "exposure" else True)
    places = np.flatnonzero(known)
    start, end = np.searchsorted(time[places], [first, last], side="left")
    if end < places.size and time[places[end]] == last:
        end += 1
    before = max(start - 1, 0)
    if start == end and not (panel.is_stepped and start > 0):
        return places[:0]
    return places[before : end if panel.is_stepped else end + 1]
