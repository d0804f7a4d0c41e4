"""Blocks on any executor and in any folder, without science: kills, damage, full disks, schedulers that go away."""

from __future__ import annotations

import gc
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import ContextVar, copy_context
from functools import partial
from pathlib import Path
from typing import Any

import distributed
import engine_examples
import numpy as np
import pytest
from engine_examples import BLOCKS, fill, only_the_first, wait_for

from eutonia.engine.execute import apart, each, processes, rehearsed, scheduled, uncollected, while_needed
from eutonia.engine.scheduler import workers_at
from eutonia.engine.store import FolderStore, MemoryStore, Recent
from eutonia.engine.unfinished import held
from eutonia.engine.unpacked import Unpacked
from eutonia.errors import EutoniaError, SimulationError

KILLS = 3


def _passes(_: str) -> None:
    """Let every worker pass."""


def local(n_workers: int) -> distributed.LocalCluster:
    """Return workers in this process, which cost next to nothing."""
    return distributed.LocalCluster(n_workers=n_workers, threads_per_worker=1, processes=False, dashboard_address=":0")


def test_a_run_killed_at_random_moments_goes_on_until_it_has_the_same_files(tmp_path: Path) -> None:
    fill(tmp_path / "whole", 0.0)
    here, luck = tmp_path / "killed", random.Random(11)
    command = [sys.executable, engine_examples.__file__, str(here), "0.02"]
    seen: list[set[str]] = []
    while len(seen) < KILLS:
        running = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        before = len(list(here.glob("block-*")))
        until = time.monotonic() + 60
        while len(list(here.glob("block-*"))) == before and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(luck.uniform(0.0, 0.1))
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
        seen.append({one.name for one in here.glob("block-*")})
    assert all(one < other for one, other in itertools.pairwise(seen)), "what is whole is not computed again"
    assert 0 < len(seen[-1]) < BLOCKS
    (here / "draft-0123").write_bytes(b"half")
    fill(here, 0.0)
    names = [{one.name for one in folder.iterdir()} for folder in (tmp_path / "whole", here)]
    assert names[0] == names[1]
    assert all(one.read_bytes() == (here / one.name).read_bytes() for one in (tmp_path / "whole").iterdir())


def test_every_store_gives_back_what_was_kept_and_some_rows_of_it(tmp_path: Path) -> None:
    blocks = {
        (stage, number): {
            "dose": np.arange(4.0 * n).reshape(4, n) + stage,
            "there": np.arange(n) % 2 == 0,
            "grade": np.arange(n, dtype=np.int8),
        }
        for stage, number, n in ((0, 0, 3), (0, 1, 2), (1, 0, 3))
    }
    memory, folder = MemoryStore(), FolderStore(tmp_path)
    for key, arrays in blocks.items():
        memory.put(key, arrays, {"stage": key[0]})
        folder.put(key, arrays, {"stage": key[0]})
    unpacked = Unpacked(folder)
    for store, (key, arrays) in itertools.product((memory, folder, unpacked), reversed(blocks.items())):
        assert store.names(key) == tuple(arrays)
        assert store.about(key) == {"stage": key[0]}
        for name, found in store.read(key, reversed(arrays)).items():
            np.testing.assert_array_equal(found, arrays[name], strict=True)
        np.testing.assert_array_equal(store.read(key, ["dose"], [2, 0])["dose"], arrays["dose"][[2, 0]])


def test_unpacked_blocks_are_read_from_their_files_once_and_leave_none(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put((0, 0), {"dose": np.arange(3.0)}, {})
    unpacked = Unpacked(store)
    unpacked.read((0, 0), ["dose"])
    (file,) = tmp_path.iterdir()
    file.unlink()
    np.testing.assert_array_equal(unpacked.read((0, 0), ["dose"])["dose"], np.arange(3.0))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_rows_that_do_not_fit_onto_the_disk_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderStore(tmp_path)
    store.put((0, 0), {"dose": np.arange(1e5)}, {})
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Path("/dev/full").open("r+b", buffering=0))  # noqa: SIM115
    with pytest.raises(EutoniaError, match=r"No space left on device.*choose another place"):
        Unpacked(store).read((0, 0), ["dose"])


def test_the_collector_passes_over_what_is_there_only_while_blocks_are_done() -> None:
    gc.unfreeze()
    with uncollected():
        with uncollected():  # another run of this process
            pass
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0
    gc.freeze()  # as `conftest` has it


def test_courses_go_on_side_by_side_each_stage_after_the_last_with_numbers_of_their_own() -> None:
    number: ContextVar[int] = ContextVar("number", default=0)
    seen: list[tuple[int, int]] = []
    both_begun = threading.Barrier(2)

    def look(stage: int) -> int:
        if stage == 0:
            both_begun.wait(30)  # alone, a course would wait in vain
        seen.append((number.get(), stage))
        return stage

    with ThreadPoolExecutor(2) as pool:

        def course(own: int) -> Any:
            token = number.set(own)
            for stage, pieces in enumerate((1, 0, 3)):
                assert sum(one == own for one, _ in seen) == (1 if stage else 0)
                yield [lambda stage=stage: pool.submit(copy_context().run, look, stage)] * pieces
            number.reset(token)

        found = list(each((apart(course(own)) for own in (1, 2)), 1))
    assert sorted(found) == [0, 0, *[2] * 6]
    assert sorted(seen) == [(own, stage) for own in (1, 2) for stage in (0, 2, 2, 2)]
    assert number.get() == 0


