"""Commands on pages for people who read rather than type."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia.cli.app import app
from eutonia.cli.overrides import Overrides


@app.command()
def story(
    out: Annotated[Path, typer.Option(help="The file to write; it opens offline in any browser.")] = Path("story.html"),
    set_: Overrides = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Write the story for survivors and students: the signal, the damping, the stroke, the drug, and a plan."""
    from eutonia import session
    from eutonia.report import story as page

    session.begin()
    written = page.write(out)
    if not quiet:
        typer.echo(f"Story: {written}")
