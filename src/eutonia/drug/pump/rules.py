"""Rules of labels, manuals and expert panels that a therapy breaks, with what follows from it and what to do.

A rule that is broken is a finding, not an error: the pump does what it is told, and the course shows what comes of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY, HOURS_A_MONTH
from eutonia.drug.products import find
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.breach import Breach as Breach
from eutonia.drug.pump.breach import source_of as _source
from eutonia.drug.pump.course import Delivery, Setting
from eutonia.drug.pump.dates import stability_h
from eutonia.drug.pump.handling import handling
from eutonia.drug.pump.player import MINIMUM
from eutonia.drug.pump.told import told

# Doses, flows and steps that differ by less than this share are the same; far below any step of a programmer.
SAME = 1e-6


def breaches(course: Delivery) -> tuple[Breach, ...]:
    """Return every rule that a therapy breaks, in order of time."""
    checks = (_flows, _steps, _doses, _changes, _restarts, _bridges, _solutions, _fillings, _battery, handling)
    found = [one for check in checks for one in check(course)]
    return tuple(sorted([*found, *told(course, found)], key=lambda one: (one.at_h, one.rule)))


def dosing(course: Delivery) -> Iterator[Breach]:
    """Yield every rule of doses and of their steps that a course breaks, whatever pump gives them."""
    for check in (_doses, _changes):
        yield from check(course)


def _flows(course: Delivery) -> Iterator[Breach]:
    """Yield flows outside what the pump can run."""
    for one in course.settings:
        device = one.device
        strength, manual = one.concentration, _source(device.records, "flow_lowest")
        running = [rate for rate in one.program.rates if rate > 0]
        floor, ceiling = device.lowest_dose(strength), device.flow_highest * strength
        if running and min(running) < floor * (1 - SAME) and one.program.kind != MINIMUM:
            yield Breach(
                "flow below the lowest",
                one.at_h,
                f"{min(running):.3g} ug/h of {strength:g} ug/mL is {_daily(min(running) / strength):.3g} mL/day; the "
                f"{device.model} cannot run below {_daily(device.flow_lowest):.3g} mL/day and delivers "
                f"{_daily(floor):.3g} ug/day instead.",
                f"Fill with a lower concentration, or give at least {_daily(floor):.3g} ug/day.",
                manual,
            )
        if running and max(running) > ceiling * (1 + SAME):
            yield Breach(
                "flow above the highest",
                one.at_h,
                f"{max(running):.4g} ug/h of {strength:g} ug/mL is {_daily(max(running) / strength):.4g} mL/day; the "
                f"{device.model} runs at most {_daily(device.flow_highest):.3g} mL/day.",
                "Give the bolus over a longer time, or fill with a higher concentration.",
                manual,
            )


def _steps(course: Delivery) -> Iterator[Breach]:
    """Yield days of more steps than the programmer holds."""
    for one in course.settings:
        device = one.device
        if device.program_steps is not None and one.program.most_steps > device.program_steps:
            yield Breach(
                "too many steps",
                one.at_h,
                f"The program has {one.program.most_steps} steps a day; the {device.model} holds "
                f"{device.program_steps}.",
                "Join steps whose rates are alike.",
                _source(device.records, "program_steps"),
            )


def _doses(course: Delivery) -> Iterator[Breach]:
    """Yield daily doses outside the label's ranges, and a first dose above what the test dose allows."""
    therapy, label = course.therapy, parameters.load("label_dosing")
    most, (low, high) = label.value("highest_dose", "ug/day"), label.ends(f"usual_dose_{therapy.origin}", "ug/day")
    for one in course.settings:
        dose = one.program.ug_per_day
        if dose > most * (1 + SAME):
            says = f"{dose:.4g} ug/day; there are few data above {most:g} ug/day."
            do = "Check digits and unit; look for a fault of pump or catheter before going higher."
            yield Breach("dose above the label", one.at_h, says, do, label["highest_dose"].source, is_hazard=True)
        elif dose > high * (1 + SAME):
            says = f"{dose:.4g} ug/day is above the usual {low:g}-{high:g} ug/day of {therapy.origin} origin."
            do = "Suspect pump or catheter when a dose has to rise so far."
            yield Breach(
                "dose outside the usual range", one.at_h, says, do, label[f"usual_dose_{therapy.origin}"].source
            )
    first = next((one for one in course.settings if one.program.ug_per_day > 0), None)
    if first is None or therapy.screening_ug is None:
        return
    name = "first_pump_dose_multiple_prolonged" if therapy.screening_lasted else "first_pump_dose_multiple"
    allowed = label.value(name, "1/day") * therapy.screening_ug
    if first.program.ug_per_day > allowed * (1 + SAME):
        why = (
            f"whose effect lasted over {label.value('prolonged_effect', 'h'):g} h"
            if therapy.screening_lasted
            else "given"
        )
        yield Breach(
            "first dose above the test dose's",
            first.at_h,
            f"{first.program.ug_per_day:.4g} ug/day after a test dose of {therapy.screening_ug:g} ug {why}; the label "
            f"begins with {allowed:.4g} ug/day.",
            f"Begin with {allowed:.4g} ug/day and raise it day by day.",
            label[name].source,
            is_hazard=True,
        )


