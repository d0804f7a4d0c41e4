"""Allocation that moves: what a study may say of it, its rule, where the people go, and how often such trials err."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from analysis_examples import HEAD, PRIMARY, made, study
from scipy import stats

from eutonia import _streams
from eutonia.errors import StudyError
from eutonia.report.trial import adaptive_words
from eutonia.statistics.response_adaptive import probability_better, share_of
from eutonia.statistics.two_arms import covariance_analysis
from eutonia.study.design import TrialStudy
from eutonia.trial import allocation
from eutonia.trial.analyse import analyse
from eutonia.trial.analysis import Outcome
from eutonia.trial.response_adaptive import adapted

pytestmark = pytest.mark.unit

TRIALS = 400
PLAN = "[analysis]\n[analysis.response_adaptive]\nlooks = [0.25, 0.5, 0.75]\nleast_share = 0.2\n"
COVARIANCE = PRIMARY.replace("limb", 'method = "ANCOVA"\nlimb')


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[0.25, 0.5, 0.75]", "[0.5, 0.25]", ["after the one before it"]),
        ("[0.25, 0.5, 0.75]", "[0.05]", ["a look tells nothing", "Take more people"]),
        ("least_share = 0.2", "least_share = 0.6", ["0.5"]),
        ("least_share = 0.2\n", "least_share = 0.2\n[analysis.interim]\nlooks = [0.5]\n", ["Remove one of the two"]),
        ('method = "ANCOVA"', 'method = "Wilcoxon"', ["a difference of means"]),
        ('name = "tablets"', 'name = "tablets"\nallocation = 2', ["given alike at first"]),
        ('name = "tablets"', 'name = "tablets"\ndropout = "1 1/year"', ["settled before allocation moves"]),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(old: str, new: str, says: list[str]) -> None:
    with pytest.raises(StudyError) as caught:
        study(COVARIANCE.replace(old, new), head=HEAD.replace(old, new), plan=PLAN.replace(old, new))
    for words in says:
        assert words in " ".join(str(caught.value).split())


def test_the_rule_is_that_of_its_source() -> None:
    """With all people seen the square roots; with nobody a half; after half of them the fourth roots.

    A program that forgets the 2 in n / 2N, or the least share, gives other shares.
    """
    p = np.array([0.1, 0.5, 0.9, 1.0, np.nan])
    assert share_of(p, 0, 40, 0.0).tolist() == [0.5] * 5
    np.testing.assert_allclose(share_of(p, 40, 40, 0.0)[:3], [0.25, 0.5, 0.75])
    assert share_of(p, 20, 40, 0.0)[2] == pytest.approx(0.9**0.25 / (0.9**0.25 + 0.1**0.25))
    assert share_of(p, 40, 40, 0.3).tolist() == [0.3, 0.5, 0.7, 0.7, 0.5]


def test_the_probability_is_that_of_draws_from_the_posterior() -> None:
    """Means and spread with flat priors are drawn by hand: variance by inverse chi-square, then both means."""
    draws = np.random.default_rng(1)
    first, second = draws.normal(2.6, 0.7, 14), draws.normal(3.0, 0.7, 11)
    y, is_first = np.concatenate([first, second]), np.arange(25) < 14
    effect = covariance_analysis(y, is_first, np.zeros(25), 0.05)
    rest = sum(float(np.sum((one - one.mean()) ** 2)) for one in (first, second))
    variance, n = rest / draws.chisquare(23, 200_000), 200_000
    apart = first.mean() - second.mean() + np.sqrt(variance * (1 / 14 + 1 / 11)) * draws.standard_normal(n)
    # A lower score is better.
    assert probability_better(effect, -1) == pytest.approx(np.mean(apart < 0), abs=4 * np.sqrt(0.25 / n))
    assert probability_better(effect, 1) == pytest.approx(1 - probability_better(effect, -1))


def planned() -> TrialStudy:
    return study(COVARIANCE, plan=PLAN)


def outcome(effect: float, seed: int = 3) -> Outcome:
    draws = np.random.default_rng(seed)
    own = draws.normal(3.0, 0.8, size=(1, 40 * TRIALS))
    first = own + draws.normal(0.0, 0.6, size=(3, 40 * TRIALS))
    second = first.copy()
    second[2] += effect
    return adapted(made(planned(), first, second, TRIALS))


def test_with_equal_arms_the_ratio_stays_and_the_level_holds() -> None:
    """Luck moves each trial, and not the mean of all; the test after it errs no more often than it may."""
    of = outcome(0.0)
    mine = of.by_replicate(of.in_arm("only", "tablets"))
    assert (mine[:, :10].sum(axis=1) == 5).all()
    later = mine[:, 10:].mean(axis=1)
    assert later.mean() == pytest.approx(0.5, abs=4 * later.std() / np.sqrt(TRIALS))
    assert later.std() > 1.1 * np.sqrt(0.25 / 30)  # not a coin that is fair whatever was seen
    found = analyse(of)
    assert found is not None
    row = found.characteristics.row(0, named=True)
    assert row["null_rejected"] == row["rejected"] == pytest.approx(0.05, abs=3.5 * row["null_rejected_error"])
    assert row["selects_best"] is None


def test_with_an_effect_more_people_get_the_better_arm() -> None:
    of = outcome(-0.8)
    found = analyse(of)
    assert found is not None
    assert found.stages is not None
    assert of.stages is not None
    row, shares = found.characteristics.row(0, named=True), found.stages["allocated_share"].to_list()
    assert shares[0] == 0.5
    assert shares == sorted(shares)
    assert shares[-1] > 0.6
    assert row["people_arm"] + row["people_against"] == pytest.approx(40)
    assert row["people_arm"] == pytest.approx(found.stages["allocated"].sum())
    assert abs(row["estimate_bias"]) < 0.1
    assert row["selects_best"] > 0.9
    assert row["null_rejected"] == pytest.approx(0.05, abs=3.5 * row["null_rejected_error"])
    assert row["rejected"] > row["null_rejected"]
    # Of one stage people are given the arm by luck of their own, so often as its share says.
    last = of.by_replicate(of.in_arm("only", "tablets"))[:, 30:].mean(axis=1)
    assert last.mean() == pytest.approx(of.stages.share[-1].mean(), abs=4 * np.sqrt(0.25 / (10 * TRIALS)))
    assert stats.pearsonr(last, of.stages.share[-1]).statistic > 0.2
    said = " ".join(adaptive_words.plain(found))
    assert f"{row['people_arm']:.1f}" in said
    assert "truly better looks better" in said


def test_stages_have_a_luck_of_their_own_that_no_list_and_no_round_has() -> None:
    """Whose place in a block is low would otherwise be given the arm later, too; a moved number gives other trials."""
    of = outcome(-0.8)
    assert of.stages is not None
    later, ends = of.by_replicate(of.in_arm("only", "tablets"))[:, 10:], (10, 20, 30, 40)

    def luck(at: int) -> np.ndarray:
        keys = _streams.keys(1, _streams.Purpose.ALLOCATION, np.arange(40 * TRIALS), at)
        return np.asarray(_streams.uniform(keys, 1)[0]).reshape(TRIALS, 40)

    share = np.repeat(of.stages.share[1:], np.diff(ends), axis=0).T
    np.testing.assert_array_equal(later, luck(100_000)[:, 10:] < share)
    for phase, rounds in ((0, 1), (0, 2), (1, 1)):
        of_list = luck(phase + allocation._PHASES * (rounds - 1))[:, 10:]
        assert abs(stats.pearsonr(of_list.ravel(), later.ravel()).statistic) < 4 / np.sqrt(later.size)


def test_later_people_change_nobody_before_them() -> None:
    """A look that sees whoever comes after it would move earlier stages."""
    of = outcome(-0.8)
    late = {
        key: replace(one, scores={name: score.copy() for name, score in one.scores.items()})
        for key, one in of.visits.items()
    }
    for one in late.values():
        for score in one.scores.values():
            score.reshape(*score.shape[:-1], TRIALS, 40)[..., 20:] += 5.0
    again = adapted(replace(of, visits=late))
    same = again.by_replicate(again.assigned["only"]) == of.by_replicate(of.assigned["only"])
    assert same[:, :30].all()
    assert not same.all()
