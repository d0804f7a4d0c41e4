"""The flow of patients as a CONSORT diagram, drawn straight as SVG: boxes, arrows, and what happened to whom."""

from __future__ import annotations

import html
import itertools
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from eutonia.report import words
from eutonia.report.drawing import svg
from eutonia.report.words import Number
from eutonia.trial.result import ConsortRow

_LINE = 17
_PAD = 12
_GAP = 30
_WIDEST = 340.0
_ROOMY = 320.0
_PHONE = 350
# So many arms stand side by side on a phone; more stand one below the other, moved to the right by so much.
_BESIDE, _INDENT = 2, 28.0


@dataclass
class _Stage:
    """One level of the flow: main boxes side by side (arm or None), and who leaves after it."""

    name: str
    boxes: list[ConsortRow] = field(default_factory=list)
    leaving: list[ConsortRow] = field(default_factory=list)


def diagram(rows: Sequence[ConsortRow]) -> svg.Drawing | None:
    """Draw the flow for a wide page and for a phone; None if there is nothing to draw."""
    if not rows:
        return None
    text = "; ".join(
        f"{row.stage}{f' ({row.arm})' if row.arm else ''}: {_amount(row)}{f', {row.reason}' if row.reason else ''}"
        for row in rows
    )
    title = "Flow of patients"
    stages = _stages(rows)
    columns = max(len(stage.boxes) for stage in stages)
    wide = _Sheet(1000, 13.5, columns).draw(stages, "consort-w", title, text)
    narrow = _Sheet(_PHONE, 12.0, columns).draw(stages, "consort-n", title, text)
    return svg.Drawing(title, text, wide, narrow)


def _amount(row: ConsortRow) -> str:
    if row.low == row.high:
        return words.count(row.number)
    return f"{words.count(row.number)} ({words.count(row.low)} to {words.count(row.high)})"


def _stages(rows: Sequence[ConsortRow]) -> list[_Stage]:
    """Gather boxes of one stage in several arms; rows with a reason leave from the stage before them."""
    stages: list[_Stage] = []
    for row in rows:
        if row.reason:
            if not stages:
                stages.append(_Stage(""))
            stages[-1].leaving.append(row)
        elif stages and row.arm and stages[-1].name == row.stage:
            stages[-1].boxes.append(row)
        else:
            stages.append(_Stage(row.stage, [row]))
    return stages


