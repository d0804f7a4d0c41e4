"""Commands on one person at one moment: the examinations of the bedside and the movement laboratory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia.cli.app import app, console
from eutonia.cli.overrides import Overrides, tell


@app.command()
def examine(
    case: Annotated[str, typer.Argument(metavar="CASE", help="A case study file, or the name of one that ships.")],
    test: Annotated[
        str,
        typer.Option(
            help="bedside (pendulum, clonus, tardieu, threshold, ashworth, tendon, split), nerve (h-reflex, f-wave, "
            "depression, inhibition), one of these, or all."
        ),
    ] = "bedside",
    at: Annotated[
        str | None, typer.Option(help='Such as "day 90" or "4 h after the bolus"; the end of the case if left out.')
    ] = None,
    limb: Annotated[str | None, typer.Option(help="leg or arm; both when left out.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for page and recordings; results/NAME-examination when left out.")
    ] = None,
    set_: Overrides = None,
) -> None:
    """Examine the person of a case at one time: prints every finding, writes a page and the recordings."""
    from eutonia import _progress as bars
    from eutonia.api import study as study_api
    from eutonia.report.examination import files as examination

    given = study_api.load(case)
    target = examination.check_folder(out or Path("results") / f"{given.name}-examination")
    from eutonia.trial.examine_case import examine_case

    screen = console()
    with bars.shown_on(screen, quiet=False) as progress:
        result = examine_case(given, test, at, limb, progress)
    tell(result.run, screen.print)
    examination.show(result, screen, examination.write(result, target))
