"""Tables of a case: scores at the examinations, doses, and what is reported at the turning points."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from eutonia._middle import TAIL
from eutonia.study.design import CaseStudy
from eutonia.trial.case_responders import ARM, PHASE
from eutonia.trial.charted_items import items
from eutonia.trial.result import Quantity
from eutonia.trial.tables import dose_schema

if TYPE_CHECKING:
    import polars
    import xarray

_NUMBER = re.compile(r"([\d.]+(?:[eE][+-]?\d+)?)\s*(.*)")


def _examined(course: xarray.Dataset, study: CaseStudy) -> np.ndarray:
    """Return the positions of the planned examinations on the time axis."""
    time = course["time_h"].to_numpy()
    planned = np.arange(0.0, study.case.duration_h + 1e-6, study.case.examine_every_h)
    return np.flatnonzero(np.isin(np.round(time, 6), np.round(planned, 6)))


def _visit_words(study: CaseStudy, time_h: float) -> str:
    """Return the time of a planned examination in the unit in which the study file says how often there is one."""
    every = study.case.examine_every_h
    number, unit = _NUMBER.fullmatch(every.text).groups()  # type: ignore[union-attr]
    return f"{float(number) * round(time_h / every):g} {unit}"


def _scores(course: xarray.Dataset, scale: str, limb: str | None) -> np.ndarray:
    variable = course[scale]
    return (variable if limb is None else variable.sel(limb=limb)).transpose("time_h", "patient").to_numpy()


def visit_table(course: xarray.Dataset, study: CaseStudy) -> polars.DataFrame:
    """Return one row a score: every scale and limb at every planned examination, for each possible person."""
    import polars as pl

    at = _examined(course, study)
    time, n = course["time_h"].to_numpy()[at], course.sizes["patient"]
    frames = []
    for scale, limb in items(study.assessment):
        frame = pl.DataFrame(
            {
                "patient": np.tile(course["patient"].to_numpy().astype(np.int64), len(at)),
                "time_h": np.repeat(time, n),
                "score": _scores(course, scale, limb)[at].ravel().astype(np.float64),
            }
        )
        fixed = {"phase": PHASE, "arm": ARM, "limb": limb or "", "scale": scale, "item": "mean"}
        fixed["rater"] = study.assessment.rater
        labels = {float(t): _visit_words(study, float(t)) for t in time}
        visit = pl.col("time_h").replace_strict(labels, return_dtype=pl.String).alias("visit")
        constant = [pl.lit(value).alias(name) for name, value in fixed.items()]
        frames.append(frame.with_columns(visit, pl.lit(0, dtype=pl.Int32).alias("replicate"), *constant))
    order = ["patient", "replicate", "phase", "arm", "visit", "time_h", "limb", "scale", "item", "score", "rater"]
    if not frames:
        numbers = {"patient": pl.Int64, "replicate": pl.Int32, "time_h": pl.Float64, "score": pl.Float64}
        return pl.DataFrame(schema={name: numbers.get(name, pl.String) for name in order})
    return pl.concat(frames).select(order)


def dose_table(course: xarray.Dataset) -> polars.DataFrame:
    """Return the dose over time, by each route that is taken."""
    import polars as pl

    frames = []
    for name in ("dose_rate", "dose_oral"):
        if name not in course:
            continue
        dose = course[name].to_numpy()
        columns = {"time_h": course["time_h"].to_numpy(), "phase": PHASE, "arm": ARM, "mean": dose.mean(axis=1)}
        edges = {"low": dose.min(axis=1), "high": dose.max(axis=1), "unit": course[name].attrs["units"]}
        frames.append(pl.DataFrame(columns | edges))
    return pl.concat(frames) if frames else pl.DataFrame(schema=dose_schema())


def quantities(course: xarray.Dataset, study: CaseStudy) -> tuple[Quantity, ...]:
    """Return every score at every planned examination: mean and middle 95 % over the possible people."""
    time = course["time_h"].to_numpy()
    found = []
    for scale, limb in items(study.assessment):
        scores = _scores(course, scale, limb)
        lows, highs = np.quantile(scores, [TAIL, 1 - TAIL], axis=1)
        means, spreads = scores.mean(axis=1), scores.std(axis=1, ddof=1)
        for i in _examined(course, study):
            found.append(
                Quantity(
                    name="",
                    phase=PHASE,
                    arm=ARM,
                    limb=limb,
                    scale=scale,
                    visit=_visit_words(study, float(time[i])),
                    time_h=float(time[i]),
                    statistic="mean",
                    mean=float(means[i]),
                    sd=float(spreads[i]),
                    n=float(scores.shape[1]),
                    low=float(lows[i]),
                    high=float(highs[i]),
                )
            )
    return tuple(found)