class _Sheet:
    """A page of a certain width on which the flow is laid out from top to bottom."""

    def __init__(self, width: int, size: Number, columns: int) -> None:
        self.width, self.size, self.columns = width, size, columns
        self.parts: list[str] = []
        self.is_narrow = width < 500 or width / columns < _ROOMY
        self.is_stacked, self.indent = width == _PHONE and columns > _BESIDE, 0.0

    def draw(self, stages: Sequence[_Stage], name: str, title: str, text: str) -> Markup:
        """Lay out every stage and return the finished SVG."""
        y, before = 2.0, list[tuple[float, str | None]]()
        for is_split, some in itertools.groupby(stages, lambda one: self.is_stacked and len(one.boxes) > 1):
            if is_split:
                alike = list(some)
                y, before = self._stack(alike, y, f"{name}-a", goes_on=alike[-1] is not stages[-1])
                continue
            for stage in some:
                y, before = self._stage(stage, y, before, f"{name}-a")
        arrow = (
            f'<defs><marker id="{name}-a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
            'orient="auto">'
            f'<path d="M0 .8 7.2 4 0 7.2z" fill="{svg.colour("muted")}"/></marker></defs>'
        )
        body = arrow + "".join(self.parts)
        return svg.frame(
            name,
            self.width,
            round(y - _GAP + 2),
            title,
            text,
            f'<g font-size="{self.size}" font-family="var(--font)">{body}</g>',
        )

    def _stack(
        self, stages: Sequence[_Stage], top: Number, marker: str, *, goes_on: bool
    ) -> tuple[float, list[tuple[float, str | None]]]:
        """Draw arms one below the other, each with all of these stages; a line at the left leads to each of them, and
        past them where the flow goes on.
        """
        line, y, at = self._spine(1, 0), float(top), float(top)
        arms = list(dict.fromkeys(row.arm for stage in stages for row in stage.boxes))
        self.indent = _INDENT
        for arm in arms:
            before: list[tuple[float, str | None]] = []
            at = y + _PAD + self.size / 2
            self._line(f"M{line:.1f} {at:.1f}H{self._box_at(1, 0)[0] - 1:.1f}", marker)
            for stage in stages:
                boxes = [row for row in stage.boxes if row.arm == arm]
                mine = [row for row in stage.leaving if row.arm == arm or (row.arm not in arms and arm == arms[-1])]
                y, before = self._stage(_Stage(stage.name, boxes, mine), y, before, marker)
        self.indent = 0.0
        self._line(f"M{line:.1f} {top - _GAP:.1f}V{y - _GAP if goes_on else at:.1f}", "")
        return y, [(line, None)]

    def _stage(
        self, stage: _Stage, top: Number, before: list[tuple[Number, str | None]], marker: str
    ) -> tuple[float, list[tuple[float, str | None]]]:
        """Draw one level: arrows, boxes, then those who leave; return the next top and the exits."""
        columns = len(stage.boxes)
        if not columns:
            return self._leaving(stage, top, [(self._spine(1, 0), None)], marker)
        places = [self._box_at(columns, k) for k in range(columns)]
        centres = [self._spine(columns, k) for k in range(columns)]
        blocks = [self._words(row, wide) for row, (_, wide) in zip(stage.boxes, places, strict=True)]
        height = max(len(lines) for lines in blocks) * _LINE + 2 * _PAD - 4
        self._connect(before, [(x, row.arm) for x, row in zip(centres, stage.boxes, strict=True)], top, marker)
        for (left, wide), lines in zip(places, blocks, strict=True):
            self._box(left, top, wide, height, lines, accent=True)
        exits = [(x, row.arm) for x, row in zip(centres, stage.boxes, strict=True)]
        return self._leaving(stage, top + height, exits, marker)

    def _leaving(
        self, stage: _Stage, top: Number, exits: list[tuple[Number, str | None]], marker: str
    ) -> tuple[float, list[tuple[float, str | None]]]:
        """Draw the side boxes of those who leave; each hangs from its own arm's column."""
        if not stage.leaving:
            return top + _GAP, exits
        columns = len(exits)
        by_column: dict[int, list[ConsortRow]] = {}
        for row in stage.leaving:
            column = next(
                (k for k, (_, arm) in enumerate(exits) if arm == row.arm), columns - 1 if row.arm is None else 0
            )
            by_column.setdefault(column, []).append(row)
        lowest = top
        for column, rows in by_column.items():
            centre, y = exits[column][0], top + 14
            left, wide = self._side_at(columns, column)
            for row in rows:
                lines = self._words(row, wide)
                height = len(lines) * _LINE + 2 * _PAD - 6
                self._box(left, y, wide, height, lines, accent=False)
                self._line(f"M{centre:.1f} {y + height / 2:.1f}H{left - 1:.1f}", marker)
                y += height + 8
            lowest = max(lowest, y)
        for centre, _ in exits:
            self._line(f"M{centre:.1f} {top:.1f}V{lowest + 6:.1f}", "")
        return lowest + 6 + _GAP, exits

    def _spine(self, columns: int, column: int) -> float:
        """Return where the arrow of a column runs: through the middle of its boxes, on a phone at their left edge."""
        if self.is_narrow:
            return self.indent + self.width / columns * column + 16
        if columns == 1 and self.columns > 1:
            return sum(self._spine(self.columns, k) for k in range(self.columns)) / self.columns
        if columns == 1:
            return self.width * 0.36
        return self.width / columns * (column + 0.38)

    def _box_at(self, columns: int, column: int) -> tuple[float, float]:
        """Return left edge and width of a main box."""
        room = self.width / columns
        if self.is_narrow:
            return self.indent + room * column + 2, min(room - self.indent - (8 if columns > 1 else 60), _WIDEST)
        wide = min(_WIDEST, room * 0.62)
        return self._spine(columns, column) - wide / 2, wide

    def _side_at(self, columns: int, column: int) -> tuple[float, float]:
        """Return left edge and width of a side box."""
        left = self._spine(columns, column) + (20 if self.is_narrow else 28)
        right = self.width / columns * (column + 1) if columns > 1 else float(self.width)
        return left, min(right - left - 4, _WIDEST)

    def _words(self, row: ConsortRow, wide: Number) -> list[tuple[str, str]]:
        """Return the lines of a box with their style: what, who, how many."""
        room = max(int((wide - 2 * _PAD) / (self.size * 0.55)), 8)
        bold_room = max(int((wide - 2 * _PAD) / (self.size * 0.61)), 8)
        head = row.stage if not row.arm else f"{row.stage}: {row.arm}"
        lines = [(line, "head") for line in textwrap.wrap(head, bold_room)] or [("", "head")]
        lines += [(line, "plain") for line in textwrap.wrap(row.reason, room)]
        return [*lines, *((line, "number") for line in textwrap.wrap(f"n = {_amount(row)}", room))]

    def _box(
        self, left: Number, top: Number, wide: Number, high: Number, lines: list[tuple[str, str]], *, accent: bool
    ) -> None:
        edge = svg.colour("active" if accent else "line")
        dash = "" if accent else ' stroke-dasharray="4 3"'
        self.parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="7" '
            f'fill="{svg.colour("paper")}" stroke="{edge}" stroke-width="1.3"{dash}/>'
        )
        y = top + _PAD + self.size * 0.72
        looks = {"head": ("ink", "600"), "plain": ("muted", "400"), "number": ("ink", "400")}
        for line, kind in lines:
            token, weight = looks[kind]
            self.parts.append(
                f'<text x="{left + _PAD:.1f}" y="{y:.1f}" fill="{svg.colour(token)}" '
                f'font-weight="{weight}">{html.escape(line)}</text>'
            )
            y += _LINE

    def _line(self, path: str, marker: str) -> None:
        end = f' marker-end="url(#{marker})"' if marker else ""
        self.parts.append(f'<path d="{path}" fill="none" stroke="{svg.colour("muted")}" stroke-width="1.3"{end}/>')

    def _connect(
        self, before: list[tuple[Number, str | None]], after: list[tuple[Number, str | None]], top: Number, marker: str
    ) -> None:
        """Draw straight arrows where arms go on, and a bus where arms split or join."""
        if not before:
            return
        start, bend = top - _GAP, top - _GAP / 2
        if len(before) == len(after):
            for (x, _), (there, _) in zip(before, after, strict=True):
                self._line(f"M{x:.1f} {start:.1f}V{bend:.1f}H{there:.1f}V{top - 1:.1f}", marker)
            return
        for x, _ in before:
            self._line(f"M{x:.1f} {start:.1f}V{bend:.1f}", "")
        ends = [x for x, _ in (*before, *after)]
        self._line(f"M{min(ends):.1f} {bend:.1f}H{max(ends):.1f}", "")
        for x, _ in after:
            self._line(f"M{x:.1f} {bend:.1f}V{top - 1:.1f}", marker)
