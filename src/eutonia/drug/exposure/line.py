"""The spinal fluid as a line of segments, in modes that never mix, and the blood that it empties into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import NDArray

from eutonia.drug.exposure.structure import ELIMINATED, Structure
from eutonia.drug.exposure.system import Amounts, Column, Inputs, Passage, Patients, Stages, System
from eutonia.drug.kinetics.geometry import LEVELS, CordSegment, SpinalGeometry
from eutonia.drug.kinetics.intrathecal import puncture_shares

_ML_PER_L = 1000.0
PUNCTURE = "PUNCTURE"
ENTERED = tuple(CordSegment)[: CordSegment.CRANIAL]  # nobody injects over the brain

Patterns = Float[Array, "pattern patient"]  # amplitudes of all modes but the first, as amounts
Drained = Float[Array, "drained patient"]  # inputs of the blood: into the fluid as a whole, into each compartment


class LinePassage(eqx.Module):
    """What some hours do: the share of each mode that is kept, what infusions add to it (less), and the blood."""

    kept: Patterns
    lost: Patterns
    blood: Passage


class Line(eqx.Module):
    """Rates of the spinal fluid and the blood in a block of people; patients are the last axis.

    Equation
        x_j' = u_j - k x_j + D sum over neighbours l of K_jl (x_l / V_l - x_j / V_j)            (segments)
        a_i = sum over j of B_ji x_j;  a_i' = -(k + D lambda_i) a_i + sum over j of B_ji u_j    (modes)
        a_0 is all drug in the fluid; to the blood the fluid is a depot that empties at k: see `System`.

    A state holds a_1, a_2, ... and then the state of the blood, whose first stage is a_0. The modes depend on the
    anatomy alone, so rates may change under a state.

    Attributes
    ----------
    blood
        Blood, absorbing from one depot: the fluid as a whole.
    dispersion
        D, cm2/h.
    spread, conus_share
        Share of a lumbar puncture that leaves the sac at once, and the part of it that reaches the conus.

    Assumptions
        Those of `kinetics.Intrathecal`; nothing returns from the blood to the fluid, and no tissue holds drug.
    Source
        Eutonia_2026 (fitted).
    Not for
        Amounts below rounding of what the whole fluid holds: far from the dose, right after it.
    """

    blood: System
    dispersion: Patients
    spread: Patients
    conus_share: Patients
    geometry: SpinalGeometry = eqx.field(static=True)

    @property
    def n_patterns(self) -> int:
        """Number of modes but the first."""
        return len(self.geometry.volume) - 1

    @property
    def n_stages(self) -> int:
        """Number of amounts that a state holds."""
        return self.n_patterns + self.blood.n_stages

    @property
    def n_inputs(self) -> int:
        """Number of places that drug can enter: segments but the last, blood, lumbar puncture, tissue of the blood."""
        return len(self.geometry.volume) - 1 + self.blood.n_compartments + 1

    @property
    def fastest(self) -> Float[Array, ""]:
        """Largest rate that a cascade has, 1/h; modes are exact at any rate."""
        return self.blood.fastest

    def into_stages(self, inputs: Inputs) -> Stages:
        """Return inputs (amounts, or amounts an hour) as they add to the stages of a state."""
        patterns, drained = self._entering(inputs)
        return jnp.concatenate([patterns, self.blood.into_stages(drained)])

    def passage(self, dt_h: Patients, infused: Inputs, halved: int) -> LinePassage:
        """Return what `dt_h` hours do under infusions constant over them: see `System.passage`."""
        patterns, drained = self._entering(infused)
        rates = self._rates()
        return LinePassage(
            kept=jnp.exp(-rates * dt_h),
            lost=patterns * jnp.expm1(-rates * dt_h) / rates,
            blood=self.blood.passage(dt_h, drained, halved),
        )

    def advance(self, state: Stages, dt_h: Patients, infused: Inputs, halved: int) -> Stages:
        """Return the state `dt_h` later: see `passage`."""
        return self.passed(state, self.passage(dt_h, infused, halved))

    def passed(self, state: Stages, passage: LinePassage) -> Stages:
        """Return the state after a passage."""
        m = self.n_patterns
        moved = state[:m] * passage.kept - passage.lost
        return jnp.concatenate([moved, self.blood.passed(state[m:], passage.blood)])

    def constant(self, infused: Inputs) -> Stages:
        """Return the state that constant infusions end in; the eliminated amount counts from 0."""
        patterns, drained = self._entering(infused)
        return jnp.concatenate([patterns / self._rates(), self.blood.constant(drained)])

    def periodic(self, gained: Stages, interval_h: Patients, halved: int) -> Stages:
        """Return the state that repeats every `interval_h`: see `System.periodic`."""
        m = self.n_patterns
        patterns = gained[:m] / -jnp.expm1(-self._rates() * interval_h)
        return jnp.concatenate([patterns, self.blood.periodic(gained[m:], interval_h, halved)])

    def amounts(self, state: Stages) -> Amounts:
        """Return the amount in each segment and compartment, and what is eliminated; rounding below zero is cut off."""
        m, volume = self.n_patterns, np.asarray(self.geometry.volume)
        shape = self.geometry.modes().shape * volume[:, None] / volume.sum()
        return jnp.concatenate([jnp.maximum(_weighed(shape, [state[m], *state[:m]]), 0.0), state[m + 1 :]])

    def _rates(self) -> Patterns:
        (clearance,) = self.blood.absorption
        return jnp.stack([clearance + float(one) * self.dispersion for one in self.geometry.modes().exchange[1:]])

    def _entering(self, inputs: Inputs) -> tuple[Patterns, Drained]:
        """Return inputs by mode but the first, and as the blood has them."""
        n = len(self.geometry.volume) - 1
        puncture = inputs[n + 1]
        segments = [*inputs[:n], jnp.zeros_like(puncture)]
        for segment, share in puncture_shares(self.spread, self.conus_share).items():
            segments[segment] = segments[segment] + share * puncture
        whole = inputs[:n].sum(axis=0) + puncture
        patterns = _weighed(self.geometry.modes().into.T[1:], segments)
        return patterns, jnp.concatenate([whole[None], inputs[n : n + 1], inputs[n + 2 :]])


def _weighed(weights: NDArray[np.float64], parts: list[Patients]) -> Float[Array, "sum patient"]:
    """Return sums of products row by row: no library decides their order, so nobody depends on who else is there."""
    return jnp.stack([sum(float(w) * part for w, part in zip(row, parts, strict=True)) for row in weights])


@dataclass(frozen=True, slots=True)
class LineStructure:
    """The segments of the trials and the blood that they empty into, apart from the values of the parameters.

    Attributes
    ----------
    blood
        The blood, absorbing from a depot.
    """

    blood: Structure
    geometry: SpinalGeometry

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the ways in as CMT counts them; tissue comes last, so that numbers stay whatever the blood has."""
        _, central, *tissue = self.blood.inputs
        return (*(one.name for one in ENTERED), central, PUNCTURE, *tissue)

    @property
    def ways_in(self) -> tuple[str, ...]:
        """What each CMT is, in words."""
        tops, below = self.geometry.top_vertebra, len(LEVELS)
        words = []
        for one, top in zip(ENTERED, tops, strict=False):
            where = f"{LEVELS[int(top) - 1]}-{LEVELS[below - 1]}" if top else "above C1"
            words.append(f"{one.name} ({where})")
            below = int(top) - 1
        _, central, *tissue = (f"{one} (blood)" for one in self.blood.inputs)
        return (*words, central, f"{PUNCTURE} (lumbar, into the sac)", *tissue)

    @property
    def default_input(self) -> int | None:
        """Return None: where drug enters must be said."""
        return None

    @property
    def places(self) -> tuple[str, ...]:
        """Names of the amounts that are told."""
        return (*(one.name for one in CordSegment), *self.blood.inputs[1:], ELIMINATED)

    def volumes(self, values: Mapping[str, Column]) -> dict[str, tuple[int, Column]]:
        """Return, by what a concentration is called, the place it is of and the volume of that, L."""
        total = self.geometry.spinal_volume
        spaces = {
            one.name: (int(one), values["VCSF"] * (volume / total / _ML_PER_L))
            for one, volume in zip(CordSegment, self.geometry.volume, strict=True)
        }
        return {**spaces, "PLASMA": (len(CordSegment), self.blood.volume(values))}

    def system(self, values: Mapping[str, Patients]) -> Line:
        """Return the rates that values of parameters and covariates make."""
        return Line(
            blood=self.blood.system({**values, "KA": values["KCSF"]}),
            dispersion=values["DISP"],
            spread=values["LPOUT"],
            conus_share=values["LPNEAR"],
            geometry=self.geometry,
        )
