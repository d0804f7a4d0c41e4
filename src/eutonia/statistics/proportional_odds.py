"""Proportional odds: an ordinal score against covariates of a person, for many trials in one program.

Equation
    logit P(Y <= j) = cut_j - x' beta, cuts rising; beta is the logarithm of the odds ratio of a higher score
Source
    McCullagh_1980
Not for
    Scores with about as many values as people: each has a cut of its own.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia.statistics.newton import minimise
from eutonia.statistics.rounding import exact
from eutonia.statistics.side_by_side import WIDTH, side_by_side

# A standard error beyond this says that arms are separate.
_LARGEST = 50.0
# A program has room for so many cuts more, and in small trials for so many people more, than the one before it.
_CUTS, _PEOPLE = 8, 16


class OddsFit(NamedTuple):
    """Logarithms of odds ratios and their standard errors (fit, covariate), and whether each fit converged."""

    estimate: Any
    se: Any
    converged: Any


def fit_odds(
    y: Float[np.ndarray, "fit person"],
    covariates: Float[np.ndarray, "fit person covariate"],
    width: int = WIDTH,
) -> OddsFit:
    """Fit the model to many trials, in 64-bit also in the fast mode: in 32 searches do not arrive.

    Parameters
    ----------
    y
        Scores; NaN where there is none, which leaves the person out.
    covariates
        x of each person, without a column of ones.
    width
        Fits that are computed together; a single fit of very many people takes 1.

    Returns
    -------
    OddsFit
        One row a trial; NaN where the fit did not converge, as where two arms have no score in common.
    """
    places = np.full(y.shape, -1)
    for row, values in zip(places, exact(y), strict=True):
        row[~np.isnan(values)] = np.unique(values[~np.isnan(values)], return_inverse=True)[1]
    # Room for people and cuts is filled up with nobody and with cuts of no meaning, so that few programs serve all.
    cuts, n = _CUTS * -(-max(int(places.max()), 1) // _CUTS), y.shape[1]
    room = -(-n // _PEOPLE) * _PEOPLE if n <= WIDTH else 1 << (n - 1).bit_length()
    rest = ((0, 0), (0, room - n))
    places = np.pad(places, rest, constant_values=-1)
    x = np.pad(np.nan_to_num(covariates), (*rest, (0, 0)))
    with jax.enable_x64(True):
        found = side_by_side(lambda mine, x: _fits(mine, x, cuts), places, x, width=width)
    known = np.where(found.converged, 1.0, np.nan)[:, None]
    return OddsFit(found.estimate * known, found.se * known, found.converged)


@functools.partial(jax.jit, static_argnames="cuts")
def _fits(places: Array, covariates: Array, cuts: int) -> OddsFit:
    """Fit trials side by side."""
    return jax.vmap(lambda place, x: _fit(place, x, cuts))(places, covariates)


def _fit(place: Array, x: Array, cuts: int) -> OddsFit:
    """Fit one trial; cuts above its highest score are held at a place of no meaning."""
    is_seen, top = place >= 0, jnp.max(place)
    is_cut = jnp.arange(cuts) < top
    is_low, is_high = place == 0, place == top
    n_x = x.shape[1]

    def height(free: Array) -> Array:
        """Return -2 log likelihood."""
        steps = jnp.concatenate([jnp.zeros(1), jnp.cumsum(jnp.exp(free[1:cuts]))])
        cut, shift = free[0] + steps, x @ free[cuts:]
        above = cut[jnp.clip(place, 0, cuts - 1)] - shift
        below = cut[jnp.clip(place - 1, 0, cuts - 1)] - shift
        gap = jnp.where(is_low | is_high | ~is_seen, 1.0, above - below)
        # P(below < Y <= above) = s(above) s(-below) (1 - exp(below - above)), s the logistic function.
        told = (
            jnp.where(is_high, 0.0, jax.nn.log_sigmoid(above))
            + jnp.where(is_low, 0.0, jax.nn.log_sigmoid(-below))
            + jnp.where(is_low | is_high, 0.0, jnp.log1p(-jnp.exp(-gap)))
        )
        return -2.0 * jnp.sum(jnp.where(is_seen, told, 0.0)) + jnp.sum(jnp.where(is_cut, 0.0, free[:cuts]) ** 2)

    found = minimise(jax.value_and_grad(height), _start(place, is_cut, cuts, n_x))
    se = jnp.sqrt(2.0 * jnp.diag(found.inverse_curvature)[cuts:])
    return OddsFit(found.place[cuts:], se, found.converged & (top > 0) & jnp.all(se < _LARGEST))


def _start(place: Array, is_cut: Array, cuts: int, n_x: int) -> Array:
    """Return where the search starts: the cuts of everybody together, and no effect."""
    upto = jnp.sum((place[:, None] >= 0) & (place[:, None] <= jnp.arange(cuts)), axis=0)
    share = (upto + 0.5) / (jnp.sum(place >= 0) + 1.0)
    logits = jnp.log(share) - jnp.log1p(-share)
    apart = jnp.where(is_cut[1:], jnp.diff(logits), 1.0)
    return jnp.concatenate([logits[:1], jnp.log(apart), jnp.zeros(n_x)])
