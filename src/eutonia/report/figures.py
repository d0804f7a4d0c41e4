"""The figures of a trial's means. Small multiples are separate drawings of one width, so that a phone stacks them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from eutonia.report import digest, svg, words
from eutonia.report.words import Number
from eutonia.trial.result import Grade, Quantity, StudyResult

if TYPE_CHECKING:
    import polars
    from markupsafe import Markup
    from matplotlib.axes import Axes
    from matplotlib.ticker import MaxNLocator

PANEL = (330, 216)
_UNDOSED = ("placebo", "saline", "sham", "untreated", "no treatment")
MARKS: dict[Grade, tuple[str, str]] = {
    "reproduces": ("o", "reproduces"),
    "in range": ("D", "in-range"),
    "does not": ("s", "does-not"),
}


def arm_styles(result: StudyResult) -> dict[tuple[str, str], tuple[str, str]]:
    """Return colour token and dash of every (phase, arm); an arm without drug is told by its dose or its name."""
    import polars as pl

    dosed: dict[tuple[str, str], bool] = {}
    if not result.doses.is_empty():
        given = result.doses.group_by(["phase", "arm"], maintain_order=True).agg((pl.col("mean") > 0).any())
        dosed = {(str(phase), str(arm)): bool(any_dose) for phase, arm, any_dose in given.iter_rows()}
    out: dict[tuple[str, str], tuple[str, str]] = {}
    for phase in words.unique([*(quantity.phase for quantity in result.quantities), *(phase for phase, _ in dosed)]):
        active = 0
        named = [quantity.arm for quantity in result.quantities if quantity.phase == phase]
        for arm in words.unique([*named, *(arm for where, arm in dosed if where == phase)]):
            quiet = not dosed.get((phase, arm), not any(word in arm.casefold() for word in _UNDOSED))
            out[phase, arm] = svg.arm_style(active, placebo=quiet)
            active += not quiet
    return out


def forest(quantities: Sequence[Quantity], name: str, phase: str) -> svg.Drawing:
    """Draw predicted means with intervals and the published values, one row each, one axis for each unit."""
    title = f"Predicted and published: {words.label(phase)}"
    text = "; ".join(
        f"{words.quantity_label(q)}: predicted {words.number(q.mean)} ({words.interval(q.low, q.high)}), "
        f"published {words.number(q.published.value)}, {q.agreement}"
        for q in quantities
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
    with svg.style(13 if width > 600 else 12):
        figure = svg.sheet(width, sum(step * len(group) + foot for group in groups.values()))
        top = 2
        for shown, group in groups.items():
            axes = svg.place(figure, left, top, width - left - right, step * len(group))
            _forest_rows(axes, group, width, left, right)
            axes.set_xlabel(shown or "Score", labelpad=4)
            top += step * len(group) + foot
        return svg.inline(figure, name, title, text)


def _forest_rows(axes: Axes, rows: Sequence[Quantity], width: int, left: int, right: int) -> None:
    """Draw the rows of one unit; on a phone the words go above the bar instead of beside it."""
    is_wide = width > 600
    lift = 0.0 if is_wide else 0.2
    span = width - left - right
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.set_yticks([])
    axes.set_xlim(*_limits(rows))
    edge = axes.get_yaxis_transform()
    for index, row in enumerate(rows):
        grade = row.grade
        assert row.published is not None
        assert grade is not None
        mark, token = MARKS[grade]
        factor = words.shown_unit(row)[0]
        low, mean, high, reported = (factor * value for value in (row.low, row.mean, row.high, row.published.value))
        y = index + lift
        if grade == "does not":
            axes.axhspan(
                index - 0.47,
                index + 0.47,
                xmin=-left / span,
                xmax=1 + right / span,
                color=svg.colour("alarm"),
                clip_on=False,
                zorder=0,
            )
        axes.plot(
            [low, high], [y - 0.1, y - 0.1], color=svg.colour("leg"), linewidth=7, alpha=0.35, solid_capstyle="round"
        )
        axes.plot([mean], [y - 0.1], "|", color=svg.colour("leg"), markersize=13, markeredgewidth=2.4)
        error = factor * (row.published_standard_error or 0.0)
        if error:
            axes.plot([reported - error, reported + error], [y + 0.16] * 2, color=svg.colour(token), linewidth=1.4)
        axes.plot([reported], [y + 0.16], mark, color=svg.colour(token), markersize=7.5 if mark == "o" else 6.5)
        label = words.quantity_label(row)
        if is_wide:
            axes.text((10 - left) / span, index, _cut(label, 46), transform=edge, va="center", color=svg.colour("ink"))
            axes.text(1 + 14 / span, index, words.VERDICTS[grade], transform=edge, va="center", color=svg.colour(token))
        else:
            axes.text(
                0, index - 0.3, _cut(label, 32), transform=edge, va="center", color=svg.colour("ink"), fontsize=12
            )
            axes.text(
                1,
                index - 0.3,
                words.VERDICTS[grade],
                transform=edge,
                va="center",
                ha="right",
                color=svg.colour(token),
                fontsize=11,
            )


def _cut(text: str, most: int) -> str:
    """Return text that fits; the table beside the figure has it whole."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip(' ,')}…"


