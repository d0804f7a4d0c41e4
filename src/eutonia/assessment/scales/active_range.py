"""Active range: how far a person moves the joint against each muscle group. Equation in `simulation.reach`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eutonia.assessment.scales.abstract import Scale

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.scoring import ChartConstants, Look

# No joint is bent further, deg: the end of the scale. What is short of a joint's own range is the reading.
_FARTHEST = 180.0


def _constants() -> Array:
    import jax.numpy as jnp

    from eutonia.limb.muscle import muscle_groups

    return jnp.asarray([[group.range_of_motion] for group in muscle_groups()])


def _score(look: Look) -> Array:
    import jax.numpy as jnp

    return jnp.clip(look.stance.active_range + look.luck.own[SCALE.key], 0.0, look.own[SCALE.key])


def _latent(look: Look) -> Array:
    return look.stance.active_range


def noise(constants: ChartConstants) -> float:
    """Return the SD of one goniometer reading, deg."""
    from eutonia import parameters

    return parameters.load("active_range").value("rater_noise", "deg")


SCALE = Scale(
    key="active_range",
    label="Active range",
    meaning="active range of the joints, deg",
    explained=(
        "How far the person moves each joint without help, against the muscles that hold it back: the movement that "
        "tone hides is what comes to light when it falls"
    ),
    lowest=0.0,
    highest=_FARTHEST,
    kind="continuous",
    score=_score,
    per="muscle",
    latent=_latent,
    noise=noise,
    constants=_constants,
    sources=("Gracies_2015", "assumption"),
    unit="deg",
    step=10.0,
    worse=-1,
    caveat=(
        "A balance of torques with assumed sizes, one of them fitted to a trial of toxin: trust its direction. The "
        "number of a limb is the mean over its charted movements."
    ),
    is_main=False,
)
