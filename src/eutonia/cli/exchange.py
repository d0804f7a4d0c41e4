"""Commands on other programs' formats: export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia.cli.app import app
from eutonia.cli.overrides import Overrides, tell


@app.command("export")
def export_(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="A model; --list shows them.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the models that can be exported.")] = False,
    target: Annotated[str, typer.Option("--format", help="The format: sbml.")] = "sbml",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="File to write; the screen when left out.")] = None,
    dose: Annotated[
        str | None, typer.Option(help='Dose at time 0: "10 mg" by mouth, "50 mcg" in spinal fluid.')
    ] = None,
    every: Annotated[str | None, typer.Option(help='The dose again and again: "8 hour".')] = None,
    infusion: Annotated[str | None, typer.Option(help='Infusion into the spinal fluid: "100 mcg/day".')] = None,
    access: Annotated[str | None, typer.Option(help="Way of a dose into the spinal fluid, such as catheter.")] = None,
    tip: Annotated[str | None, typer.Option(help="Vertebral level of the catheter's tip, such as T10.")] = None,
    set_: Overrides = None,
) -> None:
    """Write a kinetic or effect model for other programs, with the source of every number. Not a medical device."""
    from eutonia import exchange, parameters

    if listed or model is None:
        for name, exported in exchange.models().items():
            typer.echo(f"{name:24} {exported.title}")
        return
    with parameters.recording() as used:
        text = exchange.export(model, exchange.Dosing(dose, every, infusion, access, tip), target)
    tell(used, lambda line: typer.echo(line, err=True))
    if out is None:
        typer.echo(text)
    else:
        typer.echo(f"{model}: {exchange.write(text, out)}")
