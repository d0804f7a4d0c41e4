"""Command on published results: all of them computed again and judged."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from eutonia._bounds import USUAL_REPLICATES
from eutonia.cli.app import app, console


@app.command()
def papers(
    only: Annotated[
        list[str] | None,
        typer.Option(help="A shipped study or a paper's folder; may be given again. All when left out."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for page, table and record.")] = Path("results/papers"),
    replicates: Annotated[
        int, typer.Option(min=1, max=100_000, help="Number of replicate trials of each study.")
    ] = USUAL_REPLICATES,
    workers: Annotated[int, typer.Option(min=1, max=256, help="Blocks at a time.")] = os.cpu_count() or 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Predict every published result again: graded by interval and by margin, with what moved since the last build."""
    from eutonia import _progress as bars
    from eutonia.api import papers as verb
    from eutonia.report.papers import files

    target = files.check_folder(out)
    screen = console()
    with bars.shown_on(screen, quiet=quiet) as progress:
        found = verb.papers(only or (), replicates=replicates, workers=workers, progress=progress)
        written = files.write(found, target)
    if not quiet:
        typer.echo(found.prose())
        typer.echo(f"Written to {written}.")
