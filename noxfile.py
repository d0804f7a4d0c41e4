"""Sessions in environments of their own: `nox -l` lists them."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_existing_virtualenvs = True


def _pinned(session: nox.Session, *what: str) -> None:
    constraints = {"PIP_CONSTRAINT": str(ROOT / ".ci" / "constraints.txt")}
    session.install("-e", ".", *nox.project.dependency_groups(PROJECT, *what), env=constraints)


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session: nox.Session) -> None:
    """Run every test with the pinned versions."""
    _pinned(session, "dev")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types and layers."""
    _pinned(session, "lint", "test")  # types and layers of what is imported need it to be there
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    """Run the blocks of the manual, write what they print into it, and build it strictly."""
    _pinned(session, "docs", "test")
    session.run("python", "docs/blocks.py")
    session.run("sphinx-build", "-W", "docs", "build/manual")


@nox.session(python="3.11")
def minima(session: nox.Session) -> None:
    """Run the oldest version of everything that is declared: unit tests, and a trial whose second run, from the cache
    of compiled programs, has the bits of the first.
    """
    oldest = [one.replace(">=", "==") for one in PROJECT["project"]["dependencies"]]
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
    # The oldest jaxtyping wants to come before whatever imports the package, so nothing checks types of arrays here.
    session.run("pytest", "-o", "addopts=--import-mode=importlib", "tests/unit", *session.posargs)


@nox.session
def hostile(session: nox.Session) -> None:
    """Ask the API what nobody would, for minutes, and send spoiled files and forms: nothing may break."""
    _pinned(session)
    session.install("schemathesis>=4.32,<5")  # many dependencies, so only here
    work = Path(session.create_tmp()).resolve()
    command = [f"{session.bin}/eutonia", "serve", "--no-open", "--port", "8399", "--base", str(work / "web.sqlite")]
    with subprocess.Popen(command) as server:
        try:
            time.sleep(20)
            checks = "not_a_server_error,content_type_conformance,response_schema_conformance,status_code_conformance"
            where = "http://127.0.0.1:8399/api/v1/openapi.json"
            session.run("st", "run", where, "--checks", checks, "--continue-on-failure", *session.posargs)
        finally:
            server.terminate()
    session.run("python", "tests/fuzz_uploads.py", env={"PYTHONPATH": "tests"})


@nox.session
def rpact(session: nox.Session) -> None:
    """Let rpact (Debian's r-cran-rpact) compute group-sequential trials anew, and hold ours against what it prints."""
    _pinned(session, "test")
    printed = Path(session.create_tmp()).resolve() / "rpact.csv"
    with printed.open("w", encoding="utf-8") as file:
        session.run("Rscript", "tests/oracles/data/rpact.R", external=True, stdout=file)
    session.run("pytest", "-n0", "tests/oracles/test_rpact.py", env={"EUTONIA_RPACT": str(printed)})
