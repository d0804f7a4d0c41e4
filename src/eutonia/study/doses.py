"""Whether the treatments of an arm, and of arms that share people, can be given together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from eutonia.study import vocabulary
from eutonia.study.fields import Given
from eutonia.study.parts import Arm, BolusTreatment, InfusionTreatment, OralTreatment, Phase, Treatment
from eutonia.study.studyfile import Key, Problem
from eutonia.study.titration import LabelTitration, LadderTitration, OralTitration, ReliefTitration, StopTitration
from eutonia.study.vocabulary import Limit

_ROUNDING = 1e-9


def dose_problems(phases: Sequence[Phase], position: int, *, beyond_label: bool) -> Iterator[Problem]:
    """Find what cannot be given together in one phase, and policies that would be ignored."""
    phase, where = phases[position], ("phase", position)
    yield from _tips(phase, where)
    for number, arm in enumerate(phase.arms):
        here: Key = (*where, "arm", number)
        yield from _two_first_rates(arm, here)
        yield from _stopped(arm, phase.visits_h[-1], here)
        yield from sums(arm, here, beyond_label=beyond_label)
        yield from _moved_at_once(arm, here)
        yield from _ladder(arm, phase.visits_h[-1], here)
        yield from _one_test_dose(arm, next((one for one in phases if one.name == phase.follows), None), here)


def _tips(phase: Phase, where: Key) -> Iterator[Problem]:
    """One person has one catheter: find a second tip in an arm, or in the arms of a crossover."""
    first: tuple[str, str] | None = None
    for number, arm in enumerate(phase.arms):
        if phase.design != "crossover":
            first = None
        for position, given in enumerate(arm.treatments):
            tip = None if isinstance(given, OralTreatment) else given.tip
            if tip is None:
                continue
            first = first or (tip, arm.name)
            if tip != first[0]:
                why = f'One person has one catheter in a phase, and its tip lies at {first[0]} (arm "{first[1]}").'
                do = f'Write tip = "{first[0]}", or give the other level an arm of its own in a parallel design.'
                yield Problem((*where, "arm", number, "treatment", position, "tip"), why, tip, f'"{first[0]}"', do=do)


def _two_first_rates(arm: Arm, here: Key) -> Iterator[Problem]:
    """Find a rate that would be ignored, because the policy has a first rate of its own."""
    if not isinstance(arm.titration, LabelTitration | ReliefTitration):
        return
    start = arm.titration.start if isinstance(arm.titration, LabelTitration) else arm.titration.start_ug_per_h
    for position, given in enumerate(arm.treatments):
        if isinstance(given, InfusionTreatment) and given.rate_ug_per_h is not None:
            said = start.text if isinstance(start, Given) else start
            why = f'The policy "{arm.titration.policy}" starts this infusion at {said}, so the rate would be ignored.'
            do = "Remove the key rate, or write it as the start of the titration."
            yield Problem((*here, "treatment", position, "rate"), why, given.rate_ug_per_h.text, "no rate", do=do)


def _stopped(arm: Arm, last: Given, here: Key) -> Iterator[Problem]:
    """Find a stop that comes before the start, after the phase, or where there is only a bolus."""
    titration = arm.titration
    if not isinstance(titration, StopTitration):
        return
    at, where = titration.at_h, (*here, "titration", "at")
    lasting = [given for given in arm.treatments if not isinstance(given, BolusTreatment)]
    if not lasting:
        why, do = "A bolus is over once it is given: nothing can be taken away.", "Remove the titration."
        yield Problem((*here, "titration", "policy"), why, titration.policy, "tablets or an infusion", do=do)
    late = next((given for given in arm.treatments if _begins(given) >= at), None)
    if late is not None:
        why = f"Treatment is taken away before {late.product} begins at {_begins(late).text}."
        do = "Stop it later, or start the treatment earlier."
        yield Problem(where, why, at.text, f"later than {_begins(late).text}", do=do)
    elif at >= last:
        why = f"Nobody is examined after this: the last visit is at {last.text}."
        yield Problem(where, why, at.text, f"before {last.text}", do="Add a later visit, or stop it earlier.")


def _ladder(arm: Arm, last: Given, here: Key) -> Iterator[Problem]:
    """Find test doses of a ladder that nobody would be given, or that come before the one before is judged."""
    ladder, watch = arm.titration, vocabulary.longest_watch()
    if not isinstance(ladder, LadderTitration):
        return
    if ladder.every_h < watch.value:
        why = f"A test dose is judged until {watch.text} after it ({watch.source}), and the next one is given before."
        do = 'Write every = "24 hour".'
        yield Problem((*here, "titration", "every"), why, ladder.every_h.text, f"{watch.text} or more", do=do)
    begin = next((given.at_h for given in arm.treatments if isinstance(given, BolusTreatment)), 0.0)
    for position, dose in enumerate(ladder.doses_ug):
        at = begin + position * ladder.every_h
        if at >= last:
            why = f"Its turn comes {at:g} h after the start of the phase, and the last visit is at {last.text}."
            do = "Add a later visit, or leave the dose out."
            yield Problem((*here, "titration", "doses", position), why, dose.text, f"given before {last.text}", do=do)
            return


def _begins(given: Treatment) -> Given:
    return given.at_h if isinstance(given, BolusTreatment) else given.start_h


def _ends(given: Treatment) -> float:
    """Return the hour from which nothing of a treatment is given; a bolus is given at its own hour only."""
    if isinstance(given, BolusTreatment):
        return math.nextafter(given.at_h, math.inf)
    return given.stop_h or math.inf


def sums(arm: Arm, here: Key, *, beyond_label: bool) -> Iterator[Problem]:
    """Find treatments that add up, at one time, to more than the label allows, or than is on record."""
    flows = [
        (position, given, float(given.rate_ug_per_h))
        for position, given in enumerate(arm.treatments)
        if isinstance(given, InfusionTreatment) and given.rate_ug_per_h is not None
    ]
    tablets = [
        (position, given, given.dose_mg * vocabulary.HOURS_PER_DAY / given.every_h)
        for position, given in enumerate(arm.treatments)
        if isinstance(given, OralTreatment)
    ]
    rate, daily = vocabulary.largest_rate(), vocabulary.largest_oral_dose()
    if beyond_label:
        rate, daily = vocabulary.intrathecal_rate_on_record(), vocabulary.oral_dose_on_record()
    boluses = [
        (position, given, float(given.dose_ug))
        for position, given in enumerate(arm.treatments)
        if isinstance(given, BolusTreatment)
    ]
    bolus = vocabulary.intrathecal_dose_on_record() if beyond_label else vocabulary.largest_bolus()
    yield from _beyond(boluses, bolus, 1.0, "ug", (*here, "treatment"), "dose")
    yield from _beyond(flows, rate, vocabulary.HOURS_PER_DAY, "ug/day", (*here, "treatment"), "rate")
    yield from _beyond(tablets, daily, 1.0, "mg a day", (*here, "treatment"), "dose")


def _beyond(
    given: Sequence[tuple[int, Treatment, float]],
    limit: Limit,
    factor: float,
    unit: str,
    where: Key,
    key: str,
) -> Iterator[Problem]:
    """Find the first treatment at whose start the sum of all that are running goes beyond the limit."""
    for position, one, amount in sorted(given, key=lambda item: _begins(item[1])):
        running = [x for _, two, x in given if _begins(two) <= _begins(one) < _ends(two)]
        if len(running) > 1 and sum(running) > limit.value * (1 + _ROUNDING) >= amount:
            why = f"With what else is given at {_begins(one).text} the dose adds up. {limit.label} is {limit.text}"
            shown = f"{sum(running) * factor:g} {unit} together"
            do = "Give the other one at another time, or lower one of them."
            yield Problem((*where, position, key), f"{why} ({limit.source}).", shown, f"at most {limit.text}", do=do)
            return


def _moved_at_once(arm: Arm, here: Key) -> Iterator[Problem]:
    """Find a first dose outside the range of its policy, which would be moved into it without a word."""
    titration = arm.titration
    if isinstance(titration, OralTitration):
        for position, given in enumerate(arm.treatments):
            if isinstance(given, OralTreatment) and given.dose_mg > titration.max_mg:
                why, most = "It is above the largest dose of the titration.", titration.max_mg.text
                where = (*here, "treatment", position, "dose")
                yield Problem(where, why, given.dose_mg.text, f"at most {most}", do="Correct one of the two.")
    if isinstance(titration, LabelTitration) and isinstance(titration.start, Given):
        least = vocabulary.lowest_rate()
        if titration.start < least.value * (1 - _ROUNDING):
            why = f"{least.label} is {least.text} ({least.source}), and the policy gives no less."
            do = "Raise it, or leave the titration out."
            yield Problem((*here, "titration", "start"), why, titration.start.text, f"at least {least.text}", do=do)


def _one_test_dose(pumped: Arm, screening: Phase | None, here: Key) -> Iterator[Problem]:
    """Find what looks back at a test dose where several are given to a person and nothing says which one worked."""
    is_start = getattr(pumped.titration, "start", None) == "twice screening"
    key: Key = ("start",) if is_start else ("target", "below_screening")
    given = (
        "twice screening" if is_start else getattr(getattr(pumped.titration, "target", None), "below_screening", None)
    )
    if screening is None or given is None:
        return
    active = [arm for arm in screening.arms if not arm.placebo and _is_injected(arm)]
    if screening.design == "crossover" and len(active) > 1:
        names = ", ".join(f'"{arm.name}"' for arm in active)
        why = f'In the crossover "{screening.name}" everybody is given the test doses of {len(active)} arms: {names}.'
        do = "Give one test dose and a placebo there, or a screening ladder, or write a rate here."
        yield Problem((*here, "titration", *key), why, given, "one test dose a person", do=do)
    for arm in screening.arms if is_start else ():
        doses = [given.dose_ug.text for given in arm.treatments if isinstance(given, BolusTreatment)]
        if len(doses) > 1 and not arm.placebo and not isinstance(arm.titration, LadderTitration):
            why = f'Arm "{arm.name}" of phase "{screening.name}" gives {len(doses)} test doses: {", ".join(doses)}.'
            do = "Give one, write a screening ladder there, or write a rate here."
            yield Problem((*here, "titration", "start"), why, "twice screening", "one test dose", do=do)


def _is_injected(arm: Arm) -> bool:
    return any(isinstance(given, BolusTreatment) for given in arm.treatments)
