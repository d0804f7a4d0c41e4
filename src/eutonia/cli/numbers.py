"""Commands on numbers: where each comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia.cli.app import app, console
from eutonia.errors import ParameterError


@app.command("parameters")
def parameters_(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SET | diff A B]",
            help="One parameter set, all of them when left out; or what differs between two runs, folders of sets, or "
            '"shipped".',
        ),
    ] = None,
    status: Annotated[str | None, typer.Option(help="Only numbers of this status, such as assumed.")] = None,
    as_: Annotated[str | None, typer.Option("--format", help="table, csv or json; table when left out.")] = None,
) -> None:
    """Print every number with its unit, spread, status and source; or what differs between two sets of them."""
    from eutonia.report import difference, records

    match what or []:
        case ["diff", *_] if status or as_:
            raise ParameterError(
                f"diff is given {'--status' if status else '--format'} {status or as_:.40}. Allowed: beside one set, "
                "or none for all. Nearest: eutonia parameters diff A B, which prints lines. Leave it out."
            )
        case ["diff", one, other]:
            here, there = difference.numbers_of(one), difference.numbers_of(other)
            for line in difference.lines(difference.difference(here, there), here, there):
                typer.echo(line)
        case ["diff", *given]:
            raise ParameterError(
                f"diff is given {len(given)} places. Allowed: two runs, two folders of sets, or shipped. Nearest: "
                "eutonia parameters diff results/A results/B. Name two."
            )
        case [] | [_]:
            name = what[0] if what else None
            if as_ in (None, "table"):
                console().print(records.parameter_table(name, status))
            else:
                typer.echo(records.parameter_text(as_, name, status))
        case given:
            raise ParameterError(
                f"{len(given)} sets are named: {', '.join(given):.60}. Allowed: one, or none for all. Nearest: "
                f"{given[0]:.30}. Name one."
            )


@app.command()
def cite(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.")],
) -> None:
    """Print BibTeX of the papers behind every number that a run used."""
    from eutonia.report.records import citations_of

    typer.echo(citations_of(folder))
