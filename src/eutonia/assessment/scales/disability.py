"""Disability Assessment Scale of the arm, 0 to 3: what a stiff hand costs in care, dress and posture.

Equation
    d = floor(b max(0, G) + e + 1/2) within 0 to 3
G latent grade of the wrist flexors, which stand for those of the hand; e is what people and raters add at a visit. Who
has no stiffness there has no disability from it.
Source: shares who improved by a point after toxin, by `calibration/disability.py`. The mean of elbow and wrist misses
one of its four rows by three standard errors.
Not for: weakness, skill and pain of the hand; elbow and shoulder; which of the four targets a person chose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eutonia import parameters
from eutonia.assessment.scales.abstract import Scale

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.scoring import ChartConstants, Look

#: Muscle group whose stiffness closes a hand.
MUSCLE = "wrist flexors"


def _constants() -> tuple[int, float]:
    """Return the row of that group on the muscle axis, and points a grade."""
    from eutonia.limb.muscle import muscle_groups

    row = [group.name for group in muscle_groups()].index(MUSCLE)
    return row, parameters.load("disability").value("per_grade", "1")


def _latent(look: Look) -> Array:
    import jax.numpy as jnp

    row, per_grade = look.own[SCALE.key]
    return per_grade * jnp.maximum(look.latent_grade[row], 0.0)


def _score(look: Look) -> Array:
    import jax.numpy as jnp

    latent = _latent(look)
    points = jnp.floor(latent + look.luck.own[SCALE.key] + 0.5)
    return jnp.where(latent > 0.0, jnp.clip(points, 0.0, 3.0), 0.0)


def _noise(constants: ChartConstants) -> float:
    return parameters.load("disability").value("report_noise", "1")


SCALE = Scale(
    key="disability",
    label="Disability of the arm",
    meaning="Disability Assessment Scale 0 to 3, the target that was chosen",
    explained=(
        "What a stiff arm costs in one thing that was chosen, of hygiene, dressing, posture and pain: 0 nothing, 1 a "
        "little, 2 it takes effort or help, 3 it cannot be done"
    ),
    lowest=0.0,
    highest=3.0,
    kind="ordinal",
    score=_score,
    latent=_latent,
    noise=_noise,
    constants=_constants,
    sources=("Brashear_2002", "Gracies_2015"),
    normal=0.0,
    caveat="It follows the stiffness of the wrist alone: weakness, skill, pain and the elbow are left out.",
    is_main=False,
)
