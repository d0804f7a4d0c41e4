"""How a command ends that cannot go on: one line that says what to do, and never a traceback."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator

from eutonia import _writing, session
from eutonia.errors import EutoniaError

#: Exit codes: what a user can mend, a fault of the program, Ctrl-C, and the end that a scheduler or `timeout` asks for.
MENDABLE, OUR_FAULT, STOPPED, ENDED = 2, 1, 130, 143
#: Set to anything, this variable shows where in the program a fault of its own lies.
TRACEBACK = "EUTONIA_TRACEBACK"
_OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "Out of memory", "Unable to allocate", "bad_alloc")


def begin() -> None:
    """Let the screen show what its alphabet lacks as a question mark, and forget what was written before."""
    _writing.written.clear()
    _writing.unfinished.clear()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextlib.contextmanager
def heard() -> Iterator[list[int]]:
    """Hear SIGTERM as Ctrl-C is heard, so that workers end and nothing half written stays; yield what came of it."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def end(number: int, _: object) -> None:
        came.append(number)
        if signal.getsignal(signal.SIGINT) in (signal.SIG_IGN, signal.SIG_DFL, None):  # begun by a shell with "&"
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def stopped() -> str:
    """Return what to say after Ctrl-C or SIGTERM."""
    if not _writing.written:
        return f"Stopped. {_left()}"
    return f"Stopped. Written: {', '.join(map(str, _writing.written))}"


def _left() -> str:
    """Return what a command that did not come to its end has left."""
    if not _writing.unfinished:
        return "Nothing was written."
    kept = ", ".join(f'"{one}"' for one in _writing.unfinished)
    return f"No result was written; what was computed is kept in {kept}: the same command with --resume goes on."


def of(error: Exception) -> tuple[int, str]:
    """Return exit code and words for an error that reached the end of a command."""
    if isinstance(error, EutoniaError):
        return MENDABLE, str(error)
    first = next(iter(str(error).splitlines()), "") or type(error).__name__
    if isinstance(error, MemoryError) or any(sign in first for sign in _OUT_OF_MEMORY):
        return MENDABLE, (
            f"the memory of this machine is not enough ({first}). Nearest: fewer people at a time (--block 256 "
            "--workers 1), or fewer --replicates. eutonia run STUDY --dry-run says what a run needs."
        )
    if (no_start := session.cannot_start(error)) is not None:
        return MENDABLE, str(no_start)
    if isinstance(error, OSError):
        where = f' "{error.filename}"' if error.filename else ""
        return MENDABLE, (
            f"the system refuses{where}: {error.strerror or first}. Check that the place exists, that it may be used, "
            "and that it has room."
        )
    if isinstance(error, UnicodeError):
        return MENDABLE, f"a text cannot be read or shown ({first}). Save it as UTF-8, or set PYTHONUTF8=1."
    return OUR_FAULT, _our_fault(error, first)


def _our_fault(error: Exception, first: str) -> str:
    """Word a fault of the program itself: no input is to blame, so there is nothing to mend but to tell us."""
    if os.environ.get(TRACEBACK):
        return "".join(traceback.format_exception(error))
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"Eutonia itself failed: {type(error).__name__}: {first} ({os.path.basename(place.filename)}, line "
        f"{place.lineno}). This is a fault of the program, not of what you gave. Please report it with your file; "
        f"{TRACEBACK}=1 shows where it lies. {_left()}"
    )
