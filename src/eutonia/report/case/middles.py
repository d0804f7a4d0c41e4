"""The scores of a case as its picture tells them: of the middle one of the possible people, and not their mean."""

from __future__ import annotations

import dataclasses

from eutonia.trial.result import StudyResult


def of(result: StudyResult) -> StudyResult:
    """Return a case whose scores are those of the middle person; a trial as it is."""
    import polars as pl

    if result.kind != "case" or result.scores.is_empty:
        return result
    keys = ("scale", "limb", "time_h")
    rows = result.visits.group_by([pl.col("scale", "limb").cast(pl.String), "time_h"]).agg(pl.col("score").median())
    middle = {tuple(row[key] for key in keys): float(row["score"]) for row in rows.iter_rows(named=True)}
    told = tuple(
        dataclasses.replace(one, mean=middle.get((one.scale, one.limb or "", one.time_h), one.mean))
        for one in result.quantities
    )
    return dataclasses.replace(result, quantities=told)
