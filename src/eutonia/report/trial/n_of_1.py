"""Series of N-of-1 trials in words and pictures: every person of the first trial, and how many respond over trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from markupsafe import Markup

from eutonia.assessment.scales import SCALES
from eutonia.report import words
from eutonia.report.drawing import plot, scales, svg
from eutonia.report.words import Number
from eutonia.trial.n_of_1 import WAY
from eutonia.trial.result import StudyResult

Row = Mapping[str, Any]
# So many people of one trial are drawn and listed.
_MOST = 40


def context(result: StudyResult) -> dict[str, Any]:
    """Return what the section on series prints: a part an endpoint; nothing where there is no series."""
    if result.series is None or result.analysed is None:
        return {"series": []}
    trials = result.analysed.trials.filter(pl.col("method") == WAY)
    names = trials["endpoint"].unique(maintain_order=True)
    return {"series": [_part(result, name, place) for place, name in enumerate(names)]}


def _part(result: StudyResult, name: str, place: int) -> dict[str, Any]:
    """Return one endpoint in words, with its drawing."""
    assert result.series is not None
    assert result.analysed is not None
    whole = result.analysed.trials.filter(endpoint=name)
    first = whole.row(0, named=True)
    people = result.series.people.filter(endpoint=name, replicate=first["replicate"])
    trials = result.series.trials.filter(endpoint=name)
    rows = list(people.head(_MOST).iter_rows(named=True))
    unit, least = words.unit(first["unit"]), float(trials["improvement"][0])
    return {
        "what": words.said(name),
        "arms": f"{first['arm']} less {first['against']}",
        "lead": _lead(first, trials.row(0, named=True), people.height, least, unit),
        "over": _over(trials),
        "drawing": _forest(rows, first, -SCALES[first["scale"]].worse * least, f"series-{place}"),
        "rows": [_row(row) for row in rows],
        "left_out": people.height - len(rows),
        "level": f"{100 * (1 - result.analysed.alpha):g}%",
    }


def _lead(first: Row, variances: Row, n: int, least: float, unit: str) -> str:
    """Return what the first trial found, in a few sentences."""
    if first["p"] is None:
        return f"The first trial has no answer: the differences of its {n} people do not tell their spread."
    mean, low, high, between, within = words.alike(
        (first["estimate"], first["low"], first["high"], variances["between_sd"], variances["within_sd"])
    )
    up_to = "" if SCALES[first["scale"]].normal is None else ", up to normal and no further"
    return (
        f"The first trial: {n} people, {first['arm']} less {first['against']} {words.with_unit(mean, unit)} "
        f"({low} to {high}) over all of them. Their differences have an SD of {between} between people and {within} "
        f"from pair to pair of one person. A response is a difference of {words.number(least)} or more for the better"
        f"{up_to}."
    )


def _over(trials: pl.DataFrame) -> list[str]:
    """Return what holds over all trials: how many respond, by three counts, and how much people differ."""
    known = trials.drop_nulls("share_expected")
    if known.is_empty():
        return []
    means = {name: float(known[name].to_numpy().mean()) for name in ("share_own", "share_shrunken", "share_expected")}
    own, shrunken, expected = (100 * one for one in means.values())
    return [
        f"Over all trials {own:.0f}% of people respond by their own difference, {shrunken:.0f}% by the shrunken one, "
        f"and {expected:.0f}% are to be expected by everybody's chance. Own differences vary by chance too, so they "
        "count too many at the ends; shrunken ones vary too little; the mean of the chances lies between the faults. "
        "Shrunken intervals hold the truth of too few people where these differ little from each other."
    ]


def _row(row: Row) -> dict[str, str]:
    """Return one person in words."""
    keys = ("difference", "difference_low", "difference_high", "shrunken", "shrunken_low", "shrunken_high")
    own, low, high, shrunken, under, over = words.alike(row[key] for key in keys)
    chance = "–" if row["chance"] is None else f"{100 * row['chance']:.0f}%"
    return {
        "person": str(row["patient"] + 1),
        "pairs": str(row["pairs"]),
        "own": own,
        "own_interval": f"{low} to {high}",
        "shrunken": shrunken,
        "shrunken_interval": f"{under} to {over}",
        "responds": "yes" if row["responds"] else "no",
        "chance": chance,
    }


def _forest(rows: Sequence[Row], first: Row, response: float, name: str) -> svg.Drawing:
    """Draw everybody's own and shrunken difference with intervals, and that of all, on one axis."""
    title = f"Each person of the first trial: {first['arm']} less {first['against']}"
    text = "; ".join(
        f"person {row['patient'] + 1}: {words.number(row['difference'])}, shrunken {words.number(row['shrunken'])}"
        for row in rows
    )
    wide, narrow = (
        _drawn(rows, first, response, f"{name}-{end}", title, text, w) for end, w in (("w", 820), ("n", 350))
    )
    return svg.Drawing(title, text, wide, narrow)


def _drawn(rows: Sequence[Row], first: Row, response: float, name: str, title: str, text: str, width: int) -> Markup:
    keys = ("difference_low", "difference_high", "shrunken_low", "shrunken_high", "difference")
    ends = [float(row[key]) for row in rows for key in keys if row[key] is not None]
    ends += [0.0, response, *(float(first[key]) for key in ("low", "high") if first[key] is not None)]
    step, n = 22, len(rows)
    sheet = plot.Sheet(name, width, step * (n + 1) + 118)
    panel = sheet.panel((74, 6, width - 88, step * (n + 1)), scales.whole(None, min(ends), max(ends)), (n + 0.5, -0.5))
    at = scales.ticks(panel.x.low, panel.x.high, 9 if width > 600 else 5)
    panel.rules(x=at)
    panel.line([0.0, 0.0], [-0.5, n + 0.5], "muted", 1.2)
    panel.line([response] * 2, [-0.5, n + 0.5], "does-not", 1.2, "dashed")
    for k, row in enumerate(rows):
        sheet.text(68, panel.y.at(k), f"person {row['patient'] + 1}", size=11, anchor="end")
        _mark(panel, row, "difference", k - 0.16, "muted", 2.0, 5)
        _mark(panel, row, "shrunken", k + 0.16, "leg", 3.0, 6)
    sheet.text(68, panel.y.at(n), "all", size=11, anchor="end", bold=True)
    if first["estimate"] is not None:
        panel.line([first["low"], first["high"]], [n, n], "ink", 2.4)
        panel.marks([first["estimate"]], [n], "D", "ink", 7)
    panel.floor(at, scales.shown(at), "Difference")
    low = step * (n + 1) + 56
    for k, (token, said) in enumerate((("muted", "own pairs alone"), ("leg", "with what all others tell (shrunken)"))):
        sheet.box(16, low + 18 * k, 18, 4, token)
        sheet.text(42, low + 2 + 18 * k, said)
    sheet.box(16, low + 36, 18, 2, "does-not")
    sheet.text(42, low + 38, "from here on the better way it is a response")
    return sheet.finish(title, text)


def _mark(panel: plot.Panel, row: Row, of: str, y: float, token: str, width: Number, size: Number) -> None:
    """Draw a difference with its interval, where it has one."""
    if row[of] is None:
        return
    if row[f"{of}_low"] is not None:
        panel.line([row[f"{of}_low"], row[f"{of}_high"]], [y, y], token, width, opacity=0.6)
    panel.marks([row[of]], [y], "o", token, size)
