"""Virtual people as the simulation needs them: what each of them is made of, patients on the last axis."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from eutonia import _streams, parameters
from eutonia.drug.effect.gaba_b import Receptor
from eutonia.drug.kinetics import Kinetics
from eutonia.limb.muscle import LIMBS, muscle_groups

Limbs = Float[Array, "limb patient"]


class Traits(eqx.Module):
    """What a person brings besides lesion and drug handling; constant in time.

    `muscle_deviation` standard deviates of the muscle groups' bias; `contracture` factor (1 = median of the severe
    column); `volley` deviation of the monosynaptic drive in units of pool spread; `tap` the same for the tendon tap
    in probits; `spasm` decades of spasm rate.
    """

    muscle_deviation: Float[Array, "muscle patient"]
    contracture: Limbs
    volley: Limbs
    tap: Limbs
    spasm: Limbs

    @classmethod
    def draw(cls, seed: int, person: Int[Array, " patient"], origin: str) -> Traits:
        """Draw the traits of each person; `origin` is "stroke", "spinal" or "healthy"."""
        tone = parameters.load("tone")
        median = tone.value("contracture_spinal" if origin == "spinal" else "contracture_stroke")

        def luck(purpose: _streams.Purpose, size: int) -> Array:
            return _streams.normal(_streams.keys(seed, purpose, person), size)

        n_limbs, purpose = len(LIMBS), _streams.Purpose
        reflexes = luck(purpose.REFLEX, 2 * n_limbs)
        return cls(
            muscle_deviation=luck(purpose.MUSCLE, len(muscle_groups())),
            contracture=median * jnp.exp(tone.value("contracture_log_spread") * luck(purpose.PASSIVE, n_limbs)),
            volley=parameters.load("receptor").value("volley_drive_spread") * reflexes[:n_limbs],
            tap=parameters.load("reflex").value("person_spread") * reflexes[n_limbs:],
            spasm=parameters.load("spasm").value("person_spread") * luck(purpose.SPASM, n_limbs),
        )


class People(eqx.Module):
    """A block of virtual people: `person` (identity on the streams), drug handling, receptors, traits, lesion's bias.

    `bias` is the untreated descending bias in mV and `strength` voluntary strength (0..1), both at the time of
    examination; `time_since_onset_h` is that time. Use `at` to move them along the time since the stroke.
    """

    person: Int[Array, " patient"]
    weight_kg: Float[Array, " patient"]
    kinetics: Kinetics
    receptor: Receptor
    traits: Traits
    bias: Limbs
    strength: Limbs
    time_since_onset_h: Float[Array, " patient"]

    @property
    def n(self) -> int:
        """Number of people in the block."""
        return self.person.shape[0]

    def take(self, index: Int[Array, " patient"] | slice) -> People:
        """Return the people at `index`."""
        return jax.tree.map(lambda leaf: leaf[..., index], self)
