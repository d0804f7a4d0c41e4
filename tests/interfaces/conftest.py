"""The command line as a test calls it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eutonia import cli


@pytest.fixture(scope="session")
def run() -> Callable[..., int]:
    """`run("check", "study.toml")` does what `eutonia check study.toml` does, and returns the exit code."""

    def called(*words: str) -> int:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["eutonia", *words])
            try:
                cli.main()
            except SystemExit as end:
                return int(end.code or 0)
        return 0

    return called


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Results of every kind, in the store of a server."""
    import pages

    return pages.filled(tmp_path_factory.mktemp("web"))


@pytest.fixture(scope="module")
def address(store: Any) -> Iterator[str]:
    import pages

    yield from pages.served(store)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    import pages

    yield from pages.browsed()


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Any]:
    import pages

    yield from pages.opening(browser, address)
