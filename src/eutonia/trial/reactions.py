"""Adverse reactions of a trial: who gets which, when and from what, and the table of each arm.

A reaction comes to a person, by that person's own luck, at the hour at which the hazard so far reaches it. So a trial
of 25 people has the intervals of 25 people, and the same person has the same luck in every arm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from eutonia import _streams
from eutonia._hours import HOURS_A_DAY
from eutonia._middle import TAIL, wilson
from eutonia.drug.effect.adverse import (
    INTRATHECAL_REACTIONS,
    ORAL_REACTIONS,
    REACTIONS,
    SOURCES,
    Hazards,
    Met,
    Origin,
    hazards_of,
)
from eutonia.study.parts import Arm, Phase
from eutonia.study.treatments import Treatment
from eutonia.trial.harms import DEEPENED, Harms, brought_by
from eutonia.trial.own_gate import dealt_to
from eutonia.trial.rescue import RescueWatch

if TYPE_CHECKING:
    import polars

    from eutonia.trial.analysis import Outcome
    from eutonia.trial.period import PeriodClock

Flags = Bool[np.ndarray, " patient"]

# Hours at which the hazard is read, whatever the visits: dense after the start, then months. An event between two of
# them is dated in proportion.
_READ_H = (*(1, 2, 4, 8, 12, 24, 48, 96), *(HOURS_A_DAY * day for day in (7, 14, 28, 56)))
_LATER_H = 56 * HOURS_A_DAY
#: Which reactions depressants of the brain deepen.
DEEPENED_ROWS = np.array([name in DEEPENED for name in REACTIONS], dtype=float)
# Keys of luck: so many draws of eight reactions a phase, more than there will ever be.
_BATCHES_PER_PHASE = 1000
# Fewer replicate trials than this do not show where 2.5 % of them lie.
_ENOUGH = 40


@dataclass(frozen=True)
class Reactions:
    """First reactions of each kind to one arm: hour in the period (NaN for none) and what it came from (SOURCES)."""

    time_h: Float[np.ndarray, "reaction patient"]
    source: Int[np.ndarray, "reaction patient"]

    @property
    def felt(self) -> Flags:
        """Who has had any reaction."""
        return ~np.isnan(self.time_h).all(axis=0)

    def later(self, hours: float) -> Reactions:
        """Return the same reactions so many hours later."""
        return Reactions(self.time_h + hours, self.source)

    def of(self, who: Bool[np.ndarray, "*any"], other: Reactions) -> Reactions:
        """Return these reactions for `who` and those of another period for the rest."""
        return Reactions(np.where(who, self.time_h, other.time_h), np.where(who, self.source, other.source))


def read_hours(end_h: float) -> list[float]:
    """Return the hours of a period at which the hazard is read."""
    later = np.arange(_READ_H[-1] + _LATER_H, end_h, _LATER_H)
    return [float(t) for t in (*_READ_H, *later) if t < end_h] + [end_h]


def read_until(clock: PeriodClock, watches: Sequence[ReactionWatch], end_h: float) -> None:
    """Go on to the end of a washout, in which what the last dose brings is counted too."""
    for hour in read_hours(end_h):
        if watches and hour > clock.now_h:
            clock.advance_to(hour, looking=True)
            for watch in watches:
                watch.read(clock)
    clock.advance_to(end_h)


def luck(seed: int, person: Int[np.ndarray, " patient"], phase: int) -> Float[np.ndarray, "reaction patient"]:
    """Return the hazard at which each reaction comes to each person in a phase: standard exponential."""
    found = []
    for batch in range(-(-len(REACTIONS) // _streams.DRAWS)):
        visit = phase * _BATCHES_PER_PHASE + batch
        key = _streams.keys(seed, _streams.Purpose.REACTION, jnp.asarray(person), visit)
        found.append(_streams.uniform(key, _streams.DRAWS))
    return -np.log1p(-np.concatenate([np.asarray(x) for x in found])[: len(REACTIONS)])


@dataclass
class ReactionWatch:
    """Follows the hazard of one arm in one period and says what has come to whom.

    `until_h` the hour from which nothing is given; `passed` who responded, None until the gate of the arm has decided;
    `rescue` says who is given what besides, nobody if it is None.
    """

    arm: Arm
    origin: Origin
    threshold: Float[np.ndarray, "reaction patient"]
    until_h: float = math.inf
    passed: Flags | None = None
    rescue: RescueWatch | None = None
    hazards: Hazards = field(init=False)
    harms: Harms = field(init=False)
    sham_harms: Harms = field(init=False)
    rescue_harms: Harms = field(init=False)
    _begin: np.ndarray | None = None
    _last: tuple[float, np.ndarray, np.ndarray] | None = None
    _extra: np.ndarray | float = 0.0
    _found: Reactions = field(init=False)

    def __post_init__(self) -> None:
        """Look up what may come by the routes of the arm, of which a placebo gives nothing."""
        routes = routes_of(self.arm)
        self.hazards = hazards_of(self.origin, oral="oral" in routes, intrathecal="intrathecal" in routes)
        self.harms = Harms.of(self.arm.treatments, self.until_h, is_sham_before=self.arm.placebo_until_h is not None)
        self.sham_harms = Harms.of(self.arm.shams, self.until_h)
        self.rescue_harms = Harms.of(self.arm.rescues, self.until_h)
        nobody = np.full(self.threshold.shape, np.nan)
        self._found = Reactions(nobody, np.zeros(nobody.shape, dtype=np.int8))

    def _hazard(self, clock: PeriodClock, met: Met | None = None) -> Float[np.ndarray, "reaction patient"]:
        """Return the hazard so far of baclofen or its placebo, of which `met` is what they met, and of what is given
        beside it.
        """
        met = self._met(clock) if met is None else met
        return self.hazards.cumulative(met) + self._deepened(clock.now_h, met) + self._beside(clock.now_h)

    def _deepened(self, time_h: float, met: Met) -> Float[np.ndarray, "reaction patient"]:
        """Return what depressants of the brain have added so far to what baclofen does to alertness."""
        if not (self.harms.deepens or self.rescue_harms.deepens) or self._last is None:
            return np.zeros(self.threshold.shape)
        before_h, met_before, _ = self._last
        of_drug = np.array([source != "background" for source in SOURCES])[:, None]
        rise = self.hazards.cumulative((met - met_before) * of_drug) * DEEPENED_ROWS[:, None]
        deeper = self.harms.depth(before_h, time_h, self._dealt(self.harms) & (not self.arm.placebo))
        deeper *= self.rescue_harms.depth(before_h, time_h, self._dealt(self.rescue_harms))
        return self._extra + rise * (deeper - 1.0)

    def _dealt(self, harms: Harms) -> Bool[np.ndarray, "treatment patient"]:
        """Return who is given each of the treatments with harms, or a placebo of it."""
        given = [self._given(one) for one in harms.treatments]
        return np.array(given, dtype=bool).reshape(-1, self.threshold.shape[1])

    def _given(self, treatment: Treatment) -> Flags:
        """Return to whom a treatment, or its placebo, is given; a placebo arm that tests nobody gives it to all."""
        n = self.threshold.shape[1]
        if self.rescue is not None and (rescued := self.rescue.dealt_to(treatment)) is not None:
            return rescued
        return dealt_to(treatment, self.passed, n) if self.arm.gate is not None else np.ones(n, dtype=bool)

    def _beside(self, time_h: float) -> Float[np.ndarray, "reaction patient"]:
        n = self.threshold.shape[1]
        dealt, rescued = self._dealt(self.harms), self._dealt(self.rescue_harms)
        tablets = [self._given(one) for one in self._tablets]
        is_reported = np.any(tablets, axis=0) if tablets else np.zeros(n, dtype=bool)
        if not self.arm.shams and not self.arm.rescues:
            return self.harms.by(time_h, dealt, drug=not self.arm.placebo, placebo=~is_reported)
        drug = self.harms.by(time_h, dealt, drug=not self.arm.placebo, placebo=False)
        drug += self.rescue_harms.by(time_h, rescued, drug=True, placebo=False)
        reported = self.harms.by(time_h, dealt, drug=False, placebo=~is_reported)
        sham = self._dealt(self.sham_harms)
        reported = np.maximum(reported, self.sham_harms.by(time_h, sham, drug=False, placebo=~is_reported))
        return drug + np.maximum(reported, self.rescue_harms.by(time_h, rescued, drug=False, placebo=~is_reported))

    @property
    def _tablets(self) -> list[Treatment]:
        """Tablets of baclofen that people of the arm may take, real ones or a sham of them."""
        return [one for one in (*self.arm.treatments, *self.arm.shams, *self.arm.rescues) if one.hazards == "oral"]

    def _met(self, clock: PeriodClock) -> Float[np.ndarray, "source patient"]:
        """Return what people have met in this period so far."""
        tablets = self._tablets
        # Whoever starts late takes a sham from the first visit on.
        late = self.arm.placebo_until_h is not None
        besides = {id(one) for one in self.arm.rescues}
        since = [0.0 if late and id(one) not in besides else one.since_h for one in tablets]
        each = [
            np.where(self._given(one), max(clock.now_h - begin_h, 0.0), 0.0)
            for one, begin_h in zip(tablets, since, strict=True)
        ]
        now = self.hazards.met(clock.state.exposed, np.max(each, axis=0) if each else max(clock.now_h, 0.0))
        return now if self._begin is None else now - self._begin

    def has_had(self, reaction: str, clock: PeriodClock) -> Flags:
        """Return who has had a reaction by now."""
        row = REACTIONS.index(reaction)
        return np.asarray(self._hazard(clock)[row] >= self.threshold[row])

    @property
    def felt(self) -> Flags:
        """Who has had a reaction by the last reading."""
        return self._found.felt

    def read(self, clock: PeriodClock) -> None:
        """Read the hazard now and date what has come since the last reading."""
        if self._last is None:
            self._begin = self._met(clock)
            self._last = (clock.now_h, np.zeros_like(self._begin), np.zeros(self.threshold.shape))
        (before_h, met_before, before), met = self._last, self._met(clock)
        now = self._hazard(clock, met)
        row, who = np.nonzero((now >= self.threshold) & np.isnan(self._found.time_h) & (now > 0))
        share = (self.threshold[row, who] - before[row, who]) / (now[row, who] - before[row, who])
        self._found.time_h[row, who] = before_h + np.clip(share, 0.0, 1.0) * (clock.now_h - before_h)
        gained = self.hazards.table[row].T * (met[:, who] - met_before[:, who])
        beside = (self._beside(clock.now_h) - self._beside(before_h))[row, who]
        self._found.source[row, who] = np.argmax(np.vstack([gained, beside]), axis=0)
        self._extra = self._deepened(clock.now_h, met)
        self._last = (clock.now_h, met, now)

    def found(self, leaves_h: Float[np.ndarray, " patient"]) -> Reactions:
        """Return what came to each person before they left."""
        stayed = self._found.time_h <= leaves_h
        return self._found.of(stayed, Reactions(np.full_like(self._found.time_h, np.nan), self._found.source))


def as_given(phase: Phase, arm: Arm) -> Arm:
    """Return an arm with what its phase may give besides; a placebo arm that names no treatment with the one that it
    imitates, that of the first arm with any.
    """
    if arm.treatments or not arm.placebo:
        return arm.rescued(phase.rescue)
    at_once = sorted(phase.arms, key=lambda one: one.placebo_until_h is not None)
    treatments = next((one.treatments for one in at_once if one.treatments), ())
    return arm.model_copy(update={"treatments": treatments}).rescued(phase.rescue)


def routes_of(arm: Arm) -> frozenset[str]:
    """Return "oral", "intrathecal", or both: the routes by which an arm gives drug or its placebo."""
    given = {treatment.hazards for treatment in (*arm.treatments, *arm.rescues) if treatment.hazards}
    # The label has no group with a sham into the spinal fluid.
    return frozenset(given | {one.hazards for one in arm.shams if one.hazards == "oral"})


def may_come(arm: Arm) -> tuple[str, ...]:
    """Return the reactions that the label lists for the routes of an arm."""
    routes = routes_of(arm)
    listed = {
        *(ORAL_REACTIONS if "oral" in routes else ()),
        *(INTRATHECAL_REACTIONS if "intrathecal" in routes else ()),
        *brought_by((*arm.treatments, *arm.shams, *arm.rescues)),
    }
    return tuple(reaction for reaction in REACTIONS if reaction in listed)


def said(reaction: str) -> str:
    """Return a reaction in words."""
    return reaction.replace("_", " ")


def event_table(outcome: Outcome) -> polars.DataFrame | None:
    """Return one row an event: the first reaction of each kind to the arm that a person was in."""
    import polars as pl

    if not outcome.reactions:
        return None
    parts = []
    for at, (key, reactions) in enumerate(outcome.reactions.items()):
        row, who = np.nonzero(~np.isnan(reactions.time_h) & outcome.in_arm(*key))
        came = reactions.time_h[row, who], reactions.source[row, who]
        parts.append((np.full(len(who), at, dtype=np.int16), who, row.astype(np.int16), *came))
    of, who, row, time_h, source = map(np.concatenate, zip(*parts, strict=True))
    order = np.lexsort((time_h, who))  # and so by replicate

    def named(names: Sequence[str], code: np.ndarray) -> polars.Series:
        return pl.Series(names, dtype=pl.String)[code[order]]

    phases, arms = zip(*outcome.reactions, strict=True)
    return pl.DataFrame(
        {
            "replicate": (who[order] // outcome.study.population.n).astype(np.int32),
            "patient": who[order].astype(np.int64),
            "arm": named(arms, of),
            "phase": named(phases, of),
            "reaction": named([said(one) for one in REACTIONS], row),
            "time_h": time_h[order],
            "route": named(_ROUTES, source),
            "stage": named(_STAGES, source),
        }
    )


_ROUTES = ("intrathecal", "intrathecal", "intrathecal", "oral", "background", "beside baclofen")
_STAGES = ("screening", "titration", "maintenance", "", "", "")


def adverse_table(outcome: Outcome) -> polars.DataFrame | None:
    """Return the share of each arm's people with each reaction: mean over replicate trials, and the interval in which
    the share of one trial of that size lies.

    A reaction of an intrathecal placebo has no share: the label has no such group.
    """
    import polars as pl

    if not outcome.reactions:
        return None
    rows = []
    arms = {(phase.name, arm.name): as_given(phase, arm) for phase in outcome.study.phases for arm in phase.arms}
    for (phase, name), reactions in outcome.reactions.items():
        arm, there = arms[phase, name], outcome.by_replicate(outcome.in_arm(phase, name))
        for reaction in may_come(arm):
            came = outcome.by_replicate(~np.isnan(reactions.time_h[REACTIONS.index(reaction)]))
            is_known = not arm.placebo or ("oral" in routes_of(arm) and reaction in ORAL_REACTIONS)
            is_known |= reaction in brought_by((*arm.treatments, *arm.rescues))
            found = _share(came & there, there) if is_known else (None, None, None)
            rows.append((said(reaction), phase, name, arm.placebo, float(there.sum(axis=1).mean()), *found))
    words, numbers = dict.fromkeys(("reaction", "phase", "arm"), pl.String), ("n", "share", "low", "high")
    columns = {**words, "placebo": pl.Boolean, **dict.fromkeys(numbers, pl.Float64)}
    return pl.DataFrame(rows, schema=columns, orient="row")


def _share(came: np.ndarray, there: np.ndarray) -> tuple[float | None, float | None, float | None]:
    """Return mean share over replicates (rows) and the interval of one trial's; nothing where nobody was there."""
    n = there.sum(axis=1)
    if not n.any():
        return None, None, None
    shares = came.sum(axis=1)[n > 0] / n[n > 0]
    mean = float(came.sum() / n.sum())
    if len(shares) >= _ENOUGH:
        low, high = np.quantile(shares, [TAIL, 1 - TAIL])
        return mean, float(low), float(high)
    return mean, *wilson(mean, float(n[n > 0].mean()))
