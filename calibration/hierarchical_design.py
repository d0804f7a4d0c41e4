"""Runs of the chain that the hierarchical calibration learns its surrogate from: where, and what they predict.

A point is 22 numbers of `PARAMETERS` and the non-specific change of trials, on scales without bounds: logarithms,
logits of shares, grades. First a scout (the frozen numbers and one step along each) tells the linear model around them;
then a scrambled Sobol design fills the Gaussian of that linear model's posterior, widened. Every run is a row of
`hierarchical_runs.csv`; a row that is there already is not run again, so a broken fit goes on where it stopped.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import drug
import numpy as np
from drug_targets import Fitted
from jaxtyping import Float
from scipy.special import expit, logit
from scipy.stats import norm, qmc

from eutonia import parameters

RUNS = Path(__file__).with_name("hierarchical_runs.csv")
SHARES = ("release_block", "drive_share")
#: The design is this much wider than the linear model's posterior, and ends at so many of its standard deviations.
WIDER, REACH = 1.3, 2.6
#: Step of the scout along each axis.
STEP = 0.08

Point = Float[np.ndarray, " parameter"]


@dataclass(frozen=True)
class Scaled:
    """A record on its fitting scale: name of the scale, and middle and SD of the prior there."""

    key: str
    unit: str
    scale: str
    middle: float
    prior: float

    def inward(self, value: float) -> float:
        """Return a value of the record on the fitting scale."""
        return float({"log": np.log, "logit": logit, "plain": float}[self.scale](value))

    def outward(self, x: float) -> float:
        """Return the value of the record at a place of the fitting scale."""
        return float({"log": np.exp, "logit": expit, "plain": float}[self.scale](x))

    @property
    def shipped(self) -> float:
        """The value of the record."""
        where, name = self.key.split(".")
        return parameters.load(where).value(name, self.unit)


def _scaled(one: Fitted) -> Scaled:
    key = f"{one.set}.{one.name}"
    if one.name in SHARES:  # the same SD of the value at the middle
        return Scaled(key, one.unit, "logit", float(logit(one.middle)), one.prior / (1.0 - one.middle))
    return Scaled(key, one.unit, "log", float(np.log(one.middle)), one.prior)


def _nonspecific() -> Scaled:
    """Return the mean non-specific change: known to the SD between trials over the root of the five placebo arms."""
    record = parameters.load("trial")["nonspecific_change_mean"].to("grade")
    return Scaled(
        "trial.nonspecific_change_mean", "grade", "plain", record.value, float(record.spread.sd or 0) / 5**0.5
    )


SCALED = (*map(_scaled, drug.PARAMETERS), _nonspecific())
FROZEN: Point = np.array([one.inward(one.shipped) for one in SCALED])
MIDDLE: Point = np.array([one.middle for one in SCALED])
PRIOR: Point = np.array([one.prior for one in SCALED])
KEYS = tuple(target.key for target in drug.TARGETS)


def predict(x: Point, people: int) -> Float[np.ndarray, " row"]:
    """Return what the chain predicts for every target of `TARGETS` at a point, with so many people a study."""
    values = {one.key.split(".")[1]: one.outward(place) for one, place in zip(SCALED, x, strict=True)}
    change = values.pop("nonspecific_change_mean")
    with parameters.using({"trial.nonspecific_change_mean": f"{change!r} grade"}):
        found = drug.predict(values, people)
    return np.array([float(found[key]) for key in KEYS])


class Runs:
    """Rows of the file of runs, by the point they are of; what is missing is run and put at its end."""

    def __init__(self, path: Path = RUNS) -> None:
        self.path, self._known = path, {}
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                lines = list(csv.reader(file))
            assert lines[0] == self._head(), f"{path.name} is of other records or targets: delete it"
            self._known = {(int(line[0]), *line[1 : 1 + len(SCALED)]): line for line in lines[1:]}

    @staticmethod
    def _head() -> list[str]:
        return ["people", *(f"{one.scale} {one.key}" for one in SCALED), *KEYS]

    def at(self, points: Float[np.ndarray, "run parameter"], people: int) -> Float[np.ndarray, "run row"]:
        """Return the predictions at each point."""
        found = []
        for number, x in enumerate(points):
            words = [f"{place:.9g}" for place in x]
            line = self._known.get((people, *words))
            if line is None:
                predicted = predict(np.array([float(word) for word in words]), people)
                line = [str(people), *words, *(f"{one:.6g}" for one in predicted)]
                self._write(line)
                self._known[(people, *words)] = line
                print(f"run {number + 1} of {len(points)}", flush=True)
            found.append([float(word) for word in line[1 + len(SCALED) :]])
        return np.array(found)

    def _write(self, line: Sequence[str]) -> None:
        is_new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([self._head(), line] if is_new else [line])


def scout() -> Float[np.ndarray, "run parameter"]:
    """Return the frozen point, and a step along each axis from it."""
    return np.vstack([FROZEN, FROZEN + STEP * np.eye(len(SCALED))])


def linear_posterior(
    scouted: Float[np.ndarray, "run row"], sd: Float[np.ndarray, " row"]
) -> Float[np.ndarray, "parameter parameter"]:
    """Return the covariance that the linear model around the frozen point and the priors leave."""
    jacobian = (scouted[1:] - scouted[0]).T / STEP / sd[:, None]
    return np.linalg.inv(jacobian.T @ jacobian + np.diag(PRIOR**-2.0))


def design(
    runs: int, covariance: Float[np.ndarray, "parameter parameter"], seed: int
) -> Float[np.ndarray, "run parameter"]:
    """Return a scrambled Sobol sample of the Gaussian around the frozen point, widened and with its tails cut."""
    tail = norm.cdf(-REACH)
    sample = qmc.Sobol(len(SCALED), rng=np.random.default_rng(seed)).random(runs)
    z = WIDER * norm.ppf(tail + (1 - 2 * tail) * sample)
    return FROZEN + z @ np.linalg.cholesky(covariance).T
