"""Commands on other programs' formats: export."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from eutonia.cli.app import app
from eutonia.cli.overrides import Overrides, tell
from eutonia.errors import EutoniaError

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
        str | None,
        typer.Option("--as", metavar="KIND,...", help="Files of adam: parquet (usual), csv, json (Dataset-JSON), xpt."),
    ] = None,
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

    doses = {"--dose": dose, "--every": every, "--infusion": infusion, "--access": access, "--tip": tip}
    if listed or model is None:
        more = {"--as": kinds, "--out": out, "--format": target if target in _OF_RESULTS else None, "a model": model}
        _unused("the list of models", "eutonia export --list", {**doses, **more})
    elif target in _OF_RESULTS:
        _unused(f"{target} of a result", "eutonia export RESULT --format adam", doses)
        as_files = (kinds or "parquet").split(",")
        written = exchange.write_adam(model, out or Path(f"{model.rstrip('/')}_adam"), kinds=as_files)
        typer.echo(f"{model}: {written}")
        return
    else:
        _unused(f"{target} of a model", f"eutonia export {model} --format adam --as csv", {"--as": kinds})
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


def _unused(by: str, nearest: str, options: Mapping[str, object]) -> None:
    """Refuse an option that nothing is done with."""
    for name, value in options.items():
        if value is not None:
            raise EutoniaError(
                f'{name} "{value!s:.40}" is given to {by}, which has no use for it. Allowed: none. Nearest: {nearest}. '
                "Leave it out."
            )
