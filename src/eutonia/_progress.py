"""Progress of long work: a stage and the share of it that is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

# Called with a stage and the share of it that is done, 0 to 1.
Progress = Callable[[str, float], None]


def silent(_stage: str, _share: float) -> None:
    """Show nothing."""


@contextmanager
def shown_on(console: Console, *, quiet: bool) -> Iterator[Progress]:
    """Show a bar a stage on a terminal, nothing elsewhere or when quiet."""
    if quiet or not console.is_terminal:
        yield silent
        return
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:12}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=console, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def update(stage: str, share: float) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=1.0)
            bars.update(tasks[stage], completed=share)

        yield update
