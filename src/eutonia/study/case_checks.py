"""What must hold between the parts of a case: events that can happen, on a person who has what they are done to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, combinations, groupby, pairwise
from typing import TYPE_CHECKING

from eutonia._hours import HOURS_A_DAY
from eutonia.study import vocabulary
from eutonia.study.case import (
    BolusEvent,
    CasePump,
    DialysisEvent,
    Event,
    InfusionEvent,
    RefillEvent,
    StopInfusionEvent,
    TabletsEvent,
    excludes,
    rank,
)
from eutonia.study.case_therapy import day_0, therapy_problems
from eutonia.study.doses import at_once, sums, too_soon
from eutonia.study.fields import Given
from eutonia.study.lesion_mask import mask_problems
from eutonia.study.studyfile import Key, Problem
from eutonia.study.treatments import EVERYBODY, product_fits, strength_fits

if TYPE_CHECKING:
    from eutonia.study.design import CaseStudy


# A session every other day for five years.
_MOST_SESSIONS = 1000
# What each stop ends, and what is wrong where nothing of it is under way.
_STOPS = {
    "stop tablets": ("tablets", "No tablets are taken at that time."),
    "stop infusion": ("infusion", "The pump gives nothing at that time."),
    "stop practice": ("practice", "Nothing is practised at that time."),
}


def _no_draws(study: CaseStudy) -> Iterator[Problem]:
    """Find a case that says whether numbers are drawn: it is one person, not many trials."""
    if (held := study.head.parameters) is not None:
        why = "A case holds the numbers of the science: only replicate trials draw them."
        yield Problem(("study", "parameters"), why, held, "the key in a trial", do="Leave it out.")


def case_problems(study: CaseStudy) -> list[Problem]:
    """Return everything in a case that does not fit together."""
    found: list[Problem] = []
    under_way: set[str] = set()
    ordered = sorted(enumerate(study.events_as_written), key=lambda one: rank(one[1]))
    found += chain(mask_problems(study), _charted_once(study))
    found += chain(_one_tip(study), _treatments(study), () if study.pump is None else _flows(study.pump, ordered))
    found += chain(therapy_problems(study), _sessions(study), _no_draws(study))
    for _, here in groupby(ordered, key=lambda one: one[1].at_h):
        for (earlier, before), (later, after) in combinations(here, 2):
            if excludes(before, after):
                why = f'event[{earlier}], "{before.kind}", is of the same time, and only one of the two can hold.'
                do = "Drop one of the two, or move it to the time at which it is done."
                found.append(Problem(("event", later, "at"), why, after.at_h.text, "one of them at one time", do=do))
    for position, event in ordered:
        where: Key = ("event", position)
        if event.at_h > study.case.duration_h:
            why, allowed = "It happens after the end of the case.", f"at most {study.case.duration_h.text}"
            found.append(Problem((*where, "at"), why, event.at_h.text, allowed, do="Lengthen the case, or move it."))
        product = getattr(event, "product", None)
        if product is not None:
            route = "oral" if isinstance(event, TabletsEvent) else "intrathecal bolus"
            found += [replace(one, at=(*where, *one.at)) for one in product_fits(product, route)]
        if isinstance(event, TabletsEvent):
            found += [replace(one, at=(*where, *one.at)) for one in strength_fits(event.product, event.dose_mg)]
        if isinstance(event, InfusionEvent | StopInfusionEvent | RefillEvent):
            found += _pump_event(study, event, where)
        if event.kind in _STOPS:
            what, why = _STOPS[event.kind]
            if what not in under_way and (what != "infusion" or study.pump is not None):
                do = f'Remove it, or add an earlier event of kind "{what}".'
                found.append(Problem((*where, "kind"), why, event.kind, do=do))
            under_way.discard(what)
        under_way.add(event.kind)
    if study.assessment.rater == "human":
        why = "In a case nobody scores: every possible person is shown as they are."
        do = 'Write rater = "noiseless".'
        found.append(Problem(("assessment", "rater"), why, "human", '"noiseless"', do=do))
    if study.pump is not None:
        fits = product_fits(study.pump.product, "intrathecal infusion")
        found += [replace(one, at=("pump", *one.at)) for one in fits]
    return found


def first_treatment(study: CaseStudy) -> Given | None:
    """Return when the first treatment begins, h since the onset: by an event, the pump program, or beside the drug."""
    begins = [event.at_h for event in study.events if event.kind in ("bolus", "infusion", "tablets", "practice")]
    if study.therapy is not None and (begun := day_0(study, study.therapy)) is not None:
        pump = begun + min(event.at_h for event in study.therapy.program.therapy.events)
        begins.append(Given(pump, f"day {pump / HOURS_A_DAY:.4g} (by its pump program)"))
    return min([*begins, *(given.begins_h for given in study.treatments)], default=None)


def _charted_once(study: CaseStudy) -> Iterator[Problem]:
    """Find a second score of what has one already, and a score of a time at which treatment has begun."""
    first = first_treatment(study)
    for position, row in enumerate(study.charted):
        where: Key = ("charted", position)
        before = study.charted[:position]
        of_limb = [one for one in before if one.of_limb == row.of_limb]
        if any(one.muscle == row.muscle or None in (one.muscle, row.muscle) for one in of_limb):
            why = f"The {row.of_limb} has a charted score already, and one is all that a limb's tone can follow."
            do = "Drop one of the two, or name different muscle groups in both."
            yield Problem((*where, "muscle" if row.muscle else "limb"), why, row.place, "each once", do=do)
        if any(one.at_h != row.at_h for one in of_limb):
            why, do = f"Muscle groups of the {row.of_limb} are charted at two times.", "Write the scores of one visit."
            yield Problem((*where, "at"), why, row.at_h.text, of_limb[0].at_h.text, do=do)
        if first is not None and row.at_h > first:
            why = f"Treatment begins at {first.text}, and this score is that of the untreated person."
            do = "Move it to its visit before treatment, or leave it out."
            yield Problem((*where, "at"), why, row.at_h.text, f"{first.text} or before", do=do)


def _treatments(study: CaseStudy) -> Iterator[Problem]:
    """Find treatments that are events in a case, that come after its end, or that add up to too much."""
    for position, given in enumerate(study.treatments):
        where: Key = ("treatment", position)
        if given.given_to != EVERYBODY:
            why, do = "A case is one person.", "Remove the key."
            yield Problem((*where, "given_to"), why, given.given_to, f'"{EVERYBODY}"', do=do)
        yield from (replace(one, at=(*where, *one.at)) for one in given.product_faults())
        if given.case_event is not None:
            why, allowed = "In a case this is told elsewhere.", "what is given beside the drug"
            yield Problem((*where, given.tag), why, given.route, allowed, do=given.in_case)
        elif given.begins_h >= study.case.duration_h:
            why, before = "It begins after the end of the case.", f"before {study.case.duration_h.text}"
            do = "Lengthen the case, or give it earlier."
            yield Problem((*where, given.begins_key), why, given.begins_h.text, before, do=do)
    yield from sums(study.treatments, (), beyond_label=study.head.allow_beyond_label)
    yield from too_soon(study.treatments, ())
    yield from at_once(study.treatments, ())


def _pump_event(
    study: CaseStudy, event: InfusionEvent | StopInfusionEvent | RefillEvent, where: Key
) -> Iterator[Problem]:
    pump = study.pump
    if study.therapy is not None:
        why, do = "What the pump does stands in its program.", f"Write it into {study.therapy.program.text}."
        yield Problem((*where, "kind"), why, event.kind, "events that are not of the pump", do=do)
        return
    if pump is None:
        do = "Add the table [pump], or remove the event."
        yield Problem((*where, "kind"), "This person has no pump.", event.kind, "a case with [pump]", do=do)
        return
    if event.at_h < pump.implanted_h:
        why = f"The pump is implanted at {pump.implanted_h.text}, later than this."
        allowed, do = f"{pump.implanted_h.text} or later", "Move one of the two."
        yield Problem((*where, "at"), why, event.at_h.text, allowed, do=do)


def _sessions(study: CaseStudy) -> Iterator[Problem]:
    """Find sessions of haemodialysis that run at one time, or more of them than anybody has."""
    told = [(k, one) for k, one in enumerate(study.events_as_written) if isinstance(one, DialysisEvent)]
    for k, one in told:
        if len(one.sessions_h) > _MOST_SESSIONS:
            why = f"These are more than {_MOST_SESSIONS} sessions."
            do = "Check the unit; let them be less often, or end sooner."
            yield Problem(("event", k, "every"), why, one.every_h.text if one.every_h else None, "fewer", do=do)
            return
    whole = sorted((begin, end, k) for k, one in told for begin, end in one.sessions_h)
    for (_, end, first), (begin, _, second) in pairwise(whole):
        if begin < end:
            why = f"A session of event[{first}] still runs when one of event[{second}] begins."
            given = study.events_as_written[second].at_h.text
            do = "Move one of the two, or let it end sooner."
            yield Problem(("event", second, "at"), why, given, "one session at one time", do=do)
            return


def _one_tip(study: CaseStudy) -> Iterator[Problem]:
    """Find a bolus through a catheter whose tip lies elsewhere than that of the person's one catheter."""
    for position, event in enumerate(study.events_as_written):
        if isinstance(event, BolusEvent) and event.tip is not None and event.tip != study.tip:
            why, do = f"The person has one catheter, and its tip lies at {study.tip}.", f'Write tip = "{study.tip}".'
            yield Problem(("event", position, "tip"), why, event.tip, f'"{study.tip}"', do=do)


