"""A fitted recording as a reader wants it: a table for the terminal, one page with pictures, and plain files."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia import _writing, parameters
from eutonia._progress import Progress, silent
from eutonia.inference.recording import Recording
from eutonia.inference.stretch_fit import Estimate, StretchFit, fit
from eutonia.inference.zeros import ZEROS
from eutonia.report import basis, curves, files, page, plain, screen, words
from eutonia.report.fit import figures
from eutonia.trial.record import inputs, repeat, run_record

if TYPE_CHECKING:
    from rich.console import Console


_PAGE, _SUMMARY, _TABLE, _RECORD = "report.html", "fit.json", "fit.csv", "run.json"
NAMES = (_PAGE, _SUMMARY, _TABLE, *curves.FILES, _RECORD)
check_folder = partial(_writing.check_folder, names=NAMES)
_DETERMINED = {"yes": "yes", "partly": "in part", "no": "no", "missed": "no: fit misses"}
_PARTS = {
    "neural": "Neural: reflex and tone",
    "reflex": "stretch reflex",
    "background": "background tone",
    "passive": "Passive: tissue",
    "elastic": "elastic",
    "viscous": "viscous",
    "short_range": "short-range stiffness",
}
_WHOLE = ("neural", "passive")


@dataclass(frozen=True)
class EstimateRow:
    """One number in words: name, value with unit, interval, interval before, and whether it is determined."""

    name: str
    value: str
    interval: str
    before: str
    determined: str


def run(
    recordings: Sequence[Recording],
    test: str,
    joint: str,
    sizes: Mapping[str, str | None],
    seed: int,
    progress: Progress = silent,
) -> tuple[StretchFit, Mapping[str, Any]]:
    """Fit recordings and return the result with the record of the run."""
    began = time.perf_counter()
    with parameters.recording() as used:
        result = fit(recordings, test, joint, **sizes, seed=seed, progress=progress)
    files_given = [Path(one.name) for one in recordings]
    command = repeat("fit-stretch", *files_given, test=test, joint=joint, **sizes, seed=seed)
    wall = time.perf_counter() - began
    return result, run_record(seed, "", used, wall, command=command, inputs=inputs(files_given))


def row(estimate: Estimate) -> EstimateRow:
    """Return a number in words."""
    shown = _fine((estimate.low, estimate.middle, estimate.high))
    before = words.alike((estimate.before_low, estimate.before_high))
    name = f"{estimate.label} ({_GREEK.get(estimate.symbol, estimate.symbol)})"
    return EstimateRow(
        name,
        words.with_unit(shown[1], estimate.unit),
        f"{shown[0]} to {shown[2]}",
        f"{before[0]} to {before[1]}",
        _DETERMINED[estimate.determined],
    )


def _fine(values: Sequence[float]) -> list[str]:
    """Return numbers with so many decimals that the ends of their interval differ by ten units of the last or more."""
    span = max(values) - min(values)
    decimals = min(max(math.ceil(1.0 - math.log10(span)), 0), 4) if span > 0.0 else 2
    return [f"{value:.{decimals}f}".replace("-", "−") for value in values]


_GREEK = {"lambda": "λ", "mu": "μ", "theta_p": "θ_p", "theta_0": "θ_0"}


def part_rows(result: StretchFit) -> list[tuple[str, bool, str, str, str]]:
    """Return the parts of the resistance: name, whether it is a whole, torque, interval, share."""
    out = []
    for part in result.parts:
        low, middle, high = _fine((part.low, part.middle, part.high))
        name = _PARTS[part.name]
        out.append((name, part.name in _WHOLE, f"{middle} N m", f"{low} to {high}", f"{part.share:.0%}"))
    return out


def headline(result: StretchFit) -> str:
    """Return the one sentence that a reader should take away."""
    share = next(part.share for part in result.parts if part.name == "neural")
    open_ones = [words.lower(one.label) for one in result.asked if one.determined == "no"]
    if not result.agreement.holds:
        return f"The fit misses the recording ({agrees(result).partition(': ')[2][:-1]}): trust no number of it."
    told = f"{share:.0%} of the resistance during the stretch is neural, {1 - share:.0%} passive"
    if not open_ones:
        return f"{told}; the recording determines every number asked for, at least in part."
    return f"{told}. The recording does not determine {', '.join(open_ones)}."


def show(result: StretchFit, console: Console, folder: Path) -> None:
    """Print every number with its unit and interval, the split of resistance, and what is not told."""
    from rich.text import Text

    console.print(Text(f"{_test(result)}, {result.weight_kg:g} kg", style="bold"))
    heads = ("Number", "Value", "95% interval", "Known before", "Determined")
    console.print(screen.table(heads, (dataclasses.astuple(row(one)) for one in result.asked)))
    split = ((f"{'' if is_whole else '  '}{name}", *rest) for name, is_whole, *rest in part_rows(result))
    console.print(screen.table(("Mean resistance while stretched", "Torque", "95% interval", "Share"), split))
    console.print(Text(agrees(result)))
    for said in result.words:
        console.print(Text(f"- {said}"))
    console.print(Text(f"{words.DISCLAIMER}.", style="dim"))
    console.print(Text(f"Report: {folder / _PAGE}"), soft_wrap=True)


def write(result: StretchFit, record: Mapping[str, Any], folder: str | os.PathLike[str]) -> Path:
    """Write page, summary, table and run record into `folder`, whole or not at all."""

    def fill(draft: Path) -> None:
        (draft / _PAGE).write_text(html(result, record), encoding="utf-8")
        files.write_json(draft / _SUMMARY, summary(result))
        _write_table(result, draft / _TABLE)
        curves.write(figures.lines(result), draft, csv=True)
        files.write_record(draft, {"kind": "fit", **record, "files": list(NAMES)})

    return _writing.write_folder(folder, NAMES, fill)


def summary(result: StretchFit) -> dict[str, Any]:
    """Return the fit as plain data: what is in fit.json."""
    return {
        "disclaimer": words.DISCLAIMER,
        "headline": headline(result),
        "test": result.test,
        "joint": result.joint,
        "weight_kg": result.weight_kg,
        "stature_m": result.stature_m,
        "recordings": [course.name for course in result.courses],
        "fitted": {"channel": result.channel, "unit": result.unit},
        "estimates": list(result.estimates),
        "resistance_while_stretched_Nm": list(result.parts),
        "entangled": [{"one": one, "other": other, "correlation": alike} for one, other, alike in result.pairs],
        "words": list(result.words),
        "noise": {"sd": result.noise, "model_error_sd": result.model_error, "unit": result.unit},
        "agreement": {
            "rms": result.agreement.rms,
            "largest_miss": result.agreement.largest,
            "share_inside_95_band": result.agreement.inside,
            "unit": result.unit,
        },
        "sampling": {"effective_draws": result.effective, "pareto_index": result.pareto},
    }


def _write_table(result: StretchFit, path: Path) -> None:
    """Write data, fit and torques, a line a sample."""
    channel = f"{result.channel}_{result.unit.replace(' ', '')}"
    parts = ("neural", "passive", "reflex", "background", "elastic", "viscous", "short_range")
    heads = ["recording", "time_s", "angle_deg", *(f"{of}_{channel}" for of in ("data", "fitted", "low", "high"))]
    rows: list[list[object]] = [[*heads, *(f"{part}_Nm" for part in parts)]]
    for number, course in enumerate(result.courses, start=1):
        series = [course.time_s, course.angle_deg, course.recorded, course.fitted, course.low, course.high]
        series += [course.parts[part] for part in parts]
        rows += [[number, *(f"{value:.6g}" for value in values)] for values in zip(*series, strict=True)]
    files.write_rows(path, rows, end="\r\n")


def html(result: StretchFit, record: Mapping[str, Any]) -> str:
    """Return the page as one HTML text with everything inside."""
    context: dict[str, Any] = basis.of_run(record, str(record["command"])) | {
        "title": _test(result),
        "result": result,
        "names": [Path(course.name).name for course in result.courses],
        "asked": [row(one) for one in result.asked],
        "others": [row(one) for one in result.estimates if not one.is_asked],
        "parts": part_rows(result),
        "figures": figures.drawings(result),
        "quality": _quality(result),
        "zero": ZEROS[result.joint],
    }
    return page.render("fit.html.jinja", context | _plain(result, record))


def _plain(result: StretchFit, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fit in five sentences."""
    inner = max((part for part in result.parts if part.name not in _WHOLE), key=lambda part: part.share)
    share = next(part.share for part in result.parts if part.name == "neural")
    said = [
        (
            plain.ASKED,
            f"How much of what resists in this {result.joint} is nerve (reflex and tone), which drugs can lower, and "
            "how much is tissue, which they cannot?",
        ),
        (plain.FOUND, headline(result)),
        (
            plain.WHY,
            f"While the muscle is stretched the largest part is {_PARTS[inner.name]}: {inner.share:.0%} of the "
            f"resistance; all that is nerve makes {share:.0%}.",
        ),
        ("Not told", result.words[0] if result.words else "Nothing stood out: every number asked for is determined."),
        (plain.SURE, f"{agrees(result)} {plain.rests_on(record)}"),
    ]
    return plain.context("fit", said)


