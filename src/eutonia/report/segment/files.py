"""The examination of a segment as a folder: a page that opens offline, numbers, impulses and traces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia import _writing
from eutonia.report import basis, curves, files, page, plain, words
from eutonia.report.segment import figures as segment_figures
from eutonia.simulation.segment import LATENCY, Number, SegmentFinding
from eutonia.tone.segment.readout import KINDS

if TYPE_CHECKING:
    import xarray

# The page begins so late after the start where a shock comes, s: enough to see the rest before it.
_BEFORE_S = 0.05
NAMES = ("segment.html", "numbers.csv", "impulses.csv", "traces.nc", *curves.FILES, "run.json")
check_folder = partial(_writing.check_folder, names=NAMES)


@_writing.whole(NAMES)
def write(finding: SegmentFinding, draft: Path, run: Mapping[str, Any], facts: Sequence[tuple[str, str]]) -> None:
    """Write page, numbers, impulses, traces and run record into the folder, whole or not at all."""
    (draft / "segment.html").write_text(html(finding, run, facts), encoding="utf-8")
    numbers = [(n.label, n.value, n.unit) for n in finding.numbers]
    files.write_rows(draft / "numbers.csv", [("what", "value", "unit"), *numbers])
    files.write_rows(draft / "impulses.csv", [("time_s", "muscle", "kind", "cell"), *_impulses(finding)])
    files.write_netcdf(draft / "traces.nc", traces(finding))
    curves.write(_lines(finding), draft, csv=True)
    files.write_record(draft, {"title": finding.title, "kind": "segment", **run})


def _lines(finding: SegmentFinding) -> list[curves.CurveLine]:
    """Return what was read against what was varied, such as the recruitment curve, and the signals over time."""
    drawn, shown = finding.curve, finding.shown
    read = (
        []
        if drawn is None
        else [
            curves.CurveLine(drawn.title, name, drawn.across, drawn.up, drawn.x, y) for name, y in drawn.lines.items()
        ]
    )
    strips = segment_figures.strips(shown, finding.angle)
    title = segment_figures.signals_title(finding.angle)
    return read + [
        curves.CurveLine(title, label.rpartition(",")[0], "Time, s", label, shown.plan.time_s, values)
        for label, values, _ in strips
    ]


def traces(finding: SegmentFinding) -> xarray.Dataset:
    """Return EMG and torque of both muscles over time, and the angle if the ankle moved, with units."""
    import xarray

    shown = finding.shown
    muscle = ["soleus", "tibialis_anterior"]
    emg, torque = ([course(k)[:, 0] for k in range(2)] for course in (shown.emg, shown.torque))
    data: dict[str, Any] = {
        "emg": (("muscle", "time_s"), emg, {"units": "1", "long_name": "EMG, share of the M wave's potentials"}),
        "torque": (("muscle", "time_s"), torque, {"units": "N m", "long_name": "Torque at the ankle"}),
    }
    if finding.angle is not None:
        name = "Angle of the ankle, dorsiflexion from the start"
        data["angle"] = (("time_s",), finding.angle, {"units": "deg", "long_name": name})
    return xarray.Dataset(
        data,
        coords={"time_s": ("time_s", shown.plan.time_s, {"units": "s"}), "muscle": muscle},
        attrs={"title": finding.title, "comment": words.DISCLAIMER},
    )


def _impulses(finding: SegmentFinding) -> list[tuple[object, ...]]:
    shown = finding.shown
    rows = []
    for kind, found in zip(("motoneuron", *KINDS), (shown.motor, *shown.others), strict=True):
        for step, muscle, cell, _ in found.tolist():
            name = "tibialis anterior" if muscle else "soleus"
            rows.append((f"{step * shown.plan.dt_ms / 1000.0:.4f}", name, kind, cell))
    return sorted(rows, key=lambda row: str(row[0]))


def said(number: Number) -> tuple[str, str, str]:
    """Return a number in words: what, value, unit."""
    value = "none" if number.value != number.value else words.three_digits(number.value)
    return number.label, value, "" if number.unit == "1" or value == "none" else number.unit


def html(finding: SegmentFinding, run: Mapping[str, Any], facts: Sequence[tuple[str, str]]) -> str:
    """Return the whole page; it loads nothing."""
    start = _BEFORE_S if finding.shown.plan.shocks.size else 0.0
    context: dict[str, Any] = basis.of_run(run, str(run["command"])) | {
        "title": finding.title,
        "facts": facts,
        "numbers": [said(number) for number in finding.numbers],
        "curve": segment_figures.curve(finding.curve) if finding.curve else None,
        "raster": segment_figures.raster(finding.shown, start),
        "signals": segment_figures.signals(finding.shown, start, finding.angle),
    }
    return page.render("segment.html.jinja", context | _plain(finding, run, dict(facts)))


def _is_some(amount: str) -> bool:
    """Return whether an amount with its unit is more than nothing."""
    return float(amount.split()[0]) > 0.0


def _signal(bias: str) -> str:
    """Return how strong a descending bias is, in words."""
    return f"{bias} too strong (0 is healthy)" if _is_some(bias) else "as strong as in health"


def _found(numbers: Sequence[Number]) -> str:
    """Return the first numbers as a sentence; without a latency there was no H-reflex, and nothing to tell of it."""
    if any(one.label == LATENCY and one.value != one.value for one in numbers):
        return "No H-reflex was seen."
    told = [(what, f"{value} {unit}".strip()) for what, value, unit in map(said, numbers[:3])]
    return "; ".join(f"{what}: {value}" for what, value in told) + "."


def _plain(finding: SegmentFinding, run: Mapping[str, Any], facts: Mapping[str, str]) -> dict[str, Any]:
    """Return the examination in five sentences."""
    drug = f"{facts['Baclofen in spinal fluid']} of baclofen"
    left = f"The drug leaves {facts['Ia release left']} of what the fibres that feel the stretch give to the cells."
    if not _is_some(drug):
        drug = "no drug"
        left = "No drug is given, so the fibres that feel the stretch give to the cells all that they have."
    told = [
        (
            plain.ASKED,
            f"What does a piece of spinal cord answer to this: {words.lower(finding.title)}? Its signal is "
            f"{_signal(facts['Descending bias'])}, with {drug} around it.",
        ),
        (plain.FOUND, _found(finding.numbers)),
        (plain.WHY, f"{left} The cord's own brake on them at rest is {facts['Presynaptic inhibition']}."),
        (plain.SURE, f"One person's {facts['Cells']} cells, drawn by one seed. {plain.rests_on(run)}"),
    ]
    return plain.context("segment", told)
