"""Tendon reflex of a limb. Equation in `assessment.reflex`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eutonia.assessment.scales.abstract import Scale

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.scoring import ChartConstants, Look


def _latent(look: Look) -> Array:
    from eutonia.assessment.reflex import reflex_latent

    c = look.constants
    return reflex_latent(look.exam.tap_probit, c.healthy_probit, c.grades_per_probit) + look.nonspecific


def _score(look: Look) -> Array:
    import jax.numpy as jnp

    from eutonia.assessment.reflex import reflex_grade

    return reflex_grade(_latent(look), jnp.asarray(look.luck.reflex))


def _noise(constants: ChartConstants) -> float:
    return float(constants.reflex_noise)


SCALE = Scale(
    key="reflex",
    label="Tendon reflex",
    meaning="tendon reflex 0 to 5, 2 is normal",
    explained="How briskly the limb answers a tap on its tendon: 0 is no answer, more than 2 is too brisk",
    lowest=0.0,
    highest=5.0,
    kind="ordinal",
    score=_score,
    per="limb",
    latent=_latent,
    noise=_noise,
    luck="report",
    sources=("assumption",),
    normal=2.0,
)
