"""Mixed models for repeated measures of every replicate trial of an endpoint, in one program."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from eutonia.statistics import mmrm
from eutonia.statistics.rounding import exact
from eutonia.statistics.two_arms import NO_EFFECT, Effect, by_t
from eutonia.trial.endpoints import Contrast

#: What stands for a covariance where none could be fitted.
NONE_FITS = "none"


def mixed_models(
    arms: Int[np.ndarray, "trial person"],
    scores: Float[np.ndarray, "trial person visit"],
    contrast: Contrast,
    alpha: float,
    others: Float[np.ndarray, "trial person term"],
) -> tuple[list[Effect], list[str]]:
    """Return the difference of arms at the last visit of each trial, and the covariance structure that was fitted.

    Change from the first visit at each later one = visit x (1 + arm + others + score at the first visit); the
    covariance of the visits is the same in both arms. The difference is that of least-squares means. A score at the
    first visit that is the same in everybody who is seen at a later one tells nothing, and is left out of that trial.
    So is, at an earlier visit, what its people cannot tell apart, such as the arm where only one arm was seen, and a
    visit at which nobody was seen: neither takes the answer at the last visit away.

    Parameters
    ----------
    arms
        1 and 0 in the two arms, -1 elsewhere.
    scores
        From the first visit to that of the endpoint; NaN where not seen.
    others
        Further terms of each person, such as the other factor of a factorial trial; none of two arms.

    Returns
    -------
    effects, structures
        One each a trial; where no structure fits, or the last visit does not tell the arms apart, no effect, and
        "none".
    """
    mine = (arms >= 0) & ~np.isnan(scores[..., 0])
    changes = np.where(mine[..., None], exact(scores[..., 1:] - scores[..., :1]), np.nan)
    effects, structures = [NO_EFFECT] * len(arms), [NONE_FITS] * len(arms)
    covariates = [
        _covariates(arm[who], first[who], ~np.isnan(y[who]), other[who])
        for arm, y, who, first, other in zip(arms, changes, mine, scores[..., 0], others, strict=True)
    ]
    told = [_told(one, ~np.isnan(y[who])) for one, y, who in zip(covariates, changes, mine, strict=True)]
    ladder = ladder_of(contrast.given.covariance)
    alike: dict[tuple[tuple[int, ...], bytes], list[int]] = {}
    for k, one in enumerate(told):
        if one[-1, 1]:
            alike.setdefault((one.shape, one.tobytes()), []).append(k)
    for trials in alike.values():
        keep = told[trials[0]]
        visits = keep.any(axis=1)
        seen = changes[:, :, visits]
        patterns, design = mmrm.patterns_of(~np.isnan(seen)), np.eye(keep[visits].size)[:, keep[visits].ravel()]
        sums = [mmrm.sums_of(seen[k][mine[k]], covariates[k], patterns, design) for k in trials]
        for k, effect, structure in zip(trials, *_fitted(sums, patterns, design, ladder, alpha), strict=True):
            effects[k], structures[k] = effect, structure
    return effects, structures


def _told(
    covariates: Float[np.ndarray, "person covariate"], seen: Bool[np.ndarray, "person visit"]
) -> Bool[np.ndarray, "visit covariate"]:
    """Return which covariates the people of each visit tell from those before them, at the last visit the arm from
    all others.
    """
    # Products of covariates are seldom singular, and quick: who is, is looked at for what it can tell.
    products = (covariates.T * seen.T[:, None, :]) @ covariates
    ranks = np.linalg.matrix_rank(products, hermitian=True)
    told = np.ones((seen.shape[1], covariates.shape[1]), dtype=bool)
    for visit in np.flatnonzero(ranks < covariates.shape[1]):
        told[visit] = _told_at(covariates[seen[:, visit]])
    last = covariates[seen[:, -1]]
    if told[-1, 1] and not told[-1].all():
        told[-1, 1] = _rank(np.delete(last, 1, axis=1)) < _rank(last)
    return told


def _told_at(covariates: Float[np.ndarray, "person covariate"]) -> Bool[np.ndarray, " covariate"]:
    """Return which covariates these people tell from those before them."""
    return np.diff([0, *(_rank(covariates[:, : k + 1]) for k in range(covariates.shape[1]))]) > 0


def _rank(covariates: Float[np.ndarray, "person covariate"]) -> int:
    return int(np.linalg.matrix_rank(covariates)) if len(covariates) else 0


def _fitted(
    sums: list[mmrm.Sums],
    patterns: Bool[np.ndarray, "pattern visit"],
    design: Float[np.ndarray, "visit_covariate coefficient"],
    ladder: tuple[str, ...],
    alpha: float,
) -> tuple[list[Effect], list[str]]:
    """Return what is found in trials of the same covariates: the difference of arms at the last visit."""
    n_visits = patterns.shape[1]
    together = mmrm.Sums(*(np.stack(leaves) for leaves in zip(*sums, strict=True)))
    difference = mmrm.at_visit(np.eye(len(design) // n_visits)[1], n_visits - 1, design)
    contrasts = np.broadcast_to(difference, (len(sums), 1, len(difference)))
    found, which = mmrm.fit_or_fall_back(together, patterns, design, contrasts, ladder)
    effects = [
        by_t(float(estimate), float(se), float(df), alpha)
        for estimate, se, df in zip(found.estimate[:, 0], found.se[:, 0], found.df[:, 0], strict=True)
    ]
    return effects, [ladder[k] if k >= 0 else NONE_FITS for k in which]


def ladder_of(asked: str | None) -> tuple[str, ...]:
    """Return the structures that are tried: what was asked for first, then those of fewer parameters."""
    if asked is None or asked == mmrm.LADDER[0]:
        return mmrm.LADDER
    return tuple(dict.fromkeys((asked, mmrm.LADDER[-1])))


def _covariates(
    arm: Int[np.ndarray, " person"],
    baseline: Float[np.ndarray, " person"],
    seen: Bool[np.ndarray, "person visit"],
    others: Float[np.ndarray, "person term"],
) -> Float[np.ndarray, "person covariate"]:
    """Return ones, the arm, other terms, and the first score where it differs at every later visit at all."""
    centred = baseline - (baseline.mean() if len(baseline) else 0.0)
    tells = all(np.ptp(exact(baseline[here])) > 0.0 for here in seen.T if here.any())
    return np.stack([np.ones(len(arm)), arm.astype(float), *others.T, *([centred] if tells else [])], axis=1)
