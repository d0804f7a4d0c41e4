"""The project keeps its own rules: ceilings, light start-up, and files that speak of the project alone."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
CEILINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["eutonia"]["ceilings"]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
# Folder of a user, of the system's temporary files or of a build machine: no file may depend on one.
FOREIGN_PATH = re.compile(r"(?<![\w.])/(?:home|Users|root|tmp|work|opt)/\w")


def limit_of_file(path: Path) -> int:
    if path.parent.name == "cli":
        return CEILINGS["cli_lines"]
    return CEILINGS["init_lines"] if path.name == "__init__.py" else CEILINGS["file_lines"]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_ceilings(path: Path) -> None:
    text = path.read_text()
    exceptions = CEILINGS["exceptions"]
    name = str(path.relative_to(ROOT))
    assert name in exceptions or len(text.splitlines()) <= limit_of_file(path)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = node.end_lineno - node.lineno + 1
            assert length <= CEILINGS["function_lines"], f"{node.name} has {length} lines"


def test_every_exception_has_a_reason_and_is_needed() -> None:
    for name, reason in CEILINGS["exceptions"].items():
        assert len(reason) > 20
        assert len((ROOT / name).read_text().splitlines()) > limit_of_file(ROOT / name)


def imported(path: Path) -> set[str]:
    """Return the packages that a file imports anywhere, also late."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.importorskip":
            found.add(ast.literal_eval(node.args[0]).partition(".")[0])  # a test that never runs is none
    return found - set(sys.stdlib_module_names) - {"eutonia"}


def test_the_extra_and_the_group_for_development_are_one_list() -> None:
    """A pip that does not know groups takes the extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    included = [one["include-group"] for one in groups["dev"]]
    assert set(included) == set(groups) - {"dev"}
    listed = [one for name in included for one in groups[name]]
    assert sorted(listed) == sorted(project["project"]["optional-dependencies"]["dev"])


def test_the_lock_holds_the_pinned_versions_with_hashes_and_no_address() -> None:
    lock = (ROOT / ".ci" / "lock.txt").read_text(encoding="utf-8")
    locked = re.findall(
        r"^([\w.-]+)==(\S+)(?: ; [^\\\n]+)? ((?:\\\n    --hash=sha256:[0-9a-f]{64} ?)+)$", lock, re.MULTILINE
    )
    pinned = re.findall(
        r"^([\w.-]+)==(\S+)$", (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {(_distribution(name), version) for name, version, _ in locked} == {
        (_distribution(name), version) for name, version in pinned
    }
    assert len(locked) == len(re.findall("^[^ #]", lock, re.MULTILINE))
    assert not re.search(r"://|@|--(?:index|find|extra)[^ ]* ", re.sub(r"(?m)^#.*", "", lock))


def declared(*extras: str) -> set[str]:
    """Return the distributions that pyproject declares, also in some of its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *(one for extra in extras for one in project["optional-dependencies"][extra])]
    return {_distribution(re.match(r"[\w.-]+", one)[0]) for one in wanted}  # type: ignore[index]


def _distribution(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("folder", "extras"),
    [
        ("src", ("cdisc", "dask", "exchange", "web")),
        ("tests", ("exchange", "dev")),
        ("calibration", ("calibration", "dev")),
        ("benchmarks", ("dev",)),
    ],
)
def test_what_is_imported_is_declared(folder: str, extras: tuple[str, ...]) -> None:
    """What comes only with another package is gone on the day when that one drops it."""
    files = sorted((ROOT / folder).rglob("*.py"))
    ours = [path for name in ("tests", "calibration", "benchmarks", "papers") for path in (ROOT / name).rglob("*")]
    own = {path.stem for path in ours if path.is_dir() or path.suffix == ".py"} if folder != "src" else set()
    comes_from = importlib.metadata.packages_distributions()
    for path in files:
        for module in imported(path) - own:
            homes = {_distribution(one) for one in comes_from.get(module, [module])}
            assert homes & declared(*extras), f"{path.relative_to(ROOT)} imports {module}, of {sorted(homes)}"


def test_limb_tone_and_drug_meet_in_simulation_only() -> None:
    graph = grimp.build_graph("eutonia", cache_dir=None)
    meeting = {}
    for module in graph.modules:
        used = {name.split(".")[1] for name in graph.find_modules_directly_imported_by(module) if "." in name}
        if not module.startswith("eutonia.simulation") and len(used & {"limb", "tone", "drug"}) > 1:
            meeting[module] = used
    assert not meeting


def test_the_name_of_a_public_class_occurs_once() -> None:
    homes: dict[str, list[str]] = {}
    for path in SOURCES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: where for name, where in homes.items() if len(where) > 1} == {}


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Late imports count; what is imported for types alone does not."""
    graph = grimp.build_graph("eutonia", cache_dir=None, exclude_type_checking_imports=True)
    left = {module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules}
    while free := {module for module, needs in left.items() if not needs & set(left)}:
        left = {module: needs for module, needs in left.items() if module not in free}
    assert set(left) == set()


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, eutonia.cli; "
        "heavy = {'jax', 'numpy', 'pint', 'polars', 'xarray', 'matplotlib', 'pydantic', 'equinox'} & set(sys.modules); "
        "sys.exit(str(sorted(heavy)) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_file_depends_on_one_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for name in listed:
        path = ROOT / name
        if path.suffix in {".png", ".csv"} or path.name == Path(__file__).name or not path.is_file():
            continue
        found = FOREIGN_PATH.search(path.read_text(errors="ignore"))
        assert found is None, f"{name}: {found and found.group()}"


def test_readme_holds_both_commands_where_the_checks_look_for_them() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "1. `python -m pip install -e . && eutonia run studies/meythaler_2001.toml`" in readme
    assert '2. `python -m pip install -e ".[dev]" && python -m pytest`' in readme


def test_only_one_file_imports_pint() -> None:
    users = [p for p in SOURCES if re.search(r"^\s*(import|from) pint", p.read_text(), re.MULTILINE)]
    assert [p.name for p in users] == ["_units.py"]


def test_every_slow_test_exists() -> None:
    for line in (ROOT / "tests" / "slow.txt").read_text().split():
        file, *_, name = line.split("::")
        assert f"def {name}(" in (ROOT / file).read_text(), line


def test_how_many_hours_a_day_and_a_year_have_is_said_once() -> None:
    """As a factor a number of hours stands in no other file."""
    factor = re.compile(r"[*/] 24(?:\.0)?(?![\w.])|(?<![\w.])24(?:\.0)? \* |(?<![\w.])(?:730\.5|8766\.0)(?!\d)")
    for path in SOURCES:
        if path.name != "_hours.py":
            found = factor.search(path.read_text())
            assert found is None, f"{path.relative_to(ROOT)}: {found and found.group()}"


def test_how_far_the_middle_95_percent_reach_is_said_once() -> None:
    """Five places had the number, with three digits or with sixteen."""
    from scipy.stats import norm

    from eutonia._middle import TAIL, Z_95

    assert norm.ppf(1 - TAIL) == Z_95
    number = re.compile(r"\b1\.9(?:6|599)\d*\b|ppf\(1 - TAIL\)")
    assert [path.name for path in SOURCES if number.search(path.read_text())] == ["_middle.py"]
