"""The examination of a segment as a folder: a page that opens offline, numbers, impulses and traces."""

from __future__ import annotations

import csv
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia import parameters
from eutonia.errors import EutoniaError
from eutonia.report import segment_figures, svg, words
from eutonia.simulation.segment import Finding, Number
from eutonia.tone.segment.readout import KINDS

if TYPE_CHECKING:
    import xarray

NAMES = ("segment.html", "numbers.csv", "impulses.csv", "traces.nc")
#: Shown before the first shock or stretch, s: enough to see the rest.
_STATUS_ORDER = ("verified", "secondary", "derived", "recalled", "fitted", "program default", "assumed")


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """Return the folder if it is new, empty or holds an older result of this kind; else raise before any work."""
    target = Path(folder).expanduser().resolve()
    if target.exists() and not target.is_dir():
        raise EutoniaError(
            f'"{target}" is a file; a result is a folder. Allowed: a new or an empty folder, or an older result of '
            f'eutonia segment. Nearest: "{target.parent / (target.stem + "-result")}". Choose another name.'
        )
    strangers = sorted(p.name for p in target.iterdir() if p.name not in NAMES) if target.exists() else []
    if strangers:
        raise EutoniaError(
            f'"{target}" holds files that eutonia segment did not write ({", ".join(strangers[:4])}). Allowed: a new '
            f'or an empty folder, or an older result. Nearest: "{target / "segment"}". Choose another.'
        )
    return target


def write(
    finding: Finding, folder: Path, used: parameters.Used, command: str, facts: Sequence[tuple[str, str]]
) -> Path:
    """Write page, numbers, impulses and traces into the folder: all of them or none."""
    draft = folder.parent / f".{folder.name}.{secrets.token_hex(4)}.draft"
    try:
        draft.mkdir(parents=True)
        (draft / "segment.html").write_text(page(finding, used, command, facts), encoding="utf-8")
        _write_rows(
            draft / "numbers.csv", ("what", "value", "unit"), [(n.label, n.value, n.unit) for n in finding.numbers]
        )
        _write_rows(draft / "impulses.csv", ("time_s", "muscle", "kind", "cell"), _impulses(finding))
        traces(finding).to_netcdf(draft / "traces.nc", engine="h5netcdf")
        folder.mkdir(parents=True, exist_ok=True)
        for name in NAMES:
            (draft / name).replace(folder / name)
    except OSError as error:
        raise EutoniaError(
            f'the result cannot be written to "{folder}": {error.strerror or error}. It needs a folder that may be '
            "written to and that has room. Choose another folder."
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


def traces(finding: Finding) -> xarray.Dataset:
    """Return EMG and torque of both muscles over time, with units."""
    import xarray

    shown = finding.shown
    muscle = ["soleus", "tibialis_anterior"]
    emg, torque = ([course(k)[:, 0] for k in range(2)] for course in (shown.emg, shown.torque))
    return xarray.Dataset(
        {
            "emg": (("muscle", "time_s"), emg, {"units": "1", "long_name": "EMG, share of the M wave's potentials"}),
            "torque": (("muscle", "time_s"), torque, {"units": "N m", "long_name": "Torque at the ankle"}),
        },
        coords={"time_s": ("time_s", shown.plan.time_s, {"units": "s"}), "muscle": muscle},
        attrs={"title": finding.title, "comment": words.DISCLAIMER},
    )


def _impulses(finding: Finding) -> list[tuple[object, ...]]:
    shown = finding.shown
    rows = []
    for kind, found in zip(("motoneuron", *KINDS), (shown.motor, *shown.others), strict=True):
        for step, muscle, cell, _ in found.tolist():
            name = "tibialis anterior" if muscle else "soleus"
            rows.append((f"{step * shown.plan.dt_ms / 1000.0:.4f}", name, kind, cell))
    return sorted(rows, key=lambda row: str(row[0]))


def _write_rows(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])


def said(number: Number) -> tuple[str, str, str]:
    """Return a number in words: what, value, unit."""
    value = "none" if number.value != number.value else f"{number.value:.3g}"
    return number.label, value, "" if number.unit == "1" else number.unit


def page(finding: Finding, used: parameters.Used, command: str, facts: Sequence[tuple[str, str]]) -> str:
    """Return the whole page; it loads nothing."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("eutonia.report", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("segment.html.jinja").render(_context(finding, used, command, facts)) + "\n"


def _context(
    finding: Finding, used: parameters.Used, command: str, facts: Sequence[tuple[str, str]]
) -> Mapping[str, Any]:
    import eutonia

    counts = used.counts_by_status()
    total = sum(counts.values()) or 1
    assumed = [record for record in used.records() if record.status == "assumed"]
    start = 0.05 if finding.shown.plan.shocks.size else 0.0
    return {
        "title": finding.title,
        "palette": svg.PALETTE,
        "version": eutonia.__version__,
        "disclaimer": words.DISCLAIMER,
        "facts": facts,
        "numbers": [said(number) for number in finding.numbers],
        "curve": segment_figures.curve(finding.curve) if finding.curve else None,
        "raster": segment_figures.raster(finding.shown, start),
        "signals": segment_figures.signals(finding.shown, start),
        "statuses": [(name, counts[name], 100 * counts[name] / total) for name in _STATUS_ORDER if name in counts],
        "assumed": [(r.label, ", ".join(f"{v:g}" for v in r.array()), r.unit, r.note) for r in assumed],
        "command": command,
    }
