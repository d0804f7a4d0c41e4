"""Bedside tests: one file each, and one more from outside the package by registration alone."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import outside_bedside_test
import pytest
from study_examples import tablets_begun

import eutonia
from eutonia.errors import EutoniaError
from eutonia.examination import TESTS, groups
from eutonia.examination.findings import finding
from eutonia.limb.muscle import all_muscle_groups
from eutonia.parameters import citations
from eutonia.study.design import CaseStudy, json_schema, load_study, parse_study, shipped
from eutonia.trial.examine_case import examine_case

pytestmark = pytest.mark.xdist_group("slow clock")

CASE = "case_ischaemic_tablets"


def test_a_bedside_test_from_outside_is_found_done_reported_and_cites(folder: Path, run: Callable[..., int]) -> None:
    assert len(Path(str(outside_bedside_test.__file__)).read_text(encoding="utf-8").splitlines()) <= 40
    assert run("examine", CASE, "--test", "free-range", "--out", "none") == 2
    TESTS.register(outside_bedside_test.FREE_RANGE)
    try:
        assert "free-range" in groups()["bedside"]
        assert run("examine", CASE, "--test", "free-range", "--limb", "arm", "--at", "day 90", "--out", "found") == 0
    finally:
        TESTS.remove("free-range")
    rows = list(csv.DictReader((folder / "found" / "findings.csv").read_text().splitlines()))
    assert {row["of"] for row in rows} == {one.name for one in all_muscle_groups() if one.limb == "arm"}
    assert {(row["test"], row["key"], row["unit"]) for row in rows} == {("free-range", "free_range", "deg")}
    assert all(0.0 <= float(row["median"]) <= 180.0 for row in rows)
    page = (folder / "found" / "report.html").read_text()
    for words in ("Free range", "Range without a reflex", "Moved as slowly as can be", "A journal of hands"):
        assert words in page


def test_a_bedside_test_that_is_not_there_is_told_with_those_that_are(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("examine", CASE, "--test", "pendulm", "--out", "found") == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "Nearest: pendulum" in said
    assert "eutonia.examination.register" in said


def test_two_findings_of_one_key_are_refused() -> None:
    twice = dataclasses.replace(
        outside_bedside_test.FREE_RANGE,
        run=lambda at, limbs, seed: ([finding("x", "leg", "X", "deg", [1.0])] * 2, []),
    )
    with pytest.raises(EutoniaError, match='two findings "x" of leg'):
        twice.done(cast("Any", None), ("leg",), 1)


def test_every_test_of_ours_has_one_file_that_says_all_of_it() -> None:
    """Names, labels and sources stand once; whoever looks for a test finds the file of its name."""
    for name, test in TESTS.items():
        assert test.run.__module__ == f"eutonia.examination.{name.replace('-', '_')}"
        assert test.sources
        assert all(one == "assumption" or one in citations.entries() or " " in one for one in test.sources)


def test_every_finding_of_the_bedside_has_a_key_of_its_own() -> None:
    study = load_study(CASE)
    assert isinstance(study, CaseStudy)
    found = examine_case(study, "bedside", at="day 90").findings
    places = [(one.test, one.of, one.key) for one in found]
    assert len(set(places)) == len(places) > 50
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", one.key) for one in found)


ASKED = """
[[event]]
kind = "examination"
at = "{at}"
test = "free-range"
limb = "leg"
"""


@pytest.fixture
def free_range() -> Iterator[str]:
    TESTS.register(outside_bedside_test.FREE_RANGE)
    yield "free-range"
    TESTS.remove("free-range")


def asking(*at: str) -> CaseStudy:
    text = tablets_begun() + "".join(ASKED.format(at=one) for one in at)
    found = parse_study(text)
    assert isinstance(found, CaseStudy)
    return found


def test_a_bedside_test_from_outside_is_in_the_schema_runs_in_a_case_is_reported_and_cites(
    free_range: str, tmp_path: Path
) -> None:
    assert free_range in json.dumps(json_schema())
    study = asking("90 day", "140 day")
    result = eutonia.run(study)
    eutonia.write(result, tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))["findings"]
    leg = [one.name for one in all_muscle_groups() if one.limb == "leg"]
    assert [(one["time_h"], one["of"]) for one in summary] == [(day * 24.0, of) for day in (90, 140) for of in leg]
    assert {(one["test"], one["key"], one["unit"], one["people"]) for one in summary} == {
        (free_range, "free_range", "deg", 64)
    }
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for words in (
        "Free range <small>day 90",
        "Range without a reflex",
        "Moved as slowly as can be",
        "A journal of hands",
    ):
        assert words in page
    # The examination of that day finds the same, and a look moves nothing.
    alone = examine_case(study, free_range, at="day 140", limb="leg")
    np.testing.assert_array_equal(
        [one.values for one in alone.findings], [one.values for _, one in result.findings[-len(leg) :]]
    )
    plain = eutonia.run(parse_study(tablets_begun()))
    for name, variable in plain.course.data_vars.items():
        both = result.course[name].sel(time_h=plain.course["time_h"])
        np.testing.assert_array_equal(both, variable, err_msg=str(name))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('"free-range"', '"free-rnge"'), 'Nearest: "free-range"'),
        (('test = "free-range"\nlimb = "leg"', 'test = "pendulum"\nlimb = "arm"'), "There is no pendulum of the arm"),
    ],
)
def test_an_examination_that_cannot_be_done_is_refused(free_range: str, change: tuple[str, str], says: str) -> None:
    text = shipped()[CASE].read_text(encoding="utf-8") + ASKED.format(at="90 day").replace(*change)
    with pytest.raises(EutoniaError) as refused:
        parse_study(text)
    assert says in " ".join(str(refused.value).split())
    with pytest.raises(EutoniaError, match="only one of the two"):
        asking("90 day", "90 day")
