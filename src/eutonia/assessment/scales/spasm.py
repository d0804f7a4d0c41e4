"""Penn spasm frequency of a limb. Equation in `assessment.spasms`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eutonia.assessment.scales.abstract import Scale

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.scoring import ChartConstants, Look


def _latent(look: Look) -> Array:
    from eutonia.assessment.spasms import spasm_rate_log10

    c = look.constants
    rate = spasm_rate_log10(look.exam.bias, look.people.traits.spasm, c.spasm_intercept, c.spasm_slope)
    return rate + look.nonspecific


def told(look: Look) -> Array:
    """Return the score that each limb's spasms are told as."""
    import jax.numpy as jnp

    from eutonia.assessment.spasms import penn_score

    return penn_score(_latent(look), look.constants.spasm_marks, jnp.asarray(look.luck.spasm))


def _latent_of(score: float) -> float:
    """Return the middle of the decades of a score, half a step beyond the outermost marks."""
    from eutonia.assessment.spasms import penn_marks

    marks = np.array(penn_marks())
    steps = np.diff(marks)
    ends = [marks[0] - steps[0] / 2, *(marks[:-1] + steps / 2), marks[-1] + steps[-1] / 2]
    return float(np.interp(score, range(len(ends)), ends))


def _noise(constants: ChartConstants) -> float:
    return float(constants.spasm_noise)


SCALE = Scale(
    key="spasm",
    label="Spasm frequency",
    meaning="Penn spasm frequency 0 to 4",
    explained=(
        "How often spasms come, as the person tells it: 0 never, 1 only when provoked, 2 less than once an "
        "hour, 3 more often, 4 more than ten times an hour"
    ),
    lowest=0.0,
    highest=4.0,
    kind="ordinal",
    score=told,
    per="limb",
    latent=_latent,
    latent_of=_latent_of,
    noise=_noise,
    luck="report",
    sources=("Penn_1989", "NINDS_CDE_F1765"),
    normal=0.0,
)
