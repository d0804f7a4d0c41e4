"""Following a course of constant pieces, each of its own length: a pump's program, faults and all, without a grid."""

from __future__ import annotations

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from eutonia._compiled import compiled
from eutonia.drug.kinetics.model import Kinetics, StepPlan
from eutonia.drug.kinetics.state import KineticState, Patients

# Lengths of piece whose transitions are computed together, and pieces walked together: numerical widths, which bound
# memory and the number of programs to compile and change no result.
_LENGTHS, _PIECES = 32, 512
# Lengths that agree to so many decimals of an hour differ by the rounding of their ends.
_SAME_LENGTH = 11

Look = Callable[[Kinetics, KineticState, Patients], Float[Array, "..."]]


def follow(
    kinetics: Kinetics,
    state: KineticState,
    hours: Float[np.ndarray, " piece"],
    ug_per_h: Float[np.ndarray, " piece"],
    look: Look,
) -> tuple[KineticState, Float[np.ndarray, "piece ..."]]:
    """Follow constant infusions of any lengths; return the last state and what `look` saw at the end of each piece.

    The transition of each length is computed once, so a course of equal pieces costs little more than one of them.

    Parameters
    ----------
    kinetics, state
        People and where their drug is at the start.
    hours, ug_per_h
        Length of each piece and the rate that leaves the catheter during it, the same for all people.
    look
        A function of kinetics, state and rate (ug/h of each person), at the end of a piece.
    """
    lengths, which = np.unique(np.round(hours, _SAME_LENGTH), return_inverse=True)
    groups_wide = 2 ** math.ceil(math.log2(lengths.size // _LENGTHS + 1)) * _LENGTHS
    lengths = np.concatenate([lengths, np.zeros(groups_wide - lengths.size)])
    groups = [_plans(kinetics, jnp.asarray(group)) for group in lengths.reshape(-1, _LENGTHS)]
    plans = jax.tree.map(lambda *parts: jnp.concatenate(parts), *groups)
    seen = []
    for start in range(0, hours.size, _PIECES):
        rate, plan = ug_per_h[start : start + _PIECES], which[start : start + _PIECES]
        rest = _PIECES - rate.size
        # The padding stands still: the last length is zero hours.
        index = jnp.asarray(np.concatenate([plan, np.full(rest, lengths.size - 1)]))
        state, looks = _walk(kinetics, plans, state, index, jnp.asarray(np.concatenate([rate, np.zeros(rest)])), look)
        seen.append(np.asarray(looks)[: rate.size])
    return state, np.concatenate(seen) if seen else np.zeros(0)


@compiled
def _plans(kinetics: Kinetics, hours: Float[Array, " length"]) -> StepPlan:
    return jax.vmap(kinetics.step_plan)(hours)


@compiled
def _walk(
    kinetics: Kinetics,
    plans: StepPlan,
    state: KineticState,
    which: Int[Array, " piece"],
    ug_per_h: Float[Array, " piece"],
    look: Look,
) -> tuple[KineticState, Float[Array, "piece ..."]]:
    def piece(now: KineticState, given: tuple[Array, Array]) -> tuple[KineticState, Array]:
        index, rate = given
        plan = jax.tree.map(lambda entries: entries[index], plans)
        each = jnp.full(kinetics.n_patients, rate)
        later = kinetics.advance(now, plan, each)
        return later, look(kinetics, later, each)

    return lax.scan(piece, state, (which, ug_per_h))
