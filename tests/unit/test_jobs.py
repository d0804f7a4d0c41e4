"""What a worker says ends a job or does not; a job never stays open because nobody understood."""

from __future__ import annotations

from pathlib import Path

from eutonia.web.jobs import Jobs
from eutonia.web.store import Store


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
