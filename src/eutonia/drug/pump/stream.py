"""Daily levels of whole cohorts on flex programs: hourly, block by block, in memory that does not grow with people.

Only the fluid is followed, in the modes of its chain; a mode is one decay and one gain an hour, exact because a
program is constant within an hour. A year of a person is some two hundred thousand multiplications.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from eutonia.drug.kinetics.geometry import LUMBAR
from eutonia.drug.kinetics.intrathecal import FLUID, SOURCE, Intrathecal
from eutonia.errors import SimulationError

HOURS = 24
BLOCK = 4096

Patients = Float[Array, " patient"]
Program = Float[Array, "hour patient"]
Days = Float[Array, "day patient"]


class DailyLevels(NamedTuple):
    """Mean, highest and lowest of the 24 hourly levels of each day in the lumbar fluid, ng/mL."""

    mean: Days
    peak: Days
    trough: Days


def daily_lumbar(spinal: Intrathecal, program: Program, n_days: int, *, is_fast: bool = False) -> DailyLevels:
    """Return the daily lumbar levels of a block of people, each on an own program, from an empty fluid on.

    Parameters
    ----------
    spinal
        Spinal fluid of the people; without tissue, which a year's mean does not depend on.
    program
        Rate of each hour of the day, ug/h.
    n_days
        Days to follow.
    is_fast
        Whether to step in 32-bit; transitions are computed in the precision of `spinal` either way.
    """
    if spinal.uptake_rate is not None:
        raise SimulationError(
            "daily levels of a fluid with tissue. Allowed: a fluid without, since a mean does not depend on it. Leave "
            "the tissue out."
        )
    return _daily(spinal, program, n_days, jnp.dtype(jnp.float32) if is_fast else spinal.dispersion.dtype)


@eqx.filter_jit
def _daily(spinal: Intrathecal, program: Program, n_days: int, dtype: jnp.dtype) -> DailyLevels:
    step = spinal.propagator(1.0)
    seen = jnp.asarray(spinal.geometry.readings()[LUMBAR], spinal.dispersion.dtype)[:, None]
    # Each mode is followed as its part of the lumbar level, so that reading the level is a plain sum.
    decay = [row.astype(dtype) for row in step[FLUID, FLUID]]
    gain = [row.astype(dtype) for row in jnp.broadcast_to(seen * step[FLUID, SOURCE], step[FLUID, FLUID].shape)]
    rates = program.astype(dtype)
    none = jnp.zeros(program.shape[1], dtype)

    def hour(
        carry: tuple[list[Patients], Patients, Patients, Patients], rate: Patients
    ) -> tuple[tuple[list[Patients], Patients, Patients, Patients], None]:
        parts, total, high, low = carry
        parts = [d * part + g * rate for d, g, part in zip(decay, gain, parts, strict=True)]
        level = jnp.maximum(sum(parts[1:], start=parts[0]), 0.0)
        return (parts, total + level, jnp.maximum(high, level), jnp.minimum(low, level)), None

    def day(parts: list[Patients], _: None) -> tuple[list[Patients], DailyLevels]:
        start = (parts, none, none, jnp.full_like(none, jnp.inf))
        (parts, total, high, low), _ = lax.scan(hour, start, rates)
        return parts, DailyLevels(total / HOURS, high, low)

    return lax.scan(day, [none] * len(decay), None, length=n_days)[1]


def stream(
    people: Callable[[int, int], tuple[Intrathecal, Program]],
    n_people: int,
    n_days: int,
    *,
    is_fast: bool = False,
    block: int = BLOCK,
    workers: int = 2,
) -> Iterator[tuple[int, DailyLevels]]:
    """Yield the daily levels of a cohort block by block, in order: the number of the first person, and the levels.

    Parameters
    ----------
    people
        Makes a block: from the number of its first person and its width to fluid and programs. The last block is made
        as wide as the others, so that one program is compiled; what is beyond the cohort is not handed out.
    n_people, n_days
        Size of the cohort, days to follow.
    is_fast, block, workers
        As in `daily_lumbar`; people computed together; blocks at a time. The last two change no result, and no more
        blocks are held than there are workers.
    """

    def one(start: int) -> DailyLevels:
        spinal, program = people(start, block)
        levels = daily_lumbar(spinal, program, n_days, is_fast=is_fast)
        kept = min(block, n_people - start)
        cut = levels if kept == block else jax.tree.map(lambda days: days[:, :kept], levels)
        return jax.block_until_ready(cut)

    starts = iter(range(0, n_people, block))
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[tuple[int, Future[DailyLevels]]] = deque()
        for start in starts:
            waiting.append((start, pool.submit(partial(one, start))))
            if len(waiting) >= workers:
                begun, levels = waiting.popleft()
                yield begun, levels.result()
        while waiting:
            begun, levels = waiting.popleft()
            yield begun, levels.result()
