"""Who is allocated to which arm: by a list of permuted blocks for each stratum of each replicate trial.

Equation
    P(arm k) = places left for k in the block / places left in it
Everybody takes the next place of their list in the order of enrolment; the numbers are those of the ratio after every
block. A draw is a person's own, so that people who enrol later change nobody's arm.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from eutonia import _streams
from eutonia.assessment.reading import of_limb
from eutonia.study.parts import Phase
from eutonia.study.randomisation import (
    AgeStratum,
    LesionStratum,
    OnsetStratum,
    Randomisation,
    SexStratum,
    Stratum,
    ratio_of,
)
from eutonia.trial.recruitment import Pool

Whole = Int[np.ndarray, " patient"]
# Luck of rounds is so many phases apart, more than a study may have.
_PHASES = 1000


def allocate(
    phase: Phase,
    index: int,
    seed: int,
    pool: Pool,
    person: Whole,
    member: Whole,
    replicate: Whole,
    entered: Bool[np.ndarray, " patient"],
) -> Whole:
    """Return the number of everybody's arm (or first arm of a crossover); -1 for who does not enter the phase.

    Parameters
    ----------
    phase, index, seed
        The phase, its place in the study and the start of all luck.
    pool, member
        The people from whom was recruited, and who everybody is in it.
    person, replicate
        Identity, which is the order of enrolment, and replicate trial.
    entered
        Who enters the phase: nobody else takes a place.
    """
    rules = phase.randomisation or Randomisation()
    places = np.array(ratio_of([arm.allocation for arm in phase.arms]))
    size = rules.block or int(places.sum())
    enrolled = np.argsort(person, kind="stable")
    enrolled = enrolled[entered[enrolled]]
    strata = [one[enrolled] for one in (replicate, *(_stratum(rule, pool, member) for rule in rules.strata))]
    found = np.full(len(person), -1, dtype=np.int64)
    if len(enrolled) == 0:
        return found
    lists = _together(strata)
    nth = _nth(lists)
    blocks = _together([lists, nth // size])
    keys = _streams.keys(seed, _streams.Purpose.ALLOCATION, jnp.asarray(person[enrolled]), index)
    luck = np.asarray(_streams.uniform(keys, 1)[0])
    found[enrolled] = _fill(blocks, nth % size, luck, places * (size // int(places.sum())))
    return found


def orders(phase: Phase, index: int, seed: int, person: Whole, first: Whole) -> list[Whole]:
    """Return the number of everybody's first arm in each round through the arms of a crossover.

    The first round is that of the list; in each later one a coin of the person's own decides.
    """
    found = [first]
    for later in range(1, phase.rounds):
        keys = _streams.keys(seed, _streams.Purpose.ALLOCATION, jnp.asarray(person), index + _PHASES * later)
        luck = np.asarray(_streams.uniform(keys, 1)[0])
        found.append(np.floor(luck * len(phase.arms)).astype(np.int64))
    return found


def _together(parts: Sequence[Whole]) -> Whole:
    """Return one number for all who have the same in every part, in the order of the parts."""
    found = np.zeros(len(parts[0]), dtype=np.int64)
    for part in parts:
        ranks = np.unique(part, return_inverse=True)[1]
        found = np.unique(found * (ranks.max() + 1) + ranks, return_inverse=True)[1]
    return found


def _nth(lists: Whole) -> Whole:
    """Return how many came before each on the same list."""
    order = np.argsort(lists, kind="stable")
    counts = np.bincount(lists)
    begins = np.cumsum(counts) - counts
    nth = np.empty(len(lists), dtype=np.int64)
    nth[order] = np.arange(len(lists)) - begins[lists[order]]
    return nth


def _fill(blocks: Whole, nth: Whole, luck: Float[np.ndarray, " patient"], places: Int[np.ndarray, " arm"]) -> Whole:
    """Let everybody draw one of the places that are left in their block, all blocks at once."""
    left = np.tile(places, (blocks.max() + 1, 1))
    arm = np.empty(len(blocks), dtype=np.int64)
    order = np.argsort(nth, kind="stable")
    for who in np.split(order, np.cumsum(np.bincount(nth))[:-1]):
        of = blocks[who]
        upto = np.cumsum(left[of], axis=1)
        drawn = np.floor(luck[who] * upto[:, -1])
        arm[who] = (upto <= drawn[:, None]).sum(axis=1)
        left[of, arm[who]] -= 1
    return arm


def _stratum(rule: Stratum, pool: Pool, member: Whole) -> Whole:
    """Return the number of everybody's stratum by one rule."""
    cohort = pool.cohort
    if isinstance(rule, SexStratum):
        values = cohort.is_woman
    elif isinstance(rule, LesionStratum):
        values = cohort.lesions.kind
    elif isinstance(rule, AgeStratum):
        values = cohort.age_year >= rule.cut
    elif isinstance(rule, OnsetStratum):
        values = cohort.time_since_onset_h >= rule.cut
    else:
        values = of_limb(pool.scores[rule.scale], rule.limb) >= rule.cut
    return np.asarray(values)[member].astype(np.int64)
