"""Whole or not at all: kills, Ctrl-C, mount points, the folder under a shell, full and read-only places."""

from __future__ import annotations

import errno
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import xarray

from eutonia import _writing
from eutonia.engine.unfinished import held, opened
from eutonia.errors import EutoniaError
from eutonia.report import files

NAMES = ("page.html", "table.csv", "run.json")


def fill(draft: Path, text: str = "new") -> None:
    for name in NAMES[:-1]:
        (draft / name).write_text(text * 2000)
    (draft / NAMES[-1]).write_text(json.dumps({"program": "eutonia", "text": text}))


def is_whole(folder: Path, *, text: str | None = None) -> bool:
    said = json.loads((folder / NAMES[-1]).read_text())["text"]
    same = all((folder / name).read_text() == said * 2000 for name in NAMES[:-1])
    return same and (text is None or said == text)


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.fixture(params=["exchange", "two renames"])
def swap(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either way in which an older result is replaced."""
    if request.param == "two renames":
        monkeypatch.setattr(_writing, "_exchange", lambda draft, target: False)
    return str(request.param)


def test_a_result_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path, swap: str) -> None:
    target = tmp_path / "results" / "one"
    for text in ("old", "new"):
        _writing.write_folder(target, NAMES, lambda draft, text=text: fill(draft, text))
        assert is_whole(target, text=text)
    assert [path.name for path in tmp_path.rglob("*")].count("one") == 1
    assert not hidden(target.parent)


_LOOP = """
import json, sys
from eutonia import _writing
NAMES = ("page.html", "table.csv", "run.json")
def fill(draft, text):
    for name in NAMES[:-1]:
        (draft / name).write_text(text * 2000)
    (draft / NAMES[-1]).write_text(json.dumps({"program": "eutonia", "text": text}))
if sys.argv[2] == "two renames":
    _writing._exchange = lambda draft, target: False
print("ready", flush=True)
turn = 0
while True:
    turn += 1
    _writing.write_folder(sys.argv[1], NAMES, lambda draft: fill(draft, f"{turn} "))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no exchange, or no kill -9")
@pytest.mark.parametrize("way", ["exchange", "two renames"])
def test_a_kill_at_any_moment_leaves_a_whole_result_and_the_next_run_tidies_up(tmp_path: Path, way: str) -> None:
    """With two renames the name may be gone for a moment: then the next run brings the old result back."""
    target = tmp_path / "one"
    luck = random.Random(4)
    _writing.write_folder(target, NAMES, fill)
    words = [sys.executable, "-c", _LOOP, str(target), way]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    left = 0
    for _ in range(25):
        with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.005 + 0.05 * luck.random())
            process.kill()
        left += bool(hidden(tmp_path))
        if way == "exchange":
            assert is_whole(target)
        _writing.check_folder(target, NAMES)
        assert is_whole(target)
        assert not hidden(tmp_path)
    assert left > 5, "the kills never met a workshop: the test proves nothing"


def test_leftovers_of_the_living_stay(tmp_path: Path) -> None:
    """Two runs into one place at a time: the draft of the one is not tidied away by the other."""
    started, go_on = threading.Event(), threading.Event()

    def slow(draft: Path) -> None:
        started.set()
        assert go_on.wait(20)
        fill(draft, "slow")

    slow_run = threading.Thread(target=_writing.write_folder, args=(tmp_path / "slow", NAMES, slow))
    slow_run.start()
    assert started.wait(20)
    _writing.write_folder(tmp_path / "quick", NAMES, fill)
    go_on.set()
    slow_run.join()
    assert is_whole(tmp_path / "slow", text="slow")
    assert is_whole(tmp_path / "quick")
    assert not hidden(tmp_path)


