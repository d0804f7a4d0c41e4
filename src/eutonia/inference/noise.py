"""How the errors of a recording are spread: neighbours are alike, and what is taken as known errs too.

Equation
    r = e + P u ;  u ~ N(0, I) ;  e_1 ~ N(0, v s^2) ;  e_i | e_(i-1) ~ N(c e_(i-1), v s^2 (1 - c^2)), trace by trace
    cov r = N = s^2 R + P P' ;  T = R^-1 ;  P' T P = U l U' ;  b = U' P' T r
    r' N^-1 r = r' T r / s^2 - sum b^2 / (s^2 (s^2 + l)) ;  log |N| = 2 n log s + log |R| + sum log(1 + l / s^2)
    a' T r = [a_1 r_1 + (sum a_i r_i - c (a_i r_(i-1) + a_(i-1) r_i) + c^2 a_(i-1) r_(i-1)) / (1 - c^2)] / v
with n samples in a trace. How alike neighbours are is fitted too: five hundred samples of a filtered sensor are not
five hundred pieces of news. The columns of P say how the recording changes with what is not fitted but known with an
error, such as the path of a stretch; u is integrated out.

Error s and likeness rho are those of recorded samples. Where each fitted sample is the mean of k of them, its variance
v s^2 is exact and its likeness c is that which leaves the slow part of the noise as it is:
    v = [k (1 + rho)/(1 - rho) - 2 rho (1 - rho^k)/(1 - rho)^2] / k^2
    c = (w - v)/(w + v) ;  w = (1 + rho)/((1 - rho) k) ;  for k = 1, v = 1 and c = rho
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

from eutonia.inference.priors import Prior

Lanes = Float[np.ndarray, " lane"]
Errors = Float[np.ndarray, "sample lane"]
Slopes = Float[np.ndarray, "rows _ lane"]
Columns = Float[np.ndarray, "_ _"]

# Numerics. Likenesses tried: the widest, and how many; nodes that count are within so much of the best log density, and
# fewer do: a bell shape is summed without error where nodes lie one standard deviation apart.
_WIDEST, _NODES, _DEEP, _ZOOMS, _FEWER = (-3.0, 5.0), 33, 12.0, 3, 13
# Sizes tried round the best, in the standard deviations that large samples leave; turns that find the best.
_REACH, _SIZES, _FINE, _TURNS = 4.0, 9, 17, 6
_TINY = 1e-300


class Trace(NamedTuple):
    """Samples of one trace, how many recorded ones each is the mean of, and its columns of P."""

    rows: slice
    averaged: int
    strays: Columns


class _Parts(NamedTuple):
    """What the density of errors needs, node by node of the likenesses: r' T r, half log |R|, l, and b^2."""

    squares: Float[np.ndarray, "node lane"]
    volume: Float[np.ndarray, " node"]
    sizes: Float[np.ndarray, "node stray"]
    told: Float[np.ndarray, "node stray lane"]


