"""Whether the treatments of an arm, and of arms that share people, can be given together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from eutonia._hours import HOURS_A_DAY, HOURS_A_YEAR
from eutonia.study import vocabulary
from eutonia.study.fields import Given
from eutonia.study.studyfile import Key, Problem
from eutonia.study.treatments import OTHERS, RESPONDERS, Treatment
from eutonia.study.vocabulary import Limit

if TYPE_CHECKING:
    from eutonia.study.parts import Arm, Phase

_ROUNDING = 1e-9
# How far what is given again and again is looked at for others of its place, and what rounding may take, h.
_FORESEEN_H, _ROUNDING_H = 20 * HOURS_A_YEAR, 1e-6


def dose_problems(phases: Sequence[Phase], position: int, *, beyond_label: bool) -> Iterator[Problem]:
    """Find what cannot be given together in one phase, and policies that would be ignored."""
    phase, where = phases[position], ("phase", position)
    yield from _tips(phase, where)
    for number, arm in enumerate(phase.arms):
        here: Key = (*where, "arm", number)
        yield from _two_first_rates(arm, here)
        together = (sums(who, here, beyond_label=beyond_label) for who in of_one_person(arm))
        yield from dict.fromkeys(chain.from_iterable(together))
        yield from dict.fromkeys(chain.from_iterable(too_soon(who, here) for who in of_one_person(arm)))
        yield from dict.fromkeys(chain.from_iterable(at_once(who, here) for who in of_one_person(arm)))
        if arm.titration is not None:
            found = arm.titration.faults(arm, phase.visits_h[-1], beyond_label=beyond_label)
            yield from (replace(one, at=(*here, *one.at)) for one in found)
            yield from _signs(arm, here)
        yield from _one_test_dose(arm, next((one for one in phases if one.name == phase.follows), None), here)


def of_one_person(arm: Arm) -> Iterator[tuple[Treatment | None, ...]]:
    """Yield what one person of an arm is given, None in the place of what others are."""
    for other in (OTHERS, RESPONDERS) if arm.gate is not None else (None,):
        yield tuple(None if one.given_to == other else one for one in arm.treatments)


def _tips(phase: Phase, where: Key) -> Iterator[Problem]:
    """One person has one catheter: find a second tip in an arm, or in the arms of a crossover."""
    first: tuple[str, str] | None = None
    for number, arm in enumerate(phase.arms):
        if phase.design != "crossover":
            first = None
        for position, given in enumerate(arm.treatments):
            tip = given.where_tip
            if tip is None:
                continue
            first = first or (tip, arm.name)
            if tip != first[0]:
                why = f'One person has one catheter in a phase, and its tip lies at {first[0]} (arm "{first[1]}").'
                do = f'Write tip = "{first[0]}", or give the other level an arm of its own in a parallel design.'
                yield Problem((*where, "arm", number, "treatment", position, "tip"), why, tip, f'"{first[0]}"', do=do)


def _two_first_rates(arm: Arm, here: Key) -> Iterator[Problem]:
    """Find a rate that would be ignored, because the policy has a first rate of its own."""
    start = None if arm.titration is None else arm.titration.begins_with
    for position, given in enumerate(arm.treatments):
        if arm.titration is not None and start is not None and given in arm.steered and given.amount is not None:
            said = start.text if isinstance(start, Given) else start
            why = f'The policy "{arm.titration.policy}" starts this infusion at {said}, so the rate would be ignored.'
            do, key = "Remove the key rate, or write it as the start of the titration.", given.amount_key
            yield Problem((*here, "treatment", position, key), why, given.dose_text, "no rate", do=do)


def _signs(arm: Arm, here: Key) -> Iterator[Problem]:
    """Find a stop rule on a reaction that the label does not list for what is given."""
    assert arm.titration is not None
    listed = {sign for given in arm.treatments if given.hazards for sign in vocabulary.reactions_by(given.hazards)}
    for position, rule in enumerate(arm.titration.stop_rules):
        if rule.sign not in (*vocabulary.CHARTED_SIGNS, *listed):
            why = "The label does not list this reaction for what the arm gives, so the rule would never be heeded."
            known = ", ".join(f'"{sign}"' for sign in (*vocabulary.CHARTED_SIGNS, *sorted(listed)))
            where = (*here, "titration", "stop_rule", position, "sign")
            yield Problem(where, why, rule.sign, known, do="Choose one of them.")


def sums(treatments: Sequence[Treatment | None], here: Key, *, beyond_label: bool) -> Iterator[Problem]:
    """Find treatments that add up, at one time, to more than the label allows, or than is on record."""
    here_given = [(position, given) for position, given in enumerate(treatments) if given is not None]
    for route in dict.fromkeys(sorted(given.route for _, given in here_given)):
        alike = [
            (position, given, found)
            for position, given in here_given
            if given.route == route and (found := given.adds_up(beyond_label=beyond_label)) is not None
        ]
        for _, given, (_, limit, factor, unit) in alike[:1]:
            amounts = [(position, one, amount) for position, one, (amount, *_) in alike]
            yield from _beyond(amounts, limit, factor, unit, (*here, "treatment"), given.amount_key)


def at_once(treatments: Sequence[Treatment | None], here: Key) -> Iterator[Problem]:
    """Find what is given at the same time as another of its route, where one person or limb has only one of them."""
    for later, given in enumerate(treatments):
        for earlier, other in enumerate(treatments[:later]):
            if given is None or other is None or given.alone_in is None:
                continue
            if other.route != given.route or other.alone_in != given.alone_in:
                continue
            if given.begins_h < other.ends_h and other.begins_h < given.ends_h:
                why = f"treatment[{earlier}] gives {given.route} to the same {given.alone_in} at that time."
                do = "Write one treatment with the whole amount, or let one begin when the other has stopped."
                at = (*here, "treatment", later, given.begins_key)
                yield Problem(at, why, given.begins_h.text, f"one {given.route} at a time", do=do)
                break


def too_soon(treatments: Sequence[Treatment | None], here: Key) -> Iterator[Problem]:
    """Find what is given sooner after another treatment of its route and place than their rule allows.

    Two halves of a dose, each for itself, would do more than the whole: what a dose does is no straight line.
    """
    for later, given in enumerate(treatments):
        for earlier, other in enumerate(treatments[:later]):
            if given is None or other is None:
                continue
            if given.spacing is None or other.route != given.route or other.spacing != given.spacing:
                continue
            (place, least), end = given.spacing, max(given.begins_h, other.begins_h) + _FORESEEN_H
            apart = min(abs(one - two) for one in given.times_h(end) for two in other.times_h(end))
            if apart < least - _ROUNDING_H:
                near = f"{apart / HOURS_A_DAY:g} days before or after" if apart else "at the same time"
                why = f"treatment[{earlier}] goes into the {place} too, {near}, which is sooner than labels allow."
                allowed = f"at least {least / HOURS_A_DAY:g} day from one to the next"
                do = "Write one treatment with the whole dose, or give this one later."
                at = (*here, "treatment", later, given.begins_key)
                yield Problem(at, why, given.begins_h.text, allowed, do=do)
                break


def _beyond(
    given: Sequence[tuple[int, Treatment, float]],
    limit: Limit,
    factor: float,
    unit: str,
    where: Key,
    key: str,
) -> Iterator[Problem]:
    """Find the first treatment at whose start the sum of all that are running goes beyond the limit."""
    for position, one, amount in sorted(given, key=lambda item: item[1].begins_h):
        running = [x for _, two, x in given if two.begins_h <= one.begins_h < two.ends_h]
        if len(running) > 1 and sum(running) > limit.value * (1 + _ROUNDING) >= amount:
            why = f"With what else is given at {one.begins_h.text} the dose adds up. {limit.label} is {limit.text}"
            shown = f"{sum(running) * factor:g} {unit} together"
            do = "Give the other one at another time, or lower one of them."
            yield Problem((*where, position, key), f"{why} ({limit.source}).", shown, f"at most {limit.text}", do=do)
            return


def _one_test_dose(pumped: Arm, screening: Phase | None, here: Key) -> Iterator[Problem]:
    """Find what looks back at a test dose where several are given to a person and nothing says which one worked."""
    key, given = next(iter(() if pumped.titration is None else pumped.titration.looks_back()), ((), None))
    is_start = key == ("start",)
    if screening is None or given is None:
        return
    active = [arm for arm in screening.arms if not arm.placebo and arm.test_doses]
    if screening.design == "crossover" and len(active) > 1:
        names = ", ".join(f'"{arm.name}"' for arm in active)
        why = f'In the crossover "{screening.name}" everybody is given the test doses of {len(active)} arms: {names}.'
        do = "Give one test dose and a placebo there, or a screening ladder, or write a rate here."
        yield Problem((*here, "titration", *key), why, given, "one test dose a person", do=do)
    for arm in screening.arms if is_start else ():
        doses = [given.dose_text for given in arm.test_doses]
        if len(doses) > 1 and not arm.placebo and not (arm.titration is not None and arm.titration.tests_doses):
            why = f'Arm "{arm.name}" of phase "{screening.name}" gives {len(doses)} test doses: {", ".join(doses)}.'
            do = "Give one, write a screening ladder there, or write a rate here."
            yield Problem((*here, "titration", "start"), why, "twice screening", "one test dose", do=do)
