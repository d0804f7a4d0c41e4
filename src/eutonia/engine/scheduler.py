"""Workers of a Dask scheduler, on this machine or others that share a folder; `execute.scheduled` imports this extra.

Whoever joins is asked at once what it computes with. A worker whose bits would be others is closed before it gets any
work; where it was there from the start, the run is refused and says what differs.
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Any

import distributed
from distributed.comm.addressing import resolve_address
from distributed.diagnostics.plugin import WorkerPlugin

from eutonia.errors import SimulationError

# So long a scheduler and its first worker may take to answer, s.
_PATIENCE = 30.0


@contextlib.contextmanager
def workers_at(address: str, check: Callable[[str], None], patience: float = _PATIENCE) -> Iterator[Executor]:
    """Yield the executor of a Dask scheduler whose workers pass `check`, each in its own process under its own name.

    Raises
    ------
    SimulationError
        No scheduler or no worker answers there, or a worker would give other bits.
    """
    try:
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what goes wrong is told as an error
        resolve_address(address)  # a client that never was says so where nobody asked
        client: Any = distributed.Client(address, timeout=patience, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TypeError) as trouble:
        first = next(iter(str(trouble).splitlines()), "") or type(trouble).__name__
        raise SimulationError(
            f'no Dask scheduler answers at "{address}" ({first:.120}). Allowed: the address that `dask scheduler` '
            "prints, such as tcp://10.0.0.1:8786. Begin one there, or use --workers."
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=patience)
        except TimeoutError:
            raise SimulationError(
                f'the scheduler at "{address}" has no worker. Allowed: one or more, that share the folder of the '
                f"result. Begin one with: dask worker {address}. If workers end as soon as they begin, a run that was "
                "killed still looks at them: begin the scheduler anew, too."
            ) from None
        plugin = _Checked(check)
        _look(client, address, plugin)
        try:
            yield client.get_executor(pure=False)
        finally:
            # The scheduler may be gone, and its plugins with it.
            with contextlib.suppress(ValueError):
                if client.status == "running":
                    client.unregister_worker_plugin(plugin.name)


def _look(client: Any, address: str, plugin: _Checked) -> None:
    """Look at the workers that are there, which may be other people's too, and then at whoever joins."""
    try:
        for found in client.run(plugin.trouble).values():
            if found is not None:
                raise SimulationError(found)
        client.register_plugin(plugin)
    except SimulationError:
        raise
    except Exception as trouble:
        first = next(iter(str(trouble).splitlines()), "") or type(trouble).__name__
        raise SimulationError(
            f'a worker of the scheduler at "{address}" cannot load Eutonia ({first:.120}). Allowed: workers with the '
            "same version of it. Install that where they run, and begin them anew."
        ) from None


class _Checked(WorkerPlugin):
    """Closes each worker that does not pass, as it joins."""

    def __init__(self, check: Callable[[str], None]) -> None:
        self._check, self.name = check, f"eutonia {uuid.uuid4().hex}"  # other runs at one scheduler have their own

    def trouble(self, dask_worker: distributed.Worker) -> str | None:
        """Return what is wrong with a worker."""
        try:
            self._check(f"the worker at {dask_worker.address}")
        except SimulationError as trouble:
            return str(trouble)
        return None

    def setup(self, worker: distributed.Worker) -> None:
        """Look at a worker before it gets any work."""
        if (trouble := self.trouble(worker)) is not None:
            worker.loop.add_callback(worker.close, nanny=True, reason=trouble)
            raise SimulationError(trouble)
