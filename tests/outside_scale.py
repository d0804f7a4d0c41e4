"""A scale that another package brings: how stiff people say that a limb is, 0 to 10. Nothing of Eutonia is edited."""

import jax.numpy as jnp
from jaxtyping import Array

from eutonia.assessment.scales import Scale
from eutonia.assessment.scoring import ChartConstants, Look, limb_mean


def _latent(look: Look) -> Array:
    return limb_mean(look.latent_grade) * look.own["felt_stiffness"]


def _score(look: Look) -> Array:
    return jnp.clip(jnp.round(_latent(look) + look.luck.own["felt_stiffness"]), 0.0, 10.0)


def _points_a_grade() -> float:
    return 2.5


def _noise(_: ChartConstants) -> float:
    return 0.8


FELT_STIFFNESS = Scale(
    key="felt_stiffness",
    label="Felt stiffness",
    meaning="felt stiffness 0 (none) to 10",
    lowest=0.0,
    highest=10.0,
    kind="ordinal",
    score=_score,
    per="limb",
    latent=_latent,
    noise=_noise,
    constants=_points_a_grade,
    sources=("Someone A, Someone B. A journal of scales 2020;1:1-10",),
    unit="points",
)