def test_courses_end_in_their_own_context_when_a_block_fails() -> None:
    """Python's collector ended them in another, so that a traceback followed the error of a folder that was gone."""
    number: ContextVar[int] = ContextVar("number", default=0)
    ended: list[int] = []

    def course(own: int) -> Any:
        token = number.set(own)
        try:
            yield [lambda: pool.submit(int, "no number")] * 2
        finally:
            number.reset(token)
            ended.append(own)

    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="no number") as failed:
        list(each((apart(course(own)) for own in (1, 2)), 2))
    assert sorted(ended) == [1, 2], f"whoever holds {failed} holds the courses, too"


def test_processes_of_one_run_are_gone_when_its_blocks_are_done() -> None:
    begun = processes(1, once=True)  # none has begun yet: each does so with the first piece of work
    with while_needed(begun):
        pass
    with pytest.raises(RuntimeError, match="after shutdown"):
        begun.submit(abs, -1)


def test_processes_of_one_run_rehearse_and_one_core_is_left_to_who_asks(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with processes(2, once=True) as begun:
        rehearsed(begun, lambda: partial(wait_for, gate))
        assert _soon(gate.exists)
        assert len(begun._processes) == 1
        gate.unlink()
        assert _soon(lambda: len(begun._processes) == 2)
        assert _soon(gate.exists)
        gate.unlink()
    with ThreadPoolExecutor(1) as threads:
        rehearsed(threads, lambda: gate.touch)
    assert not gate.exists()


def _soon(done: Callable[[], bool]) -> bool:
    until = time.monotonic() + 30.0
    while not done() and time.monotonic() < until:
        time.sleep(0.01)
    return done()


def test_two_runs_do_not_hold_one_folder(tmp_path: Path) -> None:
    with held(tmp_path / "one"), pytest.raises(SimulationError, match="another run keeps its blocks"):
        fill(tmp_path / "one", 0.0)


def test_a_scheduler_that_goes_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = tmp_path / "begun"
    monkeypatch.setitem(distributed.config["distributed"]["comm"]["timeouts"], "connect", "100ms")

    def close() -> None:
        while not begun.exists():
            time.sleep(0.01)
        cluster.sync(cluster.scheduler.close)

    cluster = local(1)
    with workers_at(cluster.scheduler_address, _passes, patience=1.0) as executor:
        pieces = [partial(executor.submit, wait_for, marker) for marker in (begun, tmp_path / "later")]
        thread = threading.Thread(target=close)
        thread.start()
        try:
            with pytest.raises(
                SimulationError, match=r"a worker ended, or its scheduler,.*Nearest.*go on with --resume"
            ):
                list(each([iter([pieces])], 1))
        finally:
            thread.join()
            begun.unlink()
            cluster.close()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "tcp://127.0.0.1:port"])
def test_a_scheduler_that_never_was_is_told(address: str) -> None:
    with (
        pytest.raises(SimulationError, match=rf'no Dask scheduler answers at "{address}".*Allowed.*--workers'),
        workers_at(address, _passes, patience=0.2),
    ):
        pass


def test_a_worker_that_would_give_other_bits_is_told_at_once() -> None:
    def refused(who: str) -> None:
        raise SimulationError(f"{who} would give other bits")

    with local(1) as cluster:
        with (
            pytest.raises(SimulationError, match=r"the worker at inproc:.* would give other bits"),
            workers_at(cluster.scheduler_address, refused),
        ):
            pass
        assert not _closed(cluster), "it may be at work for other people"


def test_two_runs_at_one_scheduler_leave_each_other_alone() -> None:
    with local(1) as cluster, ExitStack() as later:
        with workers_at(cluster.scheduler_address, _passes):
            executor = later.enter_context(workers_at(cluster.scheduler_address, _passes))
        assert executor.submit(abs, -3).result(30) == 3


def test_blocks_that_are_gone_are_told_with_their_folder(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put((0, 0), {"dose": np.arange(3.0)}, {})
    assert store.names((0, 0)) == ("dose",)
    for file in tmp_path.glob("block-*"):
        file.unlink()
    with pytest.raises(SimulationError, match=r"blocks of the run are gone from .* Run it again"):
        store.read((0, 0), ["dose"])


def test_a_worker_that_joins_late_and_would_give_other_bits_gets_no_work(tmp_path: Path) -> None:
    with (
        local(1) as cluster,
        workers_at(cluster.scheduler_address, partial(only_the_first, tmp_path / "first")) as executor,
    ):
        cluster.scale(2)
        until = time.monotonic() + 30
        while not _closed(cluster) and time.monotonic() < until:
            time.sleep(0.02)
        assert _closed(cluster), "who joins late is looked at, too"
        assert executor.submit(abs, -3).result(30) == 3


def _closed(cluster: distributed.LocalCluster) -> list[Any]:
    return [one for one in cluster.workers.values() if one.status == distributed.Status.closed]


def test_without_dask_or_without_workers_a_scheduler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = local(0)
    with (
        bare,
        pytest.raises(SimulationError, match=r"has no worker.*dask worker"),
        workers_at(bare.scheduler_address, _passes, patience=0.2),
    ):
        pass
    monkeypatch.setitem(sys.modules, "eutonia.engine.scheduler", None)
    with pytest.raises(SimulationError, match=r"--workers N.*pip install .eutonia\[dask\]"):
        scheduled("tcp://127.0.0.1:8786", _passes)


def test_what_was_asked_for_last_is_kept_as_far_as_there_is_room() -> None:
    made = Counter[str]()

    def make(name: str, size: float) -> tuple[str, float]:
        made[name] += 1
        return name, size

    recent = Recent(1e8)
    for name, size in [("score", 4e7), ("people", 4e7)] * 3 + [("larger than all", 1e9)] * 2 + [("score", 4e7)]:
        assert recent.get(name, partial(make, name, size)) == name
    assert made == {"score": 2, "people": 1, "larger than all": 1}
