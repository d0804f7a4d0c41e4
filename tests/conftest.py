"""64-bit everywhere, a marker from each folder, and Hypothesis: the same examples every time, or new ones.

EUTONIA_EXPLORE=1 python -m pytest draws new examples: for whoever looks for trouble, not for whoever checks a change.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import pytest
import quick
import typed
from hypothesis import HealthCheck, settings
from jax._src import pjit
from jax._src.interpreters import mlir, pxla
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

from eutonia import session

# XLA's older way to code fused loops: it compiles in two thirds of the time (half, for mixed models), runs as fast, and
# gives the same numbers but for their last digits. One core a worker: a program that is compiled in pieces beside each
# other takes a tenth longer. Processes that a test starts have both too, so that bits can be equal. Plain code
# (level 0) would take a tenth off all tests, but in it the bits of a pool depend on how many people are in a block.
_QUICKER = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
if _QUICKER not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_QUICKER}".strip()
session.begin()
# A worker holds a million objects that stay; looking at them again and again took a seventh of the time.
gc.set_threshold(20_000)


def _shared(make: Callable[[], Any], times: int = 50) -> Callable[[], Any]:
    """Let each thread use what is made so many times before it makes another."""
    held = threading.local()

    def given() -> Any:
        left, one = getattr(held, "now", (0, None))
        held.now = left, one = (left - 1, one) if left else (times - 1, make())
        return one

    return given


# To make a context of MLIR takes longer, and more memory, than most programs that JAX writes in one: a third of their
# time. The name is JAX's own, which another version may not have.
if hasattr(mlir, "make_ir_context"):
    mlir.make_ir_context = _shared(mlir.make_ir_context)

settings.register_profile(
    "eutonia",
    deadline=None,
    max_examples=25,
    derandomize="EUTONIA_EXPLORE" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("eutonia")

#: The tests that `-m "not slow"` leaves out; `slow.py` makes the list.
_SLOW = frozenset(Path(__file__).with_name("slow.txt").read_text(encoding="utf-8").split())
# A worker that holds more bytes than the first forgets what its programs were compiled from, 1.3 MB each, which is not
# asked for again. One that still holds more than the second forgets the programs, which come again from the disk: one
# that held six gigabytes crashed in the compiler. Not again before it has grown by so much.
_MUCH_MEMORY, _MOST_MEMORY, _MORE_MEMORY = 9 * 2**27, 11 * 2**27, 2**27
_watched = _MUCH_MEMORY
#: Where JAX keeps what its programs were compiled from: names of its own, which another version may not have.
_LOWERED = ((pjit, "_pjit_lower"), (pxla, "_cached_lowering_to_hlo"))
#: The file that was tested last.
_file: Path | None = None
#: Where the files of a group stand in the list of all; the others stand between. What takes longest in one piece stands
#: at the ends, and in each group whatever has fewer slow tests stands nearer to the middle, where the workers meet.
_ENDS = {"manual": -3, "segment": -2, "fit": -1, "slow clock": 1, "headline": 2}
_FOLDERS = ("unit", "laws", "oracles", "papers", "interfaces", "baselines")


@pytest.fixture
def quick_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer draws of a fitted recording, from fewer places, of the same kind."""
    quick.fits(monkeypatch)


@pytest.fixture
def rough_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits of which nobody asks how near they come: a quarter of the time of quick ones."""
    quick.fits(monkeypatch, rough=True)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let Ctrl-C interrupt: a worker of pytest-xdist ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Check the types of every function again in each file of tests."""
    global _file
    if item.path != _file:
        typed.begin_again()
        _file = item.path


def pytest_collection_finish() -> None:
    """What is there before the first test stays, and nobody needs to look at it again."""
    quick.code()
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Give memory back before it runs out. What cannot be given back may stay."""
    global _watched
    if _resident() < _watched:
        return
    for home, name in _LOWERED:
        getattr(getattr(home, name, None), "cache_clear", int)()
    _trim()
    if _resident() > _MOST_MEMORY:
        jax.clear_caches()
        _trim()
    _watched = max(_MUCH_MEMORY, _resident() + _MORE_MEMORY)


def _trim() -> None:
    gc.collect()
    getattr(ctypes.CDLL(None), "malloc_trim", int)(0)


def _resident() -> int:
    """Return how many bytes of memory the process holds, where the system tells."""
    told = Path("/proc/self/statm")
    return int(told.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") if told.exists() else 0


class _FromBothEnds(LoadFileScheduling):
    """Whole files; the first worker takes them from one end of the list, every other from the other end.

    Files that compile alike programs stand beside each other, so that one worker compiles them. (The groups of
    pytest-xdist 3.8 do nothing under pytest 9.2: each worker compiled everything, and made each fixture of a file.)
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        if node is not self.nodes[0]:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Hand out files from both ends, unless another way is asked for."""
    return _FromBothEnds(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put alike files beside each other; mark every test by the folder that it lies in, and those that take long."""
    ends = {item.path: _ENDS[mark.args[0]] for item in items if (mark := item.get_closest_marker("xdist_group"))}
    slow = Counter(name.partition("::")[0] for name in _SLOW)

    def place(item: pytest.Item) -> tuple[int, int]:
        end, many = ends.get(item.path, 0), slow[item.nodeid.partition("::")[0]]
        return end, many if end > 0 else -many

    items.sort(key=place)
    for item in items:
        if item.nodeid.partition("[")[0] in _SLOW:
            item.add_marker(pytest.mark.slow)
        for folder in _FOLDERS:
            if folder in Path(str(item.fspath)).parts:
                item.add_marker(getattr(pytest.mark, folder))
