"""The verb expose: amounts and concentrations at the observations of a dosing table. Twin of `eutonia exposure`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from eutonia import parameters, session
from eutonia._arguments import CALL, PATH, TEXT, WHOLE, Kind, accepts
from eutonia._printed import Printed
from eutonia._progress import Progress, silent
from eutonia.drug import exposure as kinetics
from eutonia.drug.exposure import KineticModel
from eutonia.errors import DatasetError
from eutonia.exchange import exposure as tables
from eutonia.exchange.cells import read_cells
from eutonia.exchange.events import Account, Reading
from eutonia.exchange.settings import occasion_spreads, settings_of
from eutonia.trial.record import repeat, run_record

_TEXTS = Kind(
    "a list of texts",
    '["CL=8 L/h"]',
    lambda given: isinstance(given, list | tuple) and all(isinstance(one, str) for one in given),
)


@dataclass(frozen=True)
class Exposing:
    """A dosing table on its way: `parts` reads and computes it stretch by stretch, then `account` and `record` tell it.

    `given` is what was asked for, and `used` the numbers that were read, from `began` on.
    """

    model: KineticModel
    reading: Reading
    variability: tables.Variability
    given: Mapping[str, Any]
    used: parameters.Used
    began: float

    def parts(self, progress: Progress = silent) -> Iterator[pl.DataFrame]:
        """Compute some people after the other while their table is read."""
        return tables.stream(self.reading, variability=self.variability, progress=progress)

    @property
    def account(self) -> Account:
        """What was read, once all parts are."""
        return self.reading.account()

    @property
    def told(self) -> tuple[str, ...]:
        """What a reader should know of how the table was read."""
        found = self.account
        units = {one.name: "" if one.unit == "1" else f" {one.unit}" for one in self.model.quantities}
        taken = ", ".join(f"{name} {value:g}{units.get(name, '')}" for name, value in found.assumed.items())
        return (*([f"Taken from the model: {taken}"] if taken else []), *told(found))

    def record(self) -> Mapping[str, Any]:
        """Return what repeats the run, once all parts are computed."""
        table, drawn = self.given["table"], self.given["seed"] if self.given["iov"] else None
        options = {name: self.given[name] for name in ("model", "set", "iov")}
        told: dict[str, Any] = {"kind": "exposure", "set": options["set"], "iov": options["iov"]}
        told |= tables.account(self.account, table, self.model)
        told["command"] = repeat("exposure", table, **options, seed=drawn)
        return run_record(drawn, "", self.used, time.perf_counter() - self.began, **told)


@contextmanager
def exposing(
    table: Path, model: str | None, values: Sequence[str], between_occasions: Sequence[str], seed: int | None
) -> Iterator[Exposing]:
    """Begin to read and compute a table; every number that is read on the way is noted."""
    began = time.perf_counter()
    if seed is not None and not between_occasions:
        raise DatasetError(
            f"seed is {seed}, and nothing is drawn. Allowed: beside variability between occasions. Nearest: --iov "
            '"CL=20 %". Give it, or leave seed out.'
        )
    seed = seed or 0
    with parameters.recording() as used:
        chosen, begun = reading(table, model, values)
        variability = tables.Variability(occasion_spreads(chosen, between_occasions), seed)
        session.begin()
        given = {"table": table, "model": model, "set": list(values), "iov": list(between_occasions), "seed": seed}
        yield Exposing(chosen, begun, variability, given, used, began)


@dataclass(frozen=True, repr=False)
class ExposureResult(Printed):
    """Levels of a dosing table: `table` as in `frame()`, the `model`, what is to be `told`, and `run` to repeat it."""

    model: KineticModel
    people: int
    table: pl.DataFrame
    told: tuple[str, ...]
    run: Mapping[str, Any]

    def prose(self) -> str:
        """Return by which model how many people were computed, and how the table was read."""
        people = f"{self.people} people, {self.table.height} observations"
        more = [f"{one.rstrip('.')}." for one in self.told]
        return " ".join([f"{self.model.name}: {self.model.title}. {people}.", *more])

    def frame(self) -> pl.DataFrame:
        """Return a row for each observation: ROW, ID, TIME (h), DV, amounts and concentrations with their unit in the
        name, and REASON where a person's cannot be had.
        """
        return self.table

    def write(self, out: str | os.PathLike[str]) -> Path:
        """Write the table as .csv or .parquet, and the record of the run beside it, whole or not at all."""
        tables.write(self.table, Path(out), lambda: self.run)
        return Path(out)


@accepts(table=PATH, model=TEXT.or_none(), values=_TEXTS, between_occasions=_TEXTS, seed=WHOLE.or_none(), progress=CALL)
def expose(
    table: str | os.PathLike[str],
    model: str | None = None,
    *,
    values: Sequence[str] = (),
    between_occasions: Sequence[str] = (),
    seed: int | None = None,
    progress: Progress = silent,
) -> ExposureResult:
    """Compute amounts and concentrations at the observations of a dosing table, exactly.

    Parameters
    ----------
    table : path
        A .csv with ID, TIME (h), EVID, AMT and others of NONMEM's columns.
    model : str or None
        A name out of `eutonia models`; tablets of baclofen in an adult when left out.
    values : sequence of str
        Parameters and covariates with their unit: `["CL=8 L/h"]`.
    between_occasions : sequence of str
        Coefficients of variation between occasions (column OCC): `["CL=20 %"]`.
    seed : int or None
        Start of the draws between occasions; 0 when left out.
    progress : callable
        Called with a stage and the share of it that is done, 0 to 1.

    Returns
    -------
    ExposureResult
        `frame()` has the levels, `write(path)` writes them with the record of the run.

    Raises
    ------
    DatasetError
        A table or a value that cannot be used, or a seed where nothing is drawn; `.faults` lists every fault of the
        table.
    UnitError
        A value in a unit that does not convert.
    ArgumentError
        An argument of another type.

    Notes
    -----
    **Equation** closed forms of linear kinetics, see `eutonia.drug.exposure`.
    """
    with exposing(Path(table), model, values, between_occasions, seed) as work:
        levels = pl.concat(work.parts(progress))
        return ExposureResult(work.model, work.account.people, levels, work.told, work.record())


def reading(table: Path, model: str | None, values: Sequence[str]) -> tuple[KineticModel, Reading]:
    """Begin to read a table for a model with values of its own."""
    chosen, found = settings_of(kinetics.model(model or kinetics.DEFAULT), values)
    return chosen, Reading(read_cells(table), chosen, found)


def told(found: Account) -> list[str]:
    """Return what a reader should know of how a table was read."""
    unused = [f"Columns not used: {', '.join(found.unused)}"] if found.unused else []
    comments = [f"Lines of comments: {found.left.comments}."] if found.left.comments else []
    return [*found.told, *comments, *unused]
