"""One job after the other: a thread that hands them to the worker, hears how far it is, and ends it where asked."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from contextlib import ExitStack
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from eutonia.web import limits
from eutonia.web.asked import own_names, texts_of
from eutonia.web.store import Job, Store
from eutonia.web.temporary import own_folder, sweep
from eutonia.web.worker import work

# Seconds between looks at whether a job was cancelled, and at whether one waits.
_LOOK_S, _IDLE_S = 0.1, 0.5
# Whoever ends all processes of a server at once ends the worker a moment before the server hears of it, s.
_FAREWELL_S = 2.0


class Jobs:
    """Runs what waits in a store, one at a time, in a process of its own."""

    def __init__(self, store: Store, longest_s: float = limits.JOB_S, *, warms: bool = False) -> None:
        self.store, self.longest_s, self._warms = store, longest_s, warms
        self._ends, self._waits = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._process: SpawnProcess | None = None
        self._line: Connection | None = None
        self._place = ExitStack()

    def start(self) -> None:
        """Begin; what ran when the last server ended is run again, and what it left in the temporary directory goes."""
        sweep()
        self.store.again()
        self._thread = threading.Thread(target=self._serve, name="eutonia-jobs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; a job that runs is run again by the next server."""
        self._ends.set()
        self._waits.set()
        if self._thread is not None:
            self._thread.join(timeout=10.0)
        self._dismiss()

    def wake(self) -> None:
        """Say that a job waits."""
        self._waits.set()

    def _serve(self) -> None:
        while not self._ends.is_set():
            self._waits.clear()  # before the look: a job that comes after it is not overheard
            job = self.store.take()
            if job is None and self._warms:
                self._warms = False
                self._warm()
            elif job is None:
                self._waits.wait(_IDLE_S)
            else:
                self._run(job)

    def _warm(self) -> None:
        """Let the worker compile what the first comparison needs, while nobody waits; nothing of it is kept.

        A job that comes meanwhile does not wait for it: the worker is followed by another.
        """
        line = self._hired()
        until = time.monotonic() + self.longest_s
        try:
            line.send(("warm", {}, {}))
            while not self._ends.is_set():
                if line.poll(_LOOK_S) and line.recv()[0] != "progress":
                    self._relieve()
                    return
                if self._waits.is_set() or time.monotonic() > until:
                    self._dismiss()
                    return
        except (EOFError, OSError):
            self._dismiss()

    def _run(self, job: Job) -> None:
        line = self._hired()
        until = time.monotonic() + self.longest_s
        try:
            line.send((job.kind, dict(job.request), self.store.own(own_names(texts_of(job.request)))))
            while not self._ends.is_set():
                if line.poll(_LOOK_S) and self._heard(job, line.recv()):
                    self._relieve()
                    return
                now = self.store.job(job.id)
                if now is None or now.state != "running":
                    self._dismiss()
                    return
                if time.monotonic() > until:
                    self._dismiss()
                    said = (
                        f"it took longer than {self.longest_s:.0f} seconds. Allowed: less. Nearest: fewer replicate "
                        "trials. Ask again when less runs here, ask for less, or run it with the command eutonia run."
                    )
                    self.store.end(job.id, "failed", said)  # another day it may be quicker: asked again, it runs
                    return
        except (EOFError, OSError):
            self._dismiss()
            if not self._ends.wait(_FAREWELL_S):  # else the next server runs it again
                self.store.end(
                    job.id, "failed", "the process that computed it ended: its memory may not have sufficed."
                )

    def _heard(self, job: Job, message: tuple[object, ...]) -> bool:
        """Note what the worker says, and tell whether the job is over."""
        match message:
            case ("progress", str(stage), float() | int() as share):
                self.store.progress(job.id, stage, float(share))
                return False
            case ("done", list(files)):
                self.store.finish(job.id, files)
            case ("refused", str(told)):
                self.store.end(job.id, "refused", told)
            case (_, told):
                self.store.end(job.id, "failed", str(told))
            case _:
                self.store.end(
                    job.id, "failed", f"the process that computed it said {message!r:.200}, which is no news"
                )
        return True

    def _hired(self) -> Connection:
        """Return the line to a worker that lives."""
        if self._line is None or self._process is None or not self._process.is_alive():
            self._dismiss()
            context = multiprocessing.get_context("spawn")
            self._line, theirs = context.Pipe()
            given = (theirs, self._place.enter_context(own_folder()))
            self._process = context.Process(target=work, args=given, daemon=True, name="eutonia-worker")
            self._process.start()
            theirs.close()
        return self._line

    def _relieve(self) -> None:
        """Dismiss a worker that holds too much: compiled programs of many studies add up, and lie on the disk, too."""
        told = Path(f"/proc/{self._process.pid}/statm") if self._process is not None else None
        if told is not None and told.exists():
            pages = int(told.read_text(encoding="ascii").split()[1])
            if pages * os.sysconf("SC_PAGE_SIZE") > limits.WORKER:
                self._dismiss()

    def _dismiss(self) -> None:
        """End the worker, whatever it does."""
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            self._process.kill()
            self._process.join(timeout=10.0)
        self._place.close()
        self._line = self._process = None
