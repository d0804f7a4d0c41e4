"""A small drawing board for strip charts: lines, bands, marks, axes and text, written straight as SVG.

A report has up to a hundred panels, and a plotting library spends most of its time on axes that nobody will move. Here
a panel is a rectangle with two scales; colours are names of the page's palette, so light, dark and print come free.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from eutonia.report.drawing import svg
from eutonia.report.drawing.scales import Axis, Values, shown
from eutonia.report.words import Number

#: Lengths of strokes and gaps in widths of the line, or the name of a usual pattern.
Dash = str | tuple[float, ...]
_DASHES: dict[str, tuple[float, ...]] = {"solid": (), "dashed": (3.7, 1.6)}
#: From the middle of a line of text down to its baseline, in text sizes.
_DROP = 0.33
#: A line that runs along the edge of its panel keeps its full width, px.
_BLEED = 1.5


class Sheet:
    """One drawing of so many px, filled from back to front."""

    def __init__(self, name: str, width: Number, height: Number, size: Number = 12.0) -> None:
        self.name, self.width, self.height, self.size = name, round(width), round(height), size
        self.parts: list[str] = []
        self._panels = 0

    def text(
        self,
        x: Number,
        y: Number,
        words: str,
        token: str = "ink",
        *,
        size: Number | None = None,
        anchor: str = "start",
        bold: bool = False,
        badge: bool = False,
    ) -> None:
        """Write words whose middle is at the height `y`; `anchor` says which end of them is at `x`."""
        tall = self.size if size is None else size
        look = "" if size is None or size == self.size else f' font-size="{_short(tall)}"'
        look += "" if anchor == "start" else f' text-anchor="{anchor}"'
        look += ' font-weight="700"' if bold else ""
        look += ' class="badge"' if badge else ""
        self.parts.append(
            f'<text x="{_short(x)}" y="{_short(y + _DROP * tall)}" fill="{svg.colour(token)}"{look}>'
            f"{html.escape(words)}</text>"
        )

    def stroke(
        self,
        path: str,
        token: str,
        width: Number,
        dash: Dash = "solid",
        *,
        opacity: Number = 1.0,
        is_blunt: bool = False,
        clip: str = "",
    ) -> None:
        """Draw a path as a line; strokes and gaps grow with its width."""
        pattern = _DASHES[dash] if isinstance(dash, str) else dash
        look = f' stroke-dasharray="{" ".join(_short(part * width) for part in pattern)}"' if pattern else ""
        look += f' stroke-opacity="{_short(opacity)}"' if opacity != 1.0 else ""
        cap = "" if pattern or is_blunt else ' stroke-linecap="round"'
        colour = svg.colour(token)
        self.parts.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{_short(width)}"{cap}{look}{clip}/>'
        )

    def fill(self, path: str, token: str, *, opacity: Number = 1.0, clip: str = "") -> None:
        """Draw a path as an area."""
        look = f' fill-opacity="{_short(opacity)}"' if opacity != 1.0 else ""
        self.parts.append(f'<path d="{path}" fill="{svg.colour(token)}"{look}{clip}/>')

    def box(
        self, left: Number, top: Number, width: Number, height: Number, token: str, *, corner: Number = 0.0
    ) -> None:
        """Draw a filled rectangle."""
        look = f' rx="{_short(corner)}"' if corner else ""
        place = f'x="{_short(left)}" y="{_short(top)}" width="{_short(width)}" height="{_short(height)}"'
        self.parts.append(f'<rect {place} fill="{svg.colour(token)}"{look}/>')

    def panel(
        self,
        box: tuple[Number, Number, Number, Number],
        x: tuple[Number, Number],
        y: tuple[Number, Number],
        *,
        is_log: bool = False,
    ) -> Panel:
        """Return a panel in the box (left, top, width, height), px, with the ranges of its scales; y grows upwards."""
        self._panels += 1
        return Panel(self, f"{self.name}-k{self._panels}", box, x, y, is_log=is_log)

    def finish(self, title: str, words: str) -> Markup:
        """Return the drawing as SVG to be put into HTML, with its title and words for a screen reader."""
        body = f'<g font-family="var(--font)" font-size="{_short(self.size)}">{"".join(self.parts)}</g>'
        return svg.frame(self.name, self.width, self.height, title, words, body)


class Panel:
    """A rectangle of a sheet with a scale across and a scale up; lines and areas end at its edge."""

    def __init__(
        self,
        sheet: Sheet,
        name: str,
        box: tuple[Number, Number, Number, Number],
        x: tuple[Number, Number],
        y: tuple[Number, Number],
        *,
        is_log: bool,
    ) -> None:
        self.sheet = sheet
        self.left, self.top, self.width, self.height = box
        self.right, self.bottom = self.left + self.width, self.top + self.height
        self.x = Axis(x[0], x[1], self.left, self.right)
        self.y = Axis(y[0], y[1], self.bottom, self.top, is_log)
        self._clip = f' clip-path="url(#{name})"'
        edge = f'x="{_short(self.left)}" y="{_short(self.top - _BLEED)}"'
        size = f'width="{_short(self.width)}" height="{_short(self.height + 2 * _BLEED)}"'
        sheet.parts.append(f'<clipPath id="{name}"><rect {edge} {size}/></clipPath>')

    def line(
        self,
        x: Values,
        y: Values,
        token: str,
        width: Number = 2.0,
        dash: Dash = "solid",
        *,
        is_stepped: bool = False,
        opacity: Number = 1.0,
        is_blunt: bool = False,
    ) -> None:
        """Draw a line through points; where it is stepped, a value holds until the next. A blunt end is exact."""
        path = _through(*_corners(self.x(x), self.y(y), is_stepped=is_stepped))
        self.sheet.stroke(path, token, width, dash, opacity=opacity, is_blunt=is_blunt, clip=self._clip)

    def band(
        self,
        x: Values,
        low: Values,
        high: Values,
        token: str,
        opacity: Number,
        *,
        is_stepped: bool = False,
    ) -> None:
        """Fill the room between two lines."""
        across = self.x(x)
        there = _corners(across, self.y(high), is_stepped=is_stepped)
        back = _corners(across, self.y(low), is_stepped=is_stepped)
        path = f"{_through(*there)}L{_through(back[0][::-1], back[1][::-1])[1:]}z"
        self.sheet.fill(path, token, opacity=opacity, clip=self._clip)

    def marks(self, x: Values, y: Values, shape: str, token: str, size: Number) -> None:
        """Draw a circle (o), diamond (D), square (s) or upright bar (|) of `size` px at each point."""
        places = list(zip(_numbers(self.x(x)), _numbers(self.y(y)), strict=True))
        if shape == "o":
            self.sheet.stroke("".join(f"M{a} {b}h0" for a, b in places), token, size + 1)
            return
        if shape == "|":
            bar = f"m0 -{_short(size / 2)}v{_short(size)}"
            self.sheet.stroke("".join(f"M{a} {b}{bar}" for a, b in places), token, 2.4)
            return
        half = size * math.sqrt(0.5) + 0.5 if shape == "D" else size / 2 + 0.5
        r, d = _short(half), _short(2 * half)
        outline = f"m0 -{r}l{r} {r} -{r} {r} -{r} -{r}z" if shape == "D" else f"m-{r} -{r}h{d}v{d}h-{d}z"
        self.sheet.fill("".join(f"M{a} {b}{outline}" for a, b in places), token)

    def bars(self, at: Sequence[Number], heights: Sequence[Number], width: Number, token: str) -> None:
        """Draw upright bars of a width in values, each around its place."""
        lefts, rights = (_numbers(self.x(np.asarray(at) + side * width / 2)) for side in (-1, 1))
        floor = _short(self.bottom)
        tops = _numbers(self.y(heights))
        path = "".join(f"M{a} {floor}V{top}H{b}V{floor}z" for a, b, top in zip(lefts, rights, tops, strict=True))
        self.sheet.fill(path, token, clip=self._clip)

    def rules(self, *, x: Sequence[Number] = (), y: Sequence[Number] = (), token: str = "grid") -> None:
        """Draw thin lines right across at values of either scale."""
        path = "".join(f"M{a} {_short(self.top)}V{_short(self.bottom)}" for a in _numbers(self.x(x)))
        path += "".join(f"M{_short(self.left)} {b}H{_short(self.right)}" for b in _numbers(self.y(y)))
        if path:
            self.sheet.stroke(path, token, 1.0)

    def scale_up(self, at: Sequence[Number], words: Sequence[str] | None = None) -> None:
        """Draw the lines and the labels of the scale up; numbers where `words` are left out."""
        self.rules(y=at)
        self.labels_up(at, shown(at) if words is None else words)

    def labels_up(self, at: Sequence[Number], words: Sequence[str]) -> None:
        """Write the labels of the scale up, at the left of the panel."""
        for height, text in zip(self.y(at).tolist(), words, strict=True):
            self.sheet.text(self.left - 5, height, text, "muted", size=self.sheet.size - 1, anchor="end")

    def floor(self, at: Sequence[Number] = (), words: Sequence[str] = (), name: str = "") -> None:
        """Draw the lower edge with ticks, their labels, and the name of the scale across."""
        small = self.sheet.size - 1
        path = f"M{_short(self.left)} {_short(self.bottom)}H{_short(self.right)}"
        across = self.x(at).tolist() if len(at) else []
        self.sheet.stroke(path + "".join(f"M{_short(a)} {_short(self.bottom)}v3" for a in across), "line", 1.0)
        for a, text in zip(across, words, strict=False):
            self.sheet.text(a, self.bottom + 4 + small * 0.7, text, "muted", size=small, anchor="middle")
        if name:
            middle, down = self.left + self.width / 2, self.bottom + (4 if across else 0) + small * 2.1
            self.sheet.text(middle, down, name, "muted", size=self.sheet.size - 0.5, anchor="middle")


def _short(value: Number) -> str:
    """Return a length with two decimals at most: a hundredth of a px is not seen."""
    return f"{round(value, 2) + 0.0:g}"


def _numbers(values: Float[np.ndarray, " point"]) -> list[str]:
    """Return lengths as text; `+ 0.0` keeps a minus from a zero."""
    return [f"{value:g}" for value in (np.round(values, 2) + 0.0).tolist()]


def _corners(
    x: Float[np.ndarray, " point"], y: Float[np.ndarray, " point"], *, is_stepped: bool
) -> tuple[Float[np.ndarray, " corner"], Float[np.ndarray, " corner"]]:
    """Return the corners of a line in whole hundredths of px, without those in the middle of a straight stretch."""
    x, y = np.round(x, 2), np.round(y, 2)
    if is_stepped:
        x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    is_new = np.append(True, (np.diff(x) != 0) | (np.diff(y) != 0))
    x, y = x[is_new], y[is_new]
    if x.size > 2:
        is_level = (y[1:-1] == y[:-2]) & (y[1:-1] == y[2:])
        is_upright = (x[1:-1] == x[:-2]) & (x[1:-1] == x[2:]) & ((y[1:-1] - y[:-2]) * (y[2:] - y[1:-1]) > 0)
        keep = np.concatenate([[True], ~(is_level | is_upright), [True]])
        x, y = x[keep], y[keep]
    return x, y


def _through(x: Float[np.ndarray, " corner"], y: Float[np.ndarray, " corner"]) -> str:
    return "M" + "L".join(f"{a} {b}" for a, b in zip(_numbers(x), _numbers(y), strict=True))