def _limits(rows: Sequence[Quantity]) -> tuple[float, float]:
    ends: list[float] = []
    for row in rows:
        factor, reported = words.shown_unit(row)[0], row.published
        ends += [factor * value for value in (row.low, row.high, row.mean) if math.isfinite(value)]
        if reported is not None:
            error = row.published_standard_error or 0.0
            ends += [factor * (reported.value - error), factor * (reported.value + error)]
    low, high = min(ends), max(ends)
    room = 0.06 * (high - low) or max(abs(high), 1.0) * 0.2
    return low - room, high + room


def scores(result: StudyResult, phase: str) -> list[svg.Drawing]:
    """Draw scores over the visits of one phase: one panel a limb and scale, one line an arm."""
    rows = [row for row in digest.series(result) if row.phase == phase and len(row.points) > 1]
    styles = arm_styles(result)
    drawings = []
    panels = words.unique(f"{row.scale}\0{row.limb or ''}" for row in rows)
    for index, panel in enumerate(panels):
        scale, limb_name = panel.split("\0")
        lines = [row for row in rows if row.scale == scale and (row.limb or "") == limb_name]
        same_scale = [row for row in rows if row.scale == scale]
        title = words.scale_label(limb_name, scale)
        text = "; ".join(
            f"{row.arm or 'course'}: " + ", ".join(f"{point.visit} {words.number(point.mean)}" for point in row.points)
            for row in lines
        )
        with svg.style():
            drawings.append(
                svg.Drawing(
                    title, text, _score_panel(lines, same_scale, styles, f"s-{slug(phase)}-{index}", title, text)
                )
            )
    return drawings


def _score_panel(
    lines: Sequence[digest.Series],
    same_scale: Sequence[digest.Series],
    styles: dict[tuple[str, str], tuple[str, str]],
    name: str,
    title: str,
    text: str,
) -> Markup:
    figure = svg.sheet(*PANEL)
    axes = svg.place(figure, 34, 10, PANEL[0] - 46, PANEL[1] - 54)
    last_h = max(point.time_h for row in lines for point in row.points)
    unit = words.time_unit(last_h)
    for index, row in enumerate(lines):
        token, dash = styles.get((row.phase, row.arm), ("active", "solid"))
        shift = (index - (len(lines) - 1) / 2) * 0.008 * last_h / unit.hours
        time = [point.time_h / unit.hours + shift for point in row.points]
        axes.vlines(
            time,
            [p.low for p in row.points],
            [p.high for p in row.points],
            color=svg.colour(token),
            linewidth=4,
            alpha=0.3,
        )
        axes.plot(
            time, [p.mean for p in row.points], color=svg.colour(token), linestyle=dash, marker="o", markersize=4.5
        )
        for point in row.points:
            if point.published is not None:
                error, where = (
                    point.standard_error or 0.0,
                    point.time_h / unit.hours + 2.2 * 0.008 * last_h / unit.hours,
                )
                axes.vlines(
                    where,
                    point.published.value - error,
                    point.published.value + error,
                    color=svg.colour("ink"),
                    linewidth=1.3,
                )
                axes.plot(where, point.published.value, "D", color=svg.colour("ink"), markersize=5.5, zorder=5)
    ends = [value for row in same_scale for point in row.points for value in point.ends if math.isfinite(value)]
    room = 0.06 * (max(ends) - min(ends)) or 0.5
    axes.set_ylim(min(ends) - room, max(ends) + room)
    axes.yaxis.set_major_locator(locator(5))
    time_axis(axes, 0.0, last_h, unit, "start of the phase", 7)
    return svg.inline(figure, name, title, text)


