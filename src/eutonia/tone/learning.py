"""Learning to lower one's own signal: practice that slowly takes a share off the bias of a limb's motoneurons.

One kind of practice: operant conditioning of the H reflex, where the person sees the size of the own reflex and is
rewarded for making it smaller. Nobody learns anything unless a study asks for it.

Equation
    r' = s / N (c - r) - r / tau_f ;  D_practised = D (1 - k_D r) ;  Ia release times (1 - k_H r)
with r the share learned, s sessions an hour, N the sessions that close all but 1/e of the gap, c the ceiling of the
kind of practice and tau_f the time in which it fades. In conditioning r is the lasting fall of the H reflex, of which a
share reaches the bias behind tone (k_D) and the rest stays in the reflex (k_H).
Assumptions: both shares; half learn nothing. As D is what the lesion adds, no practice leads below the healthy level.
Contracture follows the bias that is left, over months. Exercise is training of strength (`study.companions`).
Source: Thompson 2022 for the size of conditioning and who succeeds.

Not for
    Strength, skill or gait, which practice improves by other ways; the change within one session; people without a
    lesion, who lower their H reflex too.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from eutonia import _streams, parameters
from eutonia._hours import HOURS_A_WEEK
from eutonia._types import Scalar

METHODS = ("H-reflex conditioning",)


Patients = Float[Array, " patient"]


class LearningConstants(eqx.Module):
    """Records of the set `learning` for one kind of practice, as plain numbers."""

    ceiling: Scalar
    success: Scalar
    sessions_to_learn: Scalar
    fading_time: Scalar
    of_bias: Scalar
    of_release: Scalar

    @classmethod
    def of(cls, method: str) -> LearningConstants:
        """Read the constants of a kind of practice, one of `METHODS`."""
        units = {"conditioning_ceiling": "1", "conditioning_success": "1", "sessions_to_learn": "1", "fading_time": "h"}
        shares: dict[str, str] = {"conditioning_tone_share": "1", "conditioning_release_share": "1"}
        return cls(*parameters.load("learning").values(**units, **shares))


def learned_share(
    share: Patients, sessions_per_week: Scalar | Patients, span_h: Scalar, constants: LearningConstants
) -> Patients:
    """Return the share that is learned after a span of practice (none at 0 sessions a week).

    Parameters
    ----------
    share
        Share at the start of the span, 0 to the ceiling.
    sessions_per_week
        Sessions a week through the span.
    span_h
        Length of the span, h.
    constants
        Records of the set `learning`.
    """
    gain = jnp.asarray(sessions_per_week) / HOURS_A_WEEK / constants.sessions_to_learn
    rate = gain + 1.0 / constants.fading_time
    settled = constants.ceiling * gain / rate
    return settled + (share - settled) * jnp.exp(-rate * span_h)


def learners(seed: int, person: Int[Array, " patient"], constants: LearningConstants) -> Bool[Array, " patient"]:
    """Return who is able to learn it: each by their own luck, the same for every kind of practice."""
    keys = _streams.keys(seed, _streams.Purpose.LEARNING, person)
    return _streams.uniform(keys, 1)[0] < constants.success