@dataclass(frozen=True)
class Noise:
    """Priors of s and of rho (z of its inverse hyperbolic tangent), the traces, and the likenesses tried, as z."""

    spread: Prior
    likeness: Prior
    traces: tuple[Trace, ...]
    nodes: Float[np.ndarray, " node"] = field(default_factory=lambda: np.linspace(*_WIDEST, _NODES))

    @property
    def samples(self) -> int:
        """How many samples there are in all."""
        return self.traces[-1].rows.stop

    @property
    def errs(self) -> bool:
        """Whether anything that is taken as known errs."""
        return any(trace.strays.size for trace in self.traces)

    def erring(self, strays: tuple[Columns, ...]) -> Noise:
        """Return the noise with these columns of P."""
        each = zip(self.traces, strays, strict=True)
        return replace(self, traces=tuple(trace._replace(strays=columns) for trace, columns in each))

    def near(self, errors: Errors) -> Noise:
        """Return the noise with the likenesses that count for the errors of one candidate."""
        noise = self
        for _ in range(_ZOOMS):
            height = noise._profile(errors)[0][:, 0]
            high = np.flatnonzero(height > height.max() - _DEEP)
            ends = noise.nodes[max(high[0] - 1, 0)], noise.nodes[min(high[-1] + 1, noise.nodes.size - 1)]
            noise = replace(noise, nodes=np.linspace(*ends, _NODES))
        return replace(noise, nodes=np.linspace(*ends, _FEWER))

    def numbers(self, z: Float[np.ndarray, "two lane"]) -> tuple[Lanes, Lanes]:
        """Return standard deviation and correlation of neighbours."""
        return self.spread.middle * np.exp(self.spread.spread * z[0]), self._correlation(z[1])

    @functools.cached_property
    def independent(self) -> Noise:
        """The noise with neighbours that are not alike."""
        return replace(self, nodes=np.array([-self.likeness.middle / self.likeness.spread]))

    def best(self, errors: Errors) -> tuple[Float[np.ndarray, "two lane"], Lanes]:
        """Return z of the noise that suits given errors, and their log density with it up to a constant."""
        height, z_spread = self._profile(errors)
        chosen = np.argmax(height, axis=0)[None]
        found = np.take_along_axis(z_spread, chosen, axis=0)[0]
        return np.stack([found, self.nodes[chosen[0]]]), np.take_along_axis(height, chosen, axis=0)[0]

    def log_marginal(self, errors: Errors) -> Lanes:
        """Return the log density of errors with the noise integrated out, up to a constant."""
        return np.asarray(logsumexp(self._by_size(errors, _SIZES)[0], axis=(0, 1)))

    def draw(self, errors: Errors, rng: np.random.Generator) -> Float[np.ndarray, "two lane"]:
        """Return draws of z of the noise given the errors of each candidate."""
        fine = replace(self, nodes=np.linspace(self.nodes[0], self.nodes[-1], _NODES))
        log_mass, z_spread = fine._by_size(errors, _FINE)
        flat = log_mass.reshape(-1, log_mass.shape[2])
        cumulated = np.cumsum(np.exp(flat - flat.max(axis=0)), axis=0)
        at = (cumulated < rng.random(flat.shape[1]) * cumulated[-1]).sum(axis=0)
        row, node = np.unravel_index(at, log_mass.shape[:2])
        out = np.stack([z_spread[row, node, np.arange(flat.shape[1])], fine.nodes[node]])
        steps = np.array([z_spread[1, 0, 0] - z_spread[0, 0, 0], fine.nodes[1] - fine.nodes[0]])
        return out + (rng.random(out.shape) - 0.5) * steps[:, None]

    def products(self, columns: Slopes, z: Float[np.ndarray, "two lane"]) -> Float[np.ndarray, "lane _ _"]:
        """Return a' N^-1 b of all columns of each lane, for noise of which the likeness is a node."""
        spread, alike = self.numbers(z)
        node = np.abs(self.nodes[:, None] - z[1]).argmin(axis=0)
        out = np.zeros((columns.shape[2], columns.shape[1], columns.shape[1]))
        with np.errstate(invalid="ignore", over="ignore"):
            for trace, (size, axes) in zip(self.traces, self._spectra, strict=True):
                mine = columns[trace.rows]
                weighed = _weighed(mine, *averaged_noise(alike, trace.averaged))
                out += np.einsum("sil,sjl->lij", mine, weighed, optimize=True)
                if trace.strays.size:
                    told = np.einsum("lsr,scl->lrc", axes[node], np.tensordot(trace.strays.T, weighed, 1))
                    share = told / (spread[:, None] ** 2 + size[node])[:, :, None]
                    out -= np.einsum("lri,lrj->lij", told, share)
        return out / spread[:, None, None] ** 2

    def whitening(self, z: Float[np.ndarray, " two"]) -> Callable[[Slopes], Slopes]:
        """Return what turns errors, or how they change with a number, into independent ones of unit spread."""
        spread, alike = (float(x[0]) for x in self.numbers(z[:, None]))
        each = []
        for trace in self.traces:
            free = functools.partial(_freed, spread=spread, alike=alike, averaged=trace.averaged)
            axes, sizes, _ = np.linalg.svd(free(trace.strays), full_matrices=False)
            each.append((trace.rows, free, axes * (1.0 - 1.0 / np.sqrt(1.0 + sizes**2)), axes.T))

        def white(columns: Slopes) -> Slopes:
            parts = []
            with np.errstate(invalid="ignore", over="ignore"):
                for rows, free, less, along in each:
                    part = free(columns[rows])
                    parts.append(part - np.tensordot(less, np.tensordot(along, part, 1), 1) if less.size else part)
            return np.concatenate(parts)

        return white

    def _correlation(self, z: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        return np.tanh(self.likeness.middle + self.likeness.spread * z)

    @functools.cached_property
    def _spectra(self) -> list[tuple[Float[np.ndarray, "node stray"], Float[np.ndarray, "node stray stray"]]]:
        out = []
        for trace in self.traces:
            forms = _forms(trace.strays, trace.strays)
            inner = np.stack([_inverse(forms, *each) for each in self._scales(trace)])
            sizes, axes = np.linalg.eigh(inner)
            out.append((np.maximum(sizes, 0.0), axes))
        return out

    def _scales(self, trace: Trace) -> list[tuple[float, float]]:
        """Return variance and likeness of the samples of a trace at every node, for noise of spread one."""
        variance, like = averaged_noise(self._correlation(self.nodes), trace.averaged)
        return list(zip(variance.tolist(), like.tolist(), strict=True))

    def _parts(self, errors: Errors) -> _Parts:
        squares, volume = np.zeros((self.nodes.size, errors.shape[1])), np.zeros(self.nodes.size)
        sizes, told = [], []
        with np.errstate(invalid="ignore", over="ignore"):
            for trace, (size, axes) in zip(self.traces, self._spectra, strict=True):
                mine = errors[trace.rows]
                own, mixed, scales = _own_forms(mine), _forms(trace.strays, mine), self._scales(trace)
                squares += np.stack([_inverse(own, *each) for each in scales])
                across = np.stack([_inverse(mixed, *each) for each in scales])
                variance, like = np.array(scales).T
                volume += 0.5 * len(mine) * np.log(variance) + 0.5 * (len(mine) - 1) * np.log(1.0 - like**2)
                sizes.append(size)
                told.append((axes.swapaxes(1, 2) @ across) ** 2)
        return _Parts(squares, volume, np.concatenate(sizes, 1), np.concatenate(told, 1))

    def _density(self, parts: _Parts, z_spread: Float[np.ndarray, "node lane"]) -> Float[np.ndarray, "node lane"]:
        """Return the log density of errors and noise, node by node."""
        log_spread = np.log(self.spread.middle) + self.spread.spread * z_spread
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            square = np.exp(2.0 * log_spread)
            out = -self.samples * log_spread - parts.volume[:, None] - 0.5 * parts.squares / square
            if parts.sizes.size:
                wide, size = square[:, None], parts.sizes[:, :, None]
                out += 0.5 * (parts.told / (wide * (wide + size)) - np.log1p(size / wide)).sum(axis=1)
        out -= 0.5 * (z_spread**2 + self.nodes[:, None] ** 2)
        return np.where(np.isfinite(out), out, -1e300)

    def _likeliest(self, parts: _Parts) -> Float[np.ndarray, "node lane"]:
        """Return z of the spread that suits each likeness best."""
        n, size = self.samples, parts.sizes[:, :, None]
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            square = np.maximum(parts.squares / n, _TINY)
            for _ in range(_TURNS if parts.sizes.size else 0):
                wide = square[:, None] + size
                explained = (parts.told * (square[:, None] + wide) / wide**2).sum(axis=1)
                square = np.maximum((parts.squares - explained) / (n - (size / wide).sum(axis=1)), _TINY)
            z = (0.5 * np.log(square) - np.log(self.spread.middle)) / self.spread.spread
        return np.clip(np.nan_to_num(z), -9.0, 9.0)

    def _profile(self, errors: Errors) -> tuple[Float[np.ndarray, "node lane"], Float[np.ndarray, "node lane"]]:
        parts = self._parts(errors)
        z_spread = self._likeliest(parts)
        return self._density(parts, z_spread), z_spread

    def _by_size(
        self, errors: Errors, sizes: int
    ) -> tuple[Float[np.ndarray, "size node lane"], Float[np.ndarray, "size node lane"]]:
        """Return the log density of every noise of a grid round the best, and its z of the spread."""
        parts = self._parts(errors)
        width = 1.0 / np.sqrt(1.0 + 2.0 * self.samples * self.spread.spread**2)
        z_spread = self._likeliest(parts) + width * np.linspace(-_REACH, _REACH, sizes)[:, None, None]
        return np.stack([self._density(parts, z) for z in z_spread]), z_spread


def averaged_noise(
    alike: Float[np.ndarray, "*shape"], samples: int
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
    """Return variance and likeness of neighbours of means of so many samples, of unit variance and alike themselves."""
    if samples == 1:
        return np.ones(alike.shape), alike
    left = 1.0 - alike
    variance = (samples * (1.0 + alike) / left - 2.0 * alike * (1.0 - alike**samples) / left**2) / samples**2
    slow = (1.0 + alike) / (left * samples)
    return variance, (slow - variance) / (slow + variance)


_Forms = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _forms(one: Columns, other: Float[np.ndarray, "_ lane"]) -> _Forms:
    """Return the sums of products of which T makes one: first, later, of neighbours, earlier."""
    across = one[1:].T @ other[:-1] + one[:-1].T @ other[1:]
    return np.outer(one[0], other[0]), one[1:].T @ other[1:], across, one[:-1].T @ other[:-1]


def _own_forms(errors: Float[np.ndarray, "rows lane"]) -> _Forms:
    square = errors**2
    whole = square.sum(axis=0)
    return square[0], whole - square[0], 2.0 * (errors[1:] * errors[:-1]).sum(axis=0), whole - square[-1]


def _inverse(forms: _Forms, variance: float, like: float) -> np.ndarray:
    first, later, product, earlier = forms
    return np.asarray((first + (later - like * product + like**2 * earlier) / (1.0 - like**2)) / variance)


def _weighed(columns: Slopes, variance: Lanes, like: Lanes) -> Slopes:
    """Return T times columns."""
    inside = np.ones((len(columns), 1, 1)) * (1.0 + like**2)
    inside[[0, -1]] = 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        out = inside * columns
        out[1:] -= like * columns[:-1]
        out[:-1] -= like * columns[1:]
        return out / (variance * (1.0 - like**2))


def _freed(columns: np.ndarray, spread: float, alike: float, averaged: int) -> np.ndarray:
    """Return columns as neighbours that are not alike would give them, with errors of unit spread."""
    variance, like = (float(x[0]) for x in averaged_noise(np.array([alike]), averaged))
    with np.errstate(invalid="ignore", over="ignore"):
        out = columns / (spread * np.sqrt(variance))
        return np.concatenate([out[:1], (out[1:] - like * out[:-1]) / np.sqrt(1.0 - like**2)])
