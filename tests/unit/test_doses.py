"""A dose is kept at the moment of its change, for trials and cases; levels under tablets have a trough and a peak."""

from __future__ import annotations

import numpy as np
import pytest

from eutonia.study.design import CaseStudy, TrialStudy, load_study, parse_study
from eutonia.trial.case import run_case
from eutonia.trial.doses import DoseLog, side_by_side
from eutonia.trial.run import RunOptions, run_trial

pytestmark = pytest.mark.xdist_group("slow clock")


def log(*rows: tuple[float, float, float]) -> DoseLog:
    times, first, second = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    doses = np.stack([first, second], axis=1)
    return DoseLog(times, doses, 2 * doses)


def test_a_note_replaces_one_of_the_same_time_and_nothing_is_noted_twice() -> None:
    one = DoseLog.empty(2)
    one = one.noted(0.0, np.array([1.0, 2.0]), np.zeros(2)).noted(5.0, np.array([1.0, 2.0]), np.zeros(2))
    assert one.time_h.tolist() == [0.0]
    one = one.noted(7.0, np.array([3.0, 2.0]), np.ones(2))
    assert one.time_h.tolist() == [0.0, 7.0]
    assert one.rate_ug_per_h.tolist() == [[1.0, 2.0], [3.0, 2.0]]
    assert one.at(np.array([0.0, 6.99, 7.0, 9.0])).rate_ug_per_h[:, 0].tolist() == [1.0, 1.0, 3.0, 3.0]


def test_blocks_with_changes_at_different_times_keep_them_all() -> None:
    both = side_by_side([log((0, 1, 1), (4, 2, 2)), log((0, 5, 5), (3, 6, 6))])
    assert both.time_h.tolist() == [0.0, 3.0, 4.0]
    assert both.rate_ug_per_h.tolist() == [[1, 1, 5, 5], [1, 1, 6, 6], [2, 2, 6, 6]]
    swapped = log((0, 1, 1), (4, 2, 2)).replaced(log((0, 7, 7), (2, 8, 8)), np.array([False, True]))
    assert swapped.rate_ug_per_h.tolist() == [[1, 7], [1, 8], [2, 8]]
    assert swapped.take(slice(1)).tablets_mg_per_day.tolist() == [[2], [2], [4]]
    assert swapped.take(np.array([1, 0])).rate_ug_per_h.tolist() == [[7, 1], [8, 1], [8, 2]]


TABLETS = """
[study]
name = "fixed"
title = "A fixed dose, begun on the second day and stopped on the tenth"
kind = "trial"
seed = 3
[population]
n = 4
pool = 512
origin = "stroke"
lesions = "stroke survivors"
women = 0.45
age = { mean = "60 year", sd = "12 year", min = "25 year", max = "85 year" }
weight = { mean = "76 kg", sd = "15 kg", min = "40 kg", max = "140 kg" }
creatinine_clearance = { mean = "85 mL/min", sd = "25 mL/min", min = "40 mL/min", max = "160 mL/min" }
time_since_onset = { mean = "24 month", sd = "12 month", min = "6 month", max = "120 month" }
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["ashworth"]
rater = "noiseless"
[[phase]]
name = "treatment"
design = "single"
masking = "open"
visits = ["0 week", "2 week"]
nonspecific = false
dropout = false
[[phase.arm]]
name = "tablets"
[[phase.arm.treatment]]
product = "baclofen tablets"
route = "oral"
dose = "10 mg"
every = "8 hour"
start = "1 day"
stop = "10 day"
"""


def test_a_placebo_that_names_no_treatment_has_the_reactions_of_the_tablets_that_it_imitates() -> None:
    text = TABLETS.replace('design = "single"\nmasking = "open"', 'design = "parallel"\nmasking = "double blind"')
    text = text.replace('scales = ["ashworth"]', 'scales = ["ashworth", "adverse"]').replace("n = 4\n", "n = 60\n")
    study = parse_study(text + '[[phase.arm]]\nname = "sham"\nplacebo = true\n')
    assert isinstance(study, TrialStudy)
    found = run_trial(study, RunOptions(replicates=2, block=64)).adverse
    assert found is not None
    shares = dict(found.filter(found["reaction"] == "drowsiness").select("arm", "share").rows())
    assert set(shares) == {"tablets", "sham"}
    assert 0.02 < shares["sham"] < 0.6, "what comes without any drug, by the placebo groups of the label"


def test_a_fixed_dose_is_a_step_and_no_ramp_to_the_next_visit() -> None:
    study = parse_study(TABLETS)
    assert isinstance(study, TrialStudy)
    found = run_trial(study, RunOptions(replicates=2, block=64))
    steps = found.doses.select("time_h", "mean").rows()
    assert steps == [(0.0, 0.0), (24.0, 30.0), (240.0, 0.0), (336.0, 0.0)]
    assert found.doses["unit"].unique().to_list() == ["mg/day"]
    assert found.visits["visit"].unique().sort().to_list() == ["0 week", "2 week"]


@pytest.fixture(scope="module")
def case() -> CaseStudy:
    text = load_study("case_ischaemic_tablets").text
    head = text[: text.index("[[event]]")]
    tablets = '[[event]]\nat = "{at}"\nkind = "tablets"\nproduct = "baclofen tablets"\ndose = "{dose}"\n'
    tablets += 'every = "8 hour"\n'
    events = tablets.format(at="120 day", dose="10 mg") + tablets.format(at="131 day", dose="20 mg")
    events += '[[event]]\nat = "162 day"\nkind = "stop tablets"\n'
    head = head.replace('duration = "24 month"', 'duration = "200 day"')
    study = parse_study(head + events)
    assert isinstance(study, CaseStudy)
    return study


def test_the_dose_of_a_case_changes_at_its_event_and_doubled_tablets_double_the_blood(case: CaseStudy) -> None:
    found = run_case(case)
    assert {"0 day", "14 day", "196 day"} <= set(found.visits["visit"]), "in the unit in which the file says how often"
    time, dose = found.course["time_h"].to_numpy(), found.course["dose_oral"].isel(patient=0).to_numpy()
    for at_h, before, after in ((120 * 24.0, 0.0, 30.0), (131 * 24.0, 30.0, 60.0), (162 * 24.0, 60.0, 0.0)):
        place = int(np.searchsorted(time, at_h))
        assert time[place] == at_h
        assert (dose[place - 1], dose[place]) == (before, after), "the line stands where the mark stands"
    course = found.course
    assert (course["plasma_trough"] <= course["plasma"]).all()
    assert (course["plasma_peak"] >= course["plasma"]).all()

    def at(day: float, name: str) -> float:
        return float(course[name].median("patient").sel(time_h=24.0 * day, method="nearest"))

    for name in ("plasma_trough", "plasma_peak"):
        assert at(160.0, name) / at(130.0, name) == pytest.approx(2.0, rel=0.02)
    assert at(160.0, "plasma_peak") > 1.5 * at(160.0, "plasma_trough")
