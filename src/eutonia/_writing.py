"""Writing whole or not at all: tried before the work, made in a hidden folder, given its name in one step after it.

A workshop is a hidden folder beside the target (or inside, where the target's own name cannot be moved). It is locked
while it is used, so the next run knows a workshop whose owner was killed, and tidies it away.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import secrets
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from eutonia.errors import EutoniaError

_Found = TypeVar("_Found")
_More = ParamSpec("_More")

#: What marks a record, and by it a folder, as ours.
PROGRAM = "eutonia"
#: What this process has written so far, for whoever has to say it.
written: list[Path] = []
#: Folders in which this process has left the blocks of a run that is not whole.
unfinished: list[Path] = []

#: The end of the name of a folder in which a run keeps its blocks until it is whole.
UNFINISHED = ".unfinished"
_IGNORED = frozenset({".DS_Store", "Thumbs.db", UNFINISHED})
_WORKSHOP = ".eutonia-"
# The name of the target cannot be moved: a mount point, a layer of a container, a folder that is not ours to write to.
_CANNOT_MOVE = (errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EPERM, errno.EROFS)
_NEEDS = "It needs a folder that may be written to and that has room."
_AT_CWD, _EXCHANGE = -100, 2  # of renameat2(2)
_TRIED_BYTES = 65_536
_SHOWN = 4
#: Whether folders can be locked here: elsewhere two runs into one folder are not told apart.
CAN_LOCK = sys.platform != "win32"


def check_folder(
    folder: str | os.PathLike[str], names: Sequence[str], room: float = 0.0, smaller: str = "a smaller result"
) -> Path:
    """Return the folder if a result of the files `names` can be written there; everything is tried but the result.

    `room` are the bytes that the result, and what comes before it, will take; `smaller` is what would take fewer.

    The last of `names` is a JSON record whose "program" marks the folder as ours.

    Raises
    ------
    EutoniaError
        If `folder` is a file, holds anything that Eutonia did not write, or cannot be written or renamed.
    """
    target = _path(folder)
    with explained(target):
        _refuse_strangers(target, names)
        with _workshop(place_of(target)):
            pass
        _check_room(target, room, smaller)
    return target


def write_folder(folder: str | os.PathLike[str], names: Sequence[str], fill: Callable[[Path], object]) -> Path:
    """Let `fill` write the files `names` into a folder, whole or not at all, and return the folder.

    A run that is killed leaves the old result as it was. Errors as for `check_folder`.
    """
    target = _path(folder)
    with explained(target):
        _refuse_strangers(target, names)
        place = place_of(target)
        with _workshop(place) as workshop:
            draft = workshop / "draft" / target.name
            draft.mkdir(parents=True)
            fill(draft)
            with _undisturbed():
                if place == target:
                    _move_in(draft, target, names)
                else:
                    _swap(draft, target, workshop)
                written.append(target)
    return target


_Fill = Callable[Concatenate[_Found, Path, _More], None]
_Write = Callable[Concatenate[_Found, str | os.PathLike[str], _More], Path]


def whole(names: Sequence[str]) -> Callable[[_Fill[_Found, _More]], _Write[_Found, _More]]:
    """Let a function that fills a folder with the files `names` do so whole or not at all, and return the folder."""

    def wrapped(fill: _Fill[_Found, _More]) -> _Write[_Found, _More]:
        def write(found: _Found, folder: str | os.PathLike[str], /, *more: _More.args, **named: _More.kwargs) -> Path:
            return write_folder(folder, names, lambda draft: fill(found, draft, *more, **named))

        write.__doc__ = fill.__doc__
        return write

    return wrapped


def check_file(file: str | os.PathLike[str]) -> Path:
    """Return the file if it can be written; its folder must exist.

    Raises
    ------
    EutoniaError
        If it is a folder, a device, or cannot be written or renamed.
    """
    target = _path(file)
    with explained(target):
        if target.exists() and not target.is_file():
            raise EutoniaError(
                f'"{target}" is no ordinary file. Allowed: a new file, or an older one. Choose another name.'
            )
        _refuse_below_a_file(target)
        if not target.parent.is_dir():
            raise EutoniaError(
                f'"{target}" is no file in a folder that exists. Allowed: a folder that may be written to. Make '
                f'"{target.parent}", or choose another.'
            )
        with _workshop(target.parent) as workshop:
            _try_names(workshop, target)
    return target


def write_file(file: str | os.PathLike[str], fill: Callable[[Path], object]) -> Path:
    """Let `fill` write a file whole or not at all, and return it; an older one of that name is replaced."""
    target = _path(file)
    with explained(target), _workshop(target.parent) as workshop:
        draft = workshop / target.name
        fill(draft)
        with _undisturbed():
            draft.replace(target)
            written.append(target)
    return target


def is_record(path: Path) -> bool:
    """Tell whether a file is a record of ours."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(record, dict) and record.get("program") == PROGRAM


