"""Draws from the density of a fit: randomise, then optimise.

A recording fixes some combinations of numbers a thousand times better than others, along curved ridges, so that a bell
shape at the summit misses nearly everything. Here each draw is the place whose errors, seen from the summit, are given
random ones; solving for it follows the ridge, and the density of such places is known exactly.

Equation
    F(z) = (whitened errors, z) ;  Q R = F'(summit) ;  Q' F(z) = v,  v ~ N(0, I)
    density of z = N(Q' F(z)) |det Q' F'(z)| ;  weight = posterior / density
The noise is held while solving; the weight then uses the density with the noise integrated out, and the noise is
drawn given the limb. Where too few draws count, more are made as seen from some of the draws, and the density is the
mixture of all views; where some places are not found, or still too few draws count, the draws walk.

Source: Bardsley, Solonen, Haario and Laine, randomise-then-optimise; Deuflhard, Newton methods for nonlinear problems
(natural level); Ionides, truncated weights; the tail index of the weights (Pareto k) says whether to trust them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import logsumexp

from eutonia._progress import Progress, silent
from eutonia.inference.posterior import Posterior
from eutonia.inference.priors import NOISE
from eutonia.inference.search import slopes_at, summits
from eutonia.inference.walk import walked

Draws = Float[np.ndarray, "number candidate"]
PerCandidate = Float[np.ndarray, " candidate"]
Rows = Float[np.ndarray, "candidate number"]

# Numerics: places tried for a summit, draws a round, effective draws that are enough, rounds at most, draws handed on;
# views a round, passes over what errs, and the effective draws below which draws walk.
_TRIED, _ROUND, _ENOUGH, _MOST_ROUNDS, _HANDED = 2048, 256, 300.0, 8, 512
_VIEWS, _PASSES, _FEWEST = 8, 2, 100.0
# Steps of a solution; every so many have fresh slopes, the others updated ones; shares of a step that are tried.
_STEPS, _FRESH, _SHARES = 12, 2, np.array([1.0, 0.5, 0.2])
# Slopes beyond this are no slopes; and what keeps a quotient of them finite.
_WILD, _TINY = 1e9, 1e-9
# Share of places found above which nothing is missed, and for how many looks draws walk else.
_NEARLY_ALL, _STROLL = 0.95, 3
# A place is a solution when it lies so near, in standard deviations, and is brought no nearer than so.
_SOLVED, _CLOSE = 0.03, 0.01


@dataclass(frozen=True)
class Sample:
    """Equally weighted draws of z, how many of them count, the Pareto index of the weights that they had before they
    walked (below 0.7 those may be trusted), and the share of draws for which a place was found.
    """

    z: Draws
    effective: float
    pareto: float
    solved: float


@dataclass(frozen=True)
class _View:
    """The recording as seen from a place: columns that span what it tells there, their scales, and where F lies."""

    at: Float[np.ndarray, " number"]
    columns: Float[np.ndarray, "row number"]
    scales: Float[np.ndarray, "number number"]
    there: Float[np.ndarray, " number"]


class _Cloud:
    """Places found so far, what they say of the recording, and the views that they were found from."""

    def __init__(self, posterior: Posterior, noise: Float[np.ndarray, " two"]) -> None:
        self.posterior, self.white = posterior, posterior.noise.whitening(noise)
        self.shape = posterior.shape
        self.views: list[_View] = []
        self.drawn: list[int] = []
        self.z = np.empty((self.shape, 0))
        self._target: list[PerCandidate] = []
        self._seen: list[tuple[Float[np.ndarray, "row candidate"], Float[np.ndarray, "row number candidate"]]] = []
        # Log density of each block of places as seen from each view.
        self._near: dict[tuple[int, int], PerCandidate] = {}

    def look(self, at: Draws) -> None:
        """Add views from places."""
        _, force, slopes = self.seen(at)
        for k in range(at.shape[1]):
            columns, scales = np.linalg.qr(slopes[:, :, k])
            self.views.append(_View(at[:, k], columns, scales, columns.T @ force[:, k]))
            self.drawn.append(0)

    def add(self, at: Draws) -> None:
        """Add places."""
        errors, force, slopes = self.seen(at)
        self._seen.append((force, slopes))
        self._target.append(self.posterior.noise.log_marginal(errors) - 0.5 * (at**2).sum(axis=0))
        self.z = np.concatenate([self.z, at], axis=1)

    def gain(self) -> PerCandidate:
        """Return the logarithm of the density of every place over that with which it was found."""
        parts = []
        for block in range(len(self._seen)):
            found = []
            for view, drawn in enumerate(self.drawn):
                if (block, view) not in self._near:
                    gap, square = self._through(self.views[view], *self._seen[block])
                    self._near[block, view] = np.linalg.slogdet(square)[1] - 0.5 * (gap**2).sum(axis=1)
                found.append(np.log(max(drawn, 1e-9)) + self._near[block, view])
            parts.append(logsumexp(np.stack(found), axis=0))
        return np.concatenate(self._target) - np.concatenate(parts)

    def known(self, view: int) -> tuple[Draws, Rows, Float[np.ndarray, "candidate number number"]]:
        """Return all places where slopes are known, with F and its slopes as seen from a view: its own comes first."""
        own = self.views[view]
        through = [self._through(own, *seen) for seen in self._seen]
        gaps = np.concatenate([own.there[None], *(gap for gap, _ in through)])
        squares = np.concatenate([own.scales[None], *(square for _, square in through)])
        return np.concatenate([own.at[:, None], self.z], axis=1), gaps, squares

    def _through(
        self, view: _View, force: Float[np.ndarray, "row candidate"], slopes: Float[np.ndarray, "row number candidate"]
    ) -> tuple[Rows, Float[np.ndarray, "candidate number number"]]:
        flat = view.columns.T @ slopes.reshape(slopes.shape[0], -1)
        return (view.columns.T @ force).T, flat.reshape(self.shape, self.shape, -1).transpose(2, 0, 1)

    def force(self, at: Draws, errors: Float[np.ndarray, "sample candidate"]) -> Float[np.ndarray, "row candidate"]:
        """Return F at places whose errors are known."""
        return np.concatenate([-self.white(errors[:, None])[:, 0], at])

    def seen(
        self, at: Draws
    ) -> tuple[
        Float[np.ndarray, "sample candidate"],
        Float[np.ndarray, "row candidate"],
        Float[np.ndarray, "row number candidate"],
    ]:
        """Return errors, F, and how it changes with each number."""
        errors, slopes = slopes_at(self.posterior, at)
        eye = np.broadcast_to(np.eye(self.shape)[:, :, None], (self.shape, self.shape, at.shape[1]))
        return errors, self.force(at, errors), np.concatenate([self.white(slopes), eye])


def sample(posterior: Posterior, rng: np.random.Generator, progress: Progress = silent) -> Sample:
    """Return draws from the density of a fit."""
    posterior, tops = _summits(posterior, rng.standard_normal((posterior.numbers, _TRIED)))
    cloud = _Cloud(posterior, tops[-NOISE:, 0])
    cloud.look(_apart(posterior, tops))
    fresh, gain = list(range(len(cloud.views))), np.empty(0)
    for turn in range(_MOST_ROUNDS):
        _solve(cloud, fresh, rng)
        gain = cloud.gain()
        progress("Search", (turn + 1) / _MOST_ROUNDS)
        if _effective(gain) >= _ENOUGH or turn == _MOST_ROUNDS - 1:
            break
        known = len(cloud.views)
        power = _softened(gain, 4.0 * _VIEWS)
        cloud.look(cloud.z[:, _chosen(power * gain, _VIEWS, rng)])
        fresh = list(range(known, len(cloud.views)))
    # No draw stands for more than its share (truncated importance sampling).
    most = logsumexp(gain) - 0.5 * np.log(gain.size)
    begin = cloud.z[:, _chosen(np.minimum(gain, most), _HANDED, rng)]
    solved = cloud.z.shape[1] / sum(cloud.drawn)
    # Of several places that are alike from a view one is found, so that some regions hold too few draws.
    least = 0 if solved > _NEARLY_ALL else _STROLL
    shape, effective = walked(posterior, begin, _effective(gain), _FEWEST, rng, progress, least)
    draws = np.concatenate([shape, posterior.noise.draw(posterior.errors(shape), rng)])
    return Sample(draws, effective, pareto_index(np.exp(gain - gain.max())), solved)


def _summits(posterior: Posterior, start: Draws) -> tuple[Posterior, Float[np.ndarray, "number top"]]:
    """Return the summits, and the posterior with what errs and with the noises that count, as seen from the highest."""
    tops = summits(posterior, start)
    for _ in range(_PASSES):
        posterior = posterior.erring(tops[:, :1])
        if not posterior.noise.errs:
            break
        tops = summits(posterior, tops)
    return posterior.near(tops[:, :1]), tops


def _apart(posterior: Posterior, tops: Draws) -> Float[np.ndarray, "shape view"]:
    """Return the highest summit, and others each as far as can be from those before."""
    shape = tops[: posterior.shape]
    kept, away = [0], np.full(tops.shape[1], np.inf)
    while len(kept) < min(_VIEWS, tops.shape[1]):
        away = np.minimum(away, np.linalg.norm(shape - shape[:, kept[-1:]], axis=0))
        kept.append(int(np.argmax(away)))
    return shape[:, kept]


def _solve(cloud: _Cloud, fresh: list[int], rng: np.random.Generator) -> None:
    """Find places for random errors as seen from some of the views, and add them.

    A solution begins at the known place that is seen nearest to what is wanted, with the slopes there.
    """
    which = np.array(fresh)[np.arange(_ROUND) % len(fresh)]
    for k in which:
        cloud.drawn[k] += 1
    at, gap = _approach(cloud, which, rng.standard_normal((_ROUND, cloud.shape)))
    left = np.linalg.norm(gap, axis=1) / np.sqrt(cloud.shape)
    # The nearest counts as found, so that there is one.
    cloud.add(at[:, left <= max(_SOLVED, left.min())])


def _approach(cloud: _Cloud, which: Int[np.ndarray, " candidate"], wanted: Rows) -> tuple[Draws, Rows]:
    """Return places for wanted errors as seen from a view each, and what is left of the errors there."""
    columns = np.stack([cloud.views[k].columns for k in which])
    at, gap, slope = _nearest(cloud, which, wanted)
    stays = np.zeros(which.size, bool)
    for turn in range(_STEPS):
        far = np.linalg.norm(gap, axis=1) > _CLOSE * np.sqrt(cloud.shape)
        on = np.flatnonzero(far & ~stays)
        if not on.size:
            break
        if is_fresh := turn % _FRESH == 1:
            _, force, slopes = cloud.seen(at[:, on])
            gap[on] = _tame(np.einsum("lri,rl->li", columns[on], _tame(force)) - wanted[on])
            slope[on] = _tame(np.einsum("lri,rjl->lij", columns[on], _tame(slopes), optimize=True))
        step = -_solved(slope[on], gap[on])
        at[:, on], gap[on], slope[on], moved = _advance(
            cloud, at[:, on], step, gap[on], slope[on], columns[on], wanted[on]
        )
        # What no step with fresh slopes brings nearer has no solution that could be found.
        stays[on] = is_fresh & ~moved
    return at, gap


def _nearest(
    cloud: _Cloud, which: Int[np.ndarray, " candidate"], wanted: Rows
) -> tuple[Draws, Rows, Float[np.ndarray, "candidate number number"]]:
    """Return, candidate by candidate, the known place nearest to what is wanted, the gap there and the slopes."""
    at, gap = np.empty((cloud.shape, which.size)), np.empty(wanted.shape)
    slope = np.empty((which.size, cloud.shape, cloud.shape))
    for view in np.unique(which):
        candidates = np.flatnonzero(which == view)
        places, seen, squares = cloud.known(int(view))
        gaps = _tame(seen) - wanted[candidates][:, None]
        best = np.argmin((gaps**2).sum(axis=2), axis=1)
        at[:, candidates], gap[candidates], slope[candidates] = (
            places[:, best],
            gaps[np.arange(candidates.size), best],
            squares[best],
        )
    return at, gap, _tame(slope)


def _tame(values: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Return values with what is beyond all bounds put at a bound."""
    return np.clip(np.nan_to_num(values, nan=_WILD), -_WILD, _WILD)


