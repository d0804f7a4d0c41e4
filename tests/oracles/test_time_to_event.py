"""Log-rank, Cox, Kaplan-Meier against statsmodels 0.15.0 (survdiff; PHReg, ties="efron"; SurvfuncRight), run once."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from eutonia.statistics.time_to_event import Counts, counted, effects, hazard_ratios, kaplan_meier, log_rank

pytestmark = pytest.mark.oracles

# Weeks in remission and whether it ended, 21 people on 6-mercaptopurine and 21 on placebo: Freireich and others, 1963,
# as every textbook prints them.
TREATED = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
ENDED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
# Four visits at which nearly everything is tied: made up, arms in turn.
VISITS = [1, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 3, 1, 2, 1, 1, 3, 1, 2, 2, 1, 2, 1, 2, 1, 1, 4, 1, 1, 1, 1, 4, *[1] * 7]
FOUND = [1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0]
FOUND += [1, 1, 1, 1]


def counts(arm: list[int], time: list[int], event: list[int]) -> Counts:
    arms, last, seen = (np.array([one]) for one in (arm, time, event))
    return counted(arms, np.where(seen == 1, last, np.inf), last, max(time))


REMISSION = counts([1] * 21 + [0] * 21, TREATED + PLACEBO, ENDED + [1] * 21)
TIED = counts([k % 2 for k in range(40)], VISITS, FOUND)


@pytest.mark.parametrize(
    ("of", "chi_square", "ratio", "error"),
    [(REMISSION, 16.792940989, -1.57212515, 0.41239672), (TIED, 2.321684989, 0.56756111, 0.37870973)],
)
def test_log_rank_and_cox_are_those_of_another_program(
    of: Counts, chi_square: float, ratio: float, error: float
) -> None:
    assert log_rank(of)[0] ** 2 == pytest.approx(chi_square, rel=1e-9)
    assert np.sign(log_rank(of)[0]) == np.sign(ratio)
    found, se = hazard_ratios(of)
    assert (found[0], se[0]) == (pytest.approx(ratio, abs=1e-7), pytest.approx(error, abs=1e-6))
    (effect,) = effects(of, 0.05)
    assert effect.p == pytest.approx(scipy.stats.chi2.sf(chi_square, 1), rel=1e-6)
    assert effect.high == pytest.approx(ratio + 1.959964 * error, abs=1e-5)


def test_kaplan_and_meier_are_those_of_another_program() -> None:
    known = [0.85714286, 0.80672269, 0.75294118, 0.69019608, 0.62745098, 0.53781513, 0.44817927]
    drops = [week - 1 for week in (6, 7, 10, 13, 16, 22, 23)]
    np.testing.assert_allclose(kaplan_meier(REMISSION)[0, 0, drops], known, atol=1e-8)
