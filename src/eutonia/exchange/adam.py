"""A trial's result as analysis data sets in the manner of ADaM: ADSL (people), ADQS (scores), ADAE (adverse events).

They follow the names and the classes of the CDISC ADaM implementation guide 1.3 where a virtual trial has what they
name: no dates (time counts from the start of a phase), no sites, no dictionary of reactions. `REPLIC` tells replicate
trials apart; each is a study of its own, and an analysis takes one or goes by it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from eutonia._arguments import PATH, accepts
from eutonia._hours import HOURS_A_DAY
from eutonia.errors import DatasetError
from eutonia.exchange.adam_parameters import parameters_of
from eutonia.statistics.rounding import exact

_NEEDED = ("run.json", "visits.parquet", "patients.parquet")
# The table that only a dose finding has, in which the reactions of earlier cohorts decide and nobody is randomised.
_DOSE_FINDING = "dose_trials.parquet"
_NO_TRIAL = "Nearest: a folder that eutonia run has written of a trial. Name that."


@dataclass(frozen=True)
class Variable:
    """A column: its name (8 characters at most), label (40 at most), type, where it comes from, and the column of the
    result that it is under another name.
    """

    name: str
    label: str
    kind: str
    origin: str = "Derived"
    of: str = ""


@dataclass(frozen=True)
class AnalysisSet:
    """One data set: name, label, class, keys, variables, and the rows."""

    name: str
    label: str
    of_class: str
    keys: tuple[str, ...]
    variables: tuple[Variable, ...]
    table: pl.DataFrame


@dataclass(frozen=True)
class AnalysisSets:
    """All data sets of one trial; `study` is its name, `title` what it asks, `version` the program that made it."""

    study: str
    title: str
    version: str
    sets: tuple[AnalysisSet, ...]

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Return the table of a data set by name."""
        return next(one.table for one in self.sets if one.name == name)


_STUDY = Variable("STUDYID", "Study Identifier", "text", "Assigned")
_SUBJECT = Variable("USUBJID", "Unique Subject Identifier", "text", "Assigned")
_REPLICATE = Variable("REPLIC", "Replicate Trial (simulated)", "integer", "Assigned")
_PHASE = Variable("APHASE", "Phase", "text", "Assigned", of="phase")
_DAY = Variable("ADY", "Analysis Relative Day", "integer")
_HOUR = Variable("ATMH", "Hours since the Start of the Phase", "float", of="time_h")

_ADSL = (
    _STUDY,
    _SUBJECT,
    Variable("SUBJID", "Subject Identifier for the Study", "text", "Assigned"),
    _REPLICATE,
    Variable("AGE", "Age", "float", "Assigned", of="age_year"),
    Variable("AGEU", "Age Units", "text", "Assigned"),
    Variable("SEX", "Sex", "text", "Assigned"),
    Variable("WEIGHTBL", "Weight at Baseline (kg)", "float", "Assigned", of="weight_kg"),
    Variable(
        "CRCLBL", "Baseline Creatinine Clearance (mL/min)", "float", "Assigned", of="creatinine_clearance_ml_per_min"
    ),
    Variable("ONSETMO", "Months since Onset of the Lesion", "float", "Assigned", of="months_since_onset"),
    Variable("AFFSIDE", "Affected Side", "text", "Assigned"),
    Variable("LESION", "Kind of Lesion", "text", "Assigned", of="lesion"),
    Variable("LESLOC", "Territory or Site of the Lesion", "text", "Assigned", of="lesion_place"),
    Variable("LESVOL", "Volume of the Lesion (mL)", "float", "Assigned"),
    Variable("ITTFL", "Intent-To-Treat Population Flag", "text"),
    Variable("RANDFL", "Randomized Population Flag", "text"),
    Variable("ARM", "Description of Planned Arm", "text", "Assigned", of="arm"),
    Variable("EOSSTT", "End of Study Status", "text"),
    Variable("DCSREAS", "Reason for Discontinuation from Study", "text"),
    Variable("EOSDY", "Day of Phase at Discontinuation", "integer"),
)
_STOPPED = Variable("STOPFL", "Analyzed when the Trial Ended Flag", "text")
_ADQS = (
    _STUDY,
    _SUBJECT,
    _REPLICATE,
    _PHASE,
    Variable("TRTP", "Planned Treatment", "text", "Assigned", of="arm"),
    Variable("PARAM", "Parameter", "text", "Assigned"),
    Variable("PARAMCD", "Parameter Code", "text", "Assigned"),
    Variable("AVISIT", "Analysis Visit", "text", "Assigned", of="visit"),
    Variable("AVISITN", "Analysis Visit (N)", "integer"),
    _DAY,
    _HOUR,
    Variable("AVAL", "Analysis Value", "float", "Assigned", of="score"),
    Variable("ABLFL", "Baseline Record Flag", "text"),
    Variable("BASETYPE", "Baseline Type", "text", "Assigned"),
    Variable("BASE", "Baseline Value", "float"),
    Variable("CHG", "Change from Baseline", "float"),
)
_ADAE = (
    _STUDY,
    _SUBJECT,
    _REPLICATE,
    Variable("AESEQ", "Sequence Number", "integer"),
    Variable("AETERM", "Reported Term for the Adverse Event", "text", "Assigned", of="reaction"),
    _PHASE,
    Variable("TRTA", "Actual Treatment", "text", "Assigned", of="arm"),
    Variable("ASTDY", "Analysis Start Relative Day", "integer"),
    _HOUR,
    Variable("AEROUTE", "What the Event Came from", "text", "Assigned", of="route"),
    Variable("AOCCIFL", "First Occurrence of the Event Flag", "text"),
)


