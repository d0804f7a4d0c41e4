"""One place for each scale: its key is the same in study, chart, table and course, and everybody reads it there."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from study_examples import STROKE

from eutonia import parameters
from eutonia.assessment.reflex import NORMAL_GRADE
from eutonia.assessment.scales import SCALES
from eutonia.errors import StudyError
from eutonia.study.design import json_schema, load_study, parse_study, shipped
from eutonia.trial.trace import variables

SCORES = [key for key, scale in SCALES.items() if scale.is_score]


def test_every_scale_has_one_key_in_chart_study_and_course() -> None:
    assert set(SCORES) <= set(variables())
    for key in SCORES:
        assert variables()[key] == (SCALES[key].unit, SCALES[key].label)
    text = str(json_schema())
    assert all(f"'{key}'" in text for key in SCALES)


@pytest.mark.parametrize("key", SCORES)
def test_a_scale_says_what_a_reader_needs(key: str) -> None:
    scale = SCALES[key]
    assert scale.lowest < scale.highest
    assert scale.step > 0
    assert scale.worse in (-1, 1)
    assert scale.normal is None or scale.lowest <= scale.normal <= scale.highest
    assert f"{scale.lowest:g}" in scale.ends


def test_the_normal_reflex_is_the_one_that_is_scored() -> None:
    assert SCALES["reflex"].normal == NORMAL_GRADE


@pytest.mark.parametrize(
    ("key", "before", "after", "better"),
    [
        ("reflex", 4.0, 1.0, 2.0),
        ("reflex", 2.0, 1.0, 0.0),
        ("reflex", 1.0, 3.0, -1.0),
        ("ashworth", 3.0, 1.0, 2.0),
        ("functional_ambulation", 3.0, 5.0, 2.0),
        ("walking_speed", 0.4, 0.3, -0.1),
    ],
)
def test_what_lies_beyond_normal_is_no_improvement(key: str, before: float, after: float, better: float) -> None:
    """Whose jerk went from normal to weak responded to the drug: 94 of 100 in a year's plan."""
    assert SCALES[key].better(before, after) == pytest.approx(better)


def test_an_important_change_comes_from_its_record_and_is_told_as_used() -> None:
    scale = SCALES["modified_ashworth"]
    with parameters.recording() as used:
        assert scale.important_change("arm") == 0.48
        assert scale.important_change("leg") == 0.45
    assert {record.name for record in used.records()} == {
        "minimal_important_change_arm",
        "minimal_important_change_leg",
    }
    assert SCALES["ashworth"].important_change("leg") is None


def test_a_file_from_before_the_split_of_walking_means_the_stance() -> None:
    text = Path(shipped()["kofler_2009"]).read_text(encoding="utf-8")
    old = text.replace('"stance_support"', '"walking"')
    assert old != text
    assert parse_study(old).assessment.scales == parse_study(text).assessment.scales
    assert "walking" not in {row.scale for row in parse_study(old).published}


def test_speed_and_stance_are_charted_under_names_of_their_own() -> None:
    scales = load_study("kofler_2009").assessment.scales
    assert {"stance_support", "walking_speed"} <= set(scales)


def test_an_open_scale_has_no_upper_end() -> None:
    speed = SCALES["walking_speed"]
    assert math.isinf(speed.highest)
    assert speed.ends == "0 or more"
    text = _published("walking_speed", -0.2)
    with pytest.raises(StudyError, match="0 or more"):
        parse_study(text)
    parse_study(_published("walking_speed", 1.1))


def _published(scale: str, value: float) -> str:
    return (
        '[study]\nname = "speeds"\ntitle = "t"\nkind = "trial"\nseed = 1\n[population]\nn = 5\n'
        + STROKE
        + f"""
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["{scale}"]
rater = "human"
[[phase]]
name = "only"
design = "single"
masking = "open"
visits = ["0 day", "2 day"]
nonspecific = false
dropout = false
[[phase.arm]]
name = "pump"
[[phase.arm.treatment]]
product = "Lioresal Intrathecal"
route = "intrathecal infusion"
rate = "100 ug/day"
tip = "T10"
[[published]]
phase = "only"
arm = "pump"
scale = "{scale}"
visit = "2 day"
statistic = "mean"
value = {value}
source = "Meythaler_2001"
status = "recalled"
"""
    )
