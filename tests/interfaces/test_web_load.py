"""What pages cost: no network of cells is loaded to name its severities, and a job tells how far it is now and then."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eutonia.web import worker

_ASKS = """
import sys, pathlib
from fastapi.testclient import TestClient
from eutonia.web import app, clinic, jobs
jobs.Jobs.start = jobs.Jobs.stop = lambda self: None
with TestClient(app.create_app(pathlib.Path(sys.argv[1])), base_url="http://localhost") as client:
    for path in ("/", "/story", "/clinic", "/trial", "/study", "/segment", "/fit", "/api"):
        assert client.get(path).status_code == 200, path
    assert client.post("/clinic/faults", data=clinic.START).json() == {}
print([name for name in ("eutonia.tone.segment.condition", "eutonia.api.segment") if name in sys.modules])
"""


def test_a_page_that_names_severities_loads_no_network(tmp_path: Path) -> None:
    """The first of fifty people at once would wait seconds for it, and the others behind them."""
    asked = [sys.executable, "-c", _ASKS, str(tmp_path / "web.sqlite")]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


@pytest.mark.parametrize(("between_s", "told"), [(0.0, 100), (3600.0, 1)])
def test_a_job_says_how_far_it_is_now_and_then(monkeypatch: pytest.MonkeyPatch, between_s: float, told: int) -> None:
    def answered(kind: str, request: Any, own: Any, progress: Any) -> list[Any]:
        for step in range(100):
            progress("looks", step / 100)
        return []

    assert 0.1 <= worker._BETWEEN_S <= 1.0, "a page that looks each second sees it move"
    monkeypatch.setattr(worker, "_BETWEEN_S", between_s)
    monkeypatch.setattr(worker, "answered", answered)
    ours, line = multiprocessing.Pipe()
    with ours, line:
        worker._answer(line, "run", {}, {})
        sent = []
        while ours.poll():
            sent.append(ours.recv())
    assert [message[0] for message in sent] == ["progress"] * told + ["done"]
