"""Where the blocks of a run are computed, and where they are kept until it is whole."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from eutonia._bounds import MANY_PEOPLE, USUAL_BLOCK, WIDE_BLOCK
from eutonia.errors import EutoniaError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from eutonia.engine.store import FolderStore
    from eutonia.study.design import CaseStudy, TrialStudy
    from eutonia.trial.cost import Cost

CORES = os.cpu_count() or 1
_MOST_WORKERS = 256

Block = Annotated[
    int | None,
    typer.Option(
        min=1,
        help=f"People computed together, else {USUAL_BLOCK} ({WIDE_BLOCK} of {MANY_PEOPLE:,} or more); moves memory "
        "and time only.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=_MOST_WORKERS,
        help="Processes, a block each; when left out threads on all cores, or a process a core where that pays.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Workers of a Dask scheduler, such as tcp://10.0.0.1:8786 (extra dask)."),
]


class Workshop(TypedDict):
    """How many blocks at a time, where, and kept in which folder."""

    workers: int | None
    executor: Executor | None
    keep: FolderStore | None


def opened(
    stack: ExitStack, given: TrialStudy | CaseStudy, target: Path, workers: int | None, scheduler: str | None,
    *, anew: bool, needs: Cost,
) -> Workshop:  # fmt: skip
    """Return where the blocks of a trial are computed and kept until it is whole; a case has none. Processes where they
    are asked for, or pay for what a run `needs`.

    Raises
    ------
    EutoniaError
        Workers of this machine and of a scheduler are both asked for.
    """
    from eutonia.engine import execute, unfinished
    from eutonia.trial.work import alike, own_facts

    if workers is not None and scheduler is not None:
        raise EutoniaError(
            f"--workers {workers} are processes of this machine, and --scheduler {scheduler} has workers of its own. "
            "Allowed: one of the two. Leave one out."
        )
    if given.kind == "case":
        return {"workers": None, "executor": None, "keep": None}
    keep = stack.enter_context(unfinished.held(unfinished.beside(target), anew=anew))
    if keep.damaged:
        typer.echo(f"Damaged blocks are computed again: {', '.join(keep.damaged)}", err=True)
    if scheduler is not None:
        # A scheduler may get more workers as it goes: as much waits there as any cluster needs.
        there = stack.enter_context(execute.scheduled(scheduler, partial(alike, own_facts())))
        return {"workers": _MOST_WORKERS, "executor": there, "keep": keep}
    many = workers or CORES
    apart = many > 1 if workers else needs.wants_processes
    executor = stack.enter_context(execute.processes(many, once=True)) if apart else None
    return {"workers": many, "executor": executor, "keep": keep}
