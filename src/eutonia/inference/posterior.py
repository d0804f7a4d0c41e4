"""How well a candidate limb explains a recording, and what was believed of it before.

Equation
    r_i = y_i - f_i(x) ;  r_1 ~ N(0, v s^2) ;  r_i | r_(i-1) ~ N(c r_(i-1), v s^2 (1 - c^2))
    log p = -n log s - n/2 log v - (n - 1)/2 log(1 - c^2) - Q/(2 s^2) - |z|^2/2, summed over traces
    Q v = squared first error + sum of (r_i - c r_(i-1))^2 / (1 - c^2)
with n samples in a trace. Neighbouring errors are allowed to be alike, and how much is fitted too: five hundred
samples of a filtered sensor are not five hundred pieces of news.

Error s and likeness rho are those of recorded samples. Where each fitted sample is the mean of k of them, its variance
v s^2 is exact and its likeness c is that which leaves the slow part of the noise as it is:
    v = [k (1 + rho)/(1 - rho) - 2 rho (1 - rho^k)/(1 - rho)^2] / k^2
    c = (w - v)/(w + v) ;  w = (1 + rho)/((1 - rho) k) ;  for k = 1, v = 1 and c = rho
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import logsumexp

from eutonia.inference.forward import Model
from eutonia.inference.priors import NOISE

Lanes = Float[np.ndarray, " lane"]
Draws = Float[np.ndarray, "number lane"]

# Correlations tried when the noise is fitted to given errors, in prior standard deviations.
_TRIED = np.linspace(-2.5, 5.0, 151)

# Noises tried round the best, in the standard deviations that large samples leave.
_ROUND_BEST = np.linspace(-4.0, 4.0, 17)


PerTrace = Float[np.ndarray, "trace lane"]


class Sums(NamedTuple):
    """Sums of squared errors and products in each trace, all that the density needs: first ones, later ones,
    neighbours, earlier.
    """

    first: PerTrace
    later: PerTrace
    product: PerTrace
    earlier: PerTrace


@dataclass(frozen=True)
class Posterior:
    """A model and the recorded channel; `begins` marks the first sample of each trace, in which each sample is the mean
    of so many that were recorded: `averaged`.
    """

    model: Model
    recorded: Float[np.ndarray, " sample"]
    begins: Bool[np.ndarray, " sample"]
    averaged: Int[np.ndarray, " trace"]

    @property
    def numbers(self) -> int:
        """How many numbers are fitted, the noise included."""
        return len(self.model.priors.each)

    def errors(self, z: Draws) -> Float[np.ndarray, "sample lane"]:
        """Return what is left of the recording after each candidate."""
        return self.recorded[:, None] - self.model.predict(z)

    def noise(self, z: Draws) -> tuple[Lanes, Lanes]:
        """Return the standard deviation of the errors and the correlation of neighbours."""
        spread, alike = self.model.priors.each[-NOISE:]
        return spread.middle * np.exp(spread.spread * z[-2]), np.tanh(alike.middle + alike.spread * z[-1])

    def log_density(self, z: Draws) -> Lanes:
        """Return the logarithm of the density of each candidate, up to a constant."""
        return self.density_of(self.errors(z), z)

    def density_of(self, errors: Float[np.ndarray, "sample lane"], z: Draws) -> Lanes:
        """Return the log density of candidates whose errors are known."""
        spread, alike = self.noise(z)
        squares, volume = self._explained(self.sums(errors), alike)
        with np.errstate(invalid="ignore", over="ignore"):
            out = -self.recorded.size * np.log(spread) - volume - 0.5 * squares / spread**2
            out = out - 0.5 * (z**2).sum(axis=0)
        return np.where(np.isfinite(out), out, -np.inf)

    def sums(self, errors: Float[np.ndarray, "sample lane"]) -> Sums:
        """Return the sums of squares and products of errors."""
        first = np.flatnonzero(self.begins)
        with np.errstate(invalid="ignore", over="ignore"):
            whole = np.add.reduceat(errors**2, first)
            product = np.concatenate([np.where(self.begins[1:, None], 0.0, errors[1:] * errors[:-1]), 0.0 * errors[:1]])
            last = np.append(first[1:], errors.shape[0]) - 1
            return Sums(
                errors[first] ** 2,
                whole - errors[first] ** 2,
                np.add.reduceat(product, first),
                whole - errors[last] ** 2,
            )

    def _explained(self, sums: Sums, alike: Float[np.ndarray, "*tried lane"]) -> tuple[np.ndarray, np.ndarray]:
        """Return the sum of squares of errors made independent and of unit variance, for noise of spread one, and half
        the logarithm of the determinant of their covariance.
        """
        squares, volume = np.zeros(alike.shape), np.zeros(alike.shape)
        counts = np.diff(np.append(np.flatnonzero(self.begins), self.begins.size))
        with np.errstate(invalid="ignore", over="ignore"):
            for k, (count, averaged) in enumerate(zip(counts, self.averaged, strict=True)):
                variance, like = averaged_noise(alike, int(averaged))
                left = 1.0 - like**2
                first, later, product, earlier = (part[k] for part in sums)
                squares += (first + (later - 2.0 * like * product + like**2 * earlier) / left) / variance
                volume += 0.5 * count * np.log(variance) + 0.5 * (count - 1) * np.log(left)
        return squares, volume

    def best_noise(
        self, errors: Float[np.ndarray, "sample lane"], *, alike: bool = True
    ) -> Float[np.ndarray, "two lane"]:
        """Return z of the noise that suits given errors; without `alike` neighbours count as independent."""
        spread, likeness = self.model.priors.each[-NOISE:]
        tried = _TRIED if alike else np.array([-likeness.middle / likeness.spread])
        correlation = np.tanh(likeness.middle + likeness.spread * tried)[:, None] * np.ones(errors.shape[1])
        squares, volume = self._explained(self.sums(errors), correlation)
        n = self.recorded.size
        with np.errstate(invalid="ignore", divide="ignore"):
            score = -0.5 * n * np.log(squares) - volume - 0.5 * tried[:, None] ** 2
        chosen = np.argmax(np.where(np.isfinite(score), score, -np.inf), axis=0)
        best = np.take_along_axis(squares, chosen[None], axis=0)[0] / n
        z_spread = (0.5 * np.log(np.maximum(best, 1e-300)) - np.log(spread.middle)) / spread.spread
        return np.stack([np.clip(np.nan_to_num(z_spread), -9.0, 9.0), tried[chosen]])

    def log_marginal(self, errors: Float[np.ndarray, "sample lane"]) -> Lanes:
        """Return the log likelihood of errors with the noise integrated out, up to a constant."""
        return np.asarray(logsumexp(self._by_noise(errors), axis=(0, 1)))

    def draw_noise(
        self, errors: Float[np.ndarray, "sample lane"], rng: np.random.Generator
    ) -> Float[np.ndarray, "two lane"]:
        """Return draws of z of the noise given the errors of each candidate."""
        log_mass = self._by_noise(errors)
        flat = log_mass.reshape(-1, log_mass.shape[2])
        cumulated = np.cumsum(np.exp(flat - flat.max(axis=0)), axis=0)
        at = (cumulated < rng.random(flat.shape[1]) * cumulated[-1]).sum(axis=0)
        spread, alike = self._grid(errors)
        row, column = np.unravel_index(at, log_mass.shape[:2])
        lanes = np.arange(flat.shape[1])
        out = np.stack([spread[row, column, lanes], alike[column, lanes]])
        steps = np.stack([spread[1, 0] - spread[0, 0], alike[1] - alike[0]])
        return out + (rng.random(out.shape) - 0.5) * steps

    def _grid(
        self, errors: Float[np.ndarray, "sample lane"]
    ) -> tuple[Float[np.ndarray, "a b lane"], Float[np.ndarray, "b lane"]]:
        """Return z of noises to be tried: round the best of each candidate, as wide as so many samples leave it."""
        spread, likeness = self.model.priors.each[-NOISE:]
        best = self.best_noise(errors)
        z = likeness.middle + likeness.spread * best[1]
        left = 1.0 / np.cosh(z) ** 2
        n = self.recorded.size
        alike = best[1] + _ROUND_BEST[:, None] / np.sqrt(1.0 + n * left * likeness.spread**2)
        correlation = np.tanh(likeness.middle + likeness.spread * alike)
        squares = self._explained(self.sums(errors), correlation)[0]
        centre = (0.5 * np.log(np.maximum(squares / n, 1e-300)) - np.log(spread.middle)) / spread.spread
        return centre + _ROUND_BEST[:, None, None] / np.sqrt(1.0 + 2.0 * n * spread.spread**2), alike

    def _by_noise(self, errors: Float[np.ndarray, "sample lane"]) -> Float[np.ndarray, "a b lane"]:
        """Return the log density of every noise of the grid, with the size of its cell."""
        spread, likeness = self.model.priors.each[-NOISE:]
        z_spread, z_alike = self._grid(errors)
        alike = np.tanh(likeness.middle + likeness.spread * z_alike)
        squares, volume = self._explained(self.sums(errors), alike)
        log_spread = np.log(spread.middle) + spread.spread * z_spread
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            out = -self.recorded.size * log_spread - volume - 0.5 * squares * np.exp(-2.0 * log_spread)
            out = out - 0.5 * (z_spread**2 + z_alike**2) + np.log(z_alike[1] - z_alike[0])
        return np.where(np.isfinite(out), out, -1e300)

    def whiten(
        self, columns: Float[np.ndarray, "sample column lane"], spread: Lanes, alike: Lanes
    ) -> Float[np.ndarray, "sample column lane"]:
        """Turn errors, or how they change with a number, into independent ones of unit spread."""
        trace = np.cumsum(self.begins) - 1
        each = [averaged_noise(alike, int(averaged)) for averaged in self.averaged]
        variance, like = (np.stack(part)[trace][:, None] for part in zip(*each, strict=True))
        with np.errstate(invalid="ignore", over="ignore"):
            out = columns / (spread * np.sqrt(variance))
            step = (out[1:] - like[1:] * out[:-1]) / np.sqrt(1.0 - like[1:] ** 2)
        out[1:] = np.where(self.begins[1:, None, None], out[1:], step)
        return out


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
