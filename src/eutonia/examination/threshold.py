"""The tonic stretch reflex threshold."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp

from eutonia import _streams, parameters
from eutonia.assessment.threshold import onset_angles, threshold_score
from eutonia.examination.abstract import BedsideTest
from eutonia.examination.findings import Found, finding
from eutonia.limb.muscle import all_muscle_groups
from eutonia.patient import LIMBS
from eutonia.simulation.bedside import Bedside, bedside_constants


def threshold_speeds() -> tuple[float, ...]:
    """Return the speeds of the stretches, deg/s, slow to fast."""
    return parameters.load("examination")["threshold_speeds"].to("deg/s").sorted()


def _threshold(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    records = parameters.load("examination")
    speed, scatter = jnp.asarray(threshold_speeds()), records.value("threshold_scatter", "deg")
    delay = float(bedside_constants().ramp.delay)
    findings = []
    for row, of in enumerate(all_muscle_groups()):
        if of.limb not in limbs:
            continue
        keys = _streams.keys(seed, _streams.Purpose.EXAMINATION, at.people.person, row)
        noise = scatter * _streams.normal(keys, len(speed))
        onset = onset_angles(
            at.state.threshold[row] * of.range_of_motion, at.state.velocity_sensitivity[row], delay, speed, noise
        )
        score = threshold_score(onset, speed, of.range_of_motion)
        findings += [
            finding("threshold", of.name, "Tonic stretch reflex threshold", "deg", score.threshold),
            finding("standard_error", of.name, "Its standard error", "deg", score.standard_error),
            finding("slope", of.name, "Fall of the threshold with speed", "s", score.slope),
            finding("answered", of.name, f"Stretches answered, of {len(speed)}", "count", score.answered),
        ]
    return findings, []


TEST = BedsideTest(
    name="threshold",
    label="Reflex threshold",
    how="Eight stretches at 25 to 300 deg/s; the angle at which the muscle answers, taken back to speed zero. "
    "Angles from the shortest position.",
    limbs=LIMBS,
    run=_threshold,
    sources=("Feldman_1978",),
)
