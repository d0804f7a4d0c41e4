"""A linear kinetic system of a block of people, advanced exactly over any step and solved for its steady state."""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia.drug.kinetics.cascade import Gains, Propagator, Value, propagator
from eutonia.drug.kinetics.compartments import Sheared, shear

Patients = Float[Array, " patient"]
Column = Float[Array | np.ndarray, " patient"]  # of a model's values: of people, or of records
Stages = Float[Array, "stage patient"]  # the chain of absorption, the compartments, what is eliminated
Inputs = Float[Array, "input patient"]  # into the first stage of absorption (if any) and into each compartment
Amounts = Float[Array, "place patient"]  # what is told: the chain of absorption as one, or segments
SOURCE = 0  # stage of the cascade: a constant 1, whose gains are the infusions


class Passage(eqx.Module):
    """What some hours do to a state: the compartments as a cascade, and the transition of that."""

    sheared: Sheared
    step: Propagator


class System(eqx.Module):
    """Rates of a linear model in a block of people; patients are the last axis.

    Equation
        G_0' = -a_0 G_0 + u_0;  G_i' = -a_i G_i + a_(i-1) G_(i-1)                     (absorption)
        A_1' = a_m G_m - (k_10 + k_12 + k_13) A_1 + k_21 A_2 + k_31 A_3 + u_1;  A_j' = k_1j A_1 - k_j1 A_j + u_j
        E' = k_10 A_1                                                               (what has been eliminated)

    Attributes
    ----------
    absorption
        Rates of the depot or of the chain before the central compartment, 1/h; () where drug is only injected.
    elimination, outward, back
        k_10; k_12, k_13; k_21, k_31, 1/h.

    Assumptions
        Linear, and constant within a step.
    """

    absorption: tuple[Patients, ...]
    elimination: Patients
    outward: tuple[Patients, ...]
    back: tuple[Patients, ...]

    @property
    def n_gut(self) -> int:
        """Number of stages of absorption."""
        return len(self.absorption)

    @property
    def n_compartments(self) -> int:
        """Number of compartments of disposition."""
        return 1 + len(self.outward)

    @property
    def n_stages(self) -> int:
        """Number of amounts that a state holds: absorption, compartments, eliminated."""
        return self.n_gut + self.n_compartments + 1

    @property
    def n_inputs(self) -> int:
        """Number of places that drug can enter."""
        return min(self.n_gut, 1) + self.n_compartments

    @property
    def fastest(self) -> Float[Array, ""]:
        """Largest sum of rates out of one place, 1/h, of anybody."""
        out = self.elimination + sum(self.outward)
        return jnp.max(jnp.stack([out, *self.absorption, *self.back]))

    def into_stages(self, inputs: Inputs) -> Stages:
        """Return inputs (amounts, or amounts an hour) as they add to the stages of a state."""
        none = jnp.zeros_like(inputs[:1])
        gut = [inputs[:1], *[none] * (self.n_gut - 1)] if self.n_gut else []
        return jnp.concatenate([*gut, inputs[min(self.n_gut, 1) :], none])

    def passage(self, dt_h: Patients, infused: Inputs, halved: int) -> Passage:
        """Return what `dt_h` hours do under infusions constant over them (amounts an hour).

        `halved` is how often the step is halved in the exponential: see `cascade.halvings`.
        """
        sheared = self._shear()
        return Passage(sheared, self._propagator(sheared, dt_h, infused, halved))

    def advance(self, state: Stages, dt_h: Patients, infused: Inputs, halved: int) -> Stages:
        """Return the state `dt_h` later: see `passage`."""
        return self.passed(state, self.passage(dt_h, infused, halved))

    def passed(self, state: Stages, passage: Passage) -> Stages:
        """Return the state after a passage."""
        held = dict(enumerate(self._to_cascade(passage.sheared, state), start=1))
        moved = [passage.step.into(stage, {SOURCE: jnp.ones_like(state[0]), **held}) for stage in held]
        return self._from_cascade(passage.sheared, moved)

    def constant(self, infused: Inputs) -> Stages:
        """Return the state that constant infusions end in; the eliminated amount counts from 0."""
        sheared = self._shear()
        rates, gains = self._cascade(sheared, infused)
        entering = [gains.get((i, SOURCE)) for i in range(1, len(rates) - 1)]
        return self._from_cascade(sheared, _settle(rates[1:-1], entering, gains))

    def periodic(self, gained: Stages, interval_h: Patients, halved: int) -> Stages:
        """Return the state that repeats every `interval_h`, if what is given in one interval has become `gained` by
        its end; the eliminated amount counts from 0.
        """
        sheared = self._shear()
        step = self._propagator(
            sheared, interval_h, jnp.zeros((self.n_inputs, *interval_h.shape), interval_h.dtype), halved
        )
        rates, _ = self._cascade(sheared, None)
        kept = {(i, j): entry for (i, j), entry in step.entries.items() if i != j}
        lost = [-jnp.expm1(-rate * interval_h) for rate in rates[1:-1]]
        found = self._to_cascade(sheared, gained)[:-1]
        return self._from_cascade(sheared, _settle(lost, found, kept))

    def amounts(self, state: Stages) -> Amounts:
        """Return the amounts of a state with the stages of absorption as one."""
        gut = self.n_gut
        return jnp.concatenate([state[:gut].sum(axis=0, keepdims=True), state[gut:]]) if gut else state

    def _shear(self) -> Sheared:
        return shear(self.elimination, self.outward, self.back)

    def _to_cascade(self, sheared: Sheared, state: Stages) -> list[Value]:
        parts = list(state)
        return [*parts[: self.n_gut], *sheared.stages(parts[self.n_gut : -1]), parts[-1]]

    def _from_cascade(self, sheared: Sheared, stages: list[Value]) -> Stages:
        return jnp.stack([*stages[: self.n_gut], *sheared.amounts(stages[self.n_gut : -1]), stages[-1]])

    def _propagator(self, sheared: Sheared, dt_h: Patients, infused: Inputs, halved: int) -> Propagator:
        rates, gains = self._cascade(sheared, infused)
        return propagator(rates, gains, dt_h, halved)

    def _cascade(self, sheared: Sheared, infused: Inputs | None) -> tuple[list[Value], dict[tuple[int, int], Value]]:
        """Return rates and gains of the cascade source -> absorption -> compartments -> eliminated."""
        zero = jnp.zeros_like(self.elimination)
        rates = [zero, *self.absorption, *sheared.rates, zero]
        central, last = 1 + self.n_gut, len(rates) - 1
        gains: dict[tuple[int, int], Value] = {(i + 2, i + 1): rate for i, rate in enumerate(self.absorption[:-1])}
        if self.absorption:
            absorbed = [self.absorption[-1], *[zero] * len(self.outward)]
            gains |= {(central + i, self.n_gut): gain for i, gain in enumerate(sheared.stages(absorbed))}
        gains |= {(central + i, central + j): gain for (i, j), gain in sheared.gains.items()}
        gains |= {(last, central + i): self.elimination * share for i, share in enumerate(sheared.central)}
        if infused is not None:
            entering = self._to_cascade(sheared, self.into_stages(infused))
            reached = [i for i in range(1, last) if i == 1 or i >= central]
            gains |= {(i, SOURCE): entering[i - 1] for i in reached}
        return rates, gains


def _settle(lost: Sequence[Value], entering: Sequence[Value | None], kept: Gains) -> list[Value]:
    """Solve lost_i x_i = entering_i + sum over j < i of kept_ij x_j, stage by stage; append nothing eliminated."""
    found: list[Value] = []
    for i, (rate, gain) in enumerate(zip(lost, entering, strict=True), start=1):
        total = sum((kept[i, j] * x for j, x in enumerate(found, start=1) if (i, j) in kept), start=0.0)
        found.append((total if gain is None else gain + total) / rate)
    return [*found, jnp.zeros_like(found[0])]
