"""The same doses every day, for long and for many: hourly levels reduced to daily mean, peak and trough."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from eutonia.drug.exposure.system import Patients, Stages, System

HOURS_A_DAY = 24
Days = Float[Array, "*day patient"]
_T = TypeVar("_T")


class Daily(eqx.Module):
    """Levels of each day in the central compartment: mean, largest and smallest of 24 hourly ones, amount per volume.

    An hourly level is that at the end of an hour, before what is given then.
    """

    mean: Days
    peak: Days
    trough: Days


@functools.partial(jax.jit, static_argnames=("hours", "days"))
def daily(
    system: System,
    volume: Patients,
    amount: Float[Array, "dose patient"],
    *,
    hours: tuple[int, ...],
    days: int,
    start: Stages | None = None,
) -> tuple[Daily, Stages]:
    """Return the levels of each day under doses at the same hours every day, and the state after the last.

    Exact: one transition of an hour is applied 24 times a day. All 24 are one loop over people, in which everybody's
    state stays in registers.

    Parameters
    ----------
    system
        Rates of a block of people; a few thousand at a time keep the memory small and the caches full. Its precision
        (64-bit or 32-bit) is that of the result.
    volume
        Volume of the central compartment.
    amount
        Amount that enters (times bioavailability) at each of `hours`, into the first compartment of the model.
    hours
        Hours of the day, 0 to 23, at which doses are given.
    days
        Number of days.
    start
        State to start from; none: without drug.
    """
    move = _hour(system)
    first = jnp.zeros((system.n_stages, *volume.shape), volume.dtype) if start is None else start
    given = dict(zip(hours, amount, strict=True))
    central = system.n_gut

    def day(state: tuple[Patients, ...], _: None) -> tuple[tuple[Patients, ...], Daily]:
        levels = []
        for hour in range(HOURS_A_DAY):
            if hour in given:
                state = (state[0] + given[hour], *state[1:])
            state = move(state)
            levels.append(state[central])
        total, peak, trough = (functools.reduce(join, levels) for join in (jnp.add, jnp.maximum, jnp.minimum))
        return state, Daily(total / (HOURS_A_DAY * volume), peak / volume, trough / volume)

    last, levels = jax.lax.scan(day, tuple(first), None, length=days)
    return levels, jnp.stack(last)


def _hour(system: System) -> Callable[[tuple[Patients, ...]], tuple[Patients, ...]]:
    """Return the passage of an hour as sums of products, stage by stage; entries that are always 0 are left out."""
    n = system.n_stages
    hour = jnp.ones_like(system.elimination)
    nothing = jnp.zeros((system.n_inputs, *hour.shape), hour.dtype)
    zero, one = jnp.zeros_like(hour), jnp.ones_like(hour)
    columns = [
        system.advance(jnp.stack([one if i == j else zero for i in range(n)]), hour, nothing, _HALVED)
        for j in range(n - 1)
    ]
    gut = system.n_gut

    def move(state: tuple[Patients, ...]) -> tuple[Patients, ...]:
        moved = []
        for i in range(n - 1):  # nothing flows back up the chain of absorption
            sources = range(i + 1 if i < gut else n - 1)
            moved.append(functools.reduce(jnp.add, [columns[j][i] * state[j] for j in sources]))
        return (*moved, functools.reduce(jnp.add, [columns[j][-1] * state[j] for j in range(n - 1)], state[-1]))

    return move


# An hour is halved so often that rates to 512 /h are exact to rounding; faster ones are as good as at once.
_HALVED = 12


def streamed(blocks: Iterable[Callable[[], _T]], workers: int = 2) -> Iterator[_T]:
    """Compute blocks of people on several cores and yield each when its turn comes; few are held at a time.

    Parameters
    ----------
    blocks
        Calls that each compute one block, such as `lambda: daily(...)`; they are taken one by one as workers get free.
    workers
        How many are computed at a time.
    """
    waiting = iter(blocks)
    with ThreadPoolExecutor(workers) as pool:
        ahead = [pool.submit(_done, call) for call in islice(waiting, workers + 1)]
        while ahead:
            found = ahead.pop(0).result()
            ahead += [pool.submit(_done, call) for call in islice(waiting, 1)]
            yield found


def _done(call: Callable[[], _T]) -> _T:
    return jax.block_until_ready(call())