@accepts(folder=PATH)
def read_result(folder: str | os.PathLike[str]) -> AnalysisSets:
    """Return the analysis data sets of a result folder.

    Raises
    ------
    DatasetError
        No result of a trial.
    """
    where = Path(folder)
    if lacking := [name for name in _NEEDED if not (where / name).is_file()]:
        raise DatasetError(
            f'"{where}" holds no result of a trial: {", ".join(lacking)} {"is" if len(lacking) == 1 else "are"} not '
            f"there. Allowed: a folder with {', '.join(_NEEDED)}. {_NO_TRIAL}"
        )
    try:
        record = json.loads((where / "run.json").read_text(encoding="utf-8"))
        visits, people = (pl.read_parquet(where / name) for name in _NEEDED[1:])
        events = where / "adverse.parquet"
        adverse = pl.read_parquet(events) if events.is_file() else None
        randomised = not (where / _DOSE_FINDING).is_file()
        ended = _ended(where)
        study, title, version = (str(record[key]) for key in ("study", "title", "version"))
    except (ValueError, KeyError, OSError, pl.exceptions.PolarsError) as trouble:
        raise DatasetError(
            f'"{where}" cannot be read as a result ({str(trouble).splitlines()[0]:.120}). Allowed: the files as '
            f"eutonia run has written them. {_NO_TRIAL}"
        ) from None
    if "replicate" not in people.columns:
        raise DatasetError(
            f'"{where}" is the result of a case: the one person that it is of may be many, and nobody is in a trial. '
            f"Allowed: the result of a trial. {_NO_TRIAL}"
        )
    return analysis_sets(study, title, version, visits, people, adverse, randomised, ended)


def _ended(where: Path) -> pl.DataFrame | None:
    """Return how many people each trial had when it ended, where it may end early; None where all trials have all."""
    table, looks = where / "analysis.parquet", where / "interim_looks.parquet"
    if not table.is_file():
        return None
    trials = pl.read_parquet(table).unique("replicate", keep="first", maintain_order=True)
    if "size" in trials.columns:
        return trials.select("replicate", pl.col("size").alias("ended_with").cast(pl.Int64))
    if "look" not in trials.columns:
        return None
    of_look = pl.read_parquet(looks).select(
        pl.col("look").cast(pl.Int32), pl.col("people").cast(pl.Int64).alias("ended_with")
    )
    return trials.join(of_look, on="look", maintain_order="left").select("replicate", "ended_with")


def analysis_sets(
    study: str,
    title: str,
    version: str,
    visits: pl.DataFrame,
    people: pl.DataFrame,
    adverse: pl.DataFrame | None,
    randomised: bool = True,
    ended: pl.DataFrame | None = None,
) -> AnalysisSets:
    """Return ADSL, ADQS and, where reactions were watched, ADAE, from the tables of a result.

    Parameters
    ----------
    study, title, version
        As the record of the run has them.
    visits, people, adverse
        The tables; `adverse` None where reactions were not watched.
    randomised
        Whether who is given what was drawn; in a dose finding it is not.
    ended
        How many people (`ended_with`) each trial (`replicate`) had when it ended; None where none ends early.
    """
    who = people.select("patient", "replicate", "person")
    sets = [
        AnalysisSet(
            "ADSL",
            "Subject-Level Analysis Dataset",
            "SUBJECT LEVEL ANALYSIS DATASET",
            ("STUDYID", "USUBJID"),
            *_adsl(study, people, randomised, ended),
        ),
        AnalysisSet(
            "ADQS",
            "Scores Analysis Dataset",
            "BASIC DATA STRUCTURE",
            ("STUDYID", "USUBJID", "APHASE", "TRTP", "PARAMCD", "AVISITN"),
            _ADQS,
            _adqs(study, visits, who),
        ),
    ]
    if adverse is not None:
        keys = ("STUDYID", "USUBJID", "AESEQ")
        table = _adae(study, adverse, who)
        sets.append(
            AnalysisSet("ADAE", "Adverse Events Analysis Dataset", "OCCURRENCE DATA STRUCTURE", keys, _ADAE, table)
        )
    return AnalysisSets(study, title, version, tuple(sets))


