"""Analysis of a crossover: people as blocks, periods removed, and what is left over from the first of them told."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from study_examples import STROKE, TEST_BOLUS

import eutonia
from eutonia.errors import StudyError
from eutonia.report.trial import analysis_words
from eutonia.statistics.two_arms import NO_EFFECT, within_people
from eutonia.study.design import TrialStudy, parse_study
from eutonia.trial.analyse import _true_of
from eutonia.trial.endpoints import contrasts_of
from eutonia.trial.recruitment import draw_pool
from eutonia.trial.result import Analysed, StudyResult
from eutonia.trial.run import RunOptions, run_trial, simulate

pytestmark = pytest.mark.unit

TEXT = f"""
[study]
name = "crossed"
title = "A test bolus against saline, for tests"
kind = "trial"
seed = 9
[population]
n = 12
pool = 1024
{STROKE}
[[population.entry]]
scale = "ashworth"
limb = "leg"
at_least = 2.5
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["ashworth"]
rater = "human"
[[phase]]
name = "bolus"
design = "crossover"
masking = "double blind"
washout = "WASHOUT"
visits = ["0 hour", "4 hour"]
nonspecific = false
dropout = false
[[phase.arm]]
name = "baclofen"
{TEST_BOLUS}[[phase.arm]]
name = "saline"
placebo = true
{TEST_BOLUS}[analysis]
[[analysis.endpoint]]
scale = "ashworth"
limb = "leg"
measure = "value"
estimand = "treatment policy"
method = "crossover"
"""


def study_of(washout: str) -> TrialStudy:
    found = parse_study(TEXT.replace("WASHOUT", washout))
    assert isinstance(found, TrialStudy)
    return found


def run(study: TrialStudy, replicates: int = 40) -> StudyResult:
    return run_trial(study.override(parameters="frozen"), RunOptions(replicates, workers=1))


def by_least_squares(y: Any, arm: Any, period: Any, person: Any) -> tuple[float, float, int]:
    """Return estimate, standard error and degrees of freedom of score = person + period + arm."""
    design = np.column_stack([person[:, None] == np.arange(person.max() + 1), period == 1, arm == 0]).astype(float)
    slopes, left, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    df = len(y) - rank
    variance = float(left[0]) / df
    return float(slopes[-1]), float(np.sqrt(variance * np.linalg.inv(design.T @ design)[-1, -1])), int(df)


@pytest.mark.parametrize("sizes", [(5, 5), (9, 3), (2, 1)])
def test_it_is_least_squares_with_people_as_blocks(sizes: tuple[int, int]) -> None:
    luck = np.random.default_rng(sum(sizes))
    n = sum(sizes)
    arm_first = np.arange(n) < sizes[0]
    person = np.repeat(np.arange(n), 2)
    period = np.tile([0, 1], n)
    arm = np.where(np.repeat(arm_first, 2), period, 1 - period)
    y = 3.0 * luck.standard_normal(n)[person] + 0.7 * period - 1.1 * (arm == 0) + luck.standard_normal(2 * n)
    estimate, se, df = by_least_squares(y, arm, period, person)
    apart = y[arm == 0] - y[arm == 1]
    found = within_people(apart, arm_first, 0.05)
    assert (found.estimate, found.se, found.df) == pytest.approx((estimate, se, df), rel=1e-9)
    shifted = y + 5.0 * period
    again = within_people(shifted[arm == 0] - shifted[arm == 1], arm_first, 0.05)
    assert again == pytest.approx(found, rel=1e-9, nan_ok=True)  # whatever the second period adds


def test_without_both_orders_or_any_spread_there_is_no_answer() -> None:
    assert within_people(np.array([1.0, 2.0, 3.0]), np.ones(3, dtype=bool), 0.05) is NO_EFFECT
    assert within_people(np.ones(4), np.arange(4) < 2, 0.05) is NO_EFFECT


def row_of(analysed: Analysed | None) -> dict[str, Any]:
    assert analysed is not None
    return analysed.characteristics.row(0, named=True)


def test_a_washed_out_crossover_finds_what_is_true_and_leaves_nothing_over() -> None:
    result = run(study_of("7 day"))
    row = row_of(result.analysed)
    assert row["truth"] < -0.8
    assert abs(row["estimate_bias"]) < 3.0 * row["estimate_bias_error"] + 1e-9
    assert row["coverage"] > 0.8
    assert row["people"] == 12
    assert abs(row["carried_over"]) < 3.0 * row["carried_over_error"]
    told = analysis_words.endpoints(result.analysed)[0]
    assert any("no more than chance" in note for note in told.notes)
    assert result.analysed is not None
    assert result.analysed.trials["n_arm"].to_list() == [6] * 40  # the arm first


def test_a_washout_that_is_too_short_is_told() -> None:
    """Three hours after the last visit there is drug left, of which the model knows: the second period is lower."""
    result = run(study_of("3 hour"))
    row = row_of(result.analysed)
    assert row["carried_over"] < -3.0 * row["carried_over_error"]
    told = analysis_words.endpoints(result.analysed)[0]
    assert any("the washout is too short" in note for note in told.notes)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('method = "crossover"', 'method = "ANCOVA"', "By ANCOVA arms are compared where each person is in one"),
        ('method = "crossover"', 'method = "ANCOVA"', 'Write method = "crossover".'),
        ('design = "crossover"', 'design = "parallel"', "goes through both"),
        ('measure = "value"', 'measure = "responder"', "is a share of people"),
        ('"treatment policy"', '"while on treatment"', "Only who is seen in both periods has a difference."),
        (
            "[analysis]",
            '[[phase.arm]]\nname = "third"\nplacebo = true\n[analysis]',
            "Differences within people are those of two arms.",
        ),
    ],
)
def test_what_it_does_not_suit_is_refused(old: str, new: str, why: str) -> None:
    assert old in TEXT
    text = TEXT.replace("WASHOUT", "7 day").replace(old, new)
    if "parallel" in new:
        text = text.replace('washout = "7 day"\n', "")
    with pytest.raises(StudyError) as caught:
        parse_study(text)
    said = re.sub(r"\s+", " ", " ".join(str(one) for one in caught.value.faults))
    assert why in said


def test_two_arms_of_the_same_are_alike_though_each_period_has_its_own_luck() -> None:
    zeros, everybody = np.zeros(4), np.ones(4, dtype=bool)
    for study, alike in ((study_of("7 day"), False), (sham("7 day"), True)):
        (contrast,) = contrasts_of(study)
        assert contrast.gives_the_same is alike
        assert _true_of(contrast, zeros + 1.0, zeros, zeros, everybody) == (0.0 if alike else 1.0, alike)


def sham(washout: str) -> TrialStudy:
    text = TEXT.replace("WASHOUT", washout).replace('measure = "value"', 'measure = "value"\narm = "baclofen"')
    found = parse_study(text.replace('name = "baclofen"', 'name = "baclofen"\nplacebo = true'))
    assert isinstance(found, TrialStudy)
    return found


def test_a_dose_that_relieves_is_that_of_the_period_in_which_the_arm_was_given() -> None:
    """Whoever had baclofen first is on saline later, where no dose relieves."""
    text = eutonia.shipped()["loubser_1991"].read_text(encoding="utf-8")
    study = parse_study(text)
    assert isinstance(study, TrialStudy)
    study = study.override(n=16)
    found = simulate(study, draw_pool(study.population, 3, 64), RunOptions(replicates=4, workers=1), 64)
    known = np.isfinite(found.relieved_ug_per_h["infusion", "baclofen"])
    first = found.assigned["infusion"] == 0
    assert known[first].mean() > 0.5
    assert known[~first].mean() > 0.5


def test_who_rates_a_person_in_two_periods_errs_twice() -> None:
    """Nobody is given anything, and the people are alike at both first visits: what differs is the rater."""
    study = sham("7 day")
    found = simulate(study, draw_pool(study.population, 3, 64), RunOptions(replicates=5, workers=1), 64)
    first, second = (found.visits["bolus", arm, 0].scores["ashworth"][0] for arm in ("baclofen", "saline"))
    assert 0.1 < np.mean(first != second) < 0.5
    assert abs(np.mean(first - second)) < 0.1
