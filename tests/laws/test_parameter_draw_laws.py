"""A trial whose numbers are drawn: which trial has which, that each is what it would be alone, what is said of it."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from study_examples import STROKE

from eutonia import parameters
from eutonia.errors import StudyError
from eutonia.patient import Cohort
from eutonia.report import short
from eutonia.study.design import TrialStudy, parse_study
from eutonia.study.people import StudyPopulation
from eutonia.trial import parameter_draws
from eutonia.trial import run as runs
from eutonia.trial.recruitment import Pool, draw_pool
from eutonia.trial.result import StudyResult
from eutonia.trial.run import RunOptions, run_trial, simulate

pytestmark = pytest.mark.laws

TRIALS, WIDTH = 40, 64
HELD = {"parameters": "frozen", "why": "--parameters posterior draws them", "width": None}
STUDY = f"""
[study]
name = "draws"
title = "A bolus, for tests"
kind = "trial"
seed = 12
[population]
n = 3
pool = 512
{STROKE}
[[population.entry]]
scale = "ashworth"
limb = "leg"
at_least = 2
[assessment]
side = "affected"
limbs = ["leg"]
scales = ["ashworth"]
rater = "human"
[[phase]]
name = "bolus"
design = "single"
masking = "open"
visits = ["0 hour", "4 hour"]
nonspecific = true
dropout = false
[[phase.arm]]
name = "drug"
[[phase.arm.treatment]]
product = "Lioresal Intrathecal"
route = "intrathecal bolus"
dose = "25 ug"
at = "0 hour"
access = "lumbar puncture"
"""


def study(**head: str) -> TrialStudy:
    found = parse_study(STUDY).override(**head)
    assert isinstance(found, TrialStudy)
    return found


@functools.cache
def run(held: str) -> StudyResult:
    """Return the run with two draws in place of twenty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parameter_draws, "DRAWS", 2)
        return run_trial(study(parameters=held), RunOptions(TRIALS, block=WIDTH, workers=1))


def scores(result: StudyResult, trials: slice = slice(None)) -> np.ndarray:
    of = result.visits.filter(result.visits["item"] == "mean").sort("replicate", "patient", "visit")
    return np.asarray(of["score"]).reshape(TRIALS, -1)[trials]


def test_each_trial_is_what_it_would_be_alone_with_the_numbers_of_its_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameter_draws, "DRAWS", 2)
    of = study()
    for k, numbers in enumerate(parameter_draws.drawn(of)):
        with parameters.using(numbers):
            pool = draw_pool(of.population, of.seed, WIDTH, of.oral_model)
            alone = simulate(of, pool, RunOptions(TRIALS, block=WIDTH, workers=1), WIDTH)
        charted = np.stack([alone.visits["bolus", "drug", visit].scores["ashworth"][0] for visit in (0, 1)], axis=-1)
        alone_scores = charted.reshape(TRIALS, -1)[k::2]
        np.testing.assert_array_equal(scores(run("posterior"), slice(k, None, 2)), alone_scores)


def test_numbers_are_drawn_where_that_is_asked_and_only_where_an_interval_is_printed() -> None:
    assert parameter_draws.asked(study(parameters="posterior"), TRIALS)
    assert not parameter_draws.asked(study(parameters="posterior"), TRIALS - 1)
    assert not parameter_draws.asked(study(), 500)
    assert not parameter_draws.asked(study(parameters="frozen"), 500)
    assert np.any(scores(run("posterior")) != scores(run("frozen")))


def test_the_record_and_the_first_page_say_what_an_interval_holds() -> None:
    drawn, held = run("posterior"), run("frozen")
    assert drawn.run["numbers"]["parameters"] == "posterior"
    assert "--parameters posterior" in drawn.run["command"]
    assert held.run["numbers"] | {"width": None} == HELD
    # Drawn or held, the run rests on the same records, each as it is on record.
    assert "overridden" not in drawn.run["counts_by_status"]
    assert set(held.run["rests_on"]) <= set(drawn.run["rests_on"])
    said, other = (" ".join(short.sentences(one)) for one in (drawn, held))
    assert "what is unknown of the numbers of the science (2 draws" in said
    assert "not what is unknown of the numbers of the science: those are held at their records" in other
    table = drawn.frame().filter(drawn.frame()["visit"] == drawn.frame()["visit"][-1])
    assert (table.select("from_sample", "from_parameters", "from_site").sum_horizontal() - 1.0).abs().max() < 1e-12
    assert set(held.frame()["from_parameters"].drop_nulls()) == {0.0}


def test_draws_that_the_population_speaks_against_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameter_draws, "DRAWS", 2)
    real = runs.draw_pool

    def spoken_against(given: StudyPopulation, seed: int, width: int, oral: str, cohort: Cohort | None = None) -> Pool:
        if cohort is not None and parameters.active().given == parameter_draws.drawn(study())[1]:
            raise StudyError("this population cannot have the published entry scores")
        return real(given, seed, width, oral, cohort)

    monkeypatch.setattr(runs, "draw_pool", spoken_against)
    result = run_trial(study(parameters="posterior"), RunOptions(TRIALS, block=WIDTH, workers=1))
    assert result.run["numbers"]["refused"] == 1
    np.testing.assert_array_equal(scores(result, slice(1, None, 2)), scores(run("frozen"), slice(1, None, 2)))
    assert "Under 1 of the draws this population could not have" in " ".join(short.sentences(result))


def test_a_case_does_not_say_whether_numbers_are_drawn() -> None:
    from eutonia.study.design import load_study

    with pytest.raises(StudyError, match="A case holds the numbers of the science"):
        load_study("case_ischaemic_tablets").override(parameters="frozen")
