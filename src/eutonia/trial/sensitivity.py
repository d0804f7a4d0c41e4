"""Which records move the predictions of a study: the same people and the same luck with other numbers of the science.

A record is moved over what is not known of it: its spread, where that is no spread between people. What has none stays,
and is counted, unless somebody gives the fold over which to move it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from eutonia import parameters
from eutonia._printed import Printed
from eutonia._progress import Progress, silent
from eutonia.errors import EutoniaError, StudyError
from eutonia.parameters import arithmetic, quantity
from eutonia.parameters.record import OWN_CHOICE, Parameter
from eutonia.statistics import screening
from eutonia.trial.result import Quantity

if TYPE_CHECKING:
    import polars

    from eutonia.trial.result import StudyResult

Run = Callable[[], "StudyResult"]
#: Standard deviations to either side that a normal or lognormal spread is moved over.
_REACH = 2.0
#: Words in the level of a spread that says how people or rules differ, not what is unknown of the number.
_OF_PEOPLE = ("patients", "people", "adults", "limbs", "allowed by the label", "by flow")
_KEY = ("phase", "arm", "limb", "scale", "visit", "statistic", "detail", "unit")
#: How many of the first records are told by how well they are known.
_FIRST = 10
_NUMBERS = ("effect", "scatter", "share", "first", "total")


@dataclass(frozen=True)
class Factor:
    """A record that is moved: by a factor from `low` to `high` times its number, in logarithms or not."""

    record: Parameter
    low: float
    high: float
    is_log: bool

    @property
    def key(self) -> str:
        """Name of the record as an override has it."""
        return f"{self.record.set}.{self.record.name}"

    def at(self, place: float) -> str:
        """Return the number at a place of the range, 0 to 1, as an override writes it."""
        straight, bent = self.low + (self.high - self.low) * place, self.low ** (1.0 - place) * self.high**place
        times = bent if self.is_log else straight
        return quantity.shown([number * times for number in self.record.numbers], self.record.unit)


@dataclass(frozen=True, repr=False)
class Sensitivity(Printed):
    """How far each moved record moves each prediction.

    `table` has one row a record and prediction: record, label, status, distance, low, high, what is predicted, effect
    (mean size of the move over the whole range, in the unit of the prediction), scatter (its standard deviation), share
    (of all moves of that prediction), first and total (Sobol indices, null where not asked). `held` says how many
    records stayed where they are, by reason; `left_out` how many predictions some record has no effect on that is a
    number; `refused` how many runs could not be, such as a trial whose people nobody could be with other numbers.
    """

    study_name: str
    runs: int
    table: polars.DataFrame
    held: Mapping[str, int]
    left_out: int
    refused: int = 0
    why: str = ""
    run: Mapping[str, Any] = field(default_factory=dict)

    def frame(self) -> polars.DataFrame:
        """Return the table."""
        return self.table

    def ranking(self) -> polars.DataFrame:
        """Return record, label, status, distance and the mean share over the predictions, the largest first."""
        import polars as pl

        about = [pl.col(name).first() for name in ("label", "status", "distance", "low", "high")]
        mean = self.table.group_by("record", maintain_order=True).agg(*about, pl.col("share").mean())
        return mean.sort(["share", "record"], descending=[True, False])

    def prose(self) -> str:
        """Return what moves most, how well the ten that move most are known, and what was not moved."""
        order = self.ranking()
        first = ", ".join(
            f"{name} ({100 * share:.0f}%)" for name, share in order.select("record", "share").head(5).rows()
        )
        return " ".join([f"{self.study_name}: of {order.height} records these move most: {first}.", *self.caveats()])

    def caveats(self) -> list[str]:
        """Return how well the ten that move most are known, and what was not moved and why."""
        order = self.ranking()
        first = order.filter(order["share"] > 0.0).head(_FIRST)
        known = Counter(first["status"].to_list())
        unread = [f"{known[status]} {status}" for status in ("assumed", "recalled") if known[status]]
        held = "; ".join(f"{why}: {count}" for why, count in self.held.items())
        said = " and ".join(unread) if unread else "none is assumed or recalled"
        told = [f"Of the {first.height} that move most, {said}."]
        if idle := order.height - int((order["share"] > 0.0).sum()):
            told.append(f"{idle} of those moved change no prediction here.")
        if held:
            told.append(f"Not moved: {held}.")
        if self.left_out:
            told.append(
                f"{self.left_out} predictions were left out: some record has no effect on them that is a number."
            )
        if self.refused:
            told.append(f"Of {self.runs} runs {self.refused} were refused: {self.why}")
        return told


def factors(records: Sequence[Parameter], fold: float | None) -> tuple[list[Factor], dict[str, int]]:
    """Return which records can be moved over what is not known of them, and how many cannot, by reason.

    Parameters
    ----------
    records
        What a study reads.
    fold
        What a record without a spread of its own is moved by, up and down; none leaves it where it is.
    """
    moved, held = [], Counter[str]()
    for record in records:
        found = _range(record, fold)
        if isinstance(found, str):
            held[found] += 1
        elif _is_allowed(found):
            moved.append(found)
        else:
            held["another number may not stand there"] += 1
    return moved, dict(held.most_common())


def _range(record: Parameter, fold: float | None) -> Factor | str:
    """Return the range of a record as a factor of its number, or why it has none."""
    if arithmetic.names(record.derived):
        return "follows from other records"
    if record.source == OWN_CHOICE:
        return "a choice of the program"
    if record.status == "overridden":
        return "set by hand"
    spread = record.spread
    if spread.kind == "none" or any(word in spread.level for word in _OF_PEOPLE) or record.is_vector:
        if not any(record.numbers):
            return "it is 0"
        why = "no spread on record" if spread.kind == "none" else "the spread is one of people or rules"
        return why if fold is None else Factor(record, 1.0 / fold, fold, is_log=True)
    if record.value == 0.0:
        return "it is 0"
    if spread.kind == "range":
        low, high = (float(end or 0.0) / record.value for end in (spread.low, spread.high))
        return Factor(record, low, high, is_log=False)
    if spread.kind == "lognormal":
        reach = math.exp(_REACH * spread.sd_log)
        return Factor(record, 1.0 / reach, reach, is_log=True)
    reach = _REACH * (spread.cv if spread.cv is not None else float(spread.sd or 0.0) / abs(record.value))
    reach = math.copysign(reach, record.value)
    return Factor(record, 1.0 - reach, 1.0 + reach, is_log=False)


def _is_allowed(factor: Factor) -> bool:
    """Say whether the ends of a range may stand in the place of the record."""
    try:
        for place in (0.0, 1.0):
            with parameters.using({factor.key: factor.at(place)}):
                pass
    except EutoniaError:
        return False
    return True


def runs(inputs: int, paths: int, sobol: int = 0, most: int = 0) -> int:
    """Return how many runs a screen of so many records needs, with the one that tells what is read."""
    return 1 + paths * (inputs + 1) + (sobol * (min(most, inputs) + 2) if sobol else 0)


def screen(
    name: str,
    run: Run,
    moved: Sequence[Factor],
    held: Mapping[str, int],
    *,
    paths: int,
    sobol: int = 0,
    most: int = 4,
    seed: int = 0,
    progress: Progress = silent,
) -> Sensitivity:
    """Move records along paths, one at a time, and rank them by how far predictions move; then Sobol on the first.

    Parameters
    ----------
    name
        Of the study.
    run
        Runs it with the numbers that hold.
    moved, held
        What `factors` returned; at least one record is moved.
    paths
        Number of paths; each needs one run more than there are records.
    sobol, most
        Base sample of the Sobol indices, a power of 2 or 0 for none, and how many records they are of.
    """
    needed = runs(len(moved), paths, sobol, most) - 1
    plan = screening.paths(len(moved), paths, seed)
    made = _Made(run, needed, progress)
    found = made.at(moved, plan.points)
    if not made.names:
        raise StudyError(f"every run was refused, the first so: {made.why}")
    effects, scatter = screening.elementary_effects(plan, found)
    shares = _shares(effects)
    indices = np.full((2, *effects.shape), np.nan)
    if sobol:
        first = np.argsort(-np.nan_to_num(shares).mean(axis=1), kind="stable")[:most]
        indices[:, first] = _sobol([moved[place] for place in first], made, sobol, seed)
    progress("Runs", 1.0)
    is_known = np.isfinite(effects).all(axis=0)
    table = _table(moved, made.names, is_known, (effects, scatter, shares, *indices))
    return Sensitivity(name, needed + 1, table, held, int((~is_known).sum()), made.refused, made.why)


class _Made:
    """Runs of a study with other numbers, and the predictions that each makes, in one order."""

    def __init__(self, run: Run, needed: int, progress: Progress) -> None:
        self._run, self._needed, self._progress = run, needed, progress
        self._done = self.refused = 0
        self.why = ""
        self.names: list[tuple[Any, ...]] = []

    def at(self, moved: Sequence[Factor], points: Float[np.ndarray, "run input"]) -> Float[np.ndarray, "run output"]:
        """Return every prediction at each point; NaN where a run has none or is refused."""
        rows: list[dict[tuple[Any, ...], float]] = []
        for point in points:
            self._progress("Runs", self._done / self._needed)
            numbers = {one.key: one.at(float(x)) for one, x in zip(moved, point, strict=True)}
            rows.append(self._predicted(numbers))
            self._done += 1
        self.names = self.names or list(dict.fromkeys(name for row in rows for name in row))
        return np.array([[row.get(name, math.nan) for name in self.names] for row in rows])

    def _predicted(self, numbers: Mapping[str, str]) -> dict[tuple[Any, ...], float]:
        try:
            with parameters.using(numbers):
                return predictions(self._run().quantities)
        except StudyError as refusal:
            self.refused += 1
            self.why = self.why or str(refusal)
            return {}


def predictions(quantities: Sequence[Quantity]) -> dict[tuple[Any, ...], float]:
    """Return what a study predicts, by what it is of: all that is published, and without that the last of each kind."""
    found = [one for one in quantities if one.published is not None and one.statistic != "sd"]
    if not found:
        last: dict[tuple[Any, ...], Any] = {}
        for one in quantities:
            if one.statistic != "sd":
                last[one.phase, one.arm, one.limb, one.scale, one.statistic, one.detail] = one
        found = list(last.values())
    return {tuple(getattr(one, field) or "" for field in _KEY): float(one.mean) for one in found}


def _shares(effects: Float[np.ndarray, "input output"]) -> Float[np.ndarray, "input output"]:
    """Return the share of each record in all moves of a prediction; 0 where nothing moves it."""
    total = effects.sum(axis=0)
    return np.divide(effects, total, out=np.zeros_like(effects), where=total > 0)


def _sobol(moved: Sequence[Factor], made: _Made, sample: int, seed: int) -> Float[np.ndarray, "kind input output"]:
    """Return first-order and total Sobol indices (Saltelli 2010) by SciPy, all other records at their numbers."""
    from scipy.stats import qmc, sobol_indices

    inputs = len(moved)
    both = qmc.Sobol(2 * inputs, seed=seed).random(sample)
    one, other = both[:, :inputs], both[:, inputs:]
    mixed = np.repeat(one[None], inputs, axis=0)
    for place in range(inputs):
        mixed[place, :, place] = other[:, place]
    f_one, f_other = made.at(moved, one).T, made.at(moved, other).T
    f_mixed = np.stack([made.at(moved, points).T for points in mixed])
    with np.errstate(invalid="ignore", divide="ignore"):
        found = sobol_indices(func={"f_A": f_one, "f_B": f_other, "f_AB": f_mixed}, n=sample)
    return np.stack([np.atleast_2d(found.first_order).T, np.atleast_2d(found.total_order).T])


def _table(
    moved: Sequence[Factor],
    names: Sequence[tuple[Any, ...]],
    is_known: Bool[np.ndarray, " output"],
    numbers: Sequence[Float[np.ndarray, "input output"]],
) -> polars.DataFrame:
    """Return one row a record and prediction."""
    import polars as pl

    rows = [
        {
            "record": factor.key,
            "label": factor.record.label,
            "status": factor.record.status,
            "distance": " ".join(factor.record.distance),
            "low": factor.at(0.0),
            "high": factor.at(1.0),
            **dict(zip(_KEY, name, strict=True)),
            **{head: float(array[row, column]) for head, array in zip(_NUMBERS, numbers, strict=True)},
        }
        for row, factor in enumerate(moved)
        for column, name in enumerate(names)
        if is_known[column]
    ]
    texts = ("record", "label", "status", "distance", "low", "high", *_KEY)
    schema = {**dict.fromkeys(texts, pl.String), **dict.fromkeys(_NUMBERS, pl.Float64)}
    return pl.DataFrame(rows, schema=schema).with_columns(pl.col(pl.Float64).fill_nan(None))
