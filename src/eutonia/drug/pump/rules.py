"""Rules of labels, manuals and expert panels that a therapy breaks, with what follows from it and what to do.

A rule that is broken is a finding, not an error: the pump does what it is told, and the course shows what comes of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from eutonia import parameters
from eutonia.drug.products import find
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.course import Course, Setting
from eutonia.drug.pump.dates import stability_h
from eutonia.drug.regimen import HOURS_A_DAY

# Doses, flows and steps that differ by less than this share are the same; far below any step of a programmer.
_SAME = 1e-6
_MONTH_H = 730.5
_SOON_H = 1.0


@dataclass(frozen=True, slots=True)
class Breach:
    """A broken rule: its name, when (h), what is wrong and what follows, what to do, and the source of the rule."""

    rule: str
    at_h: float
    says: str
    do: str
    source: str
    is_hazard: bool = False


def breaches(course: Course) -> tuple[Breach, ...]:
    """Return every rule that a therapy breaks, in order of time."""
    checks = (_flows, _steps, _doses, _changes, _solutions, _priming, _mixing, _fillings, _magnets, _battery)
    return tuple(sorted((found for check in checks for found in check(course)), key=lambda one: one.at_h))


def _flows(course: Course) -> Iterator[Breach]:
    """Yield flows outside what the pump can run."""
    device = course.therapy.device
    for one in course.settings:
        strength, manual = one.concentration, _source("pump", f"{_slug(device.model)}_flow_lowest")
        running = [rate for rate in one.program.rates if rate > 0]
        floor, ceiling = device.lowest_dose(strength), device.flow_highest * strength
        if running and min(running) < floor * (1 - _SAME) and one.program.kind != "minimum rate":
            yield Breach(
                "flow below the lowest",
                one.at_h,
                f"{min(running):.3g} ug/h of {strength:g} ug/mL is {_daily(min(running) / strength):.3g} mL/day; the "
                f"{device.model} cannot run below {_daily(device.flow_lowest):.3g} mL/day and delivers "
                f"{_daily(floor):.3g} ug/day instead.",
                f"Fill with a lower concentration, or give at least {_daily(floor):.3g} ug/day.",
                manual,
            )
        if running and max(running) > ceiling * (1 + _SAME):
            yield Breach(
                "flow above the highest",
                one.at_h,
                f"{max(running):.4g} ug/h of {strength:g} ug/mL is {_daily(max(running) / strength):.4g} mL/day; the "
                f"{device.model} runs at most {_daily(device.flow_highest):.3g} mL/day.",
                "Give the bolus over a longer time, or fill with a higher concentration.",
                manual,
            )


def _steps(course: Course) -> Iterator[Breach]:
    """Yield days of more steps than the programmer holds."""
    device = course.therapy.device
    for one in course.settings:
        if device.program_steps is not None and one.program.most_steps > device.program_steps:
            yield Breach(
                "too many steps",
                one.at_h,
                f"The program has {one.program.most_steps} steps a day; the {device.model} holds "
                f"{device.program_steps}.",
                "Join steps whose rates are alike.",
                _source("pump", f"{_slug(device.model)}_program_steps"),
            )


def _doses(course: Course) -> Iterator[Breach]:
    """Yield daily doses outside the label's ranges, and a first dose above what the test dose allows."""
    therapy, label = course.therapy, parameters.load("label_dosing")
    most, (low, high) = label.value("highest_dose"), label.array(f"usual_dose_{therapy.origin}")
    for one in course.settings:
        dose = one.program.ug_per_day
        if dose > most * (1 + _SAME):
            says = f"{dose:.4g} ug/day; there are few data above {most:g} ug/day."
            do = "Check digits and unit; look for a fault of pump or catheter before going higher."
            yield Breach("dose above the label", one.at_h, says, do, label["highest_dose"].source, is_hazard=True)
        elif dose > high * (1 + _SAME):
            says = f"{dose:.4g} ug/day is above the usual {low:g}-{high:g} ug/day of {therapy.origin} origin."
            do = "Suspect pump or catheter when a dose has to rise so far."
            yield Breach(
                "dose outside the usual range", one.at_h, says, do, label[f"usual_dose_{therapy.origin}"].source
            )
    first = next((one for one in course.settings if one.program.ug_per_day > 0), None)
    if first is None or therapy.screening_ug is None:
        return
    name = "first_pump_dose_multiple_prolonged" if therapy.screening_lasted else "first_pump_dose_multiple"
    allowed = label.value(name) * therapy.screening_ug
    if first.program.ug_per_day > allowed * (1 + _SAME):
        why = f"whose effect lasted over {label.value('prolonged_effect'):g} h" if therapy.screening_lasted else "given"
        yield Breach(
            "first dose above the test dose's",
            first.at_h,
            f"{first.program.ug_per_day:.4g} ug/day after a test dose of {therapy.screening_ug:g} ug {why}; the label "
            f"begins with {allowed:.4g} ug/day.",
            f"Begin with {allowed:.4g} ug/day and raise it day by day.",
            label[name].source,
            is_hazard=True,
        )


