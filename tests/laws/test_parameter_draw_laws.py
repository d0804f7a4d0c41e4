"""A trial whose numbers are drawn: which trial has which, that each is what it would be alone, what is said of it."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from concurrent.futures import Executor, Future
from contextvars import Context
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars
import pytest
from polars.testing import assert_frame_equal
from study_examples import leg_trial

from eutonia import parameters
from eutonia.errors import SimulationError, StudyError
from eutonia.patient import Cohort
from eutonia.report import short
from eutonia.study.design import TrialStudy, parse_study
from eutonia.study.people import StudyPopulation
from eutonia.trial import parameter_draws
from eutonia.trial import run as runs
from eutonia.trial.patients import patient_table
from eutonia.trial.recruitment import Pool, draw_pool
from eutonia.trial.result import StudyResult
from eutonia.trial.run import RunOptions, run_trial, simulate
from eutonia.trial.tables import scores_of
from eutonia.trial.work import TrialJob

pytestmark = pytest.mark.laws

TRIALS, WIDTH = 40, 64
OPTIONS = RunOptions(TRIALS, block=WIDTH, workers=1, potential_outcomes=True)
HELD = {"parameters": "frozen", "why": "--parameters posterior draws them", "width": None, "width_error": None}
STUDY = (
    leg_trial("draws", "Tablets", seed=12, n=3, pool=512, at_least=2, rater="human").replace(
        "pool = 512", "pool = 512\nineligible = 0.3"
    )
    + """\
[[phase]]
name = "tablets"
design = "parallel"
masking = "double blind"
visits = ["0 day", "7 day"]
nonspecific = true
dropout = true
[[phase.arm]]
name = "nothing"
placebo = true
[[phase.arm]]
name = "drug"
[[phase.arm.treatment]]
product = "baclofen tablets"
route = "oral"
dose = "10 mg"
every = "8 hour"
[phase.arm.titration]
policy = "oral label"
step = "10 mg"
max = "20 mg"
every = "3 day"
"""
)


def study(**head: str) -> TrialStudy:
    found = parse_study(STUDY).override(**head)
    assert isinstance(found, TrialStudy)
    return found


@functools.cache
def run(held: str) -> StudyResult:
    """Return the run with two draws in place of twenty."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parameter_draws, "DRAWS", 2)
        return run_trial(study(parameters=held), OPTIONS)


def scores(result: StudyResult, which: Iterable[int] = range(TRIALS)) -> polars.DataFrame:
    """Return what everybody of some trials scored, in either arm."""
    assert result.potential is not None
    return both(result.visits, result.potential, which)


def both(visits: polars.DataFrame, potential: polars.DataFrame, which: Iterable[int]) -> polars.DataFrame:
    found = polars.concat([visits, potential]).filter(polars.col("replicate").is_in(list(which)))
    return found.sort("patient", "arm", "visit", "scale", "item")


def test_each_trial_is_what_it_would_be_alone_with_the_numbers_of_its_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameter_draws, "DRAWS", 2)
    of = study()
    for k, numbers in enumerate(parameter_draws.drawn(of)):
        with parameters.using(numbers):
            pool = draw_pool(of.population, of.seed, WIDTH, of.oral_model)
            alone = simulate(of, pool, OPTIONS, WIDTH)
        mine, whole = range(k, TRIALS, 2), (scores_of(alone).table(), scores_of(alone, unobserved=True).table())
        assert_frame_equal(scores(run("posterior"), mine), both(*whole, mine))
        its = polars.col("replicate").is_in(list(mine))  # the patients' table says, too, who meets the rules of entry
        assert_frame_equal(run("posterior").patients.filter(its), patient_table(alone).filter(its))


def test_numbers_are_drawn_where_that_is_asked_and_only_where_an_interval_is_printed() -> None:
    assert parameter_draws.asked(study(parameters="posterior"), TRIALS)
    assert not parameter_draws.asked(study(parameters="posterior"), TRIALS - 1)
    assert parameter_draws.asked(study(), TRIALS)
    assert not parameter_draws.asked(study(parameters="frozen"), 500)
    assert not scores(run("posterior")).equals(scores(run("frozen")))


