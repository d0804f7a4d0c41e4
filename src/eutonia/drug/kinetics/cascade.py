"""Linear cascades of first-order stages, stepped exactly.

    x_i' = -r_i x_i + sum over j < i of g_ij x_j

Every linear kinetic model of the package is such a cascade: rates of decay r_i, gains g_ij from earlier to later
stages. Its transition over a step is lower triangular, is computed once for each person and step, and is then applied
element by element, so that no matrix is ever exponentiated and no equation solved while time runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

# Numerical constants, not science. The step is halved so often that rate * step <= 1/8 for every rate up to 131,072
# per step; there the exponential series of a cascade needs ten terms beyond its length for full 64-bit accuracy.
_HALVINGS = 20
_SHORT = 0.125
_TERMS_BEYOND_LENGTH = 10

Value = Float[Array, "..."]
Scalar = float | int | Float[Array, ""]
Gains = Mapping[tuple[int, int], Value]
Entries = dict[tuple[int, int], Value]
_Step = tuple[Array, Entries]


class Propagator(eqx.Module):
    """Transition of a cascade over one step: x_i(t + dt) = sum over j <= i of entry[i, j] x_j(t).

    Only entries that a path of gains connects are held; each is as small as the rates and gains on its paths allow.
    """

    entries: Entries

    def __getitem__(self, to_from: tuple[int, int]) -> Value:
        """Return the entry that carries stage `from` into stage `to`."""
        return self.entries[to_from]

    def into(self, to: int, stages: Mapping[int, Value]) -> Value:
        """Return what stage `to` holds after the step, given the stages before it (absent stages hold nothing)."""
        terms = [self.entries[to, j] * x for j, x in stages.items() if (to, j) in self.entries]
        return sum(terms[1:], start=terms[0])


def halvings(fastest: float) -> int:
    """Return how often a step must be halved whose fastest rate times length is `fastest`: as often as any other step,
    so that nobody's numbers depend on who else is there, unless it is beyond that.
    """
    return max(_HALVINGS, math.ceil(math.log2(max(fastest, _SHORT) / _SHORT)))


def propagator(rates: Sequence[Value], gains: Gains, dt_h: Scalar | Value, halved: int = _HALVINGS) -> Propagator:
    """Compute the transition of a cascade over a step, to full relative accuracy whatever the rates.

    Parameters
    ----------
    rates
        Rate of decay of each stage, 1/h, not negative. Equal, nearly equal and zero rates need no special care; a
        stage of rate zero that nothing feeds is a constant input, one that feeds nothing is an integral.
    gains
        (to, from) -> gain, with to > from.
    dt_h
        The step, h; may be traced, and may differ between patients.
    halved
        How often the step is halved: see `halvings`; fewer are faster.

    Notes
    -----
    Scaling and squaring of the triangular matrix. The diagonal is set exactly at every doubling, and all terms of an
    off-diagonal entry have one sign as long as the gains on its paths have, so nothing cancels and the relative error
    stays near (number of stages) x (number of doublings) x rounding, entry by entry. Divided differences of
    exponentials, the text-book form, lose all digits where two rates meet.

    Source: McCurdy, Ng, Parlett 1984 (divided differences of the exponential); Al-Mohy, Higham 2009 (exact diagonal).
    """
    step = jnp.asarray(dt_h, jnp.result_type(*rates, *gains.values()))

    def double(_: Array, short: _Step) -> _Step:
        width, one = short
        return 2.0 * width, _joined(one, one, rates, 2.0 * width)

    width = step / 2.0**halved
    return Propagator(jax.lax.fori_loop(0, halved, double, (width, _series(rates, gains, width)))[1])


def propagators(rates: Sequence[Value], gains: Gains, dt_h: Scalar, times: Sequence[int]) -> Propagator:
    """Compute the transitions over a step and over longer ones, each so many `times` the one before, as the first axis
    of each entry. See `propagator`, which is no cheaper for a long step than for a short one.
    """

    def longer(short: _Step, many: Array) -> tuple[_Step, Entries]:
        width, one = short
        whole = jax.lax.fori_loop(2, many + 1, lambda count, some: _joined(one, some, rates, count * width), one)
        return (many * width, whole), whole

    step = jnp.asarray(dt_h, jnp.result_type(*rates, *gains.values()))
    first = step, propagator(rates, gains, step).entries
    return Propagator(jax.lax.scan(longer, first, jnp.asarray([1, *times]))[1])


def _joined(one: Entries, other: Entries, rates: Sequence[Value], width: Array) -> Entries:
    """Return the transition over two steps, which are `width` long together."""
    return {(i, j): _product(one, other, i, j) for i, j in one if i != j} | _diagonal(rates, width)


def _diagonal(rates: Sequence[Value], width: Array) -> Entries:
    return {(i, i): jnp.exp(-rate * width) for i, rate in enumerate(rates)}


def _series(rates: Sequence[Value], gains: Gains, step: Array) -> Entries:
    """Return the transition over a step that is short against every rate, by the exponential series of the cascade."""
    matrix: Entries = {(i, i): -rate * step for i, rate in enumerate(rates)}
    matrix |= {key: jnp.asarray(gain) * step for key, gain in gains.items()}
    one = {key: jnp.ones_like(entry) for key, entry in matrix.items() if key not in gains}
    whole = {**{key: jnp.zeros(shape, step.dtype) for key, shape in _shapes(matrix, len(rates)).items()}, **one}
    terms = len(rates) + _TERMS_BEYOND_LENGTH

    def nest(count: Array, total: Entries) -> Entries:  # Horner: E = I + A (I + A/2 (I + A/3 (...)))
        raised = {(i, j): _product(matrix, total, i, j) / (terms - count) for i, j in total}
        return {key: entry + one[key] if key in one else entry for key, entry in raised.items()}

    return jax.lax.fori_loop(0, terms, nest, whole) | _diagonal(rates, step)


def _shapes(matrix: Entries, length: int) -> dict[tuple[int, int], tuple[int, ...]]:
    """Return the shape of every entry below the diagonal that a path of gains connects."""
    shapes = {key: entry.shape for key, entry in matrix.items()}
    for _ in range(length.bit_length()):  # a path of n gains is found by squaring, as the numbers are
        known = dict(shapes)
        for i in range(length):
            for j in range(i):
                through = [
                    known[x] for m in range(j, i + 1) for x in ((i, m), (m, j)) if {(i, m), (m, j)} <= set(known)
                ]
                if through:
                    shapes[i, j] = jnp.broadcast_shapes(*through)
    return {key: shape for key, shape in shapes.items() if key[0] != key[1]}


def _product(left: Entries, right: Entries, i: int, j: int) -> Value:
    """Return the entry (i, j) of the product of two lower-triangular matrices."""
    terms = [left[i, m] * right[m, j] for m in range(j, i + 1) if (i, m) in left and (m, j) in right]
    return sum(terms[1:], start=terms[0])
