"""Dose finding in words and pictures: which level trials select, how many they give each, and one trial's way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from eutonia._bounds import FEWEST_FOR_VERDICT
from eutonia.report import words
from eutonia.report.drawing import plot, scales, svg
from eutonia.trial.dose_finding import DoseFinding
from eutonia.trial.result import StudyResult

Row = Mapping[str, Any]
_WIDE, _NARROW = (820, 330), (350, 300)
_SELECTED, _GIVEN, _TARGET = "leg", "third", "muted"


def context(result: StudyResult) -> dict[str, Any]:
    """Return what the section on dose finding prints; nothing where no dose is found."""
    found = result.dose_finding
    if found is None:
        return {"dose_finding": None}
    return {
        "dose_finding": {
            "plain": plain(found),
            "lead": _lead(found),
            "rows": [_row(row) for row in found.levels.iter_rows(named=True)],
            "drawing": _selection(found),
            "walk": _way(found),
            "ended": _ended(found),
        }
    }


def plain(found: DoseFinding) -> list[str]:
    """Return in a few sentences what such a trial finds, and how often that is right."""
    rows, n = list(found.levels.iter_rows(named=True)), found.trials.height
    right = next(row for row in rows if row["nearest"])
    place = rows.index(right)
    told = [
        f"Aimed at {words.percent(found.target)}% with {_either(found.reactions)}: the level nearest to it is "
        f"{right['arm']}, at which {words.percent(right['true_risk'])}% react."
    ]
    if n < FEWEST_FOR_VERDICT:
        return [*told, f"No rate from {n} replicate trials; it needs {FEWEST_FOR_VERDICT} or more."]
    above = sum(row["selected"] for row in rows[place + 1 :])
    below = sum(row["selected"] for row in rows[:place])
    none = 1.0 - sum(row["selected"] for row in rows)
    told.append(
        f"Of 100 trials {100 * right['selected']:.0f} select it (Monte Carlo error "
        f"{100 * right['selected_error']:.1f}), {100 * above:.0f} a higher one, {100 * below:.0f} a lower one, and "
        f"{100 * none:.0f} none."
    )
    return told


def lines(result: StudyResult) -> list[str]:
    """Return a line or two for the screen."""
    return [] if result.dose_finding is None else plain(result.dose_finding)


def _either(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _lead(found: DoseFinding) -> str:
    people = np.mean(found.trials["people"].to_numpy())
    return (
        f"Each of {words.count(found.trials.height)} replicate trials gave its cohorts the level whose risk was "
        "nearest to the target by what earlier cohorts had shown (continual reassessment: a power model of one "
        "parameter, Bayesian; no untried level skipped, no rise right after a cohort in which the target share or more "
        f"reacted). A trial took {people:.1f} people. What is true is known here: everybody was computed at every "
        "level."
    )


def _ended(found: DoseFinding) -> str:
    """Return why trials ended, in a sentence."""
    counts = found.trials["ended"].value_counts(sort=True).rows()
    return f"Trials ended with: {', '.join(f'{why} {100 * n / found.trials.height:.0f}%' for why, n in counts)}."


def _row(row: Row) -> dict[str, str]:
    """Return one level in words."""

    def with_error(key: str, factor: float = 1.0, unit: str = "") -> str:
        error = row[f"{key}_error"]
        spread = "" if error is None else f"\u00a0±\u00a0{factor * error:.1f}"
        return f"{factor * row[key]:.1f}{unit}{spread}"

    return {
        "arm": row["arm"],
        "nearest": "nearest to the target" if row["nearest"] else "",
        "thought": f"{words.percent(row['thought'])}%",
        "true": f"{words.percent(row['true_risk'])}%",
        "selected": with_error("selected", 100.0, "%"),
        "given": with_error("given"),
        "share": with_error("given_share", 100.0, "%"),
        "reacted": with_error("reacted"),
    }


def _selection(found: DoseFinding) -> svg.Drawing:
    """Draw, level by level, how often trials select it, the share of people who are given it, and its true risk."""
    rows = list(found.levels.iter_rows(named=True))
    title = "Which level trials select, and how many people they give it"
    text = f"Target {words.percent(found.target)}%. " + "; ".join(
        f"{row['arm']}: selected by {words.percent(row['selected'])}%, given to {words.percent(row['given_share'])}% "
        f"of people, {words.percent(row['true_risk'])}% react"
        for row in rows
    )
    wide, narrow = (
        _selected(found, rows, f"levels-{end}", title, text, size) for end, size in (("w", _WIDE), ("n", _NARROW))
    )
    return svg.Drawing(title, text, wide, narrow)


def _selected(
    found: DoseFinding, rows: Sequence[Row], name: str, title: str, text: str, size: tuple[int, int]
) -> Markup:
    sheet, n = plot.Sheet(name, *size), len(rows)
    tallest = max(max(row["selected"], row["given_share"], row["true_risk"]) for row in rows)
    top = min(1.0, 1.1 * max(tallest, found.target))
    panel = sheet.panel((46, 12, size[0] - 58, size[1] - 110), (-0.5, n - 0.5), (0.0, top))
    at = scales.ticks(0.0, top, 6)
    panel.scale_up(at, [f"{100 * one:.0f}%" for one in at])
    place = range(n)
    panel.bars([k - 0.2 for k in place], [row["selected"] for row in rows], 0.34, _SELECTED)
    panel.bars([k + 0.2 for k in place], [row["given_share"] for row in rows], 0.34, _GIVEN)
    panel.line([-0.5, n - 0.5], [found.target] * 2, _TARGET, 1.4, "dashed")
    panel.marks(np.arange(n), [row["true_risk"] for row in rows], "D", "ink", 6)
    panel.floor(range(n), [svg.cut(words.clinic(row["arm"]), panel.width / n - 6, 11) for row in rows])
    low = size[1] - 66
    sheet.box(46, low, 12, 8, _SELECTED)
    sheet.text(64, low + 4, "share of trials that select it")
    sheet.box(46, low + 20, 12, 8, _GIVEN)
    sheet.text(64, low + 24, "share of people who are given it")
    sheet.fill(f"M52 {low + 38}l6 6 -6 6 -6 -6z", "ink")
    sheet.text(64, low + 44, "people who react there; dashed: the target")
    return sheet.finish(title, text)


def _way(found: DoseFinding) -> svg.Drawing:
    """Draw the way of the first trial: the level of each cohort, and how many of it reacted."""
    mine = found.cohorts.filter(found.cohorts["replicate"] == 0)
    names = found.levels["arm"].to_list()
    rows = list(mine.iter_rows(named=True))
    title = "The way of the first trial through its cohorts"
    text = "; ".join(f"cohort {row['cohort']}: {row['arm']}, {row['reacted']} of {row['judged']} react" for row in rows)
    wide, narrow = (
        _walked(rows, names, f"way-{end}", title, text, size) for end, size in (("w", (820, 260)), ("n", (350, 260)))
    )
    return svg.Drawing(title, text, wide, narrow)


def _walked(rows: Sequence[Row], names: list[str], name: str, title: str, text: str, size: tuple[int, int]) -> Markup:
    sheet, last = plot.Sheet(name, *size), max(row["cohort"] for row in rows)
    left = 12 + max(svg.wide(words.clinic(one), 11) for one in names)
    panel = sheet.panel((left, 16, size[0] - left - 14, size[1] - 66), (0.4, last + 0.6), (-0.4, len(names) - 0.4))
    panel.scale_up(range(len(names)), [words.clinic(one) for one in names])
    x, y = [row["cohort"] for row in rows], [names.index(row["arm"]) for row in rows]
    panel.line(x, y, "muted", 1.4)
    for row, height in zip(rows, y, strict=True):
        token = "does-not" if row["reacted"] else "leg"
        panel.marks([row["cohort"]], [height], "s" if row["reacted"] else "o", token, 9)
        above = panel.y.at(height) - 14
        sheet.text(panel.x.at(row["cohort"]), above, f"{row['reacted']}/{row['judged']}", size=11, anchor="middle")
    every = max(1, -(-last // 10))
    panel.floor(range(1, last + 1, every), [str(k) for k in range(1, last + 1, every)], "Cohort (reactions / people)")
    return sheet.finish(title, text)