def _solved(slope: Float[np.ndarray, "candidate number number"], gap: Rows) -> Rows:
    """Return the steps that close gaps; a place without slopes to speak of stays where it is."""
    shape = gap.shape[1]
    sound = np.isfinite(slope).all(axis=(1, 2)) & (np.abs(np.nan_to_num(slope)).max(axis=(1, 2)) < _WILD)
    slope = np.where(sound[:, None, None], slope, _WILD * np.eye(shape))
    return np.linalg.solve(slope + _TINY * np.eye(shape), gap[:, :, None])[:, :, 0]


def _advance(
    cloud: _Cloud,
    at: Draws,
    step: Rows,
    gap: Rows,
    slope: Float[np.ndarray, "candidate number number"],
    columns: Float[np.ndarray, "candidate row number"],
    wanted: Rows,
) -> tuple[Draws, Rows, Float[np.ndarray, "candidate number number"], Bool[np.ndarray, " candidate"]]:
    """Take the share of a step that comes nearest, if any does, and bring the slopes up to date with it (Broyden).

    Near is what the next step would be short from: along a curved ridge the errors grow at first though the way is
    right, and who looks at them creeps (Deuflhard's natural level). Returns also which have moved.
    """
    candidates, shape = step.shape
    tried = (at.T[:, None] + _SHARES[:, None] * step[:, None]).reshape(-1, shape).T
    force = cloud.force(tried, cloud.posterior.errors(tried)).reshape(-1, candidates, len(_SHARES))
    gaps = _tame(np.einsum("lri,rlk->lki", columns, _tame(force), optimize=True) - wanted[:, None])
    left = np.stack([(_solved(slope, gaps[:, k]) ** 2).sum(axis=1) for k in range(len(_SHARES))], axis=1)
    best = np.argmin(left, axis=1)
    new, taught = gaps[np.arange(candidates), best], _SHARES[best][:, None] * step
    moved = left[np.arange(candidates), best] < (step**2).sum(axis=1)
    better = moved[:, None]
    miss = new - gap - np.einsum("lij,lj->li", slope, taught)
    size = np.maximum((taught**2).sum(axis=1), 1e-30)[:, None]
    slope = slope + miss[:, :, None] * (taught / size)[:, None, :]
    return at + np.where(better, taught, 0.0).T, np.where(better, new, gap), slope, moved


