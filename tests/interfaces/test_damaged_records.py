"""`eutonia cite` on a record that is no longer whole, and places that are nowhere: words and code 2, no traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

DAMAGED = {
    "cut": b'{"program": "eutonia", "sources": [{"key": "Kro',
    "empty": b"",
    "a list": b"[]",
    "a number": b"12",
    "no sources": b'{"program": "eutonia"}',
    "sources are numbers": b'{"sources": [1, 2]}',
    "sources are a text": b'{"sources": "Kroin_1993"}',
    "a key is a number": b'{"sources": [{"key": 5}]}',
    "bibtex is a list": b'{"sources": [{"key": "Kroin_1993", "bibtex": []}]}',
    "no text": b"\xff\xfe\x00",
    "brackets without end": b"[" * 200_000,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_record_is_told(
    content: bytes, folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "old").mkdir()
    (folder / "old" / "run.json").write_bytes(content)
    assert run("cite", "old") == 2
    said = capsys.readouterr().err
    assert "run.json" in said
    assert "is damaged" in said
    assert "run the study again" in said


@pytest.mark.parametrize(
    "words",
    [
        ("cite", "~nosuchuser/x"),
        ("cite", "loop"),
        ("fit-stretch", "~nosuchuser/x.csv", "--test", "pendulum"),
        ("fit-stretch", "loop", "--test", "pendulum"),
        ("exposure", "~nosuchuser/x.csv"),
        ("exposure", "loop"),
        ("check", "loop"),
        ("pump", "loop"),
        ("pump", "careless", "--quiet", "--out", "~nosuchuser/x"),
        ("pump", "careless", "--quiet", "--out", "loop/x"),
        ("export", "receptor", "--out", "~nosuchuser/x.xml"),
        ("export", "receptor", "--out", "loop"),
    ],
)
def test_a_place_that_is_nowhere_is_told(
    words: tuple[str, ...], folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "loop").symlink_to("pool")
    (folder / "pool").symlink_to("loop")
    assert run(*words) == 2
    assert "Error" in capsys.readouterr().err
    assert sorted(path.name for path in folder.iterdir()) == ["loop", "pool"]
