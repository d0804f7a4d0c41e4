"""Numbers of the science drawn from what the calibration leaves unknown: a set of numbers for each group of trials.

Equation
    x_k = mean + root z_k,   record = outward(x_k)        z_k: Latin hypercube of standard normals, by the study's seed
Replicate trial r has draw r modulo `DRAWS`, so that a trial is the same however many others there are. The set
`eutonia_2026_1` names the records, the scale that each was fitted on (log, logit, plain), joint mean and covariance.
What somebody set by hand, or a study file sets, stands above a draw.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from scipy.special import expit, ndtri

from eutonia import _streams, parameters
from eutonia._bounds import FEWEST_FOR_VERDICT
from eutonia.parameters import quantity
from eutonia.study.design import TrialStudy
from eutonia.trial.width import WIDTHS

if TYPE_CHECKING:
    from eutonia.trial.analysis import Outcome
    from eutonia.trial.result import Quantity

SET, TITLE = "eutonia_2026_1", "eutonia-2026.1"
#: Twenty tell the width of an interval to about a sixth. Each weighs the pool anew: a run takes three times as long.
DRAWS = 20
#: What cannot be more than the whole, although it was fitted as a logarithm: one draw in a hundred is cut there.
_SHARES = frozenset({"receptor.leg_to_arm", "intrathecal.lumbar_puncture_spread"})
_OUTWARD = {"log": np.exp, "logit": expit, "plain": np.asarray}


@dataclass(frozen=True)
class Calibrated:
    """What the calibration knows of records together: keys, scales, mean and a root of the covariance."""

    keys: tuple[str, ...]
    scales: tuple[str, ...]
    mean: Float[np.ndarray, " record"]
    root: Float[np.ndarray, "record record"]

    @classmethod
    def frozen(cls) -> Calibrated:
        """Read it from its set."""
        held = parameters.load(SET)
        labels = held["mean"].axis
        scales, places = zip(*(label.split(" ", 1) for label in labels), strict=True)
        mean, sd = (np.array(held.along(name, "1", labels)) for name in ("mean", "sd"))
        rows = (f"correlation_{place.replace('/', '_')}" for place in places)
        correlation = np.array([held.along(row, "1", labels) for row in rows])
        root = np.linalg.cholesky(correlation * np.outer(sd, sd))
        return cls(tuple(place.replace("/", ".") for place in places), scales, mean, root)

    def at(self, z: Float[np.ndarray, " record"]) -> dict[str, str]:
        """Return the records at a standard normal place, as overrides are written."""
        found = {}
        for key, scale, x in zip(self.keys, self.scales, self.mean + self.root @ z, strict=True):
            where, name = key.split(".")[:2]
            unit = parameters.load(where)[name].unit
            value = float(_OUTWARD[scale](x))
            found[key] = quantity.shown([min(value, 1.0) if key in _SHARES else value], unit)
        return found


def places(seed: int, numbers: int) -> Float[np.ndarray, "draw number"]:
    """Return a Latin hypercube of standard normals: of each number every draw lies in another twentieth."""
    draws, of_eight = jnp.arange(DRAWS), -(-numbers // _streams.DRAWS)
    luck = [
        _streams.uniform(_streams.keys(seed, _streams.Purpose.PARAMETERS, draws, visit), _streams.DRAWS)
        for visit in range(of_eight)
    ]
    order = np.argsort(np.argsort(np.concatenate(luck), axis=1, kind="stable"), axis=1, kind="stable")[:numbers]
    z = ndtri((order + 0.5) / DRAWS)
    return (z / z.std(axis=1, keepdims=True)).T


def asked(study: TrialStudy, replicates: int) -> bool:
    """Return whether a run draws numbers: unless its study holds them, where enough trials make an interval."""
    return study.head.parameters != "frozen" and replicates >= FEWEST_FOR_VERDICT


def drawn(study: TrialStudy) -> list[dict[str, str]]:
    """Return the overrides of each draw of a study."""
    posterior = Calibrated.frozen()
    return [posterior.at(z) for z in places(study.seed, len(posterior.keys))]


@contextlib.contextmanager
def holding(numbers: Mapping[str, str]) -> Iterator[None]:
    """Put a draw beneath what holds here; what is read inside is noted as the record that it was drawn in place of."""
    with parameters.unrecorded(), parameters.recording() as used, parameters.beneath(numbers):
        yield
    for record in used.records():
        parameters.load(record.set)[record.name]


def told(outcome: Outcome, quantities: Sequence[Quantity]) -> dict[str, Any]:
    """Return what a reader has to know of the numbers behind the intervals of a trial, for its record and its page."""
    widths = [one.width for one in quantities if one.width is not None and one.published is not None]
    widths = widths or [one.width for one in quantities if one.width is not None]
    shares = {name: _mean([getattr(one, name) for one in widths]) for name in WIDTHS}
    # Results of one trial go together: the error of their mean share is as large as theirs.
    errors = {name: _mean([one.errors[k] for one in widths]) for k, name in enumerate(WIDTHS)}
    split = {"width": shares, "width_error": errors}
    if outcome.draw is None:
        few = outcome.study.head.parameters != "frozen"
        why = f"fewer than {FEWEST_FOR_VERDICT} replicate trials" if few else "--parameters posterior draws them"
        return {"parameters": "frozen", "why": why, **split}
    set_by_hand = [key for key in Calibrated.frozen().keys if key in parameters.active().given]
    drawn = {"parameters": "posterior", "set": SET, "title": TITLE, "draws": DRAWS, "refused": outcome.refused}
    return {**drawn, "set_by_hand": set_by_hand, **split}


def _mean(shares: Sequence[float]) -> float | None:
    """Return the mean of shares to three places; none where any is not known."""
    return round(float(np.mean(shares)), 3) if shares and np.isfinite(shares).all() else None
