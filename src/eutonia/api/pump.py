"""The verb program: what a pump program delivers. Twin of `eutonia pump`."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eutonia import parameters, session
from eutonia._arguments import WHOLE, accepts, instance
from eutonia._printed import Printed
from eutonia.drug.pump import Therapy, play
from eutonia.drug.pump.forecast import Forecast, forecast
from eutonia.exchange.pump_file import file_of, load_therapy
from eutonia.report import pump as report
from eutonia.report import pump_words, words
from eutonia.trial.record import inputs, repeat, run_record

if TYPE_CHECKING:
    import polars


@dataclass(frozen=True, repr=False)
class PumpResult(Printed):
    """A pump program played through: its `forecast`, the `day` to show hour by hour, `run` to repeat it."""

    forecast: Forecast
    day: int
    run: Mapping[str, Any]

    def prose(self) -> str:
        """Return which pump it is, how many rules are broken, and where the drug is."""
        therapy, broken = self.forecast.course.therapy, len(self.forecast.broken)
        rules = f"{broken} rule{'s' * (broken != 1)} broken" if broken else "no rule is broken"
        return (
            f"{words.clinic(therapy.title)}: {therapy.device.model}, {therapy.duration_h / 24.0:g} days; {rules}. "
            f"{report.balance(self.forecast)} {words.DISCLAIMER}."
        )

    def frame(self) -> polars.DataFrame:
        """Return a row an hour: time_h, pumped_ug, tip_ug, lost_ug, levels of each region and case in ng/mL."""
        import polars as pl

        heads, *rows = pump_words.table(self.forecast)
        return pl.DataFrame([[float(x) for x in row] for row in rows], schema=heads, orient="row")

    def write(self, folder: str | os.PathLike[str]) -> Path:
        """Write page, hourly table and record into a folder, whole or not at all."""
        return report.write(self.forecast, folder, self.day, self.run)


@accepts(
    therapy=instance("a file, a name or a therapy", '"first_pump"', str, os.PathLike, Therapy), day=WHOLE.or_none()
)
def program(therapy: str | os.PathLike[str] | Therapy, *, day: int | None = None) -> PumpResult:
    """Play a pump program: what it delivers, the next dates, levels in the spinal fluid, every rule it breaks.

    Parameters
    ----------
    therapy : path, name or Therapy
        A pump program file, the name of one that ships (`eutonia programs`), or one read by `load_therapy`.
    day : int or None
        Day to show hour by hour; the last when left out.

    Returns
    -------
    Programmed
        `frame()` has the hours, `forecast.dates` the next dates, `forecast.broken` the broken rules, `write(folder)`
        page and table.

    Raises
    ------
    StudyError
        A file that is none, with every fault in `.faults`.
    SimulationError
        A day beyond the end.
    ArgumentError
        An argument of another type.

    Notes
    -----
    **Equation** plug flow in the tubing, six segments of spinal fluid (`eutonia.drug.kinetics.geometry`).

    **Not for** programming a pump: research and teaching only.
    """
    began = time.perf_counter()
    with parameters.recording() as used:
        is_read = isinstance(therapy, Therapy)
        chosen = therapy if isinstance(therapy, Therapy) else load_therapy(os.fspath(therapy))
        shown = pump_words.shown_day(chosen, day)
        session.begin()
        found = forecast(play(chosen))
    word = chosen.name if isinstance(therapy, Therapy) else os.fspath(therapy)
    run = run_record(
        None,
        "",
        used,
        time.perf_counter() - began,
        command=repeat("pump", word, day=day),
        inputs=[] if is_read else inputs([file_of(word)]),
    )
    return PumpResult(found, shown, run)
