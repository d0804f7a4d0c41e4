"""What a run needs is known before it is begun: what cannot be is refused at once, with advice that holds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

import eutonia
from eutonia.cli import workshop
from eutonia.engine.unfinished import held
from eutonia.errors import SimulationError
from eutonia.trial import cost as costs

Run = Callable[..., int]


def case(folder: Path, every: str) -> Path:
    text = eutonia.shipped()["case_haemorrhage_pump"].read_text(encoding="utf-8")
    file = folder / "case.toml"
    file.write_text(re.sub(r'examine_every = "[^"]*"', f'examine_every = "{every}"', text), encoding="utf-8")
    return file


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_case_that_no_machine_could_hold_is_refused_by_check_too(
    command: str, run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(costs, "machine_memory", lambda: 16e9)
    assert run(command, str(case(folder, "1 min"))) == 2
    said = capsys.readouterr().err
    assert "this machine has 16 GB" in said
    advised = re.search(r"examine_every of ([\d.]+) hour", said)
    assert advised is not None
    assert run("check", str(case(folder, f"{1.05 * float(advised[1]):.3f} hour"))) == 0
    assert run("check", str(case(folder, "1 ms"))) == 2
    assert not (folder / "results").exists()


def test_too_many_people_are_refused_before_a_folder_is_made(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(costs, "machine_memory", lambda: 16e9)
    many = ("run", "kofler_2009", "--patients", "1000", "--replicates", "1000000")
    assert run(*many) == 2
    said = capsys.readouterr().err
    advised = re.search(r"--replicates (\d+)\. Lower", said)
    assert advised is not None
    assert run(*many[:-1], advised[1], "--dry-run") == 0
    assert "Nothing was run" in capsys.readouterr().out
    assert run(*many[:-1], str(2 * int(advised[1])), "--dry-run") == 2
    monkeypatch.setattr(costs, "machine_memory", lambda: float("inf"))
    study = eutonia.load_study("kofler_2009").override(n=10_000)
    with pytest.raises(SimulationError, match="more than there are identities"):
        eutonia.run(study, replicates=1_000_000)
    assert not (folder / "results").exists()


def test_a_disk_that_the_result_would_fill_is_refused_before_the_run(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    free = costs.cost(eutonia.load_study("meythaler_2001"), 500).disk
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0.9 * free))
    assert run("run", "meythaler_2001", "--replicates", "500") == 2
    said = capsys.readouterr().err
    assert f"takes about {free / 1e6:,.0f} MB, and {0.9 * free / 1e6:,.0f} MB are free" in said
    assert "fewer --replicates" in said
    assert not (folder / "results").exists()
    assert run("run", "meythaler_2001", "--replicates", "400", "--dry-run") == 0
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1.0))
    assert run("run", "case_own_signal") == 2
    assert "Nearest: a longer examine_every" in capsys.readouterr().err, "a case has no replicate trials"


def test_a_second_run_into_one_folder_is_refused(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with held(folder / "out.unfinished"):
        assert run("run", "meythaler_2001", "--replicates", "1", "--out", "out") == 2
    assert "another run keeps its blocks" in capsys.readouterr().err
    assert not list(folder.iterdir())


@pytest.mark.parametrize("what", ["replicates", "block", "workers"])
@pytest.mark.parametrize("given", [0, -3, True])
def test_what_counts_nothing_is_refused_by_its_name(what: str, given: int) -> None:
    """Nought replicates ended as a fault of range()."""
    with pytest.raises(SimulationError, match=f"{what} is .*a whole number from 1 on"):
        eutonia.run(eutonia.load_study("loubser_1991"), **{"replicates": 2, what: given})


def test_a_block_that_is_too_wide_is_the_cause_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "machine_memory", lambda: 12e9)
    study = eutonia.load_study("kofler_2009").override(n=1000)
    with pytest.raises(SimulationError, match="--block 1024"):
        costs.affordable(study, 300, 10**6, 2)


def test_check_and_dry_run_say_what_a_run_needs(run: Run, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "meythaler_2001") == 0
    assert "10,500 people in all" in capsys.readouterr().out
    assert run("run", "kofler_2009", "--replicates", "10", "--dry-run") == 0
    assert "80 people in all, 8 visits each" in capsys.readouterr().out
    assert run("run", "toxin_arm", "--replicates", "1", "--dry-run") == 0
    assert "6 visits each (18 computed, of every arm)" in capsys.readouterr().out
    assert not list(folder.iterdir())
    (folder / "results").write_text("a file where the folder should be")
    assert run("run", "kofler_2009", "--dry-run") == 2


def test_a_long_run_takes_a_process_a_core_and_a_short_one_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "machine_memory", lambda: 64e9)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    for people, workers, is_apart in ((10**6, None, True), (100, None, False), (100, 2, True), (10**6, 1, False)):
        study = eutonia.load_study("meythaler_2001").override(n=people)
        needs = costs.cost(study, 1, 4096, workers or 2)
        with ExitStack() as stack:
            where = workshop.opened(stack, study, tmp_path / "out", workers, None, anew=True, needs=needs)
            assert isinstance(where["executor"], ProcessPoolExecutor) == is_apart
    monkeypatch.setattr(costs, "machine_memory", lambda: 1e9)
    assert not costs.cost(study, 1, 64, 2).wants_processes, "each has the program in memory for itself"


@pytest.mark.parametrize(
    ("people", "measured"), [(2_000, 1.03e9), (20_000, 1.17e9), (240_000, 1.38e9), (1_000_000, 2.08e9)]
)
def test_the_memory_of_a_large_trial_is_told_as_measured(
    people: int, measured: float, run: Run, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Peaks of `eutonia run` of this study with its report, as benchmarks/trial.py counts them: its blocks are on disk,
    and an estimate that holds them in memory tells 6.2 GB for a million people.
    """
    assert run("run", "meythaler_2001", "--patients", str(people), "--replicates", "1", "--dry-run") == 0
    told = re.search(r"about ([\d.]+) (MB|GB) of memory", capsys.readouterr().out)
    assert told is not None
    assert float(told[1]) * {"MB": 1e6, "GB": 1e9}[told[2]] == pytest.approx(
        measured, rel=0.15 if people < 1_000_000 else 0.07
    )


def test_a_draw_of_numbers_is_told_as_blocks_of_its_own() -> None:
    drawn, held = (
        costs.cost(eutonia.load_study("meythaler_2001").override(parameters=numbers), 500).seconds
        for numbers in ("posterior", "frozen")
    )
    assert 1.3 < drawn / held < 3.0


_MEASURED = """
import sys
import eutonia
from eutonia.trial.cost import cost
study = eutonia.load_study(sys.argv[1])
before = cost(study)
eutonia.run(study)
# The peak of this program alone: what getrusage tells begins with that of the process that started it.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(before.memory, 1024 * int(peak.split()[1]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux")
@pytest.mark.xdist_group("slow clock")
def test_the_memory_of_a_long_case_is_told_within_a_factor_of_two(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(case(tmp_path, "12 hour"))],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    told, measured = map(float, done.stdout.split())
    assert 0.5 < told / measured < 2.0
