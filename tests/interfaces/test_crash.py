"""A server that is killed: no finished result is lost, every other one is computed again, and no worker lives on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eutonia.web import limits
from eutonia.web.store import Store

# A server's jobs with a worker that does next to nothing, in a process of its own that can be killed.
_SERVER = """
import pathlib, sys, time
from eutonia.web import jobs
from eutonia.web.store import ResultFile, Store
import tiny

if __name__ == "__main__":
    jobs.work = tiny.work
    running = jobs.Jobs(Store(pathlib.Path(sys.argv[1])))
    running.start()
    time.sleep(600)
"""
_TINY = """
import os, time
from eutonia.web.store import ResultFile


def work(line, folder):
    while True:
        try:
            kind, request, own = line.recv()
            line.send(("progress", "half", 0.5))
            time.sleep(0.05)
            told = f"{request['number']} by {os.getpid()}".encode()
            line.send(("done", [ResultFile("result.txt", "text/plain", told)]))
        except (EOFError, OSError):
            return
"""
_JOBS = limits.WAITING


def states(store: Store, ids: list[str]) -> list[str]:
    return [job.state for name in ids if (job := store.job(name)) is not None]


def waits(store: Store, ids: list[str], done: int) -> None:
    until = time.monotonic() + 90
    while states(store, ids).count("done") < done:
        assert time.monotonic() < until, states(store, ids)
        time.sleep(0.1)


def results(store: Store, ids: list[str]) -> dict[str, bytes]:
    found = {name: store.file(name, "result.txt") for name in ids}
    return {name: one.content for name, one in found.items() if one is not None}


@contextmanager
def started(folder: Path, base: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a server, which does not outlive the test."""
    server = subprocess.Popen([sys.executable, folder / "server.py", base], cwd=folder)
    try:
        yield server
    finally:
        server.kill()
        server.wait(timeout=20)


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z" if Path("/proc").is_dir() else True


def test_a_server_killed_in_the_middle_of_its_jobs_loses_no_result(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(_SERVER, encoding="utf-8")
    (tmp_path / "tiny.py").write_text(_TINY, encoding="utf-8")
    base = tmp_path / "web.sqlite"
    store = Store(base)
    ids = [store.ask("run", {"number": number}, "x").id for number in range(_JOBS)]
    with started(tmp_path, base):
        waits(store, ids, _JOBS // 3)
    before = results(store, ids)
    assert _JOBS // 3 <= len(before) < _JOBS, "it was killed in the middle"
    assert len(before) == states(store, ids).count("done"), "a job is done when its files are there, and not before"
    worker = int(next(iter(before.values())).split()[-1])
    with started(tmp_path, base):
        waits(store, ids, _JOBS)
    after = results(store, ids)
    assert {name: after[name] for name in before} == before, "what was done is not done again"
    assert sorted(int(told.split()[0]) for told in after.values()) == list(range(_JOBS))
    assert not any(told.endswith(str(worker).encode()) for name, told in after.items() if name not in before)
    until = time.monotonic() + 20
    while lives(worker) and time.monotonic() < until:
        time.sleep(0.05)
    assert not lives(worker), "the worker of a server that was killed ends by itself"