def _flows(pump: CasePump, ordered: Sequence[tuple[int, Event]]) -> Iterator[Problem]:
    """Check that the pump can deliver each rate from the concentration that is in it by then."""
    lowest, highest = vocabulary.flows(pump.model)
    inside, rate = pump.concentration_ug_per_ml, None
    where, given = (0, "rate"), inside
    for position, event in ordered:
        if isinstance(event, InfusionEvent):
            rate, where, given = event.rate_ug_per_h, (position, "rate"), event.rate_ug_per_h
        elif isinstance(event, StopInfusionEvent):
            rate = None
        elif isinstance(event, RefillEvent) and event.concentration_ug_per_ml is not None:
            inside = given = event.concentration_ug_per_ml
            where = (position, "concentration")
            if any(isinstance(one, InfusionEvent) and one.at_h == event.at_h for _, one in ordered):
                continue
        else:
            continue
        flow = (rate or 0.0) * HOURS_A_DAY / inside
        if rate and not lowest <= flow <= highest:
            ends = " to ".join(f"{end * inside:g}" for end in (lowest, highest))
            why = f"{rate.text} from {inside.text} is {flow:.3g} mL/day, which the {pump.model} cannot pump."
            do, allowed = "Fill another concentration, or change the rate.", f"{ends} ug/day from {inside.text}"
            yield Problem(("event", *where), why, given.text, allowed, do=do)
