"""Time to improvement: what a study may say of it, who is censored, how often it is right, and what a report shows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from analysis_examples import PRIMARY, made, study

from eutonia.errors import StudyError
from eutonia.report.trial import analysis_words
from eutonia.trial.analyse import analyse
from eutonia.trial.analysed import Analysed
from eutonia.trial.analysis import Outcome

pytestmark = pytest.mark.unit

TIMES = PRIMARY.replace("limb", 'measure = "time to improvement"\nimprovement = 0.5\nlimb')


def scores(trials: int, share: float, seed: int) -> np.ndarray:
    """Return scores at three visits of people who wait at 3.0 and, each visit with this chance, improve to 2.0."""
    improves = np.random.default_rng(seed).random((2, 40 * trials)) < share
    return np.where(np.concatenate([np.zeros((1, 40 * trials), dtype=bool), np.maximum.accumulate(improves)]), 2.0, 3.0)


def analysed(outcome: Outcome) -> Analysed:
    found = analyse(outcome)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("improvement = 0.5", 'method = "MMRM"', ["a time of each person", '"time to event"']),
        ('measure = "time to improvement"\nimprovement = 0.5', 'method = "time to event"', ['"MMRM", "ANCOVA"']),
        ('"hypothetical"', '"while on treatment"', ["might have improved later", '"composite"']),
        ('"hypothetical"', '"treatment policy"', ['Allowed: "hypothetical" or "composite"']),
    ],
)
def test_what_does_not_fit_a_time_is_refused_with_what_to_do(old: str, new: str, says: list[str]) -> None:
    with pytest.raises(StudyError) as caught:
        study(TIMES.replace(old, new))
    for words in (*says, "Do: "):
        assert words in " ".join(str(caught.value).split())


def test_without_a_difference_it_errs_at_its_level_and_with_one_its_interval_holds_the_truth() -> None:
    of, trials = study(TIMES), 1000
    first, second = scores(trials, 0.3, 1), scores(trials, 0.5, 2)
    null = analysed(made(of, first, first, trials, leave=0.1)).characteristics.row(0, named=True)
    assert null["alike"]
    assert null["rejected"] == pytest.approx(0.05, abs=3 * null["rejected_error"])
    row = analysed(made(of, first, second, trials, leave=0.1)).characteristics.row(0, named=True)
    # Between that of continuous time, log(log(1 - 0.5) / log(1 - 0.3)), and that of the odds, which ties shrink it to.
    assert 0.4 < row["truth"] < np.log(np.log(0.5) / np.log(0.7))
    assert row["coverage"] == pytest.approx(0.95, abs=3 * row["coverage_error"])
    assert abs(row["estimate_bias"]) < 0.05
    assert row["unit"] == "log hazard ratio"


def test_whoever_leaves_is_censored_or_waits_to_the_end() -> None:
    """Everybody on tablets would improve at the last visit, and a quarter has left by then."""
    first, second = np.full((3, 80), 3.0), np.full((3, 80), 3.0)
    second[2] = 2.0
    at_end = {}
    for estimand in ("hypothetical", "composite"):
        outcome = made(study(TIMES.replace("hypothetical", estimand)), first, second, 2, leave=0.25)
        table = analysed(outcome).survival
        assert table is not None
        at_end[estimand] = table.row(1, named=True)
        assert table.row(0, named=True)["events"] == 0.0
    gone = float(outcome.left["only"][1::2].mean())
    assert 0.0 < gone < 1.0
    assert at_end["hypothetical"]["happened"] == at_end["hypothetical"]["happened_truth"] == 1.0
    assert at_end["hypothetical"]["at_risk"] == pytest.approx(20 * (1 - gone))
    assert at_end["composite"]["at_risk"] == 20
    assert at_end["composite"]["happened"] == pytest.approx(1 - gone)


def test_an_arm_without_an_event_is_tested_and_has_no_ratio() -> None:
    """The first trial's placebo never improves, and the report says so."""
    first, second = scores(2, 0.3, 1), scores(2, 0.6, 2)
    first[:, :40] = 3.0
    found = analysed(made(study(TIMES), first, second, 2))
    assert found.trials["p"][0] < 0.001
    assert found.trials["rejected"][0]
    assert found.trials["estimate"].is_null().to_list() == [True, False]
    row = found.characteristics.row(0, named=True)
    assert (row["no_answer"], row["unbounded"]) == (0, 1)
    told = analysis_words.endpoints(found)[0]
    assert any("In 1 of 2 trials the data do not bound the ratio" in note for note in told.notes)
    assert any(note.startswith("As a hazard ratio") for note in told.notes)
    assert told.first == "not bounded"


def test_where_no_trial_bounds_the_ratio_words_say_so_and_where_some_do_rates_are_theirs() -> None:
    """Everybody on tablets is better at once: ratio without bound, curve at 1 and no trial of it left out."""
    first, second = scores(60, 0.3, 1), np.full((3, 40 * 60), 2.0)
    first[1], second[0] = 3.0, 3.0
    found = analysed(made(study(TIMES), first, second, 60))
    assert found.survival is not None
    assert found.survival.filter(arm="tablets")["happened_low"].to_list() == [1.0, 1.0]
    told = analysis_words.endpoints(found)[0]
    assert (told.spread, told.coverage, told.bias) == ("the data of no trial bound the ratio", "–", "")
    first[:, :40], second[:, :40] = scores(1, 0.3, 3), scores(1, 0.5, 4)
    told = analysis_words.endpoints(analysed(made(study(TIMES), first, second, 60)))[0]
    assert told.coverage.endswith(" in the 1 trials of 60 that bound the ratio")


def test_ratios_keep_their_digits_beside_a_large_one() -> None:
    row = {"unit": "log hazard ratio", "estimate": np.log(250.0), "truth": np.log(0.4)}
    (told,) = analysis_words._ratio(row, {"estimate": 0.0, "low": np.log(0.0123), "high": None})
    assert told == "As a hazard ratio: 250 in the middle, true 0.4; the first trial 1 (0.0123 to –)."


def test_the_curve_is_of_the_people_of_the_look_at_which_a_trial_stopped() -> None:
    """All trials stop at half of their people; one of them is never seen again, and neither counts nor waits."""
    plan = "[analysis]\n[analysis.interim]\nlooks = [0.5]\n"
    first, second = np.full((3, 80), 3.0), np.full((3, 80), 2.0)
    second[0] = 3.0
    outcome = made(study(TIMES, plan=plan), first, second, 2)
    for name, k in itertools.product(("placebo", "tablets"), (1, 2)):
        outcome.visits["only", name, k].present[1] = False
    found = analysed(outcome)
    assert found.trials["look"].to_list() == [1, 1]
    assert found.trials.select("n_arm", "n_against").rows() == [(9, 10), (10, 10)]
    assert found.survival is not None
    assert found.survival.select("arm", "at_risk", "events").rows() == [
        *(("tablets", 9.5, 9.5), ("tablets", 0.0, 0.0)),
        *(("placebo", 10.0, 0.0), ("placebo", 10.0, 0.0)),
    ]
