"""Boundaries of group-sequential trials: published constants and sizes, and the error they were made for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from eutonia.statistics.group_sequential import StoppingRule, boundaries
from eutonia.statistics.names import Spending

pytestmark = pytest.mark.oracles

FIVE, THREE = [0.2, 0.4, 0.6, 0.8, 1.0], [1 / 3, 2 / 3, 1.0]


@pytest.mark.parametrize(
    ("kind", "information", "published"),
    [
        # ldbounds (R) and Reboussin, DeMets, Kim and Lan 2000, alpha 0.05 two-sided, five equal looks.
        ("O'Brien-Fleming", FIVE, [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        ("Pocock", FIVE, [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
        # rpact and gsDesign: typeOfDesign "asOF" (sfLDOF) and "asP" (sfLDPocock), alpha 0.025 one-sided.
        ("O'Brien-Fleming", THREE, [3.7103, 2.5114, 1.9930]),
        ("Pocock", THREE, [2.279, 2.295, 2.296]),
        ("O'Brien-Fleming", [0.25, 0.5, 0.75, 1.0], [4.333, 2.963, 2.359, 2.014]),
        ("O'Brien-Fleming", [0.5, 1.0], [2.9626, 1.9686]),
        ("O'Brien-Fleming", [1.0], [1.9600]),
    ],
)
def test_boundaries_are_the_published_ones(kind: Spending, information: list[float], published: list[float]) -> None:
    np.testing.assert_allclose(boundaries(kind, 0.05, information), published, atol=6e-4)


@pytest.mark.parametrize(
    ("looks", "power", "constant", "inflation", "falls"),
    [
        # Jennison and Turnbull 2000: constants and sizes against one look, of tables 2.1 to 2.4 at alpha 0.05.
        (3, 0.8, 2.289, 1.166, False),
        (5, 0.8, 2.413, 1.229, False),
        (5, 0.9, 2.413, 1.207, False),
        (3, 0.8, 2.004, 1.017, True),
        (5, 0.8, 2.040, 1.028, True),
        (5, 0.9, 2.040, 1.026, True),
    ],
)
def test_published_constants_err_and_find_as_often_as_they_were_made_to(
    looks: int, power: float, constant: float, inflation: float, falls: bool
) -> None:
    information = np.arange(1, looks + 1) / looks
    efficacy = constant / np.sqrt(information) if falls else np.full(looks, constant)
    rule = StoppingRule(tuple(information), tuple(efficacy), (-np.inf,) * looks)
    assert rule.crossings(0.0).sum() == pytest.approx(0.05, abs=2e-4)
    drift = (norm.isf(0.025) + norm.ppf(power)) * np.sqrt(inflation)
    assert rule.crossings(drift)[:, 0].sum() == pytest.approx(power, abs=1e-3)


def drawn(rule: StoppingRule, drift: float, trials: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the look at which trials of a Brownian motion stop, and their z there."""
    information = np.array(rule.information)
    steps = np.diff(information, prepend=0.0)
    b = np.cumsum(np.random.default_rng(5).normal(drift * steps, np.sqrt(steps), (trials, len(steps))), axis=1)
    z = b / np.sqrt(information)
    ends = (np.abs(z) >= rule.efficacy) | (z < rule.futility)
    ends[:, -1] = True
    look = ends.argmax(axis=1)
    return look, z[np.arange(trials), look]


RULE = StoppingRule.of("O'Brien-Fleming", 0.05, [0.5, 0.75, 1.0], 0.1)


def test_a_rule_with_futility_stops_where_drawn_trials_stop() -> None:
    trials = 20_000
    for drift in (0.0, 2.0):
        look, z = drawn(RULE, drift, trials)
        cut = np.array(RULE.efficacy)[look]
        for k, expected in enumerate(RULE.crossings(drift)):
            reasons = (z >= cut, z <= -cut, (np.abs(z) < cut) & (look < 2))
            for reason, known in zip(reasons, expected, strict=True):
                error = np.sqrt(max(known, 1e-4) / trials)
                assert np.mean(reason & (look == k)) == pytest.approx(known, abs=4 * error)


@pytest.mark.parametrize(("at", "shown"), [(0, 3.2), (1, 2.5), (1, 0.5), (2, 1.0), (2, 2.4), (0, -3.5)])
def test_under_the_median_unbiased_drift_half_of_trials_end_no_better(at: int, shown: float) -> None:
    """Outcomes in order: stopped above a boundary, the earlier the better; the last look; stopped below, likewise."""
    trials = 20_000
    look, z = drawn(RULE, RULE.median_unbiased(at, shown), trials)

    def rank(k: np.ndarray, value: np.ndarray) -> np.ndarray:
        return value + np.where(k == 2, 0.0, 100.0 * (2 - k) * np.where(value >= np.array(RULE.efficacy)[k], 1, -1))

    better = rank(look, z) >= rank(np.array(at), np.array(shown))
    assert np.mean(better) == pytest.approx(0.5, abs=3 * 0.5 / np.sqrt(trials))


def test_futility_is_that_of_conditional_power_under_the_trend() -> None:
    """Drawn on from the boundary under the drift that it shows, one trial in ten ends beyond the last boundary."""
    rule = StoppingRule.of("Pocock", 0.05, [0.4, 1.0], 0.1)
    z = rule.futility[0]
    onward = np.random.default_rng(2).normal(z / np.sqrt(0.4) * 0.6, np.sqrt(0.6), 20_000)
    assert np.mean(z * np.sqrt(0.4) + onward >= rule.efficacy[1]) == pytest.approx(0.1, abs=4 * np.sqrt(0.09 / 20_000))


def test_an_early_look_spends_nothing_and_costs_nothing() -> None:
    """At a twentieth of the information next to no error may be spent, and the search for its boundary has an end."""
    first, *others = boundaries("O'Brien-Fleming", 0.05, [0.05, 0.5, 1.0])
    assert first > 8.0
    np.testing.assert_allclose(others, boundaries("O'Brien-Fleming", 0.05, [0.5, 1.0]), atol=1e-6)


def test_futility_never_lies_above_efficacy() -> None:
    """Pocock's boundary falls next to nothing at the end, and at a late look half a chance is more than it asks."""
    rule = StoppingRule.of("Pocock", 0.05, [0.95, 1.0], 0.5)
    assert rule.futility[0] <= rule.efficacy[0]
    for drift in (0.0, 2.0):
        crossings = rule.crossings(drift)
        assert (crossings >= 0.0).all()
        assert crossings[0].sum() == pytest.approx(1.0)


def test_a_trial_far_beyond_every_boundary_has_a_median_unbiased_drift() -> None:
    """Late, it is hardly better than one that stops early with half a chance: its first boundary at half the people."""
    for at, z in ((2, 20.0), (1, 25.0), (0, 40.0), (2, -30.0)):
        assert np.isfinite(RULE.median_unbiased(at, z))
    assert RULE.median_unbiased(1, 25.0) == pytest.approx(RULE.efficacy[0] / np.sqrt(0.5), abs=1e-6)