def _subject() -> Any:
    """Return who it is within the study."""
    numbers = (pl.col("replicate") + 1).cast(pl.String).str.zfill(4), (pl.col("person") + 1).cast(pl.String)
    return pl.format("{}-{}", numbers[0], numbers[1].str.zfill(5))


def _named(study: str, variables: Sequence[Variable]) -> list[Any]:
    """Return the columns that say which study, who and which replicate trial, and those that only have a new name."""
    return [
        *(pl.col(one.of).alias(one.name) for one in variables if one.of),
        pl.lit(study).alias("STUDYID"),
        pl.format("{}-{}", pl.lit(study), _subject()).alias("USUBJID"),
        (pl.col("replicate") + 1).cast(pl.Int64).alias("REPLIC"),
    ]


def _adsl(
    study: str, people: pl.DataFrame, randomised: bool, ended: pl.DataFrame | None
) -> tuple[tuple[Variable, ...], pl.DataFrame]:
    """Return people with the planned treatment of each phase (TRTxxP), of a crossover those of its periods, and
    with the factors of a factorial phase; RESCxxFL says who was given rescue in a phase.

    Where trials may end early, STOPFL says who had been treated by then, and so was analysed.
    """
    phases = [name.removeprefix("left_reason_") for name in people.columns if name.startswith("left_reason_")]
    reasons, days = ([pl.col(f"{what}_{phase}") for phase in phases] for what in ("left_reason", "left_day"))
    failed = pl.col("not_computed") if "not_computed" in people.columns else pl.lit(None, dtype=pl.String)
    left = pl.coalesce(*reasons).is_not_null()
    entered = pl.col(f"arm_{phases[0]}").is_not_null()
    variables, treatments = list(_ADSL), list[Any]()
    for phase in phases:
        periods = people[f"arm_{phase}"].str.split(", then ")
        for k in range(max(periods.list.len().drop_nulls().to_list(), default=1)):
            name = f"TRT{len(treatments) + 1:02d}P"
            treatments.append(pl.col(f"arm_{phase}").str.split(", then ").list.get(k, null_on_oob=True).alias(name))
            variables.append(
                Variable(name, f"Planned Treatment, Period {len(treatments):02d} ({phase})"[:40], "text", "Assigned")
            )
    own, flags = _flags(people, phases)
    variables += own
    if ended is not None:
        people = people.join(ended, on="replicate", how="left", maintain_order="left")
        analysed = entered & failed.is_null() & (pl.col("person") < pl.col("ended_with"))
        flags, variables = [*flags, _flag(analysed).alias(_STOPPED.name)], [*variables, _STOPPED]
    status = pl.when(failed.is_not_null()).then(pl.lit("NOT COMPUTED")).when(~entered).then(pl.lit("NOT ENROLLED"))
    table = people.select(
        *_named(study, _ADSL),
        _subject().alias("SUBJID"),
        pl.lit("YEARS").alias("AGEU"),
        pl.col("sex").replace_strict({"woman": "F", "man": "M"}, return_dtype=pl.String).alias("SEX"),
        pl.col("side").str.to_uppercase().alias("AFFSIDE"),
        pl.col("lesion_volume_ml").fill_nan(None).alias("LESVOL"),
        _flag(entered).alias("ITTFL"),
        _flag(entered & pl.lit(randomised)).alias("RANDFL"),
        status.when(left).then(pl.lit("DISCONTINUED")).otherwise(pl.lit("COMPLETED")).alias("EOSSTT"),
        pl.coalesce(failed, *(one.str.to_uppercase() for one in reasons)).alias("DCSREAS"),
        _day(pl.coalesce(*days)).alias("EOSDY"),
        *treatments,
        *flags,
    )
    return tuple(variables), table.select([one.name for one in variables])


