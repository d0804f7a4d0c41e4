"""The short table that a run prints in a terminal: at most 25 lines, and plain ASCII where the terminal has no more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eutonia.report import short, words
from eutonia.report.case import middles
from eutonia.report.pump import broken_rules
from eutonia.report.trial import aggregate, analysis_words, dose_finding
from eutonia.trial.caveats import WITHOUT_OPTIONS
from eutonia.trial.result import Grade, Quantity, StudyResult

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod, OverflowMethod
    from rich.table import Table

_Rows = list[tuple[list[str], Grade | None]]
_LEAST_NAME = 18
#: Names are folded where their column has so much room, and cut where it has less.
_LEAST_FOLDED = 20
_LEAST_WORD = 12
MOST_ROWS = 14
_MARKS: dict[Grade, tuple[str, str, str]] = {
    "reproduces": ("●", "+", "green"),
    "in range": ("◆", "~", "yellow"),
    "does not": ("■", "x", "red"),
}
_ASCII = str.maketrans(
    {
        "±": "+/-",
        "–": "-",
        "−": "-",
        "…": "...",
        "\u202f": " ",
        "·": "-",
        "●": "+",
        "◆": "~",
        "■": "x",
        "“": '"',
        "”": '"',
    }
)


def show(
    result: StudyResult, console: Console | None = None, *, folder: Path | None = None, quiet: bool = False
) -> None:
    """Print the result in short; with `quiet`, only the folder that it was written to."""
    from rich.console import Console
    from rich.text import Text

    out = console or Console()
    if quiet:
        if folder is not None:
            out.print(Text(str(folder)), soft_wrap=True)
        return
    is_plain = not out.encoding.lower().startswith("utf")

    def line(text: str, style: str = "") -> Text:
        return Text(_ascii(text) if is_plain else text, style=style)

    out.print(line(words.clinic(result.title), "bold"))
    if warning := words.beyond_label(result.run):
        out.print(line(f"{warning}.", "bold red"))
    for changed in words.overridden(result.run):
        out.print(line(f"{changed}.", "bold"), soft_wrap=True)
    told_of = middles.of(result)
    if result.quantities:
        out.print(table(told_of, width=out.width, ascii_only=is_plain))
    left_out = len(result.compared) - MOST_ROWS
    if left_out > 0:
        out.print(line(f"{left_out} more are in the report.", "dim"))
    out.print(line(short.headline(told_of)))
    if not result.quantities and result.caveats:
        out.print(line(result.caveats[0]))
    for told in (one for one in result.caveats if one.startswith(WITHOUT_OPTIONS)):
        out.print(line(told))
    for told in (*analysis_words.lines(result), *dose_finding.lines(result)):
        out.print(line(told, "bold"))
    if said := broken_rules.sentence(result):
        out.print(line(f"{said}: see the report.", "bold red" if any(o.is_hazard for o in result.broken) else "bold"))
    out.print(line(f"{words.DISCLAIMER}.", "dim"))
    if folder is not None:
        out.print(line(f"Report: {folder / 'report.html'}"), soft_wrap=True)


def table(result: StudyResult, *, width: int = 100, ascii_only: bool = False) -> Table:
    """Return predicted beside published, or for a study with nothing published the scores from first to last visit.

    Where `width` columns are too few, the interval goes first, then names stand in two lines, then visits stand below
    their scores, and at last names are cut; numbers never are.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.ASCII2 if ascii_only else box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    heads, rows = _compared(result.compared) if result.compared else _course(result)
    widths = _widths(heads, rows)
    if result.compared and _LEAST_NAME + sum(widths[1:]) + 3 * len(heads) > width:
        heads, rows, widths = _without_interval(heads, rows, widths)
    room = _room(widths, width)
    least_folded = _LEAST_FOLDED
    if not result.compared and room < _LEAST_FOLDED:
        least_folded = _LEAST_WORD
        rows = [([cells[0], *(cell.replace(" (", "\n(") for cell in cells[1:])], grade) for cells, grade in rows]
        widths = _widths(heads, rows)
        room = _room(widths, width)
    for index, head in enumerate(heads):
        cut: OverflowMethod = "fold" if room >= least_folded else "crop" if ascii_only else "ellipsis"
        side: JustifyMethod = "left" if index in (0, len(heads) - 1) else "right"
        least = None if index == 0 else widths[index] + (2 if index == len(heads) - 1 else 0)
        most = room if index == 0 else None
        made.add_column(
            head, no_wrap=index > 0 or cut != "fold", overflow=cut, justify=side, min_width=least, max_width=most
        )
    for cells, grade in rows:
        texts = [Text(_ascii(cell) if ascii_only else cell) for cell in cells]
        if grade is not None:
            mark, plain_mark, style = _MARKS[grade]
            texts[-1] = Text(f"{plain_mark if ascii_only else mark} {texts[-1].plain}", style=style)
        made.add_row(*texts)
    return made


