"""Rules of pumps in trials: judged on what each person of an arm was given, and counted."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from study_examples import STROKE

import eutonia
from eutonia.report import page
from eutonia.report.pump import broken_rules as told
from eutonia.study.design import TrialStudy, parse_study
from eutonia.trial.broken_rules import BrokenRule, _judged, may_break
from eutonia.trial.run import RunOptions, run_trial

pytestmark = pytest.mark.unit

HEAD = f"""
[study]
name = "rules"
title = "Two pumps and a sham"
kind = "trial"
seed = 5
[population]
n = 6
pool = 512
{STROKE}
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["ashworth"]
rater = "noiseless"
[[phase]]
name = "pump"
design = "parallel"
masking = "open"
visits = ["0 hour", "3 day", "10 day"]
nonspecific = false
dropout = false
"""
ARM = """
[[phase.arm]]
name = "{name}"
placebo = {placebo}
[[phase.arm.treatment]]
product = "Lioresal Intrathecal"
route = "intrathecal infusion"
rate = "{rate} ug/day"
tip = "T10"
{more}
"""


def test_each_arm_is_judged_by_what_its_people_are_given() -> None:
    """All of the arm that gets too much break the rule, those of the stopped arm another, and a sham breaks none."""
    arms = [("high", "false", 900, ""), ("stopped", "false", 300, 'stop = "5 day"'), ("sham", "true", 900, "")]
    text = HEAD + "".join(ARM.format(name=n, placebo=p, rate=r, more=m) for n, p, r, m in arms)
    study = parse_study(text)
    assert isinstance(study, TrialStudy)
    result = run_trial(study, RunOptions(2))
    found = {(one.arm, one.rule): one for one in result.broken}
    assert set(found) == {("high", "dose outside the usual range"), ("stopped", "abrupt stop")}
    people = result.patients
    assert people is not None
    for (arm, _), one in found.items():
        assert one.people == one.of == int((people["arm_pump"] == arm).sum()) > 0
    assert found["stopped", "abrupt stop"].is_hazard
    assert found["stopped", "abrupt stop"].when == "day 5"
    html = page.html(result)
    assert "Rules of pumps that are broken" in html
    assert "For example: 900 mcg/day is above the usual 90-703 mcg/day" in html
    assert "2 rules of pumps broken, 1 of them a hazard" in told.sentence(result)
    few, many = (BrokenRule(r, 0.0, "day 0", "", "", "", False, "pump", "x", k, 10) for r, k in (("a", 1), ("b", 9)))
    said = told.sentence(dataclasses.replace(result, broken=(few, many)))
    assert "most often “b”, by 9 of 10 people of the arm x" in said


@pytest.mark.parametrize(
    ("days", "rates", "rules"),
    [
        ((0, 1, 2), (100, 114, 130), set()),  # 15 % a day
        ((0, 1, 2), (100, 118, 139), {"step above the label"}),
        ((0, 21, 42), (100, 118, 139), set()),  # 20 % at visits
        ((0, 21, 42), (100, 130, 169), {"step above the label"}),
        ((0, 0.5), (100, 110), {"rise in the first day"}),
        ((0, 10), (200, 100), {"fall above the label"}),
        ((0, 10), (200, 0), {"abrupt stop"}),
        ((0, 10), (1200, 1200), {"dose above the label"}),
    ],
)
def test_steps_are_those_of_days_or_of_visits(
    days: tuple[float, ...], rates: tuple[float, ...], rules: set[str]
) -> None:
    found = _judged(np.array(days) * 24.0, np.array(rates, dtype=float) / 24.0, "cerebral")
    assert {one.rule for one in found} == rules


@pytest.mark.parametrize("origin", ["cerebral", "spinal"])
def test_nobody_who_breaks_a_rule_goes_unsuspected(origin: str) -> None:
    """Courses near every limit: whoever is judged to break a rule was suspected, and most who keep them were not."""
    luck = np.random.default_rng(1)
    days = np.cumsum([0.0, *luck.choice([0.5, 1.0, 2.0, 2.5, 21.0], 7)])
    steps = luck.choice([1.0, 1.0, 1.149, 1.151, 1.199, 1.201, 1.29, 0.81, 0.79], (7, 300))
    rates = np.cumprod(np.vstack([luck.choice([60.0, 250.0], 300) / 24.0, steps]), axis=0)
    rates[5:, :20] = 0.0
    until = luck.integers(1, 9, 300)
    suspected = may_break(days * 24.0, rates, until, origin)
    broken = np.array([bool(_judged(days[:k] * 24.0, rates[:k, i], origin)) for i, k in enumerate(until)])
    assert not np.any(broken & ~suspected)
    assert np.mean(suspected[~broken]) < 0.1
    assert 50 < broken.sum() < 290


def test_whoever_is_above_another_highest_dose_is_suspected() -> None:
    """The highest dose may be set below the usual ones, and is a rule then."""
    time_h, rate = np.array([0.0]), np.array([[150.0 / 24.0]])
    assert not may_break(time_h, rate, np.array([1]), "cerebral").any()
    with eutonia.using({"label_dosing.highest_dose": "100 ug/day"}):
        assert _judged(time_h, rate[:, 0], "cerebral")
        assert may_break(time_h, rate, np.array([1]), "cerebral").all()
