"""The process that computes is followed by another when it holds too much."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from eutonia.web import jobs, limits
from eutonia.web.store import Store


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell")
@pytest.mark.parametrize(("most", "is_kept"), [(1, False), (2**50, True)])
def test_a_worker_that_holds_too_much_is_asked_for_no_other_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, is_kept: bool
) -> None:
    monkeypatch.setattr(limits, "WORKER", most)
    store = Store(tmp_path / "web.sqlite")
    asked = store.ask("run", {}, "x").id
    job = store.take()
    assert job is not None
    running = jobs.Jobs(store)
    running._line, theirs = multiprocessing.Pipe()
    worker = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,), daemon=True)
    worker.start()
    running._process = worker
    theirs.send(("done", []))
    running._run(job)
    found = store.job(asked)
    assert found is not None
    assert found.state == "done"
    assert (running._process is worker) == is_kept
    assert worker.is_alive() == is_kept
    running._dismiss()
    theirs.close()
