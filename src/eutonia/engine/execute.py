"""Blocks on an executor: any of `concurrent.futures`, threads and processes of this machine among them."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from eutonia.errors import SimulationError

Work = TypeVar("Work")
Found = TypeVar("Found")

# So many pieces of work wait for each worker: none is idle, and few are held in memory.
_AHEAD = 2


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep what is there by now out of the way of Python's collector, which would go through all of it each block."""
    if gc.get_freeze_count():  # somebody has done so already, and ends it
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def each(submit: Callable[[Work], Future[Found]], of: Sequence[Work], workers: int) -> Iterator[tuple[int, Found]]:
    """Yield the place and result of every piece of work as it is done, in whatever order that is.

    Raises
    ------
    SimulationError
        A worker is gone; what was done before is not lost where the work itself keeps it.
    """
    waiting: dict[Future[Found], int] = {}
    todo = iter(enumerate(of))
    try:
        while True:
            while len(waiting) < _AHEAD * workers and (piece := next(todo, None)) is not None:
                waiting[submit(piece[1])] = piece[0]
            if not waiting:
                return
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for one in sorted(done, key=waiting.__getitem__):
                yield waiting.pop(one), one.result()
    except Exception as trouble:
        if not _is_of_workers(trouble):
            raise
        raise SimulationError(
            f"a worker ended, or its scheduler, before a block was done: {_first_line(trouble)}. Allowed: workers "
            f"that live, with memory for a block each. Nearest: fewer workers than {workers}, or a smaller --block. "
            "What was done is kept where a folder was given: go on with --resume."
        ) from trouble
    finally:
        for one in waiting:
            one.cancel()


def _is_of_workers(trouble: Exception) -> bool:
    """Tell whether those who work failed, and not the work: an executor, or what Dask says of workers and scheduler."""
    of_dask = type(trouble).__module__.partition(".")[0] == "distributed"
    return of_dask or isinstance(trouble, BrokenExecutor | CancelledError)


def _first_line(trouble: Exception) -> str:
    return next(iter(str(trouble).splitlines()), "") or "killed"


def processes(workers: int) -> ProcessPoolExecutor:
    """Return an executor of so many processes, begun anew: each has what belongs to a process for itself."""
    import multiprocessing

    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker)


def scheduled(address: str, check: Callable[[str], None]) -> AbstractContextManager[Executor]:
    """Return the executor of a Dask scheduler whose workers pass `check`, each in its own process under its own name.

    Raises
    ------
    SimulationError
        Dask is not installed, no scheduler or no worker answers there, or a worker would give other bits.
    """
    try:
        from eutonia.engine.scheduler import workers_at
    except ImportError:
        raise SimulationError(
            "a scheduler is asked for, and Dask is not installed. Allowed: --workers N, which needs no Dask. Install "
            'it with: pip install "eutonia[dask]".'
        ) from None
    return workers_at(address, check)


def _begin_worker() -> None:
    """Leave Ctrl-C to the process that asks, and end with it however it ends."""
    import multiprocessing

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()
