"""Counting swings of a joint: peaks that are followed by a fall, and falls by a rise, of more than a given angle."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from eutonia._types import Scalar

Patients = Float[Array, " patient"]


# Whether rising, extreme so far and its time, count, first and last peak, whether the train is over.
_Watch = tuple[Array, Array, Array, Array, Array, Array, Array]


class Swings(eqx.Module):
    """`count` of peaks, time of the `first` and of the `last` of them (s; 0 where there is none)."""

    count: Patients
    first: Patients
    last: Patients

    @property
    def frequency(self) -> Patients:
        """Peaks per second from the first peak to the last, Hz; NaN below two peaks."""
        several = self.count > 1
        return jnp.where(several, (self.count - 1) / jnp.where(several, self.last - self.first, 1.0), jnp.nan)


def count_swings(
    time: Float[Array, " time"], angle: Float[Array, "time patient"], least: Scalar, gap: Scalar = jnp.inf
) -> Swings:
    """Return the swings of each angle that are larger than `least` (same unit as the angle).

    A peak counts once the angle has fallen by more than `least` from it; the next can only come after a rise of more
    than `least`. So ripples and noise below `least` never count. After a pause of more than `gap` seconds between two
    peaks nothing counts any more: the train is over.
    """
    zero = jnp.zeros_like(angle[0])

    def look(carry: _Watch, seen: tuple[Array, Array]) -> tuple[_Watch, None]:
        rising, extreme, at, count, first, last, over = carry
        now, here = seen
        higher = jnp.where(rising, here > extreme, here < extreme)
        extreme, at = jnp.where(higher, here, extreme), jnp.where(higher, now, at)
        turned = jnp.where(rising, extreme - here > least, here - extreme > least)
        over = over | (turned & rising & (count > 0) & (at - last > gap))
        peaked = turned & rising & ~over
        first = jnp.where(peaked & (count == 0), at, first)
        last = jnp.where(peaked, at, last)
        count = count + peaked
        rising = rising ^ turned
        extreme, at = jnp.where(turned, here, extreme), jnp.where(turned, now, at)
        return (rising, extreme, at, count, first, last, over), None

    yes = jnp.ones_like(zero, dtype=bool)
    (_, _, _, count, first, last, _), _ = lax.scan(look, (yes, angle[0], zero, zero, zero, zero, ~yes), (time, angle))
    return Swings(count, first, last)
