"""Sessions in environments of their own: `nox -l` lists them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import nox

ROOT = Path(__file__).parent
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_existing_virtualenvs = True


def _pinned(session: nox.Session) -> None:
    session.install("-e", ".[dev]", env={"PIP_CONSTRAINT": str(ROOT / ".ci" / "constraints.txt")})


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run every test with the pinned versions."""
    _pinned(session)
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types and layers."""
    _pinned(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """Run the blocks of the manual, write what they print into it, and build it strictly."""
    _pinned(session)
    session.run("python", "docs/blocks.py")
    session.run("sphinx-build", "-W", "docs", "build/manual")


@nox.session(python="3.11")
def minima(session: nox.Session) -> None:
    """Run the oldest version of everything that is declared: unit tests, and a trial whose second run, from the cache
    of compiled programs, has the bits of the first.
    """
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    oldest = [one.replace(">=", "==") for one in declared]
    session.install(*oldest, "beartype==0.19", "hypothesis", "pytest", "pytest-randomly", "pytest-xdist")
    session.install("--no-deps", "-e", ".")
    work = Path(session.create_tmp())
    for run in ("first", "second"):
        session.run(
            "eutonia", "run", "meythaler_2001", "--replicates", "4", "--out", str(work / run),
            env={"XDG_CACHE_HOME": str(work / "cache")},
        )  # fmt: skip
    if (work / "first" / "visits.parquet").read_bytes() != (work / "second" / "visits.parquet").read_bytes():
        session.error("a run from the cache of compiled programs gives other numbers than the first")
    session.run("pytest", "tests/unit", *session.posargs)
