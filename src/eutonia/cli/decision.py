"""Command on one decision: benefit and harm of a treatment over its dose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia.cli.app import app, console
from eutonia.cli.overrides import Overrides, tell


@app.command()
def decision(
    case: Annotated[str, typer.Argument(metavar="CASE", help="A case: a file, or the name of one that ships.")],
    route: Annotated[str, typer.Option(help="tablets (every 8 hours), or pump.")] = "tablets",
    dose: Annotated[
        list[str] | None,
        typer.Option(
            help='A dose to try, "10 mg" a tablet or "100 ug/day" of a pump; again for more. Usual ones else.'
        ),
    ] = None,
    at: Annotated[
        str | None, typer.Option(help='When it begins, such as "day 120"; the first treatment of the case else.')
    ] = None,
    held: Annotated[str, typer.Option(help="How long each dose is held.")] = "4 week",
    scale: Annotated[
        str | None, typer.Option(help="Scale on which somebody gains; the first with an important change else.")
    ] = None,
    limb: Annotated[str | None, typer.Option(help="Limb on which somebody gains.")] = None,
    tip: Annotated[str | None, typer.Option(help="Level of the catheter tip; that of the case, or T10.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Start of all random draws instead of the file's.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results; results/NAME_decision when left out.")
    ] = None,
    set_: Overrides = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Show who gains and who is harmed by a treatment of one person over its dose, and where the two cross."""
    from eutonia import _progress as bars
    from eutonia.api import decision as verb
    from eutonia.api import study as study_api
    from eutonia.report.case import decision as report

    given = study_api.load(case, seed=seed)
    target = report.check_folder(out or Path("results") / f"{given.name}_decision")
    screen = console()
    with bars.shown_on(screen, quiet=quiet) as progress:
        progress("Doses", 0.0)
        found = verb.decision(given, route=route, doses=dose or None, at=at, held=held, scale=scale, limb=limb, tip=tip)
        progress("Doses", 1.0)
        written = report.write(found, target)
    if not quiet:
        tell(found.run, screen.print)
        report.show(found, screen, written)
