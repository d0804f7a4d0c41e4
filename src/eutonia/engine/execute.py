"""Blocks on an executor: any of `concurrent.futures`, threads and processes of this machine among them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from typing import TypeVar

from eutonia.errors import SimulationError

Work = TypeVar("Work")
Found = TypeVar("Found")

# So many pieces of work wait for each worker: none is idle, and few are held in memory.
_AHEAD = 2


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
    except BrokenExecutor as trouble:
        raise SimulationError(
            f"a worker ended before its block was done: {str(trouble) or 'killed'}. Allowed: workers that live, with "
            f"memory for a block each. Nearest: fewer workers than {workers}, or a smaller --block. What was done is "
            "kept where a folder was given: go on with --resume."
        ) from trouble
    finally:
        for one in waiting:
            one.cancel()


def processes(workers: int) -> ProcessPoolExecutor:
    """Return an executor of so many processes, begun anew: each has what belongs to a process for itself."""
    import multiprocessing

    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker)


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