def time_axis(axes: Axes, start_h: Number, end_h: Number, unit: words.TimeUnit, since: str, ticks: int) -> None:
    """Give an axis of time whole steps of its unit and a name."""
    from matplotlib.ticker import MultipleLocator

    span = (end_h - start_h) / unit.hours
    steps = {
        "hours": (1, 2, 3, 4, 6, 12, 24),
        "days": (1, 2, 5, 7, 14, 28),
        "weeks": (1, 2, 4, 8, 13),
        "months": (1, 2, 3, 6, 12, 24),
    }
    step = next((s for s in steps[unit.name] if span / s <= ticks), max(1, math.ceil(span / ticks)))
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.set_xlabel(unit.axis(since), labelpad=3)


def locator(count: int) -> MaxNLocator:
    """Return ticks at round numbers, about `count` of them."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(count, steps=[1, 2, 2.5, 5, 10])


def doses(result: StudyResult) -> list[svg.Drawing]:
    """Draw mean dose over time with its interval, one panel for each phase and unit of dose."""
    import polars as pl

    table = result.doses
    if table.is_empty():
        return []
    styles, drawings = arm_styles(result), []
    for index, (phase, unit) in enumerate(table.select("phase", "unit").unique(maintain_order=True).iter_rows()):
        part = table.filter((pl.col("phase") == phase) & (pl.col("unit") == unit)).sort("time_h")
        title = f"{words.label(phase)}, {words.unit(unit)}"
        published = [q for q in result.compared if q.statistic == "dose" and q.phase == phase]
        lines = []
        for (arm,), rows in part.group_by(["arm"], maintain_order=True):
            lines.append(
                f"{arm}: from {words.number(rows['mean'][0])} to {words.number(rows['mean'][-1])} {words.unit(unit)}"
            )
        text = "; ".join(lines)
        wide = _dose_panel(part, published, styles, f"d-{index}-w", title, text, 1000, 260)
        narrow = _dose_panel(part, published, styles, f"d-{index}-n", title, text, 350, 230)
        drawings.append(svg.Drawing(title, text, wide, narrow))
    return drawings


def _dose_panel(
    part: polars.DataFrame,
    published: Sequence[Quantity],
    styles: dict[tuple[str, str], tuple[str, str]],
    name: str,
    title: str,
    text: str,
    width: int,
    height: int,
) -> Markup:
    with svg.style():
        figure = svg.sheet(width, height)
        axes = svg.place(figure, 46, 12, width - 64, height - 58)
        start, end = digest.real(part["time_h"].min()), digest.real(part["time_h"].max())
        unit = words.time_unit(end - start)
        for (phase, arm), rows in part.group_by(["phase", "arm"], maintain_order=True):
            token, dash = styles.get((str(phase), str(arm)), ("active", "solid"))
            time = rows["time_h"].to_list()
            for low, high in ((rows["low"].to_list(), rows["high"].to_list()),):
                x, bottom = svg.thin(time, low, width // 3)
                x2, roof = svg.thin(time, high, width // 3)
                axes.fill(
                    [v / unit.hours for v in [*x, *reversed(x2)]],
                    [*bottom, *reversed(roof)],
                    color=svg.colour(token),
                    alpha=0.18,
                    linewidth=0,
                )
            x, mean = svg.thin(time, rows["mean"].to_list(), width // 3)
            axes.plot([v / unit.hours for v in x], mean, color=svg.colour(token), linestyle=dash)
        for quantity in published:
            assert quantity.published is not None
            axes.plot(
                quantity.time_h / unit.hours,
                quantity.published.value,
                "D",
                color=svg.colour("ink"),
                markersize=6,
                clip_on=False,
                zorder=5,
            )
        axes.margins(x=0.01)
        axes.set_ylim(0, None)
        axes.yaxis.set_major_locator(locator(5))
        time_axis(axes, start, end, unit, "start of the phase", 12 if width > 600 else 6)
        return svg.inline(figure, name, title, text)


def slug(name: str) -> str:
    """Return a name that can be part of an identifier."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
