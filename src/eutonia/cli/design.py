"""Commands on the design of a trial: how many people it needs, and what other values of its fields would give."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import typer

from eutonia._bounds import USUAL_REPLICATES
from eutonia.cli.app import app, console
from eutonia.cli.overrides import Overrides
from eutonia.cli.study import StudyArgument
from eutonia.errors import StudyError

_SEED = typer.Option(min=0, help="Start of all random draws instead of the file's.")
_QUIET = typer.Option("--quiet", help="Print nothing but errors.")


@app.command()
def power(
    study: StudyArgument,
    target: Annotated[float, typer.Option(help="Power that is asked for, 0 to 1.")] = 0.9,
    endpoint: Annotated[
        str | None, typer.Option(help="Endpoint of the analysis; its first primary one when left out.")
    ] = None,
    replicates: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Number of simulated trials of each size.")
    ] = 400,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; results/NAME_power when left out.")] = None,
    seed: Annotated[int | None, _SEED] = None,
    set_: Overrides = None,
    quiet: Annotated[bool, _QUIET] = False,
) -> None:
    """Find how many people a trial needs, by its own analysis of simulated trials."""
    from eutonia import _progress as bars
    from eutonia.api import power as verb
    from eutonia.api import study as study_api
    from eutonia.report import operating as report

    given = study_api.load(study, seed=seed)
    target_folder = report.check_folder(out or Path("results") / f"{given.name}_power", report.POWER)
    screen = console()
    with bars.shown_on(screen, quiet=quiet) as progress:
        found = verb.power(given, target, endpoint=endpoint, replicates=replicates, progress=progress)
        written = report.write_power(found, target_folder)
    if not quiet:
        report.show(found.sentences(), written, screen)


@app.command()
def sweep(
    study: StudyArgument,
    over: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=V1,V2,...", help="A field and its values, such as dose=25 ug,50 ug; may be given again."
        ),
    ] = None,
    replicates: Annotated[
        int | None,
        typer.Option(
            min=1, max=1_000_000, help=f"Number of replicate trials of each run; {USUAL_REPLICATES} when left out."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; results/NAME_sweep when left out.")] = None,
    seed: Annotated[int | None, _SEED] = None,
    set_: Overrides = None,
    quiet: Annotated[bool, _QUIET] = False,
) -> None:
    """Run a study with other values of some of its fields: the same people and the same luck at each."""
    from eutonia import _progress as bars
    from eutonia.api import study as study_api
    from eutonia.api import sweep as verb
    from eutonia.report import operating as report

    given = study_api.load(study, seed=seed)
    fields = {}
    for one in over or [""]:
        word, equals, values = one.partition("=")
        if not equals or not values.strip():
            raise StudyError(
                f'--over is "{one:.60}". Allowed: a field of the study, = and values with commas between them. '
                f"Nearest: {word or 'population.n'}=20,40. Write it so."
            )
        fields[verb.path_of(given, word.strip())] = [_value(text.strip()) for text in values.split(",")]
    folder = report.check_folder(out or Path("results") / f"{given.name}_sweep", report.SWEEP)
    screen = console()
    with bars.shown_on(screen, quiet=quiet) as progress:
        found = verb.swept(given, fields, replicates=replicates, progress=progress)
        written = report.write_sweep(found, folder)
    if not quiet:
        report.show([found.prose(), *report.told(found)], written, screen)


def _value(text: str) -> object:
    """Return a value as a study file would hold it: a number or true as such, anything else as text."""
    try:
        return tomllib.loads(f"x = {text}")["x"]
    except tomllib.TOMLDecodeError:
        return text
