"""Boundaries of trials that are looked at while they run, so that all looks together err as often as one.

Equation
    spent(t) = 2 - 2 Phi(z(1 - alpha/4) / sqrt(t)) on each side        O'Brien and Fleming's kind
    spent(t) = alpha/2 log(1 + (e - 1) t) on each side                 Pocock's kind
    conditional power under the trend = Phi((z / sqrt(t) - c) / sqrt(1 - t)), c the boundary of the last look
Source
    Lan_1983 (both kinds of spending); Armitage_1969 (the density from look to look)
The statistic of a trial at a share t of the information is a Brownian motion B(t) = Z sqrt(t) + drift t; its density
among trials that go on is carried from look to look by Gauss-Legendre quadrature without drift, and weighted by the
likelihood ratio exp(drift B - drift^2 t / 2) for any other.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from eutonia.statistics.names import Spending

_NODES = 201
# Beyond so many standard errors nothing happens.
_FAR = 9.0
#: Largest z of a trial, as its p value tells it, and how far the drift is looked for at first around what it shows.
LARGEST_Z, _AROUND = 37.0, 12.0


def spent(kind: Spending, alpha: float, information: float) -> float:
    """Return how much of a two-sided alpha may be spent by a share of the information."""
    from scipy.stats import norm

    t = min(information, 1.0)
    if kind == "Pocock":
        return alpha * math.log1p((math.e - 1.0) * t)
    return float(4.0 * norm.sf(norm.isf(alpha / 4.0) / math.sqrt(t)))


def boundaries(kind: Spending, alpha: float, information: Sequence[float]) -> Float[np.ndarray, " look"]:
    """Return the absolute z at which a trial stops at each look, if it never stops for futility.

    Parameters
    ----------
    kind
        How alpha is spent.
    alpha
        Two-sided level of all looks together.
    information
        Share of the information at each look, rising to 1.
    """
    found: list[float] = []
    walk, before = _Walk(), 0.0
    for t in information:
        z = _cut(walk, t, spent(kind, alpha, t) - before)
        before += sum(walk.beyond(t, -z, z))
        found.append(z)
        walk = walk.gone_on(t, -z, z)
    return np.array(found)


def _cut(walk: _Walk, t: float, due: float) -> float:
    """Return the absolute z that so many of those who come to a look go beyond."""
    from scipy.optimize import brentq

    if sum(walk.beyond(t, -_FAR, _FAR)) >= due:
        return _FAR
    return float(brentq(lambda cut: sum(walk.beyond(t, -cut, cut)) - due, 0.0, _FAR, xtol=1e-10))


@dataclass(frozen=True)
class StoppingRule:
    """When a trial stops: share of the information, boundary of |z|, and the z of the better arm below which it stops.

    Futility is obeyed where the rule is followed and nothing is gained by it: the boundaries of efficacy are those of
    trials that ignore it, so that whoever goes on all the same errs no more often (non-binding).
    """

    information: tuple[float, ...]
    efficacy: tuple[float, ...]
    futility: tuple[float, ...]

    @classmethod
    def of(
        cls, kind: Spending, alpha: float, information: Sequence[float], conditional_power: float | None
    ) -> StoppingRule:
        """Return the rule that spends alpha over looks, and stops below a conditional power under the trend.

        What the trend asks for at a late look may lie above the boundary of efficacy: every trial then ends there.
        """
        from scipy.stats import norm

        efficacy = boundaries(kind, alpha, information)
        futility = np.full(len(efficacy), -np.inf)
        if conditional_power is not None:
            t = np.array(information[:-1])
            futility[:-1] = np.sqrt(t) * (efficacy[-1] + norm.ppf(conditional_power) * np.sqrt(1.0 - t))
            futility[:-1] = np.minimum(futility[:-1], efficacy[:-1])
        return cls(tuple(information), tuple(efficacy.tolist()), tuple(futility.tolist()))

    @property
    def levels(self) -> tuple[float, ...]:
        """The two-sided level of the test of each look by itself."""
        from scipy.stats import norm

        return tuple(float(2.0 * norm.sf(z)) for z in self.efficacy)

    def crossings(self, drift: float = 0.0) -> Float[np.ndarray, "look three"]:
        """Return how likely a trial stops at each look: better, worse, futile; `drift` is the mean of the last z."""
        found = []
        for walk, t, cut, floor in zip(self._walks, self.information, self.efficacy, self._floors, strict=True):
            better, stops_low = walk.beyond(t, floor, cut, drift)
            worse = walk.beyond(t, -cut, cut, drift)[1]
            found.append((better, worse, stops_low - worse))
        return np.array(found)

    @property
    def _floors(self) -> tuple[float, ...]:
        """The z at or below which a trial stops at each look, for whichever reason."""
        return tuple(max(low, -cut) for low, cut in zip(self.futility, self.efficacy, strict=True))

    @functools.cached_property
    def _walks(self) -> tuple[_Walk, ...]:
        """The trials that come to each look."""
        walks = [_Walk()]
        for t, cut, floor in zip(self.information[:-1], self.efficacy, self._floors, strict=False):
            walks.append(walks[-1].gone_on(t, floor, cut))
        return tuple(walks)

    def median_unbiased(self, look: int, z: float) -> float:
        """Return the drift under which a trial ends as this one did, or better, in half of all trials.

        **Equation** outcomes are ordered by the look at which they stop: the earlier above a boundary the better, the
        earlier below one the worse.

        Parameters
        ----------
        look
            Look at which the trial stopped, from 0.
        z
            Its statistic there, positive where the arm is better.
        """
        from scipy.optimize import brentq

        z = float(np.clip(z, -LARGEST_Z, LARGEST_Z))
        t, above = self.information[look], z >= self.efficacy[look] or look == len(self.information) - 1
        side = 0 if above else 1
        earlier = list(zip(self._walks[:look], self.information, self._floors, self.efficacy, strict=False))

        def beyond_half(drift: float) -> float:
            stopped = sum(walk.beyond(s, low, cut, drift)[side] for walk, s, low, cut in earlier)
            return stopped + self._walks[look].beyond(t, z, z, drift)[side] - 0.5

        middle, around = z / math.sqrt(t), _AROUND
        # Of a trial that should have stopped long before, the drift is that of one which stops at an earlier look.
        while beyond_half(middle - around) * beyond_half(middle + around) > 0.0:
            around *= 2.0
        return float(brentq(beyond_half, middle - around, middle + around, xtol=1e-8))


@functools.cache
def _nodes() -> tuple[Float[np.ndarray, " node"], Float[np.ndarray, " node"]]:
    return np.polynomial.legendre.leggauss(_NODES)


@dataclass(frozen=True)
class _Walk:
    """The density of B(t) without drift among trials that went on: nodes, and their weights times density."""

    t: float = 0.0
    at: Float[np.ndarray, " node"] = field(default_factory=lambda: np.zeros(1))
    mass: Float[np.ndarray, " node"] = field(default_factory=lambda: np.ones(1))

    def beyond(self, t: float, low: float, high: float, drift: float = 0.0) -> tuple[float, float]:
        """Return how likely z is at least `high`, and at most `low`, at the next look."""
        from scipy.special import ndtr

        sd, mean = math.sqrt(t - self.t), self.at + drift * (t - self.t)
        mass = self.mass * np.exp(drift * self.at - 0.5 * drift * drift * self.t)
        above, below = ((mean - high * math.sqrt(t)) / sd, (low * math.sqrt(t) - mean) / sd)
        return float(mass @ ndtr(above)), float(mass @ ndtr(below))

    def gone_on(self, t: float, low: float, high: float) -> _Walk:
        """Return the density at the next look of those whose z lies between, and who go on."""
        from scipy.stats import norm

        sd = math.sqrt(t - self.t)
        nodes, weights = _nodes()
        middle, half = 0.5 * (high + low) * math.sqrt(t), 0.5 * (high - low) * math.sqrt(t)
        at = middle + half * nodes
        density = norm.pdf((at[:, None] - self.at) / sd) @ self.mass / sd
        return _Walk(t, at, density * weights * half)
