"""What lesions make of tone and strength as the time since their onset goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from eutonia.patient import Cohort
from eutonia.tone.descending import (
    DescendingConstants,
    bias_factors,
    descending_bias,
    retied,
    strength_exponents,
    voluntary_strength,
)

Limbs = Float[Array, "limb patient"]


class Lesioned(eqx.Module):
    """What lesions have left of the pathways by a time since their onset (h), and what each person makes of that."""

    integrity: Float[Array | np.ndarray, "pathway limb patient"]
    factor: Limbs
    exponent: Limbs
    time_since_onset_h: Float[Array | np.ndarray, "*patient"]
    is_spared: bool = eqx.field(static=True, default=False)

    def tone_and_strength(self, constants: DescendingConstants) -> tuple[Limbs, Limbs]:
        """Return bias (mV) and voluntary strength (0..1)."""
        if self.is_spared:
            none = jnp.zeros_like(jnp.asarray(self.factor))
            return none, none + 1.0
        return _lesioned(self, constants)


@jax.jit
def _lesioned(by: Lesioned, constants: DescendingConstants) -> tuple[Limbs, Limbs]:
    bias = descending_bias(by.integrity, by.factor, by.time_since_onset_h, constants)
    return bias, voluntary_strength(by.integrity, by.exponent, constants)


@dataclass(frozen=True)
class LesionCourse:
    """The course of the lesions of a cohort.

    `factor` is how strongly each person's cord answers, `exponent` how fast strength falls with what is lost;
    `is_spared` whether it is of the less affected side, on which a lesion of one side leaves no bias and all strength.
    """

    cohort: Cohort
    factor: Limbs
    exponent: Limbs
    constants: DescendingConstants
    is_spared: bool = False

    @classmethod
    def of(cls, cohort: Cohort, seed: int, person: Int[np.ndarray, " patient"] | None = None) -> LesionCourse:
        """Return the course of a cohort, each by their own luck: that of `person`, or of who they are."""
        who = cohort.person if person is None else person
        constants = DescendingConstants.of(cohort.origin)
        return cls(cohort, bias_factors(seed, who), strength_exponents(seed, who), constants)

    def known(self, cohort: Cohort, factor: Limbs, *, is_spared: bool = False) -> LesionCourse:
        """Return the course of people whose factors a chart has told, and who have these lesions, on either side."""
        exponent = retied(self.exponent, self.factor, factor, self.constants)
        return replace(self, cohort=cohort, factor=factor, exponent=exponent, is_spared=is_spared)

    def by(self, time_since_onset_h: float | Float[np.ndarray, " patient"]) -> tuple[Limbs, Limbs]:
        """Return bias (mV) and voluntary strength (0..1) by a time since the onset, h: one for all or one a person."""
        return self.left_by(time_since_onset_h).tone_and_strength(self.constants)

    def left_by(self, time_since_onset_h: float | Float[np.ndarray, " patient"]) -> Lesioned:
        """Return what is left by a time since the onset, h."""
        integrity, since = self.cohort.pathways.integrity(time_since_onset_h), np.asarray(time_since_onset_h)
        return Lesioned(integrity, self.factor, self.exponent, since, self.is_spared)

    def left_at(self, since_entry_h: float) -> Lesioned:
        """Return what is left at a time since people's entry, h."""
        return self.left_by(np.asarray(self.cohort.time_since_onset_h) + since_entry_h)

    def at(self, since_entry_h: float) -> tuple[Limbs, Limbs, Array]:
        """Return bias (mV), strength (0..1) and time since the onset (h) at a time since people's entry."""
        left = self.left_at(since_entry_h)
        return *left.tone_and_strength(self.constants), jnp.asarray(left.time_since_onset_h)
