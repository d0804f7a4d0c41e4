"""Commands on dosing tables: concentrations, and the models that give them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia._bounds import LARGEST_SEED
from eutonia.cli.app import app, console
from eutonia.cli.overrides import begin, tell
from eutonia.errors import DatasetError

_SHOWN_MG = 10.0  # of the curve that `models` tells about
EventsArgument = Annotated[Path, typer.Argument(metavar="EVENTS.csv", help="A table with ID, TIME, EVID, AMT, ...")]
ModelOption = Annotated[str | None, typer.Option("--model", help="Name of a model: eutonia models. [baclofen-oral]")]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        callback=begin,
        help='A parameter or covariate, such as "CL=8 L/h" (plain: in the unit that eutonia models says), or another '
        'number instead of a record\'s, such as "oral_adult_default.bioavailability=70 %".',
    ),
]


@app.command()
def exposure(
    events: EventsArgument,
    model: ModelOption = None,
    set_: SetOption = None,
    out: Annotated[Path | None, typer.Option(help="Write the table there: .csv or .parquet.")] = None,
    iov: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=CV", help='Vary a parameter between occasions (column OCC), such as "CL=20 %".'),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=LARGEST_SEED, help="Start of the draws of --iov; 0 when left out.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Amounts and concentrations at the observations of a dosing table with the pharmacometric columns."""
    from eutonia import _progress as bars
    from eutonia.api.exposure import exposing
    from eutonia.exchange import exposure as tables

    tables.check_target(out, events)
    screen, head = console(), tables.FirstRows()
    with (
        exposing(events, model, set_ or (), iov or (), seed) as work,
        bars.shown_on(screen, quiet=quiet) as progress,
    ):
        parts = map(head.take, work.parts(progress))
        if out is not None:
            tables.write(parts, out, work.record)
        for _ in parts:
            pass
    if not quiet:
        screen.print(f"{work.model.name}: {work.model.title}", markup=False)
        tell(work.used, lambda line: screen.print(line, markup=False))
        for told in work.told:
            screen.print(told, markup=False)
        screen.print(tables.short(head))
        where = f"All of them in {out}." if out else "Write all of them with --out FILE."
        screen.print(f"{head.height} observations. {where}", markup=False)


@app.command()
def models(
    name: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="One model; all of them when left out.")] = None,
) -> None:
    """List the kinetic models, or the parameters and covariates of one."""
    from eutonia import session
    from eutonia.drug import exposure as kinetics
    from eutonia.exchange.amounts import shown as amount_columns

    if name is None:
        for one in kinetics.names():
            typer.echo(f"{one:32} {kinetics.model(one).title}")
        return
    given = kinetics.model(name)
    typer.echo(f"{given.name}: {given.title}")
    typer.echo(f"CMT: {', '.join(f'{i} {one}' for i, one in enumerate(given.structure.ways_in, start=1))}")
    typer.echo(f"Columns of amounts: {', '.join(amount_columns(given))}")
    for what in (*given.quantities, *given.dosing):
        default = "must be given" if what.default is None else f"{what.default:g}".replace("nan", "")
        typer.echo(f"{what.name:7} {what.unit:8} {default:14} {what.label}")
    if given.mass == "mg" and all(what.default is not None for what in given.quantities):
        curve, unit, dose = kinetics.Profile(given), given.per_litre[0], _SHOWN_MG
        session.begin()
        height, hours = curve.peak(dose)
        typer.echo(
            f"{dose:g} mg in the typical person: {height:.3g} {unit} at the highest, {hours:.2g} h after the dose; "
            f"half-life {curve.half_life():.2g} h; area under the curve {curve.area(dose):.3g} {unit} h."
        )


def check_events(events: Path, model: str | None, set_: list[str] | None, out: Path | None) -> None:
    """Validate a table; with `out`, write every fault there."""
    from eutonia.api.exposure import reading as begin
    from eutonia.api.exposure import told
    from eutonia.exchange import exposure as tables

    tables.check_target(out, events)
    try:
        kinetics, reading = begin(events, model, set_ or ())
        for _ in reading.parts():
            pass
    except DatasetError as error:
        if out is not None and error.faults:
            tables.write(tables.faults_table(error), out)
        raise
    found = reading.account()
    typer.echo(
        f"{events.name}: valid for {kinetics.name}. {found.people} people, {found.rows} records, "
        f"{found.observations} observations. Amounts are in {kinetics.mass}, times in h."
    )
    for line in told(found):
        typer.echo(line)