def _changes(course: Course) -> Iterator[Breach]:
    """Yield rises and falls of the daily dose that are larger, or sooner, than the label allows."""
    label, origin = parameters.load("label_dosing"), course.therapy.origin
    daily, visit = label.spread(f"titration_step_{origin}").high, label.spread(f"maintenance_step_{origin}").high
    fall = label.spread("decrease_step").high
    assert daily is not None
    assert visit is not None
    assert fall is not None
    wait = label.value("titration_interval")
    begun: float | None = None
    for before, after in pairwise(course.settings):
        was, now = before.program.ug_per_day, after.program.ug_per_day
        begun = before.at_h if begun is None and was > 0 else begun
        if was <= 0 or now <= 0:
            if was > 0:
                yield _stopped(after)
            continue
        most, step = (visit if after.at_filling else daily), now / was - 1.0
        at = "a refill" if after.at_filling else "a titration step"
        if step > most + _SAME:
            says = f"The dose rises by {100 * step:.3g} %, from {was:.4g} to {now:.4g} ug/day; {at} allows "
            do = f"Go to {was * (1 + most):.4g} ug/day at most, and look again a day later."
            says += f"{100 * most:.3g} % for {origin} origin."
            yield Breach("step above the label", after.at_h, says, do, label[f"titration_step_{origin}"].source, True)
        if step > _SAME and after.at_h - before.at_h < wait * (1 - _SAME):
            first = begun == before.at_h
            rule = "rise in the first day" if first else "rise too soon"
            says = f"The dose rises {after.at_h - before.at_h:.3g} h after the last change; the effect of a change is "
            says += f"full only after a day or two, and the label waits {wait:g} h."
            yield Breach(rule, after.at_h, says, "Wait a day.", label["titration_interval"].source, is_hazard=first)
        ran_dry = before.at_h < course.first("empty", before.at_h) <= after.at_h
        if -step > fall + _SAME and not ran_dry:
            says = f"The dose falls by {-100 * step:.3g} %, from {was:.4g} to {now:.4g} ug/day; the label lowers by at "
            says += f"most {100 * fall:.3g} %. Watch for withdrawal: itch, rising tone, fever, altered mind."
            yield Breach("fall above the label", after.at_h, says, "Lower in steps.", label["decrease_step"].source)


def _stopped(setting: Setting) -> Breach:
    says = "The pump is stopped at once: withdrawal within one to three days, with fever, rigidity and altered mind."
    return Breach("abrupt stop", setting.at_h, says, "Lower the dose in steps.", "Label_ITB", is_hazard=True)


def _solutions(course: Course) -> Iterator[Breach]:
    """Yield concentrations that are not on the market."""
    therapy, records = course.therapy, parameters.load("pump")
    given = {0.0: therapy.concentration}
    given |= {
        event.at_h: event.concentration
        for event in therapy.events
        if isinstance(event, happens.Refill | happens.Replacement) and event.concentration is not None
    }
    named = find(therapy.product, "intrathecal").strengths if therapy.product else records.array("concentrations")
    for at, strength in given.items():
        if strength not in named:
            sold = ", ".join(f"{one:g}" for one in named)
            what = therapy.product or "baclofen for pumps"
            says = f"{strength:g} ug/mL is no strength of {what}, which comes in {sold} ug/mL."
            do = "A compounded solution has no label: its stability and its dose are the maker's to show."
            yield Breach("no such strength", at, says, do, records["concentrations"].source)


def _priming(course: Course) -> Iterator[Breach]:
    """Yield programs that push an empty catheter along, and primings and flushes that push drug out of it."""
    therapy, dead = course.therapy, course.therapy.dead_volume
    events, most = therapy.events, max(parameters.load("label_dosing").array("screening_ladder"))
    implants = [0.0, *(event.at_h for event in events if isinstance(event, happens.Replacement))]
    primes = [event for event in events if isinstance(event, happens.Prime)]
    for begun, end in pairwise([*implants, math.inf]):
        first = next((one for one in course.settings if begun <= one.at_h < end and one.program.ug_per_day > 0), None)
        done = [event for event in primes if begun <= event.at_h < end]
        flow = first.program.ug_per_day / HOURS_A_DAY / first.concentration if first else 0.0
        if first is not None and not any(event.at_h <= first.at_h for event in done):
            empty = dead if begun == 0.0 else therapy.device.internal_volume
            if empty > 0:
                says = f"Tubing of {empty:.3g} mL holds no drug, and at this flow none comes out of it for "
                says += f"{empty / therapy.device.runs(flow) / HOURS_A_DAY:.2g} days."
                do = f"Prime with {empty:.3g} mL ({empty * first.concentration:.3g} ug)."
                yield Breach(
                    "no priming",
                    first.at_h,
                    says,
                    do,
                    _source("pump", f"{_slug(therapy.device.model)}_catheter_volume_per_length"),
                )
    for at, words in ((one.at_h, one.words) for one in course.happenings if one.what in ("prime", "flush")):
        over = 2.0 * dead / therapy.device.flow_highest + _SOON_H
        out = course.totals([at, at + over])[1, 0]
        usual = max((one.program.ug_per_day for one in course.settings if one.at_h <= at + over), default=0.0)
        at_once = out - usual * over / HOURS_A_DAY
        if at_once > most * (1 + _SAME):
            says = f"{words[0].upper()}{words[1:]}. {at_once:.3g} ug reach the fluid at once, more than {most:g} ug, "
            says += "the largest test dose: overdose."
            do = "Draw the catheter's content out through its access port before anything is injected."
            yield Breach("bolus out of the catheter", at, says, do, _source("label_dosing", "screening_ladder"), True)


