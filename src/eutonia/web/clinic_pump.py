"""The pump of an option of the clinic page: one rate or steps of the day, refilled in time or once too late."""

from __future__ import annotations

import datetime
import math
import re
from typing import Any

from eutonia._hours import HOURS_A_DAY
from eutonia._units import parse
from eutonia.errors import StudyError, UnitError
from eutonia.study.replacing import toml_of
from eutonia.web.clinic_fields import MONTH_DAYS, Clinic, place

Tables = dict[str, Any]

_CONCENTRATION_UG, _FILLED_ML, _USED_ML, _LONGEST_DAYS, _MOST_REFILLS = 500.0, 20.0, 18.0, 90, 200
_LATE_DAYS, _MOST_STEPS, _ROUNDING = "7", 24, 1e-9
_MODEL, _PRODUCT = "SynchroMed II", "Lioresal Intrathecal"
_STEP = re.compile(r"([01]?\d|2[0-3])[:.]([0-5]\d)\s+(?:at\s+)?(\S.*)")


def days_told(days: float) -> str:
    """Return days as a study file writes them."""
    return f"{days:.2f}".rstrip("0").rstrip(".") + " day"


def micro(text: str) -> str:
    """Return text with micrograms as files write them."""
    return re.sub(r"(?<![A-Za-z])(?:mcg|[\u00b5\u03bc]g)", "ug", text)


def read(amount: str, kind: str) -> float:
    """Return an amount in the unit of the program; 0 where it is none, which the check of the study says with why."""
    try:
        return parse(amount, kind)
    except UnitError:
        return 0.0


def of_one_rate(found: Clinic, option: int, amount: str, span: tuple[float, float]) -> tuple[list[Tables], Tables]:
    """Return events and pump of an option whose pump has one rate day and night; `span` is from when to when, days."""
    at = days_told(span[0])
    pump = {
        "model": _MODEL, "product": _PRODUCT, "implanted": at, "reservoir": f"{_FILLED_ML:g} mL",
        "concentration": f"{_CONCENTRATION_UG:g} ug/mL", "alarm_volume": "2 mL", "tip": "T10",
    }  # fmt: skip
    events: list[Tables] = [{"at": at, "kind": "infusion", "rate": amount}]
    ug_per_day = read(amount, "intrathecal_rate") * HOURS_A_DAY
    days = _refills(found, option, ug_per_day, span)
    return [*events, *({"at": days_told(day), "kind": "refill"} for day in days)], pump


def _refills(found: Clinic, option: int, ug_per_day: float, span: tuple[float, float]) -> list[float]:
    """Return the days of all refills; the first one late where one is missed."""
    if ug_per_day <= 0:
        return []
    begins, ends = span
    lasts = max(int(min(_USED_ML * _CONCENTRATION_UG / ug_per_day, _LONGEST_DAYS) + _ROUNDING), 1)
    day = begins + lasts
    if found.fields[f"kind_{option}"] == "missed":
        day = begins + _FILLED_ML * _CONCENTRATION_UG / ug_per_day + _late(found, option)
        if day >= ends:
            near = int(day / MONTH_DAYS) + 1
            found.refuse(
                "follow",
                f"The refill of option {option} that is missed comes after the end. Allowed: more than "
                f"{day / MONTH_DAYS:.1f} months. Nearest: {near}. Follow the person for longer.",
            )
    return [day + lasts * k for k in range(_MOST_REFILLS) if day + lasts * k < ends]


def _late(found: Clinic, option: int) -> float:
    """Return how many days after the pump is dry its refill comes."""
    name = f"late_{option}"
    hours = found.hours(name, "day", "days too late, such as 7", found.text(name) or _LATE_DAYS)
    if hours == 0:
        found.refuse(
            name, 'Given: 0 days. Allowed: more than 0. Nearest: 7. Where no refill is missed, choose "a pump".'
        )
    return (hours or 0.0) / HOURS_A_DAY


def steps_of(found: Clinic, option: int) -> list[tuple[float, str]]:
    """Return the steps of the day, from midnight on: hour and rate. What is written first to last wraps around it."""
    name, steps = f"steps_{option}", {}
    for part in filter(None, (one.strip() for one in re.split(r"[,;\n]", found.text(name)))):
        read_as = _STEP.fullmatch(part)
        if read_as is None:
            allowed = "a time of day and a rate, one after the other with commas between"
            near = "00:00 5 mcg/h, 06:00 4 mcg/h, 21:00 9 mcg/h"
            found.refuse(name, f'Given: "{part[:40]}". Allowed: {allowed}. Nearest: {near}. Correct it.')
            return []
        hour = int(read_as[1]) + int(read_as[2]) / 60.0
        if hour in steps:
            found.refuse(name, f"Given: {part[:5]} twice. Allowed: each time of day once. Leave one out.")
        steps[hour] = micro(read_as[3].strip())
    if len(steps) > _MOST_STEPS:
        found.refuse(
            name, f"Given: {len(steps)} steps. Allowed: {_MOST_STEPS}. Nearest: {_MOST_STEPS}. Leave some out."
        )
    if steps and found.text(f"amount_{option}"):
        found.refuse(
            f"amount_{option}",
            "Given: one rate, and steps of the day. Allowed: one of both. Nearest: the steps. Leave this field empty.",
        )
    in_order = sorted(steps.items())
    return [(0.0, in_order[-1][1]), *in_order] if in_order and in_order[0][0] > 0 else in_order


def of_steps(found: Clinic, option: int, steps: list[tuple[float, str]], span: tuple[float, float]) -> str:
    """Return the pump program of an option whose pump follows steps of the day, as the text of a file."""
    from eutonia.study.pump_file import parse_therapy

    begins, ends = float(math.floor(span[0])), span[1]
    lengths = [end - begin for (begin, _), end in zip(steps, [*(at for at, _ in steps[1:]), 24.0], strict=True)]
    ug_per_day = sum(read(rate, "intrathecal_rate") * hours for (_, rate), hours in zip(steps, lengths, strict=True))
    flex = [{"from": f"{int(hour):02d}:{round(hour % 1 * 60):02d}", "rate": rate} for hour, rate in steps]
    refills = (day - begins for day in _refills(found, option, ug_per_day, (begins, ends)))
    onset = found.onset()
    therapy: Tables = {"name": f"steps_{option}", "title": f"Steps of the day, option {option}", "origin": "cerebral"}
    if onset is not None:
        therapy["begins"] = str(onset + datetime.timedelta(days=begins))
    therapy["duration"] = days_told(max(math.ceil(ends - begins) + 1.0, 2.0))
    pump = {"model": _MODEL, "product": _PRODUCT, "reservoir": f"{_FILLED_ML:g} mL", "alarm_volume": "2 mL"}
    pump |= {"concentration": f"{_CONCENTRATION_UG:g} ug/mL", "catheter": "80 cm", "tip": "T10"}
    tables: Tables = {
        "therapy": therapy,
        "pump": pump,
        "event": [
            {"at": "9 hour", "kind": "prime"},
            {"at": "9 hour", "kind": "flex", "steps": flex},
            *({"at": days_told(day), "kind": "refill"} for day in refills),
        ],
    }
    text = toml_of(tables)
    try:
        parse_therapy(text, f"option {option}")
    except StudyError as error:
        place(found, option, error)
    return text
