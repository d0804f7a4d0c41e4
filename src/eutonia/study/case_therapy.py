"""The pump of a case as a therapy on the clock of the case, whether the case tells it or names a pump program.

Either way the pump is played by `drug.pump.play`: a case has no pump of its own.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from eutonia import parameters
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.pump import Device, Program, Therapy
from eutonia.drug.pump import therapy as happens
from eutonia.patient import label_origin
from eutonia.study.case import BolusEvent, CasePump, InfusionEvent, RefillEvent, StopInfusionEvent
from eutonia.study.case_times import Moment
from eutonia.study.fields import Part, described
from eutonia.study.named_program import NamedProgram, ProgramField, on_clock
from eutonia.study.studyfile import Problem

if TYPE_CHECKING:
    from eutonia.study.design import CaseStudy

# Hours that differ by less are one: rounding of days.
_SAME_H = 1e-6


class CaseTherapy(Part):
    """A pump program that this person has, with its implant and everything that happens to it."""

    program: Annotated[NamedProgram, ProgramField()] = described(
        "Pump program: a file beside this one, or one that ships."
    )
    implanted_h: Moment | None = described(
        "Day 0 of the program, whole days after the onset; left out where both files have dates.",
        alias="implanted",
        default=None,
    )


def therapy_of(study: CaseStudy) -> Therapy | None:
    """Return the pump of a case from its implantation to the end of the case; None for a person without.

    Its times are h since the onset, and so is day 0: days and dates that it tells are those of the case.
    """
    if study.therapy is not None:
        return _named(study, study.therapy)
    return None if study.pump is None else _own(study, study.pump)


def day_0(study: CaseStudy, given: CaseTherapy) -> float | None:
    """Return day 0 of the program of a case, h since the onset; None where neither calendar nor case tells it."""
    begins = given.program.therapy.begins
    if study.case.onset is not None and begins is not None:
        return float((begins - study.case.onset).days) * HOURS_A_DAY
    return None if given.implanted_h is None else float(given.implanted_h)


def _named(study: CaseStudy, given: CaseTherapy) -> Therapy:
    therapy, begun, end = given.program.therapy, day_0(study, given), float(study.case.duration_h)
    assert begun is not None
    begins = study.case.onset
    if begins is None and therapy.begins is not None:
        begins = therapy.begins - datetime.timedelta(hours=begun)
    tested = _test_dose(study, begun) if therapy.screening_ug is None else therapy.screening_ug
    return dataclasses.replace(on_clock(therapy, begun, end), begins=begins, screening_ug=tested)


def _own(study: CaseStudy, given: CasePump) -> Therapy:
    """Return the therapy that the events of a case make: programs of one rate, and fillings to the top."""
    runs = next((float(one.at_h) for one in study.events if isinstance(one, InfusionEvent)), math.inf)
    device, end, tested = Device.named(given.model), float(study.case.duration_h), _test_dose(study, runs)
    events: list[happens.Event] = []
    for one in study.events:
        at_h = float(one.at_h)
        if at_h > end:
            continue
        if isinstance(one, InfusionEvent):
            events.append(happens.Programmed(at_h, Program.simple(float(one.rate_ug_per_h))))
        elif isinstance(one, StopInfusionEvent):
            events.append(happens.Programmed(at_h, Program.simple(0.0)))
        elif isinstance(one, RefillEvent):
            new = one.concentration_ug_per_ml
            events.append(happens.Refill(at_h, None if new is None else float(new)))
    return Therapy(
        device=device,
        reservoir=float(given.reservoir_ml),
        alarm_volume=float(given.alarm_volume_ml),
        catheter_cm=parameters.load("pump").value("catheter_length", "cm"),
        tip=given.tip,
        concentration=float(given.concentration_ug_per_ml),
        origin=label_origin(study.lesion.kind),
        events=tuple(events),
        duration_h=end,
        screening_ug=tested,
        begins=study.case.onset,
        product=given.product,
        starts_h=float(given.implanted_h),
        is_primed=True,
        name=study.name,
        title=study.title,
    )


def _test_dose(study: CaseStudy, runs_h: float) -> float | None:
    """Return the last test dose before the pump runs, ug; None where none was given."""
    given = [one.dose_ug for one in study.events if isinstance(one, BolusEvent) and one.at_h < runs_h]
    return float(given[-1]) if given else None


def _tested(study: CaseStudy, given: CaseTherapy, begun: float) -> Iterator[Problem]:
    """Find test doses of the case among which that of the program is none: the first dose of a pump is judged by it."""
    said = given.program.therapy.screening_ug
    doses = [one.dose_ug for one in study.events if isinstance(one, BolusEvent) and one.at_h < begun]
    if said is not None and doses and not any(math.isclose(said, dose) for dose in doses):
        told = ", ".join(dose.text for dose in doses)
        why = f"The program says that a test dose of {said:g} ug worked, and the case gives {told}."
        do = "Correct the bolus, or screening in [therapy] of the program: the first dose of the pump is judged by it."
        yield Problem(("therapy", "program"), why, given.program.text, f'screening = "{doses[-1].text}"', do=do)


def therapy_problems(study: CaseStudy) -> Iterator[Problem]:
    """Find what does not fit between a case and the pump program that it names."""
    given = study.therapy
    if given is None:
        return
    therapy, begun = given.program.therapy, day_0(study, given)
    if study.pump is not None:
        why, do = "The pump of this person is that of the program.", "Remove the table [pump], or the table [therapy]."
        yield Problem(("pump",), why, None, "[pump] or [therapy]", do=do)
    if therapy.origin != (origin := label_origin(study.lesion.kind)):
        why = f"The program is of {therapy.origin} origin, and this lesion is of {origin} origin."
        do = "Correct origin in [therapy] of the program, by which the label's steps are judged."
        yield Problem(("therapy", "program"), why, given.program.text, "a program of the same origin", do=do)
    if begun is None:
        why = "Nobody knows when day 0 of the program is."
        do = 'Add implanted = "274 day", or onset to [case] and begins to [therapy] of the program.'
        yield Problem(("therapy", "implanted"), why, None, '"274 day"', do=do)
        return
    yield from _tested(study, given, begun)
    if given.implanted_h is not None and abs(given.implanted_h - begun) > _SAME_H:
        why = f"By the dates of onset and program, day 0 of the program is day {begun / HOURS_A_DAY:g}."
        do = "Remove it, or correct one of the dates."
        yield Problem(("therapy", "implanted"), why, given.implanted_h.text, f'"{begun / HOURS_A_DAY:g} day"', do=do)
    elif begun < 0:
        why, do = "The program begins before the onset.", "Correct one of the two dates."
        yield Problem(("therapy", "program"), why, str(therapy.begins), f"{study.case.onset} or later", do=do)
    elif abs(begun - HOURS_A_DAY * round(begun / HOURS_A_DAY)) > _SAME_H:
        why, near = "Day 0 of a program begins at midnight.", round(begun / HOURS_A_DAY)
        do = "Write whole days; what happens when is told by the program."
        text = given.implanted_h.text if given.implanted_h else None
        yield Problem(("therapy", "implanted"), why, text, "whole days", (f'"{near} day"',), do)
    elif study.case.duration_h > begun + therapy.duration_h + _SAME_H:
        last = (begun + therapy.duration_h) / HOURS_A_DAY
        why = "Nobody knows what the pump is given after the end of its program."
        do = "Shorten the case, or make duration in [therapy] of the program longer."
        yield Problem(("case", "duration"), why, study.case.duration_h.text, f'at most "{last:g} day"', do=do)
    elif study.case.duration_h < begun + HOURS_A_DAY:
        why, allowed = (
            "The case ends before the first day of the pump is over.",
            f"at least {begun / HOURS_A_DAY + 1:g} day",
        )
        yield Problem(("case", "duration"), why, study.case.duration_h.text, allowed, do="Lengthen the case.")
