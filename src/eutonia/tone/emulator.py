"""The spiking segment in one line: polynomials fitted to a design of spiking runs, for whoever cannot wait for them.

Inputs: bias (mV), release (share of undrugged), GIRK (share of leak), fusimotor factor, presynaptic inhibition at rest.
Outputs: lambda and mu of the threshold line theta_on = lambda - mu v, gain, H/M, and what H at 1 Hz keeps.

Equation
    z_i = 2 (x_i - low_i)/(high_i - low_i) - 1,   y = f^-1[sum of products of up to three z, each with a weight]
    f: none for lambda and mu, logarithm for the gain, probit for H/M and depression
Source: calibration/segment_emulator.py, which prints the error on runs that were kept out; it stands in the records.
Not for: inputs beyond the design (they are held at its edge).
"""

from __future__ import annotations

import itertools

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtr, ndtri
from jaxtyping import Array, Float

from eutonia import parameters
from eutonia._types import Scalar

INPUTS = ("bias", "release", "girk", "fusimotor", "pad_rest")
OUTPUTS = ("threshold", "velocity_sensitivity", "gain", "h_over_m", "depression")
DEGREE = 3
#: Products of inputs, by the numbers of their factors, in the order of the coefficients.
TERMS = tuple(
    term for degree in range(DEGREE + 1) for term in itertools.combinations_with_replacement(range(len(INPUTS)), degree)
)
#: Their names on the axis of a record.
TERM_NAMES = tuple("*".join(INPUTS[k] for k in term) or "constant" for term in TERMS)
#: The same with the number of a constant 1 where a product has fewer factors.
_FACTORS = np.array([term + (len(INPUTS),) * (DEGREE - len(term)) for term in TERMS])
#: Shares of a pool are kept this far from 0 and 1 before the probit.
_EDGE = 0.005


class Reflexes(eqx.Module):
    """What the reduced joint model needs of a segment.

    `threshold` deg of dorsiflexion from neutral at no speed; `velocity_sensitivity` s; `gain` N m/rad; `h_over_m`;
    `depression` H at 1 Hz over the first H.
    """

    threshold: Array
    velocity_sensitivity: Array
    gain: Array
    h_over_m: Array
    depression: Array


class Emulator(eqx.Module):
    """Coefficients of the five outputs and the box of inputs that they were fitted in."""

    low: Float[Array, " input"]
    high: Float[Array, " input"]
    weights: Float[Array, "output term"]

    @classmethod
    def from_records(cls) -> Emulator:
        """Read the set `segment_emulator`."""
        s = parameters.load("segment_emulator")
        return cls(
            jnp.asarray(s.along("design_low", "1", INPUTS)),
            jnp.asarray(s.along("design_high", "1", INPUTS)),
            jnp.asarray([s.along(name, "1", TERM_NAMES) for name in OUTPUTS]),
        )

    def __call__(
        self,
        bias: Array | Scalar,
        release: Array | Scalar,
        girk: Array | Scalar = 0.0,
        fusimotor: Array | Scalar = 1.0,
        pad_rest: Array | Scalar | None = None,
    ) -> Reflexes:
        """Return the reflexes of segments in these states."""
        pad = parameters.load("segment").value("pad_rest", "1") if pad_rest is None else pad_rest
        given = (jnp.asarray(v, dtype=float) for v in (bias, release, girk, fusimotor, pad))
        x = jnp.stack(jnp.broadcast_arrays(*given))
        return Reflexes(*(inverse(k, y) for k, y in enumerate(self.weights @ features(x, self.low, self.high))))


def features(x: Array, low: Array, high: Array) -> Array:
    """Return the products of scaled inputs that the polynomials are made of: (input, ...) to (term, ...)."""
    column = (slice(None), *(None,) * (x.ndim - 1))
    z = 2.0 * (jnp.clip(x, low[column], high[column]) - low[column]) / (high - low)[column] - 1.0
    with_one = jnp.concatenate([z, jnp.ones_like(z[:1])])
    return with_one[_FACTORS].prod(axis=1)


def forward(output: int, value: Array) -> Array:
    """Return an output as the polynomial has it: plain, logarithm or probit."""
    if OUTPUTS[output] == "gain":
        return jnp.log(value)
    if OUTPUTS[output] in ("h_over_m", "depression"):
        return ndtri(jnp.clip(value, _EDGE, 1.0 - _EDGE))
    return value


def inverse(output: int, value: Array) -> Array:
    """Return an output in its unit again."""
    if OUTPUTS[output] == "gain":
        return jnp.exp(value)
    return ndtr(value) if OUTPUTS[output] in ("h_over_m", "depression") else value
