"""The folder of a run that is not whole yet: one run at a time, of one plan, which goes on after a kill."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from eutonia import _writing
from eutonia.engine.store import FolderStore, MemoryStore, Store
from eutonia.errors import SimulationError

_PLAN = "plan.json"


@contextlib.contextmanager
def held(folder: Path, *, anew: bool = False) -> Iterator[FolderStore]:
    """Hold a folder of blocks for this process alone; `anew` takes away what is in it.

    Raises
    ------
    SimulationError
        Another run holds it, or it holds what no run has written.
    EutoniaError
        It cannot be written.
    """
    with _writing.explained(folder), contextlib.ExitStack() as stack:
        made = [one for one in folder.parents if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        if stack.enter_context(_writing.lock(folder)) is False and _writing.CAN_LOCK:
            raise SimulationError(
                f'another run keeps its blocks in "{folder}". Allowed: one run a folder. Wait for it, or choose '
                "another with --out."
            )
        strangers = [one.name for one in folder.iterdir() if not _is_ours(one)]
        if strangers:
            raise SimulationError(
                f'"{folder}" holds files that no run has left there ({", ".join(sorted(strangers)[:4])}). Allowed: an '
                "empty folder, or that of a run that was stopped. Choose another, or move those files away."
            )
        for file in folder.iterdir():
            if anew or file.name.startswith("draft-"):
                file.unlink()
        try:
            yield FolderStore(folder)
        finally:
            if any(folder.glob("block-*")):
                _writing.unfinished.append(folder)
            else:
                shutil.rmtree(folder, ignore_errors=True)
                for one in made:
                    with contextlib.suppress(OSError):  # it holds something by now
                        one.rmdir()


@contextlib.contextmanager
def opened(keep: Path | FolderStore | None, plan: Callable[[], Mapping[str, Any]]) -> Iterator[Store]:
    """Yield where the blocks of a run are kept: memory, a folder of that path, or one that is held already.

    Only a folder needs the plan, which reads the whole program.

    Raises
    ------
    SimulationError
        The folder holds blocks of another plan, or its plan cannot be read.
    """
    if keep is None:
        yield MemoryStore()
    elif isinstance(keep, FolderStore):
        with _writing.explained(keep.folder):
            _check(keep.folder, plan())
            yield keep
    else:
        with held(keep) as store:
            _check(store.folder, plan())
            yield store


def beside(target: Path) -> Path:
    """Return the folder in which the blocks of a result are kept: beside it, or in it where it cannot be moved."""
    with _writing.explained(target):
        place = _writing.place_of(target)
    return place / (_writing.UNFINISHED if place == target else f"{target.name}{_writing.UNFINISHED}")


def remove(store: FolderStore) -> None:
    """Take away a folder whose run is whole."""
    shutil.rmtree(store.folder, ignore_errors=True)


def _is_ours(file: Path) -> bool:
    return file.name in (_PLAN, "job") or file.name.startswith(("block-", "draft-"))


def _check(folder: Path, plan: Mapping[str, Any]) -> None:
    """Write the plan, or hold it against that of the blocks which are there."""
    file = folder / _PLAN
    if not file.exists() and not any(folder.glob("block-*")):
        draft = folder / "draft-plan"
        draft.write_text(json.dumps(plan, indent=2) + "\n", encoding="utf-8")
        draft.rename(file)
        return
    try:
        before = json.loads(file.read_text(encoding="utf-8"))
        old = {name: before[name] for name in plan}
    except (ValueError, KeyError, TypeError, OSError) as trouble:
        raise SimulationError(
            f'the plan of the run in "{folder}" cannot be read ({trouble!s:.80}). Allowed: the plan.json that a run '
            "has left there. Begin the run anew, without --resume."
        ) from None
    wanted = json.loads(json.dumps(plan))
    other = [name for name in wanted if wanted[name] != old[name]]
    if other:
        told = "; ".join(f"{name.replace('_', ' ')} {old[name]!s:.24}, not {wanted[name]!s:.24}" for name in other)
        raise SimulationError(
            f'the run in "{folder}" is another one: {told}. Allowed: to go on with the same study, options, program '
            "and machine. Nearest: those with which it was begun. Use them, or begin anew without --resume."
        )
