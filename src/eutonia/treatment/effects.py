"""Everything that a treatment can do to tone, muscle and strength at one moment, each effect by its name."""

from __future__ import annotations

from dataclasses import replace

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from eutonia._hours import HOURS_A_DAY
from eutonia.errors import SimulationError, unknown
from eutonia.limb.muscle import stretched_groups
from eutonia.patient import LIMBS

Limbs = Float[Array | np.ndarray, "limb patient"]
Muscles = Float[Array | np.ndarray, "muscle patient"]
Amounts = float | Float[Array | np.ndarray, " patient"]

# What is done to muscle groups; the rest is done to a limb.
_OF_MUSCLES = ("gain", "blockade", "spindles", "force", "opponent")


def names_of_muscles() -> tuple[str, ...]:
    """Return the names of the muscle groups on which something can be done, in the order of their axis."""
    return tuple(name for name, _, _ in stretched_groups())


class Effects(eqx.Module):
    """What treatments do at one moment. Those of several join: what is taken adds up, shares that are left multiply.

    `bias_taken` mV off the bias of a limb's motoneurons; `bias_kept` share of the lesion's bias that is left; `release`
    relative Ia release; `strength` share of voluntary strength and `tissue` share of contracture that are left;
    `regained` share of the strength lost to the lesion that is back; `end_range` hours a day at the end of range, to
    which tissue answers over months. Of each muscle group that can be stretched: `gain` factor of the reflex gain,
    `blockade` share of the reflex torque and of background tone that is blocked, `spindles` share of the spindles'
    answer to speed and `force` share of voluntary force that are left, `opponent` share of force left in what moves the
    joint the other way, where no muscle group here does.
    """

    bias_taken: Limbs
    bias_kept: Limbs
    release: Limbs
    strength: Limbs
    regained: Limbs
    tissue: Limbs
    end_range: Limbs
    gain: Muscles
    blockade: Muscles
    spindles: Muscles
    force: Muscles
    opponent: Muscles

    @classmethod
    def none(cls, n_patients: int) -> Effects:
        """Return no effect at all."""
        limbs, muscles = np.zeros((len(LIMBS), n_patients)), np.zeros((len(stretched_groups()), n_patients))
        whole, left = limbs + 1.0, muscles + 1.0
        return cls(limbs, whole, whole, whole, limbs, whole, limbs, left, muscles, left, left, left)

    @classmethod
    def on(cls, n_patients: int, where: str, **named: Amounts) -> Effects:
        """Return effects on one limb and all its muscle groups, or on one muscle group alone.

        `Effects.on(n, "leg", bias_taken=0.2)`, `Effects.on(n, "elbow flexors", blockade=0.5)`.

        Raises
        ------
        SimulationError
            No such place, or an effect on a limb that is asked of one muscle group.
        """
        found = cls.none(n_patients)
        muscles = [k for k, (name, _, of) in enumerate(stretched_groups()) if where in (name, of)]
        if not muscles:
            raise SimulationError(unknown("limb or muscle group", where, [*LIMBS, *names_of_muscles()]))
        changed = {}
        for name, amount in named.items():
            if name not in _OF_MUSCLES and where not in LIMBS:
                raise SimulationError(
                    f"{name} is an effect on a limb, asked of the {where}. Allowed there: {', '.join(_OF_MUSCLES)}. "
                    "Name the limb, or another effect."
                )
            rows = muscles if name in _OF_MUSCLES else [LIMBS.index(where)]
            changed[name] = getattr(found, name).copy()
            changed[name][rows] = np.asarray(amount)
        return replace(found, **changed)

    def joined(self, other: Effects) -> Effects:
        """Return the effects of both."""
        return Effects(
            self.bias_taken + other.bias_taken,
            self.bias_kept * other.bias_kept,
            self.release * other.release,
            self.strength * other.strength,
            1.0 - (1.0 - self.regained) * (1.0 - other.regained),
            self.tissue * other.tissue,
            np.minimum(self.end_range + other.end_range, HOURS_A_DAY),
            self.gain * other.gain,
            1.0 - (1.0 - self.blockade) * (1.0 - other.blockade),
            self.spindles * other.spindles,
            self.force * other.force,
            self.opponent * other.opponent,
        )

    def of(self, share: Float[Array | np.ndarray, " patient"]) -> Effects:
        """Return the effects for those people whose share is 1, and none for those whose share is 0."""
        nothing, here = Effects.none(share.shape[-1]), np.asarray(share) > 0
        names = self.__dataclass_fields__
        return Effects(**{name: np.where(here, getattr(self, name), getattr(nothing, name)) for name in names})
