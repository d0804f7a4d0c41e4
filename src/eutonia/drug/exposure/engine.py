"""Amounts at the observations of many people: their steps of time in lock-step, exact between events.

What some hours do to a person is computed once for all alike steps (the same values, length and infusions), and then
applied step by step.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int
from numpy.typing import NDArray

from eutonia._progress import Progress, silent
from eutonia.drug.exposure.line import Line, LinePassage, LineStructure
from eutonia.drug.exposure.models import KineticModel
from eutonia.drug.exposure.records import OBSERVATION, Floats, Ints, Records
from eutonia.drug.exposure.steps import Courses, Periodic
from eutonia.drug.exposure.structure import Structure
from eutonia.drug.exposure.system import Amounts, Inputs, Passage, Patients, Stages, System
from eutonia.drug.exposure.timeline import courses
from eutonia.drug.kinetics.cascade import halvings

# Steps that one call advances, widths of a block, and steps that are computed together: few of each, so that few
# programs are compiled. They change no result.
_WIDTHS, _CHUNKS, _TABLES = (8, 32, 128, 1024), (64, 512), (128, 2048, 16_384, 65_536)
_BEYOND = "the numbers left the range of the machine"
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)  # odd numbers that spread bits

Mask = NDArray[np.bool_]
Places = Float[Array, "step place patient"]
Rows = Float[Array, "stage patient"]


class Steady(eqx.Module):
    """Doses repeated for ever whose state is wanted.

    `often` is how many whole intervals an infusion lasts, `rest` the hours that it lasts beyond them, `phase` the
    hours since the last one began.
    """

    constant: Bool[Array, " patient"]
    bolus: Inputs
    infused: Inputs
    interval: Patients
    often: Patients
    rest: Patients
    phase: Patients


class _Table(eqx.Module):
    """Unlike steps: the people that they are of, and what they do; patients are the steps."""

    system: System | Line
    passage: Passage | LinePassage


class DoseHappening(eqx.Module):
    """What happens at the ends of a chunk of steps of a block of people; `emptied` and `steady` are None for none."""

    which: Int[Array | np.ndarray, "*step patient"]
    bolus: Float[Array | np.ndarray, "*step input patient"]
    emptied: Bool[Array | np.ndarray, "*step patient"] | None
    steady: Float[Array, "*step stage patient"] | None


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
    model: KineticModel,
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
    found = np.full((len(records), len(model.structure.places)), np.nan)
    steps = courses(records, len(model.structure.inputs))
    run = _Run(model.structure, steps, values, dtype)
    order, done = np.argsort(-steps.lengths, kind="stable"), 0  # in a block people wait for the one with most steps
    for people in np.split(order, range(_WIDTHS[-1], len(order), _WIDTHS[-1])):
        for rows, amounts in run.block(people):
            found[rows] = amounts
        done += len(people)
        progress("Exposure", done / len(order))
    lost = (records.evid == OBSERVATION) & ~np.isfinite(found).all(axis=1)
    found[lost] = np.nan
    return Simulated(found, {int(person): _BEYOND for person in records.person[lost]})


class _Run:
    """The steps of many people and what they are made of."""

    def __init__(
        self, structure: Structure | LineStructure, steps: Courses, values: Mapping[str, Floats], dtype: type
    ) -> None:
        self.structure, self.steps, self.values, self.dtype = structure, steps, values, dtype
        heads, of_row = _runs([one for one in values.values() if one.strides != (0,)], len(next(iter(values.values()))))
        self.kind = of_row[steps.rows]  # steps of the same values have the same number
        self.halved = halvings(self._fastest(heads) * steps.longest())

    def block(self, people: Ints) -> Iterator[tuple[Ints, Floats]]:
        """Advance people, those with most steps first, through all their steps; return records and their amounts."""
        steps, lengths = self.steps, self.steps.lengths[people]
        doses, seen = _Events(steps, people, steps.dosed), _Events(steps, people, steps.seen)
        first, state = 0, None
        while first < lengths[0]:
            n = int((lengths > first).sum())
            width = _fits(n, _WIDTHS)
            chunk = _CHUNKS[0] if width == _WIDTHS[-1] else _fits(int(lengths[0]) - first, _CHUNKS)
            ahead, lanes = first + np.arange(chunk)[:, None], people[np.minimum(np.arange(width), n - 1)]
            stands = (ahead >= steps.lengths[lanes]) | (np.arange(width) >= n)
            places = steps.first[lanes] + np.minimum(ahead, steps.lengths[lanes] - 1)
            table, which = self._table(places, ~stands)
            state = jnp.zeros((table.system.n_stages, width), self.dtype) if state is None else state[:, :width]
            state, amounts = _advance(state, table, self._happening(places, ~stands, which, doses.within(first, chunk)))
            here = seen.within(first, chunk)
            yield steps.observed[here.which], np.asarray(amounts)[here.step, :, here.lane]
            first += chunk

    def _fastest(self, heads: Ints) -> float:
        """Return the fastest rate of anybody."""
        parts = (heads[i : i + _TABLES[-1]] for i in range(0, len(heads), _TABLES[-1]))
        return max(float(_fastest(self._values(part), self.structure)) for part in parts)

    def _values(self, rows: Ints) -> dict[str, NDArray[Any]]:
        """Return the values of some records, the last of them repeated to a number that programs are compiled for."""
        padded = _padded(rows)
        return {name: one[padded].astype(self.dtype) for name, one in self.values.items()}

    def _table(self, places: Ints, moves: Mask) -> tuple[_Table, Ints]:
        """Return what unlike steps do, and which of them each step is."""
        steps = self.steps
        flat, moving = places.T.ravel(), moves.T.ravel()
        here = flat[moving]
        hours, kind, infusing = steps.hours[here], self.kind[here], steps.infusing[here]
        heads, run = _runs([hours, kind, infusing], len(here))
        sign = hours[heads].view(np.uint64) ^ (kind[heads].astype(np.uint64) * _MIX[0])
        sign ^= infusing[heads].astype(np.uint64) * _MIX[1]
        _, one, alike = np.unique(sign, return_index=True, return_inverse=True)
        if any((column[heads] != column[heads[one]][alike]).any() for column in (hours, kind, infusing)):
            one = alike = np.arange(len(heads))  # signs that are the same by chance
        unlike = _padded(here[heads[one]])
        which = np.zeros(len(flat), np.int32)
        which[moving] = alike[run]
        table = _tabled(
            self._values(steps.rows[here[heads[one]]]),
            steps.hours[unlike].astype(self.dtype),
            steps.rates[steps.infusing[unlike]].T.astype(self.dtype),
            self.structure,
            self.halved,
        )
        return table, which.reshape(places.T.shape).T

    def _happening(self, places: Ints, moves: Mask, which: Ints, doses: _Here) -> DoseHappening:
        steps, shape = self.steps, places.shape
        bolus = np.zeros((shape[0], len(self.structure.inputs), shape[1]))
        np.add.at(bolus, (doses.step, steps.into[doses.which], doses.lane), steps.amounts[doses.which])
        emptied = moves & np.isin(places, steps.emptied) if len(steps.emptied) else np.zeros((1, 1), bool)
        return DoseHappening(
            which=which,
            bolus=bolus.astype(self.dtype),
            emptied=emptied if emptied.any() else None,
            steady=self._steady(places, moves) if steps.steady else None,
        )

    def _steady(self, places: Ints, moves: Mask) -> Array | None:
        """Return the states that doses for ever add at the ends of steps; None where there are none."""
        steps = self.steps
        step, lane = np.nonzero(moves & np.isin(places, list(steps.steady)))
        if not len(step):
            return None
        here = places[step, lane]
        doses = _repeated([steps.steady[i] for i in _padded(here).tolist()], len(self.structure.inputs), self.dtype)
        states = _steady_states(self._values(steps.rows[here]), doses, self.structure, self.halved)
        found = np.zeros((len(places), len(states), places.shape[1]))
        found[step, :, lane] = np.asarray(states).T[: len(here)]
        return jnp.asarray(found, self.dtype)


class _Here(NamedTuple):
    """Events of a chunk: which they are, and the step and the lane of each."""

    which: Ints
    step: Ints
    lane: Ints


class _Events:
    """Doses or observations of a block of people in the order of their steps."""

    def __init__(self, steps: Courses, people: Ints, places: Ints) -> None:
        lane = np.full(len(steps.first), -1)
        lane[people] = np.arange(len(people))
        of = steps.of(places)
        self._which = np.flatnonzero(lane[of] >= 0)
        step = places[self._which] - steps.first[of[self._which]]
        order = np.argsort(step, kind="stable")
        self._which, self._step, self._lane = self._which[order], step[order], lane[of[self._which]][order]

    def within(self, first: int, chunk: int) -> _Here:
        """Return those of some steps, which count from 0."""
        begin, end = np.searchsorted(self._step, (first, first + chunk))
        return _Here(self._which[begin:end], self._step[begin:end] - first, self._lane[begin:end])


def _fits(n: int, sizes: tuple[int, ...]) -> int:
    return next((size for size in sizes if size >= n), sizes[-1])


def _padded(rows: Ints) -> Ints:
    """Repeat the last of some rows up to a number that programs are compiled for."""
    return np.append(rows, np.full(_fits(len(rows), _TABLES) - len(rows), rows[-1], rows.dtype))


def _runs(columns: list[NDArray[np.generic]], n: int) -> tuple[Ints, Ints]:
    """Return where runs of rows begin that are alike in every column, and which run each row is of."""
    begins = np.zeros(n, bool)
    begins[0] = True
    for one in columns:
        begins[1:] |= one[1:] != one[:-1]
    return np.flatnonzero(begins), np.cumsum(begins) - 1


def _repeated(doses: list[Periodic], n_inputs: int, dtype: type) -> Steady:
    """Return doses for ever as columns."""
    bolus, infused = np.zeros((n_inputs, len(doses))), np.zeros((n_inputs, len(doses)))
    for i, dose in enumerate(doses):
        if dose.duration or not dose.interval:
            infused[dose.into, i] = dose.rate
        else:
            bolus[dose.into, i] = dose.amount
    constant = np.array([not dose.interval for dose in doses])
    interval, lasts = np.array([dose.interval or 1.0 for dose in doses]), np.array([dose.duration for dose in doses])
    often = np.where(constant, 0.0, lasts // interval)
    rest = np.where(constant, 0.0, np.maximum(lasts - often * interval, 0.0))
    phase = np.array([dose.phase for dose in doses])
    numbers = (bolus, infused, interval, often, rest, phase)
    return Steady(jnp.asarray(constant), *(jnp.asarray(one, dtype) for one in numbers))


@functools.partial(jax.jit, static_argnames="structure")
def _fastest(values: Mapping[str, Patients], structure: Structure | LineStructure) -> Float[Array, ""]:
    return structure.system(values).fastest


@functools.partial(jax.jit, static_argnames=("structure", "halved"))
def _tabled(
    values: Mapping[str, Patients], hours: Patients, infused: Inputs, structure: Structure | LineStructure, halved: int
) -> _Table:
    system = structure.system(values)
    return _Table(system, system.passage(hours, infused, halved))


@functools.partial(jax.jit, static_argnames=("structure", "halved"))
def _steady_states(
    values: Mapping[str, Patients], doses: Steady, structure: Structure | LineStructure, halved: int
) -> Stages:
    return steady_state(structure.system(values), doses, halved)


@jax.jit
def _advance(state: Rows, table: _Table, happening: DoseHappening) -> tuple[Rows, Places]:
    def move(state: Stages, step: DoseHappening) -> tuple[Stages, Amounts]:
        here = jax.tree.map(lambda column: column[..., step.which], table)
        state = here.system.passed(state, here.passage)
        if step.emptied is not None:
            state = jnp.where(step.emptied, 0.0, state)
        if step.steady is not None:
            state = state + step.steady
        state = state + here.system.into_stages(step.bolus)
        return state, here.system.amounts(state)

    return jax.lax.scan(move, state, happening)


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
