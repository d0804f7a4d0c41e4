"""The application that every command joins, and how a run of it ends."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from eutonia.errors import EutoniaError

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def console() -> Console:
    """Return the screen; lines are wrapped only where a person looks at them."""
    from rich.console import Console

    return Console(soft_wrap=not sys.stdout.isatty())


def _version(asked: bool | None) -> bool:
    if asked:
        from eutonia import __version__

        typer.echo(f"eutonia {__version__}")
        raise typer.Exit
    return False


@app.callback()
def eutonia(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Simulate muscle tone after stroke and its treatment with baclofen. Research and teaching only, not a medical
    device.
    """


# Numerical libraries bring half a million lasting objects; walking them again and again takes a tenth of a short run.
_OBJECTS_BETWEEN_COLLECTIONS = 500_000


def main() -> None:
    """Run the command line; an error that a user can mend is printed and ends with exit code 2."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    try:
        app(prog_name="eutonia")
    except EutoniaError as error:
        typer.echo(f"Error: {error}", err=True)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        typer.echo("Stopped. Nothing was written.", err=True)
        raise SystemExit(130) from None