def _mixing(course: Course) -> Iterator[Breach]:
    """Yield changes of concentration without a bridge bolus."""
    therapy, strength = course.therapy, course.therapy.concentration
    bridges = [event.at_h for event in therapy.events if isinstance(event, happens.Bridge | happens.Prime)]
    for event in therapy.events:
        if not isinstance(event, happens.Refill | happens.Replacement):
            continue
        new, old = event.concentration or strength, strength
        strength = new
        if new == old or any(abs(at - event.at_h) <= _SOON_H for at in bridges):
            continue
        programs = [one.program.ug_per_day for one in course.settings if one.at_h <= event.at_h + _SOON_H]
        dose = programs[-1] if programs else 0.0
        if dose <= 0 or therapy.dead_volume <= 0:
            continue
        days = therapy.dead_volume * new / dose
        says = f"From {old:g} to {new:g} ug/mL, with the old solution still in {therapy.dead_volume:.3g} mL of tubing: "
        says += f"for {days:.2g} days the tip delivers {dose * old / new:.3g} instead of {dose:.4g} ug/day."
        do = f"Give a bridge bolus: {therapy.dead_volume * new:.4g} ug of the new solution over "
        do += f"{therapy.dead_volume * old / dose * HOURS_A_DAY:.3g} h."
        source = _source("pump", "concentration_start")
        yield Breach("no bridge bolus", event.at_h, says, do, source, is_hazard=True)


def _fillings(course: Course) -> Iterator[Breach]:
    """Yield reservoirs that run dry, and fillings that stay longer than the drug is stable."""
    therapy, cap = course.therapy, stability_h()
    fills = [one.at_h for one in course.happenings if one.what == "filled"]
    for at in (one.at_h for one in course.happenings if one.what == "empty"):
        again = next((fill for fill in fills if fill > at), None)
        long = f"for {(again - at) / HOURS_A_DAY:.2g} days" if again else "to the end of what is written"
        says = f"The reservoir is dry {long}. Withdrawal begins within one to three days and can kill."
        do = "Refill before the alarm; the next date counts the error of flow in."
        yield Breach("refill missed", at, says, do, "Label_ITB", is_hazard=True)
    for filled, end in pairwise([*fills, max(therapy.duration_h, fills[-1])]):
        kept = min(end, course.first("empty", filled)) - filled
        if kept > cap * (1 + _SAME):
            days = kept / HOURS_A_DAY
            says = f"A filling stays for {days:.3g} days; the drug is stable for {cap / HOURS_A_DAY:g}."
            do = f"Refill by {therapy.day(filled + cap)}."
            yield Breach("filling too old", filled + cap, says, do, _source("pump", "refill_cap"))


def _magnets(course: Course) -> Iterator[Breach]:
    """Yield examinations in a magnet with drug in a pump whose valve the magnet opens."""
    most = course.therapy.device.magnet_volume
    for event in course.therapy.events:
        if not isinstance(event, happens.Magnet) or most is None:
            continue
        pushed = course.totals([event.at_h, event.at_h + most / course.therapy.device.flow_highest])[0, 0]
        if pushed > 0:
            says = f"The {course.therapy.device.model} was not emptied before the magnet: up to {pushed:.3g} ug at "
            says += "once, and then nothing until the pump is reset."
            do = "Empty the pump before the examination; restart and refill it after."
            yield Breach(
                "not emptied before a magnet",
                event.at_h,
                says,
                do,
                _source("pump", "prometra_ii_emergency_dose"),
                is_hazard=True,
            )


def _battery(course: Course) -> Iterator[Breach]:
    """Yield a battery that may end before the course does, with no replacement written down."""
    therapy, records = course.therapy, parameters.load("pump")
    ahead = records.value("replacement_ahead") * _MONTH_H
    starts = [0.0, *(event.at_h for event in therapy.events if isinstance(event, happens.Replacement))]
    for begun, end in pairwise([*starts, therapy.duration_h]):
        book = begun + therapy.device.battery_life.low - ahead
        if end > book:
            says = f"The battery may end from {therapy.day(begun + therapy.device.battery_life.low)} on."
            do = f"Book the replacement by {therapy.day(book)}."
            yield Breach("battery", book, says, do, records["replacement_ahead"].source)


def _daily(per_hour: float) -> float:
    return per_hour * HOURS_A_DAY


def _source(of: str, name: str) -> str:
    return parameters.load(of)[name].source


def _slug(model: str) -> str:
    return model.casefold().replace(" ", "_")
