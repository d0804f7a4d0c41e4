"""How commands end that cannot go on: exit code 2, one error with what to do, no traceback."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer

from eutonia import cli, session
from eutonia.cli import ends, pump
from eutonia.engine.unfinished import held

EUTONIA = [sys.executable, "-m", "eutonia"]


def called(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*EUTONIA, *words],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("asked", ["cuda", "tpu", "nonsense"])
def test_a_device_that_is_not_there(asked: str, tmp_path: Path) -> None:
    done = called("run", "case_ischaemic_tablets", "--out", str(tmp_path / "x"), JAX_PLATFORMS=asked)
    assert done.returncode == 2
    assert f'JAX_PLATFORMS is "{asked}"' in done.stderr
    assert "JAX_PLATFORMS=cpu" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("flags", ["garbage", "--garbage=1"])
def test_flags_on_which_xla_ends_the_process(flags: str) -> None:
    done = called("segment", "--protocol", "rest", XLA_FLAGS=flags)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    for words in (f'XLA_FLAGS is "{flags}"', "Allowed", "Nearest", "Remove that variable"):
        assert words in done.stderr


def test_flags_are_tried_once_for_all_processes_that_are_started(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def run(words: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        tried.append(words)
        return subprocess.CompletedProcess(words, 0, "", "")

    monkeypatch.setattr(session.subprocess, "run", run)
    monkeypatch.setenv(session._TRIED, "")
    for flags in ("--one=1", "--one=1", "--one=1 --two=2"):
        monkeypatch.setenv("XLA_FLAGS", flags)
        session._try_flags()
    assert len(tried) == 2


def test_why_jax_does_not_start_is_told_in_the_same_words_wherever_it_comes_up() -> None:
    late = RuntimeError("Unable to initialize backend 'cuda': no such thing\nmore")
    assert ends.of(late) == (2, str(session.cannot_start(late)))
    unreadable = ValueError("Invalid value 'x' for environment variable JAX_ENABLE_X64")
    assert ends.of(unreadable) == (2, str(session.cannot_start(unreadable)))
    assert session.cannot_start(ValueError("math domain error")) is None


def test_an_environment_that_jax_cannot_read() -> None:
    done = called("segment", "--protocol", "rest", JAX_ENABLE_X64="perhaps")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "JAX_ENABLE_X64" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "kofler_2009", "--seed", "9" * 30), "4,294,967,295"),
        (("fit-stretch", "examples/pendulum_simulated.csv", "--test", "pendulum", "--seed", "9" * 30), "4294967295"),
        (("segment", "--seed", "9" * 30), "4294967295"),
        (("exposure", "none.csv", "--seed", "9" * 30), "4294967295"),
    ],
)
def test_a_huge_seed_is_refused_by_every_command_that_takes_one(
    words: tuple[str, ...], said: str, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert said in told


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (MemoryError(), 2, "--dry-run"),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 470 GiB"), 2, "fewer people at a time"),
        (OSError(28, "No space left on device", "/full/x"), 2, '"/full/x": No space left'),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), 2, "UTF-8"),
        (IndexError("list index out of range"), 1, "a fault of the program"),
    ],
)
def test_whatever_reaches_the_end_of_a_command_becomes_words(
    error: Exception, code: int, said: str, run: Callable[..., int], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def failing(_: str) -> None:
        raise error

    monkeypatch.setattr("eutonia.api.pump.load_therapy", failing)
    assert run("pump", "first_pump") == code
    shown = capsys.readouterr()
    assert said in shown.err
    assert "Traceback" not in shown.err
    assert pump.__name__ in sys.modules
    monkeypatch.setenv(ends.TRACEBACK, "1")
    assert ("Traceback" in ends.of(error)[1]) == (code == ends.OUR_FAULT)


@pytest.mark.parametrize(
    ("number", "is_heard", "code"),
    [(signal.SIGINT, True, 130), (signal.SIGTERM, True, 143), (signal.SIGTERM, False, 143)],
)
def test_ctrl_c_and_whoever_asks_it_to_end_are_told_what_was_written(
    number: signal.Signals, is_heard: bool, code: int, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], interruptible: None,
) -> None:  # fmt: skip
    if not is_heard:  # as a shell begins what it does not wait for
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    before = signal.getsignal(signal.SIGTERM)
    app = typer.Typer()

    @app.command()
    def stop(written: bool = False) -> None:
        if written:
            ends._writing.written.append(Path("results/one"))
        os.kill(os.getpid(), number)

    monkeypatch.setattr("eutonia.cli.app.app", app)
    for words, said in ((["eutonia"], "Nothing was written"), (["eutonia", "--written"], "Written: results/one")):
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == code
        assert said in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) == before


def test_ctrl_c_in_a_trial_says_that_its_blocks_are_kept(tmp_path: Path) -> None:
    def stop(name: str, blocks: int) -> str:
        ends.begin()
        with contextlib.suppress(KeyboardInterrupt), held(tmp_path / name) as store:
            for number in range(blocks):
                store.put((0, number), {"score": np.arange(3.0)}, {})
            raise KeyboardInterrupt
        return ends.stopped()

    told = stop("one.unfinished", 1)
    assert str(tmp_path / "one.unfinished") in told
    assert "--resume goes on" in told
    assert "Nothing was written" not in told
    assert stop("two.unfinished", 0) == "Stopped. Nothing was written."
    assert [one.name for one in tmp_path.iterdir()] == ["one.unfinished"]


def test_a_pipe_that_is_closed_and_a_screen_without_letters() -> None:
    piped = subprocess.run(
        f'"{sys.executable}" -m eutonia schema | head -1',
        shell=True, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert (piped.stdout, piped.stderr) == ("{\n", "")
    plain = called("parameters", "receptor", PYTHONIOENCODING="ascii")
    assert (plain.returncode, plain.stderr) == (0, "")
