"""Trough and peak of the drug within the dosing interval of tablets that follows a look.

A sample of the blood at a visit lies at any phase of the interval: only its lowest and highest value can be compared
between doses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from eutonia.drug.kinetics import KineticState
from eutonia.simulation.course import FINE_H
from eutonia.simulation.people import People

if TYPE_CHECKING:
    from eutonia.trial.period import PeriodClock

Patients = Float[np.ndarray, " patient"]

_Carried = tuple[KineticState, dict[str, Array], dict[str, Array]]

#: What follows tablets up and down.
SWINGING = ("plasma", "csf_leg", "csf_arm", "csf_brain")


@dataclass(frozen=True)
class _Plan:
    """Tablets of one schedule from a look on, in quarter hours: the first, the distance, the end; mg of each person."""

    first: int
    every: int
    stop: float
    dose_mg: Patients


@dataclass(frozen=True)
class Ahead:
    """What everybody is to be given after a look: what flows (ug/h) and tablets, of which the longest interval lasts
    `length` quarter hours. A tablet counts from the nearest of them.
    """

    rate: Patients
    plans: tuple[_Plan, ...]

    @classmethod
    def of(cls, clock: PeriodClock) -> Ahead:
        """Return what is to be given after now, if nobody changes it."""

        def quarters(hours: float) -> float:
            return (hours - clock.now_h) / FINE_H

        taken = [plan for plan in clock.tablets if plan.stop_h > clock.now_h]
        plans = (
            _Plan(round(quarters(p.next_h)), max(round(p.every_h / FINE_H), 1), quarters(p.stop_h), p.dose_mg)
            for p in taken
        )
        return cls(clock.rate, tuple(plans))

    @property
    def length(self) -> int:
        """How many quarter hours the longest interval has; 0 where nothing is taken."""
        return max((plan.every for plan in self.plans), default=0)


class TabletsAhead(eqx.Module):
    """Tablets of everybody at many looks: those of `Ahead`, with the looks one after the other on the patient axis."""

    first: Int[Array | np.ndarray, "plan patient"]
    every: Int[Array | np.ndarray, "plan patient"]
    stop: Float[Array | np.ndarray, "plan patient"]
    dose_mg: Float[Array | np.ndarray, "plan patient"]
    length: Int[Array | np.ndarray, " patient"]

    @classmethod
    def joined(cls, looks: Sequence[Ahead], n_people: int) -> TabletsAhead:
        """Return the tablets of the first people at each look; who takes fewer than others takes none of the rest."""
        most = max(1, *(len(look.plans) for look in looks))
        none = _Plan(0, 1, 0.0, np.zeros(n_people))
        rows = [[*look.plans, *[none] * (most - len(look.plans))] for look in looks]

        def of(name: str, kind: type) -> np.ndarray:
            numbers = [[getattr(row[k], name) for row in rows] for k in range(most)]
            return np.repeat(np.array(numbers, kind), n_people, axis=1)

        doses = [np.concatenate([row[k].dose_mg[:n_people] for row in rows]) for k in range(most)]
        length = np.repeat([look.length for look in looks], n_people)
        return cls(of("first", int), of("every", int), of("stop", float), np.array(doses), length)

    def at(self, k: int | Int[Array, ""]) -> Float[Array, " patient"]:
        """Return what everybody takes `k` quarter hours after their look, mg."""
        is_due = (k >= self.first) & ((k - self.first) % self.every == 0) & (k < self.stop)
        return jnp.where(is_due, self.dose_mg, 0.0).sum(axis=0)


@jax.jit
def ends(people: People, drug: KineticState, rate: Float[Array, " patient"], tablets: TabletsAhead) -> dict[str, Array]:
    """Return the lowest and the highest level of each of `SWINGING` within the interval, ng/mL, by name and end."""
    step = people.kinetics.step_plan(FINE_H)

    def seen(now: KineticState) -> dict[str, Array]:
        exposure = people.kinetics.exposure(now)
        levels = exposure.levels(people.receptor.blood_potency)
        return {name: exposure.plasma if name == "plasma" else getattr(levels, name) for name in SWINGING}

    def one(k: int | Int[Array, ""], carry: _Carried) -> _Carried:
        now, low, high = carry
        now = people.kinetics.advance(people.kinetics.tablet(now, tablets.at(k)), step, rate)
        found, inside = seen(now), k + 1 < tablets.length
        low = {name: jnp.where(inside, jnp.minimum(low[name], found[name]), low[name]) for name in SWINGING}
        high = {name: jnp.where(inside, jnp.maximum(high[name], found[name]), high[name]) for name in SWINGING}
        return now, low, high

    begin = seen(drug)
    _, low, high = lax.fori_loop(0, jnp.max(tablets.length), one, (drug, begin, begin))
    return {f"{name}_{end}": values[name] for end, values in (("trough", low), ("peak", high)) for name in SWINGING}
