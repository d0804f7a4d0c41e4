"""Commands on studies: run, check, list."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eutonia._bounds import USUAL_REPLICATES
from eutonia.cli import workshop
from eutonia.cli.app import app, console
from eutonia.cli.events import ModelOption, SetOption, check_events
from eutonia.cli.overrides import Overrides
from eutonia.cli.pump import check_program, rules_of
from eutonia.errors import DatasetError, EutoniaError, StudyError, unknown

if TYPE_CHECKING:
    from eutonia.study.design import CaseStudy, TrialStudy
    from eutonia.trial.cost import Cost

StudyArgument = Annotated[str, typer.Argument(metavar="STUDY", help="A study file, or the name of one that ships.")]
HowNumbers = Annotated[
    Literal["posterior", "frozen"] | None,
    typer.Option(help="Draw the numbers of the science from what the calibration leaves unknown, or hold them."),
]


@app.command()
def run(
    study: StudyArgument,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; results/NAME when left out.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Start of all random draws instead of the file's.")] = None,
    patients: Annotated[
        int | None, typer.Option(min=1, help="Number of people in the trial instead of the file's.")
    ] = None,
    replicates: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, help=f"Number of replicate trials; {USUAL_REPLICATES} when left out."),
    ] = None,
    block: workshop.Block = None,
    workers: workshop.Workers = None,
    scheduler: workshop.Scheduler = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped; from the start where there is none.")
    ] = False,
    potential_outcomes: Annotated[
        bool, typer.Option("--potential-outcomes", help="Write what people would have scored in the other arms, too.")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write every table as .csv, too.")] = False,
    parameters: HowNumbers = None,
    set_: Overrides = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many people, how much memory and time; run nothing.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Run a study: a virtual trial or a single case. Writes a report, tables and the course into a folder."""
    from eutonia import _progress as bars
    from eutonia.api import study as study_api
    from eutonia.engine import unfinished
    from eutonia.report import files
    from eutonia.report.trial import tables
    from eutonia.trial.cost import affordable

    given = study_api.load(study, seed=seed, patients=patients, parameters=parameters)
    how = {"replicates": replicates, "block": block, "potential_outcomes": potential_outcomes}
    study_api.check_how(given, **how, workers=workers, scheduler=scheduler, resume=resume)
    trials = replicates or USUAL_REPLICATES
    needs = affordable(given, trials, block, workers or workshop.CORES, kept=True)
    smaller = "a longer examine_every in [case]" if given.kind == "case" else "fewer --replicates or --patients"
    target = files.check_folder(out or Path("results") / given.name, room=needs.disk, smaller=smaller)
    if dry_run:
        typer.echo(f"{given.name}: {_size(given, needs, trials)} This needs {needs}. Nothing was run.")
        _tell_table(given)
        return
    screen = console()
    with ExitStack() as stack:
        where = workshop.opened(stack, given, target, workers, scheduler, anew=not resume, needs=needs)
        progress = stack.enter_context(bars.shown_on(screen, quiet=quiet))
        result = study_api.run(given, **how, **where, progress=progress)  # type: ignore[arg-type]
        progress("Report", 0.0)
        written = files.write(result, target, csv=csv)
        progress("Report", 1.0)
        if where["keep"] is not None:
            unfinished.remove(where["keep"])
    if not quiet:
        tables.show(result, screen, folder=written)


@app.command()
def check(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A study, a pump program (or the name of one), or a dosing table."),
    ],
    model: ModelOption = None,
    set_: SetOption = None,
    out: Annotated[Path | None, typer.Option(help="Write every fault of a dosing table there, as .csv.")] = None,
    all_faults: Annotated[bool, typer.Option("--all-faults", help="Print every fault, however many.")] = False,
) -> None:
    """Validate a study, a pump program or a dosing table without running it; what it is, its content tells."""
    try:
        _check(file, model, set_, out)
    except (StudyError, DatasetError) as error:
        if not (all_faults and error.faults):
            raise
        head = str(error).splitlines()[0]
        raise type(error)("\n".join([head, *map(str, error.faults)])) from None


def _check(file: str, model: str | None, set_: list[str] | None, out: Path | None) -> None:
    """Validate a file by what it is."""
    from eutonia.exchange.kinds import kind_of

    kind = kind_of(file)
    if kind == "table":
        check_events(Path(file), model, set_, out)
        return
    if model or set_ or out:
        what = "study" if kind == "study" else "pump program"
        raise EutoniaError(f"--model, --set and --out belong to a dosing table, not to a {what}. Leave them out.")
    if kind == "program":
        check_program(file)
        return
    from eutonia.study.design import CaseStudy, load_study
    from eutonia.trial.caveats import options_left_out
    from eutonia.trial.cost import affordable, cost

    given = load_study(file)
    affordable(given, kept=True)
    usual = cost(given, USUAL_REPLICATES, workers=os.cpu_count() or 1, kept=True)
    typer.echo(f"{given.name}: valid. {given.title}.")
    typer.echo(f"{_size(given, usual, USUAL_REPLICATES)} A run needs {usual}.")
    _tell_table(given)
    for told in options_left_out(given):
        typer.echo(told)
    if isinstance(given, CaseStudy) and given.pump_therapy is not None:
        typer.echo(f"{rules_of(given.pump_therapy, 'eutonia run')}.")


def _tell_table(study: TrialStudy | CaseStudy) -> None:
    """Say which rows of a table of people are left out, before anybody waits for a run."""
    from eutonia.study.design import CaseStudy

    for told in () if isinstance(study, CaseStudy) else study.population.table_told:
        typer.echo(told)


def _size(study: TrialStudy | CaseStudy, needs: Cost, replicates: int) -> str:
    """Return how large a run is, in words."""
    from eutonia.study.design import CaseStudy
    from eutonia.trial.cost import visits_each

    if isinstance(study, CaseStudy):
        return f"One person, looked at {needs.looks:,} times."
    trials, each = f"{replicates:,} replicate trial{'s' if replicates > 1 else ''}", visits_each(study)
    computed = f" ({needs.looks} computed, of every arm)" if each < needs.looks else ""
    return f"{trials}, {needs.people:,} people in all, {each} visits each{computed}."


@app.command()
def studies() -> None:
    """List the studies that ship."""
    from eutonia.study.design import load_study, shipped

    for name in shipped():
        typer.echo(f"{name:28} {load_study(name).title}")


@app.command()
def schema(
    of: Annotated[str, typer.Argument(metavar="[study|program]", help="Of studies, or of pump programs.")] = "study",
) -> None:
    """Print the JSON Schema of study files, or of pump programs."""
    import json

    from eutonia.study import design, pump_file

    schemas = {"study": design.json_schema, "program": pump_file.json_schema}
    if of not in schemas:
        raise EutoniaError(unknown("schema", of, schemas, "Choose one of them."))
    typer.echo(json.dumps(schemas[of](), indent=2, ensure_ascii=False))
