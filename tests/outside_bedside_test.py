"""A bedside test that another package brings: how far a limb can be moved before its muscle answers."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp

from eutonia.examination import BedsideTest
from eutonia.examination.findings import Found, finding
from eutonia.limb.muscle import all_muscle_groups
from eutonia.simulation.bedside import Bedside


def _free_range(at: Bedside, limbs: Sequence[str], seed: int) -> Found:
    """Return how far into its range each muscle group can be stretched at rest before it answers."""
    findings = []
    for row, of in enumerate(all_muscle_groups()):
        if of.limb in limbs:
            free = jnp.clip(at.state.threshold[row], 0.0, 1.0) * of.range_of_motion
            findings.append(finding("free_range", of.name, "Range without a reflex", "deg", free))
    return findings, []


FREE_RANGE = BedsideTest(
    name="free-range",
    label="Free range",
    how="Moved as slowly as can be until the muscle answers.",
    limbs=("leg", "arm"),
    run=_free_range,
    sources=("Someone E. A journal of hands 2023;4:4-40",),
)
