"""`eutonia export` as a user meets it: a list, a document on the screen or in a file, errors with exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from eutonia.exchange import Dosing, export, models


def test_the_list_names_every_model(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(models())


def test_the_screen_shows_the_document(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "oral_wuis_1985", "--format", "sbml", "--dose", "10 mg", "--every", "8 hour") == 0
    wanted = export("oral_wuis_1985", Dosing(dose="10 mg", every="8 hour"))
    assert capsys.readouterr().out.strip() == wanted.strip()


def test_a_file_is_written(tmp_path: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pump.xml"
    words = ("intrathecal", "--infusion", "100 ug/day", "--dose", "50 ug", "--access", "catheter", "--out", str(file))
    assert run("export", *words) == 0
    assert str(file) in capsys.readouterr().out.replace("\n", "")
    wanted = export("intrathecal", Dosing(infusion="100 ug/day", dose="50 ug", access="catheter"))
    assert file.read_text(encoding="utf-8") == wanted


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("oral_simon",), "Nearest: oral_simon_2018"),
        (("oral_simon_2018", "--dose", "10 ug"), "intrathecal route"),
        (("intrathecal", "--dose", "1 mg"), "oral route"),
        (("receptor", "--format", "nonmem"), 'no format "nonmem"'),
    ],
)
def test_an_error_ends_with_code_2_and_writes_nothing(
    words: tuple[str, ...],
    says: str,
    tmp_path: Path,
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("export", *words, "--out", str(tmp_path / "model.xml")) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("Error: ")
    assert says in shown.err
    assert shown.out == ""
    assert list(tmp_path.iterdir()) == []
