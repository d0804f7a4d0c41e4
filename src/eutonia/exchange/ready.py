"""Whether this machine is ready: what a newcomer's questions are answered with, and a report of trouble begins with."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from eutonia import __version__, parameters, session
from eutonia.errors import EutoniaError

_MODULES = {"pyarrow": "pandas reads our Parquet", "libsbml": "checks models that are exported as SBML"}
#: Less than this is too little for a trial of a few hundred replicates, bytes.
_SMALL_BYTES = 2e9


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: what, whether it is as it should be, and what was found or what to do."""

    what: str
    is_well: bool
    says: str


def checks() -> list[Check]:
    """Return everything that was looked at; a check that fails does not stop the others."""
    return [_tried(what, look) for what, look in _looks()]


def _looks() -> Iterator[tuple[str, Callable[[], str]]]:
    yield "Eutonia", lambda: f"{__version__}, Python {platform.python_version()}, {platform.platform()}"
    yield "libraries", _versions
    yield "device", _device
    yield "memory", _memory
    yield "numbers", _numbers
    yield "compiled programs", _compiled
    yield "this folder", lambda: _writable(Path.cwd())
    yield "what ships", _ships
    yield "extras", _extras


def _tried(what: str, look: Callable[[], str]) -> Check:
    try:
        return Check(what, True, look())
    except (EutoniaError, OSError, ImportError) as trouble:
        return Check(what, False, " ".join(str(trouble).split()))


def _versions() -> str:
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("jax", "numpy", "polars", "xarray"))


def _device() -> str:
    facts = session.facts()
    return f"{facts['device']}, {facts['precision']}, {facts['instruction_set']}, {os.cpu_count() or 1} cores"


def _memory() -> str:
    from eutonia.trial.cost import machine_memory

    size = machine_memory()
    if size < _SMALL_BYTES:
        raise EutoniaError(f"{size / 1e9:.1f} GB; a trial needs 2 GB or more. Run fewer --replicates at a time.")
    return f"{size / 1e9:.1f} GB"


def _numbers() -> str:
    found = [parameters.load(name) for name in parameters.sets()]
    return f"{sum(len(one) for one in found)} in {len(found)} sets"


def _compiled() -> str:
    folder = session.compiled_folder()
    if folder is None:
        raise EutoniaError("there is no home folder to keep them in, so each run compiles anew. Set XDG_CACHE_HOME.")
    folder.mkdir(parents=True, exist_ok=True)
    return _writable(folder)


def _writable(folder: Path) -> str:
    with tempfile.NamedTemporaryFile(dir=folder):
        return f"{folder} can be written to"


def _ships() -> str:
    from eutonia.study import design, pump_file

    studies, programs = design.shipped(), pump_file.shipped()
    if not studies or not programs:
        raise EutoniaError("the studies or the pump programs are missing from the package. Install it again.")
    return f"{len(studies)} studies, {len(programs)} pump programs"


def _extras() -> str:
    return "; ".join(
        f"{name} {'is there' if importlib.util.find_spec(name) else 'is not there'} ({why})"
        for name, why in _MODULES.items()
    )
