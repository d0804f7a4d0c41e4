"""Options of one person beside each other: one axis of time, one table, one page, and files for other programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eutonia import _writing
from eutonia._hours import HOURS_A_DAY
from eutonia.assessment.scales import SCALES
from eutonia.report import basis, chain, curves, exports, files, page, plain, screen, words
from eutonia.report.case import figure as case
from eutonia.report.case.panels import CourseLine, CoursePanel, curve_lines, panels
from eutonia.report.drawing.plot import Dash
from eutonia.report.pump import broken_rules
from eutonia.trial.options import OptionComparison
from eutonia.trial.withdrawal import SAID_MV, what_it_misses

if TYPE_CHECKING:
    from rich.console import Console

_PAGE, _RECORD = "report.html", "run.json"
#: What the folder of a comparison holds; the record marks it as ours.
NAMES = (_PAGE, "options.parquet", "options.csv", "courses.nc", *curves.FILES, _RECORD)
check_folder = partial(_writing.check_folder, names=NAMES)
_DRAWN = frozenset({"dose", "risk", "rebound", "withdrawal"})
_LOOKS: tuple[tuple[str, Dash], ...] = (
    ("active", "solid"),
    ("third", (7.0, 2.0)),
    ("fourth", (3.0, 2.0)),
    ("leg", (7.0, 2.0, 1.5, 2.0)),
    ("brain", (1.5, 1.5)),
    ("limb-arm", (5.0, 2.0)),
    ("plasma", (4.0, 1.5, 1.5, 1.5, 1.5, 1.5)),
)
#: Risks below which nobody need be told of them, in their unit: a rebound that no examiner could feel.
_LEAST = {"rebound": SAID_MV, "withdrawal_severe": 1e-6, "without_drug": 1e-6}
# Shares of people, and loss of support in standing, below which a price is not told.
_LEAST_SHARE, _LEAST_SUPPORT = 1e-4, 0.05
_MEASURES = {
    "mean": "Mean since the first treatment of any option",
    "last": "At the last look",
    "highest": "The highest of each risk and cost",
}


@dataclass(frozen=True)
class OptionRow:
    """One line of the table, in words: what, which direction is good, and a cell an option."""

    what: str
    good: str
    cells: tuple[tuple[str, str, str], ...]


def tables(found: OptionComparison) -> list[tuple[str, list[OptionRow]]]:
    """Return for each measure its name and its rows; a cell is the middle, its interval, and the difference."""
    return [(title, rows) for measure, title in _MEASURES.items() if (rows := _rows(found, measure))]


def _rows(found: OptionComparison, measure: str) -> list[OptionRow]:
    part = found.table.filter(found.table["measure"] == measure)
    out = []
    for what, limb in part.select("what", "limb").unique(maintain_order=True).iter_rows():
        rows = part.filter((part["what"] == what) & (part["limb"] == limb)).rows(named=True)
        factor, unit = (100.0, "%") if _is_share(what) else (1.0, words.unit(rows[0]["unit"]))
        if measure == "highest" and max(row["high"] for row in rows) < _LEAST.get(what, 0.0):
            continue
        label = f"{rows[0]['label']}, {limb}" if limb else rows[0]["label"]
        out.append(OptionRow(label, _good(what), tuple(_cell(found, row, factor, unit) for row in rows)))
    return out


def _good(what: str) -> str:
    """Return which direction is good, and what a healthy person has."""
    if what not in SCALES:
        return "lower is better"
    scale = SCALES[what]
    if scale.kind == "ordinal" and scale.normal is not None and scale.lowest < scale.normal < scale.highest:
        return f"{scale.normal:g} is normal, more and less are not"
    good = "lower is better" if scale.worse > 0 else "higher is better"
    return good if scale.normal is None else f"{good}, {scale.normal:g} is normal"


def _is_share(what: str) -> bool:
    return what.startswith(("risk_", "withdrawal_", "force_"))


def _cell(found: OptionComparison, row: Mapping[str, Any], factor: float, unit: str) -> tuple[str, str, str]:
    value, low, high = words.alike(factor * row[key] for key in ("value", "low", "high"))
    interval = "" if low == high else f"{low} to {high}"
    if row["option"] == found.against:
        return words.with_unit(value, unit), interval, ""
    changes = words.alike(factor * row[f"difference{end}"] for end in ("", "_low", "_high"))
    middle, under, over = (_signed(change) for change in changes)
    return words.with_unit(value, unit), interval, f"{middle}{' points' if unit == '%' else ''} ({under} to {over})"


def _signed(number: str) -> str:
    """Return a number in words with its sign; nothing is neither more nor less."""
    is_more = any(letter in "123456789" for letter in number) and not number.startswith("−")
    return f"+{number}" if is_more else number


def _strips(found: OptionComparison) -> tuple[np.ndarray, list[CoursePanel]]:
    """Return the hours at which any option was looked at, and panels with one line an option: the middle person."""
    courses = [found.results[name].course for name in found.names]
    time = np.unique(np.concatenate([one["time_h"].to_numpy().astype(float) for one in courses]))
    asked = set(found.table["what"])
    strips: dict[tuple[str, str, str], CoursePanel] = {}
    families: dict[tuple[str, str], int] = {}
    for (name, colour, dash), course in zip(_looks(found), courses, strict=True):
        places = np.searchsorted(time, course["time_h"].to_numpy().astype(float))
        for strip in panels(course):
            drawn = [line for line in strip.lines if not line.is_quiet] if strip.kind in {*_DRAWN, *asked} else []
            for line in drawn:
                title = strip.title if len(strip.lines) == 1 else f"{strip.title}, {words.lower(line.name)}"
                values = np.full(time.size, np.nan)
                values[places] = line.middle
                mine = CourseLine(name, "", colour, dash, False, values, values, values)
                key = (strip.kind, title, strip.unit)
                lines = (*strips[key].lines, mine) if key in strips else (mine,)
                # Limbs share a scale; milligrams and micrograms never do.
                family = families.setdefault((strip.kind, strip.unit), len(families))
                strips[key] = dataclasses.replace(strip, title=title, lines=lines, is_main=True, family=family)
    order = {kind: rank for rank, kind in enumerate(dict.fromkeys(["dose", *SCALES, "rebound", "risk", "withdrawal"]))}
    told = (strip for strip in strips.values() if not _is_nothing(strip))
    return time, sorted(told, key=lambda strip: order[strip.kind])


def _looks(found: OptionComparison) -> list[tuple[str, str, Dash]]:
    """Return the name of each option in words, and the colour and dash of its lines."""
    return [(_label(found, name), *look) for name, look in zip(found.names, _LOOKS[: len(found.names)], strict=True)]


def _is_nothing(strip: CoursePanel) -> bool:
    """Tell whether a risk is too small in every option to be told."""
    least = _LEAST.get(strip.kind, 0.0)
    return not any(np.nanmax(line.middle, initial=0.0) >= least for line in strip.lines)


def _label(found: OptionComparison, name: str) -> str:
    """Return the name of an option in words; options of one case go by their own names, without that of the case."""
    whole = f"{found.names[0]}_"
    of_one = all(one.startswith(whole) for one in found.names[1:])
    return words.label(name.removeprefix(whole) if of_one else name)


def html(found: OptionComparison, back: str | None = None) -> str:
    """Return the whole page as one text with everything inside; it loads nothing. `back` is where it was asked."""
    time, strips = _strips(found)
    results = [found.results[name] for name in found.names]
    return page.render(
        "options.html.jinja",
        basis.of_run(found.run, str(found.run["command"]))
        | {
            "has_arms": False,
            "left_out": 0,
            "back": back,
            "names": [_label(found, name) for name in found.names],
            "against": _label(found, found.against),
            "which": _which([_label(found, name) for name in found.names]),
            "titles": [(_label(found, name), one.title) for name, one in zip(found.names, results, strict=True)],
            "contacts": [found.contacts[name] for name in found.names],
            "since": f"day {found.span_h[0] / HOURS_A_DAY:.4g}",
            "tables": tables(found),
            "timeline": case.timeline(time, (), strips, None, "options"),
            "people": int(results[0].course.sizes["patient"]),
            "caveats": [*found.notes, *words.unique(text for one in results for text in one.caveats)],
            "missing": what_it_misses(one.course for one in results),
            **_plain(found),
            "is_drug": any(strip.kind == "dose" for strip in strips),
            "withdrawn": any(one.withdrawal for one in results),
            "broken": [
                (f"{_label(found, name)}, {when}", *rest)
                for name in found.names
                for when, *rest in broken_rules.rows(found.results[name])
            ],
            "judged": broken_rules.JUDGED["case"],
            "pump_dates": [(_label(found, name), found.results[name].pump_dates) for name in found.names],
            "withdrawal": [(_label(found, name), found.results[name].withdrawal) for name in found.names],
            "key": _looks(found),
        },
    )


def _plain(found: OptionComparison) -> dict[str, Any]:
    """Return the comparison in five sentences, with the chain of each option."""
    names = [_label(found, name) for name in found.names]
    people = int(found.results[found.names[0]].course.sizes["patient"])
    own = found.table.filter(found.table["measure"] == "mean")
    rows = _rows(found, "mean")
    scales = words.unique(found.table["what"])
    said = [
        (
            plain.ASKED,
            f"{_which(names)} The same {people} possible people, who share what is known of this person, take "
            "each, so that only the treatment differs.",
        ),
        (plain.FOUND, "" if own.is_empty() else _difference(found, rows[0])),
        (plain.PRICE, _price(found)),
        (
            plain.SURE,
            f"{plain.rests_on(found.run)} No option is chosen here: what relief is worth which risk is for the person "
            "and a doctor to say.",
        ),
    ]
    courses = {name: found.results[key].course for name, key in zip(names, found.names, strict=True)}
    scored = found.table.filter((found.table["measure"] != "highest") & (found.table["limb"] != ""))
    limb = chain.limb_of(words.unique(scored["limb"]))
    return plain.context("case", said, scales=scales, courses=courses, limb=limb)


def _which(names: Sequence[str]) -> str:
    """Return the names of options as a question; a name may hold an "or" of its own."""
    *others, last = (f"“{name}”" for name in names)
    return f"{', '.join(others)} or {last}?"


def _difference(found: OptionComparison, row: OptionRow) -> str:
    """Return the first row of the table as a sentence."""
    cells = list(zip(found.names, row.cells, strict=True))
    base = next(value for name, (value, _, _) in cells if name == found.against)
    told = [(words.lower(_label(found, name)), change) for name, (_, _, change) in cells if change]
    others = "; ".join(f"with {name} it differs by {change}" for name, change in told)
    with_base = f"is {base} on average with {words.lower(_label(found, found.against))}"
    return f"{row.what} ({row.good}) {with_base}; {others}; in brackets the middle 95% of people."


def _price(found: OptionComparison) -> str:
    """Return what each option costs at its highest, worst first: reactions, the stop, force lost, tone that rebounds;
    then the support that is lost in standing. What is nothing in every option is left out.
    """
    rows = found.table.filter(found.table["measure"] == "highest").rows(named=True)
    rows = [
        row
        for row in rows
        if row["what"] != "without_drug" and row["value"] > max(_LEAST.get(row["what"], 0.0), _LEAST_SHARE)
    ]
    rows.sort(key=lambda row: (_is_share(row["what"]), row["value"]), reverse=True)
    told = {(row["what"], row["limb"]): row for row in rows}
    # Of a rebound the limb in which it is highest says enough.
    limbs: dict[str, str] = {}
    parts = [_each(found, what, limb, "highest") for what, limb in told if limbs.setdefault(what, limb) == limb]
    means = found.table.filter((found.table["what"] == "stance_support") & (found.table["measure"] == "mean"))
    if not means.is_empty() and max(means["value"]) - min(means["value"]) > _LEAST_SUPPORT:
        parts.append(_each(found, "stance_support", "", "mean"))
    return " ".join(parts)


def _each(found: OptionComparison, what: str, limb: str, measure: str) -> str:
    """Return a measure of each option as a sentence."""
    part = found.table.filter(
        (found.table["what"] == what) & (found.table["limb"] == limb) & (found.table["measure"] == measure)
    )
    rows = part.rows(named=True)
    factor, unit = (100.0, "%") if _is_share(what) else (1.0, rows[0]["unit"])
    values = (words.with_unit(words.number(factor * row["value"]) if row["value"] else "0", unit) for row in rows)
    each = "; ".join(
        f"{words.lower(_label(found, row['option']))} {value}" for row, value in zip(rows, values, strict=True)
    )
    label = f"{rows[0]['label']}, {limb}" if limb else rows[0]["label"]
    label += f" ({_good(what)})" if what in SCALES else ""
    return f"{label}, {'on average' if measure == 'mean' else 'at its highest'}: {each}."


@_writing.whole(NAMES)
def write(found: OptionComparison, draft: Path, *, back: str | None = None) -> None:
    """Write page, table, courses and record, whole or not at all, and return the folder; `back` as for `html`.

    Raises
    ------
    EutoniaError
        If the folder is a file, holds anything that Eutonia did not write, or cannot be written.
    """
    import xarray as xr

    (draft / _PAGE).write_text(html(found, back), encoding="utf-8")
    exports.write_pair(found.table, draft, "options")
    curves.write(curve_lines("Options", "Time since the onset, h", *_strips(found)), draft, csv=True)
    courses = [found.results[name].course for name in found.names]
    together = xr.concat(courses, xr.Variable("option", list(found.names)), join="outer", data_vars="all")
    files.write_course(draft / "courses.nc", together, found.run, title="Options of one person")
    files.write_record(draft, {"kind": "options", **found.run, "against": found.against, "files": sorted(NAMES)})


def show(found: OptionComparison, console: Console, folder: Path | None) -> None:
    """Print one table a measure: an option a column, and its difference from the one that it is compared with."""
    from rich.text import Text

    heads = ("", *(_label(found, name) for name in found.names))
    for title, rows in tables(found):
        lines = []
        for row in rows:
            cells = (f"{value}\n{change}" if change else value for value, _, change in row.cells)
            # A narrow column breaks lines at any blank, and would break 1 440 in two.
            lines.append((f"{row.what}\n{row.good}", *(cell.replace("\u202f", "") for cell in cells)))
        console.print(screen.table(heads, lines, title))
    moments = "; ".join(f"{_label(found, name)} {found.contacts[name]}" for name in found.names)
    console.print(Text(f"Moments at which something is done: {moments}."))
    for name in found.names:
        if said := broken_rules.sentence(found.results[name]):
            console.print(Text(f"{_label(found, name)}: {said}: see the report.", style="bold"))
    for note in found.notes:
        console.print(Text(note))
    console.print(Text(f"Differences are from {_label(found, found.against)}, person by person. {words.DISCLAIMER}."))
    if folder is not None:
        console.print(Text(f"Report: {folder / _PAGE}"), soft_wrap=True)
