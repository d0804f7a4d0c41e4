"""Commands on pages for people who read rather than type."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia.cli.app import app
from eutonia.cli.overrides import Overrides
from eutonia.errors import EutoniaError


@app.command()
def story(
    out: Annotated[Path, typer.Option(help="The file to write; it opens offline in any browser.")] = Path("story.html"),
    set_: Overrides = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Write the story for survivors and students: the signal, the damping, the stroke, the drug, and a plan."""
    from eutonia import session
    from eutonia.report.story import page

    session.begin()
    written = page.write(out)
    if not quiet:
        typer.echo(f"Story: {written}")


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Where to listen; other machines reach another than this one.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8350,
    token: Annotated[str | None, typer.Option(help="What readers from other machines have to bring.")] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="Another name by which the server is known; may be given again.")
    ] = None,
    base: Annotated[
        Path | None, typer.Option(help="File of what was asked and found; the user's own when left out.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open the first page in the browser.")] = True,
) -> None:
    """Serve pages for people and answers for programs from this machine: the story, a clinic, studies, an API."""
    try:
        from eutonia.web import app as server
    except ModuleNotFoundError as missing:
        raise EutoniaError(
            f'the pages need the package "{missing.name}", which is not here. Allowed: an installation with the extra '
            'web. Nearest: python -m pip install "eutonia[web]". Install it.'
        ) from None
    from platformdirs import user_data_path

    at = f"http://{'localhost' if host == '127.0.0.1' else host}:{port}/"
    server.serve(
        host,
        port,
        base or user_data_path("eutonia") / "web.sqlite",
        token=token,
        names=name or (),
        opens=open_,
        begins=lambda: typer.echo(f"Eutonia: {at}{'?token=' + token if token else ''} (Ctrl-C ends it)"),
    )
