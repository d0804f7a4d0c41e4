"""Rules of what hands do to a pump: boluses out of the catheter, magnets, fills beside the port, volumes found."""

from __future__ import annotations

from collections.abc import Iterator

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.pump import therapy as happens
from eutonia.drug.pump.breach import Breach, source_of
from eutonia.drug.pump.course import Delivery

# Doses that differ by less than this share are the same.
_SAME = 1e-6
_SOON_H = 1.0
BOLUS = "bolus out of the catheter"


def handling(course: Delivery) -> Iterator[Breach]:
    """Yield every rule of handling that a course breaks."""
    for check in (_boluses, _magnets, _pocket, _found, _patient, _shut):
        yield from check(course)


def manual(course: Delivery, time_h: float) -> str:
    """Return the manual of the pump that is in place at a time."""
    return source_of(course.implant(time_h).device.records, "flow_highest")


def _boluses(course: Delivery) -> Iterator[Breach]:
    """Yield primings and flushes that push drug out of the catheter."""
    most = max(parameters.load("label_dosing")["screening_ladder"].to("ug").numbers)
    for one in course.happenings:
        if one.what not in ("prime", "flush"):
            continue
        here = course.implant(one.at_h)
        over = 2.0 * here.dead_volume / here.device.flow_highest + _SOON_H
        out, wanted = course.totals([one.at_h, one.at_h + over])[1, 0], course.wanted([one.at_h, one.at_h + over])[0]
        if out - wanted > most * (1 + _SAME):
            says = f"{one.words[0].upper()}{one.words[1:]}. {out - wanted:.3g} ug reach the fluid at once, more than "
            says += f"{most:g} ug, the largest test dose: overdose."
            do = "Draw the catheter's content out through its access port before anything is injected."
            yield Breach(BOLUS, one.at_h, says, do, source_of("label_dosing", "screening_ladder"), is_hazard=True)


def _magnets(course: Delivery) -> Iterator[Breach]:
    """Yield magnets on a pump whose valve they open with drug inside, and on one whose alarm sounds."""
    for event in course.therapy.events:
        if not isinstance(event, happens.Magnet):
            continue
        device = course.implant(event.at_h).device
        if device.magnet_volume is not None:
            pushed = course.totals([event.at_h, event.at_h + device.magnet_volume / device.flow_highest])[0, 0]
            if pushed > 0:
                says = f"The {device.model} was not emptied before the magnet: up to {pushed:.3g} ug at "
                says += "once, and then nothing until the pump is reset."
                do = "Empty the pump before the examination; restart and refill it after."
                source = source_of(device.records, "emergency_dose")
                yield Breach("not emptied before a magnet", event.at_h, says, do, source, is_hazard=True)
        elif any(one.what == "stall" and one.at_h == event.at_h and "alarm" in one.words for one in course.happenings):
            says = f"The {device.model} goes into the magnet while its alarm sounds: the rotor does not start again by "
            says += "itself, and the pump stays stopped until it is interrogated."
            do = "Refill and silence the alarm before the examination, and interrogate the pump right after it."
            source = source_of(device.records, "stopped_by_alarm_and_magnet")
            yield Breach("magnet while an alarm sounds", event.at_h, says, do, source, is_hazard=True)


def _pocket(course: Delivery) -> Iterator[Breach]:
    """Yield refills beside the port."""
    for one in course.happenings:
        if one.what == "pocket":
            says = f"{one.words[0].upper()}{one.words[1:]}. It is taken up into the blood within hours, like so much "
            says += (
                "by mouth at once, which these levels leave out: drowsiness to coma, then withdrawal. The pump counts "
            )
            says += "what it was told, so no alarm sounds."
            do = "Draw back from the pocket, watch breathing, treat as an overdose; refill under image guidance."
            yield Breach("refill beside the port", one.at_h, says, do, manual(course, one.at_h), is_hazard=True)


def _found(course: Delivery) -> Iterator[Breach]:
    """Yield volumes found at refills that no pump within its specification leaves."""
    for one in course.measured:
        device = course.implant(one.since_h).device
        if not one.is_explained:
            says = (
                f"{one.found:.3g} mL were found where {one.expected:.3g} mL of {one.filled:.3g} mL were expected, and "
            )
            says += "no error of flow explains it. The course runs as programmed."
            do = "Check the volumes written down; think of a refill beside the port, and look for the drug."
            yield Breach("volume not explained", one.at_h, says, do, manual(course, one.at_h), is_hazard=True)
            continue
        if abs(one.error) <= device.flow_tolerance * (1 + _SAME):
            continue
        says = f"{one.found:.3g} mL were found where {one.expected:.3g} mL were expected: the pump ran "
        says += f"{100 * abs(one.error):.3g} % too {'fast' if one.error > 0 else 'slow'}, beyond the "
        says += (
            f"{100 * device.flow_tolerance:.3g} % of its specification. The course since the filling before runs so."
        )
        do = "Measure again at an early refill; look for a stall, a kink or a leak; think of a replacement."
        source = source_of(device.records, "flow_tolerance")
        yield Breach("flow outside its specification", one.at_h, says, do, source, is_hazard=True)


def _patient(course: Delivery) -> Iterator[Breach]:
    """Yield boluses at the person's call that could pass the label's dose, or that the pump cannot run."""
    label = parameters.load("label_dosing")
    most = label.value("highest_dose", "ug/day")
    for event in course.therapy.events:
        if not isinstance(event, happens.PatientBolus):
            continue
        setting, device = course.setting(event.at_h), course.implant(event.at_h).device
        if setting is None:
            continue
        day = setting.program.ug_per_day + event.most_a_day * event.dose_ug
        if day > most * (1 + _SAME):
            says = f"With {event.most_a_day} boluses a day the person can reach {day:.4g} ug/day; there are few data "
            says += f"above {most:g} ug/day."
            do = "Allow fewer or smaller boluses, or a longer lockout."
            yield Breach("dose above the label", event.at_h, says, do, label["highest_dose"].source, is_hazard=True)
        rate = max(setting.program.rates) + event.dose_ug / event.over_h
        if rate > device.flow_highest * setting.concentration * (1 + _SAME):
            says = (
                f"A bolus of {event.dose_ug:.4g} ug over {60 * event.over_h:.3g} min is beyond the highest flow of the "
            )
            says += f"{device.model}, {device.flow_highest * HOURS_A_DAY:.3g} mL/day."
            do = "Give the bolus over a longer time, or fill with a higher concentration."
            source = source_of(device.records, "flow_highest")
            yield Breach("flow above the highest", event.at_h, says, do, source)


def _shut(course: Delivery) -> Iterator[Breach]:
    """Yield catheters out of which nothing can be drawn."""
    for one in course.happenings:
        if one.what == "not drawn":
            says = "Nothing can be drawn out of the catheter: it is shut or off, and no drug passes it."
            do = "Inject nothing; look for the kink or the gap by imaging, and give baclofen another way."
            yield Breach("catheter not open", one.at_h, says, do, manual(course, one.at_h), is_hazard=True)
