"""Mixed model for repeated measures: restricted likelihood, missing visits, Satterthwaite's degrees of freedom.

The scores y_i of person i at the visits are normal with mean X_i beta and covariance Sigma(theta) over the visits; rows
of visits that are not seen drop out, which is unbiased where they are missing at random. Covariates z_i belong to the
person, so X_i = (I (x) z_i') C with one matrix C for everybody, and people of one pattern of seen visits enter by sums
of squares and products alone: a fit costs the same for twenty people and for a million.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from eutonia.statistics.covariance import STRUCTURES
from eutonia.statistics.newton import minimise
from eutonia.statistics.rounding import NO_SPREAD
from eutonia.statistics.side_by_side import side_by_side
from eutonia.statistics.sweep import inverse_and_log_size, swept

# A visit of which the earlier ones leave less variance than this share is at the edge: the data do not tell.
_EDGE = 1e-6
# A program has room for at least so many patterns of seen visits, or twice as many, or four times, and so on.
_PATTERNS = 4
#: What is fitted where the structure before it does not fit: fewer parameters at each step.
LADDER = ("unstructured", "heterogeneous toeplitz", "heterogeneous autoregressive", "compound symmetry")


# A NumPy array to whoever calls, a JAX array while fits are compiled.
Leaf = Any


class Sums(NamedTuple):
    """What a fit needs of its data: sums over the people of each pattern of seen visits, of scaled residuals.

    `count` (pattern), `yy` (pattern, visit, visit), `zy` (pattern, covariate, visit) and `zz` (pattern, covariate,
    covariate) are sums over people; `beta` are least-squares coefficients that were taken away, `scale` the standard
    deviation that the rest was divided by.
    """

    count: Leaf
    yy: Leaf
    zy: Leaf
    zz: Leaf
    beta: Leaf
    scale: Leaf


class MixedFit(NamedTuple):
    """Fits of one structure, each array with the fits first.

    `beta` and `beta_covariance` are of the coefficients, `covariance` is that of the visits, `minus_2_log_likelihood`
    the restricted one without a constant left out; `estimate`, `se` and `df` belong to the contrasts. A fit that is not
    `converged` says nothing, whatever stands in it.
    """

    beta: Leaf
    beta_covariance: Leaf
    covariance: Leaf
    minus_2_log_likelihood: Leaf
    estimate: Leaf
    se: Leaf
    df: Leaf
    converged: Leaf


def patterns_of(seen: Bool[np.ndarray, "*fit person visit"]) -> Bool[np.ndarray, "pattern visit"]:
    """Return every pattern of seen visits that occurs, whoever has it; nobody's empty row is none."""
    found = np.unique(seen.reshape(-1, seen.shape[-1]), axis=0)
    return found[found.any(axis=1)]


def sums_of(
    y: Float[np.ndarray, "person visit"],
    covariates: Float[np.ndarray, "person covariate"],
    patterns: Bool[np.ndarray, "pattern visit"],
    design: Float[np.ndarray, "visit_covariate coefficient"],
) -> Sums:
    """Return the sums of one trial.

    Parameters
    ----------
    y
        Scores; NaN where a visit was not seen.
    covariates
        z of each person, a column of ones for the intercept included.
    patterns
        From `patterns_of`, of all the trials that are fitted together.
    design
        C: from coefficients to a covariate's slope at each visit, rows visit by visit.
    """
    seen = ~np.isnan(y)
    values = np.where(seen, y, 0.0)
    n_visits, n_covariates = y.shape[1], covariates.shape[1]
    rows = np.einsum("ia,vac->ivc", covariates, design.reshape(n_visits, n_covariates, -1))[seen]
    beta = np.linalg.lstsq(rows, values[seen], rcond=None)[0]
    fitted = covariates @ (design @ beta).reshape(n_visits, n_covariates).T
    rest = np.where(seen, values - fitted, 0.0)
    free = max(int(seen.sum()) - design.shape[1], 1)
    scale = float(np.sqrt(np.sum(rest**2) / free))
    # Residuals that are noise of the arithmetic are none, and no covariance fits them.
    rest, scale = (rest / scale, scale) if scale >= NO_SPREAD else (np.zeros_like(rest), 1.0)
    mine = (seen[:, None, :] == patterns[None]).all(axis=2).astype(float)
    return Sums(
        mine.sum(axis=0),
        np.einsum("ip,iv,iw->pvw", mine, rest, rest),
        np.einsum("ip,ia,iv->pav", mine, covariates, rest),
        np.einsum("ip,ia,ib->pab", mine, covariates, covariates),
        beta,
        np.asarray(scale),
    )


