"""Which tests there are, of what kind, and which layers of the program each touches: read from their files."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: Folders of tests, and what a test in each holds the program against.
FOLDERS = {
    "laws": "nature, whatever the numbers",
    "oracles": "another program or a closed form",
    "papers": "published numbers",
    "unit": "its own definition",
    "interfaces": "what users do and get",
}
LAYERS = (
    "parameters", "patient", "drug", "tone", "limb", "treatment", "simulation", "assessment", "examination", "study",
    "trial", "inference", "statistics", "exchange", "report", "api", "cli", "web",
)  # fmt: skip
#: Verbs of the package itself stand for the layer that does the work.
_VERBS = {
    "make_people": "simulation",
    "simulate": "simulation",
    "run": "trial",
    "examine": "examination",
    "fit": "inference",
}


@dataclass(frozen=True)
class TestFile:
    """A file of tests: its kind, what it says of itself, the names of its tests, the layers that it touches."""

    folder: str
    name: str
    about: str
    tests: tuple[str, ...]
    layers: tuple[str, ...]


@functools.cache
def found(root: Path) -> tuple[TestFile, ...]:
    """Return the files of tests beneath `root`; none where there is no such folder, as in an installed package."""
    files = (file for folder in FOLDERS for file in sorted((root / folder).glob("test_*.py")))
    return tuple(_read(file) for file in files)


def _read(file: Path) -> TestFile:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    tests = [
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    about = (ast.get_docstring(tree) or "").partition("\n")[0]
    return TestFile(file.parent.name, file.stem, about, tuple(tests), _layers(tree))


def _layers(tree: ast.Module) -> tuple[str, ...]:
    touched: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("eutonia"):
            own = node.module.split(".")
            names = own[1:2] or [_VERBS.get(alias.name, alias.name) for alias in node.names]
            touched |= set(names)
        elif isinstance(node, ast.Import):
            touched |= {parts[1] for one in node.names if (parts := one.name.split("."))[0] == "eutonia" and parts[1:]}
        elif (
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("eu", "eutonia")
        ):
            touched.add(_VERBS.get(node.attr, ""))
    return tuple(layer for layer in LAYERS if layer in touched)


def by_layer(files: Sequence[TestFile]) -> list[dict[str, object]]:
    """Return for each layer how many tests of each folder touch it, and which files of laws, oracles and papers."""
    rows = []
    for layer in LAYERS:
        own = [file for file in files if layer in file.layers]
        counts = {folder: sum(len(file.tests) for file in own if file.folder == folder) for folder in FOLDERS}
        named = [f"{file.folder}/{file.name}" for file in own if file.folder in ("laws", "oracles", "papers")]
        rows.append({"layer": layer, **counts, "files": named})
    return rows


def matching(files: Sequence[TestFile], pattern: str) -> list[str]:
    """Return the names of the tests in which a pattern is found."""
    return [name for file in files for name in file.tests if re.search(pattern, name)]
