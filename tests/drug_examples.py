"""What a test dose does in the typical person; a step of anybody in one program."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp

from eutonia._compiled import compiled
from eutonia.drug.effect import gaba_b
from eutonia.drug.kinetics import Kinetics, KineticState

advanced = compiled(Kinetics.advance)


def adapt(
    state: gaba_b.Adaptation, before: jax.Array, after: jax.Array, receptor: gaba_b.Receptor, dt: jax.Array | float
) -> gaba_b.Adaptation:
    """Advance adaptation by `dt` h while the concentration goes from `before` to `after` (ng/mL)."""
    start = gaba_b.occupied(before, state, receptor)
    return gaba_b.adapt_from(state, start, after, receptor, gaba_b.Kept.over(dt, receptor))


_adapted = compiled(adapt)


@functools.cache
def effect_on_tone(hours: float = 4.0, ug: float = 50.0) -> float:
    """Return the effect where tone of the leg is made some hours after a puncture: at four, near its peak."""
    kinetics = Kinetics.typical()
    receptor = jax.tree.map(lambda x: jnp.reshape(x, (1,)), gaba_b.Receptor.typical())

    def read(state: KineticState) -> jax.Array:
        return gaba_b.at_sites(kinetics.exposure(state).levels(receptor.blood_potency), receptor)

    state, adapted, plan = (
        kinetics.bolus(kinetics.initial_state(), ug),
        gaba_b.Adaptation.naive(1),
        kinetics.step_plan(0.25),
    )
    for _ in range(round(hours / 0.25)):
        later = advanced(kinetics, state, plan)
        adapted = _adapted(adapted, read(state), read(later), receptor, 0.25)
        state = later
    return float(gaba_b.effect(read(state), adapted, receptor)[0, 0])
