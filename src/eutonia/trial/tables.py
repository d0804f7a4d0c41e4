"""Tidy tables of a trial: every score, every dose, every person.

A parallel phase is computed for everybody in every arm; what is observed is the arm that a person was allocated to. The
tables hold what is observed; the other potential outcomes are a table of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from eutonia._hours import HOURS_A_DAY
from eutonia._middle import TAIL
from eutonia.assessment.scales import SCALES
from eutonia.assessment.scoring import charted_muscles
from eutonia.trial.analysis import Outcome
from eutonia.trial.block_outcome import VisitRecord
from eutonia.trial.charted_items import items, visit_words
from eutonia.trial.scores import ScorePart, ScoreTable
from eutonia.trial.statistics import observed, score_of

if TYPE_CHECKING:
    import polars


def scores_of(outcome: Outcome, *, unobserved: bool = False) -> ScoreTable:
    """Return one row a score: limb means of every scale, and single muscle groups of the Ashworth scales.

    Everybody is in the arm to which they were allocated (in a crossover, in each arm in turn). With `unobserved` the
    rows are those of the other arms of a parallel phase: what would have been seen of the same people there.
    """
    study, rater = outcome.study, outcome.study.assessment.rater
    shown = [(scale, limb, "mean", None) for scale, limb in items(study.assessment)]
    groups = [(limb, name, i) for i, (name, limb) in enumerate(charted_muscles()) if limb in study.assessment.limbs]
    rows: list[tuple[str, str | None, str, int | None]] = []
    for scale in dict.fromkeys(scale for scale, *_ in shown):
        rows += [one for one in shown if one[0] == scale]
        rows += [(scale, *group) for group in groups] if SCALES[scale].of_muscles else []
    parts = []
    for key in outcome.visits:
        phase, arm, visit = key
        seen = _Seen(outcome, key, unobserved=unobserved)
        when = visit_words(study.phase(phase), visit), outcome.visits[key].time_h
        for scale, limb, item, muscle in rows:
            read = partial(seen.rows, scale, limb, muscle)
            parts.append(ScorePart(phase, arm, *when, limb or "", scale, item, rater, read))
    return ScoreTable(parts, lambda: _people(outcome, unobserved=unobserved))


@dataclass
class _Seen:
    """Scores of a visit of an arm, of those who are seen at it, or of those who are seen in another arm."""

    outcome: Outcome
    key: tuple[str, str, int]
    unobserved: bool

    def who(self, record: VisitRecord) -> Int[np.ndarray, " place"]:
        """Return who has a row."""
        if self.unobserved:
            there = record.present & ~self.outcome.missed(record.phase, record.arm, record.visit)
            return np.flatnonzero(there & ~self.outcome.in_arm(record.phase, record.arm))
        return np.flatnonzero(observed(self.outcome, record))

    def rows(self, scale: str, limb: str | None, muscle: int | None) -> polars.DataFrame:
        """Return patient, replicate and score of a scale; of a limb, or of a muscle group by its number."""
        import polars as pl

        record = self.outcome.visits[self.key]
        score = score_of(record, scale, limb) if muscle is None else record.scores[f"{scale}_muscle"][muscle]
        who = self.who(record)
        replicate = (who // self.outcome.study.population.n).astype(np.int32)
        return pl.DataFrame(
            {"patient": who.astype(np.int64), "replicate": replicate, "score": score[who].astype(float)}
        )


def _people(outcome: Outcome, *, unobserved: bool) -> int:
    """Return how many people have a row at some visit."""
    found = np.zeros(len(outcome.member), dtype=bool)
    for key, record in outcome.visits.items():
        found[_Seen(outcome, key, unobserved).who(record)] = True
    return int(found.sum())


def dose_table(outcome: Outcome) -> polars.DataFrame:
    """Return the mean dose of each arm from each of its changes on, with the middle 95 % of the people still there.

    A dose holds until the next row; the last row of an arm is at its last visit.
    """
    import polars as pl

    rows = []
    for (phase, arm), log in outcome.doses.items():
        visits = [key for key in outcome.visits if key[:2] == (phase, arm)]
        seen_h = np.array([outcome.visits[key].time_h for key in visits])
        end = float(seen_h[-1])
        times = np.append(log.time_h[log.time_h < end], end)
        found: dict[str, list[tuple[Any, ...]]] = {"ug/day": [], "mg/day": []}
        is_given = dict.fromkeys(found, False)
        for time_h, rate, tablets in log.each_at(times):
            last = visits[int(np.searchsorted(seen_h, time_h, side="right")) - 1]
            here = observed(outcome, outcome.visits[last])
            for unit, amount in (("ug/day", rate * HOURS_A_DAY), ("mg/day", tablets)):
                is_given[unit] |= bool(np.any(amount > 0))
                present = amount[here]
                if present.size:
                    low, high = np.quantile(present, [TAIL, 1 - TAIL])
                    found[unit].append((time_h, phase, arm, float(present.mean()), float(low), float(high), unit))
        rows += [row for unit, some in found.items() if is_given[unit] for row in some]
    return pl.DataFrame(rows, schema=dose_schema(), orient="row")


def dose_schema() -> polars.Schema:
    """Return the columns of a table of doses."""
    import polars as pl

    words = dict.fromkeys(("phase", "arm", "unit"), pl.String)
    names = ("time_h", "phase", "arm", "mean", "low", "high", "unit")
    return pl.Schema({name: words.get(name, pl.Float64) for name in names})
