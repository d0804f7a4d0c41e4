"""When people leave an arm, why, which visits they miss while they stay, and how much of their tablets they take.

Equation
    T = -ln(1 - u) / rate,    left at min(T, reaction, visit without effect)
u is a person's own luck, the same in every arm: who leaves at a rate leaves the arm of the higher rate sooner. What
people are given and score is computed on as if they had stayed, and is not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from eutonia import _streams, parameters
from eutonia._hours import HOURS_A_YEAR
from eutonia.assessment.reading import ROUNDING
from eutonia.assessment.scales import SCALES
from eutonia.drug.effect.adverse import REACTIONS
from eutonia.study.leaving import AfterNoEffect
from eutonia.study.parts import Arm, Phase
from eutonia.trial import visit_numbers
from eutonia.trial.block_outcome import VisitRecord
from eutonia.trial.reactions import Reactions
from eutonia.trial.rescue import Rescued
from eutonia.trial.statistics import score_of

Patients = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]
Whole = Int[np.ndarray, " patient"]

#: Why somebody left, by number; 0 for who never does.
REASONS = ("", "dropped out", "reaction", "lack of effect")
_STAYS, _AT_A_RATE, _REACTION, _NO_EFFECT = range(4)


@dataclass
class Leaving:
    """The hour of the phase at which each person leaves an arm (infinite for who never does), and why."""

    hour: Patients
    why: Whole

    @classmethod
    def nobody(cls, n: int) -> Leaving:
        """Return that of `n` people who all stay."""
        return cls(np.full(n, np.inf), np.full(n, _STAYS, dtype=np.int8))

    def sooner(self, hour: Patients, why: int) -> None:
        """Let those leave sooner whose hour comes before the one so far."""
        earlier = hour < self.hour
        self.hour, self.why = np.where(earlier, hour, self.hour), np.where(earlier, np.int8(why), self.why)


def _luck(seed: int, purpose: _streams.Purpose, person: Whole, at: int) -> Patients:
    return np.asarray(_streams.uniform(_streams.keys(seed, purpose, jnp.asarray(person), at), 1)[0])


def at_a_rate(phase: Phase, index: int, arm: Arm, seed: int, person: Whole) -> Leaving:
    """Return who leaves an arm at its own rate, or at that on record for what the arms of the phase give."""
    found = Leaving.nobody(len(person))
    if not phase.dropout:
        return found
    own = {given.dropout for one in phase.arms for given in one.treatments if given.dropout is not None}
    trial = parameters.load("trial")
    # Of several treatments that which most people leave, whatever the order of the file.
    rate = max(trial.value(record, "1/year") for record in own or {"dropout_rate_background"})
    rate = rate if arm.dropout is None else float(arm.dropout)
    luck = _luck(seed, _streams.Purpose.DROPOUT, person, index)
    with np.errstate(divide="ignore", invalid="ignore"):
        hour = -np.log1p(-luck) / rate * HOURS_A_YEAR if rate > 0 else np.full(len(person), np.inf)
    found.sooner(hour, _AT_A_RATE)
    return found


def tablets_taken(phase: Phase, seed: int, person: Whole) -> Patients | None:
    """Return the share of their tablets that people take, by one luck for all phases; None where they take all."""
    if phase.tablets_taken is None:
        return None
    shape = phase.tablets_taken.shape
    if shape is None:
        return np.full(len(person), phase.tablets_taken.mean)
    from scipy.stats import beta

    return np.asarray(beta.ppf(_luck(seed, _streams.Purpose.ADHERENCE, person, 0), *shape))


def missed(phase: Phase, index: int, arm: str, visit: int, seed: int, person: Whole) -> Flags:
    """Return who misses a visit: none the first of a period; the same people in all arms, unless they are in several.

    `visit` counts over the pairs of periods of a series.
    """
    if phase.missed_visits is None or visit % len(phase.visits_h) == 0:
        return np.zeros(len(person), dtype=bool)
    number = [one.name for one in phase.arms].index(arm) if phase.design == "crossover" else 0
    at = visit_numbers.attended(index, number, visit)
    return _luck(seed, _streams.Purpose.ATTENDANCE, person, at) < phase.missed_visits


@dataclass(frozen=True)
class Attendance:
    """Who is away when the policy of an arm asks for them in a period.

    At the hour of a charted visit that is whoever misses it; at others as large a share, by luck of its own.
    """

    phase: Phase
    index: int
    arm: str
    period: int
    seed: int
    person: Whole

    def away(self, time_h: float, number: int) -> Flags | None:
        """Return who misses a visit of a policy, by its hour and its number; None where no visit is missed."""
        phase = self.phase
        if phase.missed_visits is None:
            return None
        if time_h in phase.visits_h:
            visit = self.period // len(phase.arms) * len(phase.visits_h) + phase.visits_h.index(time_h)
            return missed(phase, self.index, self.arm, visit, self.seed, self.person)
        at = visit_numbers.of_policy(self.index, self.period) + number
        return _luck(self.seed, _streams.Purpose.ATTENDANCE, self.person, at) < phase.missed_visits


def leave_after(
    leaving: Leaving,
    phase: Phase,
    index: int,
    came: Reactions,
    visits: Sequence[VisitRecord],
    seed: int,
    person: Whole,
    rescued: Rescued | None = None,
) -> None:
    """Let people leave an arm by the rules of the phase, and be at none of its visits after that.

    Parameters
    ----------
    leaving
        Who leaves at a rate; changed.
    came
        The reactions in the arm, as if nobody left.
    visits
        Its visits; who is there is changed.
    rescued
        Who is given rescue at each of its visits: whoever is at one does not leave there for lack of effect.
    """
    for number, rule in enumerate(phase.leaving):
        does = _luck(seed, _streams.Purpose.LEAVING, person, visit_numbers.of_rule(index, number)) < rule.share
        if isinstance(rule, AfterNoEffect):
            k = phase.visits_h.index(rule.visit_h)
            before, after = (score_of(visits[at], rule.scale, rule.limb) for at in (0, k))
            better = SCALES[rule.scale].better(before, after) >= rule.improvement - ROUNDING
            seen = ~missed(phase, index, visits[k].arm, k, seed, person)
            if rescued is not None and phase.rescue is not None and rule.visit_h in phase.rescue.visits_h:
                seen &= ~rescued[phase.rescue.visits_h.index(rule.visit_h)]
            hour = np.nextafter(float(rule.visit_h), np.inf)
            leaving.sooner(np.where(does & seen & ~better, hour, np.inf), _NO_EFFECT)
        else:
            rows = [REACTIONS.index(name.replace(" ", "_")) for name in rule.reactions]
            first = np.where(np.isnan(came.time_h[rows]), np.inf, came.time_h[rows]).min(axis=0)
            leaving.sooner(np.where(does, first, np.inf), _REACTION)
    for record in visits:
        record.present = record.present & (leaving.hour > record.time_h)
