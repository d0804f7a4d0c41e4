"""Pain of spasms and of stiff tissue, 0 to 10.

Equation
    pain = p_s max(spasm of leg, of arm) + p_c min(1, larger contracture)          (records of the set `pain`)
Not for: pain of joints, of the shoulder after stroke, or of the brain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eutonia.assessment.scales import spasm
from eutonia.assessment.scales.abstract import Scale

if TYPE_CHECKING:
    from jaxtyping import Array

    from eutonia.assessment.scoring import Look


def _score(look: Look) -> Array:
    import jax.numpy as jnp

    c, told, tissue = look.constants, spasm.told(look), look.exam.contracture
    worst = jnp.maximum(told[0], told[1])
    stiff = jnp.minimum(jnp.maximum(tissue[0], tissue[1]), 1.0)
    return c.pain_per_spasm * worst + c.pain_per_contracture * stiff


SCALE = Scale(
    key="pain",
    label="Pain",
    meaning="pain 0 to 10",
    explained="How bad pain is, as the person tells it: 0 is none, 10 the worst that can be imagined",
    lowest=0.0,
    highest=10.0,
    kind="ordinal",
    score=_score,
    sources=("assumption",),
    normal=0.0,
)
