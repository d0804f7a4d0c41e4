"""Command on options: several ways to treat one person, beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia.cli.app import app, console
from eutonia.cli.overrides import Overrides, tell


@app.command()
def compare(
    cases: Annotated[
        list[str], typer.Argument(metavar="CASE CASE ...", help="Cases of one person: files, or names that ship.")
    ],
    against: Annotated[
        str | None, typer.Option(help="Name of the case that the others are compared with; the first when left out.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Start of all random draws instead of the files'.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; results/comparison when left out.")] = None,
    set_: Overrides = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Compare several treatments of one person: tone, pain, walking and risk, with differences of the same people."""
    from eutonia import _progress as bars
    from eutonia.api import options as options_api
    from eutonia.api import study as study_api
    from eutonia.study.same_person import check_options

    given = [study_api.load(one, seed=seed) for one in cases]
    check_options(given, against)  # before what computes is imported
    from eutonia.report.case import options

    target = options.check_folder(out or Path("results") / "comparison")
    screen = console()
    with bars.shown_on(screen, quiet=quiet) as progress:
        found = options_api.compare_options(given, against=against, progress=progress)
        written = options.write(found, target)
    if not quiet:
        tell(found.run, screen.print)
        options.show(found, screen, written)
