"""Active range: how far a person straightens the elbow and lifts the foot. Equation in `simulation.reach`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eutonia import parameters
from eutonia.assessment.scales.abstract import Scale

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.scoring import ChartConstants, Look

# The movement that is charted of each limb, by the muscle group that it stretches; `Stance` holds those of all.
_AGAINST = {"leg": "ankle plantarflexors", "arm": "elbow flexors"}


def _constants() -> tuple[Array, Array]:
    """Return the rows of the charted movements on the muscle axis, and their ranges, deg."""
    import jax.numpy as jnp

    from eutonia.limb.muscle import muscle_groups

    groups = {group.name: (row, group.range_of_motion) for row, group in enumerate(muscle_groups())}
    rows, ranges = zip(*(groups[name] for name in _AGAINST.values()), strict=True)
    return jnp.asarray(rows), jnp.asarray(ranges)[:, None]


def _latent(look: Look) -> Array:
    rows, _ = look.own[SCALE.key]
    return look.stance.active_range[rows]


def _score(look: Look) -> Array:
    import jax.numpy as jnp

    _, whole = look.own[SCALE.key]
    return jnp.clip(_latent(look) + look.luck.own[SCALE.key], 0.0, whole)


def _noise(constants: ChartConstants) -> float:
    return parameters.load("active_range").value("rater_noise", "deg")


SCALE = Scale(
    key="active_range",
    label="Active range",
    meaning="active range of elbow (extension) and ankle (dorsiflexion), deg",
    explained=(
        "How far, from the bent elbow and the pointed foot, the person straightens the arm and lifts the foot: tone "
        "hides movement, and it comes to light when tone falls"
    ),
    lowest=0.0,
    highest=180.0,
    kind="continuous",
    score=_score,
    per="limb",
    latent=_latent,
    noise=_noise,
    constants=_constants,
    sources=("Gracies_2015", "assumption"),
    unit="deg",
    step=10.0,
    worse=-1,
    caveat=(
        "A balance of torques with assumed sizes, one of them fitted to a trial of toxin, without gravity or the skill "
        "of a hand. Trust its direction, not its size."
    ),
)