@pytest.mark.parametrize("moment", ["fill", "swap"])
def test_ctrl_c_writes_nothing_or_all_and_says_which(
    tmp_path: Path, swap: str, moment: str, monkeypatch: pytest.MonkeyPatch, interruptible: None
) -> None:
    target = tmp_path / "one"
    _writing.write_folder(target, NAMES, lambda draft: fill(draft, "old"))
    _writing.written.clear()
    real = _writing._swap

    def interrupted(*given: Path) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        real(*given)

    def fill_and_stop(draft: Path) -> None:
        fill(draft)
        if moment == "fill":
            os.kill(os.getpid(), signal.SIGINT)

    if moment == "swap":
        monkeypatch.setattr(_writing, "_swap", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _writing.write_folder(target, NAMES, fill_and_stop)
    assert is_whole(target, text="old" if moment == "fill" else "new")
    assert _writing.written == ([] if moment == "fill" else [target])
    assert not hidden(tmp_path)


def test_the_folder_under_a_shell_stays_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "one"
    target.mkdir()
    monkeypatch.chdir(target)
    before = target.stat().st_ino
    for text in ("old", "new"):
        _writing.write_folder(".", NAMES, lambda draft, text=text: fill(draft, text))
        assert target.stat().st_ino == before
        assert is_whole(target, text=text)
    assert sorted(path.name for path in target.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("code", [errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EROFS])
def test_a_folder_whose_name_cannot_be_moved_is_written_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A mount point, as containers have: the kernel refuses to rename it, and often its parent may not be written."""
    target = tmp_path / "volume"
    target.mkdir()
    real = Path.rename

    def rename(path: Path, new: Path) -> Path:
        if path == target:
            raise OSError(code, os.strerror(code))
        return real(path, new)

    monkeypatch.setattr(Path, "rename", rename)
    before = target.stat().st_ino
    for text in ("old", "new"):
        assert _writing.check_folder(target, NAMES) == target
        _writing.write_folder(target, NAMES, lambda draft, text=text: fill(draft, text))
        assert is_whole(target, text=text)
    assert target.stat().st_ino == before
    assert sorted(path.name for path in target.iterdir()) == sorted(NAMES)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root may mount")
def test_a_real_mount_point_takes_a_result_and_a_full_one_says_so_at_once(tmp_path: Path) -> None:
    target = tmp_path / "volume"
    target.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", str(target)], check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        _writing.write_folder(target, NAMES, fill)
        assert is_whole(target)
        (target / "page.html").write_bytes(bytes(340_000))
        with pytest.raises(EutoniaError, match="No space left"):
            _writing.check_folder(target, NAMES)
        subprocess.run(["mount", "-o", "remount,ro", str(target)], check=True)
        with pytest.raises(EutoniaError, match="Read-only"):
            _writing.check_folder(target / "new", NAMES)
    finally:
        subprocess.run(["umount", str(target)], check=True)


def test_a_name_that_is_too_long_and_a_parent_that_is_a_file_are_found_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for wrong in (tmp_path / ("n" * 300), tmp_path / "file" / "one", Path("~nobody-of-that-name/x")):
        with pytest.raises(EutoniaError, match=r"Allowed|It needs"):
            _writing.check_folder(wrong, NAMES)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(EutoniaError):
        _writing.check_folder(loop, NAMES)
    assert {path.name for path in tmp_path.iterdir()} == {"file", "loop"}


def test_a_check_leaves_no_trace(tmp_path: Path) -> None:
    _writing.check_folder(tmp_path / "a" / "b" / "c", NAMES)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_while_a_file_is_written_leaves_what_was_there(tmp_path: Path) -> None:
    """HDF5 crashed the process here; Polars has exceptions of its own: all of them end as one error."""
    target = tmp_path / "one"
    _writing.write_folder(target, NAMES, lambda draft: fill(draft, "old"))
    noise = np.random.default_rng(1).normal(size=300_000)
    ways = {
        "csv": lambda draft: (draft / "t.csv").write_text("x" * 2_000_000),
        "parquet": lambda draft: pl.DataFrame({"x": noise}).write_parquet(draft / "t.parquet"),
        "nc": lambda draft: files.write_netcdf(draft / "t.nc", xarray.Dataset({"x": ("n", noise)})),
    }
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        for way in ways.values():
            with pytest.raises(EutoniaError, match="cannot be written"):
                _writing.write_folder(target, NAMES, way)
            assert is_whole(target, text="old")
            assert not hidden(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def test_a_result_that_cannot_take_its_name_is_kept_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "one"
    _writing.write_folder(target, NAMES, lambda draft: fill(draft, "old"))

    def refused(*_: object) -> bool:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(_writing, "_exchange", refused)
    with pytest.raises(EutoniaError, match="It lies in"):
        _writing.write_folder(target, NAMES, fill)
    kept = next(path for path in tmp_path.iterdir() if path != target)
    assert is_whole(kept, text="new")
    assert is_whole(target, text="old")


def test_single_files_are_whole_too(tmp_path: Path) -> None:
    file = tmp_path / "model.xml"
    _writing.write_file(file, lambda draft: draft.write_text("old"))
    with pytest.raises(EutoniaError, match="Is a directory"):
        _writing.write_file(file, lambda draft: draft.parent.write_text("never"))
    assert file.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model.xml"]
    with pytest.raises(EutoniaError, match="no ordinary file"):
        _writing.check_file("/dev/null")
    with pytest.raises(EutoniaError, match="no file in a folder that exists"):
        _writing.check_file(tmp_path / "nowhere" / "model.xml")
    assert [path.name for path in tmp_path.iterdir()] == ["model.xml"]


def test_a_pipe_that_the_caller_closed_is_not_told_as_trouble_with_the_folder(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), opened(tmp_path / "blocks", dict):
        raise BrokenPipeError(errno.EPIPE, "closed")


def test_what_a_block_is_is_read_of_its_file_once_and_a_plan_only_for_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan reads the whole program, and a run without a folder has no use for it."""
    with opened(None, lambda: pytest.fail("nobody asked for a plan")) as store:
        store.put((0, 0), {"x": np.arange(3.0)}, {"n": 3})
    with held(tmp_path / "kept") as folder, opened(folder, lambda: {"study": "x"}) as store:
        store.put((0, 0), {"x": np.arange(3.0)}, {"n": 3})
        looks, real = [], pl.read_parquet_metadata
        monkeypatch.setattr(pl, "read_parquet_metadata", lambda file: (looks.append(file), real(file))[1])
        assert [store.about((0, 0))["n"], *store.names((0, 0))] == [3, "x"]
        assert store.read((0, 0), ["x"])["x"].tolist() == [0.0, 1.0, 2.0]
        assert len(looks) == 1
        store.put((0, 0), {"y": np.arange(4.0)}, {"n": 4})
        assert [store.about((0, 0))["n"], *store.names((0, 0))] == [4, "y"]
