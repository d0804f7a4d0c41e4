"""How the errors of a recording are spread: noise of the sensor, a smooth error of the model, and inputs that err.

Equation
    r = n + d + P u ;  n white, of standard deviation s ;  u ~ N(0, I) ;  d smooth, of standard deviation q s
    with C the cosine transform of a trace (type II, orthonormal) and w_j = pi j / (samples step):
    C cov(n + d) C' = s^2 D ;  D_j = 1/k + q^2 g_j ;  g_j ~ exp(-(w_j tau)^2), of mean one
    cov r = N = s^2 R + P P' ;  T = R^-1 ;  P' T P = U l U' ;  b = U' P' T r
    r' N^-1 r = r' T r / s^2 - sum b^2 / (s^2 (s^2 + l)) ;  log |N| = 2 n log s + log |R| + sum log(1 + l / s^2)
Each fitted sample is the mean of k recorded ones, which leaves 1/k of the noise. Five hundred samples of a limb that a
model misses by a little are not five hundred pieces of news: d makes neighbours alike, by exp(-(t/2 tau)^2). Both
standard deviations have ends, so that a wrong resting angle is no noise and a filtered recording is not all signal.
The columns of P say how the recording changes with what is not fitted but known with an error, such as the path of a
stretch; u is integrated out.

Source: Whittle's diagonal form of a smooth process; Kennedy and O'Hagan for the error of a model.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.fft import dct
from scipy.special import logsumexp

from eutonia.inference.priors import Prior

PerCandidate = Float[np.ndarray, " candidate"]
Errors = Float[np.ndarray, "sample candidate"]
Slopes = Float[np.ndarray, "rows _ candidate"]
Columns = Float[np.ndarray, "_ _"]

#: Noise and error of a model lie within so many prior standard deviations of their middles.
LEAST, MOST = -2.0, 3.0
# Numerics. Logarithms of q tried: the widest, and how many; nodes that count are within so much of the best log
# density, and fewer do: a bell shape is summed without error where nodes lie one standard deviation apart.
_WIDEST, _NODES, _DEEP, _ZOOMS, _FEWER = (-3.2, 3.6), 33, 12.0, 3, 13
# Sizes tried round the best, in the standard deviations that large samples leave; turns that find the best.
_REACH, _SIZES, _FINE, _TURNS = 4.0, 9, 17, 6
_TINY, _NEVER = 1e-300, -1e300
# Candidates worked on together, so that what is in between stays near the processor; factors whose product is finite.
_TOGETHER, _FACTORS = 64, 16


class Trace(NamedTuple):
    """Samples of one trace, how many recorded ones each is the mean of, time between them (s), and columns of P."""

    rows: slice
    averaged: int
    step: float
    strays: Columns


class _Parts(NamedTuple):
    """What the density of errors needs, node by node of q: r' T r, half log |R|, l, and b^2."""

    squares: Float[np.ndarray, "node candidate"]
    volume: Float[np.ndarray, " node"]
    sizes: Float[np.ndarray, "node stray"]
    told: Float[np.ndarray, "node stray candidate"]

    def apart(self) -> Iterator[_Parts]:
        """Yield the parts of a few candidates at a time."""
        for at in range(0, self.squares.shape[1], _TOGETHER):
            few = slice(at, at + _TOGETHER)
            yield self._replace(squares=self.squares[:, few], told=self.told[:, :, few])


