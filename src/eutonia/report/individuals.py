"""The figures of individuals: how far each one changed, and who responds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eutonia.report import digest, svg, words
from eutonia.report.figures import PANEL, arm_styles, locator, slug
from eutonia.trial.result import StudyResult

if TYPE_CHECKING:
    import polars
    from markupsafe import Markup


def responses(result: StudyResult, phase: str) -> list[svg.Drawing]:
    """Draw how individuals changed: a histogram, and below it the share of patients who fell at least so far."""
    styles, drawings = arm_styles(result), []
    for index, row in enumerate(one for one in digest.responses(result) if one.phase == phase):
        title = words.scale_label(row.limb, row.scale)
        note = f"{words.visit(row.first)} to {words.visit(row.last)}"
        text = f"Change, {note}; " + "; ".join(
            f"{arm.arm}: mean {words.number(arm.mean)} in {words.count(arm.n)} patients" for arm in row.arms
        )
        name = f"r-{slug(phase)}-{index}"
        with svg.style():
            drawings.append(svg.Drawing(title, text, _response_panel(row, styles, name, title, text), note=note))
    return drawings


def _response_panel(
    row: digest.Response, styles: dict[tuple[str, str], tuple[str, str]], name: str, title: str, text: str
) -> Markup:
    width, height = PANEL[0], 286
    figure = svg.sheet(width, height)
    top = svg.place(figure, 42, 10, width - 54, 104)
    bottom = svg.place(figure, 42, 134, width - 54, 104)
    for index, arm in enumerate(row.arms):
        token, dash = styles.get((row.phase, arm.arm), ("active", "solid"))
        thick = arm.width * 0.86 / len(row.arms)
        shift = (index - (len(row.arms) - 1) / 2) * thick
        top.bar(
            [v + shift for v in arm.values],
            [100 * s for s in arm.shares],
            width=thick,
            color=svg.colour(token),
            alpha=1.0,
            linewidth=0,
        )
        edges = [arm.values[0] - arm.width, *arm.values, arm.values[-1] + arm.width]
        reached = [0.0, *(100 * share for share in arm.reached), 100.0]
        bottom.step(edges, reached, where="post", color=svg.colour(token), linestyle=dash)
    ends = [value for arm in row.arms for value in (arm.values[0], arm.values[-1])]
    room = row.arms[0].width
    for axes in (top, bottom):
        axes.set_xlim(min(ends) - room, max(ends) + room)
        axes.axvline(0, color=svg.colour("line"), linewidth=1, zorder=0)
        axes.yaxis.set_major_locator(locator(3))
        axes.xaxis.set_major_locator(locator(6))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f}%")
    top.tick_params(labelbottom=False)
    bottom.set_ylim(0, 102)
    bottom.set_xlabel("Change in score", labelpad=3)
    return svg.inline(figure, name, title, text)


def features(people: polars.DataFrame | None, most: int = 9) -> list[svg.Drawing]:
    """Draw the share of responders by each thing known before treatment, with Wilson intervals."""
    rows = digest.features(people)
    if people is None or not rows:
        return []
    overall = 100 * digest.real(people["responder"].drop_nulls().cast(bool).mean())
    drawings = []
    for index, row in enumerate(rows[:most]):
        title = words.label(row.name)
        text = "; ".join(f"{group.label}: {100 * group.share:.0f}% of {words.count(group.n)}" for group in row.bins)
        height = 30 * len(row.bins) + 52
        with svg.style():
            figure = svg.sheet(PANEL[0], height)
            axes = svg.place(figure, 112, 6, PANEL[0] - 132, height - 50)
            axes.grid(visible=True, axis="x")
            axes.grid(visible=False, axis="y")
            axes.axvline(overall, color=svg.colour("muted"), linewidth=1.2, linestyle="dashed")
            for y, group in enumerate(row.bins):
                axes.plot(
                    [100 * group.low, 100 * group.high], [y, y], color=svg.colour("active"), linewidth=6, alpha=0.3
                )
                axes.plot(100 * group.share, y, "o", color=svg.colour("active"), markersize=6.5)
            axes.set_yticks(range(len(row.bins)), [group.label for group in row.bins])
            axes.set_ylim(-0.6, len(row.bins) - 0.4) if row.is_number else axes.set_ylim(len(row.bins) - 0.4, -0.6)
            axes.set_xlim(-2, 102)
            axes.set_xticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100"])
            axes.set_xlabel("Responders, %", labelpad=3)
            drawings.append(
                svg.Drawing(
                    title,
                    text,
                    svg.inline(figure, f"f-{index}", title, text),
                    note=f"{100 * row.spread:.0f} points apart",
                )
            )
    return drawings
