"""Blocks on an executor: any of `concurrent.futures`, threads and processes of this machine among them."""

from __future__ import annotations

import contextlib
import contextvars
import functools
import gc
import os
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
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
from typing import Any, TypeVar

from eutonia.errors import SimulationError

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


#: A piece of work, handed to a worker when it is called.
Begin = Callable[[], Future[Found]]


def each(courses: Iterable[Iterator[Sequence[Begin[Found]]]], workers: int) -> Generator[Found, None, None]:
    """Yield the result of every piece of work as it is done, in whatever order that is.

    A course yields stages of pieces: those of one stage may be done at once, the next is asked for when all of them are
    done. Courses know nothing of each other, and as many are under way as keep workers busy. Whatever ends this ends
    them, where they hold what they hold.

    Raises
    ------
    SimulationError
        A worker is gone; what was done before is not lost where the work itself keeps it.
    """
    waiting: dict[Future[Found], Iterator[Sequence[Begin[Found]]]] = {}
    left: Counter[Iterator[Sequence[Begin[Found]]]] = Counter()
    todo: deque[tuple[Begin[Found], Iterator[Sequence[Begin[Found]]]]] = deque()
    coming = iter(courses)

    def go_on(course: Iterator[Sequence[Begin[Found]]]) -> None:
        if stage := next(filter(None, course), ()):  # of a stage without work the next comes at once
            left[course] = len(stage)
            todo.extendleft((begin, course) for begin in reversed(stage))

    try:
        while True:
            while len(waiting) < _AHEAD * workers:
                if todo:
                    begin, course = todo.popleft()
                    waiting[begin()] = course
                elif (another := next(coming, None)) is not None:
                    go_on(another)
                else:
                    break
            if not waiting:
                return
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for one in done:
                yield one.result()
                course = waiting.pop(one)
                left[course] -= 1
                if not left[course]:
                    go_on(course)
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
        for begun in left:
            if isinstance(begun, Generator):  # else Python's collector would end it, in whatever context that stands
                begun.close()


def apart(course: Generator[Sequence[Begin[Found]], None, None]) -> Iterator[Sequence[Begin[Found]]]:
    """Go through a course in a context of its own: what it sets there holds for its pieces, and for nobody else's."""
    context = contextvars.copy_context()
    try:
        while (stage := context.run(next, course, None)) is not None:
            yield [functools.partial(context.run, begin) for begin in stage]
    finally:
        context.run(course.close)


def _is_of_workers(trouble: Exception) -> bool:
    """Tell whether those who work failed, and not the work: an executor, or what Dask says of workers and scheduler."""
    of_dask = type(trouble).__module__.partition(".")[0] == "distributed"
    return of_dask or isinstance(trouble, BrokenExecutor | CancelledError)


def _first_line(trouble: Exception) -> str:
    return next(iter(str(trouble).splitlines()), "") or "killed"


class _Processes(ProcessPoolExecutor):
    """Processes that end at once where the work that asked for them ends in an error, or by Ctrl-C; `once` as in
    `processes`.
    """

    once = False

    @property
    def workers(self) -> int:
        """How many there may be."""
        return int(self._max_workers)  # type: ignore[attr-defined]

    def __exit__(self, kind: type[BaseException] | None, *trouble: Any) -> bool | None:
        if kind is not None:
            for one in (self._processes or {}).values():
                one.terminate()
        return super().__exit__(kind, *trouble)


def processes(workers: int, *, once: bool = False) -> ProcessPoolExecutor:
    """Return an executor of so many processes, begun anew: each has what belongs to a process for itself. With `once`
    they do the blocks of one run, and have gone, with their memory, when its tables are made. They begin with their
    first work.
    """
    import multiprocessing

    found = _Processes(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker)
    found.once = once
    return found


def rehearsed(executor: Executor | None, made: Callable[[], Callable[[], object]]) -> None:
    """Let the processes of one run begin now, each with the act `made`, that loads what its work will need.

    One core is left to the process that asks: the last of them begins when the first is ready. What fails here is left
    to the work itself to tell.
    """
    if not isinstance(executor, _Processes) or not executor.once:
        return

    act = made()

    def last(_: Future[object]) -> None:
        with contextlib.suppress(RuntimeError):  # the run is over before
            executor.submit(act)

    first, *_ = [executor.submit(act) for _ in range(max(executor.workers - 1, 1))]
    if executor.workers > 1:
        first.add_done_callback(last)


@contextmanager
def while_needed(executor: Executor | None) -> Iterator[None]:
    """End processes that do the blocks of one run when those are done."""
    yield
    if isinstance(executor, _Processes) and executor.once:
        executor.shutdown()


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
    """Leave Ctrl-C to the process that asks, end with it however it ends, and keep one core busy: XLA's threads of
    several processes on the same cores would wait for each other.
    """
    import multiprocessing

    os.environ.setdefault("NPROC", "1")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()
