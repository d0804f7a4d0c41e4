"""Draws that walk until they have forgotten where they began: differential evolution.

Solved places lie thin where the recording is hard to explain, and an interval then rests on a handful of them. So every
draw walks through the density of the fit, along differences of the draws that it began among, which have its shape.

Equation
    proposed = z + g (a - b) ;  a, b two draws of the beginning ;  taken with chance min(1, p(proposed)/p(z))
    g = 2.38/sqrt(2 n) e^(-0.5 k), k = 0, 1, 2, 3 or 4 at random ;  in every tenth step g = 1
    1/effective = r^2/before + (1 - r^2)/draws ;  r, over draws, correlation of a number with what it began as: the
    largest of all numbers
Source: ter Braak 2006; ter Braak and Vrugt 2008, differential evolution from an archive, here never added to, so that
each step leaves the density as it is.
Assumptions: what a draw keeps of where it began is told by the correlation.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from eutonia._progress import Progress
from eutonia.inference.posterior import Posterior

Draws = Float[np.ndarray, "number candidate"]

# Numerics: steps between two looks at what is forgotten, looks at most; shares of the usual step; every so many steps
# a whole difference, which leads from one summit to another.
_STEPS, _LOOKS, _SHARES, _WHOLE = 50, 8, np.exp(-0.5 * np.arange(5)), 10
_USUAL = 2.38
# A spread that changes by less between two looks is settled: above the scatter of a spread over a hundred draws.
_SETTLED = 1.2


def walked(
    posterior: Posterior,
    begin: Draws,
    effective: float,
    enough: float,
    rng: np.random.Generator,
    progress: Progress,
    least: int = 0,
) -> tuple[Draws, float]:
    """Return draws after as many steps as make `enough` of them count, or all steps, and how many then count.

    There are at least `least` looks at what is forgotten. They walk on as long as the spread of a number still
    changes: a few draws may have begun too close together.
    """
    z, height, counts, changed = begin, posterior.log_marginal(begin), effective, 1.0
    for look in range(_LOOKS):
        if look >= least and counts >= enough and changed < _SETTLED:
            break
        before = z.std(axis=1)
        for step in range(_STEPS):
            proposed = z + _size(begin, whole=step % _WHOLE == 0, rng=rng) * _differences(begin, rng)
            there = posterior.log_marginal(proposed)
            taken = np.log(rng.random(height.size)) < there - height
            z, height = np.where(taken, proposed, z), np.where(taken, there, height)
        kept = _kept(begin, z) ** 2
        counts = 1.0 / (kept / effective + (1.0 - kept) / height.size)
        changed = _ratio(before, z.std(axis=1))
        progress("Draws", (look + 1) / _LOOKS)
    return z, counts


def _size(begin: Draws, *, whole: bool, rng: np.random.Generator) -> Float[np.ndarray, " candidate"]:
    numbers, candidates = begin.shape
    return np.ones(candidates) if whole else _USUAL / np.sqrt(2.0 * numbers) * rng.choice(_SHARES, candidates)


def _differences(begin: Draws, rng: np.random.Generator) -> Draws:
    one, other = rng.integers(0, begin.shape[1], (2, begin.shape[1]))
    return begin[:, one] - begin[:, other]


def _ratio(before: Float[np.ndarray, " number"], now: Float[np.ndarray, " number"]) -> float:
    """Return by which factor the spread of a number has changed at most."""
    with np.errstate(invalid="ignore", divide="ignore"):
        changed = np.abs(np.log(now / before))
    return float(np.exp(np.nan_to_num(changed, nan=0.0, posinf=1.0).max()))


def _kept(begin: Draws, end: Draws) -> float:
    """Return the largest correlation of a number with what it began as."""
    with np.errstate(invalid="ignore", divide="ignore"):
        alike = [np.corrcoef(one, other)[0, 1] for one, other in zip(begin, end, strict=True)]
    # A number that is the same in all draws has forgotten nothing.
    return float(np.abs(np.nan_to_num(alike, nan=1.0)).max())
