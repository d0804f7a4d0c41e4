"""Spoiled files, texts and forms: a short piece of the session that sends ten thousand (`nox -s hostile`)."""

from __future__ import annotations

from pathlib import Path

import fuzz_uploads
import pytest


def test_nothing_that_is_hostile_breaks_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eutonia.web.app.Jobs", fuzz_uploads.NoJobs)
    monkeypatch.setattr(fuzz_uploads, "_BOMB_MB", 20)
    fuzz_uploads.bombs.cache_clear()
    found = fuzz_uploads.send(tmp_path / "web.sqlite", 2 * len(fuzz_uploads.ASKS), 3, watches=False)
    assert len({path for path, _ in found}) == len(fuzz_uploads.ASKS)
    assert {status for _, status in found} <= {200, 201, 202, 303, 400, 413, 422}