def _path(given: str | os.PathLike[str]) -> Path:
    try:
        return Path(given).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as trouble:
        raise EutoniaError(
            f'"{given}" is no place that can be found ({trouble}). Allowed: a path without loops of links, in a home '
            "that exists. Choose another."
        ) from None


@contextlib.contextmanager
def explained(target: Path) -> Iterator[None]:
    """Word what the system or a writer of files says; nothing half written is left."""
    try:
        yield
    except EutoniaError:
        raise
    except Exception as error:
        if not _is_of_the_disk(error):
            raise
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
        raise EutoniaError(
            f'the result cannot be written to "{target}": {reason}. {_NEEDS} Nothing was changed; choose another place.'
        ) from error


def _is_of_the_disk(error: Exception) -> bool:
    """Tell whether a writer failed for the system's reasons: HDF5 and Polars do not always raise an OSError."""
    if isinstance(error, OSError):
        return not isinstance(error, ConnectionError)  # a pipe that is closed is the caller's, such as of a progress
    return "errno" in str(error) or "os error" in str(error)


def _refuse_strangers(target: Path, names: Sequence[str]) -> None:
    """Stop before anything is touched, if the folder is not ours to replace."""
    _refuse_below_a_file(target)
    if not target.exists():
        return
    if not target.is_dir():
        raise EutoniaError(
            f'"{target}" is a file; a result is a folder. Allowed: a new folder, an empty one, or an older Eutonia '
            f'result. Nearest: "{target.parent / (target.stem + "-result")}". Choose another name.'
        )
    everything = sorted(path.name for path in target.iterdir() if path.name not in _IGNORED)
    found = [name for name in everything if not name.startswith(_WORKSHOP)]
    strangers = [name for name in found if name not in names]
    is_ours = is_record(target / names[-1]) or len(found) < len(everything)
    if found and (strangers or not is_ours):
        wrong = strangers or found
        shown = ", ".join([*wrong[:_SHOWN], *(["..."] if len(wrong) > _SHOWN else [])])
        raise EutoniaError(
            f'"{target}" holds files that are not an Eutonia result ({shown}). Allowed: a new folder, an empty one, or '
            f'an older Eutonia result. Nearest: "{target / "eutonia"}". Choose another, or move those files away.'
        )


def _nearest_there(target: Path) -> Path:
    return next(one for one in (target, *target.parents) if one.exists())


def _refuse_below_a_file(target: Path) -> None:
    above = _nearest_there(target.parent)
    if not above.is_dir():
        raise EutoniaError(
            f'"{above}" is a file, and "{target}" would lie in it. Allowed: a place in a folder. Nearest: '
            f'"{above.parent / target.name}". Choose another.'
        )


def place_of(target: Path) -> Path:
    """Return the folder in which a result is made: beside the target, or the target if its name cannot be moved."""
    if target.is_dir() and _path(".").is_relative_to(target):
        return target  # a shell stands in it, and would be left in a folder that is gone
    try:
        with _workshop(target.parent) as workshop:
            _try_names(workshop, target)
    except OSError as trouble:
        if target.is_dir() and trouble.errno in _CANNOT_MOVE:
            return target
        raise
    return target.parent


def _check_room(target: Path, room: float, smaller: str) -> None:
    """Refuse a disk that will be full before the result is whole."""
    free = shutil.disk_usage(_nearest_there(target)).free
    if room > free:
        raise EutoniaError(
            f'the result for "{target}" takes about {room / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free there. '
            f"Allowed: a folder that has room. Nearest: {smaller}. Choose another place, or make room."
        )