def fit(
    sums: Sums,
    patterns: Bool[np.ndarray, "pattern visit"],
    design: Float[np.ndarray, "visit_covariate coefficient"],
    contrasts: Float[np.ndarray, "fit contrast coefficient"],
    structure: str,
) -> MixedFit:
    """Fit the model to many trials in one program, in 64-bit also in the fast mode: in 32 searches do not arrive.

    Parameters
    ----------
    sums
        `sums_of` each trial, stacked.
    patterns, design
        As they went into the sums.
    contrasts
        L of each trial: estimates are L beta.
    structure
        A key of `STRUCTURES`.

    Returns
    -------
    MixedFit
        One row a trial.
    """
    sums, room = _with_room(sums, patterns)
    with jax.enable_x64(True):
        return side_by_side(lambda mine, wanted: _fits(mine, wanted, room, design, structure), sums, contrasts)


def _with_room(sums: Sums, patterns: Bool[np.ndarray, "pattern visit"]) -> tuple[Sums, Bool[np.ndarray, "room visit"]]:
    """Fill up with patterns of no visit that nobody has: trials with a few patterns more or less share a program."""
    left = max(_PATTERNS, 1 << (len(patterns) - 1).bit_length()) - len(patterns)

    def filled(leaf: np.ndarray, axis: int) -> np.ndarray:
        return np.pad(leaf, [(0, left if at == axis else 0) for at in range(np.ndim(leaf))])

    of_pattern = {name: filled(getattr(sums, name), 1) for name in ("count", "yy", "zy", "zz")}
    return sums._replace(**of_pattern), filled(patterns, 0)


@functools.partial(jax.jit, static_argnames="structure")
def _fits(sums: Sums, contrasts: Array, patterns: Array, design: Array, structure: str) -> MixedFit:
    """Fit trials side by side."""
    return jax.vmap(lambda one, wanted: fit_one(one, wanted, patterns, design, structure))(sums, contrasts)


def fit_one(sums: Sums, contrasts: Array, patterns: Array, design: Array, structure: str) -> MixedFit:
    """Fit one trial.

    **Equation** -2 l_R = sum log|V_i| + sum r_i' V_i^-1 r_i + log|sum X_i' V_i^-1 X_i| + (N - p) log 2 pi; the degrees
    of freedom of L are 2 v^2/(g' A g) with v = L Phi L', g its slope in theta and A the inverse of half the curvature
    of -2 l_R.

    **Source** Harville_1977 (restricted likelihood), Fai_Cornelius_1996 (degrees of freedom)
    """
    n_visits, kind = patterns.shape[1], STRUCTURES[structure]
    n_scores = jnp.sum(sums.count @ patterns)
    free = n_scores - design.shape[1]

    def covariance_of(theta: Array) -> Array:
        return kind.matrix(theta, n_visits)

    def height(theta: Array) -> tuple[Array, Array]:
        told = _likelihood(covariance_of(theta), sums, patterns, design)
        return told.value + free * jnp.log(2.0 * jnp.pi), jnp.einsum(
            "st,stk->k", told.slope, jax.jacfwd(covariance_of)(theta)
        )

    def variances(theta: Array) -> tuple[Array, _Likelihood]:
        told = _likelihood(covariance_of(theta), sums, patterns, design)
        return jnp.einsum("cp,pq,cq->c", contrasts, told.spread, contrasts), told

    found = minimise(height, _start(sums, patterns, structure))
    slope, told = jax.jacfwd(variances, has_aux=True)(found.place)
    beta, spread, value = told.beta, told.spread, told.value + free * jnp.log(2.0 * jnp.pi)
    variance = jnp.einsum("cp,pq,cq->c", contrasts, spread, contrasts)
    covariance = covariance_of(found.place)
    sd = jnp.sqrt(jnp.diag(covariance))
    is_inside = jnp.all(swept(covariance / (sd[:, None] * sd[None, :]))[1] > _EDGE)
    scale = sums.scale
    whole = sums.beta + scale * beta
    spare = jnp.einsum("ck,kl,cl->c", slope, 2.0 * found.inverse_curvature, slope)
    return MixedFit(
        beta=whole,
        beta_covariance=scale**2 * spread,
        covariance=scale**2 * covariance,
        minus_2_log_likelihood=value + 2.0 * free * jnp.log(scale),
        estimate=contrasts @ whole,
        se=scale * jnp.sqrt(variance),
        df=2.0 * variance**2 / spare,
        converged=found.converged & is_inside & jnp.all(jnp.isfinite(variance)),
    )


