"""Command on the numbers of the science: which of them move what a study predicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eutonia.cli.app import app, console
from eutonia.cli.overrides import Overrides
from eutonia.cli.study import StudyArgument


@app.command()
def sensitivity(
    study: StudyArgument,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results; results/NAME_sensitivity when left out.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Start of all random draws instead of the file's.")] = None,
    replicates: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Number of replicate trials of each run; 2 when left out.")
    ] = None,
    paths: Annotated[
        int, typer.Option(min=2, max=1000, help="Paths through all ranges; each takes a run for every record.")
    ] = 4,
    fold: Annotated[
        float | None,
        typer.Option(help="Move records that have no spread of their own by this, up and down, such as 1.2."),
    ] = None,
    sobol: Annotated[
        int, typer.Option(min=0, help="Base sample of Sobol indices for the first records, a power of 2; 0 for none.")
    ] = 0,
    most: Annotated[
        int | None, typer.Option(min=1, max=50, help="Number of records that Sobol indices are of; 4 when left out.")
    ] = None,
    set_: Overrides = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say which numbers would move, how many runs and how long; run one.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Rank the numbers behind a study by how far they move its predictions."""
    from eutonia import _progress as bars
    from eutonia.api import sensitivity as verb
    from eutonia.api import study as study_api
    from eutonia.report import sensitivity as report

    given = study_api.load(study, seed=seed)
    target = report.check_folder(out or Path("results") / f"{given.name}_sensitivity")
    screen = console()
    asked = {"replicates": replicates, "paths": paths, "fold": fold, "sobol": sobol, "most": most}
    if dry_run:
        with bars.shown_on(screen, quiet=quiet) as progress:
            made = verb.plan(given, **asked, progress=progress)  # type: ignore[arg-type]
        held = "; ".join(f"{why}: {count}" for why, count in made.held.items())
        names = ", ".join(factor.key for factor in made.moved)
        typer.echo(f"{given.name}: {len(made.moved)} records would move in {made.runs} runs: {names}.")
        typer.echo(f"Not moved: {held or 'none'}. At most this needs {made.needs}. One replicate was run to see.")
        return
    with bars.shown_on(screen, quiet=quiet) as progress:
        found = verb.sensitivity(given, **asked, progress=progress)  # type: ignore[arg-type]
        written = report.write(found, target)
    if not quiet:
        report.show(found, screen, written)
