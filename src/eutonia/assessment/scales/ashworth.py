"""Ashworth, as the intrathecal papers score it: 1 is normal, 5 is rigid. Equation in `assessment.ashworth`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eutonia.assessment.scales.abstract import Scale

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.scoring import ChartConstants, Look


def _score(look: Look) -> Array:
    from eutonia.assessment.ashworth import ashworth_score

    return ashworth_score(look.latent_grade, look.scatter)


def latent(look: Look) -> Array:
    """Return the latent grade that a rater cuts, 0 = normal."""
    return look.latent_grade


def _latent_of(score: float) -> float:
    return score - 1.0


def _expected(look: Look) -> Array:
    import jax.numpy as jnp

    from eutonia.assessment.ashworth import expected_score

    c = look.constants
    return expected_score(look.latent_grade, jnp.hypot(c.rater_bias, c.rater_residual), c.rater_noise_from)


def noise(constants: ChartConstants) -> float:
    """Return the SD of a limb's mean: the rater's severity stays, the scatter of each stretch is averaged."""
    from eutonia.limb.muscle import muscles_of

    return float(np.hypot(constants.rater_bias, constants.rater_residual / np.sqrt(len(muscles_of("leg")))))


SCALE = Scale(
    key="ashworth",
    label="Ashworth",
    meaning="Ashworth 1 (normal) to 5",
    explained=(
        "An examiner quickly moves the resting limb and grades how much it resists: 1 is no more than usual, "
        "5 a limb that can hardly be moved"
    ),
    lowest=1.0,
    highest=5.0,
    kind="ordinal",
    score=_score,
    per="muscle",
    latent=latent,
    latent_of=_latent_of,
    noise=noise,
    luck="rater",
    expected=_expected,
    sources=("Zurawski",),
    normal=1.0,
    spastic=3.0,
)
