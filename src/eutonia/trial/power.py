"""How many people a trial needs: sizes are simulated until the curve through them is sure enough."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eutonia._printed import Printed
from eutonia.errors import StudyError
from eutonia.statistics.sample_size import PowerCurve, fitted
from eutonia.study.design import TrialStudy
from eutonia.study.interim_looks import interim_problems
from eutonia.study.randomisation import ratio_of
from eutonia.study.reestimation import reestimation_problems
from eutonia.study.response_adaptive import response_adaptive_problems
from eutonia.trial.endpoints import contrasts_of

if TYPE_CHECKING:
    import polars

#: Sizes that are simulated at most.
MOST_SIZES = 6
# Nothing is looked for beyond so many times the people of the study.
_MOST_FOLD = 30.0
# A step of the search is at most this: one share of few trials tells little of sizes far away.
_STEP = 3.0
Look = Callable[[int], dict[str, Any]]


@dataclass(frozen=True, repr=False)
class PowerFound(Printed):
    """The size of a trial by simulation.

    Parameters
    ----------
    study_name, endpoint, alpha, target
        What was asked: an endpoint of the study's analysis, the level of its test, and the power.
    table : polars.DataFrame
        One row a simulated size: people, trials, rejected, power, error (Monte Carlo, one standard error), estimate,
        truth, unit; with interim looks expected_people.
    people : int
        The number of people that reaches the target, in whole blocks of the randomisation; with looks, at most.
    low, high : float
        95 % Monte Carlo interval of it; inf where trials were too few to say.
    curve : PowerCurve
        Power over size, as fitted.
    allocation : tuple of (arm, int)
        People of each arm.
    run : mapping
        What it rests on.
    """

    study_name: str
    endpoint: str
    alpha: float
    target: float
    table: polars.DataFrame
    people: int
    low: float
    high: float
    curve: PowerCurve
    allocation: tuple[tuple[str, int], ...]
    run: Mapping[str, Any] = field(default_factory=dict)

    @property
    def trials(self) -> int:
        """Simulated trials in all."""
        return int(self.table["trials"].sum())

    def sentences(self) -> list[str]:
        """Return the answer, how sure it is, and what it is not."""
        told = f"{self.trials} simulated trials of {self.table.height} sizes"
        within = f"by {told} the number lies in {self.low:.0f} to {self.high:.0f} (95 %, Monte Carlo)"
        if not math.isfinite(self.high):
            within = f"{told} are too few to say where the number lies: no upper end (95 %, Monte Carlo)"
        arms = ", ".join(f"{n} {arm}" for arm, n in self.allocation)
        stops = "expected_people" in self.table.columns
        most = " at most" if stops else ""
        last = self.table.sort((self.table["people"] - self.people).abs()).row(0, named=True)
        return [
            f"{self.people} people{most} ({arms}) give {self.endpoint} a power of {100 * self.target:.0f} % at the "
            f"two-sided level {self.alpha:g}; {within}.",
            f"Of {last['trials']} simulated trials of {last['people']} people {100 * last['power']:.0f} % found a "
            f"difference (Monte Carlo error {100 * last['error']:.1f} points); the difference itself is "
            f"{last['truth']:.2g} {last['unit']}."
            + (f" Such a trial has {last['expected_people']:.1f} people on average." if stops else ""),
            "The interval is that of simulation alone: what is not known of tone, drug and raters moves the number "
            "more. See eutonia sensitivity.",
        ]

    def prose(self) -> str:
        """Return the answer in sentences."""
        return f"{self.study_name}: {' '.join(self.sentences())}"

    def frame(self) -> polars.DataFrame:
        """Return people, trials, rejected, power, error, estimate, truth, unit and fitted, one row a simulated size."""
        return self.table


def search(study: TrialStudy, target: float, alpha: float, replicates: int, look: Look) -> list[dict[str, Any]]:
    """Simulate sizes until the next one would tell nothing that is not known already."""
    block, most = _block(study), _MOST_FOLD * study.population.n
    rows: list[dict[str, Any]] = []
    people = _size(study, study.population.n, block)
    while len(rows) < MOST_SIZES:
        rows.append(look(people))
        curve = _curve(rows, replicates, alpha, target)
        low, high = rows[-1]["people"] / _STEP, rows[-1]["people"] * _STEP
        wanted = min(max(curve.size(target), low), high, most)
        following = _size(study, wanted, block)
        ends = curve.interval(target)
        # The size itself has been simulated, or the next one lies within what simulation cannot tell apart: of that
        # nothing is known where no end is.
        near = min(abs(following - row["people"]) for row in rows)
        apart = ends[1] - ends[0] if math.isfinite(ends[1]) else 0.0
        if len(rows) > 1 and (near < block or near < 0.1 * apart):
            break
        if near == 0:
            following = _size(study, following * (1.25 if len(rows) == 1 else 1.0), block)
            if any(following == row["people"] for row in rows):
                break
        people = following
    return rows


def _curve(rows: list[dict[str, Any]], replicates: int, alpha: float, target: float) -> PowerCurve:
    hits = [round(row["rejected"] * row["trials"]) for row in rows]
    return fitted([row["people"] for row in rows], hits, replicates, alpha, target)


def _block(study: TrialStudy) -> int:
    """Return the people of a block of the list by which the analysed phase is randomised."""
    rules = contrasts_of(study)[0].phase.randomisation
    return sum(n for _, n in _arms(study)) if rules is None or rules.block is None else rules.block


def _allocation(study: TrialStudy, people: int, rows: list[dict[str, Any]]) -> tuple[tuple[str, int], ...]:
    """Return the people of each arm: by the ratio, or as the largest trials had them where allocation moves."""
    last = max(rows, key=lambda row: int(row["people"]))
    if "people_arm" in last:
        contrast = contrasts_of(study)[0]
        mine = round(people * last["people_arm"] / (last["people_arm"] + last["people_against"]))
        return (contrast.arm, mine), (contrast.against, people - mine)
    arms = _arms(study)
    ratio = sum(n for _, n in arms)
    return tuple((arm, n * people // ratio) for arm, n in arms)


def _arms(study: TrialStudy) -> list[tuple[str, int]]:
    """Return the arms of the phase that is analysed, and how many of a block of people each has."""
    phase = contrasts_of(study)[0].phase
    if phase.design != "parallel":
        return [(f"each order of {phase.name}", 1)] * len(phase.arms)
    return list(zip((arm.name for arm in phase.arms), ratio_of([arm.allocation for arm in phase.arms]), strict=True))


def _size(study: TrialStudy, people: float | int, block: int) -> int:
    """Return so many people in whole blocks, or the next number above of which the study can make its looks."""
    size, plan = max(2, math.ceil(people / block - 1e-9)) * block, study.analysis
    if plan is None:
        return size
    while any(
        (
            *interim_problems(plan, size),
            *reestimation_problems(plan, size),
            *response_adaptive_problems(plan, study.phases, size),
        )
    ):
        size += block
    return size


def answer(
    study: TrialStudy,
    name: str,
    alpha: float,
    target: float,
    replicates: int,
    rows: list[dict[str, Any]],
    record: Mapping[str, Any],
) -> PowerFound:
    """Return the size at which the curve reaches the target.

    Raises
    ------
    StudyError
        It does not, within what is looked at.
    """
    import polars as pl

    curve = _curve(rows, replicates, alpha, target)
    size, (low, high) = curve.size(target), curve.interval(target)
    most = max(row["people"] for row in rows)
    if size > _STEP * most or not math.isfinite(size):
        best = max(rows, key=lambda row: float(row["rejected"]))
        raise StudyError(
            f"{study.name}: of trials of {best['people']} people {100 * best['rejected']:.0f} % find {name}, and no "
            f"size up to {_STEP * most:.0f} reaches {100 * target:.0f} %: the difference is {best['truth'] or 0.0:.2g} "
            f"{best['unit']}. Allowed: an endpoint that the treatment moves. Nearest: a larger dose, another endpoint, "
            "or a lower --target. Change one of them."
        )
    people = _size(study, size, _block(study))
    kept = ["people", "trials", "rejected", "estimate", "truth", "unit"]
    kept += ["expected_people"] if "expected_people" in rows[0] else []
    table = pl.DataFrame(
        [
            {name: row[name] for name in kept}
            | {"power": row["rejected"], "error": row["rejected_error"], "fitted": curve.at(float(row["people"]))}
            for row in sorted(rows, key=lambda row: int(row["people"]))
        ]
    ).with_columns((pl.col("rejected") * pl.col("trials")).round().cast(pl.Int64))
    arms = _allocation(study, people, rows)
    return PowerFound(study.name, name, alpha, target, table, people, low, high, curve, arms, record)
