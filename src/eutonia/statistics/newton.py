"""Smallest value of a smooth function by Newton's method with exact slopes and curvature, for use under `vmap`."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from eutonia.statistics.sweep import swept

_STEPS = 80
# The fall still to be expected, in units of the function; a step beyond this length is cut.
_ARRIVED = 1e-10
_LONGEST = 2.0
# Damping, as a share of the largest curvature, falls after a good step and rises after a bad one.
_LEAST_DAMPING, _EASED, _HARDENED = 1e-4, 0.1, 10.0
# A pivot of the scaled curvature below this is none: the function is flat along something.
_FLAT = 1e-9


class Minimum(NamedTuple):
    """Where a function is smallest: the place, the inverse of its curvature there, and whether it is a minimum."""

    place: Float[Array, " number"]
    inverse_curvature: Float[Array, "number number"]
    converged: Bool[Array, ""]


class _Walk(NamedTuple):
    place: Array
    value: Array
    slope: Array
    curvature: Array
    damping: Array
    steps: Array
    arrived: Array


def minimise(function: Callable[[Array], tuple[Array, Array]], start: Float[Array, " number"]) -> Minimum:
    """Return the minimum of a function that is reached from `start`; it returns its value and its slope.

    A step that does not lower the function, or that starts where the damped curvature is not positive, is taken again,
    damped more. Converged means: no fall is to be expected any more, everything is finite, and the curvature is
    positive in all directions.
    """

    def slope_of(place: Array) -> tuple[Array, tuple[Array, Array]]:
        value, slope = function(place)
        return slope, (value, slope)

    def look(place: Array) -> tuple[Array, Array, Array]:
        curvature, (value, slope) = jax.jacfwd(slope_of, has_aux=True)(place)
        return value, slope, curvature

    def step(walk: _Walk) -> _Walk:
        largest = jnp.max(jnp.abs(jnp.diag(walk.curvature)))
        inverse, pivots = swept(walk.curvature + walk.damping * largest * jnp.eye(len(start)))
        move = -inverse @ walk.slope
        expected = -move @ walk.slope
        is_down = jnp.all(pivots > 0.0) & jnp.all(jnp.isfinite(move))
        move = jnp.where(is_down, move, 0.0)
        move = move * jnp.minimum(1.0, _LONGEST / jnp.maximum(jnp.max(jnp.abs(move)), _FLAT))
        new = (walk.place + move, *look(walk.place + move))
        is_better = is_down & (new[1] <= walk.value) & jnp.all(jnp.isfinite(new[3]))
        old = (walk.place, walk.value, walk.slope, walk.curvature)
        at, value, slope, curvature = (jnp.where(is_better, *pair) for pair in zip(new, old, strict=True))
        eased = jnp.where(walk.damping > _LEAST_DAMPING, walk.damping * _EASED, 0.0)
        harder = jnp.maximum(walk.damping * _HARDENED, _LEAST_DAMPING)
        arrived = is_down & (walk.damping == 0.0) & (expected < _ARRIVED) & jnp.isfinite(walk.value)
        damping = jnp.where(is_better, eased, harder)
        return _Walk(at, value, slope, curvature, damping, walk.steps + 1, arrived)

    # The first round only looks: its step is of length zero, and any value is lower than none.
    unknown = (jnp.asarray(jnp.inf), jnp.zeros_like(start), jnp.eye(len(start)))
    begun = _Walk(start, *unknown, jnp.asarray(0.0), jnp.asarray(0), jnp.asarray(False))
    end = jax.lax.while_loop(lambda walk: ~walk.arrived & (walk.steps < _STEPS), step, begun)
    size = jnp.sqrt(jnp.abs(jnp.diag(end.curvature)))
    inverse, pivots = swept(end.curvature / (size[:, None] * size[None, :]))
    inverse = inverse / (size[:, None] * size[None, :])
    is_minimum = jnp.all(pivots > _FLAT) & jnp.all(jnp.diag(end.curvature) > 0.0)
    finite = jnp.isfinite(end.value) & jnp.all(jnp.isfinite(inverse))
    return Minimum(end.place, inverse, end.arrived & is_minimum & finite)
