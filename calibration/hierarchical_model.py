"""The hierarchical model of the calibration, sampled by NUTS (NumPyro).

Equation
    x ~ N(prior)                                  22 records and the non-specific change, on their fitting scales
    tau_c ~ half-normal(class)                    SD between studies, for each class of measure
    y_i = f_i(x) + u_i b_{source(i), class(i)} + e_i,   b ~ N(0, tau_c^2),   e_i ~ N(0, sd_i^2 + error_i^2)
f is the surrogate and error_i what it misses; u_i is 1, or the value of a row whose class differs in shares of it. The
study effects b are integrated out: rows of one source and class are correlated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from hierarchical_design import FROZEN, MIDDLE, PRIOR
from hierarchical_rows import CLASSES, Row
from hierarchical_surrogate import Surrogate
from jaxtyping import Array, Float
from numpyro.infer import MCMC, NUTS, init_to_value

_UNUSED = 1e4  # an error so large that a row says nothing


@dataclass(frozen=True)
class Evidence:
    """Rows as arrays: values, errors (with the surrogate's), class, unit, and which share a study effect."""

    rows: tuple[Row, ...]
    surrogate: Surrogate
    value: np.ndarray
    sd: np.ndarray
    kind: np.ndarray
    together: np.ndarray

    @classmethod
    def of(cls, rows: Sequence[Row], surrogate: Surrogate) -> Evidence:
        """Return the evidence of rows."""
        kinds = list(CLASSES)
        kind = np.array([kinds.index(row.kind) for row in rows])
        same = np.array([[(a.source, a.kind) == (b.source, b.kind) for b in rows] for a in rows])
        unit = np.array([row.unit for row in rows])
        sd = np.hypot([row.sd for row in rows], np.asarray(surrogate.error))
        return cls(tuple(rows), surrogate, np.array([r.value for r in rows]), sd, kind, same * np.outer(unit, unit))

    def without(self, source: str) -> np.ndarray:
        """Return the errors of rows with one source left out."""
        return np.where([row.source == source for row in self.rows], _UNUSED * np.abs(self.value) + _UNUSED, self.sd)


@dataclass(frozen=True)
class Draws:
    """Draws of a posterior, chain by chain: places on the fitting scales, and SD between studies of each class."""

    x: Float[np.ndarray, "chain draw parameter"]
    tau: Float[np.ndarray, "chain draw kind"]
    divergent: int

    @property
    def flat(self) -> tuple[np.ndarray, np.ndarray]:
        """All chains one after the other."""
        return self.x.reshape(-1, self.x.shape[-1]), self.tau.reshape(-1, self.tau.shape[-1])


class Sampler:
    """NUTS on the model of an evidence, compiled once for all data, errors and priors."""

    def __init__(self, evidence: Evidence, warm: int, draws: int, chains: int = 1) -> None:
        self.evidence = evidence
        self._half = np.array([width for width, _ in CLASSES.values()])
        start = init_to_value(values={"tau": 0.5 * self._half, "z": np.zeros(len(FROZEN))})
        kernel = NUTS(self._model, dense_mass=True, target_accept_prob=0.85, max_tree_depth=7, init_strategy=start)
        lengths = {"num_warmup": warm, "num_samples": draws, "num_chains": chains}
        how = {"chain_method": "sequential", "progress_bar": False, "jit_model_args": True}
        self._mcmc = MCMC(kernel, **lengths, **how)

    def __call__(
        self,
        seed: int,
        value: np.ndarray | None = None,
        sd: np.ndarray | None = None,
        prior: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> Draws:
        """Return draws given values (the published ones), errors (those of the rows) and a prior (that of records)."""
        held = self.evidence
        middle, root = (MIDDLE, np.diag(PRIOR)) if prior is None else prior
        given = [held.value if value is None else value, held.sd if sd is None else sd, middle, root]
        self._mcmc.run(jax.random.key(seed), *map(jnp.asarray, given), extra_fields=("diverging",))
        found = {name: np.asarray(one) for name, one in self._mcmc.get_samples(group_by_chain=True).items()}
        divergent = int(np.asarray(self._mcmc.get_extra_fields()["diverging"]).sum())
        near = self.evidence.surrogate
        return Draws(np.asarray(near.centre) + found["z"] @ np.asarray(near.root).T, found["tau"], divergent)

    def _model(self, value: Array, sd: Array, middle: Array, root: Array) -> None:
        held = self.evidence
        # In the coordinates of the surrogate, in which the posterior is near to round; the prior is put on as a factor.
        z = numpyro.sample("z", dist.ImproperUniform(dist.constraints.real_vector, (), (len(FROZEN),)))
        x = held.surrogate.centre + held.surrogate.root @ z
        away = jax.scipy.linalg.solve_triangular(root, x - middle, lower=True)
        numpyro.factor("prior", -0.5 * away @ away)
        tau = numpyro.sample("tau", dist.HalfNormal(jnp.asarray(self._half)).to_event(1))
        covariance = covariance_of(tau, sd, held)
        numpyro.sample("y", dist.MultivariateNormal(held.surrogate(x), covariance), obs=value)


def covariance_of(tau: Array, sd: Array, held: Evidence) -> Array:
    """Return the covariance of rows around the surrogate: own errors, and study effects shared."""
    return jnp.asarray(held.together) * jnp.square(tau)[held.kind][:, None] + jnp.diag(jnp.square(sd))
