"""Conditions and practice in study files: a case of each condition that has one, and what practice changes in it."""

from __future__ import annotations

import numpy as np
import pytest

from eutonia.study.design import CaseStudy, TrialStudy, json_schema, load_study, parse_study
from eutonia.tone.descending import DescendingConstants
from eutonia.trial.case import run_case
from eutonia.trial.recruitment import population_of

pytestmark = [pytest.mark.interfaces, pytest.mark.xdist_group("slow clock")]

CASE = """
[study]
name = "case"
title = "A case, for tests"
kind = "case"
seed = 12
[patient]
age = "30 year"
weight = "80 kg"
sex = "man"
creatinine_clearance = "110 mL/min"
side = "right"
[lesion]
{lesion}
[assessment]
side = "both"
limbs = ["leg", "arm"]
scales = ["ashworth"]
rater = "noiseless"
[case]
duration = "12 month"
examine_every = "14 day"
"""
INJURY = 'kind = "spinal cord injury"\nlevel = "T4"\ncompleteness = 0.9'
PRACTICE = """
[[event]]
at = "182 day"
kind = "practice"
method = "H-reflex conditioning"
limb = "leg"
sessions_per_week = 3
[[event]]
at = "252 day"
kind = "stop practice"
"""


def case(lesion: str, events: str = "") -> CaseStudy:
    study = parse_study(CASE.format(lesion=lesion) + events)
    assert isinstance(study, CaseStudy)
    return study


def bias(study: CaseStudy) -> tuple[np.ndarray, np.ndarray]:
    """Return time in days and the untreated bias by time, limb and possible person."""
    course = run_case(study).course
    assert course is not None
    return course["time_h"].to_numpy() / 24.0, course["untreated_bias"].transpose(
        "time_h", "limb", "patient"
    ).to_numpy()


def test_a_cord_injury_is_flaccid_for_two_weeks_and_spastic_below_its_level() -> None:
    day, found = bias(case(INJURY))
    flaccid = DescendingConstants.of("spinal cord injury").flaccid_time / 24.0
    assert np.all(found[day <= flaccid] == 0.0)
    assert np.all(found[day > flaccid + 1.0, 0] > 0.0)
    assert np.all(found[:, 1] == 0.0)
    assert np.all(np.diff(found[:, 0], axis=0) >= 0.0)


def test_practice_lowers_the_leg_of_those_who_learn_and_fades() -> None:
    day, idle = bias(case(INJURY))
    practised_day, practised = bias(case(INJURY, PRACTICE))
    assert np.array_equal(day, practised_day)
    before = day <= 182.0
    assert np.array_equal(practised[before], idle[before])
    left = practised[~before, 0] / idle[~before, 0]
    learned = left[-1] < 1.0
    assert 0.4 < learned.mean() < 0.9
    assert np.all(left[:, ~learned] == 1.0)
    lowest = np.argmin(left[:, learned], axis=0)
    assert np.all(day[~before][lowest] == 252.0)
    assert left[:, learned].min() == pytest.approx(0.92, abs=0.005)
    assert np.all(left[-1, learned] > left[:, learned].min(axis=0))


@pytest.mark.parametrize(
    "lesion",
    ['kind = "multiple sclerosis"\ncourse = "progressive"\nload = 0.8', 'kind = "brain injury"\nload = 0.8'],
    ids=["sclerosis", "brain injury"],
)
def test_other_conditions_have_cases(lesion: str) -> None:
    _, found = bias(case(lesion))
    assert np.all(found[0] == 0.0)
    assert np.all(found[-1] > 0.0)


def test_the_schema_names_conditions_and_practice() -> None:
    definitions = json_schema()["$defs"]
    assert "cerebral palsy" in definitions["StudyPopulation"]["properties"]["origin"]["enum"]
    assert "disseminated plaques" in str(definitions["StudyPopulation"]["properties"]["lesions"])
    assert "H-reflex conditioning" in definitions["PracticeEvent"]["properties"]["method"]["enum"]
    assert "T12" in str(definitions["CaseLesion"]["properties"]["level"])


def test_a_population_in_a_file_is_drawn_as_it_says() -> None:
    study = load_study("loubser_1991")
    assert isinstance(study, TrialStudy)
    population = population_of(study.population)
    assert population.origin == "spinal cord injury"
    assert {share.kind for share in population.lesions} == {"spinal"}
    text = study.text.replace('"spinal cord injury"', '"cerebral palsy"').replace("cord injuries", "perinatal lesions")
    text = text.replace('side = "both"', 'side = "affected"')
    palsy = parse_study("\n".join(line for line in text.splitlines() if not line.startswith("time_since_onset")))
    assert isinstance(palsy, TrialStudy)
    assert population_of(palsy.population).time_since_onset_h is None
