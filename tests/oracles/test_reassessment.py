"""Continual reassessment against SciPy's quadrature, a fine grid, and trials that are walked by hand with them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from jaxtyping import Bool
from scipy.integrate import quad
from scipy.stats import norm

from eutonia.statistics.reassessment import RiskModel, skeleton_of, walk

pytestmark = pytest.mark.oracles

SKELETON = np.array([0.05, 0.10, 0.20, 0.35, 0.50, 0.70])
SD = 1.34**0.5


def likelihood(b: float, people: np.ndarray, reacted: np.ndarray, skeleton: np.ndarray = SKELETON) -> float:
    risk = skeleton ** np.exp(b)
    return float(np.prod(risk**reacted * (1.0 - risk) ** (people - reacted)))


def by_scipy(people: np.ndarray, reacted: np.ndarray, target: float) -> tuple[float, float, float]:
    """Return mean and SD of the parameter and the probability that the lowest level is too risky, by adaptive steps."""

    def moment(power: int, upto: float = 12.0) -> float:
        return float(
            quad(
                lambda b: b**power * likelihood(b, people, reacted) * norm.pdf(b, 0.0, SD),
                -12.0,
                upto,
                limit=500,
                epsabs=1e-12 * likelihood(0.0, people, reacted),
                points=(-2.0, 0.0, 2.0) if upto > 2 else None,
            )[0]
        )

    whole = moment(0)
    mean = moment(1) / whole
    cut = float(np.log(np.log(target) / np.log(SKELETON[0])))
    return mean, float(np.sqrt(moment(2) / whole - mean**2)), moment(0, cut) / whole


@pytest.mark.parametrize(
    ("people", "reacted"),
    [
        ([0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]),
        ([0, 3, 4, 3, 0, 0], [0, 0, 2, 1, 0, 0]),  # the ten people of dfcrm's own example
        ([3, 0, 0, 0, 0, 0], [3, 0, 0, 0, 0, 0]),
        ([3, 3, 3, 3, 3, 45], [0, 0, 0, 0, 0, 2]),
    ],
)
def test_the_posterior_is_that_of_scipy_and_of_a_fine_grid(people: list[int], reacted: list[int]) -> None:
    n, y, target = np.array(people), np.array(reacted), 0.2
    found = RiskModel(SKELETON, target).after(n[None], y[None])
    mean, sd, too_risky = by_scipy(n, y, target)
    assert found.mean[0] == pytest.approx(mean, abs=1e-8)
    assert found.sd[0] == pytest.approx(sd, abs=1e-7)
    assert found.lowest_too_risky[0] == pytest.approx(too_risky, abs=1e-8)
    np.testing.assert_allclose(found.risk[0], SKELETON ** np.exp(mean), atol=1e-8)
    grid = np.linspace(-9.0, 9.0, 200_001)
    risk = SKELETON[:, None] ** np.exp(grid)
    log = y @ np.log(np.maximum(risk, 1e-300)) + (n - y) @ np.log(np.maximum(1.0 - risk, 1e-300))
    mass = np.exp(log - log.max() - 0.5 * (grid / SD) ** 2)
    assert found.mean[0] == pytest.approx(float(mass @ grid / mass.sum()), abs=1e-7)


def test_the_intervals_of_a_skeleton_have_one_half_width() -> None:
    # By hand: the level below is exp(log 0.19 log 0.25 / log 0.31), and so on.
    np.testing.assert_allclose(skeleton_of(0.25, 2, 5, 0.06), [0.062, 0.140, 0.250, 0.376, 0.502], atol=5e-4)
    for expected in (0, 3):
        found = skeleton_of(0.3, expected, 4, 0.07)
        assert found[expected] == pytest.approx(0.3)
        for low, high in pairwise(found):
            at = np.log(np.log(0.37) / np.log(high))  # the parameter at which the higher one has target + half width
            assert low ** np.exp(at) == pytest.approx(0.23)


def potential(trials: int = 12, n: int = 18) -> Bool[np.ndarray, "trial person level"]:
    """Return what people would have at each level: the same luck at all of them."""
    luck = np.random.default_rng(5).random((trials, n))
    return luck[..., None] < np.array([0.02, 0.08, 0.18, 0.3, 0.5, 0.7])


def test_a_trial_walks_as_it_does_when_it_is_walked_by_hand() -> None:
    reacts, target, cohort = potential(), 0.2, 3
    found = walk(RiskModel(SKELETON, target), reacts, np.ones_like(reacts), cohort, 1)
    for trial in range(4):
        n, y, level, highest = np.zeros(6, dtype=int), np.zeros(6, dtype=int), 1, 1
        for k in range(6):
            assert found.level[k, trial] == level
            n[level] += cohort
            hits = reacts[trial, cohort * k : cohort * (k + 1), level].sum()
            y[level] += hits
            assert found.reacted[: k + 1, trial].sum() == y.sum()
            risk = SKELETON ** np.exp(by_scipy(n, y, target)[0])
            highest = max(highest, level)
            top = min(highest + 1, 5) if hits < target * cohort else level  # coherent: no rise upon reactions
            level = min(range(top + 1), key=lambda one: abs(risk[one] - target))
        assert found.recommended[trial] == level


def test_no_untried_level_is_skipped_and_each_rule_stops_what_it_should() -> None:
    reacts = potential(40, 30)
    model, everybody = RiskModel(SKELETON, 0.2), np.ones_like(reacts)
    free = walk(model, reacts, everybody, 3, 0)
    assert (free.level >= 0).all()
    highest = np.maximum.accumulate(free.level, axis=0)
    assert (free.level[1:] <= highest[:-1] + 1).all()
    assert free.level.max() >= 3
    enough = walk(model, reacts, everybody, 3, 0, enough=9)
    for trial in range(40):
        levels = enough.level[enough.level[:, trial] >= 0, trial]
        treated = 3 * np.bincount(levels, minlength=6)
        assert treated[enough.recommended[trial]] >= 9 or len(levels) == 10
        assert treated.max() <= 9
    all_react = np.ones_like(reacts)
    stopped = walk(model, all_react, everybody, 3, 0, stop_above=0.9)
    assert stopped.too_risky.all()
    assert (stopped.recommended == -1).all()
    assert (stopped.level[:1] == 0).all()
    assert (stopped.level[-1] == -1).all()
    # Who could not be judged counts for nothing: a trial of them learns nothing.
    blind = walk(model, all_react, np.zeros_like(reacts), 3, 2)
    assert blind.people.sum() == 0
    np.testing.assert_allclose(blind.known[-1].mean, 0.0, atol=1e-12)


def test_no_level_rises_on_nobody_nor_right_upon_reactions() -> None:
    reacts = potential(200, 30)
    # The model expects the highest level, so without anybody who can be judged it would climb there.
    bold = RiskModel(skeleton_of(0.2, 5, 6, 0.05), 0.2)
    blind = walk(bold, reacts, np.zeros_like(reacts), 3, 1)
    assert (blind.level == 1).all()
    assert (blind.recommended == 1).all()
    half = np.random.default_rng(8).random(reacts.shape[:2]) < 0.4
    found = walk(bold, reacts, np.broadcast_to(half[..., None], reacts.shape).copy(), 3, 0)
    tried = np.maximum.accumulate(np.where(found.people > 0, found.level, -1), axis=0)
    assert (found.level[1:] <= np.maximum(tried[:-1] + 1, 0)).all()
    whole = walk(bold, reacts, np.ones_like(reacts), 3, 0)
    upon = whole.reacted[:-1] >= 0.2 * whole.people[:-1]
    assert upon.sum() > 100
    assert (whole.level[1:] <= whole.level[:-1])[upon].all()
    assert (whole.recommended <= whole.level[-1])[whole.reacted[-1] > 0].all()
