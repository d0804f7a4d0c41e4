"""One look for every figure: the palette, the frame round a drawing, how wide words are, and long courses made short.

Colours are CSS variables of the page, so the same drawing serves light, dark and print. Text stays text.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from markupsafe import Markup

from eutonia.report.words import Number

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
#: Widths of letters in text sizes, for a wide font: other fonts need less, so words that fit here fit everywhere.
_NARROW = frozenset(" .,:;'|!()[]ijltfrI/–-")
_WIDE = frozenset("mwMW@%—")


@dataclass(frozen=True)
class Drawing:
    """A finished figure: SVG for a wide page, for a phone if it differs, and what it shows in words."""

    title: str
    words: str
    wide: Markup
    narrow: Markup | None = None
    note: str = ""
    caveat: str = ""


def colour(token: str) -> str:
    """Return a colour of the palette as the page's variable."""
    if token not in PALETTE:
        raise KeyError(token)
    return f"var(--{token})"


def arm_style(index: int, *, placebo: bool) -> tuple[str, str]:
    """Return colour token and dash of an arm; a placebo is always the quiet dashed grey."""
    if placebo:
        return "placebo", "dashed"
    return ("active", "third", "fourth", "leg", "brain")[index % 5], "solid"


def wide(words: str, size: Number, *, bold: bool = False) -> float:
    """Return the room that words of a text size need at most, px."""
    letters = sum(
        0.38 if letter in _NARROW else 0.94 if letter in _WIDE else 0.7 if letter.isupper() else 0.62
        for letter in words
    )
    return letters * size * (1.1 if bold else 1.0)


def cut(words: str, room: Number, size: Number) -> str:
    """Return words that fit into so many px, if need be with an ellipsis."""
    if wide(words, size) <= room:
        return words
    kept = words
    while kept and wide(f"{kept}…", size) > room:
        kept = kept[:-1]
    return f"{kept.rstrip(' ,')}…"


def wrap(words: str, room: Number, size: Number, *, bold: bool = False) -> list[str]:
    """Return words broken into lines of so many px; a single word that is too long is broken too."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if wide(longer, size, bold=bold) <= room:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and wide(lines[-1] + letter, size, bold=bold) > room:
                lines.append("")
            lines[-1] += letter
    return lines


def frame(name: str, width: int, height: int, title: str, words: str, body: str) -> Markup:
    """Return an `<svg>` of `width` by `height` px round `body`, with the title and the words for a screen reader."""
    return Markup(
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-labelledby="{name}-t {name}-d" stroke-linejoin="round">'
        f'<title id="{name}-t">{html.escape(title)}</title><desc id="{name}-d">{html.escape(words)}</desc>{body}</svg>'
    )


def thinned(
    time: Float[np.ndarray, " time"], series: Sequence[Float[np.ndarray, " time"]], bins: int
) -> Int[np.ndarray, " kept"]:
    """Return which places of long courses to draw: of every bin the first, the last, and each lowest and highest."""
    if time.size <= 4 * bins:
        return np.arange(time.size)
    group = np.searchsorted(np.linspace(time[0], time[-1], bins + 1)[1:-1], time, side="right")
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    ends = np.append(starts[1:], time.size) - 1
    keep = [starts, ends]
    for values in series:
        by_height = np.lexsort((np.nan_to_num(values), group))
        keep += [by_height[starts], by_height[ends]]
    return np.unique(np.concatenate(keep))