class _Likelihood(NamedTuple):
    """-2 l_R but for its constant, its slope in the covariance, the coefficients, and the covariance of these."""

    value: Array
    slope: Array
    beta: Array
    spread: Array


def _likelihood(covariance: Array, sums: Sums, patterns: Array, design: Array) -> _Likelihood:
    """Return -2 l_R at a covariance of visits.

    **Equation** slope in V_i: V_i^-1 - V_i^-1 (r_i r_i' + X_i Phi X_i') V_i^-1, summed over people; the coefficients
    are those of least squares, so what they change is of second order.
    """
    n_visits, n_covariates = patterns.shape[1], sums.zz.shape[-1]
    inverse, log_size = _inverse(covariance, patterns)
    of_design = jnp.einsum("pst,pab->satb", inverse, sums.zz).reshape(design.shape[0], -1)
    toward = design.T @ jnp.einsum("pst,pat->sa", inverse, sums.zy).reshape(-1)
    spread, log_doubt = inverse_and_log_size(design.T @ of_design @ design)
    beta = spread @ toward
    slopes = (design @ beta).reshape(n_visits, n_covariates)
    fitted = slopes @ sums.zy
    squares = sums.yy - fitted - jnp.swapaxes(fitted, -1, -2) + slopes @ sums.zz @ slopes.T
    doubt = (design @ spread @ design.T).reshape(n_visits, n_covariates, n_visits, n_covariates)
    inner = squares + jnp.einsum("pab,satb->pst", sums.zz, doubt)
    slope = jnp.einsum("p,pst->st", sums.count, inverse) - jnp.einsum("psu,puv,pvt->st", inverse, inner, inverse)
    sizes = sums.count @ log_size + log_doubt
    return _Likelihood(sizes + jnp.sum(inverse * squares), slope, beta, spread)


def _inverse(covariance: Array, patterns: Array) -> tuple[Array, Array]:
    """Return for each pattern the inverse of the covariance of the seen visits, zero elsewhere, and its log size."""
    both = patterns[:, :, None] & patterns[:, None, :]
    inverse, log_size = inverse_and_log_size(jnp.where(both, covariance, jnp.eye(covariance.shape[0])))
    return jnp.where(both, inverse, 0.0), log_size


def _start(sums: Sums, patterns: Array, structure: str) -> Array:
    """Return where the search starts: the standard deviation of each visit's residuals, and no correlation."""
    n_visits, kind = patterns.shape[1], STRUCTURES[structure]
    seen = sums.count @ patterns
    squares = jnp.einsum("pvv->v", sums.yy)
    if not kind.heterogeneous:
        seen, squares = jnp.sum(seen, keepdims=True), jnp.sum(squares, keepdims=True)
    # A visit whose scores are all alike has no variance to start from; the search then fails, and says so.
    sd = jnp.sqrt(jnp.maximum(squares / jnp.maximum(seen, 1.0), _EDGE))
    return jnp.concatenate([jnp.log(sd), jnp.zeros(kind.free(n_visits))])


def fit_or_fall_back(
    sums: Sums,
    patterns: Bool[np.ndarray, "pattern visit"],
    design: Float[np.ndarray, "visit_covariate coefficient"],
    contrasts: Float[np.ndarray, "fit contrast coefficient"],
    structures: tuple[str, ...] = LADDER,
) -> tuple[MixedFit, Int[np.ndarray, " fit"]]:
    """Fit the first structure to all trials, and the next one to those that it does not fit, and so on.

    Returns
    -------
    fit, which
        The fits, and of each the place of its structure in `structures`; -1 where none fits, with NaN in the fit.
    """
    found = fit(sums, patterns, design, contrasts, structures[0])
    which = np.where(found.converged, 0, -1)
    for place, structure in enumerate(structures[1:], start=1):
        left = np.flatnonzero(which < 0)
        if not left.size:
            break
        again = fit(
            jax.tree.map(lambda leaf, left=left: leaf[left], sums), patterns, design, contrasts[left], structure
        )
        for before, after in zip(found, again, strict=True):
            before[left] = after
        which[left[again.converged]] = place
    for leaf in found[:-1]:
        leaf[which < 0] = np.nan
    return found, which


def at_visit(
    covariates: Float[np.ndarray, " covariate"],
    visit: int,
    design: Float[np.ndarray, "visit_covariate coefficient"],
) -> Float[np.ndarray, " coefficient"]:
    """Return L of the mean at a visit of somebody with these covariates: a least-squares mean at their means.

    The difference of two such rows is the contrast of two arms.
    """
    n = len(covariates)
    return covariates @ design[visit * n : (visit + 1) * n]
