"""Virtual people as the simulation needs them: what each of them is made of, patients on the last axis."""

from __future__ import annotations

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from eutonia import _streams, parameters
from eutonia._types import Scalar
from eutonia.drug.effect.gaba_b import Receptor
from eutonia.drug.kinetics import Kinetics
from eutonia.limb.muscle import stretched_groups
from eutonia.patient import LIMBS, is_cord
from eutonia.simulation.muscle_luck import muscle_draws

Limbs = Float[Array, "limb patient"]
Deviates = Float[Array, "draw patient"]


class Traits(eqx.Module):
    """What a person brings besides lesion and drug handling; constant in time.

    `muscle_deviation` standard deviates of the bias of all muscle groups, the charted ones first; `contracture`
    factor (1 = median of the severe column); `volley` deviation of the monosynaptic drive in units of pool spread;
    `tap` the same for the tendon tap in probits; `spasm` decades of spasm rate; `central_pain` share of the worst pain
    that comes from the brain and that nothing here touches (None for nobody).
    """

    muscle_deviation: Float[Array, "any_muscle patient"]
    contracture: Limbs
    volley: Limbs
    tap: Limbs
    spasm: Limbs
    central_pain: Float[Array, " patient"] | None = None

    @classmethod
    def draw(cls, seed: int, person: Int[Array, " patient"], origin: str) -> Traits:
        """Draw the traits of each person; `origin` is where the spasticity comes from."""
        tone = parameters.load("tone")
        median = tone.value("contracture_spinal" if is_cord(origin) else "contracture_stroke", "1")

        def luck(purpose: _streams.Purpose, size: int) -> Array:
            return _streams.normal(_streams.keys(seed, purpose, person), size)

        purpose = _streams.Purpose
        found = _traits(
            muscle_draws(stretched_groups(), seed, purpose.MUSCLE, person),
            *(luck(of, _streams.DRAWS) for of in (purpose.PASSIVE, purpose.REFLEX, purpose.SPASM)),
            contracture=(median, tone.value("contracture_log_spread", "1")),
            volley=parameters.load("receptor").value("volley_drive_spread", "1"),
            tap=parameters.load("reflex").value("person_spread", "1"),
            spasm=parameters.load("spasm").value("person_spread", "1"),
        )
        share, size = parameters.load("pain").values(central_share="1", central_size="1")
        drawn = np.asarray(_streams.uniform(_streams.keys(seed, purpose.PAIN, person), 1))[0]
        has = drawn < (0.0 if is_cord(origin) else share)
        return replace(found, central_pain=jnp.asarray(np.where(has, size, 0.0)))


@jax.jit
def _traits(
    of_muscles: Float[Array, "any_muscle patient"],
    of_tissue: Deviates,
    of_reflexes: Deviates,
    of_spasms: Deviates,
    contracture: tuple[Scalar, Scalar],
    volley: Scalar,
    tap: Scalar,
    spasm: Scalar,
) -> Traits:
    """Turn standard deviates into traits; `contracture` is median and SD of the logarithm, the others are SDs."""
    n_limbs, (median, log_sd) = len(LIMBS), contracture
    return Traits(
        muscle_deviation=of_muscles,
        contracture=median * jnp.exp(log_sd * of_tissue[:n_limbs]),
        volley=volley * of_reflexes[:n_limbs],
        tap=tap * of_reflexes[n_limbs : 2 * n_limbs],
        spasm=spasm * of_spasms[:n_limbs],
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

    def take(self, index: Int[Array | np.ndarray, " patient"] | slice) -> People:
        """Return the people at `index`."""
        return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)[..., index]), self)
