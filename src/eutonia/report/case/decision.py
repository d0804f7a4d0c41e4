"""The picture of one decision: benefit and harm over dose, where they cross, a table, and files for other programs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from eutonia import _writing
from eutonia._hours import HOURS_A_DAY
from eutonia.report import basis, curves, exports, files, page, plain, screen, words
from eutonia.report.drawing import plot, scales, svg
from eutonia.report.drawing.plot import Dash
from eutonia.trial.decision import BENEFIT, HARM, LOST, TABLETS, UNHARMED, Decision

if TYPE_CHECKING:
    from rich.console import Console

_PAGE, _RECORD = "report.html", "run.json"
#: What the folder of a decision holds; the record marks it as ours.
NAMES = (_PAGE, "decision.parquet", "decision.csv", *curves.FILES, _RECORD)
check_folder = partial(_writing.check_folder, names=NAMES)
_LOOKS: dict[str, tuple[str, Dash]] = {
    BENEFIT: ("active", "solid"),
    HARM: ("does-not", "solid"),
    UNHARMED: ("third", (5.0, 2.0)),
}
# Looks of the harms one by one.
_EACH: tuple[tuple[str, Dash], ...] = (("fourth", (1.5, 1.5)), ("leg", (3.0, 2.0)), ("placebo", (7.0, 2.0)))
_BAND, _WIDE, _NARROW = 0.16, 940, 350


def _looks(found: Decision) -> dict[str, tuple[str, Dash]]:
    """Return colour and dash of each line."""
    names = list(dict.fromkeys(found.table["what"]))
    return _LOOKS | dict(zip([name for name in names if name not in _LOOKS], _EACH, strict=True))


def drawing(found: Decision) -> svg.Drawing:
    """Return benefit and harm over the daily dose, for a wide page and for a phone."""
    title = f"Share of the possible people over the dose, {words.unit(found.question.unit)}"
    told = " ".join(found.told())
    wide, narrow = (_draw(found, f"decision-{width}", title, told, width) for width in (_WIDE, _NARROW))
    return svg.Drawing(title, told, wide, narrow)


def _draw(found: Decision, name: str, title: str, told: str, width: int) -> Markup:
    height = 360 if width > _NARROW else 300
    sheet = plot.Sheet(name, width, height)
    daily = found.question.daily
    panel = sheet.panel((46, 10, width - 62, height - 60), (0.0, daily[-1]), (0.0, 100.0))
    at = [0, 25, 50, 75, 100]
    panel.scale_up(at, [f"{share}%" for share in at])
    across = scales.ticks(0.0, daily[-1], 8 if width > _NARROW else 4)
    panel.floor(across, scales.shown(across), f"Dose, {words.unit(found.question.unit)}")
    panel.rules(x=[dose for dose, _ in found.crossings], token="muted")
    for what, (token, dash) in _looks(found).items():
        low, middle, high = _shares(found, what)
        if what in (BENEFIT, HARM):
            panel.band(np.array(daily), low, high, token, _BAND)
        panel.line(np.array(daily), middle, token, 2.6 if what in _LOOKS else 1.6, dash)
    return sheet.finish(title, told)


def _shares(found: Decision, what: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return lower end, share and upper end of what may happen, by dose, in percent."""
    part = found.table.filter(found.table["what"] == what)
    low, share, high = (100.0 * part[end].to_numpy() for end in ("low", "share", "high"))
    return low, share, high


def _rows(found: Decision) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return each daily dose in words with a cell a line: share and interval, in percent."""
    out = []
    for dose in found.question.daily:
        part = found.table.filter(found.table["dose"] == dose)
        cells = [
            (f"{100 * row['share']:.0f}%", f"{100 * row['low']:.0f} to {100 * row['high']:.0f}")
            for row in part.iter_rows(named=True)
        ]
        out.append((words.with_unit(f"{dose:g}", found.question.unit), cells))
    return out


def _heads(found: Decision) -> list[str]:
    return [words.capital(str(what)) for what in dict.fromkeys(found.table["what"])]


def _lines(found: Decision) -> list[curves.CurveLine]:
    across = f"Dose, {found.question.unit}"
    daily = np.array(found.question.daily)
    out = []
    for what in _looks(found):
        low, middle, high = _shares(found, what)
        out.append(curves.CurveLine("Decision", what, across, "Share of people, %", daily, middle, low, high))
    return out


def _context(found: Decision) -> dict[str, Any]:
    question = found.question
    by_mouth = question.route == TABLETS
    people = int(found.table["n"][0])
    given = "tablets of baclofen, every 8 hours" if by_mouth else f"a pump, tip at {question.tip}"
    begun, held = f"day {question.at_h / HOURS_A_DAY:.4g}", words.moment(question.held_h)
    first, *others = found.told()
    said = [
        (
            plain.ASKED,
            f"What do doses of {given} do, each begun on {begun} and held for {held} in the same {people} possible "
            "people, who share what is known of this person? Nothing else is given.",
        ),
        (plain.FOUND, first),
        ("Weighed", " ".join(others)),
        (
            plain.SURE,
            f"{plain.rests_on(found.run)} No dose is chosen here: how much relief is worth how much harm is for the "
            "person and a doctor to say.",
        ),
    ]
    about = basis.of_run(found.run, str(found.run["command"])) | plain.context("case", said)
    return about | {
        "title": question.study.title,
        "rule": question.rule,
        "people": people,
        "stood": found.stood,
        "lost": LOST,
        "figure": drawing(found),
        "legend": [(what.capitalize(), token, dash) for what, (token, dash) in _looks(found).items()],
        "heads": _heads(found),
        "rows": _rows(found),
    }


def html(found: Decision) -> str:
    """Return the whole page as one text with everything inside; it loads nothing."""
    return page.render("decision.html.jinja", _context(found))


@_writing.whole(NAMES)
def write(found: Decision, draft: Path) -> None:
    """Write page, tables and record, whole or not at all, and return the folder."""
    (draft / _PAGE).write_text(html(found), encoding="utf-8")
    exports.write_pair(found.table, draft, "decision")
    curves.write(_lines(found), draft, csv=True)
    crossings = [{"dose": dose, "unit": found.question.unit, "benefit_above": up} for dose, up in found.crossings]
    about = {"kind": "decision", "benefit": found.question.rule, "crossings": crossings}
    files.write_record(draft, {**about, **found.run, "files": sorted(NAMES)})


def show(found: Decision, console: Console, folder: Path | None) -> None:
    """Print the table, what the picture says, and where the page lies."""
    rows = ((dose, *(share for share, _ in cells)) for dose, cells in _rows(found))
    title = f"{found.question.study.title}. Benefit: {found.question.rule}"
    console.print(screen.table(("Dose", *_heads(found)), rows, title, left=0))
    screen.close(console, map(words.clinic, found.told()), folder and folder / _PAGE)
