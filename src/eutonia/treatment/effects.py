"""Everything that a treatment can do to tone, muscle and strength at one moment, each effect by its name."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from eutonia.limb.muscle import charted_groups
from eutonia.patient import LIMBS

Limbs = Float[Array, "limb patient"]
Muscles = Float[Array, "muscle patient"]
Amounts = float | Float[Array | np.ndarray, " patient"]


class Effects(eqx.Module):
    """What treatments do at one moment. Those of several join: what is taken adds up, shares that are left multiply.

    `bias_taken` mV off the bias of a limb's motoneurons; `bias_kept` share of the lesion's bias that is left; `release`
    relative Ia release; `strength` share of voluntary strength and `tissue` share of contracture that are left; `gain`
    factor of the reflex gain and `blockade` share of the reflex torque that is blocked, of each charted muscle group.
    """

    bias_taken: Limbs
    bias_kept: Limbs
    release: Limbs
    strength: Limbs
    tissue: Limbs
    gain: Muscles
    blockade: Muscles

    @classmethod
    def none(cls, n_patients: int) -> Effects:
        """Return no effect at all."""
        limbs, muscles = jnp.zeros((len(LIMBS), n_patients)), jnp.zeros((len(charted_groups()), n_patients))
        whole = limbs + 1.0
        return cls(limbs, whole, whole, whole, whole, muscles + 1.0, muscles)

    @classmethod
    def on(cls, n_patients: int, limb: str, **named: Amounts) -> Effects:
        """Return effects on one limb and all its muscle groups: `Effects.on(n, "leg", bias_taken=0.2)`."""
        found = cls.none(n_patients)
        muscles = [k for k, (_, _, of) in enumerate(charted_groups()) if of == limb]
        changed = {}
        for name, amount in named.items():
            rows = muscles if name in ("gain", "blockade") else [LIMBS.index(limb)]
            changed[name] = getattr(found, name).at[jnp.asarray(rows)].set(jnp.asarray(amount))
        return eqx.tree_at(lambda e: [getattr(e, name) for name in changed], found, list(changed.values()))

    def joined(self, other: Effects) -> Effects:
        """Return the effects of both."""
        return Effects(
            self.bias_taken + other.bias_taken,
            self.bias_kept * other.bias_kept,
            self.release * other.release,
            self.strength * other.strength,
            self.tissue * other.tissue,
            self.gain * other.gain,
            1.0 - (1.0 - self.blockade) * (1.0 - other.blockade),
        )

    def of(self, share: Float[Array | np.ndarray, " patient"]) -> Effects:
        """Return the effects for those people whose share is 1, and none for those whose share is 0."""
        nothing, here = Effects.none(share.shape[-1]), jnp.asarray(share) > 0
        names = self.__dataclass_fields__
        return Effects(**{name: jnp.where(here, getattr(self, name), getattr(nothing, name)) for name in names})
