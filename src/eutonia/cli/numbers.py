"""Commands on numbers: where each comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia.cli.app import app, console


@app.command("parameters")
def parameters_(
    name: Annotated[
        str | None, typer.Argument(metavar="[SET]", help="One parameter set; all of them when left out.")
    ] = None,
    status: Annotated[str | None, typer.Option(help="Only numbers of this status, such as assumed.")] = None,
) -> None:
    """Print every number with its unit, spread, status and source."""
    from eutonia.report.records import parameter_table

    console().print(parameter_table(name, status))


@app.command()
def cite(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.")],
) -> None:
    """Print BibTeX of the papers behind every number that a run used."""
    from eutonia.report.records import citations_of

    typer.echo(citations_of(folder))
