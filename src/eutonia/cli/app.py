"""The application that every command joins, and how a run of it ends."""

from __future__ import annotations

import contextlib
import gc
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from eutonia import __version__

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


#: What a command holds until it ends, such as overrides.
held = contextlib.ExitStack()


def console() -> Console:
    """Return the screen; lines are wrapped only where a person looks at them."""
    from rich.console import Console

    return Console(soft_wrap=not sys.stdout.isatty())


def _version(asked: bool | None) -> bool:
    if asked:
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
    from eutonia.cli import ends

    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    ends.begin()
    with ends.heard() as asked:
        try:
            app(prog_name="eutonia")
            return
        except SystemExit as end:
            if end.code != ends.STOPPED:
                raise
            stop = ends.stopped()  # Typer has turned Ctrl-C into this
        except KeyboardInterrupt:
            stop = ends.stopped()
        except Exception as error:
            code, told = ends.of(error)
            typer.echo(f"Error: {told}", err=True)
            raise SystemExit(code) from None
        finally:
            held.close()
        typer.echo(stop, err=True)
        raise SystemExit(ends.ENDED if asked else ends.STOPPED)
