"""Draws from the density of a fit: from the bell shapes at its summits, in as many steps as they are wrong by.

Equation
    p_b = q^(1 - b) p^b, b from 0 to 1 ; q a mixture of multivariate t round the summits
Where the bells are right one step is enough and the draws are independent; where they are not (a threshold that is
never reached, a ridge, a second summit) the path takes more steps, and each is followed by moves that leave p_b
unchanged: jumps along the difference of two other draws, and fresh draws from q.
Source: sequential Monte Carlo with annealed importance weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import gammaln, logsumexp

from eutonia.inference.forward import LANES
from eutonia.inference.search import Mode

Draws = Float[np.ndarray, "number lane"]
Lanes = Float[np.ndarray, " lane"]

# Numerics of the sampler: tails and width of the start, the share of effective draws kept in a step, moves a step and
# at the end, and how often a move is a fresh draw or a long jump.
_FREEDOM, _WIDEN = 5.0, 1.4
_KEPT = 0.5
_MOVES, _LAST_MOVES, _MOST_LAST_MOVES = 4, 8, 40
_FRESH, _LONG = 0.2, 0.1
# Draws have forgotten where they began when the final moves have carried them this far, in standard deviations squared.
_ENOUGH = 1.5


@dataclass(frozen=True)
class Sample:
    """Draws of z, how many steps they took, the share of fresh draws that the first step could use, and the share of
    moves that the last steps accepted.
    """

    z: Draws
    steps: int
    bell: float
    accepted: float


class _Bells:
    """A mixture of multivariate t distributions round the summits."""

    def __init__(self, modes: list[Mode]) -> None:
        self.centres = [mode.z for mode in modes]
        self.roots = [np.linalg.cholesky(_WIDEN * mode.covariance) for mode in modes]
        mass = np.array([m.height + np.log(np.diag(root)).sum() for m, root in zip(modes, self.roots, strict=True)])
        share = np.exp(mass - logsumexp(mass))
        self.shares = 0.8 * share + 0.2 / len(modes)

    def draw(self, rng: np.random.Generator, lanes: int) -> Draws:
        """Return draws."""
        which = rng.choice(len(self.centres), size=lanes, p=self.shares)
        size = len(self.centres[0])
        bell = rng.standard_normal((size, lanes)) / np.sqrt(rng.chisquare(_FREEDOM, lanes) / _FREEDOM)
        out = np.empty((size, lanes))
        for k, (centre, root) in enumerate(zip(self.centres, self.roots, strict=True)):
            mine = which == k
            out[:, mine] = centre[:, None] + root @ bell[:, mine]
        return out

    def log_density(self, z: Draws) -> Lanes:
        """Return the log density."""
        size = len(z)
        parts = []
        for centre, root, share in zip(self.centres, self.roots, self.shares, strict=True):
            away = (np.linalg.solve(root, z - centre[:, None]) ** 2).sum(axis=0)
            scale = np.log(np.diag(root)).sum() + 0.5 * size * np.log(_FREEDOM * np.pi)
            norm = gammaln(0.5 * (_FREEDOM + size)) - gammaln(0.5 * _FREEDOM) - scale
            parts.append(np.log(share) + norm - 0.5 * (_FREEDOM + size) * np.log1p(away / _FREEDOM))
        return np.asarray(logsumexp(np.stack(parts), axis=0))


def sample(log_density: Callable[[Draws], Lanes], modes: list[Mode], rng: np.random.Generator) -> Sample:
    """Return `LANES` draws from a density whose summits are known."""
    bells = _Bells(modes)
    z = bells.draw(rng, LANES)
    target, base = log_density(z), bells.log_density(z)
    power, steps, first = 0.0, 0, 1.0
    while power < 1.0:
        gain = target - base
        step = _next(gain, 1.0 - power)
        if steps == 0:
            first = _effective(gain) / LANES
        weight = np.exp(step * gain - np.max(step * gain))
        keep = _resample(weight / weight.sum(), rng)
        z, target, base = z[:, keep], target[keep], base[keep]
        power, steps = min(power + step, 1.0), steps + 1
        if power < 1.0:
            z, target, base, _, _ = _move(z, target, base, power, bells, log_density, rng, _MOVES, _MOVES)
    most = _LAST_MOVES if first > _KEPT else _MOST_LAST_MOVES
    z, _, _, accepted, _ = _move(z, target, base, 1.0, bells, log_density, rng, _LAST_MOVES, most)
    return Sample(z, steps, first, accepted)


def _effective(log_weight: Lanes) -> float:
    weight = np.exp(log_weight - np.max(log_weight))
    return float(weight.sum() ** 2 / (weight**2).sum())


def _next(gain: Lanes, left: float) -> float:
    """Return the longest step that keeps enough effective draws."""
    if _effective(left * gain) >= _KEPT * LANES:
        return left
    low, high = 0.0, left
    for _ in range(40):
        middle = 0.5 * (low + high)
        with np.errstate(invalid="ignore"):
            enough = _effective(np.nan_to_num(middle * gain, nan=-np.inf)) >= _KEPT * LANES
        low, high = (middle, high) if enough else (low, middle)
    return max(low, 1e-6)


def _resample(weight: Lanes, rng: np.random.Generator) -> np.ndarray:
    """Return which draws go on, each about as often as its weight says."""
    return np.searchsorted(np.cumsum(weight), (rng.random() + np.arange(LANES)) / LANES, side="right").clip(max=LANES - 1)


def _move(
    z: Draws,
    target: Lanes,
    base: Lanes,
    power: float,
    bells: _Bells,
    log_density: Callable[[Draws], Lanes],
    rng: np.random.Generator,
    least: int,
    most: int,
) -> tuple[Draws, Lanes, Lanes, float, float]:
    """Move every draw at least so often, and on until all have moved far or at most so often."""
    cloud, began = z.copy(), z.copy()
    spread = z.std(axis=1, keepdims=True) + 1e-12
    length, rates, moved = 2.38 / np.sqrt(2.0 * len(z)), [], 0.0
    for turn in range(most):
        if rng.random() < _FRESH:
            there = bells.draw(rng, LANES)
            there_base = bells.log_density(there)
            bonus, local = base - there_base, False
        else:
            one, other = rng.integers(LANES, size=(2, LANES))
            jump = np.where(rng.random(LANES) < _LONG, 1.0, length * rng.uniform(0.3, 1.3, LANES))
            there = z + jump * (cloud[:, one] - cloud[:, other]) + 1e-5 * spread * rng.standard_normal(z.shape)
            there_base = bells.log_density(there)
            bonus, local = np.zeros(LANES), True
        there_target = log_density(there)
        with np.errstate(invalid="ignore"):
            rise = power * (there_target - target) + (1.0 - power) * (there_base - base) + bonus
        taken = np.log(rng.random(LANES)) < np.nan_to_num(rise, nan=-np.inf)
        z = np.where(taken, there, z)
        target, base = np.where(taken, there_target, target), np.where(taken, there_base, base)
        if local:
            rates.append(float(taken.mean()))
            length *= float(np.exp(rates[-1] - 0.25))
        moved = float((((z - began) / spread) ** 2).mean())
        if turn + 1 >= least and moved > _ENOUGH:
            break
    return z, target, base, float(np.mean(rates[-5:])) if rates else 0.0, moved
