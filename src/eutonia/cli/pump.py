"""Commands on pump programs: what one delivers, and those that ship."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eutonia.cli.app import app, console
from eutonia.cli.overrides import Overrides, tell

if TYPE_CHECKING:
    from eutonia.drug.pump import Therapy


@app.command()
def pump(
    program: Annotated[
        str, typer.Argument(metavar="PROGRAM", help="A pump program file, or the name of one that ships.")
    ],
    day: Annotated[int | None, typer.Option(min=0, help="Day to print hour by hour; the last when left out.")] = None,
    person: Annotated[
        str | None, typer.Option(metavar="CASE", help="A case, whose person has this pump: shows tone and scores.")
    ] = None,
    implanted: Annotated[
        str | None, typer.Option(help='Day 0 of the program in the life of the person, such as "274 day".')
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for a page, a table by the hour and a record.")] = None,
    set_: Overrides = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Play a pump program: what it delivers, the next dates, levels in the spinal fluid, every rule it breaks."""
    from eutonia import _progress as bars
    from eutonia.api import pump as verb
    from eutonia.report.pump import files as report

    target = None if out is None else report.check_folder(out)
    with bars.shown_on(console(), quiet=quiet) as progress:
        played = verb.program(program, day=day, person=person, implanted=implanted, progress=progress)
    if target is not None:
        played.write(target)
    if not quiet:
        tell(played.run, typer.echo)
        report.show(played.forecast, console(), played.day, played.person)
        if target is not None:
            typer.echo(f"Written to {target}")


@app.command()
def programs() -> None:
    """List the pump programs that ship."""
    from eutonia.study.pump_file import load_therapy, shipped

    for name in shipped():
        typer.echo(f"{name:28} {load_therapy(name).title}")


def check_program(program: str) -> None:
    """Validate a pump program: read it, and play it without following the drug into the fluid."""
    from eutonia.study.pump_file import load_therapy

    therapy = load_therapy(program)
    typer.echo(f"{therapy.name}: valid. {therapy.title}. {rules_of(therapy, 'eutonia pump')}.")


def rules_of(therapy: Therapy, see: str) -> str:
    """Return how many rules a pump breaks, and the command that shows them."""
    from eutonia.drug.pump import play
    from eutonia.drug.pump.rules import breaches

    count = len(breaches(play(therapy)))
    return (
        "No rule of pumps is broken" if not count else f"It breaks {count} rule{'s' * (count > 1)} of pumps: see {see}"
    )