def _widths(heads: list[str], rows: _Rows) -> list[int]:
    """Return how wide each column is, in letters."""
    return [
        max(len(line) for text in (head, *(cells[k] for cells, _ in rows)) for line in text.split("\n"))
        for k, head in enumerate(heads)
    ]


def _room(widths: list[int], width: int) -> int:
    """Return how many letters are left for names."""
    return max(width - sum(widths[1:]) - 3 * len(widths), 8)


def _without_interval(heads: list[str], rows: _Rows, widths: list[int]) -> tuple[list[str], _Rows, list[int]]:
    """Return a table without its third column."""
    return (
        [*heads[:2], *heads[3:]],
        [([*cells[:2], *cells[3:]], grade) for cells, grade in rows],
        [*widths[:2], *widths[3:]],
    )


def _ascii(text: str) -> str:
    """Return text without any letter beyond ASCII."""
    return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")


def _compared(quantities: Sequence[Quantity]) -> tuple[list[str], _Rows]:
    """Return the rows that have a published value; misses are never among those left out."""
    order = sorted(range(len(quantities)), key=lambda k: (quantities[k].grade != "does not", k))
    kept = sorted(order[:MOST_ROWS])
    rows: _Rows = []
    names = words.labels(quantities)
    for quantity, name in ((quantities[k], names[k]) for k in kept):
        assert quantity.published is not None
        factor, unit = words.shown_unit(quantity)
        numbers = (quantity.mean, quantity.low, quantity.high, quantity.published.value)
        mean, low, high, published = words.alike(factor * value for value in numbers)
        verdict = words.verdict(quantity.grade)
        rows.append(
            (
                [name, words.with_unit(mean, unit), f"{low} to {high}", words.with_unit(published, unit), verdict],
                quantity.grade,
            )
        )
    level = f"{quantities[0].level:.0%}"
    return ["", "Predicted", f"{level} interval", "Published", "Agreement"], rows


def _course(result: StudyResult) -> tuple[list[str], _Rows]:
    rows: _Rows = []
    for series in aggregate.series(result)[:MOST_ROWS]:
        first, last = series.points[0], series.points[-1]
        unit = words.time_unit(last.time_h - first.time_h)
        begun = first.mean
        furthest = max(series.points, key=lambda point: abs(point.mean - begun))
        name = words.measured(series.limb, series.scale) + (
            f", {series.arm}" if series.arm and result.kind == "trial" else ""
        )
        told = [
            words.when(point.time_h, unit) if result.kind == "case" else words.visit(point.visit)
            for point in (first, furthest, last)
        ]
        looks = zip((first, furthest, last), told, strict=True)
        shown = [f"{words.number(point.mean)} ({when})" for point, when in looks]
        rows.append(([name, *shown], None))
    people = result.course.sizes.get("patient", 1)
    whose = "Middle person" if result.kind == "case" and people > 1 else ""
    return [whose, "First", "Furthest from it", "Last"], rows
