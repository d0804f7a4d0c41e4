"""Commands on other programs' formats: export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia.cli.app import app
from eutonia.cli.overrides import Overrides, tell

#: Formats of a result; all others are of models.
_OF_RESULTS = ("adam",)


@app.command("export")
def export_(
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="A model (--list shows them), or a result folder for adam.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the models that can be exported.")] = False,
    target: Annotated[str, typer.Option("--format", help="The format: sbml of a model, adam of a trial.")] = "sbml",
    kinds: Annotated[
        str, typer.Option("--as", metavar="KIND,...", help="Files of adam: parquet, csv, json (Dataset-JSON), xpt.")
    ] = "parquet",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write, of adam a folder; the screen when left out.")
    ] = None,
    dose: Annotated[
        str | None, typer.Option(help='Dose at time 0: "10 mg" by mouth, "50 mcg" in spinal fluid.')
    ] = None,
    every: Annotated[str | None, typer.Option(help='The dose again and again: "8 hour".')] = None,
    infusion: Annotated[str | None, typer.Option(help='Infusion into the spinal fluid: "100 mcg/day".')] = None,
    access: Annotated[str | None, typer.Option(help="Way of a dose into the spinal fluid, such as catheter.")] = None,
    tip: Annotated[str | None, typer.Option(help="Vertebral level of the catheter's tip, such as T10.")] = None,
    set_: Overrides = None,
) -> None:
    """Write a kinetic or effect model, or a trial's data sets, for other programs. Not a medical device."""
    from eutonia import exchange, parameters

    if target in _OF_RESULTS and model is not None:
        written = exchange.write_adam(model, out or Path(f"{model.rstrip('/')}_adam"), kinds=kinds.split(","))
        typer.echo(f"{model}: {written}")
        return
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
