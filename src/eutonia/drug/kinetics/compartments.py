"""One, two or three compartments as a cascade: combinations of the amounts in which nothing flows back.

    A_1' = -(k_10 + k_12 + k_13) A_1 + k_21 A_2 + k_31 A_3;  A_j' = k_1j A_1 - k_j1 A_j

A left eigenvector of the fastest rate gives a combination that decays by itself. It takes the place of the amount that
weighs most in it (so that going there and back multiplies by at most one, and rounding stays rounding); what is left is
one compartment fewer. A depot or a chain before it, and what is eliminated after it, join the same cascade.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Int

from eutonia.drug.kinetics.cascade import Value

# Numerical constant: Newton's method on a concave function, started below its root at most a factor of about two off.
_NEWTON_STEPS = 12

Which = Int[Array, "..."]
Values = list[Value]
Matrix = list[list[Value]]


class Sheared(eqx.Module):
    """Compartments as a cascade.

    Attributes
    ----------
    rates
        Macro-rates, 1/h, fastest first; each is that of a stage.
    gains
        (to, from) -> gain between the stages.
    pivots, weights
        For each stage but the last: which of the amounts still there it replaces, and how much of each of the others
        it holds.
    """

    rates: tuple[Value, ...]
    gains: dict[tuple[int, int], Value]
    pivots: tuple[Which, ...]
    weights: tuple[tuple[Value, ...], ...]

    def stages(self, amounts: Values) -> Values:
        """Return the stages of the cascade from the amounts in the compartments (or from what enters them)."""
        found, left = [], amounts
        for pivot, weights in zip(self.pivots, self.weights, strict=True):
            first, *left = _swapped(left, pivot)
            found.append(_plus(first, weights, left))
        return [*found, *left]

    def amounts(self, stages: Values) -> Values:
        """Return the amounts in the compartments from the stages of the cascade."""
        *combined, last = stages
        left = [last]
        for stage, pivot, weights in zip(combined[::-1], self.pivots[::-1], self.weights[::-1], strict=True):
            left = _swapped([_plus(stage, [-weight for weight in weights], left), *left], pivot)
        return left

    @property
    def central(self) -> Values:
        """How much of each stage the central amount holds."""
        one, zero = jnp.ones_like(self.rates[0]), jnp.zeros_like(self.rates[0])
        n = len(self.rates)
        return [self.amounts([one if i == j else zero for j in range(n)])[0] for i in range(n)]


def shear(elimination: Value, outward: tuple[Value, ...], back: tuple[Value, ...]) -> Sheared:
    """Return the cascade of a central compartment with none, one or two peripheral ones.

    Parameters
    ----------
    elimination
        Rate k_10, 1/h.
    outward, back
        Rates k_12, k_13 to the peripheral compartments and k_21, k_31 from them, 1/h.
    """
    if not outward:
        return Sheared((elimination,), {}, (), ())
    total = elimination + sum(outward)
    if len(outward) == 1:
        alpha, beta, nu = two(elimination, outward[0], back[0])
        matrix = [[-total, back[0]], [outward[0], -back[0]]]
        pivot, weights, _, into = _deflate(matrix, [jnp.ones_like(nu), -nu])
        return Sheared((alpha, beta), {(1, 0): into[0]}, (pivot,), (weights,))
    zero = jnp.zeros_like(total)
    matrix = [[-total, *back], [outward[0], -back[0], zero], [outward[1], zero, -back[1]]]
    above = _above(elimination, outward, back)  # alpha - k21, alpha - k31
    alpha = back[0] + above[0]
    pivot, weights, left, into = _deflate(matrix, [jnp.ones_like(total), -back[0] / above[0], -back[1] / above[1]])
    (p, across), (return_, q) = left
    root = jnp.sqrt((p - q) ** 2 + 4.0 * across * return_)
    beta = (root - p - q) / 2.0
    wide = (root + jnp.abs(p - q)) / 2.0  # of beta + p and beta + q, the one that does not cancel
    vector = [jnp.where(p > q, return_, wide), jnp.where(p > q, -wide, -across)]
    pivot2, weights2, _, into2 = _deflate(left, vector)
    gamma = elimination * back[0] * back[1] / (alpha * beta)
    first, second = _swapped(list(into), pivot2)
    gains = {(1, 0): _plus(first, weights2, [second]), (2, 0): second, (2, 1): into2[0]}
    return Sheared((alpha, beta, gamma), gains, (pivot, pivot2), (weights, weights2))


def two(k10: Value, k12: Value, k21: Value) -> tuple[Value, Value, Value]:
    """Return alpha, beta and nu of two compartments: A_1 - nu A_2 decays by itself, at alpha.

    nu = (k_21 - beta) / k_12, so written that nothing cancels.
    """
    total = k10 + k12 + k21
    root = jnp.sqrt((k10 + k12 - k21) ** 2 + 4.0 * k12 * k21)
    alpha = (total + root) / 2.0
    skew = k12 + k21 - k10
    per_k12 = jnp.where(skew > 0, (root + skew) / k12, 4.0 * k10 / (root - jnp.minimum(skew, 0.0)))
    return alpha, k10 * k21 / alpha, k21 * per_k12 / (2.0 * alpha)


def _deflate(matrix: Matrix, vector: Values) -> tuple[Which, tuple[Value, ...], Matrix, tuple[Value, ...]]:
    """Replace an amount by a combination that decays by itself.

    Returns the pivot, the weights of the other amounts in the combination, the matrix of those others, and how fast
    the combination flows into each of them.
    """
    size = jnp.stack([jnp.abs(entry) for entry in jnp.broadcast_arrays(*vector)])
    pivot = jnp.argmax(size, axis=0)
    first, *others = _swapped(vector, pivot)
    weights = tuple(entry / first for entry in others)
    columns = [_swapped(list(column), pivot) for column in zip(*matrix, strict=True)]
    rows = [_swapped(list(row), pivot) for row in zip(*columns, strict=True)]
    left = [[entry - row[0] * weight for entry, weight in zip(row[1:], weights, strict=True)] for row in rows[1:]]
    return pivot, weights, left, tuple(row[0] for row in rows[1:])


def _swapped(items: Values, pivot: Which) -> Values:
    """Exchange the first item with the one that each patient's pivot names."""
    first = items[0]
    for i, item in enumerate(items[1:], start=1):
        first = jnp.where(pivot == i, item, first)
    return [first, *(jnp.where(pivot == i, items[0], item) for i, item in enumerate(items[1:], start=1))]


