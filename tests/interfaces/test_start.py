"""What a newcomer does first: look at what ships, copy it, and ask whether this machine is ready."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import eutonia
from eutonia.exchange import copies, ready
from eutonia.study import pump_file

Run = Callable[..., int]
Capture = pytest.CaptureFixture[str]


def test_what_ships_is_shown_as_it_is(run: Run, capsys: Capture) -> None:
    for name, path in (eutonia.shipped() | pump_file.shipped()).items():
        assert run("show", name) == 0
        assert capsys.readouterr().out == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", list(copies.STARTS))
def test_a_copy_is_valid_and_bears_the_name_of_its_file(run: Run, folder: Path, capsys: Capture, kind: str) -> None:
    assert run("new", kind, "mine.toml") == 0
    command = re.search(r"eutonia (run|pump) (\S+)", capsys.readouterr().out)
    assert command is not None
    assert run("check", command[2]) == 0
    assert "mine: valid" in capsys.readouterr().out
    mine, theirs = Path("mine.toml").read_text(encoding="utf-8"), copies.text_of(copies.STARTS[kind])
    changed = [(a, b) for a, b in zip(mine.splitlines(), theirs.splitlines(), strict=True) if a != b]
    assert changed == [('name = "mine"', f'name = "{copies.STARTS[kind]}"')]


@pytest.mark.parametrize("name", [*eutonia.shipped(), *pump_file.shipped()])
def test_whatever_ships_can_be_copied(folder: Path, name: str) -> None:
    kind = copies.kind_of_text(copies.text_of(name), name)
    assert (kind == "pump") == (name in pump_file.shipped())
    written = copies.begin(kind, "copy", like=name)
    assert written.name == "copy.toml"
    assert written.read_text(encoding="utf-8").count('name = "copy"') == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "first_pum"), ("first_pum", "Nearest: first_pump", "Allowed: ")),
        (("new", "trail", "x.toml"), ("trail", "Nearest: trial", "Allowed: case, pump, trial")),
        (("new", "case", "x.toml", "--like", "first_pump"), ("is a pump, not a case", "Nearest: eutonia new pump")),
        (("new", "case", "x.toml", "--like", "kofler"), ("kofler", "Nearest: kofler_2009")),
        (("new", "case", "there.toml"), ("there.toml", "exists", 'Nearest: "', "there_2.toml")),
        (("new", "case", "a b.toml"), ("a b", "Allowed: letters", '"a_b"')),
        (("new", "case", "no/folder/x.toml"), ("no/folder", "Allowed: ")),
    ],
)
def test_what_cannot_be_begun_is_refused_and_nothing_is_written(
    run: Run, folder: Path, capsys: Capture, words: tuple[str, ...], said: tuple[str, ...]
) -> None:
    Path("there.toml").write_text("mine", encoding="utf-8")
    assert run(*words) == 2
    told = " ".join(capsys.readouterr().err.split())
    for one in said:
        assert one in told
    assert [path.name for path in folder.iterdir()] == ["there.toml"]
    assert Path("there.toml").read_text(encoding="utf-8") == "mine"


def test_the_doctor_finds_this_machine_ready(run: Run, folder: Path, capsys: Capture) -> None:
    assert run("doctor") == 0
    said = capsys.readouterr().out
    assert all(line.startswith("ok ") for line in said.splitlines())
    for one in ("64-bit", "jax ", f"{len(eutonia.shipped())} studies", str(folder)):
        assert one in said


def test_the_doctor_says_what_is_wrong_and_goes_on(
    run: Run, folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eutonia.trial.cost.machine_memory", lambda: 1e9)
    monkeypatch.setattr("eutonia.session.compiled_folder", lambda: None)
    assert run("doctor") == 1
    bad = [line for line in capsys.readouterr().out.splitlines() if line.startswith("BAD")]
    assert [line.split()[1] for line in bad] == ["memory", "compiled"]
    assert "XDG_CACHE_HOME" in bad[1]
    assert len(ready.checks()) == 9
