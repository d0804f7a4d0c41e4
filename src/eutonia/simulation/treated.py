"""People as an examination meets them under their treatments, and a treatment of any sort under way in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from eutonia._types import replaced
from eutonia.simulation.course import MuscleEffects, Snapshot
from eutonia.simulation.people import People
from eutonia.treatment import AbstractTherapy, Effects

Patients = Float[np.ndarray, " patient"]

# A signal that is taken off whole leaves this share of it, so that the tissue it has made is still known.
_LEAST_KEPT = 1e-9


def joined(therapies: Iterable[AbstractTherapy], time_h: float) -> Effects | None:
    """Return what all treatments together do at a time, h; None where none of them has begun."""
    each = [therapy.effects(time_h) for therapy in therapies if not therapy.is_idle]
    return reduce(Effects.joined, each) if each else None


def least_kept(shares: Float[np.ndarray, "limb patient"]) -> Float[np.ndarray, "limb patient"]:
    """Return shares of a signal that are left, none of them nothing."""
    return np.maximum(shares, _LEAST_KEPT)


def changed(people: People, effects: Effects) -> People:
    """Return people whose bias, strength and tissue are what treatments have left of them.

    Contracture goes by the lesion's own bias: what is taken off that reaches tissue over months (`effects.tissue`).
    """
    kept = least_kept(np.asarray(effects.bias_kept))
    contracture, bias, lesioned = map(np.asarray, (people.traits.contracture, people.bias, people.strength))
    traits = replaced(people.traits, contracture=jnp.asarray(contracture * effects.tissue / kept))
    strength = jnp.asarray((lesioned + (1.0 - lesioned) * effects.regained) * effects.strength)
    return replaced(people, bias=jnp.asarray(bias * kept), strength=strength, traits=traits)


def under(snapshot: Snapshot, effects: Effects) -> Snapshot:
    """Return what an examination sees of a drug, with what the other treatments take and block beside it."""
    taken = jnp.asarray(np.asarray(snapshot.hyperpolarisation) + effects.bias_taken)
    release = jnp.asarray(np.asarray(snapshot.release) * effects.release)
    shares = effects.gain, 1.0 - effects.blockade, effects.spindles, effects.force, effects.opponent
    is_whole = all(np.all(share == 1.0) for share in shares)
    muscles = None if is_whole else MuscleEffects(*map(jnp.asarray, shares))
    return replaced(snapshot, hyperpolarisation=taken, release=release, muscles=muscles)


@dataclass(eq=False)
class TreatmentCourse(AbstractTherapy):
    """A treatment of any sort under way: its state at the last change of what is given, from which it goes on.

    `advance` takes a state, hours, and whether it is given; `does` a state and whether it is given. Both are pure and
    of the treatment, so that nothing depends on who looked when. `lasts` whether it goes on until it is stopped; `kind`
    what it goes on from, if an earlier one is of it; `taken_over` in whom a later one has gone on from here.
    """

    state: Any
    advance: Callable[[Any, float, bool], Any]
    does: Callable[[Any, bool], Effects]
    who: Patients
    since_h: float = 0.0
    is_given: bool = False
    lasts: bool = True
    kind: object = None
    taken_over: Bool[np.ndarray, " patient"] | bool = False

    def switch(self, time_h: float, *, given: bool, who: Patients) -> None:
        """Begin, change or end it at a time, h, for `who` (above 0) is given it."""
        self.state = self.advance(self.state, time_h - self.since_h, self.is_given)
        self.since_h, self.is_given, self.who = time_h, given, who

    def go_on_from(self, earlier: TreatmentCourse) -> None:
        """Begin, in who is given both, with what an earlier one has come to; from now on that does nothing in them."""
        here = (self.who > 0) & (earlier.who > 0) & ~np.asarray(earlier.taken_over)
        then = earlier.advance(earlier.state, self.since_h - earlier.since_h, earlier.is_given)
        self.state = np.where(here, then, self.state)
        earlier.taken_over = here | earlier.taken_over

    def stop(self, time_h: float) -> None:
        """End it at a time, h, if it goes on until it is stopped; what it has done so far fades from there."""
        if self.lasts:
            self.switch(time_h, given=False, who=self.who)

    def effects(self, time_h: float) -> Effects:
        """Return what it does at a time, h, to those who are given it."""
        state = self.advance(self.state, time_h - self.since_h, self.is_given)
        return self.does(state, self.is_given).of(np.where(self.taken_over, 0.0, self.who))
