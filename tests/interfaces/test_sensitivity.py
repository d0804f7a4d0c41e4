"""The command that ranks numbers: what it costs is told after one run, what it cannot do is refused."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

import eutonia.cli
from eutonia.cli.app import app


def test_a_dry_run_tells_what_would_move_and_what_not_and_writes_nothing(tmp_path: Path) -> None:
    folder, study = tmp_path / "screen", tmp_path / "study.toml"
    study.write_text(eutonia.load_study("loubser_1991").replace({"population.pool": 1024}).text, encoding="utf-8")
    done = CliRunner().invoke(app, ["sensitivity", str(study), "--dry-run", "--paths", "2", "--out", str(folder)])
    assert done.exit_code == 0, done.output
    assert "descending.flaccid_time" in done.output
    assert "no spread on record: " in done.output
    moved = int(done.output.split(": ")[1].split(" records")[0])
    runs = int(done.output.split(" would move in ")[1].split(" runs")[0])
    assert runs == 1 + 2 * (moved + 1)
    assert not folder.exists()
