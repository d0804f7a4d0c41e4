"""Draws of a fit against quadrature, where what explains a recording is a thin bent sheet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from jaxtyping import Float
from scipy.special import logsumexp

from eutonia import parameters
from eutonia.inference.noise import LEAST, MOST
from eutonia.inference.posterior import Posterior
from eutonia.inference.priors import NOISE, Prior, Priors
from eutonia.inference.sample import sample
from eutonia.limb.swing import Torques

pytestmark = pytest.mark.oracles
SAMPLES, STEP, SOFT = 120, 0.02, 2
# What the recording tells of each number, and by how much the last three must bend with the first two.
TOLD, BENDS = np.array([0.02, 0.02, 1.0, 2.0, 3.0]), 0.6


@dataclass(frozen=True)
class Bent:
    """A line in which two numbers are hardly told, and what is told well goes by their squares and product."""

    priors: Priors
    slopes: Float[np.ndarray, "sample number"]
    bend: Float[np.ndarray, "three three"]

    def bent(self, soft: Float[np.ndarray, "two candidate"]) -> Float[np.ndarray, "three candidate"]:
        return self.bend @ np.stack([soft[0] ** 2, soft[1] ** 2, soft[0] * soft[1]])

    def predict(self, z: Float[np.ndarray, "number candidate"]) -> Float[np.ndarray, "sample candidate"]:
        return self.slopes @ np.concatenate([z[:SOFT], z[SOFT : self.slopes.shape[1]] + self.bent(z[:SOFT])])

    def resistance(self, z: Float[np.ndarray, "number candidate"]) -> Torques:
        raise NotImplementedError

    def strays(self, z: Float[np.ndarray, "number one"], spread: float) -> tuple[Float[np.ndarray, "_ _"], ...]:
        return (np.empty((SAMPLES, 0)),)


def ridge(seed: int) -> Posterior:
    """Return the posterior of a recording that a thin bent sheet of candidates explains."""
    rng = np.random.default_rng(seed)
    each = [Prior(f"x{k}", "", "", "", 0.0, 1.0, is_log=False) for k in range(TOLD.size)]
    noise = [Prior("noise", "", "", "", 0.3, 0.3, is_log=True), Prior("error", "", "", "", 0.1, 0.5, is_log=True)]
    slopes = rng.normal(size=(SAMPLES, TOLD.size)) * TOLD
    model = Bent(Priors((*each, *noise)), slopes, BENDS * rng.normal(size=(3, 3)))
    recorded = model.predict(rng.normal(size=(TOLD.size, 1)))[:, 0] + 0.3 * rng.normal(size=SAMPLES)
    return Posterior.of(model, [(recorded, 1, STEP)])


def by_quadrature(posterior: Posterior, at: Float[np.ndarray, " node"]) -> Float[np.ndarray, "node node"]:
    """Return the mass of the two soft numbers on a grid: given them and the noise, all else is normal."""
    model, (spread, error) = posterior.model, posterior.model.priors.each[-NOISE:]
    assert isinstance(model, Bent)
    soft = np.stack(np.meshgrid(at, at, indexing="ij")).reshape(SOFT, -1)
    # Recording less prediction is linear in this.
    known = np.concatenate([np.ones((1, soft.shape[1])), -soft, -model.bent(soft)])
    columns = np.column_stack([posterior.recorded, model.slopes])
    log_mass = []
    for z_spread in np.linspace(LEAST, MOST, 13):
        for z_error in np.linspace(LEAST, MOST, 13):
            one, other = spread.middle * np.exp(spread.spread * z_spread), error.middle * np.exp(error.spread * z_error)
            covariance = _covariance(one, other) + model.slopes[:, SOFT:] @ model.slopes[:, SOFT:].T
            square = columns.T @ np.linalg.solve(covariance, columns)
            height = -0.5 * (np.einsum("is,ij,js->s", known, square, known) + z_spread**2 + z_error**2)
            log_mass.append(height - 0.5 * np.linalg.slogdet(covariance)[1] - 0.5 * (soft**2).sum(axis=0))
    mass = np.exp(logsumexp(log_mass, axis=0))
    return (mass / mass.sum()).reshape(at.size, at.size)


def _covariance(noise: float, error: float) -> Float[np.ndarray, "sample sample"]:
    at = np.arange(SAMPLES)
    waves = np.cos(np.pi * np.outer(at, at + 0.5) / SAMPLES)
    waves /= np.linalg.norm(waves, axis=1)[:, None]
    time = parameters.load("inference").value("model_error_time", "s")
    smooth = np.exp(-((np.pi * at / (SAMPLES * STEP) * time) ** 2))
    return np.asarray(waves.T @ np.diag(noise**2 + error**2 * smooth / smooth.mean()) @ waves)


def test_draws_fill_a_bent_ridge() -> None:
    # Who measures a step along the ridge by the errors gives up half of the places: 63 and 99 % lay within then.
    at = np.linspace(-4.5, 4.5, 91)
    ranks = []
    for seed in (1, 2, 3):
        posterior = ridge(seed)
        mass = by_quadrature(posterior, at)
        drawn = sample(posterior, np.random.default_rng(seed))
        assert drawn.solved > 0.9
        for axis in range(SOFT):
            cumulated = np.cumsum(mass.sum(axis=1 - axis))
            ranks.append(np.interp(drawn.z[axis], at + 0.5 * (at[1] - at[0]), cumulated))
    away = np.abs(np.array(ranks) - 0.5)
    for level, luck in ((0.5, 0.06), (0.95, 0.025)):
        assert np.mean(away < 0.5 * level) == pytest.approx(level, abs=luck)
