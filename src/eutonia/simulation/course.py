"""The slow clock: drug, receptor and tolerance over hours to years, in exact kinetic steps of five sizes.

Between two events the input is constant (a pump) or periodic (tablets), so kinetics advance exactly whatever the
step; only tolerance is integrated (Heun). Steps are a quarter of an hour after an event, then longer and longer ones
for four days, then a day; whoever only changes a rate begins later on that scale (`trial.period`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property, partial
from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int

from eutonia._types import replaced
from eutonia.drug.effect import gaba_b
from eutonia.drug.effect.exposed import Exposed, Habits, meet
from eutonia.drug.kinetics import Exposure, Kinetics, KineticState, StepPlan
from eutonia.simulation.people import People

Patients = Float[Array, " patient"]
# Amounts and rates as they are given, and as a program of JAX takes them.
Amounts = Float[Array | np.ndarray, " patient"]
Limbs = Float[Array, "limb patient"]
Sites = Float[Array, "site patient"]

# Numerical scheme (tested by halving): step sizes in h and how long after an event each is used.
FINE_H, HOUR_H, DAY_H = 0.25, 1.0, 24.0
_ROUNDING_H = 1e-9


class Tissue(eqx.Module):
    """What months have made of contracture: `missing` against the untreated (`tone.contracture`) when it was last
    brought up to date; the drug's effect where tone is made, summed up to now (`felt`, h) and up to then (`settled`);
    what treatments beside the drug did since then (`beside`: share of bias taken, mV taken, share of the fastest
    loss by stretching; each times h).
    """

    missing: Limbs
    felt: Limbs
    settled: Limbs
    beside: Float[Array, "three limb patient"]

    @classmethod
    def untreated(cls, n_patients: int) -> Tissue:
        """Return the tissue of people who were never given anything."""
        none = jnp.asarray(np.zeros((2, n_patients)))
        return cls(none, none, none, jnp.asarray(np.zeros((3, 2, n_patients))))


class CourseState(eqx.Module):
    """Drug in the body, adaptation of the receptors at each site, what the brain has met so far, and tissue."""

    drug: KineticState
    adaptation: gaba_b.Adaptation
    exposed: Exposed
    tissue: Tissue


_Carried = tuple[CourseState, Sites, tuple[Patients, Patients]]
# Which piece of equal steps is on, and how many of its steps are done.
_Stepped = tuple[tuple[Array, Array], _Carried]


class MuscleEffects(eqx.Module):
    """What treatments do to each muscle group: factor of the reflex gain, shares of its reflex torque, of its spindles'
    answer to speed, of its voluntary force and of that of its opponent that are left; the charted groups come first.
    """

    gain: Float[Array, "muscle patient"]
    left: Float[Array, "muscle patient"]
    spindles: Float[Array, "muscle patient"]
    force: Float[Array, "muscle patient"]
    opponent: Float[Array, "muscle patient"]


class Snapshot(eqx.Module):
    """What an examination sees of the drug at one moment.

    `hyperpolarisation` mV taken from (or, in rebound, added to) each limb's bias; `release` relative Ia release;
    `receptor_effect` share of full effect at each limb's tone site, net of what has risen against it, `reflex_effect`
    that at its reflex; `sensitivity` potency left where tone is made; `brain_fluid` and `brain_blood` effective
    concentrations at the brain's receptors from the spinal fluid and from tablets, ng/mL; `plasma`, `csf_leg`,
    `csf_arm`, `csf_brain` ng/mL; `muscles` what other treatments do to single muscle groups.
    """

    hyperpolarisation: Limbs
    release: Limbs
    receptor_effect: Limbs
    reflex_effect: Limbs
    sensitivity: Limbs
    brain_fluid: Patients
    brain_blood: Patients
    plasma: Patients
    csf_leg: Patients
    csf_arm: Patients
    csf_brain: Patients
    muscles: MuscleEffects | None = None

    @classmethod
    def untreated(cls, n_patients: int) -> Snapshot:
        """Return what is seen of people who never had the drug."""
        none, whole = (jnp.asarray(np.full((2, n_patients), share)) for share in (0.0, 1.0))
        level = jnp.asarray(np.zeros(n_patients))
        return cls(none, whole, none, none, whole, level, level, level, level, level, level)


def start(people: People) -> CourseState:
    """Return people who never had the drug."""
    n = people.n
    return CourseState(
        people.kinetics.initial_state(), gaba_b.Adaptation.naive(n), Exposed.none(n), Tissue.untreated(n)
    )


class Steps(eqx.Module):
    """What a step of a size, h, does to the drug and to adaptation, computed once for a block of people; of several
    sizes, those are the first axis.
    """

    size_h: Float[Array, "..."]
    drug: StepPlan
    kept: gaba_b.Kept

    def of(self, which: Int[Array, ""]) -> Steps:
        """Return the step of one of the sizes."""
        return jax.tree.map(lambda entry: entry[which], self)


@partial(jax.jit, static_argnames="times")
def steps_of(size_h: float | Array, times: tuple[int, ...], kinetics: Kinetics, receptor: gaba_b.Receptor) -> Steps:
    """Return the steps of a size, h, and of longer ones, each so many `times` the one before."""
    sizes = jnp.asarray(size_h, receptor.ec50.dtype) * np.cumprod((1, *times))
    kept = jax.vmap(gaba_b.Kept.over, (0, None))(sizes, receptor)
    return Steps(sizes, kinetics.step_plans(sizes[0], times), kept)


def _at_sites(people: People, exposure: Exposure) -> Sites:
    return gaba_b.at_sites(exposure.levels(people.receptor.blood_potency), people.receptor)


def _at_brain(people: People, exposure: Exposure, sensitivity: Sites) -> tuple[Patients, Patients]:
    """Return the effective concentration at the brain from the spinal fluid and from blood, ng/mL."""
    left = sensitivity[gaba_b.BRAIN]
    return exposure.spinal.fast_brain * left, people.receptor.blood_potency * exposure.blood.fast_brain * left


@jax.jit
def run(
    people: People,
    steps: Steps,
    habits: Habits,
    state: CourseState,
    rate_ug_per_h: Patients,
    tablet_mg: Patients,
    pieces: Int[Array, "2 piece"],
    n_cycles: int | Array,
) -> CourseState:
    """Advance `n_cycles` cycles: a tablet at the start of each (0 mg for none), then `pieces` of equal steps: which of
    the sizes, and how many of it (0 after the last).
    """
    which, counts = pieces

    def one_step(carry: _Stepped) -> _Stepped:
        (piece, done), (now, start, brain) = carry
        step = steps.of(which[piece])
        drug, dt_h = people.kinetics.advance(now.drug, step.drug, rate_ug_per_h), step.size_h
        exposure = people.kinetics.exposure(drug)
        after = _at_sites(people, exposure)
        adaptation = gaba_b.adapt_from(now.adaptation, start, after, people.receptor, step.kept)
        sensitivity = gaba_b.sensitivity(adaptation, people.receptor)
        drive, there = gaba_b.occupancy(sensitivity * after, people.receptor), _at_brain(people, exposure, sensitivity)
        fluid, blood = zip(brain, there, strict=True)
        exposed = meet(now.exposed, fluid, blood, rate_ug_per_h, habits, dt_h)
        effect = gaba_b.net(drive, adaptation, people.receptor)[gaba_b.TONE]
        tissue = replace(now.tissue, felt=now.tissue.felt + effect * dt_h)
        is_last = done + 1 == counts[piece]
        place = jnp.where(is_last, piece + 1, piece), jnp.where(is_last, 0, done + 1)
        return place, (CourseState(drug, adaptation, exposed, tissue), drive, there)

    def one_cycle(_: int | Int[Array, ""], carry: _Carried) -> _Carried:
        now, start, brain = carry
        dosed = replace(now, drug=people.kinetics.tablet(now.drug, tablet_mg))
        none = jnp.zeros_like(which[0])
        return lax.while_loop(lambda now: counts[now[0][0]] > 0, one_step, ((none, none), (dosed, start, brain)))[1]

    exposure = people.kinetics.exposure(state.drug)
    sensitivity = gaba_b.sensitivity(state.adaptation, people.receptor)
    drive = gaba_b.occupancy(sensitivity * _at_sites(people, exposure), people.receptor)
    first = (state, drive, _at_brain(people, exposure, sensitivity))
    return lax.fori_loop(0, n_cycles, one_cycle, first)[0]


def steps_between(since_event_h: float, span_h: float) -> Iterator[tuple[float, int]]:
    """Yield (step in h, number of steps) that cover `span_h` starting `since_event_h` after the last event."""
    clock, end = since_event_h, since_event_h + span_h
    for size, count in _whole_steps(since_event_h, span_h):
        yield size, count
        clock += count * size
    for size, _ in reversed(_sizes()[:-1]):
        count = int((end - clock + _ROUNDING_H) // size)
        if count > 0:
            yield size, count
            clock += count * size
    if end - clock > _ROUNDING_H:
        yield end - clock, 1


def whole_steps(since_event_h: float, span_h: float) -> float:
    """Return how much of `span_h`, in h, is covered by steps that do not end because the span does."""
    return sum((size * count for size, count in _whole_steps(since_event_h, span_h)), start=0.0)


def _sizes() -> tuple[tuple[float, float], ...]:
    """Return the sizes of steps, h, each a whole multiple of the one before, and until how long after an event each is
    used, h.
    """
    return (FINE_H, 12.0), (HOUR_H, 24.0), (3 * HOUR_H, 48.0), (6 * HOUR_H, 96.0), (DAY_H, np.inf)


def _whole_steps(since_event_h: float, span_h: float) -> Iterator[tuple[float, int]]:
    clock, end = since_event_h, since_event_h + span_h
    for size, until in _sizes():
        count = int((min(end, until) - clock + _ROUNDING_H) // size)
        if count > 0:
            yield size, count
            clock += count * size


class Course:
    """The slow clock of one block of people: holds the propagators, advances the state, takes snapshots."""

    def __init__(self, people: People) -> None:
        self.people = people
        self._habits = Habits.from_records()
        self._sizes = tuple(size for size, _ in _sizes())

    def _steps_of(self, size_h: float) -> Steps:
        """Return steps of a size and of longer ones, which are to it as the usual ones are to the shortest."""
        times = tuple(round(long / short) for short, long in pairwise(self._sizes))
        return steps_of(size_h, times, self.people.kinetics, self.people.receptor)

    @cached_property
    def _usual(self) -> Steps:
        return self._steps_of(self._sizes[0])

    def advance(self, state: CourseState, span_h: float, rate: Amounts, since_event_h: float) -> CourseState:
        """Advance `span_h` hours of constant infusion `rate` (ug/h), the last event `since_event_h` hours ago."""
        steps, none = list(steps_between(since_event_h, span_h)), np.zeros(rate.shape)
        usual = [(self._sizes.index(size), count) for size, count in steps if size in self._sizes]
        if usual:
            state = self._run(self._usual, state, rate, none, usual, 1)
        for rest in (size for size, _ in steps if size not in self._sizes):
            # As many sizes as usual, of which one is used: one program for any rest.
            state = self._run(self._steps_of(rest), state, rate, none, [(0, 1)], 1)
        return state

    def advance_tablets(
        self, state: CourseState, tablet_mg: Amounts, every_h: float, n_tablets: int, rate: Amounts
    ) -> CourseState:
        """Advance `n_tablets` dosing intervals of `every_h` hours, beginning with a tablet, beside an infusion
        `rate`.
        """
        size = HOUR_H if (every_h / HOUR_H).is_integer() else FINE_H
        pieces = [(self._sizes.index(size), round(every_h / size))]
        return self._run(self._usual, state, rate, tablet_mg, pieces, n_tablets)

    def _run(
        self,
        steps: Steps,
        state: CourseState,
        rate: Amounts,
        tablet_mg: Amounts,
        pieces: list[tuple[int, int]],
        n_cycles: int,
    ) -> CourseState:
        """Advance by pieces of equal steps: which size, and how many of it."""
        room = np.zeros((2, 2 * len(self._sizes)), np.int32)  # one more than go up and down the sizes: none comes last
        room[:, : len(pieces)] = np.transpose(pieces)
        return run(self.people, steps, self._habits, state, rate, tablet_mg, room, n_cycles)

    def bolus(self, state: CourseState, amount_ug: Amounts, access: str) -> CourseState:
        """Give an intrathecal bolus at once (0 ug for those who get none)."""
        return replaced(state, drug=_bolus(self.people.kinetics, state.drug, amount_ug, access))

    def tablet(self, state: CourseState, amount_mg: Amounts) -> CourseState:
        """Give a tablet at once (0 mg for those who get none)."""
        return replaced(state, drug=_tablet(self.people.kinetics, state.drug, amount_mg))

    def snapshot(self, state: CourseState) -> Snapshot:
        """Return what an examination sees of the drug now."""
        return snapshot_of(self.people, state)


@jax.jit
def snapshot_of(people: People, state: CourseState) -> Snapshot:
    """Return what an examination of people sees of the drug in them; what it takes goes by the bias that they have."""
    receptor, adaptation = people.receptor, state.adaptation
    exposure = people.kinetics.exposure(state.drug)
    levels = exposure.levels(receptor.blood_potency)
    effect = gaba_b.effect(gaba_b.at_sites(levels, receptor), adaptation, receptor)
    fluid, blood = _at_brain(people, exposure, gaba_b.sensitivity(adaptation, receptor))
    return Snapshot(
        hyperpolarisation=gaba_b.hyperpolarisation(effect[gaba_b.TONE], people.bias, receptor),
        release=gaba_b.release(effect[gaba_b.REFLEX], receptor),
        receptor_effect=effect[gaba_b.TONE],
        reflex_effect=effect[gaba_b.REFLEX],
        sensitivity=gaba_b.sensitivity(adaptation, receptor)[gaba_b.TONE],
        brain_fluid=fluid,
        brain_blood=blood,
        plasma=exposure.plasma,
        csf_leg=levels.csf_leg,
        csf_arm=levels.csf_arm,
        csf_brain=levels.csf_brain,
    )


@partial(jax.jit, static_argnames="access")
def _bolus(kinetics: Kinetics, state: KineticState, amount_ug: Patients, access: str) -> KineticState:
    return kinetics.bolus(state, amount_ug, access=access)


@jax.jit
def _tablet(kinetics: Kinetics, state: KineticState, amount_mg: Patients) -> KineticState:
    return kinetics.tablet(state, amount_mg)