def steps_allowed(origin: str) -> tuple[float, float, float, float]:
    """Return the largest rise of a titration step and at a visit, the largest fall (shares), and the wait between two
    rises (h).
    """
    label = parameters.load("label_dosing")
    names = (f"titration_step_{origin}", f"maintenance_step_{origin}", "decrease_step")
    daily, visit, fall = (label.spread(name, "1").high for name in names)
    assert daily is not None
    assert visit is not None
    assert fall is not None
    return daily, visit, fall, label.value("titration_interval", "h")


def _changes(course: Delivery) -> Iterator[Breach]:
    """Yield rises and falls of the daily dose that are larger, or sooner, than the label allows."""
    label, origin = parameters.load("label_dosing"), course.therapy.origin
    daily, visit, fall, wait = steps_allowed(origin)
    brief = parameters.load("pump").value("course_nothing_time", "h")
    before: Setting | None = None  # the last that gave a dose
    begun, fell, is_stopped = math.inf, -math.inf, False
    for k, after in enumerate(course.settings):
        now = _dose(after)
        if now <= 0:
            again = next((one.at_h for one in course.settings[k:] if _dose(one) > 0), math.inf)
            if before is not None and not is_stopped and again - after.at_h >= brief:
                if not _ends_a_taper(_dose(before), after.at_h - fell):
                    yield _stopped(after)
                is_stopped = True
            continue
        was_stopped, is_stopped = is_stopped, False
        before, last = after, before
        if last is None:
            begun = after.at_h
            continue
        was = _dose(last)
        most, step = (visit if after.at_filling else daily), now / was - 1.0
        at = "a refill" if after.at_filling else "a titration step"
        if step > most + SAME:
            rise = float(f"{100 * step:.3g}")  # 4900, and not 4.9e+03
            says = f"The dose rises by {rise:g} %, from {was:.4g} to {now:.4g} ug/day; {at} allows "
            do = f"Go to {was * (1 + most):.4g} ug/day at most, and look again a day later."
            says += f"{100 * most:.3g} % for {origin} origin."
            yield Breach("step above the label", after.at_h, says, do, label[f"titration_step_{origin}"].source, True)
        if step > SAME and after.at_h - last.at_h < wait * (1 - SAME):
            first = begun == last.at_h
            rule = "rise in the first day" if first else "rise too soon"
            says = f"The dose rises {after.at_h - last.at_h:.3g} h after the last change; the effect of a change is "
            says += f"full only after a day or two, and the label waits {wait:g} h."
            yield Breach(rule, after.at_h, says, "Wait a day.", label["titration_interval"].source, is_hazard=first)
        ran_dry = last.at_h < course.first("empty", last.at_h) <= after.at_h
        if -step > fall + SAME and not (ran_dry or was_stopped):
            says = f"The dose falls by {-100 * step:.3g} %, from {was:.4g} to {now:.4g} ug/day; the label lowers by at "
            says += f"most {100 * fall:.3g} %. Watch for withdrawal: itch, rising tone, fever, altered mind."
            fell = after.at_h
            yield Breach("fall above the label", after.at_h, says, "Lower in steps.", label["decrease_step"].source)


def _ends_a_taper(dose: float, since_fall_h: float) -> bool:
    """Return whether nothing lower can be programmed by a step of the label, and no larger step led to this dose."""
    label = parameters.load("label_dosing")
    lower = dose * (1.0 - (label.spread("decrease_step", "1").high or 0.0))
    return lower < label.value("lowest_dose", "ug/day") and since_fall_h >= label.value("drug_holiday", "h")


def _dose(setting: Setting) -> float:
    """Return the dose that a program means, ug/day; the minimum rate means none."""
    return 0.0 if setting.program.kind == MINIMUM else setting.program.ug_per_day


def _stopped(setting: Setting) -> Breach:
    how = "is stopped"
    if setting.program.kind == MINIMUM:
        how = f"goes to the minimum rate, {setting.program.ug_per_day:.3g} ug/day, which only keeps the tubing open,"
    says = f"The pump {how} at once: withdrawal within one to three days, with fever, rigidity and altered mind."
    return Breach("abrupt stop", setting.at_h, says, "Lower the dose in steps.", "Label_ITB", is_hazard=True)


def _solutions(course: Delivery) -> Iterator[Breach]:
    """Yield concentrations that are not on the market."""
    therapy, records = course.therapy, parameters.load("pump")
    given = {therapy.starts_h: therapy.concentration}
    given |= {
        event.at_h: event.concentration
        for event in therapy.events
        if isinstance(event, happens.FILLINGS) and event.concentration is not None
    }
    named = (
        find(therapy.product, "intrathecal").strengths
        if therapy.product
        else records["concentrations"].to("ug/mL").sorted()
    )
    for at, strength in given.items():
        if strength not in named:
            sold = ", ".join(f"{one:g}" for one in named)
            what = therapy.product or "baclofen for pumps"
            says = f"{strength:g} ug/mL is no strength of {what}, which comes in {sold} ug/mL."
            do = "A compounded solution has no label: its stability and its dose are the maker's to show."
            yield Breach("no such strength", at, says, do, records["concentrations"].source)


