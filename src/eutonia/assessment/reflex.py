"""Tendon reflex grade 0 (absent) to 5 (sustained clonus), and the soleus H/M ratio.

Both read how much of the motoneuron pool a synchronous Ia volley fires. The grade is linear in the probit of that
share, with grade 2 (normal) at the healthy mean.

Equation
    q = Phi^-1(share) ;  grade = round(2 + j (q - q_healthy)), kept in 0..5
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array

from eutonia._types import Scalar

NORMAL_GRADE = 2.0
_LOWEST, _HIGHEST = 0.0, 5.0


def reflex_latent(probit: Array, healthy_probit: Scalar, grades_per_probit: Scalar) -> Array:
    """Return the latent reflex grade for the probit of the recruited share."""
    return NORMAL_GRADE + grades_per_probit * (probit - healthy_probit)


def reflex_grade(latent: Array, noise: Array | Scalar = 0.0) -> Array:
    """Return the charted grade 0-5."""
    return jnp.clip(jnp.round(latent + noise), _LOWEST, _HIGHEST)
