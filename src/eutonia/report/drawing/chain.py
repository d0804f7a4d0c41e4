"""Boxes in a chain, each the cause of the next: beside each other on a wide page, one below the other on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from eutonia.report.drawing import svg
from eutonia.report.drawing.plot import Sheet
from eutonia.report.words import Number

_WIDE, _NARROW, _GAP, _PAD = 1000, 350, 34, 12
_BIG, _SMALL, _HEAD = 14.0, 12.0, 26
_BAR = 8


@dataclass(frozen=True)
class ChainLine:
    """What a box says: in bold, in small, and the share that its bar shows, if it has one."""

    bold: str
    small: str = ""
    share: Number | None = None


@dataclass(frozen=True)
class ChainBox:
    """A box of a chain: its name, its lines, and the colour of its head and bars."""

    title: str
    lines: tuple[ChainLine, ...]
    token: str


def draw(name: str, title: str, boxes: Sequence[ChainBox]) -> svg.Drawing:
    """Return a chain of boxes as a drawing, for a wide page and for a phone."""
    told = ". ".join(
        f"{box.title}: {'; '.join(f'{one.bold}, {one.small}'.rstrip(', ') for one in box.lines)}" for box in boxes
    )
    words = f"{told}."
    return svg.Drawing(title, words, _across(name, title, words, boxes), _down(f"{name}-n", title, words, boxes))


def _across(name: str, title: str, words: str, boxes: Sequence[ChainBox]) -> Markup:
    room = (_WIDE - _GAP * (len(boxes) - 1)) / len(boxes)
    height = max(_height(box, room) for box in boxes)
    sheet = Sheet(name, _WIDE, height + 4, _BIG)
    for place, box in enumerate(boxes):
        left = place * (room + _GAP)
        _box(sheet, box, left, 2, room, height)
        if place:
            x, y = left - _GAP + 6, 2 + height / 2
            sheet.stroke(f"M{x:g} {y:g}h{_GAP - 12}m-7 -6l7 6l-7 6", "muted", 2.4)
    return sheet.finish(title, words)


def _down(name: str, title: str, words: str, boxes: Sequence[ChainBox]) -> Markup:
    heights = [_height(box, _NARROW - 4) for box in boxes]
    sheet = Sheet(name, _NARROW, sum(heights) + _GAP * (len(boxes) - 1) + 4, _BIG)
    top = 2.0
    for place, (box, height) in enumerate(zip(boxes, heights, strict=True)):
        if place:
            sheet.stroke(f"M{_NARROW / 2:g} {top + 6:g}v{_GAP - 12}m-6 -7l6 7l6 -7", "muted", 2.4)
            top += _GAP
        _box(sheet, box, 2, top, _NARROW - 4, height)
        top += height
    return sheet.finish(title, words)


def _rows(line: ChainLine, room: Number) -> tuple[list[str], list[str]]:
    inside = room - 2 * _PAD
    small = svg.wrap(line.small, inside, _SMALL) if line.small else []
    return svg.wrap(line.bold, inside, _BIG, bold=True), small


def _height(box: ChainBox, room: Number) -> Number:
    height = _HEAD + _PAD
    for line in box.lines:
        bold, small = _rows(line, room)
        height += 19 * len(bold) + 16 * len(small) + (_BAR + 8 if line.share is not None else 0) + 8
    return height


def _box(sheet: Sheet, box: ChainBox, left: Number, top: Number, room: Number, height: Number) -> None:
    """Draw a box: its frame, its name, and its lines with their bars."""
    sheet.box(left, top, room, height, "grid", corner=10)
    sheet.text(left + _PAD, top + 18, box.title, box.token, bold=True)
    y = top + _HEAD + _PAD
    for line in box.lines:
        bold, small = _rows(line, room)
        for words in bold:
            sheet.text(left + _PAD, y + 4, words, bold=True)
            y += 19
        if line.share is not None:
            whole = room - 2 * _PAD
            sheet.box(left + _PAD, y, whole, _BAR, "line", corner=3)
            sheet.box(left + _PAD, y, max(whole * min(line.share, 1.0), 0.5), _BAR, box.token, corner=3)
            y += _BAR + 8
        for words in small:
            sheet.text(left + _PAD, y + 3, words, "muted", size=_SMALL)
            y += 16
        y += 8
