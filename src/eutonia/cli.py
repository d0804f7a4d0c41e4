"""The command line: a translator. No science and no defaults of the science live here; heavy imports happen when
needed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eutonia.errors import EutoniaError

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Simulate muscle tone after stroke and its treatment with baclofen. "
    "Research and teaching only, not a medical device.",
)

StudyArgument = Annotated[str, typer.Argument(metavar="STUDY", help="A study file, or the name of one that ships.")]
_MOST_WORKERS = 256


@app.command()
def run(
    study: StudyArgument,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; results/NAME when left out.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Start of all random draws instead of the file's.")] = None,
    patients: Annotated[
        int | None, typer.Option(min=1, help="Number of people in the trial instead of the file's.")
    ] = None,
    replicates: Annotated[int, typer.Option(min=1, max=1_000_000, help="Number of replicate trials.")] = 500,
    block: Annotated[int, typer.Option(min=1, help="People computed together; changes nothing but memory.")] = 1024,
    workers: Annotated[int, typer.Option(min=1, max=_MOST_WORKERS, help="Blocks at a time.")] = os.cpu_count() or 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Run a study: a virtual trial or a single case. Writes a report, tables and the course into a folder."""
    from eutonia.report import files, tables
    from eutonia.trial import progress as bars
    from eutonia.trial import running

    given = running.load(study, seed=seed, patients=patients)
    target = files.check_folder(out or Path("results") / given.name)
    console = _console()
    with bars.shown_on(console, quiet=quiet) as progress:
        result = running.run(given, replicates=replicates, block=block, workers=workers, progress=progress)
        progress("Report", 0.0)
        written = files.write(result, target)
        progress("Report", 1.0)
    if not quiet:
        tables.show(result, console, folder=written)


@app.command()
def check(study: StudyArgument) -> None:
    """Validate a study file without running it."""
    from eutonia.trial.design import load_study

    given = load_study(study)
    typer.echo(f"{given.name}: valid. {given.title}.")


@app.command()
def studies() -> None:
    """List the studies that ship."""
    from eutonia.trial.design import load_study, shipped

    for name in shipped():
        typer.echo(f"{name:28} {load_study(name).title}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of study files."""
    import json

    from eutonia.trial.design import json_schema

    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


@app.command("parameters")
def parameters_(
    name: Annotated[
        str | None, typer.Argument(metavar="[SET]", help="One parameter set; all of them when left out.")
    ] = None,
    status: Annotated[str | None, typer.Option(help="Only numbers of this status, such as assumed.")] = None,
) -> None:
    """Print every number with its unit, spread, status and source."""
    from eutonia.report.records import parameter_table

    _console().print(parameter_table(name, status))


@app.command()
def cite(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.")],
) -> None:
    """Print BibTeX of the papers behind every number that a run used."""
    from eutonia.report.records import citations_of

    typer.echo(citations_of(folder))


def _console() -> Console:
    from rich.console import Console

    return Console(soft_wrap=not sys.stdout.isatty())


def main() -> None:
    """Run the command line; an error that a user can mend is printed and ends with exit code 2."""
    try:
        app(prog_name="eutonia")
    except EutoniaError as error:
        typer.echo(f"Error: {error}", err=True)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        typer.echo("Stopped. Nothing was written.", err=True)
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