def _effective(log_weight: PerCandidate) -> float:
    weight = np.exp(log_weight - log_weight.max())
    return float(weight.sum() ** 2 / (weight**2).sum())


def _softened(gain: PerCandidate, wanted: float) -> float:
    """Return the power of the weights at which so many draws count."""
    low, high = 0.0, 1.0
    if _effective(gain) >= wanted:
        return high
    for _ in range(30):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _effective(middle * gain) >= wanted else (low, middle)
    return low


def _chosen(log_weight: PerCandidate, number: int, rng: np.random.Generator) -> np.ndarray:
    """Return which draws are handed on, each about as often as its weight says."""
    weight = np.exp(log_weight - log_weight.max())
    places = (rng.random() + np.arange(number)) / number
    return np.searchsorted(np.cumsum(weight) / weight.sum(), places, side="right").clip(max=weight.size - 1)


def pareto_index(weight: PerCandidate) -> float:
    """Return the shape of a generalised Pareto distribution fitted to the largest weights.

    Equation: Zhang and Stephens 2009, with the weak pull towards 0.5 of Pareto-smoothed importance sampling.
    """
    size = int(min(0.2 * weight.size, 3.0 * np.sqrt(weight.size)))
    ordered = np.sort(weight)
    over = ordered[-size:] - ordered[-size - 1]
    if over[-1] <= 0.0 or over[size // 4] <= 0.0:
        return 0.0 if over[-1] <= 0.0 else float("inf")
    tried = 30 + int(np.sqrt(size))
    theta = 1.0 / over[-1] + (1.0 - np.sqrt(tried / (np.arange(1, tried + 1) - 0.5))) / (3.0 * over[size // 4])
    shape = np.log1p(-theta[:, None] * over).mean(axis=1)
    fit = size * (np.log(-theta / shape) - shape - 1.0)
    mean = float((theta * np.exp(fit - logsumexp(fit))).sum())
    index = float(np.log1p(-mean * over).mean())
    return (size * index + 5.0) / (size + 10.0)
