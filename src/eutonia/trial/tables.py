"""Tidy tables of a trial: every score, every dose, every person.

A parallel phase is computed for everybody in every arm; what is observed is the arm that a person was allocated to. The
tables hold what is observed; the other potential outcomes are a table of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eutonia._hours import HOURS_A_DAY
from eutonia._middle import TAIL
from eutonia.assessment.scales import SCALES
from eutonia.assessment.scoring import charted_muscles
from eutonia.trial.analysis import Outcome
from eutonia.trial.charted_items import items, visit_words
from eutonia.trial.statistics import observed, score_of

if TYPE_CHECKING:
    import polars


def visit_table(outcome: Outcome, *, unobserved: bool = False) -> polars.DataFrame:
    """Return one row a score: limb means of every scale, and single muscle groups of the Ashworth scales.

    Everybody is in the arm to which they were allocated (in a crossover, in each arm in turn). With `unobserved` the
    rows are those of the other arms of a parallel phase: what the same people would have scored there.
    """
    import polars as pl

    study = outcome.study
    frames = []
    charted = items(study.assessment)
    for (phase, arm, _), record in outcome.visits.items():
        seen = observed(outcome, record)
        who = np.flatnonzero(record.present & ~seen if unobserved else seen)
        columns = {
            "patient": who.astype(np.int64),
            "replicate": (who // study.population.n).astype(np.int32),
        }
        visit = visit_words(study.phase(phase), record.visit)
        labels = {"phase": phase, "arm": arm, "visit": visit, "time_h": record.time_h}
        for scale in dict.fromkeys(scale for scale, _ in charted):
            rows = [(limb, "mean", score_of(record, scale, limb)[who]) for of, limb in charted if of == scale]
            if SCALES[scale].of_muscles:
                rows += [
                    (limb, name, record.scores[f"{scale}_muscle"][i][who])
                    for i, (name, limb) in enumerate(charted_muscles())
                    if limb in study.assessment.limbs
                ]
            for limb, item, score in rows:
                frame = pl.DataFrame({**columns, "score": score.astype(np.float64)})
                fixed = {**labels, "limb": limb or "", "scale": scale, "item": item, "rater": study.assessment.rater}
                frames.append(frame.with_columns([pl.lit(value).alias(name) for name, value in fixed.items()]))
    order = ["patient", "replicate", "phase", "arm", "visit", "time_h", "limb", "scale", "item", "score", "rater"]
    text = ["phase", "arm", "visit", "limb", "scale", "item", "rater"]
    table = pl.concat(frames).select(order)
    return table.with_columns([pl.col(name).cast(pl.Categorical) for name in text])


def dose_table(outcome: Outcome) -> polars.DataFrame:
    """Return the mean dose of each arm from each of its changes on, with the middle 95 % of the people still there.

    A dose holds until the next row; the last row of an arm is at its last visit.
    """
    import polars as pl

    rows = []
    for (phase, arm), log in outcome.doses.items():
        records = [record for (p, a, _), record in outcome.visits.items() if (p, a) == (phase, arm)]
        seen_h, end = np.array([record.time_h for record in records]), records[-1].time_h
        times = np.append(log.time_h[log.time_h < end], end)
        given = log.at(times)
        for unit, dose in (("ug/day", given.rate_ug_per_h * HOURS_A_DAY), ("mg/day", given.tablets_mg_per_day)):
            if not np.any(dose > 0):
                continue
            for time_h, amount in zip(times, dose, strict=True):
                here = records[int(np.searchsorted(seen_h, time_h, side="right")) - 1]
                present = amount[observed(outcome, here)]
                if present.size:
                    low, high = np.quantile(present, [TAIL, 1 - TAIL])
                    rows.append((float(time_h), phase, arm, float(present.mean()), float(low), float(high), unit))
    return pl.DataFrame(rows, schema=dose_schema(), orient="row")


def dose_schema() -> polars.Schema:
    """Return the columns of a table of doses."""
    import polars as pl

    words = dict.fromkeys(("phase", "arm", "unit"), pl.String)
    names = ("time_h", "phase", "arm", "mean", "low", "high", "unit")
    return pl.Schema({name: words.get(name, pl.Float64) for name in names})
