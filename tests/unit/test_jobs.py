"""What a worker says ends a job or does not; a job never stays open because nobody understood."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from pathlib import Path

import pytest

from eutonia.web.jobs import Jobs
from eutonia.web.store import Store
from eutonia.web.temporary import own_folder


def test_a_worker_whose_words_nobody_knows_has_failed(tmp_path: Path) -> None:
    store = Store(tmp_path / "jobs.sqlite")
    store.ask("run", {"study": "meythaler_2001"}, "1")
    job = store.take()
    assert job is not None
    jobs = Jobs(store)
    assert not jobs._heard(job, ("progress", "Runs", 0.5))
    assert not jobs._heard(job, ("progress", "Runs", 1))
    assert store.job(job.id).share == 1.0  # type: ignore[union-attr]
    assert jobs._heard(job, ("half", "done", "already"))
    ended = store.job(job.id)
    assert ended is not None
    assert ended.state == "failed"
    assert "already" in ended.told


@pytest.mark.parametrize(("longest_s", "comes"), [(60.0, True), (0.0, False)])
def test_no_job_waits_for_the_warm_up_and_one_that_hangs_ends(tmp_path: Path, longest_s: float, comes: bool) -> None:
    jobs = Jobs(Store(tmp_path / "jobs.sqlite"), longest_s)
    jobs._line, theirs = multiprocessing.Pipe()
    jobs._process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,), daemon=True)
    jobs._process.start()
    if comes:
        jobs.wake()
    warming = threading.Thread(target=jobs._warm, daemon=True)
    warming.start()
    warming.join(5.0)
    still, hired = warming.is_alive(), jobs._process
    jobs.stop()
    warming.join(5.0)
    theirs.close()
    assert not still
    assert hired is None


def test_what_a_killed_server_left_goes_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of a server that runs, or has just begun, stays."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("eutonia-web-killed", "eutonia-web-new", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half.bin").write_bytes(b"x")
    with own_folder() as mine:
        for name in ("eutonia-web-killed", "other", mine):
            os.utime(tmp_path / name, (0.0, 0.0))
        jobs = Jobs(Store(tmp_path / "web.sqlite"))
        jobs.start()
        jobs.stop()
        left = {one.name for one in tmp_path.iterdir() if one.is_dir()}
        assert left == {Path(mine).name, "eutonia-web-new", "other"}
    assert not Path(mine).exists()