@dataclass(frozen=True)
class Noise:
    """Priors of the noise and of the error of the model, its time (s), the traces, and the logarithms of q tried."""

    spread: Prior
    error: Prior
    time: float
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
        """Return the noise with the ratios that count for the errors of one candidate."""
        noise, ends = self, (self.nodes[0], self.nodes[-1])
        for _ in range(_ZOOMS):
            height = noise._profile(errors)[0][:, 0]
            high = np.flatnonzero(height > height.max() - _DEEP)
            ends = noise.nodes[max(high[0] - 1, 0)], noise.nodes[min(high[-1] + 1, noise.nodes.size - 1)]
            noise = replace(noise, nodes=np.linspace(*ends, _NODES))
        return replace(noise, nodes=np.linspace(*ends, _FEWER))

    def numbers(self, z: Float[np.ndarray, "two candidate"]) -> tuple[PerCandidate, PerCandidate]:
        """Return standard deviation of the noise and of the error of the model."""
        spread, error = self.spread, self.error
        return spread.middle * np.exp(spread.spread * z[0]), error.middle * np.exp(error.spread * z[1])

    @functools.cached_property
    def even(self) -> Noise:
        """The noise with as much noise as error of the model: what a search begins with."""
        return replace(self, nodes=np.zeros(1))

    def best(self, errors: Errors) -> tuple[Float[np.ndarray, "two candidate"], PerCandidate]:
        """Return z of the noise that suits given errors, and their log density with it up to a constant."""
        height, z_spread = self._profile(errors)
        chosen = np.argmax(height, axis=0)[None]
        found = np.take_along_axis(z_spread, chosen, axis=0)[0]
        z_error = self._z_error(found, self.nodes[chosen[0]])
        return np.stack([found, z_error]), np.take_along_axis(height, chosen, axis=0)[0]

    def log_marginal(self, errors: Errors) -> PerCandidate:
        """Return the log density of errors with the noise integrated out, up to a constant."""
        return np.asarray(logsumexp(self._by_size(errors, _SIZES)[0], axis=(0, 1)))

    def draw(self, errors: Errors, rng: np.random.Generator) -> Float[np.ndarray, "two candidate"]:
        """Return draws of z of the noise given the errors of each candidate."""
        fine = replace(self, nodes=np.linspace(self.nodes[0], self.nodes[-1], _NODES))
        log_mass, z_spread = fine._by_size(errors, _FINE)
        flat = log_mass.reshape(-1, log_mass.shape[2])
        cumulated = np.cumsum(np.exp(flat - flat.max(axis=0)), axis=0)
        at = (cumulated < rng.random(flat.shape[1]) * cumulated[-1]).sum(axis=0)
        row, node = np.unravel_index(at, log_mass.shape[:2])
        out = np.stack([z_spread[row, node, np.arange(flat.shape[1])], fine.nodes[node]])
        steps = np.array([z_spread[1, 0, 0] - z_spread[0, 0, 0], fine.nodes[1] - fine.nodes[0]])
        spread, ratio = out + (rng.random(out.shape) - 0.5) * steps[:, None]
        return np.stack([spread, self._z_error(spread, ratio)])

    def products(self, columns: Slopes, z: Float[np.ndarray, "two candidate"]) -> Float[np.ndarray, "candidate _ _"]:
        """Return a' N^-1 b of all columns of each candidate, for noise of which the ratio is a node."""
        spread, error = self.numbers(z)
        node = np.abs(self.nodes[:, None] - np.log(error / spread)).argmin(axis=0)
        out = np.zeros((columns.shape[2], columns.shape[1], columns.shape[1]))
        with np.errstate(invalid="ignore", over="ignore"):
            for trace, scale, (across, size, axes, _) in zip(self.traces, self._scales, self._spectra, strict=True):
                mine = _cosines(columns[trace.rows])
                weighed = mine / scale[node].T[:, None]
                out += np.einsum("sil,sjl->lij", mine, weighed, optimize=True)
                if trace.strays.size:
                    told = np.einsum("lsr,scl->lrc", axes[node], np.tensordot(across.T, weighed, 1))
                    share = told / (spread[:, None] ** 2 + size[node])[:, :, None]
                    out -= np.einsum("lri,lrj->lij", told, share)
        return out / spread[:, None, None] ** 2

    def whitening(self, z: Float[np.ndarray, " two"]) -> Callable[[Slopes], Slopes]:
        """Return what turns errors, or how they change with a number, into independent ones of unit spread."""
        spread, error = (float(x[0]) for x in self.numbers(z[:, None]))
        each = []
        for trace in self.traces:
            size = spread * np.sqrt(self._variances(trace, np.log([error / spread]))[0])
            axes, sizes, _ = np.linalg.svd(_cosines(trace.strays) / size[:, None], full_matrices=False)
            each.append((trace.rows, size, axes * (1.0 - 1.0 / np.sqrt(1.0 + sizes**2)), axes.T))

        def white(columns: Slopes) -> Slopes:
            parts = []
            with np.errstate(invalid="ignore", over="ignore"):
                for rows, size, less, along in each:
                    part = _cosines(columns[rows]) / size[:, None, None]
                    parts.append(part - np.tensordot(less, np.tensordot(along, part, 1), 1) if less.size else part)
            return np.concatenate(parts)

        return white

    def _z_error(self, z_spread: np.ndarray, log_ratio: np.ndarray) -> np.ndarray:
        above = np.log(self.spread.middle / self.error.middle) + self.spread.spread * z_spread + log_ratio
        return np.asarray(above / self.error.spread)

    def _variances(self, trace: Trace, log_ratio: Float[np.ndarray, " node"]) -> Float[np.ndarray, "node sample"]:
        """Return D of a trace."""
        samples = trace.rows.stop - trace.rows.start
        speed = np.pi * np.arange(samples) / (samples * trace.step)
        smooth = np.exp(-((speed * self.time) ** 2))
        return np.asarray(1.0 / trace.averaged + np.exp(2.0 * log_ratio)[:, None] * (smooth / smooth.mean()))

    @functools.cached_property
    def _scales(self) -> list[Float[np.ndarray, "node sample"]]:
        return [self._variances(trace, self.nodes) for trace in self.traces]

    @functools.cached_property
    def _spectra(
        self,
    ) -> list[
        tuple[
            Columns,
            Float[np.ndarray, "node stray"],
            Float[np.ndarray, "node stray stray"],
            Float[np.ndarray, "node stray sample"],
        ]
    ]:
        """Return, trace by trace, P behind the cosine transform, l, U, and U' P' T."""
        out = []
        for trace, scale in zip(self.traces, self._scales, strict=True):
            across = _cosines(trace.strays)
            weighed = [(across / one[:, None]).T for one in scale]
            sizes, axes = np.linalg.eigh(np.stack([one @ across for one in weighed]))
            told = np.stack([turned.T @ one for turned, one in zip(axes, weighed, strict=True)])
            out.append((across, np.maximum(sizes, 0.0), axes, told))
        return out

    def _parts(self, errors: Errors) -> _Parts:
        squares, volume = np.zeros((self.nodes.size, errors.shape[1])), np.zeros(self.nodes.size)
        told = []
        with np.errstate(invalid="ignore", over="ignore"):
            for trace, scale, (*_, turned) in zip(self.traces, self._scales, self._spectra, strict=True):
                mine = _cosines(errors[trace.rows])
                squares += (1.0 / scale) @ mine**2
                volume += 0.5 * np.log(scale).sum(axis=1)
                told.append((turned @ mine) ** 2)
        return _Parts(
            squares, volume, np.concatenate([size for _, size, *_ in self._spectra], 1), np.concatenate(told, 1)
        )

    def _density(
        self, parts: _Parts, z_spread: Float[np.ndarray, "node candidate"]
    ) -> Float[np.ndarray, "node candidate"]:
        """Return the log density of errors and noise, node by node."""
        log_spread = np.log(self.spread.middle) + self.spread.spread * z_spread
        z_error = self._z_error(z_spread, self.nodes[:, None])
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            square = np.exp(2.0 * log_spread)
            out = -self.samples * log_spread - parts.volume[:, None] - 0.5 * parts.squares / square
            if parts.sizes.size:
                wide = square[:, None] + parts.sizes[:, :, None]
                some = [wide[:, at : at + _FACTORS].prod(axis=1) for at in range(0, wide.shape[1], _FACTORS)]
                # log(1 + l/s^2) is log(s^2 + l) less 2 log s.
                out += wide.shape[1] * log_spread - 0.5 * np.log(some).sum(axis=0)
                out += 0.5 * (parts.told / wide).sum(axis=1) / square
        out -= 0.5 * (z_spread**2 + z_error**2)
        within = (np.minimum(z_spread, z_error) >= LEAST - 1e-9) & (np.maximum(z_spread, z_error) <= MOST + 1e-9)
        return np.where(np.isfinite(out) & within, out, _NEVER)

    def _likeliest(self, parts: _Parts) -> Float[np.ndarray, "node candidate"]:
        """Return z of the spread that suits each ratio best."""
        n, size, strays = self.samples, parts.sizes[:, :, None], parts.sizes.shape[1]
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            square = np.maximum(parts.squares / n, _TINY)
            for _ in range(_TURNS if parts.sizes.size else 0):
                less = 1.0 / (square[:, None] + size)
                told = parts.told * less
                # b^2 (2 s^2 + l) / (s^2 + l)^2 ; l / (s^2 + l)
                explained = told.sum(axis=1) + square * (told * less).sum(axis=1)
                left = n - strays + square * less.sum(axis=1)
                square = np.maximum((parts.squares - explained) / left, _TINY)
            z = (0.5 * np.log(square) - np.log(self.spread.middle)) / self.spread.spread
        # Noise and error of the model end where they may; of some ratios nothing is left.
        shift = self._z_error(np.zeros(1), self.nodes) * self.error.spread
        low, high = ((end * self.error.spread - shift) / self.spread.spread for end in (LEAST, MOST))
        high = np.minimum(high, MOST)
        return np.clip(np.nan_to_num(z), np.minimum(np.maximum(low, LEAST), high)[:, None], high[:, None])

    def _profile(
        self, errors: Errors
    ) -> tuple[Float[np.ndarray, "node candidate"], Float[np.ndarray, "node candidate"]]:
        found = []
        for parts in self._parts(errors).apart():
            z_spread = self._likeliest(parts)
            found.append((self._density(parts, z_spread), z_spread))
        height, z_spread = (np.concatenate(each, axis=1) for each in zip(*found, strict=True))
        return height, z_spread

    def _by_size(
        self, errors: Errors, sizes: int
    ) -> tuple[Float[np.ndarray, "size node candidate"], Float[np.ndarray, "size node candidate"]]:
        """Return the log density of every noise of a grid round the best, and its z of the spread."""
        width = 1.0 / np.sqrt(1.0 + 2.0 * self.samples * self.spread.spread**2)
        found = []
        for parts in self._parts(errors).apart():
            z_spread = self._likeliest(parts) + width * np.linspace(-_REACH, _REACH, sizes)[:, None, None]
            found.append((np.stack([self._density(parts, z) for z in z_spread]), z_spread))
        height, z_spread = (np.concatenate(each, axis=2) for each in zip(*found, strict=True))
        return height, z_spread


def _cosines(columns: np.ndarray) -> np.ndarray:
    """Return the cosine transform of columns over samples."""
    if not columns.size:
        return columns
    return np.asarray(dct(columns, type=2, norm="ortho", axis=0))
