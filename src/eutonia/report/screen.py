"""What commands print: a table, sentences, and where the report lies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia.report import words

if TYPE_CHECKING:
    from rich.console import Console, OverflowMethod
    from rich.table import Table


def table(
    heads: Iterable[str],
    rows: Iterable[Sequence[str]],
    title: str | None = None,
    *,
    left: int | None = None,
    overflow: OverflowMethod = "ellipsis",
) -> Table:
    """Return a table for the screen; the first `left` columns stand to the left, where it is left out all."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    look: dict[str, Any] = {"title_justify": "left", "title_style": "bold", "show_edge": title is not None}
    made = Table(title=title, box=box.SIMPLE_HEAD, pad_edge=False, **look)
    for k, head in enumerate(heads):
        made.add_column(head, justify="left" if left is None or k < left else "right", overflow=overflow)
    for row in rows:
        made.add_row(*map(Text, row))
    return made


def close(console: Console, sentences: Iterable[str], page: Path | None) -> None:
    """Print sentences, what this is not, and where the page lies."""
    from rich.text import Text

    for line in (*sentences, f"{words.DISCLAIMER}."):
        console.print(Text(line))
    if page is not None:
        console.print(Text(f"Report: {page}"), soft_wrap=True)