def _restarts(course: Delivery) -> Iterator[Breach]:
    """Yield returns, after a drug holiday, to more than the dose of the beginning: sensitivity has come back."""
    label = parameters.load("label_dosing")
    least = label.value("drug_holiday", "day") * HOURS_A_DAY
    first = next((one.program.ug_per_day for one in course.settings if one.program.ug_per_day > 0), 0.0)
    last = math.inf  # when drug left the tip for the last time
    for piece in course.pieces:
        if piece.delivered <= 0 or piece.hours <= 0:
            continue
        setting, gap = course.setting(piece.start_h), piece.start_h - last
        last = piece.end_h
        if gap < least * (1 - SAME) or setting is None or setting.program.ug_per_day <= first * (1 + SAME):
            continue
        says = (
            f"After {gap / HOURS_A_DAY:.3g} days without drug the pump gives {setting.program.ug_per_day:.4g} ug/day; "
        )
        says += f"sensitivity has come back, and the label begins anew with the first dose, {first:.4g} ug/day."
        do = f"Begin with {first:.4g} ug/day and raise it day by day."
        yield Breach("full dose after a holiday", piece.start_h, says, do, label["drug_holiday"].source, is_hazard=True)


def _bridges(course: Delivery) -> Iterator[Breach]:
    """Yield bridges that keep another dose than the person has had."""
    label, origin = parameters.load("label_dosing"), course.therapy.origin
    rise = label.spread(f"titration_step_{origin}", "1").high
    fall = label.spread("decrease_step", "1").high
    assert rise is not None
    assert fall is not None
    for event in course.therapy.events:
        if not isinstance(event, happens.Bridge):
            continue
        before = next((one for one in reversed(course.settings) if one.at_h < event.at_h), None)
        was, keeps = before.program.ug_per_day if before else 0.0, event.keeps_ug_per_h * HOURS_A_DAY
        if was <= 0 or -fall - SAME <= keeps / was - 1.0 <= rise + SAME:
            continue
        more = keeps > was
        says = f"The bridge keeps {keeps:.4g} ug/day where {was:.4g} ug/day were programmed, "
        says += (
            f"{100 * abs(keeps / was - 1.0):.3g} % {'more' if more else 'less'}; a step {'up' if more else 'down'} is "
        )
        says += f"at most {100 * (rise if more else fall):.3g} % for {origin} origin."
        do = f"Let the bridge keep {was:.4g} ug/day, and change the dose by the program that follows it."
        source = label[f"titration_step_{origin}" if more else "decrease_step"].source
        yield Breach("bridge that changes the dose", event.at_h, says, do, source, is_hazard=more)


def _fillings(course: Delivery) -> Iterator[Breach]:
    """Yield reservoirs that run dry, and fillings that stay longer than the drug is stable."""
    therapy, cap = course.therapy, stability_h()
    fills = [one.at_h for one in course.happenings if one.what == "filled"]
    gone = [one.at_h for one in course.happenings if one.what in ("empty", "emptied", "pocket")]
    for at in (one.at_h for one in course.happenings if one.what == "empty"):
        again = next((fill for fill in fills if fill > at), None)
        long = f"for {(again - at) / HOURS_A_DAY:.2g} days" if again else "to the end of what is written"
        says = f"The reservoir is dry {long}. Withdrawal begins within one to three days and can kill."
        do = "Refill before the alarm; the next date counts the error of flow in."
        yield Breach("refill missed", at, says, do, "Label_ITB", is_hazard=True)
    for filled, end in pairwise([*fills, max(therapy.duration_h, fills[-1])]):
        kept = min([end, *(at for at in gone if at > filled)]) - filled
        if kept > cap * (1 + SAME):
            days = kept / HOURS_A_DAY
            says = f"A filling stays for {days:.3g} days; the drug is stable for {cap / HOURS_A_DAY:g}."
            do = f"Refill by {therapy.day(filled + cap)}."
            yield Breach("filling too old", filled + cap, says, do, _source("pump", "refill_cap"))


def _battery(course: Delivery) -> Iterator[Breach]:
    """Yield a battery that may end before the course does, with no replacement written down."""
    therapy, records = course.therapy, parameters.load("pump")
    ahead = records.value("replacement_ahead", "month") * HOURS_A_MONTH
    pumps = [(therapy.starts_h, course.implants[0].device)]
    replaced = [event.at_h for event in therapy.events if isinstance(event, happens.Replacement)]
    pumps += [(at, course.implant(at).device) for at in replaced]
    for (begun, device), end in zip(pumps, [*replaced, therapy.duration_h], strict=True):
        book = begun + device.battery_life.low - ahead
        if end > book:
            says = f"The battery may end from {therapy.day(begun + device.battery_life.low)} on."
            do = f"Book the replacement by {therapy.day(book)}."
            yield Breach("battery", book, says, do, records["replacement_ahead"].source)


def _daily(per_hour: float) -> float:
    return per_hour * HOURS_A_DAY
