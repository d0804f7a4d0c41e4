"""Recruitment: the cohort has the published entry scores by the smallest change of the population, or is refused."""

from __future__ import annotations

import numpy as np
import pytest

from eutonia.errors import StudyError
from eutonia.trial.weighting import EntryMoment, Weights, weigh

POOL = 6000


@pytest.fixture
def scores() -> np.ndarray:
    """Return two scores of a pool that go together: mostly mild, some severe."""
    luck = np.random.default_rng(3)
    severity = luck.gamma(1.5, 0.8, POOL)
    leg = np.clip(1 + severity + 0.4 * luck.standard_normal(POOL), 1, 5)
    arm = np.clip(1 + 0.7 * severity + 0.6 * luck.standard_normal(POOL), 1, 5)
    return np.stack([leg, arm])


EVERYBODY = np.ones(POOL, dtype=bool)


def spread(score: np.ndarray, weights: Weights) -> float:
    mean = score @ weights.probability
    return float(np.sqrt((score - mean) ** 2 @ weights.probability))


def test_without_published_levels_everybody_eligible_is_as_likely(scores: np.ndarray) -> None:
    eligible = scores[0] >= 3
    weights = weigh(eligible, [])
    assert np.all(weights.probability[~eligible] == 0)
    np.testing.assert_allclose(weights.probability[eligible], 1 / eligible.sum())
    assert weights.effective == pytest.approx(eligible.sum())


def test_of_those_let_in_by_mistake_each_is_as_likely_and_together_they_are_the_share_asked(scores: np.ndarray) -> None:
    eligible = scores[0] >= 2
    strict = weigh(eligible, [EntryMoment("leg ashworth", scores[0], 3.3, 0.9)])
    mixed = strict.letting_in(~eligible, 0.1)
    np.testing.assert_allclose(mixed.probability[~eligible], 0.1 / (~eligible).sum())
    np.testing.assert_allclose(mixed.probability[eligible], 0.9 * strict.probability[eligible])
    assert mixed.effective == pytest.approx(1 / np.sum(mixed.probability**2))
    with pytest.raises(StudyError, match="everybody in the pool meets"):
        strict.letting_in(np.zeros_like(eligible), 0.1)


def test_means_and_spreads_are_those_published(scores: np.ndarray) -> None:
    eligible = scores[0] >= 2
    targets = [EntryMoment("leg ashworth", scores[0], 3.3, 0.9), EntryMoment("arm ashworth", scores[1], 2.6, 0.8)]
    weights = weigh(eligible, targets)
    assert weights.probability.sum() == pytest.approx(1.0)
    assert np.all(weights.probability >= 0)
    assert np.all(weights.probability[~eligible] == 0)
    for moment in targets:
        assert moment.score @ weights.probability == pytest.approx(moment.mean, abs=1e-3)
        assert spread(moment.score, weights) == pytest.approx(moment.sd, abs=1e-3)
    assert weights.effective == pytest.approx(1 / np.sum(weights.probability**2))


def test_a_level_without_a_spread_leaves_the_spread_free(scores: np.ndarray) -> None:
    free = weigh(EVERYBODY, [EntryMoment("leg ashworth", scores[0], 3.0, None)])
    tied = weigh(EVERYBODY, [EntryMoment("leg ashworth", scores[0], 3.0, 0.5)])
    assert scores[0] @ free.probability == pytest.approx(3.0, abs=1e-3)
    assert spread(scores[0], tied) == pytest.approx(0.5, abs=1e-3)
    assert spread(scores[0], free) > 0.6
    assert free.effective > tied.effective


def test_scatter_of_raters_is_taken_off_the_published_spread(scores: np.ndarray) -> None:
    weights = weigh(EVERYBODY, [EntryMoment("leg ashworth", scores[0], 3.0, 0.8, noise_sd=0.4)])
    assert spread(scores[0], weights) == pytest.approx(np.sqrt(0.8**2 - 0.4**2), abs=1e-3)


def test_the_change_is_the_smallest_there_is(scores: np.ndarray) -> None:
    """Exponential tilting: the log of the weights is linear in score and squared score."""
    weights = weigh(EVERYBODY, [EntryMoment("leg ashworth", scores[0], 3.0, 0.8)])
    log = np.log(weights.probability)
    design = np.stack([np.ones(POOL), scores[0], scores[0] ** 2])
    fitted = np.linalg.lstsq(design.T, log, rcond=None)[0] @ design
    np.testing.assert_allclose(fitted, log, atol=1e-6)


def test_levels_that_the_population_has_already_change_nothing(scores: np.ndarray) -> None:
    own = EntryMoment("leg ashworth", scores[0], float(scores[0].mean()), float(scores[0].std()))
    weights = weigh(EVERYBODY, [own])
    np.testing.assert_allclose(weights.probability * POOL, 1.0, atol=1e-6)


def test_nobody_eligible_is_an_error_that_says_what_to_do(scores: np.ndarray) -> None:
    with pytest.raises(StudyError, match=r"population\.entry: nobody .*Allowed: .*Nearest: .*Do: loosen"):
        weigh(scores[0] > 9, [])


@pytest.mark.parametrize(("mean", "sd"), [(4.99, 0.05), (1.5, 2.5), (7.0, None)])
def test_levels_out_of_reach_are_an_error_that_names_the_nearest(
    scores: np.ndarray, mean: float, sd: float | None
) -> None:
    with pytest.raises(StudyError) as caught:
        weigh(
            EVERYBODY,
            [EntryMoment("leg ashworth", scores[0], mean, sd), EntryMoment("arm ashworth", scores[1], 2.0, None)],
        )
    message = str(caught.value)
    assert message.startswith("population.baseline: ")
    assert f"leg ashworth: asked {mean:g}" in message
    assert "nearest " in message
    assert "arm ashworth: asked 2, nearest " in message
    assert "Do: enlarge population.pool" in message


def test_a_cohort_that_rests_on_a_handful_of_people_is_refused(scores: np.ndarray) -> None:
    few = np.argsort(scores[0])[-20:]
    eligible = np.zeros(POOL, dtype=bool)
    eligible[few] = True
    with pytest.raises(StudyError, match="different people would carry the whole cohort"):
        weigh(eligible, [EntryMoment("leg ashworth", scores[0], float(scores[0][few].mean()), None)])


def test_luck_picks_members_as_often_as_they_weigh(scores: np.ndarray) -> None:
    weights = weigh(scores[0] >= 2, [EntryMoment("leg ashworth", scores[0], 3.3, 0.9)])
    luck = (np.arange(200_000) + 0.5) / 200_000
    picked = weights.choose(luck)
    assert np.all(weights.probability[picked] > 0)
    assert scores[0][picked].mean() == pytest.approx(3.3, abs=2e-3)
    assert np.all(np.diff(picked) >= 0)


def test_the_ends_of_luck_pick_somebody_eligible(scores: np.ndarray) -> None:
    eligible = scores[0] >= 3
    eligible[0], eligible[-1] = False, False
    weights = weigh(eligible, [])
    picked = weights.choose(np.array([0.0, np.nextafter(1.0, 0.0)]))
    assert np.all(eligible[picked])
