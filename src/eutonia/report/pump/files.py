"""A pump forecast on the screen, and as a folder of a page, a table and a record."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from eutonia import _writing
from eutonia._hours import HOURS_A_DAY
from eutonia.drug.pump.forecast import SITES, Forecast
from eutonia.report import curves, files, screen, words
from eutonia.report.pump import curves as pump_curves
from eutonia.report.pump import page as pump_page
from eutonia.report.pump import person as pump_person
from eutonia.report.pump import words as pump_words
from eutonia.trial.person_on_pump import PersonOnPump

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


#: What the folder of a pump forecast holds; the record marks it as ours.
NAMES = ("program.html", "program.csv", *curves.FILES, "program.json")
check_folder = partial(_writing.check_folder, names=NAMES)
_MOST_STRETCHES = 16


def show(forecast: Forecast, console: Console, day: int | None = None, person: PersonOnPump | None = None) -> None:
    """Print a day hour by hour, totals, dates, what a person makes of it, and broken rules."""
    from rich.text import Text

    therapy, chosen = forecast.course.therapy, pump_words.shown_day(forecast.course.therapy, day)
    console.print(Text(words.clinic(therapy.title), style="bold"))
    catheter = f"catheter {therapy.catheter_cm:g} cm to {therapy.tip}, dead volume {therapy.dead_volume:.3g} mL"
    console.print(Text(f"{therapy.device.model}, {therapy.reservoir:g} mL, {catheter}"))
    console.print(Text(f"{words.DISCLAIMER}.\n"))
    console.print(_hours(forecast, chosen))
    heads = ["mean of the day, ng/mL", "typical", "least spread", "most spread"]
    told = "Spinal fluid: typical, and where drug spreads least and most"
    console.print(_table(heads, pump_words.levels(forecast, chosen), told, left=1))
    if person is not None:
        console.print(pump_person.table(person, chosen, therapy.day(chosen * HOURS_A_DAY)))
    console.print(_totals(forecast))
    dates = (row[:-1] for row in pump_words.dates(forecast))
    heads = ["what", "earliest", "as programmed", "latest"]
    console.print(_table(heads, dates, "Next dates, if nothing else is done"))
    found = pump_words.broken(forecast)
    console.print(Text("Rules that this program breaks" if found else "No rule is broken.", style="bold"))
    for when, rule, says, do, is_hazard in found:
        console.print(Text(f"{'!!' if is_hazard else ' -'} {when}: {rule}", style="bold red" if is_hazard else "bold"))
        console.print(Text(words.clinic(f"   {says}\n   Do: {do}")))
    console.print(Text(f"\n{balance(forecast)}"))


def balance(forecast: Forecast) -> str:
    """Return where the drug is, in a sentence."""
    rows = pump_words.ledger(forecast)
    return f"Of {rows[0][1]} mcg filled: {', '.join(f'{amount} {name}' for name, amount in rows[1:])}; " + (
        f"unaccounted in pump, fluid and blood: {pump_words.unaccounted(forecast)}."
    )


_table = partial(screen.table, overflow="fold")


def _hours(forecast: Forecast, day: int) -> Table:
    heads = ["hour", "pump mcg", "tip mcg", "lost mcg", *(f"{name} ng/mL" for name in SITES)]
    rows = [
        (row.label, *map(pump_words.amount, (row.pumped, row.tip, row.lost)), *map(pump_words.level, row.levels))
        for row in pump_words.hours(forecast, day)
    ]
    return _table(heads, rows, f"Hour by hour on {forecast.course.therapy.day(day * HOURS_A_DAY)}", left=1)


def _totals(forecast: Forecast) -> Table:
    day, found = forecast.course.therapy.day, pump_words.stretches(forecast)
    rows = [
        (
            *(day(end * HOURS_A_DAY) for end in (row.first, row.last)),
            *map(pump_words.amount, (row.wanted, row.pumped, row.tip, row.lost)),
        )
        for row in found[:_MOST_STRETCHES]
    ]
    if len(found) > _MOST_STRETCHES:
        rows.append((f"and {len(found) - _MOST_STRETCHES} more", "see --out", "", "", "", ""))
    return _table(["from", "to", "wanted mcg", "pump mcg", "tip mcg", "lost mcg"], rows, "Totals per day", left=2)


@_writing.whole(NAMES)
def write(
    forecast: Forecast,
    draft: Path,
    day: int | None = None,
    run: Mapping[str, Any] = MappingProxyType({}),
    person: PersonOnPump | None = None,
) -> None:
    """Write page, hourly table and record of a forecast into a folder, whole or not at all; errors as `files.write`.

    `run` is what the record says of the run, so that it can be repeated; `person` is who has the pump, if told.
    """
    chosen = pump_words.shown_day(forecast.course.therapy, day)
    files.write_rows(draft / NAMES[1], pump_words.table(forecast))
    (draft / NAMES[0]).write_text(pump_page.html(forecast, chosen, run, person), encoding="utf-8")
    curves.write([*pump_curves.lines(forecast, chosen), *pump_person.lines(person)], draft, csv=True)
    files.write_json(draft / NAMES[-1], {**record(forecast, chosen), **pump_person.record(person, chosen), **run})


def record(forecast: Forecast, day: int) -> dict[str, Any]:
    """Return a forecast in short, as plain data."""
    therapy, course = forecast.course.therapy, forecast.course
    return {
        "program": _writing.PROGRAM,
        "name": therapy.name,
        "title": therapy.title,
        "disclaimer": words.DISCLAIMER,
        "pump": {
            "model": therapy.device.model,
            "product": therapy.product,
            "reservoir_ml": therapy.reservoir,
            "alarm_volume_ml": therapy.alarm_volume,
            "catheter_cm": therapy.catheter_cm,
            "dead_volume_ml": therapy.dead_volume,
            "tip": therapy.tip,
        },
        "day": {"number": day, "hours": pump_words.hours(forecast, day)},
        "totals": pump_words.stretches(forecast),
        "dates": forecast.dates,
        "rules_broken": forecast.broken,
        "happenings": course.happenings,
        "flow_found_at_refills": course.measured,
        "implants": [
            {"at_h": one.at_h, "model": one.device.model, "reservoir_ml": one.reservoir, "tip": one.tip}
            | {"dead_volume_ml": one.dead_volume}
            for one in course.implants
        ],
        "ledger_ug": course.pump.ledger,
        "in_pump_ug": course.pump.content,
        "unaccounted_share": forecast.unaccounted,
        "files": list(NAMES),
    }
