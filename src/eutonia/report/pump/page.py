"""A pump forecast as one HTML page that opens offline."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from eutonia import __version__
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.pump.forecast import SITES, Forecast
from eutonia.report import chain, page, plain, words
from eutonia.report.drawing import svg
from eutonia.report.pump import broken_rules
from eutonia.report.pump import figures as pump_figures
from eutonia.report.pump import person as pump_person
from eutonia.report.pump import words as pump_words
from eutonia.trial.person_on_pump import PersonOnPump


def html(
    forecast: Forecast,
    day: int,
    run: Mapping[str, Any] = MappingProxyType({}),
    person: PersonOnPump | None = None,
) -> str:
    """Return the whole page as one text with everything inside; it loads nothing.

    `run` says what was changed, `person` who has the pump, if that is told.
    """
    therapy = forecast.course.therapy
    hours = [(row.label, *_spent(row), *map(pump_words.level, row.levels)) for row in pump_words.hours(forecast, day)]
    totals = [
        (
            therapy.day(row.first * HOURS_A_DAY),
            therapy.day(row.last * HOURS_A_DAY),
            pump_words.amount(row.wanted),
            *_spent(row),
        )
        for row in pump_words.stretches(forecast)
    ]
    marks, left_out = pump_figures.marked(forecast)
    happened = [(number, _moment(forecast, at), text) for number, at, text in marks]
    return page.render(
        "pump.html.jinja",
        {
            "therapy": therapy,
            "palette": svg.PALETTE,
            "run": {"version": __version__},
            "beyond_label": "",
            "overridden": words.overridden(run),
            "disclaimer": words.DISCLAIMER,
            **_plain(forecast, day, run, person),
            "facts": _facts(forecast),
            "broken": pump_words.broken(forecast),
            "judged": broken_rules.JUDGED["program"],
            "whole": pump_figures.whole(forecast),
            "cases": pump_figures.cases(),
            "happened": happened,
            "left_out": left_out,
            "day": therapy.day(day * HOURS_A_DAY),
            "one_day": pump_figures.one_day(forecast, day),
            "person": pump_person.context(person, day, lambda at: _moment(forecast, at)),
            "sites": list(SITES),
            "hours": hours,
            "levels": pump_words.levels(forecast, day),
            "totals": totals,
            "dates": pump_words.dates(forecast),
            "unaccounted": pump_words.unaccounted(forecast),
            "ledger": pump_words.ledger(forecast),
        },
    )


def _plain(forecast: Forecast, day: int, run: Mapping[str, Any], person: PersonOnPump | None) -> dict[str, Any]:
    """Return the forecast in five sentences, with the chain of a person where one is told."""
    therapy, (where, typical, *ends) = forecast.course.therapy, pump_words.levels(forecast, day)[0]
    # Most spread may bring more to a level than the typical does, or less.
    low, high = (of((typical, *ends), key=float) for of in (min, max))
    lost = [one for one in pump_words.ledger(forecast) if one[0] in ("leaked", "under the skin beside the port")]
    said = [
        (
            plain.ASKED,
            f"What does this pump bring to the spinal fluid in {therapy.duration_h / HOURS_A_DAY:.4g} days, when is it "
            "due, and does it break a rule?",
        ),
        (plain.FOUND, _lead(forecast)),
        (
            plain.WHY,
            f"On {therapy.day(day * HOURS_A_DAY)} the fluid holds {typical} ng/mL of drug at the {where} level on "
            f"average, {low} to {high} over what is known of how far drug spreads.",
        ),
        (plain.PRICE, f"Lost: {'; '.join(f'{amount} mcg {what}' for what, amount in lost)}." if lost else ""),
        (
            plain.SURE,
            "When and how much leaves the tip is as sure as the pump; how far it spreads in the fluid is not"
            f"{_fold(where, float(low), float(high))}. {plain.rests_on(run)}",
        ),
    ]
    scales = [] if person is None else person.study.assessment.scales
    limb = chain.limb_of([] if person is None else person.study.assessment.limbs)
    return plain.context("pump", said, scales=scales, courses={} if person is None else {"": person.course}, limb=limb)


def _fold(where: str, low: float, high: float) -> str:
    """Return how many times apart the ends of a level are, in words; nothing where no drug comes there."""
    return f": at the {where} level its ends are {words.number(high / low)}-fold apart" if low > 0.0 else ""


def _spent(row: pump_words.Hour | pump_words.AlikeDays) -> tuple[str, ...]:
    return tuple(pump_words.amount(x) for x in (row.pumped, row.tip, row.lost))


def _moment(forecast: Forecast, at_h: float) -> str:
    minutes = round(at_h % HOURS_A_DAY * 60.0)
    return f"{forecast.course.therapy.day(at_h)}, {minutes // 60:02d}:{minutes % 60:02d}"


def _lead(forecast: Forecast) -> str:
    """Return the page in a sentence or two."""
    count = len(forecast.broken)
    hazards = sum(one.is_hazard for one in forecast.broken)
    due = next(date for date in forecast.dates if date.what == "refill due")
    how_many = "all of them hazards" if hazards == count else f"{hazards} of them a hazard"
    rules = "No rule is broken." if not count else f"{count} rules are broken, {how_many}."
    if count == 1:
        rules = f"One rule is broken{', a hazard' if hazards else ''}."
    return f"{rules} After the last filling a refill is due by {forecast.course.therapy.day(due.at_h.low)}."


def _facts(forecast: Forecast) -> list[tuple[str, str]]:
    therapy, happenings = forecast.course.therapy, forecast.course.happenings
    pumps: list[str] = []
    catheters: list[str] = []
    for one in forecast.course.implants:
        since = f" from {therapy.day(one.at_h)}" if one.at_h > 0 else ""
        pump, catheter = f"{one.device.model}, {one.reservoir:g} mL", f"{one.catheter_cm:g} cm, tip at {one.tip}"
        for rows, text in ((pumps, pump), (catheters, catheter)):
            if not rows or not rows[-1].startswith(text):
                rows.append(f"{text}{since}")
    given, refused = (sum(one.what == what for one in happenings) for what in ("called", "refused"))
    return [
        ("Pump", "; ".join(pumps)),
        ("Product", therapy.product),
        ("Catheter", "; ".join(catheters)),
        ("Dead volume", "; ".join(dict.fromkeys(f"{one.dead_volume:.3g} mL" for one in forecast.course.implants))),
        ("Boluses called", f"{given + refused}: {given} given, {refused} refused" if given + refused else ""),
        ("Followed for", f"{therapy.duration_h / HOURS_A_DAY:.4g} days"),
    ]
