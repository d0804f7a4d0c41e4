"""The size of a trial and sweeps of its fields as folders: a page that opens offline, tidy tables, the record."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia import _writing
from eutonia._middle import Z_95
from eutonia.report import basis, exports, files, page, plain, screen, words
from eutonia.report.drawing import scales, svg
from eutonia.report.drawing.plot import Panel, Sheet

if TYPE_CHECKING:
    import polars
    from rich.console import Console

    from eutonia.trial.power import PowerFound
    from eutonia.trial.swept import Swept

_PAGE, _RECORD = "report.html", "run.json"
#: What the folders hold; the record marks them as ours.
POWER = (_PAGE, "power.csv", "power.parquet", _RECORD)
SWEEP = (_PAGE, "sweep.csv", "sweep.parquet", "characteristics.csv", "characteristics.parquet", _RECORD)

_LINES = ("leg", "limb-arm", "does-not", "in-range", "reproduces", "muted")
_MOST_LINES = len(_LINES)
check_folder = _writing.check_folder


def write_power(found: PowerFound, folder: str | os.PathLike[str]) -> Path:
    """Write page, table and record of the size of a trial, whole or not at all, and return the folder."""
    rows = [
        {
            "People": f"{row['people']}",
            "Simulated trials": f"{row['trials']}",
            "Found a difference": _share(row["power"], row["error"]),
            "By the curve": f"{100 * row['fitted']:.0f} %",
            f"Difference ({row['unit']})": words.number(row["estimate"]),
            "True difference": words.number(row["truth"]),
        }
        for row in found.table.iter_rows(named=True)
    ]
    about = {
        "title": f"How many people {found.study_name} needs",
        **_plain(
            f"How many people does {found.study_name} need, so that {100 * found.target:.0f} of 100 such trials find "
            f"the difference in {found.endpoint}?",
            found.sentences(),
            found.run,
        ),
        "drawn": _power_drawing(found),
        "why": "Each point is the share of simulated trials of that size that found a difference, with its 95 % Monte "
        "Carlo interval; the line is the curve fitted to them, from which the size is read.",
        "rows": rows,
    }
    answer = {"people": found.people, "low": found.low, "high": found.high, "target": found.target}
    return _write(folder, POWER, about, found.run, {"power": found.table}, "power", answer)


def write_sweep(found: Swept, folder: str | os.PathLike[str]) -> Path:
    """Write page, tables and record of a sweep, whole or not at all, and return the folder."""
    lines, name, error = _lines(found)
    shown = ["; ".join(point) for point in found.points]
    rows = [
        {"; ".join(found.fields): point}
        | {label: _with(values[k], spread[k], share=error) for label, values, spread in lines}
        for k, point in enumerate(shown)
    ]
    about = {
        "title": f"{found.study_name} at {len(shown)} values of {', '.join(found.fields)}",
        **_plain(
            f"What changes with {', '.join(found.fields)}? The same people with the same luck at each value, so that a "
            "difference is of the field.",
            _points(found),
            found.run,
            _held(found),
        ),
        "drawn": _sweep_drawing(shown, lines, name, share=error),
        "why": f"{name}, with its 95 % {'Monte Carlo ' if error else ''}interval.",
        "rows": rows,
    }
    tables = {"sweep": found.table}
    if found.characteristics is not None:
        tables["characteristics"] = found.characteristics
    return _write(folder, SWEEP, about, found.run, tables, "sweep", {"fields": list(found.fields)})


def _plain(asked: str, sentences: Sequence[str], run: Mapping[str, Any], held: Sequence[str] = ()) -> dict[str, Any]:
    """Return a design in plain sentences: what was asked, what was found, what else, and how sure it is."""
    found, *others = sentences
    said = [(plain.ASKED, asked), (plain.FOUND, found), *(("And", one) for one in others[:2])]
    return plain.context("design", [*said, (plain.SURE, " ".join([*held, plain.rests_on(run)]))], more=others[2:])


def told(found: Swept) -> list[str]:
    """Return what a sweep shows, and what its intervals hold."""
    return _points(found) + _held(found)


def _points(found: Swept) -> list[str]:
    """Return a sentence a line of the picture."""
    lines, name, is_share = _lines(found)
    shown = ["; ".join(point) for point in found.points]
    said = []
    for label, values, spread in lines:
        each = ", ".join(
            f"{_with(one, more, share=is_share)} at {at}" for one, more, at in zip(values, spread, shown, strict=True)
        )
        said.append(f"{name}, {label}: {each}.")
    return said


def _held(found: Swept) -> list[str]:
    held = "Numbers are held at their records: intervals hold the luck of people and raters alone."
    return [held] if found.is_held else []


def show(sentences: Sequence[str], folder: Path, console: Console) -> None:
    """Print what was found, and where it lies."""
    screen.close(console, map(words.clinic, sentences), folder / _PAGE)


Lines = list[tuple[str, list[float], list[float]]]


def _lines(found: Swept) -> tuple[Lines, str, bool]:
    """Return the lines of the picture (name, values, half intervals), what they show, and whether that is a share:
    power of each endpoint where an analysis is said, else the mean of the first score at its last visit in each arm.
    """
    points, fields = found.points, list(found.fields)
    if found.characteristics is not None:
        table = found.characteristics
        names = table["endpoint"].unique(maintain_order=True).to_list()[:_MOST_LINES]
        lines = []
        for name in names:
            at = {
                row[: len(fields)]: row[len(fields) :]
                for row in _rows(table, fields, ("rejected", "rejected_error"), endpoint=name)
            }
            lines.append((name, [at[p][0] for p in points], [Z_95 * at[p][1] for p in points]))
        return lines, "Share of trials that find a difference", True
    means = found.table.filter(found.table["statistic"] == "mean")
    first = means.row(0, named=True)
    of = means.filter(
        (means["scale"] == first["scale"])
        & means["limb"].eq_missing(first["limb"])
        & (means["phase"] == first["phase"])
    )
    last = of.filter(of["time_h"] == of["time_h"].max())
    lines = []
    for arm in last["arm"].unique(maintain_order=True).to_list()[:_MOST_LINES]:
        at = {row[: len(fields)]: row[len(fields) :] for row in _rows(last, fields, ("mean", "low", "high"), arm=arm)}
        half = [(at[p][2] - at[p][1]) / 2 if p in at else math.nan for p in points]
        lines.append((str(arm), [at[p][0] if p in at else math.nan for p in points], half))
    name = f"{words.scale_label(first['limb'], first['scale'])}, {first['phase']}, {last['visit'][0]}"
    return lines, name, False


def _rows(table: polars.DataFrame, fields: list[str], values: tuple[str, ...], **which: str) -> list[tuple[Any, ...]]:
    return table.filter(**which).select(*fields, *values).rows()


def _share(value: float, error: float) -> str:
    return f"{100 * value:.0f} % (Monte Carlo error {100 * error:.1f})"


def _with(value: float, half: float, *, share: bool) -> str:
    if share:
        return f"{100 * value:.0f} % (Monte Carlo error {100 * half / Z_95:.1f})"
    return words.number(value) if math.isfinite(value) else "nobody"


def _frame(sheet: Sheet, x: tuple[float, float], y: tuple[float, float], *, share: bool) -> Panel:
    panel = sheet.panel((70, 20, 700, 260), x, y)
    at = scales.ticks(*y, 6)
    panel.scale_up(at, [f"{100 * one:.0f} %" for one in at] if share else scales.shown(at))
    return panel


def _power_drawing(found: PowerFound) -> svg.Drawing:
    """Draw power over size: what was simulated, the curve, the target, and the size that reaches it."""
    table = found.table
    most = 1.15 * max([*table["people"].to_list(), found.people])
    sheet = Sheet("power", 820, 340)
    panel = _frame(sheet, (0.0, most), (0.0, 1.0), share=True)
    at = scales.ticks(0.0, most, 8)
    panel.floor(at, scales.shown(at), "People")
    x = np.linspace(2.0, most, 120)
    if math.isfinite(found.high):
        panel.band([found.low, min(found.high, most)], [0.0, 0.0], [1.0, 1.0], "leg", 0.1)
    panel.line([0.0, most], [found.target] * 2, "muted", 1.2, "dashed")
    panel.line(x, np.array([found.curve.at(float(one)) for one in x]), "leg")
    panel.line([found.people] * 2, [0.0, found.target], "leg", 1.2, "dashed")
    for row in table.iter_rows(named=True):
        half = Z_95 * row["error"]
        panel.line([row["people"]] * 2, [max(row["power"] - half, 0), min(row["power"] + half, 1)], "ink", 1.4)
        panel.marks([row["people"]], [row["power"]], "o", "ink", 7)
    title = "Power over the number of people"
    said = "; ".join(f"{row['people']} people {100 * row['power']:.0f} percent" for row in table.iter_rows(named=True))
    text = f"Simulated: {said}. The curve reaches {100 * found.target:.0f} percent at {found.people} people."
    return svg.Drawing(title, text, sheet.finish(title, text))


def _sweep_drawing(points: Sequence[str], lines: Lines, name: str, *, share: bool) -> svg.Drawing:
    """Draw a line a name over the points, each with its interval."""
    sheet = Sheet("sweep", 820, 340 + 18 * len(lines))
    ends = [v + s * h for _, values, halves in lines for v, h in zip(values, halves, strict=True) for s in (-1, 1)]
    known = [one for one in ends if math.isfinite(one)] or [0.0, 1.0]
    y = (0.0, 1.0) if share else scales.whole(None, min(known), max(known))
    panel = _frame(sheet, (-0.5, len(points) - 0.5), y, share=share)
    panel.floor(range(len(points)), [svg.cut(one, 700 / len(points) - 8, 11) for one in points])
    for k, (label, values, halves) in enumerate(lines):
        shift, token = 0.06 * (k - (len(lines) - 1) / 2), _LINES[k]
        for place, (value, half) in enumerate(zip(values, halves, strict=True)):
            if math.isfinite(value + half):
                panel.line([place + shift] * 2, [max(value - half, y[0]), min(value + half, y[1])], token, 1.4)
        kept = [(place + shift, value) for place, value in enumerate(values) if math.isfinite(value)]
        panel.line([a for a, _ in kept], [b for _, b in kept], token, 1.6)
        panel.marks([a for a, _ in kept], [b for _, b in kept], "o", token, 7)
        sheet.box(70, 316 + 18 * k, 18, 4, token)
        sheet.text(96, 318 + 18 * k, svg.cut(label, 680, sheet.size))
    text = "; ".join(f"{label}: {', '.join(f'{one:.2g}' for one in values)}" for label, values, _ in lines)
    return svg.Drawing(name, f"At {', '.join(points)}. {text}.", sheet.finish(name, text))


def _write(
    folder: str | os.PathLike[str],
    names: Sequence[str],
    about: dict[str, Any],
    run: Any,
    tables: dict[str, polars.DataFrame],
    kind: str,
    answer: dict[str, Any],
) -> Path:
    """Write page, tables and record, whole or not at all."""

    def fill(draft: Path) -> None:
        text = page.render("operating.html.jinja", basis.of_run(run, str(run["command"])) | about)
        (draft / _PAGE).write_text(text, encoding="utf-8")
        for name, table in tables.items():
            exports.write_pair(table, draft, name)
        made = sorted({*(one.name for one in draft.iterdir()), _RECORD})
        files.write_record(draft, {"kind": kind, **run, **answer, "files": made})

    return _writing.write_folder(folder, names, fill)
