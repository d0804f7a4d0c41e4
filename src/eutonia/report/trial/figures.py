"""The figures of a trial's means. Small multiples are separate drawings of one width, so that a phone stacks them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from eutonia.assessment.scales import SCALES
from eutonia.report import words
from eutonia.report.drawing import plot, scales, svg
from eutonia.report.trial import aggregate
from eutonia.report.words import Number
from eutonia.trial.result import Grade, Quantity, StudyResult

if TYPE_CHECKING:
    import polars

#: Colour token and dash of every (phase, arm).
ArmStyles = dict[tuple[str, str], tuple[str, str]]
#: Size of a panel of small multiples on a wide page, where two stand side by side, and on a phone.
WIDE, NARROW = (500, 240), (350, 220)
_UNDOSED = ("placebo", "saline", "sham", "untreated", "no treatment")
MARKS: dict[Grade, tuple[str, str]] = {
    "reproduces": ("o", "reproduces"),
    "in range": ("D", "in-range"),
    "does not": ("s", "does-not"),
}


def arm_styles(result: StudyResult) -> ArmStyles:
    """Return colour token and dash of every (phase, arm); an arm without drug is told by its dose or its name."""
    import polars as pl

    dosed: dict[tuple[str, str], bool] = {}
    if not result.doses.is_empty():
        given = result.doses.group_by(["phase", "arm"], maintain_order=True).agg((pl.col("mean") > 0).any())
        dosed = {(str(phase), str(arm)): bool(any_dose) for phase, arm, any_dose in given.iter_rows()}
    out: ArmStyles = {}
    for phase in words.unique([*(quantity.phase for quantity in result.quantities), *(phase for phase, _ in dosed)]):
        active = 0
        named = [quantity.arm for quantity in result.quantities if quantity.phase == phase]
        for arm in words.unique([*named, *(arm for where, arm in dosed if where == phase)]):
            undosed = (phase, arm) in result.placebo_arms or any(word in arm.casefold() for word in _UNDOSED)
            quiet = not dosed.get((phase, arm), not undosed)
            out[phase, arm] = svg.arm_style(active, placebo=quiet)
            active += not quiet
    return out


def forest(quantities: Sequence[Quantity], name: str, phase: str) -> svg.Drawing:
    """Draw predicted means with intervals and the published values, one row each, one axis for each unit."""
    title = f"Predicted and published: {words.label(phase)}"
    text = "; ".join(
        f"{label}: predicted {words.number(q.mean)} ({words.interval(q.low, q.high)}), "
        f"published {words.number(q.published.value)}, {q.agreement}"
        for q, label in zip(quantities, words.labels(quantities), strict=True)
        if q.published is not None
    )
    wide = _forest(quantities, f"{name}-w", title, text, 1000, 340, 150, 36)
    narrow = _forest(quantities, f"{name}-n", title, text, 350, 8, 8, 56)
    return svg.Drawing(title, text, wide, narrow)


def _forest(
    rows: Sequence[Quantity], name: str, title: str, text: str, width: int, left: int, right: int, step: int
) -> Markup:
    groups: dict[str, list[Quantity]] = {}
    for row in rows:
        groups.setdefault(words.shown_unit(row)[1], []).append(row)
    foot = 50
    height = sum(step * len(group) + foot for group in groups.values())
    sheet = plot.Sheet(name, width, height, 13 if width > 600 else 12)
    top = 2
    for shown, group in groups.items():
        box = (left, top, width - left - right, step * len(group))
        panel = sheet.panel(box, _limits(group), (len(group) - 0.5, -0.5))
        for index, row in enumerate(group):
            if row.grade == "does not":
                sheet.box(0, top + step * (index + 0.03), width, step * 0.94, "alarm")
        at = scales.ticks(panel.x.low, panel.x.high, 9 if width > 600 else 6)
        panel.rules(x=at)
        panel.floor(at, scales.shown(at), shown or "Score")
        for index, (row, label) in enumerate(zip(group, words.labels(group), strict=True)):
            _forest_row(panel, row, label, index, is_wide=width > 600)
        top += step * len(group) + foot
    return sheet.finish(title, text)


def _forest_row(panel: plot.Panel, row: Quantity, label: str, index: int, *, is_wide: bool) -> None:
    """Draw one row; on a phone the words go above the bar instead of beside it."""
    grade, reported = row.grade, row.published
    assert reported is not None
    mark, token = MARKS[grade] if grade else ("o", "muted")
    factor = words.shown_unit(row)[0]
    low, mean, high, value = (factor * one for one in (row.low, row.mean, row.high, reported.value))
    y = index + (0.0 if is_wide else 0.2)
    if math.isfinite(low + high):
        panel.line([low, high], [y - 0.1] * 2, "leg", 7, opacity=0.35)
    if math.isfinite(mean):
        panel.marks([mean], [y - 0.1], "|", "leg", 13)
    error = factor * (row.published_standard_error or 0.0)
    if error:
        panel.line([value - error, value + error], [y + 0.16] * 2, token, 1.4)
    panel.marks([value], [y + 0.16], mark, token, 7.5 if mark == "o" else 6.5)
    sheet = panel.sheet
    if is_wide:
        middle, room = panel.y.at(index), panel.left - 20
        lines = svg.wrap(label, room, sheet.size)
        lines = lines if len(lines) < 3 else [lines[0], svg.cut(" ".join(lines[1:]), room, sheet.size)]
        for k, line in enumerate(lines):
            sheet.text(10, middle + 15 * (k - (len(lines) - 1) / 2), line)
        sheet.text(panel.right + 14, middle, words.verdict(grade), token)
        return
    above, verdict = panel.y.at(index - 0.3), words.verdict(grade)
    sheet.text(panel.left, above, svg.cut(label, panel.width - svg.wide(verdict, 11) - 10, 12))
    sheet.text(panel.right, above, verdict, token, size=11, anchor="end")


def _limits(rows: Sequence[Quantity]) -> tuple[float, float]:
    ends: list[float] = []
    for row in rows:
        factor, reported = words.shown_unit(row)[0], row.published
        ends += [factor * value for value in (row.low, row.high, row.mean) if math.isfinite(value)]
        if reported is not None:
            error = row.published_standard_error or 0.0
            ends += [factor * (reported.value - error), factor * (reported.value + error)]
    low, high = min(ends), max(ends)
    return scales.whole(None, low, high)


def scores(series: Sequence[aggregate.Series], styles: ArmStyles, phase: str) -> list[svg.Drawing]:
    """Draw scores over the visits of one phase: one panel a limb and scale, one line an arm."""
    rows = [row for row in series if row.phase == phase and len(row.points) > 1]
    drawings = []
    panels = words.unique(f"{row.scale}\0{row.limb or ''}" for row in rows)
    for index, panel in enumerate(panels):
        scale, limb_name = panel.split("\0")
        lines = [row for row in rows if row.scale == scale and (row.limb or "") == limb_name]
        same_scale = [row for row in rows if row.scale == scale]
        measured = words.unit(SCALES[scale].unit) if scale in SCALES else ""
        title = words.scale_label(limb_name, scale) + (f", {measured}" if measured else "")
        text = "; ".join(
            f"{row.arm or 'course'}: " + ", ".join(f"{point.visit} {words.number(point.mean)}" for point in row.points)
            for row in lines
        )
        note = SCALES[scale].caveat if scale in SCALES else ""
        wide, narrow = (
            _score_panel(lines, same_scale, styles, f"s-{slug(phase)}-{index}-{end}", title, text, size)
            for end, size in (("w", WIDE), ("n", NARROW))
        )
        drawings.append(svg.Drawing(title, text, wide, narrow, caveat=note))
    return drawings


def _score_panel(
    lines: Sequence[aggregate.Series],
    same_scale: Sequence[aggregate.Series],
    styles: ArmStyles,
    name: str,
    title: str,
    text: str,
    size: tuple[int, int],
) -> Markup:
    sheet = plot.Sheet(name, *size)
    last_h = max(point.time_h for row in lines for point in row.points)
    unit = words.visits_unit(point.visit for row in lines for point in row.points) or words.time_unit(last_h)
    aside = 0.008 * last_h / unit.hours
    shifts = [(index - (len(lines) - 1) / 2) * aside for index in range(len(lines))]
    first = min(point.time_h for row in lines for point in row.points) / unit.hours + min(0.0, *shifts)
    last = last_h / unit.hours + 2.2 * aside
    room = 0.05 * (last - first) or 0.5
    ends = [value for row in same_scale for point in row.points for value in point.ends if math.isfinite(value)]
    box = (34, 10, size[0] - 46, size[1] - 54)
    scale = SCALES.get(lines[0].scale)
    panel = sheet.panel(box, (first - room, last + room), scales.whole(scale, min(ends), max(ends)))
    up, along = scales.steps_of(scale, panel.y.low, panel.y.high), time_steps(panel.x.low, panel.x.high, unit, 7)
    panel.scale_up(up)
    panel.floor(along, scales.shown(along), unit.axis("start of the phase"))
    for row, shift in zip(lines, shifts, strict=True):
        _score_line(panel, row, [point.time_h / unit.hours + shift for point in row.points], styles)
    for point in (point for row in lines for point in row.points):
        if point.published is not None:
            where, value = point.time_h / unit.hours + 2.2 * aside, point.published.value
            error = point.standard_error or 0.0
            panel.line([where] * 2, [value - error, value + error], "ink", 1.3, is_blunt=True)
            panel.marks([where], [value], "D", "ink", 5.5)
    return sheet.finish(title, text)


def _score_line(panel: plot.Panel, row: aggregate.Series, time: list[float], styles: ArmStyles) -> None:
    """Draw the scores of one arm: intervals behind, means in front."""
    token, dash = styles.get((row.phase, row.arm), ("active", "solid"))
    for x, point in zip(time, row.points, strict=True):
        if math.isfinite(point.low + point.high):
            panel.line([x, x], [point.low, point.high], token, 4, opacity=0.3, is_blunt=True)
    panel.line(time, [point.mean for point in row.points], token, 2.0, dash)
    panel.marks(time, [point.mean for point in row.points], "o", token, 4.5)


def time_steps(start: Number, end: Number, unit: words.TimeUnit, most: int) -> list[float]:
    """Return whole steps of a unit of time from `start` to `end`, both in that unit, about `most` of them."""
    steps = {
        "hours": (1, 2, 3, 4, 6, 12, 24),
        "days": (1, 2, 5, 7, 14, 28),
        "weeks": (1, 2, 4, 8, 13),
        "months": (1, 2, 3, 6, 12, 24),
        "years": (1, 2, 5, 10),
    }
    span = end - start
    step = next((s for s in steps[unit.name] if span / s <= most + 0.5), max(1, math.ceil(span / most)))
    return scales.multiples(start, end, step)


def doses(result: StudyResult, styles: ArmStyles) -> list[svg.Drawing]:
    """Draw mean dose over time with its interval, one panel for each phase and unit of dose."""
    import polars as pl

    table = result.doses
    if table.is_empty():
        return []
    drawings: list[svg.Drawing] = []
    for phase, unit in table.select("phase", "unit").unique(maintain_order=True).iter_rows():
        whole = table.filter((pl.col("phase") == phase) & (pl.col("unit") == unit)).sort("time_h")
        published = [q for q in result.compared if q.statistic == "dose" and q.phase == phase]
        span = aggregate.real(whole["time_h"].max()) - aggregate.real(whole["time_h"].min())
        axis = words.visits_unit(q.visit for q in result.quantities if q.phase == phase) or words.time_unit(span)
        tops = [aggregate.real(whole["high"].max()), aggregate.real(whole["mean"].max())]
        tops += [q.published.value for q in published if q.published is not None]
        for arm, part in _apart(whole):
            title = f"{words.label(phase)}{f': {arm}' if arm else ''}, {words.unit(unit)}"
            text = "; ".join(
                f"{name}: from {words.number(rows['mean'][0])} to {words.number(rows['mean'][-1])} {words.unit(unit)}"
                for (name,), rows in part.group_by(["arm"], maintain_order=True)
            )
            mine = [q for q in published if arm in ("", q.arm)]
            wide, narrow = (
                _dose_panel(part, mine, styles, axis, max(tops), f"d-{len(drawings)}-{end}", title, text, size)
                for end, size in (("w", (1000, 260)), ("n", (350, 230)))
            )
            drawings.append(svg.Drawing(title, text, wide, narrow))
    return drawings


def _apart(table: polars.DataFrame) -> list[tuple[str, polars.DataFrame]]:
    """Return the arms of a panel of doses, each by itself where several have bands: those would become one grey."""
    arms = [(str(arm), rows) for (arm,), rows in table.group_by(["arm"], maintain_order=True)]
    banded = sum(bool((rows["high"] > rows["low"]).any()) for _, rows in arms)
    return arms if banded > 1 else [("", table)]


def _dose_panel(
    part: polars.DataFrame,
    published: Sequence[Quantity],
    styles: ArmStyles,
    unit: words.TimeUnit,
    most: Number,
    name: str,
    title: str,
    text: str,
    size: tuple[int, int],
) -> Markup:
    width, height = size
    sheet = plot.Sheet(name, width, height)
    start, end = aggregate.real(part["time_h"].min()), aggregate.real(part["time_h"].max())
    room = 0.01 * (end - start) / unit.hours or 0.5
    ends = (start / unit.hours - room, end / unit.hours + room)
    panel = sheet.panel((46, 12, width - 64, height - 58), ends, (0.0, 1.05 * most or 1.0))
    up, along = scales.ticks(0.0, panel.y.high, 5), time_steps(*ends, unit, 12 if width > 600 else 6)
    panel.scale_up(up)
    panel.floor(along, scales.shown(along), unit.axis("start of the phase"))
    for (where, arm), rows in part.group_by(["phase", "arm"], maintain_order=True):
        token, dash = styles.get((str(where), str(arm)), ("active", "solid"))
        time, mean, low, high = (rows[key].to_numpy().astype(float) for key in ("time_h", "mean", "low", "high"))
        keep = svg.thinned(time, [mean, low, high], width // 3)
        panel.band(time[keep] / unit.hours, low[keep], high[keep], token, 0.18, is_stepped=True)
        panel.line(time[keep] / unit.hours, mean[keep], token, 2.0, dash, is_stepped=True)
    for quantity in published:
        assert quantity.published is not None
        panel.marks([quantity.time_h / unit.hours], [quantity.published.value], "D", "ink", 6)
    return sheet.finish(title, text)


def slug(name: str) -> str:
    """Return a name that can be part of an identifier."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
