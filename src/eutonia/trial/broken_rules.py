"""Rules of pumps that a case or the arms of a trial break: what `drug.pump.rules` finds, and in how many people.

A case has a pump with everything that happens to it, and all rules judge it; so they do where the arm of a trial has
pumps that run a program. An infusion of a trial tells doses only, so only the rules of doses and of their steps judge
it: each person's doses as given. It does not say when a pump is filled either: a step later than the next day but one
is taken for one at a visit, where the label allows the larger step of a refill.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.pump import Delivery, Device, Program, Pump, Therapy
from eutonia.drug.pump.breach import Breach
from eutonia.drug.pump.notes import Setting
from eutonia.drug.pump.rules import SAME, dosing, steps_allowed

if TYPE_CHECKING:
    from eutonia.trial.analysis import Outcome
    from eutonia.trial.arm_pump import PumpCourses
    from eutonia.trial.doses import Doses

# A change after more waits of a titration than these counts as one at a visit.
_DAYS_OF_A_TITRATION = 2.0
# Courses of doses that are judged once, however many people have them.
_REMEMBERED = 4096

Patients = Float[np.ndarray, " patient"]
Flags = Bool[np.ndarray, " patient"]


@dataclass(frozen=True)
class BrokenRule:
    """A rule that is broken in a case, or in an arm of a trial.

    Parameters
    ----------
    rule, says, do, source, is_hazard
        As `drug.pump.breach.Breach`; in a trial `says` is that of the first person, in order of number.
    phase, arm
        Of a trial; empty in a case.
    time_h
        When it is broken first, h.
    when
        The same in words.
    people, of
        How many people break it, and of how many who have a pump in this arm.
    """

    rule: str
    time_h: float
    when: str
    says: str
    do: str
    source: str
    is_hazard: bool
    phase: str = ""
    arm: str = ""
    people: int = 1
    of: int = 1


def of_case(breaches: tuple[Breach, ...], therapy: Therapy) -> tuple[BrokenRule, ...]:
    """Return the rules that the therapy of a case breaks, in order of time."""
    return tuple(
        BrokenRule(one.rule, one.at_h, therapy.day(one.at_h), one.says, one.do, one.source, one.is_hazard)
        for one in breaches
    )


def of_trial(outcome: Outcome, origin: str) -> tuple[BrokenRule, ...]:
    """Return the rules of doses that the people of each arm with a pump break, hazards first."""
    found: list[BrokenRule] = []
    for phase in outcome.study.phases:
        for arm in phase.arms:
            log = outcome.doses.get((phase.name, arm.name))
            if arm.placebo or log is None or not any(part.rate_ug_per_h.any() for _, part in log.groups()):
                continue
            pumps, in_arm = outcome.pumps.get((phase.name, arm.name)), outcome.in_arm(phase.name, arm.name)
            leaves_h = outcome.left_h[phase.name]
            if pumps is not None:
                rules = _of_pumps(pumps, in_arm & (pumps.course >= 0), leaves_h)
            else:
                rules = _of_doses(log, in_arm, leaves_h, origin)
            found += [replace(one, phase=phase.name, arm=arm.name) for one in rules]
    return tuple(found)


def _of_pumps(pumps: PumpCourses, given: Flags, leaves_h: Patients) -> Iterator[BrokenRule]:
    """Yield each rule that somebody's pump breaks before they leave, with how many do."""
    broken: dict[str, tuple[int, float, Breach]] = {}
    for k in np.flatnonzero(given):
        for rule, one in {x.rule: x for x in reversed(pumps.broken[pumps.course[k]])}.items():
            if one.at_h > leaves_h[k] or pumps.failed_h[k] <= one.at_h <= pumps.repaired_h[k]:
                continue
            people, at_h, told = broken.get(rule, (0, math.inf, one))
            broken[rule] = (people + 1, min(at_h, one.at_h), told)
    yield from _told(broken, int(given.sum()))


def _told(broken: Mapping[str, tuple[int, float, Breach]], of: int) -> Iterator[BrokenRule]:
    """Yield broken rules in words, hazards first."""
    for rule, (people, at_h, one) in sorted(broken.items(), key=lambda item: (not item[1][2].is_hazard, item[0])):
        when = f"day {at_h / HOURS_A_DAY:.0f}"
        yield BrokenRule(rule, at_h, when, one.says, one.do, one.source, one.is_hazard, people=people, of=of)


