"""Laws of unblinding and of mistakes at entry: whoever has felt a reaction changes as much as the study says, from then
on, and nothing else; who is let in by mistake meets not the rules, and is known.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from study_examples import SIX_WEEKS_OF_TABLETS, leg_trial

from eutonia.errors import StudyError
from eutonia.study.design import TrialStudy, parse_study
from eutonia.trial import blocks
from eutonia.trial.analysis import Outcome
from eutonia.trial.patients import patient_table
from eutonia.trial.recruitment import Pool, draw_pool, people_told
from eutonia.trial.run import RunOptions, simulate
from eutonia.trial.unblinded import unblinded_told

pytestmark = pytest.mark.laws

WEEK = 168.0
PHASE, ARMS = "only", ("placebo", "tablets")
TEXT = leg_trial("felt", "Who feels a reaction", seed=12, n=48, pool=1024, at_least=2, rater="human").replace(
    '"ashworth", "adverse"]', '"ashworth", "reflex", "adverse"]'
) + SIX_WEEKS_OF_TABLETS.replace("nonspecific = false", "nonspecific = true").replace("10 mg", "20 mg").replace(
    "dropout = true", "dropout = false"
)


def study(felt: float | None, unfelt: float = 0.0, old: str = "", new: str = "") -> TrialStudy:
    """Return the trial with or without the table, and one piece of its text in place of another."""
    table = "" if felt is None else f"[phase.unblinding]\nfelt = {felt}\nunfelt = {unfelt}\n"
    found = parse_study(TEXT.replace("dropout = false\n", f"dropout = false\n{table}", 1).replace(old, new or old))
    assert isinstance(found, TrialStudy)
    return found


@cache
def pool() -> Pool:
    return draw_pool(study(None).population, 12, 1024)


def outcome_of(of: TrialStudy) -> Outcome:
    return simulate(of, pool(), RunOptions(1, workers=1), blocks.width_for(48, 1024))


@pytest.fixture(scope="module")
def usual() -> Outcome:
    return outcome_of(study(None))


def same(one: Outcome, other: Outcome, who: np.ndarray, arm: str, visit: int) -> bool:
    mine, theirs = (of.visits[PHASE, arm, visit].scores for of in (one, other))
    return all(np.array_equal(mine[name][..., who], theirs[name][..., who]) for name in mine)


def test_with_both_factors_one_nothing_changes(usual: Outcome) -> None:
    ones = outcome_of(study(1.0, 1.0))
    everybody = np.ones(48, dtype=bool)
    assert all(same(ones, usual, everybody, arm, visit) for arm in ARMS for visit in range(3))


def test_who_has_felt_a_reaction_by_a_visit_changes_and_the_others_do_not(usual: Outcome) -> None:
    """A program that goes by the arm and not by what is felt, or by what is felt later, or before the first, fails."""
    unmoved = outcome_of(study(None, old="nonspecific = true", new="nonspecific = false"))
    one_or_none = outcome_of(study(1.0, 0.0))
    differs = False
    for arm in ARMS:
        reactions = one_or_none.reactions[PHASE, arm].time_h
        for visit, week in enumerate((0, 2, 6)):
            felt = np.nanmin(np.where(np.isnan(reactions), np.inf, reactions), axis=0) <= week * WEEK
            assert same(one_or_none, usual, felt, arm, visit)
            assert same(one_or_none, unmoved, ~felt, arm, visit)
            differs |= not same(usual, unmoved, ~felt, arm, visit)
            assert visit == 0 or (felt.any() and not felt.all())
    assert differs


def test_the_report_says_who_could_tell(usual: Outcome) -> None:
    assert not list(unblinded_told(usual))
    outcome = outcome_of(study(2.0, 0.5))
    (said,) = unblinded_told(outcome)
    shares = [
        float(np.mean(~np.isnan(outcome.reactions[PHASE, arm].time_h[:, outcome.in_arm(PHASE, arm)]).all(axis=0)))
        for arm in ARMS
    ]
    assert f"placebo {100 * shares[0]:.0f} %, tablets {100 * shares[1]:.0f} %" in said
    assert f"placebo {1 - 2 * shares[0]:+.2f}, tablets {2 * shares[1] - 1:+.2f}" in said


def test_of_a_phase_that_nobody_entered_nothing_is_told() -> None:
    """A mean over nobody is no number, and warns."""
    outcome = outcome_of(study(2.0, 0.5))
    outcome.entered[PHASE][:] = False
    assert not list(unblinded_told(outcome))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('masking = "double blind"', 'masking = "open"', "Everybody knows what they are given"),
        ("nonspecific = true", "nonspecific = false", "No score changes without a drug effect"),
        (', "adverse"]', "]", "No reaction is watched for"),
    ],
)
def test_a_phase_in_which_nobody_is_unblinded_is_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(StudyError, match=f"(?s){said}.*Allowed.*Do"):
        study(2.0, 0.5, old, new)


def test_who_is_let_in_by_mistake_meets_not_the_rules_and_the_table_says_who() -> None:
    mistaken = study(None, old="pool = 1024", new="pool = 1024\nineligible = 0.25")
    pool = draw_pool(mistaken.population, 12, 1024)
    outcome = simulate(mistaken, pool, RunOptions(20, workers=1), 1024)
    people = patient_table(outcome)
    legs = pool.scores["ashworth"][0][outcome.member]
    share = float(people["eligible"].mean())
    assert abs(share - 0.75) < 4 * np.sqrt(0.25 * 0.75 / 960)
    np.testing.assert_array_equal(people["eligible"].to_numpy(), pool.eligible[outcome.member])
    assert legs[~people["eligible"].to_numpy()].max() < legs[people["eligible"].to_numpy()].mean()
    assert any("let in though" in said for said in people_told(mistaken.population, pool))
    with pytest.raises(StudyError, match="everybody meets them"):
        parse_study(
            TEXT.replace("pool = 1024", "pool = 1024\nineligible = 0.25").replace("[[population.entry]]", "[x]")
        )
