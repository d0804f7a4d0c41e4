"""An examination as a reader wants it: a table for the terminal, one page, and files that other programs read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia import _writing
from eutonia._hours import HOURS_A_DAY
from eutonia.examination import TESTS
from eutonia.examination.findings import Finding, MovementTrace
from eutonia.limb.muscle import all_muscle_groups, stretched_groups
from eutonia.patient import LIMBS
from eutonia.report import basis, chain, curves, files, page, plain, screen, words
from eutonia.report.examination import figures as examination_figures
from eutonia.report.examination.words import FindingRow, quantiles, row
from eutonia.trial.examine_case import BedsideResult

if TYPE_CHECKING:
    from rich.console import Console

_FINDINGS, _PAGE, _RECORD = "findings.csv", "report.html", "run.json"


def sections(result: BedsideResult) -> list[tuple[str, str, list[FindingRow], list[MovementTrace]]]:
    """Return for each test its name, its label, its rows and its recordings."""
    return [
        (
            name,
            TESTS[name].label,
            [row(one) for one in result.findings if one.test == name],
            [one for one in result.traces if one.test == name],
        )
        for name in result.tests
    ]


def _grouped(rows: Sequence[FindingRow]) -> list[tuple[str, list[FindingRow]]]:
    """Return the rows of each muscle group or limb."""
    return [(of, [one for one in rows if one.of == of]) for of in words.unique(one.of for one in rows)]


def show(result: BedsideResult, console: Console, folder: Path | None) -> None:
    """Print every finding with its unit and interval."""
    from rich.text import Text

    console.print(Text(f"{result.title}, {moment(result)}", style="bold"))
    made = screen.table(("Finding", "Middle", "95% of people"), ())
    for _, label, rows, _ in sections(result):
        for of, group in _grouped(rows):
            made.add_row(Text(f"{label}: {words.lower(of)}", style="bold"))
            for one in group:
                interval = f"{one.interval} {one.who}".strip()
                made.add_row(*(Text(cell) for cell in (f"  {one.what}", one.middle, interval)))
    console.print(made)
    console.print(Text(f"{result.people} people share what is known of this one. {words.DISCLAIMER}.", style="dim"))
    if folder is not None:
        console.print(Text(f"Report: {folder / _PAGE}"), soft_wrap=True)


def moment(result: BedsideResult) -> str:
    """Return the time of the examination in words."""
    days = result.at_h / HOURS_A_DAY
    return f"day {days:.4g} after the onset"


def names(tests: Sequence[str]) -> list[str]:
    """Return the names of all files that an examination may write, whichever tests it does; the run record is last."""
    of = [*(one.name for one in all_muscle_groups()), *LIMBS]
    traces = [f"{_stem(test, muscle)}.{kind}" for test in tests for muscle in of for kind in ("csv", "nc")]
    return [*traces, _FINDINGS, *curves.FILES, _PAGE, _RECORD]


def check_folder(folder: str | os.PathLike[str]) -> Path:
    """Return the folder if an examination may be written there; complain before any work is done."""
    return _writing.check_folder(folder, names(tuple(TESTS)))


def write(result: BedsideResult, folder: str | os.PathLike[str]) -> Path:
    """Write page, findings, recordings and run record into `folder`, whole or not at all."""

    def fill(draft: Path) -> None:
        (draft / _PAGE).write_text(html(result), encoding="utf-8")
        _write_findings(result.findings, draft / _FINDINGS)
        for trace in result.traces:
            _write_trace(trace, result, draft / _stem(trace.test, trace.of))
        curves.write(lines(result), draft, csv=True)
        about = {"study": result.study_name, "title": result.title, "kind": "examination", "time_h": result.at_h}
        files.write_record(draft, {**about, **dict(result.run)})

    return _writing.write_folder(folder, names(tuple(TESTS)), fill)


def lines(result: BedsideResult) -> list[curves.CurveLine]:
    """Return every curve of the page."""
    return [line for trace in result.traces for line in examination_figures.lines(trace)]


def html(result: BedsideResult) -> str:
    """Return the page as one HTML text with everything inside."""
    drawn = [
        (
            name,
            label,
            TESTS[name].how,
            _grouped(rows),
            [figure for trace in traces for figure in examination_figures.panels(trace)],
        )
        for name, label, rows, traces in sections(result)
    ]
    context: dict[str, Any] = basis.of_run(result.run, str(result.run["command"])) | {
        "result": result,
        "moment": moment(result),
        "sections": drawn,
        "happened": [(f"day {at / HOURS_A_DAY:.4g}", words.said(what)) for at, what in result.happened],
    }
    return page.render("examination.html.jinja", context | _plain(result))


def _plain(result: BedsideResult) -> dict[str, Any]:
    """Return the examination in five sentences."""
    first = row(result.findings[0]) if result.findings else None
    told = "" if first is None else f"{first.of}, {words.lower(first.what)}: {first.middle}"
    spread = f" ({first.interval} in the middle 95% of people)" if first is not None and first.interval else ""
    many = f" All {len(result.findings)} findings stand below." if len(result.findings) > 1 else ""
    tests = ", ".join(TESTS[name].label for name in result.tests)
    said = [
        (plain.ASKED, f"What would hands and instruments find in this person on {moment(result)}? Done: {tests}."),
        (plain.FOUND, f"{told}{spread}.{many}" if told else ""),
        (
            plain.SURE,
            f"Of {result.people} people who share what is known of this one; raters make no error here. "
            f"{plain.rests_on(result.run)}",
        ),
    ]
    scales = words.unique(one.key for one in result.findings if one.key)
    courses = {} if result.course is None else {"": result.course}
    limb = chain.limb_of(_limbs(result.findings))
    return plain.context("examination", said, scales=[*scales, *result.tests], courses=courses, limb=limb)


def _limbs(findings: Sequence[Finding]) -> list[str]:
    """Return the limbs of what was examined: muscle groups, and limbs themselves."""
    limbs = {group.name: group.limb for group in stretched_groups()}
    return words.unique(limbs.get(one.of, one.of) for one in findings)


def _stem(test: str, muscle: str) -> str:
    return f"{test}_{muscle.replace(' ', '_')}"


def _write_findings(findings: Sequence[Finding], path: Path) -> None:
    """Write one line a finding: number of people who show it, middle and middle 95 %; grades as places and words."""
    rows: list[tuple[object, ...]] = []
    for one in findings:
        known = int(np.isfinite(one.values).sum())
        low, middle, high = quantiles(one) if known else (np.nan, np.nan, np.nan)
        grade = one.grades[int(middle)] if one.grades and known else ""
        numbers = ("" if not np.isfinite(value) else f"{value:.6g}" for value in (low, middle, high))
        rows.append((one.test, one.of, one.what, one.unit, known, *numbers, grade, one.key))
    heads = ("test", "of", "finding", "unit", "people", "low", "median", "high", "grade", "key")
    files.write_rows(path, [heads, *rows], end="\r\n")


def _write_trace(trace: MovementTrace, result: BedsideResult, stem: Path) -> None:
    """Write everybody's recording as NetCDF, and that of the person nearest to the median as CSV."""
    about = {"title": trace.title, "study": result.study_name, "comment": words.DISCLAIMER}
    encoding = {name: {"dtype": "float32", "zlib": True, "complevel": 1} for name in trace.data.data_vars}
    files.write_netcdf(stem.with_suffix(".nc"), trace.data.assign_attrs(about), encoding)
    one = trace.data.isel(patient=trace.typical)
    columns = ["time_s", *(str(name) for name in one.data_vars)]
    table = np.column_stack([one[name].to_numpy() for name in columns])
    np.savetxt(stem.with_suffix(".csv"), table, fmt="%.6g", delimiter=",", header=",".join(columns), comments="")