def test_the_record_and_the_first_page_say_what_an_interval_holds() -> None:
    drawn, held = run("posterior"), run("frozen")
    assert drawn.run["numbers"]["parameters"] == "posterior"
    assert "--parameters posterior" in drawn.run["command"]
    assert held.run["numbers"] | dict.fromkeys(("width", "width_error")) == HELD
    for result in (drawn, held):
        assert sum(result.run["numbers"]["width"].values()) == pytest.approx(1.0, abs=2e-3)
    # Drawn or held, the run rests on the same records, each as it is on record.
    assert "overridden" not in drawn.run["counts_by_status"]
    assert set(held.run["rests_on"]) <= set(drawn.run["rests_on"])
    said, other = (" ".join(short.sentences(one)) for one in (drawn, held))
    assert "what is unknown of the numbers of the science (2 draws" in said
    assert "not what is unknown of the numbers of the science: those are held at their records" in other
    table = drawn.frame().filter(drawn.frame()["visit"] == drawn.frame()["visit"][-1])
    assert (table.select("from_sample", "from_parameters", "from_site").sum_horizontal() - 1.0).abs().max() < 1e-12
    assert set(held.frame()["from_parameters"].drop_nulls()) == {0.0}


def test_draws_that_are_no_other_numbers_leave_every_table_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three groups of trials are computed apart and joined by person: whoever stands in another's place is found."""
    monkeypatch.setattr(parameter_draws, "DRAWS", 3)
    monkeypatch.setattr(parameter_draws, "drawn", lambda _: [{}, {}, {}])
    mine, held = run_trial(study(parameters="posterior"), OPTIONS), run("frozen")
    for table in ("visits", "potential", "doses", "adverse", "reactions", "patients", "responders"):
        assert_frame_equal(getattr(mine, table), getattr(held, table))
    assert mine.consort == held.consort


class Elsewhere(Executor):
    """Does each piece as a worker in another process does: of the numbers it knows what it was sent."""

    def submit(self, do: Any, /, *args: Any, **_: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(Context().run(do, *args))
        return done


def test_blocks_of_draws_are_kept_and_come_from_other_processes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(parameter_draws, "DRAWS", 2)
    of, keep = study(parameters="posterior"), tmp_path / "run"
    away = replace(OPTIONS, executor=Elsewhere(), keep=keep)
    assert_frame_equal(run_trial(of, away).visits, run("posterior").visits)
    first, second = sorted(keep.glob("block-*"))
    second.unlink()
    done: list[tuple[int, int]] = []
    real = TrialJob.do
    monkeypatch.setattr(TrialJob, "do", lambda job, piece: done.append(piece.key) or real(job, piece))
    again = run_trial(of, replace(OPTIONS, keep=keep))
    assert done == [(0, 1)]
    assert sorted(keep.glob("block-*")) == [first, second]
    assert_frame_equal(again.visits, run("posterior").visits)
    assert again.run["rests_on"] == run("posterior").run["rests_on"]
    monkeypatch.setattr(parameter_draws, "DRAWS", 4)
    with pytest.raises(SimulationError, match="another one: draws of numbers"):
        run_trial(of, replace(OPTIONS, keep=keep))


def test_draws_that_the_population_speaks_against_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameter_draws, "DRAWS", 2)
    real = runs.draw_pool

    def spoken_against(given: StudyPopulation, seed: int, width: int, oral: str, cohort: Cohort | None = None) -> Pool:
        if cohort is not None and parameters.active().given == parameter_draws.drawn(study())[1]:
            raise StudyError("this population cannot have the published entry scores")
        return real(given, seed, width, oral, cohort)

    monkeypatch.setattr(runs, "draw_pool", spoken_against)
    result = run_trial(study(parameters="posterior"), OPTIONS)
    assert result.run["numbers"]["refused"] == 1
    assert_frame_equal(scores(result, range(1, TRIALS, 2)), scores(run("frozen"), range(1, TRIALS, 2)))
    assert "Under 1 of the draws this population could not have" in " ".join(short.sentences(result))


def test_a_case_does_not_say_whether_numbers_are_drawn() -> None:
    from eutonia.study.design import load_study

    with pytest.raises(StudyError, match="A case holds the numbers of the science"):
        load_study("case_ischaemic_tablets").override(parameters="frozen")
