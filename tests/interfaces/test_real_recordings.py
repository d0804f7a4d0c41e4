"""Recordings as laboratories have them: starts short of level, a release that is missing, legs that rest elsewhere."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import stretch_fit as calibration
from rich.console import Console

from eutonia.inference.agreement import agreement, band
from eutonia.inference.body import body_of
from eutonia.inference.meaning import agrees
from eutonia.inference.prepare import prepare_swing
from eutonia.inference.recording import Recording
from eutonia.inference.stretch_fit import StretchFit, fit, swing_priors
from eutonia.report.fit import files as report

pytestmark = pytest.mark.xdist_group("fit")
#: Twins of real legs: start far from level, a shank that swings faster than the table, a hand that opens slowly, a
#: thigh that is not level, more damping, an error of the model.
TWIN = dict(
    calibration.EXAMPLE, start_angle=32.0, pace=1.2, letting_go=0.07, angle_offset=6.0, damping=0.6, angle_noise=0.1,
    angle_model_error=0.4,
)  # fmt: skip
STEEP = dict(TWIN, start_angle=45.0, angle_offset=-8.0, threshold=74.0, background=2.0, stiffness=3.0)


def twin(truth: dict[str, float], seed: int = 3) -> Recording:
    return calibration.pendulum_recording(truth, np.random.default_rng(seed))


def cut(r: Recording, begin: float) -> Recording:
    keep = r.time_s >= begin
    return replace(r, time_s=r.time_s[keep], angle_deg=r.angle_deg[keep], lines=r.lines[keep])


@functools.cache
def fitted(begin: float, *, steep: bool) -> StretchFit:
    """Fit a twin, once for all that look at it."""
    return fit([cut(twin(STEEP if steep else TWIN), begin)], "pendulum")


def suits(result: StretchFit) -> None:
    assert result.agreement.rms < 1.5
    assert 0.8 <= result.agreement.inside <= 0.99


@pytest.mark.parametrize(
    ("steep", "begin"),
    [(False, 0.0), (True, 0.0), (False, calibration.HELD_S + 0.12)],
    ids=["thirty", "forty-five", "moving"],
)
def test_a_leg_that_starts_short_of_level_is_fitted(quick_fits: None, steep: bool, begin: float) -> None:
    result, truth = fitted(begin, steep=steep), STEEP if steep else TWIN
    suits(result)
    found = {one.name: one for one in result.estimates}
    assert found["threshold"].middle == pytest.approx(truth["threshold"], abs=4.0)
    assert found["start_angle"].middle == pytest.approx(truth["start_angle"], abs=6.0)
    assert any("release is missing" in said for said in result.words) == (begin > 0.0)


def test_the_start_is_what_is_seen_and_a_missing_release_is_reckoned_back() -> None:
    whole = twin(TWIN)
    body = body_of([whole], "knee", {})
    seen = prepare_swing(whole, body).begin
    assert seen is not None
    assert not seen.is_missing
    assert seen.angle == pytest.approx(32.0, abs=1.0)
    known = swing_priors(body, seen)
    assert known.each[known.index("start_angle")].middle == seen.angle
    late = prepare_swing(cut(whole, calibration.HELD_S + 0.2), body).begin
    assert late is not None
    assert late.is_missing
    assert late.angle_doubt > 1.0
    prior = swing_priors(body, late).each[known.index("start_angle")]
    assert abs(prior.middle - 32.0) < 2.0 * prior.spread
    # A leg that is lifted before it is let go starts from where it was held.
    up = np.linspace(85.0, 32.0, 60)
    lifted = np.concatenate([up, whole.angle_deg])
    at = np.arange(lifted.size) / calibration.PENDULUM_HZ
    begin = prepare_swing(Recording("x", at, lifted, None, None, np.arange(at.size), whole.header), body).begin
    assert begin is not None
    assert begin.angle == pytest.approx(32.0, abs=1.5)


def test_a_fit_that_misses_determines_nothing_and_says_so(rough_fits: None) -> None:
    # Somebody pushes the leg: no limb of the model swings so.
    r = twin(TWIN)
    since = np.clip(r.time_s - 1.6, 0.0, None)
    pushed = replace(r, angle_deg=r.angle_deg + 9.0 * np.sin(17.0 * since) * (since > 0.0))
    result = fit([pushed], "pendulum")
    assert result.agreement.rms > result.agreement.most
    assert {one.determined for one in result.estimates} == {"missed"}
    assert "misses the recording" in result.words[0]
    assert "misses the recording" in report.headline(result)


def test_the_screen_says_how_the_fit_lies_and_what_leaves_its_prior(quick_fits: None) -> None:
    result = fitted(0.0, steep=False)
    assert not any("Far from what was known before" in said for said in result.words)
    gone = [replace(one, left=-3.4 if one.name == "pace" else 0.0) for one in result.estimates]
    said = " ".join(agrees(result.agreement, gone, "deg", is_cut=False))
    assert "Far from what was known before: weight of the segment over its inertia" in said
    assert "-3.4 SD" in said
    screen = Console(width=200, record=False)
    with screen.capture() as shown:
        report.show(result, screen, Path("here"))
    line = " ".join(shown.get().split())
    for words in ("rms", "largest miss", "inside the 95% band"):
        assert words in line
    assert report.summary(result)["agreement"]["rms"] == result.agreement.rms
    assert report.agrees(result) in report.html(
        result, {"version": "0", "sources": (), "assumed": (), "command": "eutonia"}
    )


def test_a_band_holds_nineteen_of_twenty_and_no_wrong_swing() -> None:
    rng = np.random.default_rng(2)
    predicted = np.zeros((4000, 50)) + 0.1 * rng.standard_normal(50)
    left = 0.7 * rng.standard_normal(4000)
    ends = band(predicted, left, 1.9, 0.95)
    assert agreement([left], [np.zeros(4000)], [ends], 1.9).inside == pytest.approx(0.95, abs=0.015)
    wrong = 6.0 * np.sin(np.arange(4000) / 50.0)
    assert not agreement([wrong], [np.zeros(4000)], [band(predicted, wrong, 1.9, 0.95)], 1.9).holds
