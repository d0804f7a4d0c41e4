"""Commands for whoever begins: look at what ships, copy it, and see whether this machine is ready."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia.cli.app import app


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A study or a pump program that ships.")],
) -> None:
    """Print the file of a study or a pump program that ships."""
    from eutonia.exchange import copies

    typer.echo(copies.text_of(name), nl=False)


@app.command()
def new(
    kind: Annotated[str, typer.Argument(metavar="trial|case|pump", help="What to begin.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file, such as mine.toml, which names the study.")],
    like: Annotated[
        str | None, typer.Option(help="Copy this one of those that ship: eutonia studies, eutonia programs.")
    ] = None,
) -> None:
    """Begin a study or a pump program: a copy of one that ships, which runs, under a name of its own."""
    from eutonia.exchange import copies

    written = copies.begin(kind, file, like)
    verb = "pump" if kind == "pump" else "run"
    typer.echo(f"{written}: change it, then: eutonia check {written} && eutonia {verb} {written}")


@app.command()
def doctor() -> None:
    """See whether this machine is ready: versions, device, precision, memory, and what may be written where."""
    from eutonia.exchange import ready

    found = ready.checks()
    wide = max(len(one.what) for one in found)
    for one in found:
        typer.echo(f"{'ok  ' if one.is_well else 'BAD '} {one.what:{wide}}  {one.says}")
    if not all(one.is_well for one in found):
        raise typer.Exit(1)
