"""Command on credibility: how far a run may be believed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia.cli.app import app, console


@app.command()
def credibility(
    of: Annotated[
        str | None,
        typer.Argument(metavar="[STUDY | RUN]", help="A study, which is run small, the folder of a run, or nothing."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder; results/NAME_credibility when left out.")] = None,
    influence: Annotated[str, typer.Option(help="How far a decision rests on it: low, medium or high.")] = "low",
    consequence: Annotated[str, typer.Option(help="What a wrong decision does: low, medium or high.")] = "low",
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Write how far a run may be believed: risk, evidence, who lies outside it, what is missing."""
    from eutonia import _progress as bars
    from eutonia.api import credibility as verb
    from eutonia.report.credibility import files

    target = files.check_folder(out or Path("results") / f"{Path(of or 'eutonia').stem}_credibility")
    with bars.shown_on(console(), quiet=quiet) as progress:
        found = verb.credibility(of, influence=influence, consequence=consequence, progress=progress)
        written = files.write(found, target)
    if not quiet:
        typer.echo(found.prose())
        typer.echo(f"Written to {written}.")
