"""Ashworth and Modified Ashworth: the grade that a rater gives to the resistance of a stretched muscle group.

A resistance becomes a latent grade through the reference muscle group: the latent is the descending bias (times the
record `grade_per_bias`) that would give that group the same mean excess resistance over a healthy one. Raters add
noise and cut the latent half-way between grades. Passive resistance counts as much as reflex torque, as it does for
a clinician.
"""

from __future__ import annotations

import enum
import functools
import operator

import jax.numpy as jnp
from jax.scipy.special import ndtr
from jaxtyping import Array, Float

from eutonia._types import Scalar

# Grid of the reference curve: numerical resolution, not science.
_LOWEST, _HIGHEST, _POINTS = -0.4, 8.0, 169


@functools.total_ordering
class ModifiedAshworth(enum.Enum):
    """Modified Ashworth grade: ordered, never a number to average without saying how 1+ is coded."""

    ZERO = "0"
    ONE = "1"
    ONE_PLUS = "1+"
    TWO = "2"
    THREE = "3"
    FOUR = "4"

    @property
    def rank(self) -> int:
        """Position among the six grades (0 to 5)."""
        return list(ModifiedAshworth).index(self)

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, ModifiedAshworth):
            return NotImplemented
        return self.rank < other.rank

    def __str__(self) -> str:
        return self.value


class Ashworth(enum.IntEnum):
    """Ashworth grade as the intrathecal papers score it: 1 is normal, 5 is rigid."""

    NORMAL = 1
    SLIGHT = 2
    MARKED = 3
    CONSIDERABLE = 4
    RIGID = 5


def reference_grid() -> Float[Array, " point"]:
    """Bias values (mV) at which the reference curve is tabulated."""
    return jnp.linspace(_LOWEST, _HIGHEST, _POINTS)


def latent_grade(excess: Array, curve: Float[Array, " point"], grade_per_bias: Scalar) -> Array:
    """Return the latent grade (0 = normal, in steps of one Ashworth grade) of an `excess` resistance.

    `excess` is mean resistance less that of a healthy limb, `curve` the same for the reference group at
    `reference_grid()`; both are shares of the torque ceiling. Monotone, so a score never falls when resistance rises.
    """
    return grade_per_bias * jnp.interp(excess, curve, reference_grid())


def rater_scatter(latent: Array, noise: Array | Scalar, full_from: Array | Scalar) -> Array:
    """Return the noise that a rater adds: all of it from the latent grade `full_from` on, none where tone is normal.

    Raters disagree on how stiff a stiff limb is, hardly on a limb that does not resist.
    """
    return noise * jnp.clip(latent / full_from, 0.0, 1.0)


def _passed(heard: Array, marks: tuple[float, ...]) -> Array:
    """Return how many of the marks each value passes."""
    return jnp.stack([heard > mark for mark in marks]).sum(axis=0).astype(heard.dtype)


def ashworth_score(latent: Array, noise: Array | Scalar = 0.0) -> Array:
    """Return Ashworth 1-5: one more for each half-way mark (0.5, 1.5, 2.5, 3.5) that latent + noise passes."""
    heard = latent + noise
    return 1.0 + _passed(heard, _MARKS)


def modified_ashworth_rank(latent: Array, noise: Array | Scalar = 0.0) -> Array:
    """Return the rank 0-5 of the Modified Ashworth grade; 1+ is the upper half of Ashworth's second grade."""
    heard = latent + noise
    return _passed(heard, (*_MARKS, _ONE_PLUS))


def modified_ashworth_code(latent: Array, noise: Array | Scalar = 0.0) -> Array:
    """Return the Modified Ashworth grade coded for averages (0, 1, 1.5, 2, 3, 4): 1+ counts 1.5."""
    heard = latent + noise
    half = ((heard > _ONE_PLUS) & (heard <= _MARKS[1])).astype(latent.dtype) / 2
    return ashworth_score(latent, noise) - 1.0 + half


def expected_score(latent: Array, noise_sd: Array | Scalar, full_from: Array | Scalar) -> Array:
    """Return the mean Ashworth score over rater noise of spread `noise_sd` (smooth in the latent; for fitting)."""
    scatter = jnp.maximum(rater_scatter(latent, noise_sd, full_from), _LEAST_SCATTER)
    # Added one by one: the order of a reduction, and so the last bit, may change with the number of people.
    return 1.0 + functools.reduce(operator.add, (ndtr((latent - mark) / scatter) for mark in _MARKS))


# Definition of a rounded grade: half-way between neighbours; 1+ splits the second Ashworth grade in two.
_MARKS = (0.5, 1.5, 2.5, 3.5)
_ONE_PLUS = 1.0
# Keeps the mean smooth where raters agree: numerical.
_LEAST_SCATTER = 1e-3
