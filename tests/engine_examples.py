"""Work for engines that other processes can import: blocks without any science, and workers that are killed."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from eutonia.engine.unfinished import held
from eutonia.errors import SimulationError

BLOCKS = 40


def killed_once(marker: Path, act: Callable[..., Any], *given: Any) -> Any:
    """Do a piece of work; the first process that begins one is killed before it is done."""
    try:
        marker.touch(exist_ok=False)
    except FileExistsError:
        return act(*given)
    os.kill(os.getpid(), signal.SIGKILL)
    return None


def wait_for(marker: Path) -> None:
    """Say that work has begun, and go on until the marker is gone."""
    marker.touch()
    while marker.exists():
        time.sleep(0.01)


def only_the_first(first: Path, who: str) -> None:
    """Let one worker pass and refuse all others."""
    if first.exists() and first.read_text() != who:
        raise SimulationError(f"{who} would give other bits")
    first.write_text(who)


def fill(folder: Path, pause_s: float) -> None:
    """Compute the blocks that are not there yet, one after the other."""
    with held(folder) as store:
        for number in range(BLOCKS):
            if not store.has((0, number)):
                draws = np.random.default_rng(number).normal(size=(3, 256))
                store.put((0, number), {"score": draws, "present": draws[0] > 0}, {"number": number})
                time.sleep(pause_s)


if __name__ == "__main__":
    fill(Path(sys.argv[1]), float(sys.argv[2]))
