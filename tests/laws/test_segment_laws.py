"""What a spinal segment and its shorthands must do whatever their numbers."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eutonia import parameters, session
from eutonia.tone.emulator import INPUTS, OUTPUTS, Emulator
from eutonia.tone.link import ClosedForm
from eutonia.tone.segment import movements, protocols, stimuli
from eutonia.tone.segment.cells import Sizes
from eutonia.tone.segment.condition import Condition
from eutonia.tone.segment.network import Segment
from eutonia.tone.segment.readout import Activity

pytestmark = pytest.mark.xdist_group("segment")
COPIES = 12
BIAS = [0.0, 1.0, 2.0, 2.5, 3.0, 3.5] * 2
EFFECT = np.array([0.0] * 6 + [0.5] * 6)


def segment(person: list[int] | None = None, seed: int = 1) -> Segment:
    condition = Condition.of_bias(BIAS).with_gaba_b(jnp.asarray(EFFECT))
    return Segment.of(condition, Sizes(), seed, person or [0] * COPIES)


@functools.cache
def volley() -> Activity:
    """One shock to segments of six biases, without and with the drug."""
    return segment().run(stimuli.shock(stimuli.rest(0.165, COPIES), [0.1], 13.0))


def test_more_bias_is_never_less_reflex_and_drug_never_more() -> None:
    h = protocols.waves(volley())[1]
    assert np.all(np.diff(h[:6]) > -0.02)
    assert np.all(np.diff(h[6:]) > -0.02)
    assert np.all(h[6:] <= h[:6])
    assert h[5] > h[0] > 0.0


def test_the_same_person_has_the_same_luck_whoever_else_is_there() -> None:
    plan = stimuli.rest(0.1, COPIES)
    alone, other = (segment([7] + [k] * (COPIES - 1)).run(plan, "motor") for k in (1, 2))
    ia = [luck.cells.ia_key[..., 0] for luck in (segment([7] + [1] * 11), segment([7] + [2] * 11))]
    assert np.array_equal(*ia)
    assert np.array_equal(alone.motor[alone.motor[:, 3] == 0], other.motor[other.motor[:, 3] == 0])
    assert not np.array_equal(segment([7] * 12).cells.ia_key, segment([7] * 12, seed=2).cells.ia_key)


def test_a_run_is_the_same_bits_again() -> None:
    again = segment().run(stimuli.shock(stimuli.rest(0.165, COPIES), [0.1], 13.0))
    assert np.array_equal(volley().motor, again.motor)


def test_half_the_step_in_32_bit_changes_little_and_nobodys_luck() -> None:
    expected = np.asarray(segment().cells.ia_key)
    session.set_bits(32)
    try:
        small = segment()
        assert small.cells.ia_rest.dtype == jnp.float32
        assert np.array_equal(small.cells.ia_key, expected)
        found = small.run(stimuli.shock(stimuli.rest(0.165, COPIES, dt_ms=0.05), [0.1], 13.0))
    finally:
        session.set_bits(64)
    assert protocols.waves(found)[1] == pytest.approx(protocols.waves(volley())[1], abs=0.03)


@given(st.floats(0.3, 1.0), st.floats(0.0, 4.0), st.floats(0.0, 3.0), st.floats(5.0, 400.0))
def test_closed_form_moves_threshold_and_gain_but_never_mu_with_drug(
    release: float, bias: float, shift: float, speed: float
) -> None:
    form = ClosedForm.from_records()
    assert form.threshold(bias, release, shift) >= form.threshold(bias, 1.0, 0.0)
    assert form.threshold(bias + 0.5, release) < form.threshold(bias, release)
    assert form.gain(release) == pytest.approx(release * form.gain(1.0))
    assert form.h_over_m(1.1, release, bias, shift) <= form.h_over_m(1.1, 1.0, bias)
    assert form.velocity_sensitivity(speed) > form.velocity_sensitivity(2.0 * speed) > 0.0
    assert form.velocity_sensitivity(speed, 2.0) == pytest.approx(2.0 * form.velocity_sensitivity(speed))


def test_a_silent_segment_reads_as_nothing_not_as_a_number() -> None:
    silent = protocols.Person(Condition.of_bias([0.0]).with_gaba_b(1.0, 0.0))
    pair = movements.paired_units(silent, rise_s=0.2)
    assert np.isnan([pair.delta_f, pair.starts_s, pair.stops_s]).all()
    assert np.isnan(movements.stretch_reflex(silent, [200.0], 5.0).threshold_deg_s)


def test_closed_form_at_56_percent_release() -> None:
    """The 50 ug bolus in the notes: gain times 0.56, distance of the threshold from silence times 1.79."""
    form = ClosedForm.from_records()
    silence = -form.rest_rate / form.length_gain
    assert (form.threshold(0.0, 0.56) - silence) / (form.threshold(0.0, 1.0) - silence) == pytest.approx(1.79, abs=0.01)


@functools.cache
def emulator() -> Emulator:
    return Emulator.from_records()


@given(st.floats(0.0, 3.5), st.floats(0.55, 0.95))
def test_emulator_keeps_the_signs_of_the_segment(bias: float, release: float) -> None:
    here = emulator()(bias, release, 0.02)
    more_bias, less_release = emulator()(bias + 0.5, release, 0.02), emulator()(bias, release - 0.05, 0.02)
    assert more_bias.threshold < here.threshold + 1.0
    assert more_bias.h_over_m > here.h_over_m - 0.01
    assert less_release.threshold > here.threshold - 1.0
    assert less_release.h_over_m < here.h_over_m + 0.01
    assert 0.0 <= here.h_over_m <= 1.0
    assert here.gain > 0.0


def test_emulator_holds_its_edge_beyond_the_design() -> None:
    low, high = emulator().low, emulator().high
    assert len(low) == len(INPUTS)
    inside, beyond = emulator()(high[0], low[1], high[2]), emulator()(high[0] + 5.0, low[1] - 0.4, high[2] + 1.0)
    assert all(float(getattr(inside, name)) == float(getattr(beyond, name)) for name in OUTPUTS)
    assert len(parameters.load("segment_emulator").along("held_out_error", "1", OUTPUTS)) == len(OUTPUTS)


@pytest.mark.parametrize("severe", [0.1, 0.3])
def test_depression_in_the_segment_is_that_of_the_reduced_reflex_for_one_radian(severe: float) -> None:
    with parameters.using({"tone.depression_severe": f"{severe} 1/rad"}):
        reduced = parameters.load("tone")
        depressible = Condition.of_bias([0.0, reduced.value("severe_bias", "mV")]).depressible
        assert depressible == pytest.approx([reduced.value("depression_healthy", "1/rad"), severe], rel=1e-12)