def _plus(start: Value, weights: tuple[Value, ...] | Values, items: Values) -> Value:
    return sum((weight * item for weight, item in zip(weights, items, strict=True)), start=start)


def _above(k10: Value, outward: tuple[Value, ...], back: tuple[Value, ...]) -> tuple[Value, Value]:
    """Return how far the fastest rate lies above k21 and above k31, both found without a difference of large numbers.

    With e = alpha - max(k21, k31) it is the root of e + m - S = k12 k21 / (alpha - k21) + k13 k31 / (alpha - k31); the
    difference of both sides rises and is concave, so Newton's method from below climbs to the root.
    """
    total = k10 + outward[0] + outward[1]
    most = jnp.maximum(*back)
    gap = tuple(most - rate for rate in back)
    weight = tuple(out * rate for out, rate in zip(outward, back, strict=True))
    e = jnp.maximum(*(_pair(total, w, rate) - d for w, rate, d in zip(weight, back, gap, strict=True)))
    for _ in range(_NEWTON_STEPS):
        pull = tuple(w / (e + d) for w, d in zip(weight, gap, strict=True))
        slope = 1.0 + pull[0] / (e + gap[0]) + pull[1] / (e + gap[1])
        e = e - (e + (most - total) - pull[0] - pull[1]) / slope
    return e + gap[0], e + gap[1]


def _pair(total: Value, weight: Value, rate: Value) -> Value:
    """Return how far the faster rate of the central and one peripheral compartment lies above that one's own rate."""
    skew = total - rate
    root = jnp.sqrt(skew**2 + 4.0 * weight)
    return jnp.where(skew > 0, (skew + root) / 2.0, 2.0 * weight / (root - jnp.minimum(skew, 0.0)))
