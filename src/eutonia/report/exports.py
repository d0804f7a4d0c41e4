"""The tables of a result as files that any program opens: Parquet with units in its metadata, and .csv on request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from eutonia._delimited import safe_table
from eutonia.assessment.scales import SCALES
from eutonia.trial.result import StudyResult
from eutonia.trial.scores import ScoreTable

if TYPE_CHECKING:
    import polars

TABLES = (
    *("visits", "patients", "adverse", "potential_outcomes", "analysis", "operating_characteristics", "interim_looks"),
    *("time_to_event", "recruitment_stages", "dose_levels", "dose_trials", "dose_cohorts"),
    *("series_pairs", "series_people", "series_trials"),
)
KINDS = ("parquet", "csv")

# Column, or its beginning: unit and what it is.
COLUMNS = {
    "patient": ("1", "Person over all replicates; joins visits to patients"),
    "replicate": ("1", "Replicate trial"),
    "person": ("1", "Person within the replicate trial"),
    "phase": ("", "Phase of the study"),
    "arm": ("", "Arm to which the person was allocated; in a crossover the arms in their order"),
    "visit": ("", "Visit in words"),
    "time_h": ("h", "Time of the visit or event since the start of its phase, or of its period in a crossover"),
    "limb": ("", "Limb; empty for a score of the whole person"),
    "scale": ("", "Scale; its unit is under 'scales'"),
    "item": ("", "Muscle group, or 'mean' of the limb"),
    "score": ("unit of the scale", "Score"),
    "reaction": ("", "Adverse reaction, the first of its kind in the phase"),
    "route": ("", "What it came from: drug in the spinal fluid, tablets, or what placebo tablets bring too"),
    "stage": ("", "Stage of intrathecal treatment at that hour"),
    "rater": ("", "Whether raters scatter"),
    "age_year": ("year", "Age"),
    "sex": ("", "Sex"),
    "weight_kg": ("kg", "Body weight"),
    "creatinine_clearance_ml_per_min": ("mL/min", "Creatinine clearance"),
    "months_since_onset": ("month", "Time since the onset, at the start of the trial"),
    "side": ("", "Affected side"),
    "lesion": ("", "Kind of lesion"),
    "lesion_place": ("", "Territory, site, last whole segment or form of the lesion"),
    "lesion_volume_ml": ("mL", "Volume of an infarct or a bleed"),
    "factor": ("", "Whether the person was allocated to this factor of a factorial phase"),
    "left_day": ("day", "Day of the phase on which the person left; empty for who stayed"),
    "left_reason": ("", "Why the person left"),
    "tablets_taken": ("1", "Share of their baclofen tablets that the person takes in the phase"),
    "rescued_day": ("day", "Day of the phase on which the person was first given rescue; empty for who was not"),
    "rescues": ("1", "How often the person was given rescue in the phase"),
    "not_computed": ("", "Why the person could not be computed, and counts nowhere"),
    "responder": ("", "Whether the person responds by the endpoint of the study"),
    "response": ("", "What the response was looked for in, and how large it was"),
    "baseline": ("unit of the scale", "Score before treatment, at the first visit"),
    "endpoint": ("", "Endpoint of the analysis"),
    "role": ("", "Primary or secondary"),
    "against": ("", "Arm that the arm is compared with"),
    "measure": ("", "Change from the first visit, value, share of responders, or time to what"),
    "estimand": ("", "How leaving the treatment counts"),
    "rescue": ("", "How rescue counts; empty where there is none, or it is the event"),
    "method": ("", "Method of the analysis"),
    "unit": ("", "Unit of the difference; 1 is a share or a ratio"),
    "estimate": (
        "that of the column unit",
        "Arm less the one that it is compared with; over trials mean, SD and middle 95 %",
    ),
    "se": ("that of the column unit", "Standard error of the difference"),
    "df": ("1", "Degrees of freedom"),
    "low": ("that of the column unit", "Lower end of the interval"),
    "high": ("that of the column unit", "Upper end of the interval"),
    "p": ("1", "Two-sided p value; adjusted for the other endpoints"),
    "rejected": (
        "1",
        "Whether, or in which share of trials, the adjusted p value is at most alpha; alone: the p value",
    ),
    "n": ("1", "People in the analysis"),
    "covariance": ("", "Covariance of visits that was fitted; 'none' where none could be"),
    "reason": ("", "Why the trial has no answer, and what to use; empty where it has one"),
    "trials": ("1", "Replicate trials"),
    "no_answer": ("1", "Trials without an answer"),
    "unbounded": ("1", "Trials whose test has an answer and whose estimate has none: an arm without events"),
    "at_risk": ("1", "People to whom it has not happened before the visit and who are still seen, mean over trials"),
    "events": ("1", "People to whom it happens at the visit, mean over trials"),
    "censored": ("1", "People of whom nothing is known after the visit, mean over trials"),
    "happened": (
        "1",
        "Share to which it has happened by the visit: Kaplan and Meier, middle 95 % of trials, everybody's",
    ),
    "fell_back": ("1", "Trials in which a simpler covariance was taken"),
    "people": ("1", "People in the analysis, mean over trials"),
    "carried_over": ("that of the column unit", "What is left over from the first period of a crossover"),
    "carried_over_error": ("that of the column unit", "Monte Carlo error of that"),
    "look": ("1", "Look at which the trial stopped, from 1; or the look"),
    "stopped": ("", "Why it stopped: arm better, worse, futility; 'end' where all had been seen and nothing was shown"),
    "level": ("1", "Two-sided level of the tests and intervals of that look"),
    "median_unbiased": (
        "that of the column unit",
        "Difference that ends as this trial did, or better, as often as not; over trials mean and bias; above: share "
        "of trials in which it lies above the truth",
    ),
    "size": (
        "1",
        "People of the trial, as its first scores asked for; over trials middle 95 %, share of largest",
    ),
    "expected_people": ("1", "People analysed when a trial stops, mean over trials"),
    "expected_recruited": ("1", "People recruited by the time a trial stops, mean over trials"),
    "expected_months": (
        "month",
        "Time from the first recruitment to the look at which a trial stops, mean over trials",
    ),
    "information": ("1", "Share of the information at the look, which is that of the people"),
    "recruited": ("1", "People recruited by the time of the look"),
    "months": ("month", "Time of the look since the first was recruited"),
    "boundary": ("1", "Absolute z at which the trial stops; futility: z of the better arm below which it does"),
    "stops": ("1", "Share of trials that stop at the look, in all and by reason; null: if the arms did not differ"),
    "width": ("that of the column unit", "Mean width of the intervals"),
    "truth": ("that of the column unit", "What the endpoint is if everybody is seen in both arms"),
    "alike": (
        "",
        "Whether both arms give the same, or nobody differs between them: a rejection is then an error",
    ),
    "coverage": ("1", "Share of intervals that hold the truth"),
    "pair": ("1", "Number of the pair of periods"),
    "pairs": ("1", "Pairs of periods of the person that were seen"),
    "arm_first": ("", "Arm of the first period of the pair"),
    "value": ("that of the column unit", "Number of the person in that period"),
    "difference": ("that of the column unit", "Arm less the one that it is compared with: the person's own"),
    "shrunken": (
        "that of the column unit",
        "The person's difference with what all others tell of it (empirical Bayes)",
    ),
    "responds": ("", "Whether the own difference is a response"),
    "chance": ("1", "Chance that the person's difference is a response"),
    "between_sd": ("that of the column unit", "SD of differences between people"),
    "within_sd": ("that of the column unit", "SD of differences from pair to pair of one person"),
    "improvement": ("that of the column unit", "Difference for the better that is a response"),
    "share": ("1", "Share of people who respond: by the own difference, the shrunken one, the mean of the chances"),
    "thought": ("1", "Share with a limiting reaction that a level is thought to have beforehand (skeleton)"),
    "true_risk": ("1", "Share with a limiting reaction at a level, over everybody"),
    "nearest": ("", "Whether that share is the nearest to the target"),
    "selected": ("1", "Share of trials that select the level, and its Monte Carlo error"),
    "recruitment_stage": ("1", "Number of the stage of recruitment"),
    "allocated": ("1", "People of the stage in the arm, mean over trials and its Monte Carlo error"),
    "allocated_share": (
        "1",
        "Share of the stage to be given the arm; over trials mean, error, middle 95 %",
    ),
    "probability_better": ("1", "Probability that the arm is better, by which the share was set; mean over trials"),
    "people_arm": ("1", "People in the arm, mean over trials and its Monte Carlo error"),
    "people_against": ("1", "People in the arm that it is compared with, mean over trials and its Monte Carlo error"),
    "selects_best": ("1", "Share of trials whose estimate has the sign of the truth, and its Monte Carlo error"),
    "null_rejected": ("1", "Share of trials that find a difference where both arms are the same, Monte Carlo error"),
    "given": ("1", "People who are given the level: mean over trials, as a share of a trial, Monte Carlo errors"),
    "reacted": ("1", "People with a limiting reaction; over trials the mean and its Monte Carlo error"),
    "judged": ("1", "People who reacted, or were watched to the end"),
    "recommended": ("", "Level that the next person would be given; empty where even the lowest is too risky"),
    "ended": ("", "Why the trial ended"),
    "cohort": ("1", "Number of the cohort"),
    "parameter": ("1", "Mean and SD of the model's parameter after the cohort"),
    "lowest_too_risky": ("1", "Probability that the lowest level is above the target"),
    "risk": ("1", "Risk of a level by the model after the cohort; levels from 1, the lowest"),
    "bias": ("mV", "Motoneuron bias of the lesion (of the model; no clinic knows it)"),
    "strength": ("1", "Voluntary strength, share of whole (of the model)"),
    "contracture": ("1", "Contracture, share of severe (of the model)"),
    "ec50": ("ng/mL", "Half-effective concentration (of the model)"),
}


def write_tables(result: StudyResult, folder: Path, *, csv: bool) -> None:
    """Write the tables that the result has; text stays text, so that readers of every age open it."""
    made = result.analysed
    analysed = (None,) * 5 if made is None else made.tables
    shown = (result.scores, result.patients, result.reactions, result.potential_scores)
    tables = (*shown, *analysed, *_of_designs(result))
    for name, table in zip(TABLES, tables, strict=True):
        if table is None:
            continue
        frames = partial(table.frames) if isinstance(table, ScoreTable) else partial(iter, [table])
        head = _plain(table.no_rows() if isinstance(table, ScoreTable) else table.clear())
        _write_parquet(folder / f"{name}.parquet", frames, head.schema, _about(result, head.columns))
        if csv:
            with (folder / f"{name}.csv").open("wb") as file:
                head.write_csv(file)
                for frame in frames():
                    safe_table(_plain(frame)).write_csv(file, include_header=False)


def _of_designs(result: StudyResult) -> tuple[polars.DataFrame | None, ...]:
    """Return the tables of a dose finding, and of a series of N-of-1 trials."""
    levels, series = result.dose_finding, result.series
    return (
        *((None,) * 3 if levels is None else (levels.levels, levels.trials, levels.cohorts)),
        *((None,) * 3 if series is None else (series.pairs, series.people, series.trials)),
    )


def _write_parquet(
    file: Path, frames: Callable[[], Iterator[polars.DataFrame]], schema: polars.Schema, about: dict[str, str]
) -> None:
    """Write a table as it comes, so that no more of it than a few frames is in memory."""
    from polars.io.plugins import register_io_source

    rows = register_io_source(lambda *_: map(_plain, frames()), schema=schema)
    rows.sink_parquet(file, compression="zstd", compression_level=1, statistics=False, metadata=about)


def _plain(table: polars.DataFrame) -> polars.DataFrame:
    import polars as pl

    return table.with_columns(pl.col(pl.Categorical).cast(pl.String))


def write_pair(table: polars.DataFrame, folder: Path, name: str) -> None:
    """Write a table as Parquet and as .csv."""
    table.write_parquet(folder / f"{name}.parquet")
    safe_table(table).write_csv(folder / f"{name}.csv")


def _about(result: StudyResult, columns: list[str]) -> dict[str, str]:
    """Return what goes into the metadata of a table: unit and meaning of each column, and of each scale."""
    scales = {key: {"label": one.label, "unit": one.unit} for key, one in SCALES.items() if one.is_score}
    known = {name: COLUMNS[key] for name in columns if (key := _column(name)) is not None}
    return {
        "study": result.study_name,
        "columns": json.dumps({name: {"unit": unit, "long_name": label} for name, (unit, label) in known.items()}),
        "scales": json.dumps(scales),
    }


def unit_of(column: str) -> str:
    """Return the unit of a column of people as a heading shows it; empty where it has none or is named after it."""
    key = _column(column)
    unit = "" if key is None else COLUMNS[key][0]
    return "" if unit in ("", "1", "unit of the scale") or unit in column else unit


def _column(name: str) -> str | None:
    """Return the description that fits a column: its own, or that of the longest beginning."""
    return max((key for key in COLUMNS if name == key or name.startswith(f"{key}_")), key=len, default=None)
