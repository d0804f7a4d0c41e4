"""Pain in three channels that treatments reach apart, and a part that none of them reaches.

Equation
    pain     = 10 [1 - (1 - p_spasm)(1 - p_tone)(1 - p_tissue)(1 - p_central)]
    p_spasm  = 1 - exp(-a sqrt(spasms an hour)) of the worse limb, where any are told
    p_tone   = b [S((g - g_0)/s) - S(-g_0/s)] ,  S the logistic function, g the highest latent grade of a muscle group
    p_tissue = c min(1, larger contracture)
At rest p_tone is a share of that on stretch. Central pain is a person's own: a share of survivors have it, at one size.
Source: all sizes are assumed (set `pain`); in multiple sclerosis with severe pain 7 of 10 were free of it on a pump
and 3 better (Rekand 2011), which a test holds.

Not for
    Pain of shoulder and joints, wounds, headache; analgesics; central pain after cord lesions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.special import expit
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar

if TYPE_CHECKING:
    from eutonia.assessment.scoring import Look

Patients = Float[Array, " patient"]

_HIGHEST = 10.0


class PainConstants(eqx.Module):
    """Records of the set `pain` as plain numbers."""

    per_root_of_spasms: Scalar
    tone_at_most: Scalar
    tone_middle: Scalar
    tone_width: Scalar
    tone_at_rest: Scalar
    tissue_at_most: Scalar

    @classmethod
    def from_records(cls) -> PainConstants:
        """Read the constants from the parameter set `pain`."""
        units = dict.fromkeys(cls.__dataclass_fields__, "1") | {"tone_middle": "grade", "tone_width": "grade"}
        return cls(**parameters.load("pain").named(units))


def pain_of(look: Look, constants: PainConstants, *, key: str, tone_share: Scalar) -> Patients:
    """Return pain from 0 to 10 as it is told, with a share of the channel of tone (1 on stretch)."""
    from eutonia.assessment.scales import spasm

    c = constants
    rate = jnp.where(spasm.told(look) > 0, 10.0 ** spasm.SCALE.latent(look), 0.0).max(axis=0)  # type: ignore[misc]
    grade = look.latent_grade.max(axis=0)
    tone = jnp.maximum(expit((grade - c.tone_middle) / c.tone_width) - expit(-c.tone_middle / c.tone_width), 0.0)
    stiff = jnp.minimum(look.exam.contracture.max(axis=0), 1.0)
    central = look.people.traits.central_pain
    free = jnp.exp(-c.per_root_of_spasms * jnp.sqrt(rate)) * (1.0 - tone_share * c.tone_at_most * tone)
    free = free * (1.0 - c.tissue_at_most * stiff) * (1.0 - (0.0 if central is None else central))
    pain = _HIGHEST * (1.0 - free)
    # Who has no pain tells none.
    return jnp.where(pain > 0.0, jnp.clip(pain + look.luck.own.get(key, 0.0), 0.0, _HIGHEST), 0.0)