def _test(result: StretchFit) -> str:
    joint = result.joint
    if result.test == "pendulum":
        return f"Pendulum test of the {joint}, fitted"
    speeds = ", ".join(f"{course.speed:.0f}" for course in result.courses)
    return f"{'Stretches' if len(result.courses) > 1 else 'Stretch'} of the {joint} at {speeds} deg/s, fitted"


def _quality(result: StretchFit) -> str:
    noise, error = (words.with_unit(words.number(x), result.unit) for x in (result.noise, result.model_error))
    held = parameters.load("inference").value(f"held_{result.test}", "1")
    return (
        f"{agrees(result)} The errors are noise of {noise} and a smooth error of the model of {error} (standard "
        f"deviations), both in the band; {result.effective:.0f} independent draws behind the intervals, tail index "
        f"{result.pareto:.2f} (below 0.7 is sound). In simulated recordings, where the truth is known, 95% intervals "
        f"hold it in {held:.0%}."
    )


def agrees(result: StretchFit) -> str:
    """Return in one line how the fit lies to the recording."""
    fits = result.agreement
    rms, largest = (words.with_unit(f"{x:.2g}", result.unit) for x in (fits.rms, fits.largest))
    return f"Fit against recording: rms {rms}, largest miss {largest}, {fits.inside:.0%} inside the 95% band."
