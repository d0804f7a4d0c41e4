"""Does the fit agree with its recording? The band in which another recording of the limb would lie, and what misses it.

Equation
    band = quantiles, over draws, of predicted + N(0, 1) min(rms, most)
with the root mean square of what the middle of the fit leaves, up to the most that noise and error of a model may be:
an error that stays alike for longer than the noise knows is in the band too, and a swing that is missed is not. A fit
misses its recording, and then determines nothing, if its band of 95 % holds fewer than four fifths of the samples, or
if it leaves more than noise and error of a model may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from eutonia import parameters

Series = Float[np.ndarray, "_ draw"]
# Traces of one fit differ in length.
Samples = Float[np.ndarray, " _"]

# Errors that stand for a normal distribution: the middles of so many equal shares.
_SHARES = 25
_NORMAL = stats.norm.ppf((np.arange(_SHARES) + 0.5) / _SHARES)


@dataclass(frozen=True)
class Agreement:
    """How a fit lies to its samples: root mean square and largest miss in the fitted unit, share inside the band; the
    most that the root mean square may be.
    """

    rms: float
    largest: float
    inside: float
    most: float

    @property
    def holds(self) -> bool:
        """Whether the fit holds the recording."""
        return self.rms <= self.most and self.inside >= parameters.load("inference").value("band_holds", "1")


def band(predicted: Series, left: Samples, most: float, level: float) -> tuple[Samples, Samples]:
    """Return the ends of the predictive band; `left` is what the middle of the predictions leaves of the recording,
    `most` the largest standard deviation that it may count for.
    """
    spread = min(float(np.sqrt(np.mean(left**2))), most)
    luck = np.tile(spread * _NORMAL / np.sqrt(np.mean(_NORMAL**2)), predicted.shape[1])
    low, high = np.quantile(np.repeat(predicted, _SHARES, axis=1) + luck, [0.5 - level / 2, 0.5 + level / 2], axis=1)
    return low, high


def agreement(
    recorded: Sequence[Samples], fitted: Sequence[Samples], ends: Sequence[tuple[Samples, Samples]], most: float
) -> Agreement:
    """Return how all recordings of a fit lie to it; `most` as for `band`."""
    left = np.concatenate([one - other for one, other in zip(recorded, fitted, strict=True)])
    within = [(low <= one) & (one <= high) for one, (low, high) in zip(recorded, ends, strict=True)]
    inside = float(np.concatenate(within).mean())
    return Agreement(float(np.sqrt(np.mean(left**2))), float(np.abs(left).max()), inside, most)
