"""Mixed models for repeated measures of every replicate trial of an endpoint, in one program."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from eutonia.statistics import mmrm
from eutonia.statistics.two_arms import NO_EFFECT, Effect, by_t
from eutonia.trial.endpoints import Contrast

#: What stands for a covariance where none could be fitted.
NONE_FITS = "none"


def mixed_models(
    arms: Int[np.ndarray, "trial person"],
    scores: Float[np.ndarray, "trial person visit"],
    contrast: Contrast,
    alpha: float,
) -> tuple[list[Effect], list[str]]:
    """Return the difference of arms at the last visit of each trial, and the covariance structure that was fitted.

    Change from the first visit at each later one = visit x (1 + arm + score at the first visit); the covariance of the
    visits is the same in both arms. The difference is that of least-squares means.

    Parameters
    ----------
    arms
        1 and 0 in the two arms, -1 elsewhere.
    scores
        From the first visit to that of the endpoint; NaN where not seen.

    Returns
    -------
    effects, structures
        One each a trial; where no structure fits, no effect, and "none".
    """
    n_visits = scores.shape[2] - 1
    design = np.eye(3 * n_visits)
    mine = (arms >= 0) & ~np.isnan(scores[..., 0])
    changes = np.where(mine[..., None], scores[..., 1:] - scores[..., :1], np.nan)
    patterns = mmrm.patterns_of(~np.isnan(changes))
    if not len(patterns):
        return [NO_EFFECT] * len(arms), [NONE_FITS] * len(arms)
    sums = [
        mmrm.sums_of(y[who], _covariates(arm[who], first[who]), patterns, design)
        for arm, y, who, first in zip(arms, changes, mine, scores[..., 0], strict=True)
    ]
    together = mmrm.Sums(*(np.stack(leaves) for leaves in zip(*sums, strict=True)))
    difference = mmrm.at_visit(np.array([0.0, 1.0, 0.0]), n_visits - 1, design)
    contrasts = np.broadcast_to(difference, (len(arms), 1, len(difference)))
    ladder = _ladder(contrast.given.covariance)
    found, which = mmrm.fit_or_fall_back(together, patterns, design, contrasts, ladder)
    effects = [
        by_t(float(estimate), float(se), float(df), alpha)
        for estimate, se, df in zip(found.estimate[:, 0], found.se[:, 0], found.df[:, 0], strict=True)
    ]
    return effects, [ladder[k] if k >= 0 else NONE_FITS for k in which]


def _ladder(asked: str | None) -> tuple[str, ...]:
    """Return the structures that are tried: what was asked for first, then those of fewer parameters."""
    if asked is None or asked == mmrm.LADDER[0]:
        return mmrm.LADDER
    return tuple(dict.fromkeys((asked, mmrm.LADDER[-1])))


def _covariates(
    arm: Int[np.ndarray, " person"], baseline: Float[np.ndarray, " person"]
) -> Float[np.ndarray, "person covariate"]:
    centred = baseline - (baseline.mean() if len(baseline) else 0.0)
    return np.stack([np.ones(len(arm)), arm.astype(float), centred], axis=1)
