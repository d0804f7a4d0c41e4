"""The figures of individuals: how far each one changed, and who responds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from eutonia.report import exports, words
from eutonia.report.drawing import plot, scales, svg
from eutonia.report.trial import aggregate
from eutonia.report.trial.figures import NARROW, WIDE, ArmStyles, slug
from eutonia.report.words import Number

if TYPE_CHECKING:
    import polars


_SIZES = {"w": WIDE, "n": NARROW}


def responses(rows: Sequence[aggregate.Individuals], styles: ArmStyles, phase: str) -> list[svg.Drawing]:
    """Draw how individuals changed: a histogram, and below it the share of patients who fell at least so far."""
    drawings = []
    for index, row in enumerate(one for one in rows if one.phase == phase):
        title = words.scale_label(row.limb, row.scale)
        note = f"{words.visit(row.first)} to {words.visit(row.last)}"
        text = f"Change, {note}; " + "; ".join(
            f"{arm.arm}: mean {words.number(arm.mean)} in {words.count(arm.n)} patients" for arm in row.arms
        )
        name = f"r-{slug(phase)}-{index}"
        wide, narrow = (
            _response_panel(row, styles, f"{name}-{end}", title, text, size[0]) for end, size in _SIZES.items()
        )
        drawings.append(svg.Drawing(title, text, wide, narrow, note=note))
    return drawings


def _response_panel(
    row: aggregate.Individuals, styles: ArmStyles, name: str, title: str, text: str, width: int
) -> Markup:
    sheet = plot.Sheet(name, width, 286)
    ends = [value for arm in row.arms for value in (arm.values[0], arm.values[-1])]
    room = row.arms[0].width
    across = (min(ends) - room, max(ends) + room)
    most = max(100 * share for arm in row.arms for share in arm.shares)
    top = sheet.panel((42, 10, width - 54, 104), across, (0.0, 1.05 * most))
    bottom = sheet.panel((42, 134, width - 54, 104), across, (0.0, 102.0))
    for panel in (top, bottom):
        up = scales.ticks(panel.y.low, panel.y.high, 3)
        panel.rules(y=up)
        panel.rules(x=[0], token="line")
        panel.labels_up(up, [f"{text}%" for text in scales.shown(up)])
    along = scales.ticks(*across, 6)
    for index, arm in enumerate(row.arms):
        token, dash = styles.get((row.phase, arm.arm), ("active", "solid"))
        thick = arm.width * 0.86 / len(row.arms)
        shift = (index - (len(row.arms) - 1) / 2) * thick
        top.bars([value + shift for value in arm.values], [100 * share for share in arm.shares], thick, token)
        edges, reached = arm.edges
        bottom.line(edges, [100 * share for share in reached], token, 2.0, dash, is_stepped=True)
    top.floor(along)
    bottom.floor(along, scales.shown(along), "Change in score")
    return sheet.finish(title, text)


def features(people: polars.DataFrame | None, rows: Sequence[aggregate.Feature], most: int = 9) -> list[svg.Drawing]:
    """Draw the share of responders by each thing known before treatment, with Wilson intervals."""
    if people is None or not rows:
        return []
    overall = 100 * aggregate.real(people["responder"].drop_nulls().cast(bool).mean())
    drawings = []
    for index, row in enumerate(rows[:most]):
        title, unit = words.label(row.name), exports.unit_of(row.name)
        title += f", {unit}" if unit and not title.endswith(unit) else ""
        text = "; ".join(f"{group.label}: {100 * group.share:.0f}% of {words.count(group.n)}" for group in row.bins)
        wide, narrow = (
            _feature_panel(row, overall, f"f-{index}-{end}", title, text, size[0]) for end, size in _SIZES.items()
        )
        drawings.append(svg.Drawing(title, text, wide, narrow, note=f"{100 * row.spread:.0f} points apart"))
    return drawings


def _feature_panel(row: aggregate.Feature, overall: Number, name: str, title: str, text: str, width: int) -> Markup:
    height = 30 * len(row.bins) + 52
    sheet = plot.Sheet(name, width, height)
    up = (-0.6, len(row.bins) - 0.4) if row.is_number else (len(row.bins) - 0.4, -0.6)
    panel = sheet.panel((112, 6, width - 132, height - 50), (-2.0, 102.0), up)
    at = [0, 25, 50, 75, 100]
    panel.rules(x=at)
    panel.floor(at, [str(share) for share in at], "Responders, %")
    panel.line([overall] * 2, up, "muted", 1.2, "dashed")
    for y, group in enumerate(row.bins):
        panel.line([100 * group.low, 100 * group.high], [y, y], "active", 6, opacity=0.3)
        panel.marks([100 * group.share], [y], "o", "active", 6.5)
    labels = [svg.cut(group.label, panel.left - 8, sheet.size - 1) for group in row.bins]
    panel.labels_up(range(len(row.bins)), labels)
    return sheet.finish(title, text)
