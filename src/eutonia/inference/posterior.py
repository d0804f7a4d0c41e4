"""How well a candidate limb explains a recording, and what was believed of it before: log p = log p(r) - |z|^2/2."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from eutonia import parameters
from eutonia.inference.forward import Model
from eutonia.inference.noise import Noise, Trace
from eutonia.inference.priors import NOISE

Draws = Float[np.ndarray, "number candidate"]


@dataclass(frozen=True)
class Posterior:
    """A model, the recorded channel, trace after trace, and how its errors are spread."""

    model: Model
    recorded: Float[np.ndarray, " sample"]
    noise: Noise

    @classmethod
    def of(cls, model: Model, traces: list[tuple[Float[np.ndarray, " _"], int, float]]) -> Posterior:
        """Return the posterior of traces: values, how many recorded samples each is the mean of, and their step, s."""
        ends = np.cumsum([values.size for values, *_ in traces])
        each = tuple(
            Trace(slice(int(end) - values.size, int(end)), averaged, step, np.empty((values.size, 0)))
            for end, (values, averaged, step) in zip(ends, traces, strict=True)
        )
        spread, error = model.priors.each[-NOISE:]
        time = parameters.load("inference").value("model_error_time", "s")
        return cls(model, np.concatenate([values for values, *_ in traces]), Noise(spread, error, time, each))

    @property
    def numbers(self) -> int:
        """How many numbers are fitted, the noise included."""
        return len(self.model.priors.each)

    @property
    def shape(self) -> int:
        """How many numbers are fitted without the noise."""
        return self.numbers - NOISE

    def errors(self, z: Draws) -> Float[np.ndarray, "sample candidate"]:
        """Return what is left of the recording after each candidate."""
        return self.recorded[:, None] - self.model.predict(z)

    def log_marginal(self, z: Draws) -> Float[np.ndarray, " candidate"]:
        """Return the log density of candidates without their noise, which is integrated out, up to a constant."""
        return self.noise.log_marginal(self.errors(z)) - 0.5 * (z**2).sum(axis=0)

    def erring(self, place: Draws) -> Posterior:
        """Return the posterior with what is taken as known erring as it does round the place of one candidate."""
        spread = float(self.noise.numbers(place[-NOISE:])[0][0])
        return replace(self, noise=self.noise.erring(self.model.strays(place, spread)))

    def near(self, place: Draws) -> Posterior:
        """Return the posterior with the noises that count round the place of one candidate."""
        return replace(self, noise=self.noise.near(self.errors(place)))
