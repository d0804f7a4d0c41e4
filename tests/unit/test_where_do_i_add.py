"""ARCHITECTURE's table "Where do I add …?", line by line: what it names is there, and what it promises happens."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import outside_bedside_test
import outside_muscle
import outside_policy
import outside_scale
import outside_treatment
import pytest

import eutonia
from eutonia import _quantities, parameters
from eutonia.assessment import scales
from eutonia.assessment.scales import SCALES
from eutonia.drug.effect import adverse
from eutonia.drug.pump import therapy
from eutonia.errors import EutoniaError
from eutonia.examination import TESTS
from eutonia.limb.muscle import MUSCLES, OURS
from eutonia.parameters import catalogue, citations, library
from eutonia.parameters.folders import FOLDERS
from eutonia.patient import CONDITIONS, places
from eutonia.registry import Registry
from eutonia.study import vocabulary
from eutonia.study.design import json_schema, load_study, parse_study, shipped
from eutonia.study.policies import POLICIES
from eutonia.study.treatments import TREATMENTS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "eutonia"
# Folders in which the table names files without their own.
HOMES = (ROOT, SOURCE, SOURCE / "parameters" / "data", SOURCE / "parameters", ROOT / "tests" / "outside_site")


def table() -> dict[str, str]:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = text[text.index("## Where do I add") :].splitlines()
    cells = [row.strip("|").split("|", 1) for row in rows if row.startswith("| ")]
    return {name.strip(): here.strip() for name, here in cells if name.strip() != "…"}


def named(line: str) -> list[str]:
    return re.findall(r"`([^`]+)`", line)


def files_of(line: str) -> list[Path]:
    """Return every file and folder that a line names; one without a folder lies where the one before lies."""
    found: list[Path] = []
    for token in named(line):
        if not re.fullmatch(r"[\w./]+(?:\.(?:py|toml|bib|csv)|/)|tests/\w+", token):
            continue
        pattern = re.sub(r"AUTHOR_YEAR|NAME|JOINT", "*", token).rstrip("/")
        homes = (*(one.parent for one in found[-1:]), *HOMES)
        there = next((hits for home in homes if (hits := sorted(home.glob(pattern)))), [])
        assert there, f"{token}: there is no such file"
        found.append(there[0])
    return found


def text_of(path: Path) -> str:
    files = [path] if path.is_file() else sorted(path.glob("*.py"))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_every_line_has_something_to_go_by() -> None:
    assert len(table()) >= 25
    for name, line in table().items():
        assert files_of(line) or "a set of its own" in line, name


@pytest.mark.parametrize("what", table())
def test_every_name_of_a_line_is_there(what: str) -> None:
    """A path is a file, a dotted name can be imported, a group is looked for, and any other name is in those files."""
    line = table()[what]
    files = files_of(line)
    groups = {registry._group for registry in registries()}
    for token in named(line):
        if token.startswith("eutonia."):
            call = token.partition("(")[0]
            assert call in groups or callable(attribute(call)), token
        elif re.fullmatch(r"[A-Z]+\.register", token):
            assert any(token.partition(".")[0] in text_of(file) for file in files), token
        elif re.fullmatch(r"_?[A-Z]\w*", token):
            assert any(re.search(rf"\b{token}\b", text_of(file)) for file in files), token
        elif token.startswith("["):
            table_, key = re.fullmatch(r"\[(\w+)\] (\w+)", token).groups()  # type: ignore[union-attr]
            heads = [one for one in json_schema()["$defs"].values() if key in one.get("properties", {})]
            assert heads, token
            assert table_ == "study"
        else:
            assert re.fullmatch(r"[\w./]+", token), f"what is {token}?"


def attribute(dotted: str) -> Any:
    """Return what a dotted name stands for: the longest module in it, and what is in that."""
    parts = dotted.split(".")
    found: Any = importlib.import_module(parts[0])
    for k, name in enumerate(parts[1:], start=1):
        if hasattr(found, "__path__") and importlib.util.find_spec(".".join(parts[: k + 1])) is not None:
            found = importlib.import_module(".".join(parts[: k + 1]))
        else:
            found = getattr(found, name)
    return found


def registries() -> list[Registry[Any]]:
    """Return every registry of the package, wherever it stands."""
    texts = {file: file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.py")}
    found = []
    for file, text in texts.items():
        for name in re.findall(r"^(\w+): Registry\[", text, re.MULTILINE):
            module = ".".join(("eutonia", *file.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
            found.append(getattr(importlib.import_module(module), name))
    return found


OFFERED = {
    "eutonia.scales": (SCALES, "outside_scale:FELT_STIFFNESS", outside_scale.FELT_STIFFNESS),
    "eutonia.policies": (POLICIES, "outside_policy:BySpasms", outside_policy.BySpasms),
    "eutonia.treatments": (TREATMENTS, "outside_treatment:ColdPack", outside_treatment.ColdPack),
    "eutonia.bedside_tests": (TESTS, "outside_bedside_test:FREE_RANGE", outside_bedside_test.FREE_RANGE),
    "eutonia.parameters": (FOLDERS, "outside_muscle:RECORDS", outside_muscle.RECORDS),
    "eutonia.muscle_groups": (MUSCLES, "outside_muscle:SHOULDER_ADDUCTORS", outside_muscle.SHOULDER_ADDUCTORS),
}


def test_every_registry_has_its_line_and_every_line_its_registry() -> None:
    told = {token for line in table().values() for token in named(line) if token.startswith("eutonia.")}
    groups = {registry._group for registry in registries()}
    assert groups == set(OFFERED)
    assert groups <= told


@pytest.fixture
def shoulder_records() -> Iterator[None]:
    parameters.register(outside_muscle.RECORDS)
    yield
    FOLDERS.remove(str(outside_muscle.RECORDS))


@pytest.mark.parametrize("group", OFFERED)
def test_what_a_group_offers_is_found_and_what_is_registered_too(
    group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shoulder_records: None
) -> None:
    registry, point, thing = OFFERED[group]
    if group == "eutonia.parameters":
        FOLDERS.remove(str(thing))
    about = tmp_path / "others-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(f"[{group}]\ntheirs = {point}\n", encoding="utf-8")
    before = tuple(registry)
    name = registry._name_of(thing)
    assert name not in before
    for offer in ("installed", "registered"):
        if offer == "installed":
            monkeypatch.syspath_prepend(str(tmp_path))
            monkeypatch.setattr(registry, "_is_loaded", False)
        else:
            registry.register(thing)
        try:
            assert tuple(registry) == (*before, name)
            assert registry[name] is thing
        finally:
            registry.remove(name)
    if group == "eutonia.parameters":
        parameters.register(thing)


@pytest.mark.parametrize("group", OFFERED)
def test_what_is_no_such_thing_is_refused_with_what_is_wanted(group: str) -> None:
    registry, before = OFFERED[group][0], tuple(OFFERED[group][0])
    add = parameters.register if registry is FOLDERS else registry.register
    with pytest.raises(EutoniaError, match=r"(?s)(is no|is) .*Allowed: "):
        add("felt_stiffness")  # type: ignore[arg-type, type-var]
    assert tuple(registry) == before


def test_a_number_without_its_paper_is_refused_and_with_it_read() -> None:
    text = (SOURCE / "parameters" / "data" / "pain.toml").read_text(encoding="utf-8")
    more = '[dummy]\nlabel = "A dummy"\nvalue = 2.0\nunit = "mV"\nsource = "{}"\nwhere = "p. 1"\nmethod = "measured"\n'
    more += 'status = "verified"\n'
    key = citations.keys()[0]
    assert library.read(text + more.format(key), "pain", citations.entries()).value("dummy", "uV") == 2000.0
    with pytest.raises(EutoniaError, match='no source "Nobody_1900"'):
        library.read(text + more.format("Nobody_1900"), "pain", citations.entries())


def test_a_published_trial_is_a_file_and_no_code(tmp_path: Path) -> None:
    assert all(path.parent.name == "studies" for path in shipped().values())
    text = shipped()["loubser_1991"].read_text(encoding="utf-8").replace('"loubser_1991"', '"dummy_2030"')
    (tmp_path / "dummy_2030.toml").write_text(text, encoding="utf-8")
    assert load_study(tmp_path / "dummy_2030.toml").name == "dummy_2030"


def test_a_product_is_an_entry_of_its_file() -> None:
    text = (SOURCE / "parameters" / "data" / "products.toml").read_text(encoding="utf-8")
    first = text[text.index("[[product]]") :].partition("\n\n")[0]
    own = parameters.products()[0]
    dummy = re.sub(r"(?m)^aliases = .*$", "aliases = []", first).replace(f'"{own.name}"', '"Dummyfen"')
    found = catalogue.read(f"{text}\n{dummy}\n", citations.entries())
    assert [one.name for one in found if one not in parameters.products()] == ["Dummyfen"]


def test_what_a_set_is_for_its_name_says() -> None:
    """A set in that folder with such a name can be named in a study, and nothing else makes it so."""
    sets = set(parameters.sets())
    assert set(vocabulary.oral_models()) == {one for one in sets if one.startswith("oral_")}
    assert set(parameters.pump_models().values()) == {one for one in sets if one.startswith("pump_")}
    assert {f"limb_{place.joint}" for place in OURS} == {one for one in sets if one.startswith("limb_")}
    for name, condition in CONDITIONS.items():
        assert condition.records in sets, name


def test_every_place_of_a_lesion_stands_in_both_files() -> None:
    records = parameters.load("lesion").records()
    for sort, names in (("territory", places.TERRITORIES), ("site", places.SITES)):
        for record in records:
            if record.name.startswith(f"{sort}_"):
                assert set(record.axis) == set(names), record.name


def modules(package: Any) -> set[str]:
    return {one.name for one in pkgutil.iter_modules(package.__path__)}


def test_a_scale_and_a_bedside_test_are_a_file_and_a_name() -> None:
    ours = [f"{scales.__name__}.{name}:SCALE" for name in scales._OURS]
    assert list(SCALES._ours) == ours
    holding = {
        name for name in modules(scales) if hasattr(importlib.import_module(f"{scales.__name__}.{name}"), "SCALE")
    }
    assert holding == set(scales._OURS)
    package = importlib.import_module("eutonia.examination")
    tests = {
        name for name in modules(package) if hasattr(importlib.import_module(f"{package.__name__}.{name}"), "TEST")
    }
    assert tests == set(package._OURS)


def test_an_event_of_pumps_has_its_place_in_the_order_its_player_and_its_file() -> None:
    player, file = (SOURCE / "drug/pump/player.py").read_text(), (SOURCE / "study/pump_events.py").read_text()
    assert set(therapy.ORDER) == set(get_args(therapy.Event))
    for event in therapy.ORDER:
        assert re.search(rf"\b{event.__name__}\b", player), event
        assert re.search(rf"\b{event.__name__}\b", file), event


def test_an_adverse_reaction_has_records_and_a_name() -> None:
    sets = {"adverse", *(one.harms for one in TREATMENTS.values() if one.harms is not None)}
    records = [one for name in sets for one in parameters.load(name)]
    for name in adverse.REACTIONS:
        assert [one for one in records if name in one], name
    assert [name.replace("_", " ") for name in adverse.REACTIONS] == list(vocabulary.reactions())


def test_a_unit_and_a_guard_rail_stand_in_one_file() -> None:
    assert _quantities.__file__ == str(SOURCE / "_quantities.py")
    holding = [file for file in SOURCE.rglob("*.py") if re.search(r"^AGE = Bounds\(", file.read_text(), re.MULTILINE)]
    assert holding == [SOURCE / "_bounds.py"]


def test_a_name_that_nobody_offers_says_how_to_offer_it() -> None:
    study = shipped()["case_haemorrhage_pump"].read_text(encoding="utf-8")
    with pytest.raises(eutonia.EutoniaError, match="SynchroMed II"):
        parse_study(study.replace('"SynchroMed II"', '"SynchroMed IV"'))
    with pytest.raises(eutonia.EutoniaError, match=r"eutonia\.parameters\.register"):
        parameters.load("oral_nobody_1900")
    with pytest.raises(eutonia.EutoniaError, match=r"eutonia\.parameters\.register"):
        eutonia.Lesion.haemorrhagic("claustrum", 10.0)


TRIAL = "meythaler_2001"
SLIPS = {
    "eutonia.assessment.scales.register": (TRIAL, 'scales = ["ashworth"', 'scales = ["ashworht"'),
    "eutonia.limb.muscle.register": ("case_ischaemic_tablets", "[case]", None),
    "eutonia.parameters.register": ("case_haemorrhage_pump", '"SynchroMed II"', '"SynchroMed IV"'),
    "eutonia.study.policies.POLICIES.register": (TRIAL, 'policy = "', 'policy = "by '),
    "eutonia.study.treatments.TREATMENTS.register": (TRIAL, 'route = "', 'route = "by '),
    "eutonia.examination.register": ("case_ischaemic_tablets", "[case]", None),
}
MISSING = {
    "eutonia.limb.muscle.register": '[[charted]]\nat = "1 day"\nscale = "pain"\nmuscle = "toes"\nscore = 3\n[case]',
    "eutonia.examination.register": '[[event]]\nkind = "examination"\nat = "1 day"\ntest = "squat"\n[case]',
}


@pytest.mark.parametrize("register", SLIPS)
def test_a_slip_in_a_study_says_how_another_package_brings_one_more(register: str) -> None:
    """And the function that it names is there, and adds."""
    study, old, new = SLIPS[register]
    text = shipped()[study].read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(EutoniaError) as refused:
        parse_study(text.replace(old, new or MISSING[register]))
    assert f"brings one more by {register}." in " ".join(str(refused.value).split())
    assert callable(attribute(register))
