"""Tone and scores of a person under a pump program: the course, and one day hour by hour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from eutonia._hours import HOURS_A_DAY
from eutonia.report import screen, words
from eutonia.report.case import figure as case
from eutonia.report.case.panels import CoursePanel, curve_lines, panels
from eutonia.report.curves import CurveLine
from eutonia.report.drawing import svg
from eutonia.trial.person_on_pump import PersonOnPump
from eutonia.trial.result import Zoom

if TYPE_CHECKING:
    from rich.table import Table

_DAY_H = int(HOURS_A_DAY)
#: Strips beside those of the scales that the case asks for.
_KINDS = ("receptor", "tone")
#: Hours between the rows of the table on the screen, and the most columns that fit there.
_EVERY, _MOST = 3, 6


@dataclass(frozen=True)
class PersonHour:
    """One hour of a day: its label, and the middle person's value of each column, with the middle 95 %."""

    label: str
    middle: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def strips(person: PersonOnPump) -> list[CoursePanel]:
    """Return the strips to draw: effect, tone, and the scales and limbs that the case asks for."""
    assessment = person.study.assessment
    wanted = {*_KINDS, *assessment.scales} | ({"risk"} if "adverse" in assessment.scales else set())
    course = person.course.sel(limb=list(assessment.limbs))
    return [strip for strip in panels(course) if strip.kind in wanted]


def whole(person: PersonOnPump) -> list[svg.Drawing]:
    """Draw the course from day 0 of the program on."""
    return case.timeline(_time(person), person.result.events, strips(person), None, "person")


def one_day(person: PersonOnPump, day: int) -> list[svg.Drawing]:
    """Draw the hours of one day."""
    zoom = Zoom("One day", day * _DAY_H, (day + 1) * _DAY_H)
    return case.timeline(_time(person), person.result.events, strips(person), zoom, "person-day")


def lines(person: PersonOnPump | None) -> list[CurveLine]:
    """Return the curves of both figures; none without a person."""
    if person is None:
        return []
    return curve_lines("Person", "Time since day 0 of the program, h", _time(person), strips(person))


def _time(person: PersonOnPump) -> Float[np.ndarray, " time"]:
    return person.course["time_h"].to_numpy().astype(float)


def columns(person: PersonOnPump) -> list[str]:
    """Return the heads of the table of hours."""
    found = []
    for strip in strips(person):
        for line in strip.lines:
            if not line.is_quiet:
                limb = f", {line.where}" if line.where and line.where not in strip.title.lower() else ""
                found.append(f"{strip.title}{limb}" + (f", {strip.unit}" if strip.unit else ""))
    return found


def hours(person: PersonOnPump, day: int) -> list[PersonHour]:
    """Return what an examiner would find at each full hour of a day."""
    time = _time(person)
    lines = [line for strip in strips(person) for line in strip.lines if not line.is_quiet]
    found = []
    for hour in range(_DAY_H):
        at = int(np.argmin(np.abs(time - (day * _DAY_H + hour))))
        values = ([float(getattr(line, end)[at]) for line in lines] for end in ("middle", "low", "high"))
        found.append(PersonHour(f"{hour:02d}:00", *map(tuple, values)))
    return found


def rows(person: PersonOnPump, day: int) -> list[tuple[str, ...]]:
    """Return the table of hours in words: the middle person, and the middle 95 % of possible ones."""

    def cell(middle: float, low: float, high: float) -> str:
        shown = words.alike((middle, low, high))
        return shown[0] if low == high else f"{shown[0]} ({shown[1]} to {shown[2]})"

    return [(one.label, *map(cell, one.middle, one.low, one.high)) for one in hours(person, day)]


def context(person: PersonOnPump | None, day: int, told: Callable[[float], str]) -> dict[str, Any] | None:
    """Return what the page prints of a person, `told` being how it writes a time; None without one."""
    if person is None:
        return None
    given = person.study
    lesion = given.lesion.kind
    return {
        "title": given.title,
        "about": f"{given.patient.sex}, {given.patient.age_year.text}, {lesion}, "
        f"{person.begun_h / _DAY_H:g} days after the onset",
        "people": int(person.course.sizes["patient"]),
        "whole": whole(person),
        "events": [
            (number, told(at), words.said(label))
            for number, (at, label) in enumerate(sorted(person.result.events, key=lambda one: one[0]), start=1)
        ],
        "one_day": one_day(person, day),
        "columns": columns(person),
        "rows": rows(person, day),
        "caveats": person.result.caveats,
    }


def record(person: PersonOnPump | None, day: int) -> dict[str, Any]:
    """Return a person in short, as plain data; nothing without one."""
    if person is None:
        return {}
    told = {"case": person.study.name, "text": person.study.text, "implanted_h": person.begun_h}
    return {"person": told | {"columns": columns(person), "hours": hours(person, day)}}


def table(person: PersonOnPump, day: int, of_day: str) -> Table:
    """Return the hours of a day for a terminal, every third of them, as many columns as fit."""
    title = f"{words.clinic(person.study.title)}: the middle one of possible people on {of_day}"
    heads = columns(person)[:_MOST]
    shown = hours(person, day)[::_EVERY]
    rows = ((one.label, *(words.number(value) for value in one.middle[: len(heads)])) for one in shown)
    return screen.table(["hour", *heads], rows, title, left=1, overflow="fold")