def _flags(people: pl.DataFrame, phases: list[str]) -> tuple[list[Variable], list[Any]]:
    """Return who was allocated to each factor of a factorial phase, and who was given rescue in a phase, and when."""
    variables, flags = list[Variable](), list[Any]()
    for k, column in enumerate(one for one in people.columns if one.startswith("factor_")):
        name, given = f"FACTOR{k + 1:02d}", pl.col(column)
        flags.append(pl.when(given.is_not_null()).then(_flag(given)).alias(name))
        variables.append(Variable(name, f"Factor: {column.removeprefix('factor_')}"[:40], "text", "Assigned"))
    for k, phase in enumerate(one for one in phases if f"rescued_day_{one}" in people.columns):
        names, day = [f"RESC{k + 1:02d}{end}" for end in ("FL", "DY")], pl.col(f"rescued_day_{phase}")
        flags += [_flag(day.is_not_null()).alias(names[0]), _day(day).alias(names[1])]
        variables.append(Variable(names[0], f"Given Rescue Flag ({phase})"[:40], "text"))
        variables.append(Variable(names[1], f"Day of First Rescue ({phase})"[:40], "integer"))
    return variables, flags


def _flag(hit: Any) -> Any:
    return pl.when(hit).then(pl.lit("Y")).otherwise(pl.lit("N"))


def _adqs(study: str, visits: pl.DataFrame, who: pl.DataFrame) -> pl.DataFrame:
    """Return one row a score, with the first of its phase and arm as baseline, of a series that of its pair."""
    words = [name for name, kind in visits.schema.items() if kind == pl.Categorical]
    plain = visits.with_columns(pl.col(*words).cast(pl.String)) if words else visits
    what = ["limb", "scale", "item"]
    kinds = plain.select(what).unique(maintain_order=True).rows()
    named = pl.DataFrame(
        [(*kind, *names) for kind, names in zip(kinds, parameters_of(kinds), strict=True)],
        schema=[*what, "PARAM", "PARAMCD"],
        orient="row",
    )
    times = plain.select("phase", "time_h").unique().sort("phase", "time_h")
    times = times.with_columns((pl.int_range(pl.len()).over("phase") + 1).cast(pl.Int64).alias("AVISITN"))
    pair = pl.col("visit").str.extract(r"^pair (\d+), ")
    crossed = pl.col("arm").n_unique().over("patient", "phase") > 1
    period = pl.when(crossed).then(pl.format("PERIOD OF {}", "arm")).otherwise(pl.lit("PERIOD"))
    plain = plain.with_columns(pl.format("PAIR {}", pair).fill_null(period).alias("BASETYPE"))
    one = ["patient", "phase", "arm", "BASETYPE", *what]
    first = plain.filter(pl.col("time_h") == pl.col("time_h").min().over(one)).select(
        *one, pl.col("score").alias("BASE")
    )
    table = (
        plain.drop("replicate")
        .join(who, on="patient", maintain_order="left")
        .join(named, on=what, maintain_order="left")
        .join(times, on=["phase", "time_h"], maintain_order="left")
        .join(first, on=one, how="left", maintain_order="left")
    )
    is_first = pl.col("AVISITN") == pl.col("AVISITN").min().over(one)
    return table.select(
        *_named(study, _ADQS),
        "PARAM",
        "PARAMCD",
        "AVISITN",
        _day(pl.col("time_h") / HOURS_A_DAY).alias("ADY"),
        pl.when(is_first).then(pl.lit("Y")).alias("ABLFL"),
        "BASETYPE",
        "BASE",
        pl.Series("CHG", exact((table["score"] - table["BASE"]).to_numpy())),  # else ranks take noise for an order
    ).select([one.name for one in _ADQS])


def _day(days: Any) -> Any:
    """Return the day of the phase: the first 24 hours are day 1, those before day -1, for there is no day 0."""
    day = days.floor().cast(pl.Int64)
    return day + (day >= 0).cast(pl.Int64)


def _adae(study: str, adverse: pl.DataFrame, who: pl.DataFrame) -> pl.DataFrame:
    """Return one row an event."""
    is_first = pl.col("time_h") == pl.col("time_h").min().over("patient", "reaction")
    joined = adverse.drop("replicate").join(who, on="patient", maintain_order="left")
    return joined.select(
        *_named(study, _ADAE),
        (pl.int_range(pl.len()).over("patient") + 1).cast(pl.Int64).alias("AESEQ"),
        _day(pl.col("time_h") / HOURS_A_DAY).alias("ASTDY"),
        pl.when(is_first).then(pl.lit("Y")).alias("AOCCIFL"),
    ).select([one.name for one in _ADAE])
