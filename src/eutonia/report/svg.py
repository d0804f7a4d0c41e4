"""One look for every figure, and matplotlib drawings turned into small inline SVG that follows the page's colours.

Colours are drawn as their light-mode value and then replaced by a CSS variable of the page, so the same drawing serves
light, dark and print. Text stays text; no identifier, date or namespace is left that could change between two runs.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from eutonia.report.words import Number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Token: (light, dark). Hues keep apart under the common kinds of colour blindness; shape or dash says the same again.
PALETTE: dict[str, tuple[str, str]] = {
    "ink": ("#1b2733", "#e8edf2"),
    "muted": ("#566473", "#a3b0bd"),
    "line": ("#b9c4ce", "#4a5866"),
    "grid": ("#e7ecf0", "#28323c"),
    "paper": ("#ffffff", "#161d24"),
    "leg": ("#0a6aa1", "#5cb8ee"),
    "limb-arm": ("#bb5a00", "#f5a14d"),
    "brain": ("#85468f", "#cf9bdb"),
    "plasma": ("#3f7a35", "#8dcc7d"),
    "active": ("#0e6e6b", "#4cc4bd"),
    "placebo": ("#75818d", "#98a5b2"),
    "third": ("#7b4ea3", "#bd97e0"),
    "fourth": ("#9a6a00", "#e3b341"),
    "reproduces": ("#0f7468", "#45c9b5"),
    "in-range": ("#946300", "#e8b339"),
    "does-not": ("#b3261e", "#ff8a7a"),
    "alarm": ("#fbeae8", "#3a2220"),
}
_DIGITS = re.compile(r"-?\d+\.\d{2,}(?![\d.]*e)")
_FONT = re.compile(r"font: ([^;\"]*?\d(?:\.\d+)?px) [^;\"]+")


@dataclass(frozen=True)
class Drawing:
    """A finished figure: SVG for a wide page, for a phone if it differs, and what it shows in words."""

    title: str
    words: str
    wide: Markup
    narrow: Markup | None = None
    note: str = ""
    scrolls: bool = False


def colour(token: str) -> str:
    """Return the light value of a token; `inline` turns it into the page's variable."""
    return PALETTE[token][0]


def arm_style(index: int, *, placebo: bool) -> tuple[str, str]:
    """Return colour token and dash of an arm; a placebo is always the quiet dashed grey."""
    if placebo:
        return "placebo", "dashed"
    return ("active", "third", "fourth", "leg", "brain")[index % 5], "solid"


@contextmanager
def style(size: Number = 12.0) -> Iterator[None]:
    """Draw everything inside with the look of the page; `size` is the text size in px."""
    import matplotlib

    settings: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "eutonia",
        "text.parse_math": False,
        "axes.unicode_minus": True,
        "font.family": ["DejaVu Sans"],
        "font.size": size,
        "axes.titlesize": size,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": size - 0.5,
        "xtick.labelsize": size - 1,
        "ytick.labelsize": size - 1,
        "text.color": colour("ink"),
        "axes.labelcolor": colour("muted"),
        "axes.titlecolor": colour("ink"),
        "axes.edgecolor": colour("line"),
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "xtick.color": colour("line"),
        "ytick.color": colour("line"),
        "xtick.labelcolor": colour("muted"),
        "ytick.labelcolor": colour("muted"),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "grid.color": colour("grid"),
        "grid.linewidth": 1.0,
        "ytick.major.size": 0,
        "xtick.major.size": 3,
        "axes.linewidth": 1.0,
        "lines.linewidth": 2.0,
        "lines.solid_capstyle": "round",
        "lines.solid_joinstyle": "round",
        "path.simplify": True,
    }
    with matplotlib.rc_context(settings):
        yield


def sheet(width: Number, height: Number) -> Figure:
    """Return an empty figure of so many px; one px is one point, so text keeps its size in the page."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / 72, height / 72), dpi=72)


def place(figure: Figure, left: Number, top: Number, width: Number, height: Number) -> Axes:
    """Return axes at px counted from the top left corner of the figure."""
    full_width, full_height = figure.get_size_inches() * 72
    box = (left / full_width, 1 - (top + height) / full_height, width / full_width, height / full_height)
    return figure.add_axes(box)


def inline(figure: Figure, name: str, title: str, words: str) -> Markup:
    """Return the figure as SVG to be put into HTML: accessible, theme-aware, without identifiers of its own."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = stream.getvalue()
    width, height = (round(value * 72) for value in figure.get_size_inches())
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL).replace("xlink:href", "href")
    body = _own_identifiers(body, name)
    body = re.sub(r"<[^>]+>", lambda tag: _DIGITS.sub(_rounded, tag[0]), body)
    body = _FONT.sub(r"font: \1 var(--font)", body)
    body = re.sub(r"\s*\n\s*", "\n", body)
    return frame(name, width, height, title, words, themed(body))


def frame(name: str, width: int, height: int, title: str, words: str, body: str) -> Markup:
    """Return an `<svg>` of `width` by `height` px round `body`, with the title and the words for a screen reader."""
    return Markup(
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-labelledby="{name}-t {name}-d" stroke-linejoin="round">'
        f'<title id="{name}-t">{html.escape(title)}</title><desc id="{name}-d">{html.escape(words)}</desc>{body}</svg>'
    )


def themed(body: str) -> str:
    """Replace every colour of the palette by its CSS variable."""
    for token, (light, _) in PALETTE.items():
        body = body.replace(light, f"var(--{token})")
    return body


def _rounded(number: re.Match[str]) -> str:
    """Return a coordinate with two decimals at most: a hundredth of a px is not seen."""
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _own_identifiers(body: str, name: str) -> str:
    """Keep only identifiers that something refers to, and make them the figure's own."""
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", body))

    def rename(found: re.Match[str]) -> str:
        return f' id="{name}-{found[1]}"' if found[1] in used else ""

    body = re.sub(r' id="([^"]+)"', rename, body)
    return re.sub(r"(url\(#|href=\"#)([^)\"]+)", rf"\g<1>{name}-\g<2>", body)


def thin(time: list[Number], series: list[Number], points: int) -> tuple[list[float], list[float]]:
    """Return at most four points a bin (first, lowest, highest, last), so that a long course keeps its peaks."""
    import numpy as np

    x, y = np.asarray(time, dtype=float), np.asarray(series, dtype=float)
    if x.size <= 4 * points:
        return x.tolist(), y.tolist()
    group = np.searchsorted(np.linspace(x[0], x[-1], points + 1)[1:-1], x, side="right")
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    ends = np.append(starts[1:], x.size) - 1
    by_height = np.lexsort((np.nan_to_num(y), group))
    keep = np.unique(np.concatenate([starts, ends, by_height[starts], by_height[ends]]))
    return x[keep].tolist(), y[keep].tolist()
