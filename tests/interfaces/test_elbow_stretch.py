"""The elbow: torque that flattens and falls before the end of a stretch, as lever and strength of its flexors do."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest
import stretch_fit as calibration

from eutonia.inference.recording import Recording
from eutonia.inference.stretch_fit import fit
from eutonia.inference.zeros import ZEROS
from eutonia.limb.joint import JOINTS, joint, limb_with
from eutonia.limb.muscle import all_muscle_groups
from eutonia.limb.ramp import stretch
from eutonia.limb.strength import Strength
from eutonia.limb.swing import torques
from eutonia.simulation.bedside import bedside, bedside_constants, stepped_constants
from eutonia.simulation.stretching import stretch_and_hold
from eutonia.study.design import CaseStudy, load_study
from eutonia.trial.case import people_of_case

pytestmark = pytest.mark.xdist_group("fit")
BREADTH_DEG = 95.0
SPEEDS = (40.0, 120.0)


def elbow(speed: float, seed: int) -> Recording:
    """Simulate a stretch from 10 to 125 deg of a spastic elbow whose active torque falls off from 40 deg on."""
    constants, step = stepped_constants(), float(stepped_constants().delay) / 50
    # As long as the slowest, so that one program does for all.
    at = np.arange(0.0, 0.5 + 115.0 / SPEEDS[0] + 0.8, step)
    share = np.clip((at - 0.5) * speed / 115.0, 0.0, 1.0)
    angle = 10.0 + 115.0 * share**2 * (3.0 - 2.0 * share)
    limb = limb_with(
        joint("elbow"), threshold_deg=50.0, velocity_sensitivity_s=0.1, gain_nm_per_rad=7.0, background_nm=0.5,
        depression_per_rad=0.3, contracture=0.1, weight_kg=70.0, stature_m=1.7,
    )  # fmt: skip
    limb = dataclasses.replace(limb, strength=Strength(np.deg2rad(40.0), np.deg2rad(BREADTH_DEG)))
    path = (jnp.deg2rad(jnp.asarray(x)) for x in (angle, np.gradient(angle, step)))
    torque = np.asarray(calibration._stretched(limb, *path, constants))
    rng, every = np.random.default_rng(seed), slice(0, int((0.5 + 115.0 / speed + 0.8) / step), 4)
    values = calibration.noisy(torque[every], 0.05, 0.03, 4 * step, rng)
    lines = np.arange(values.size) + 2
    return Recording(f"elbow {speed:g}", at[every], angle[every], values, None, lines, {})


def test_a_torque_that_falls_before_the_end_of_a_stretch_is_fitted_at_the_elbow(quick_fits: None) -> None:
    recordings = [elbow(speed, k) for k, speed in enumerate(SPEEDS)]
    torque = recordings[0].torque_nm
    assert torque is not None
    # It does fall while the arm is still being stretched.
    moving = recordings[0].angle_deg < 124.0
    assert torque[moving][-25:].mean() < 0.9 * np.convolve(torque[moving], np.ones(25) / 25, "valid").max()
    result = fit(recordings, "ramp", "elbow", weight="70 kg", height="170 cm")
    assert result.agreement.rms < 0.12
    assert result.agreement.inside > 0.85
    found = {one.name: one for one in result.estimates}
    assert found["breadth"].low < BREADTH_DEG < found["breadth"].high
    assert found["threshold"].middle == pytest.approx(50.0, abs=6.0)


def test_the_zero_of_every_joint_is_told_in_the_help(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert set(ZEROS) == set(JOINTS)
    run("fit-stretch", "--help")
    shown = re.sub(r"[\s│]+", " ", capsys.readouterr().out)
    for words in ("0 is full flexion", "90 the hanging shank", "15 deg of adduction"):
        assert words in shown


def test_the_elbow_is_examined_with_the_same_fall_of_torque_as_it_is_fitted_with() -> None:
    """Half of the torque of the flexors is left at the straight elbow, in the drawn stretch and in what is scored."""
    study = load_study("case_ischaemic_tablets")
    assert isinstance(study, CaseStudy)
    at = bedside(*people_of_case(study, 240 * 24.0)[:2])
    scored = stretch(at.state, bedside_constants().ramp, bedside_constants().speed).mean_reflex
    for row, of in enumerate(all_muscle_groups()):
        limb, end = at.limb(of.name), np.deg2rad(of.range_of_motion)
        motion = stretch_and_hold(limb, stepped_constants(), (0.0, end), np.deg2rad(of.speed), 1.5)
        found, moving = torques(motion, limb, stepped_constants()), np.asarray(motion.velocity[:, 0] > 0)
        reflex = np.asarray(found.reflex / limb.ceiling)[moving]
        np.testing.assert_allclose(reflex.mean(axis=0), scored[row], rtol=0.02, atol=2e-4)
        share = 0.5 if of.name == "elbow flexors" else 1.0
        before = np.asarray(torques(motion, dataclasses.replace(limb, strength=None), stepped_constants()).neural)
        np.testing.assert_allclose(found.neural[-1], share * before[-1], rtol=1e-3)
        assert np.all(np.asarray(found.neural) <= before)
