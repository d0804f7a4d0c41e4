"""A fit is as sure as it says: people from the prior, their recordings simulated with finer steps, noise added, fitted.

The full run, with 208 people a test, is `calibration/stretch_fit.py`; this one is small and always the same.
"""

from __future__ import annotations

import numpy as np
import pytest
import stretch_fit as calibration
from scipy import stats

from eutonia.inference.priors import ASKED
from eutonia.inference.recording import Recording
from eutonia.inference.stretch_fit import fit

pytestmark = [pytest.mark.laws, pytest.mark.xdist_group("fit")]
PEOPLE = {"pendulum": 4, "ramp": 1}


def test_the_intervals_hold_as_often_as_they_say(quick_fits: None) -> None:
    ranks = []
    for test, people in PEOPLE.items():
        for who in range(people):
            truth, recordings = calibration.person(test, 500 + who)
            # Two stretches of three: what a fast one leaves unsure of its path takes longest.
            result = fit(recordings[:2], test)
            found = calibration.ranks_of(result, truth)
            ranks.append([found[name] for name in (*ASKED, "depression")])
    away = np.abs(np.array(ranks) - 0.5)
    n = len(ranks)
    # Of each number, so few people outside have a chance of less than one in ten thousand if the intervals are right.
    for level in (0.8, 0.95):
        inside = (away < level / 2).sum(axis=0)
        assert inside.min() >= stats.binom.ppf(1e-4, n, level), (level, inside)
    # Intervals may not be too wide either: not all of the truth lies in the middle half.
    assert (away < 0.25).mean() < 0.72


def test_a_coarse_sensor_does_not_mislead(quick_fits: None) -> None:
    truth = dict(calibration.EXAMPLE, angle_noise=0.05)
    r = calibration.pendulum_recording(truth, np.random.default_rng(4))
    half_degrees = Recording(r.name, r.time_s, np.round(2.0 * r.angle_deg) / 2.0, None, None, r.lines, r.header)
    result = fit([half_degrees], "pendulum")
    found = {one.name: one for one in result.asked}
    assert found["threshold"].middle == pytest.approx(truth["threshold"], abs=1.5)
    assert found["velocity_sensitivity"].middle == pytest.approx(truth["velocity_sensitivity"], abs=0.03)
    assert sum(one.low <= truth[one.name] <= one.high for one in result.asked) >= 5


def test_a_reflex_that_is_never_reached_is_said_to_be_unknown(quick_fits: None) -> None:
    truth = dict(calibration.EXAMPLE, threshold=128.0, velocity_sensitivity=0.04, background=0.4, stiffness=0.6)
    result = fit([calibration.ramp_recording(truth, 20.0, np.random.default_rng(4))], "ramp")
    found = {one.name: one for one in result.asked}
    assert found["gain"].determined == "no"
    assert found["threshold"].low > 100.0
    assert "next to no part" in result.words[0]
    assert next(part.share for part in result.parts if part.name == "reflex") < 0.03
