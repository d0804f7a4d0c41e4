"""Run every shipped trial and every paper's folder, and write what comes out beside what was published: README.md.

    python papers/build.py

Nothing is fitted to the trials. A miss stays in the table until the mechanism is improved. `eutonia papers` does the
same into a folder of its own; this writes the pages of the project, and the record that later builds are laid beside.
held.md has the same trials with the numbers of the science held at their records, which tests can play again quickly.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from eutonia.api.papers import papers
from eutonia.api.study import run
from eutonia.errors import EutoniaError
from eutonia.report.papers import record, tables
from eutonia.study.design import load_study, shipped

HERE = Path(__file__).parent
REPLICATES = 500
HELD = """# The shipped trials with the numbers of the science held at their records

Written by `python papers/build.py`, to notice when something moves. What is predicted stands in [README.md](README.md):
there, each trial has a draw of what the calibration leaves unknown, and intervals are as wide as that makes them.
"""
FRONT = HERE.parent / "README.md"


def refuse_uncommitted() -> None:
    """Refuse criteria that are not committed yet, where that can be told."""
    asked = ["git", "status", "--porcelain", "--", "criteria.toml"]
    try:
        found = subprocess.run(asked, cwd=HERE, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return
    if found:
        raise EutoniaError(
            "papers/criteria.toml is changed and not committed. Allowed: criteria that were committed before the build "
            "that judges by them. Nearest: the committed ones. Commit it first."
        )


def main() -> None:
    """Build, and write the tables."""
    refuse_uncommitted()
    found = papers(replicates=REPLICATES, home=HERE)
    trials = [one for name in shipped() if getattr(one := load_study(name), "published", ())]
    played = [run(one.override(parameters="frozen"), replicates=REPLICATES) for one in trials]
    (HERE / "held.md").write_text(
        "\n".join([HELD, *(f"{tables.section(one, ())}\n" for one in played)]), encoding="utf-8"
    )
    (HERE / "README.md").write_text(found.printed, encoding="utf-8")
    FRONT.write_text(tables.front(found.printed, FRONT.read_text(encoding="utf-8")), encoding="utf-8")
    record.write(HERE / "results.json", found.record)


if __name__ == "__main__":
    main()