def _try_names(workshop: Path, target: Path) -> None:
    """Try to give and take the name of the target, without touching what is there."""
    probe = workshop / "probe"
    if not target.exists():
        empty = workshop / "empty"
        empty.mkdir()
        empty.rename(target)
        target.rmdir()
        return
    try:
        # Onto a folder that is not empty it never succeeds, and says first whether the name may be moved at all.
        target.rename(probe)
    except OSError as trouble:
        if trouble.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EISDIR):
            raise


@contextlib.contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """Make a hidden folder to work in, with some bytes in it: is there room? It is locked while it is used, and goes
    in the end, with folders that were made for it alone.
    """
    made = [one for one in (folder, *folder.parents) if not one.exists()]
    workshop = folder / f"{_WORKSHOP}{secrets.token_hex(4)}"
    with contextlib.ExitStack() as stack:
        stack.callback(_undo, workshop, made)
        folder.mkdir(parents=True, exist_ok=True)
        with lock(folder, waits=True):
            _tidy(folder)
            workshop.mkdir()
            (workshop / "probe").mkdir()
            (workshop / "probe" / "bytes").write_bytes(bytes(_TRIED_BYTES))
            stack.enter_context(lock(workshop))
        yield workshop


def _undo(workshop: Path, made: Sequence[Path]) -> None:
    shutil.rmtree(workshop, ignore_errors=True)
    for folder in made:
        with contextlib.suppress(OSError):
            folder.rmdir()


@contextlib.contextmanager
def lock(folder: Path, *, waits: bool = False) -> Iterator[bool]:
    """Hold a folder's lock, which ends with the process; yield whether it is held."""
    if sys.platform == "win32":
        yield False
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
        is_held = True
    except OSError:
        is_held = False
    try:
        yield is_held
    finally:
        os.close(handle)


def _tidy(folder: Path) -> None:
    """Take away the workshops of runs that were killed; an old result that had stepped aside comes back."""
    for left in folder.glob(f"{_WORKSHOP}*"):
        with contextlib.suppress(OSError), lock(left) as is_held:
            if not is_held:
                continue
            for old in (left / "old").glob("*"):
                if not (folder / old.name).exists():
                    old.rename(folder / old.name)
            shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold Ctrl-C back for the moment in which a result takes its name."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.default_int_handler)
    if asked:
        raise KeyboardInterrupt


def _swap(draft: Path, target: Path, workshop: Path) -> None:
    """Give the finished folder its name; an older result goes in the same step, where the system has one."""
    try:
        if not target.exists():
            draft.rename(target)
        elif not _exchange(draft, target):
            _step_aside(draft, target, workshop)
    except OSError as trouble:
        kept = target.with_name(f"{target.name[:40]}-{secrets.token_hex(4)}")
        draft.rename(kept)
        raise EutoniaError(
            f'the result cannot take the name "{target}": {trouble.strerror or trouble}. It lies in "{kept}"; what '
            "was there before is unchanged. Rename it yourself."
        ) from trouble


def _exchange(draft: Path, target: Path) -> bool:
    """Let two folders change names in one step; tell whether the system can."""
    try:
        change: Any = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    done = change(_AT_CWD, os.fsencode(draft), _AT_CWD, os.fsencode(target), _EXCHANGE)
    return bool(done == 0)


def _step_aside(draft: Path, target: Path, workshop: Path) -> None:
    """Let the older result step aside, where the next run finds it if this one is killed here."""
    aside = workshop / "old" / target.name
    aside.parent.mkdir()
    target.rename(aside)
    try:
        draft.rename(target)
    except OSError:
        aside.rename(target)
        raise


def _move_in(draft: Path, target: Path, names: Sequence[str]) -> None:
    """Move finished files into a folder that keeps its name; only with its record, the last to come, is it whole."""
    record = names[-1]
    (target / record).unlink(missing_ok=True)
    made = [path.name for path in draft.iterdir()]
    for name in [*(one for one in made if one != record), record]:
        (draft / name).replace(target / name)
    for name in set(names) - set(made):
        (target / name).unlink(missing_ok=True)
