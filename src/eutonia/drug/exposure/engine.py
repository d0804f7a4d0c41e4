"""Amounts at the observations of many people: their steps of time in lock-step, exact between events."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from numpy.typing import NDArray

from eutonia._progress import Progress, silent
from eutonia.drug.exposure.line import Line, LineStructure
from eutonia.drug.exposure.models import Model
from eutonia.drug.exposure.records import OBSERVATION, Floats, Records
from eutonia.drug.exposure.structure import Structure
from eutonia.drug.exposure.system import Amounts, Inputs, Patients, Stages, System
from eutonia.drug.exposure.timeline import Course, Part, Periodic, steps_of
from eutonia.drug.kinetics.cascade import halvings

# Steps that one call advances, and widths of a block: few, so that few programs are compiled. They change no result.
_CHUNK = 64
_WIDTHS = (8, 128, 1024)
_RECORDS = 65_536  # looked at together
_BEYOND = "the numbers left the range of the machine"

# One step of a block of people, or many on a first axis.
Each = Float[Array, "*step patient"]
EachInput = Float[Array, "*step input patient"]
Flags = Bool[Array, "*step patient"]


class Steady(eqx.Module):
    """Doses repeated for ever whose state is wanted, one a person; `wanted` is False for those who have none.

    `often` is how many whole intervals an infusion lasts, `rest` the hours that it lasts beyond them, `phase` the
    hours since the last one began.
    """

    wanted: Flags
    constant: Flags
    bolus: EachInput
    infused: EachInput
    interval: Each
    often: Each
    rest: Each
    phase: Each


class Steps(eqx.Module):
    """One step of a block of people (or many, on a first axis): see `timeline.Course`."""

    hours: Each
    values: dict[str, Each]
    infused: EachInput
    emptied: Flags
    bolus: EachInput
    steady: Steady | None


@dataclass(frozen=True)
class Simulated:
    """What `simulate` finds.

    Attributes
    ----------
    amounts
        One row a record and one column a place of the model, the last of them the amount eliminated since the start,
        the last reset or the last SS = 1; NaN where nothing is observed and for people who failed.
    failed
        Why a person has no numbers.
    """

    amounts: Floats
    failed: dict[int, str]


def simulate(
    model: Model,
    records: Records,
    values: Mapping[str, Floats],
    *,
    dtype: type = np.float64,
    progress: Progress = silent,
) -> Simulated:
    """Return the amounts at each observation: in each compartment, and what has been eliminated.

    Parameters
    ----------
    model
        A model of `models.model`; its `mass` is the unit of every amount.
    records
        Doses and observations, by person; they must be valid (see `eutonia.exchange`).
    values
        Value of every parameter and covariate of the model, one a record.
    dtype
        64-bit, or 32-bit for speed.
    progress
        Called with a stage and the share of it that is done.
    """
    if isinstance(model.structure, Structure) and model.structure.absorption == "saturable":
        from eutonia.drug.exposure import saturable

        return Simulated(*saturable.simulate(model.structure, records, values, progress))
    n_inputs = len(model.structure.inputs)
    found = np.full((len(records), len(model.structure.places)), np.nan)
    fastest = _fastest(model, values, len(records))
    spans, order, done = records.spans(), _longest_first(records), 0
    for block in _blocks(order):
        people = [steps_of(records, *spans[person], n_inputs) for person in block]
        _run(model.structure, people, values, found, halvings(fastest * max(one.longest() for one in people)), dtype)
        done += len(block)
        progress("Exposure", done / len(order))
    lost = (records.evid == OBSERVATION) & ~np.isfinite(found).all(axis=1)
    found[lost] = np.nan
    return Simulated(found, {int(person): _BEYOND for person in records.person[lost]})


def _fastest(model: Model, values: Mapping[str, Floats], n: int) -> float:
    """Return the fastest rate of anybody, so many records at a time."""
    parts = ({name: jnp.asarray(one[i : i + _RECORDS]) for name, one in values.items()} for i in range(0, n, _RECORDS))
    return max(model.structure.system(part).fastest for part in parts)


def _longest_first(records: Records) -> list[int]:
    """Return the people, those with most records and additional doses first: they wait for each other in a block."""
    weight = np.bincount(records.person, weights=1.0 + records.additional)
    return np.argsort(-weight, kind="stable").tolist()


def _blocks(order: list[int]) -> Iterator[list[int]]:
    for i in range(0, len(order), _WIDTHS[-1]):
        yield order[i : i + _WIDTHS[-1]]


def _run(
    structure: Structure | LineStructure,
    people: list[Course],
    values: Mapping[str, Floats],
    found: Floats,
    halved: int,
    dtype: type,
) -> None:
    """Advance a block of people through all their steps and write what is observed into `found`."""
    width = next(width for width in _WIDTHS if width >= len(people))
    n_inputs = len(structure.inputs)
    is_steady = any(steps.steady for steps in people)
    state: Array | None = None
    for first in range(0, max(map(len, people)), _CHUNK):
        parts = [steps.part(first, first + _CHUNK) for steps in people]
        packed = pack(parts, width, n_inputs, values, is_steady, dtype)
        if state is None:
            n_stages = structure.system({name: one[0] for name, one in packed.values.items()}).n_stages
            state = jnp.zeros((n_stages, width), dtype)
        state, amounts = _advance(state, packed, structure, halved)
        seen = np.asarray(amounts)
        for lane, part in enumerate(parts):
            found[part.observed] = seen[part.seen, :, lane]


def pack(
    people: list[Part],
    width: int,
    n_inputs: int,
    values: Mapping[str, Floats],
    is_steady: bool,
    dtype: type,
) -> Steps:
    """Return steps as arrays; people with fewer steps, and the people who fill the block up, stand still."""
    shape = (_CHUNK, width)
    rows = np.zeros(shape, np.int64)
    hours, emptied = np.zeros(shape), np.zeros(shape, bool)
    infused, bolus = np.zeros((_CHUNK, n_inputs, width)), np.zeros((_CHUNK, n_inputs, width))
    steady = _no_steady(shape, n_inputs) if is_steady else None
    for lane, part in enumerate(people):
        n = len(part.hours)
        rows[:n, lane], rows[n:, lane] = part.rows, part.rows[-1] if n else 0
        hours[:n, lane], infused[:n, :, lane] = part.hours, part.infused
        emptied[part.emptied, lane] = True
        np.add.at(bolus[:, :, lane], (part.dosed, part.into), part.amounts)
        for i, dose in part.steady.items():
            if steady is not None:
                _note_steady(steady, dose, i, lane)
    real = functools.partial(jnp.asarray, dtype=dtype)
    return Steps(
        hours=real(hours),
        values={name: real(one[rows]) for name, one in values.items()},
        infused=real(infused),
        emptied=jnp.asarray(emptied),
        bolus=real(bolus),
        steady=None
        if steady is None
        else Steady(**{name: jnp.asarray(one, None if one.dtype == bool else dtype) for name, one in steady.items()}),
    )


def _no_steady(shape: tuple[int, int], n_inputs: int) -> dict[str, NDArray[np.generic]]:
    wide = (shape[0], n_inputs, shape[1])
    flags = {name: np.zeros(shape, bool) for name in ("wanted", "constant")}
    doses = {name: np.zeros(wide) for name in ("bolus", "infused")}
    times = {name: np.zeros(shape) for name in ("often", "rest", "phase")}
    return {**flags, **doses, "interval": np.ones(shape), **times}


def _note_steady(steady: dict[str, NDArray[np.generic]], dose: Periodic, i: int, lane: int) -> None:
    steady["wanted"][i, lane] = True
    if dose.duration or not dose.interval:
        steady["infused"][i, dose.into, lane] = dose.rate
    else:
        steady["bolus"][i, dose.into, lane] = dose.amount
    if not dose.interval:
        steady["constant"][i, lane] = True
        return
    often = dose.duration // dose.interval
    numbers = {
        "interval": dose.interval,
        "often": often,
        "rest": max(dose.duration - often * dose.interval, 0.0),
        "phase": dose.phase,
    }
    for name, number in numbers.items():
        steady[name][i, lane] = number


@functools.partial(jax.jit, static_argnames=("structure", "halved"))
def _advance(
    state: Float[Array, "stage patient"], steps: Steps, structure: Structure | LineStructure, halved: int
) -> tuple[Float[Array, "stage patient"], Float[Array, "step place patient"]]:
    def move(state: Stages, step: Steps) -> tuple[Stages, Amounts]:
        system = structure.system(step.values)
        state = system.advance(state, step.hours, step.infused, halved)
        state = jnp.where(step.emptied, 0.0, state)
        if step.steady is not None:
            wanted = step.steady
            state = state + jax.lax.cond(
                jnp.any(wanted.wanted),
                lambda: jnp.where(wanted.wanted, steady_state(system, wanted, halved), 0.0),
                lambda: jnp.zeros_like(state),
            )
        state = state + system.into_stages(step.bolus)
        return state, system.amounts(state)

    return jax.lax.scan(move, state, steps)


def steady_state(system: System | Line, dose: Steady, halved: int) -> Stages:
    """Return the state of doses repeated for ever; what they have eliminated is left out."""
    n = dose.infused
    both = n * (dose.often + 1.0)
    nothing = jnp.zeros((system.n_stages, *dose.phase.shape), dose.phase.dtype)

    def through(state: Stages, first: Patients, second: Patients) -> Stages:
        """Pass `first` hours with one more infusion running than in the `second` hours after."""

        def part(state: Stages, way: tuple[Patients, Inputs]) -> tuple[Stages, None]:
            return system.advance(state, way[0], way[1], halved), None

        hours, infused = jnp.stack([first, second]), jnp.stack([both, n * dose.often])
        return jax.lax.scan(part, state, (hours, infused))[0]

    gained = through(nothing, dose.rest, dose.interval - dose.rest) + system.into_stages(dose.bolus)
    begun = system.periodic(gained, dose.interval, halved)
    early = jnp.minimum(dose.phase, dose.rest)
    found = jnp.where(dose.constant, system.constant(n), through(begun, early, dose.phase - early))
    return found.at[-1].set(0.0)