def _of_doses(log: Doses, in_arm: Flags, leaves_h: Patients, origin: str) -> Iterator[BrokenRule]:
    """Yield each rule that the doses of somebody of an arm break, with how many do."""
    broken: dict[str, tuple[int, float, int, Breach]] = {}
    of = 0

    @functools.lru_cache(maxsize=_REMEMBERED)
    def judged(given: bytes, until: int) -> Mapping[str, Breach]:
        found = _judged(log.time_h[:until], np.frombuffer(given)[:until], origin)
        return {one.rule: one for one in reversed(found)}

    for places, part in log.groups():
        mine = np.flatnonzero(in_arm[places] & part.rate_ug_per_h.any(axis=0))
        of += len(mine)
        last = np.searchsorted(part.time_h, leaves_h[places[mine]], side="right")
        suspect = may_break(part.time_h, part.rate_ug_per_h[:, mine], last, origin)
        suspect[:1] = True  # somebody is judged whatever they were given: a run rests on the records of all rules
        mine, last = mine[suspect], last[suspect]
        # People who were given the same are judged once.
        given = np.vstack([part.rate_ug_per_h[:, mine], last[None]])
        alike, first, counts = np.unique(given, axis=1, return_index=True, return_counts=True)
        for k, person in enumerate(places[mine[first]]):
            for rule, one in judged(alike[:-1, k].astype(float).tobytes(), int(alike[-1, k])).items():
                people, at_h, before, told = broken.get(rule, (0, math.inf, len(in_arm), one))
                told = one if person < before else told
                broken[rule] = (people + int(counts[k]), min(at_h, one.at_h), min(before, int(person)), told)
    yield from _told({rule: (people, at_h, one) for rule, (people, at_h, _, one) in broken.items()}, of)


def may_break(
    time_h: Float[np.ndarray, " change"],
    rate_ug_per_h: Float[np.ndarray, "change patient"],
    until: Int[np.ndarray, " patient"],
    origin: str,
) -> Flags:
    """Return whose doses may break a rule: all others surely break none, and need not be judged one by one.

    `until` is how many of the changes count for each person. Whose dose is too high, rises too far or too soon, falls
    too far or ends is suspected.
    """
    label = parameters.load("label_dosing")
    high = min(label.ends(f"usual_dose_{origin}", "ug/day")[1], label.value("highest_dose", "ug/day"))
    daily, visit, fall, wait = steps_allowed(origin)
    dose = rate_ug_per_h.astype(float) * HOURS_A_DAY
    was = np.vstack([np.zeros_like(dose[:1]), dose[:-1]])
    counts, changed = np.arange(len(time_h))[:, None] < until, dose != was
    before = np.maximum.accumulate(np.where(changed, time_h[:, None], -math.inf))
    gap = time_h[:, None] - np.vstack([np.full_like(dose[:1], -math.inf), before[:-1]])
    step = np.where(was > 0, dose / np.where(was > 0, was, 1.0), 1.0) - 1.0
    most = np.where(gap > _DAYS_OF_A_TITRATION * wait, visit, daily)
    is_bad = (step > most + SAME) | (-step > fall + SAME) | (step > SAME) & (gap < wait * (1 - SAME))
    return np.any(counts & (is_bad | (dose > high * (1 + SAME))), axis=0)


def at_visits(settings: tuple[Setting, ...]) -> tuple[Setting, ...]:
    """Return programs of a titration, of which one later than the next day but one counts as one at a filling."""
    daily = _DAYS_OF_A_TITRATION * parameters.load("label_dosing").value("titration_interval", "h")
    gaps = np.diff([one.at_h for one in settings], prepend=-math.inf)
    return tuple(
        replace(one, at_filling=one.at_filling or bool(gap > daily)) for one, gap in zip(settings, gaps, strict=True)
    )


@parameters.remembered
def _some_device() -> Device:
    """Return a pump: no rule of doses looks at it, but a therapy is of one."""
    return Device.named(next(iter(parameters.pump_models())))


def _judged(time_h: np.ndarray, rate_ug_per_h: np.ndarray, origin: str) -> list[Breach]:
    """Return the rules of doses that one course of doses breaks, in order of time."""
    changes = np.flatnonzero(np.diff(rate_ug_per_h, prepend=0.0))
    device = _some_device()
    pump = Pump.implanted(device, 1.0, 1.0, 1.0)
    told = (Setting(float(time_h[k]), Program.simple(float(rate_ug_per_h[k])), 1.0, False, device) for k in changes)
    settings = at_visits(tuple(told))
    end = float(time_h[-1]) if time_h.size else 0.0
    therapy = Therapy(device, 1.0, 0.0, 1.0, "T10", 1.0, origin, (), end)
    found = dosing(Delivery(therapy, (), (), settings, pump, (), ()))
    return sorted(found, key=lambda one: (one.at_h, one.rule))
