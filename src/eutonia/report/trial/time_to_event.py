"""Times to an event in pictures and tables: Kaplan and Meier's curve of each arm, and who is still at risk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from eutonia.report import words
from eutonia.report.drawing import plot, scales, svg
from eutonia.report.trial import figures
from eutonia.trial.analysed import Analysed

if TYPE_CHECKING:
    import polars

# What a curve is the share of; what happens at a visit, and what has by then.
_DONE = {
    "time to improvement": ("has improved", "Improve", "Improved"),
    "time to rescue": ("has been given rescue", "Rescue", "Rescued"),
    "time to leaving": ("has left", "Leave", "Left"),
}
_WIDE, _NARROW = (820, 300), (350, 260)


def curves(analysed: Analysed) -> list[dict[str, Any]]:
    """Return for each endpoint that is a time its drawing and its rows; none where none is."""
    if analysed.survival is None:
        return []
    found = []
    for k, ((name,), table) in enumerate(analysed.survival.group_by(["endpoint"], maintain_order=True)):
        _, there, by = _DONE[table["measure"][0]]
        drawing, rows = _drawing(table, f"waiting-{k}"), [_row(one) for one in table.iter_rows(named=True)]
        found.append({"what": words.said(str(name)), "there": there, "by": by, "drawing": drawing, "rows": rows})
    return found


def _row(row: dict[str, Any]) -> dict[str, str]:
    low, high = row["happened_low"], row["happened_high"]
    return {
        "arm": row["arm"],
        "visit": words.visit(row["visit"]),
        **{name: words.number(row[name]) for name in ("at_risk", "events", "censored")},
        "happened": _percent(row["happened"]),
        "spread": "" if low is None else f"95% of trials {_percent(low)} to {_percent(high)}",
        "truth": _percent(row["happened_truth"]),
    }


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f}%"


def _drawing(table: polars.DataFrame, name: str) -> svg.Drawing:
    title = f"Share that {_DONE[table['measure'][0]][0]} (Kaplan and Meier; mean over trials, bars: 95% of them)"
    text = "; ".join(
        f"{arm}: " + ", ".join(f"{words.visit(visit)} {_percent(share)}" for visit, share in rows.rows())
        for arm, rows in (
            (name, of.select("visit", "happened")) for (name,), of in table.group_by(["arm"], maintain_order=True)
        )
    )
    wide, narrow = (_drawn(table, f"{name}-{end}", title, text, size) for end, size in (("w", _WIDE), ("n", _NARROW)))
    return svg.Drawing(title, text, wide, narrow)


def _drawn(table: polars.DataFrame, name: str, title: str, text: str, size: tuple[int, int]) -> Markup:
    sheet, last_h = plot.Sheet(name, *size), float(table["time_h"].to_numpy()[-1])
    unit = words.visits_unit(table["visit"]) or words.time_unit(last_h)
    last = last_h / unit.hours
    panel = sheet.panel((46, 12, size[0] - 58, size[1] - 84), (0.0, 1.04 * last), (0.0, 1.0))
    up, along = scales.ticks(0.0, 1.0, 5), figures.time_steps(0.0, last, unit, 7)
    panel.scale_up(up, [f"{100 * one:.0f}%" for one in up])
    panel.floor(along, scales.shown(along), unit.axis("start of the phase"))
    for k, ((arm,), rows) in enumerate(table.drop_nulls("happened").group_by(["arm"], maintain_order=True)):
        token, dash = svg.arm_style(0, placebo=k > 0)
        time = [one / unit.hours for one in rows["time_h"]]
        panel.line([0.0, *time], [0.0, *rows["happened"]], token, 2.0, dash, is_stepped=True)
        for at, low, high in zip(time, rows["happened_low"], rows["happened_high"], strict=True):
            panel.line([at + 0.006 * last * (2 * k - 1)] * 2, [low, high], token, 4, opacity=0.3, is_blunt=True)
        sheet.box(46 + 0.5 * k * size[0], size[1] - 18, 12, 4, token)
        sheet.text(64 + 0.5 * k * size[0], size[1] - 16, svg.cut(words.clinic(str(arm)), 0.5 * size[0] - 70, 12))
    return sheet.finish(title, text)
