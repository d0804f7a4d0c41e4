"""What a drug level at the cord does to an emulated ankle's Ashworth grade, and tablets to threshold and twitch."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from drug_examples import effect_on_tone

from eutonia import parameters
from eutonia.assessment.ashworth import latent_grade, reference_grid
from eutonia.drug.kinetics import Kinetics
from eutonia.limb.joint import joint
from eutonia.limb.ramp import RampConstants, stretch
from eutonia.simulation.examine import body_constants, excess_curve, healthy_resistance, muscle_state
from eutonia.simulation.segment import person
from eutonia.tone.emulator import Emulator
from eutonia.tone.segment import movements, protocols
from eutonia.tone.segment.cells import Sizes
from eutonia.tone.segment.condition import Condition

pytestmark = [pytest.mark.laws, pytest.mark.xdist_group("segment")]

SPASTIC = parameters.load("segment").value("spastic_bias", "mV")
BOLUS = parameters.load("segment").value("bolus_effect", "1")
CELLS = Sizes().total


def emulated(bias: float, effect: float) -> float:
    """The latent Ashworth grade of an ankle of the reduced model with the reflex that the emulator gives it."""
    condition = Condition.of_bias([bias]).with_gaba_b(effect)
    reflex = Emulator.from_records()(bias, condition.release[0], condition.girk[0])
    body, ankle, row = body_constants(), joint("ankle"), 2
    neutral, span = parameters.load("limb_ankle").value("neutral", "deg"), float(np.rad2deg(ankle.range_rad))
    left = bias - parameters.load("receptor").value("hyperpolarisation", "mV") * effect
    one = jnp.ones((len(body.limb_of), 1))
    state = muscle_state(left * one, bias * one, 0.0 * one, body)
    # The emulator's onset angles hold the loop's delay; the reduced model has it apart.
    sensitivity = reflex.velocity_sensitivity + parameters.load("tone").value("reflex_delay", "s")
    state = type(state)(
        threshold=(neutral + reflex.threshold) / span * one,
        velocity_sensitivity=sensitivity * one,
        depression=state.depression,
        background=state.background,
        stiffness=state.stiffness,
        rest_angle=state.rest_angle,
    )
    fields = {name: getattr(body.ramp, name) for name in RampConstants.__dataclass_fields__}
    ramp = RampConstants(**(fields | {"gain": float(reflex.gain) * ankle.range_rad / ankle.ceiling}))
    excess = stretch(state, ramp, body.speed).mean_resistance - healthy_resistance(body, body.speed)
    curve = excess_curve(reference_grid(), body)[0]
    return float(latent_grade(excess[row, 0], curve, parameters.load("bedside").value("grade_per_bias", "1/mV")))


def test_through_the_emulator_the_drug_takes_a_grade_or_two_at_most() -> None:
    """Without fusimotor drive, which lies outside of its design, the emulated ankle has no more than that to lose."""
    for bias in (2.0, SPASTIC, 4.0):
        untreated, treated = (max(emulated(bias, effect), 0.0) for effect in (0.0, effect_on_tone()))
        assert 0.7 < untreated < 2.2
        assert 0.2 < untreated - treated < 2.2


def test_tablets_shift_the_threshold_and_not_the_slope_and_cost_some_twitch() -> None:
    """Nielsen 2000, multiple sclerosis, up to 60 mg a day: threshold 6.2 to 11.4 deg/s, slope 0.27 to 0.24 (not
    significant), twitch -12 %. The level is what the program's kinetics make of 60 mg; a mild bias.
    """
    kinetics = Kinetics.typical()
    steady = kinetics.exposure(kinetics.steady_state(0.0, 60.0 / 24.0))
    level = float(np.ravel(steady.levels(1.0).csf_leg)[0])
    before, after = (person(1.0, csf, cells=CELLS) for csf in (0.0, level))
    speeds = (3.1, 12.5, 25.0, 100.0, 400.0)
    stretched = [movements.stretch_reflex(who, speeds, 10.0) for who in (before, after)]
    threshold = [found.threshold_deg_s for found in stretched]
    slope = [float(np.polyfit(np.log(found.speed[-3:]), found.size[-3:], 1)[0]) for found in stretched]
    assert threshold[1] > 1.5 * threshold[0]
    assert slope[1] / slope[0] == pytest.approx(1.0, abs=0.15)
    curves = [protocols.recruitment(who) for who in (before, after)]
    twitch = [found.activity.torque()[:, curves[0].best].max() for found in curves]
    assert 0.80 < twitch[1] / twitch[0] < 0.99
