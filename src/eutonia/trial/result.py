"""What a study gives back: plain frozen records and the field's own containers, ready to be written and drawn.

Nothing here computes physiology. A trial fills these records from its replicates, a case from its one course, and the
report reads them without knowing how they came about.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from eutonia._middle import LEVEL
from eutonia.patient import Lesion
from eutonia.trial.analysed import Analysed as Analysed
from eutonia.trial.flow import ConsortRow as ConsortRow
from eutonia.trial.scores import Scored, ScoreTable
from eutonia.trial.width import WIDTHS, Width

if TYPE_CHECKING:
    import polars
    import xarray

    from eutonia.examination.findings import Finding
    from eutonia.trial.broken_rules import BrokenRule
    from eutonia.trial.case_pump import PumpDate
    from eutonia.trial.dose_finding import DoseFinding
    from eutonia.trial.failure_table import FailedPumps
    from eutonia.trial.n_of_1 import SeriesFound

_ROUNDING = 1e-9

Kind = Literal["trial", "case"]
Grade = Literal["reproduces", "in range", "does not"]


@dataclass(frozen=True)
class Published:
    """One published number that a prediction is held against.

    Parameters
    ----------
    value : float
        The published number, in the unit of the predicted quantity.
    sd : float or None
        Published standard deviation between patients.
    n : int or None
        Patients behind the published number.
    p : float or None
        Published p value, as printed.
    source : str
        Key in the list of sources.
    status : str
        How well the number was checked: verified, secondary, derived and so on.
    note : str
        What a reader has to know about the number.
    baseline : float or None
        Published entry level of the same scale and limb.
    se : float or None
        Published standard error, in the same unit, where the paper gives one.
    """

    value: float
    sd: float | None = None
    n: int | None = None
    p: float | None = None
    source: str = ""
    status: str = ""
    note: str = ""
    baseline: float | None = None
    se: float | None = None


@dataclass(frozen=True)
class Quantity:
    """One predicted quantity of one arm at one visit, with its interval and, if there is one, the published value.

    Parameters
    ----------
    name : str
        Words for a reader; empty lets the report build them from limb and scale.
    phase, arm : str
        Names of the phase and of the arm in the study file.
    limb : str or None
        "leg", "arm", or None for a quantity of the whole person.
    scale, visit : str
        The clinical scale and the label of the visit.
    time_h : float
        Time since the start of the phase, h.
    statistic : str
        "mean", "share" (or "share ..."), "dose", "fraction removed", "sd" and so on.
    mean : float
        Mean over replicate trials, in `unit`.
    sd : float or None
        Standard deviation between patients (mean over replicates), in `unit`.
    n : float
        Mean number of patients behind it.
    low, high : float
        Interval over replicate trials of the trial mean, in `unit`.
    level : float
        Probability of that interval, 0 to 1.
    unit : str
        Unit of all numbers above; empty or "score" for a clinical score.
    baseline_mean : float or None
        Predicted entry level of the same scale and limb.
    published : Published or None
        What the trial reported.
    detail : str
        What the statistic is about, for a reader: "share with drowsiness"; empty where its name says it.
    withheld : str
        Why no verdict is given; empty where one is.
    in_trials : tuple of float
        Its value in each replicate trial, in `unit`, where something is published; of reactions none.
    width : Width or None
        What the interval's width comes from; none where trials do not differ.
    """

    name: str
    phase: str
    arm: str
    limb: str | None
    scale: str
    visit: str
    time_h: float
    statistic: str
    mean: float
    sd: float | None
    n: float | int
    low: float
    high: float
    level: float = LEVEL
    unit: str = ""
    baseline_mean: float | None = None
    published: Published | None = None
    detail: str = ""
    withheld: str = ""
    in_trials: tuple[float, ...] = ()
    width: Width | None = None

    @property
    def published_standard_error(self) -> float | None:
        """Return the standard error of the published value in `unit`, or None where the paper leaves it unknown.

        **Equation** mean: sd/sqrt(n); share s: sqrt(s (1 - s)/n); standard deviation: sd/sqrt(2 (n - 1)).
        """
        published = self.published
        if published is None:
            return None
        if published.se is not None or not published.n:
            return published.se
        if self.statistic.startswith("share"):
            whole = 100.0 if self.unit == "%" else 1.0
            share = min(max(published.value / whole, 0.0), 1.0)
            return whole * math.sqrt(share * (1.0 - share) / published.n)
        if self.statistic == "sd":
            return published.value / math.sqrt(2 * (published.n - 1)) if published.n > 1 else None
        is_mean = self.statistic in ("mean", "change from baseline", "dose")
        return published.sd / math.sqrt(published.n) if is_mean and published.sd is not None else None

    @property
    def distance(self) -> float | None:
        """Return how far the published value lies outside the interval (0 inside), in `unit`."""
        if self.published is None:
            return None
        outside = max(self.low - self.published.value, self.published.value - self.high, 0.0)
        # Sums over patients leave the last digits to chance; a bound that is met up to those is met.
        return 0.0 if outside <= _ROUNDING * abs(self.published.value) else outside

    @property
    def grade(self) -> Grade | None:
        """Return the verdict: reproduces, in range (inside once widened by the published standard error), does not.

        None where nothing is published, or where the verdict is withheld.
        """
        distance = self.distance
        if distance is None or self.withheld:
            return None
        if distance == 0.0:
            return "reproduces"
        return "in range" if distance <= (self.published_standard_error or 0.0) else "does not"

    @property
    def agreement(self) -> str | None:
        """Return the verdict in words: "inside the interval", "outside, by 0.3", or None if nothing is published."""
        grade, distance = self.grade, self.distance
        if self.withheld and distance is not None:
            return f"no verdict: {self.withheld}"
        if grade is None or distance is None:
            return None
        if grade == "reproduces":
            return "inside the interval"
        words = f"outside, by {distance:.2g}"
        return f"{words}, within its standard error" if grade == "in range" else words


@dataclass(frozen=True)
class Zoom:
    """A stretch of a case worth a closer look: a test bolus, a missed refill. Times in h from the start."""

    title: str
    start_h: float | int
    end_h: float | int


@dataclass(frozen=True, repr=False)
class StudyResult(Scored):
    """Everything that one run of one study file produced.

    Parameters
    ----------
    title, kind, study_name, description
        What was run, for people; `kind` is "trial" or "case".
    quantities : tuple of Quantity
        Predictions, with the published values beside them.
    consort : tuple of ConsortRow
        The flow of patients, top to bottom.
    scores : ScoreTable
        One row a score, everybody in the arm that they were allocated to: patient, replicate, phase, arm, visit,
        time_h, limb, scale, item ("mean" or a muscle), score, rater. `visits` is the table of all of them.
    doses : polars.DataFrame
        Dose over time: time_h, phase, arm, mean, low, high, unit.
    course : xarray.Dataset
        Physiology over time; dims patient, time_h and, for some, limb; variables carry `units` and `long_name`.
    run : mapping
        version, seed, study_digest, parameter_sets, counts_by_status, precision, platform, wall_time_s,
        sources (key, text) and assumed (set, name, value, unit, note).
    events : tuple of (time_h, label)
        What happened to the person of a case, in h from the start; what the arms of a trial are given beside the drug,
        in h of the phase.
    findings : tuple of (time_h, Finding)
        What the bedside tests of a case found, over the possible people.
    adverse : polars.DataFrame or None
        reaction, phase, arm, placebo, n (people in the arm), share, low, high; shares from 0 to 1, null where the label
        does not say.
    reactions : polars.DataFrame or None
        One row an event, the first of its kind: replicate, patient, arm, phase, reaction, time_h, route, stage.
    patients : polars.DataFrame or None
        One row a person: patient, replicate, person, arm, what was known before treatment, arm and leaving of each
        phase, responder (bool), response_arm, and what the model knows before treatment. Of a case, one row a possible
        person, with the last three only.
    endpoint : str
        What counts as a response, in a sentence.
    judged_at : tuple of (phase, h) or None
        The visit of a trial at which the study file asks who responds; None where it asks for none.
    responders : polars.DataFrame or None
        rule, phase, arm, placebo, n, share, low, high: who responds in each arm; shares from 0 to 1. Of a case, the
        share of the people that the person may be.
    predictors : polars.DataFrame or None
        predictor, known ("chart" or "model"), explained, n: share of the variance of the improvement, 0 to 1.
    analysed : Analysed or None
        What the analysis of every replicate trial found, and how often it is right, where the study says one.
    dose_finding : DoseFinding or None
        Which dose level replicate trials found, where the study reassesses doses.
    series : SeriesFound or None
        Every person's own difference, where the study is a series of N-of-1 trials.
    lesion : Lesion or None
        The lesion of a case, to be drawn.
    zooms : tuple of Zoom
        Closer looks for a case.
    potential_scores : ScoreTable or None
        The same for the arms that people were not allocated to, where asked for; `potential` is their table.
    caveats : tuple of str
        What has to be known before the result is believed, as sentences.
    withdrawal : tuple of str
        What the hours without drug look like in a case, a sentence an hour.
    broken : tuple of BrokenRule
        Rules of pumps that are broken: of a case in order of time, of a trial by phase and arm, with how many people.
    pump_dates : tuple of PumpDate
        Fillings of the pump of a case, and what is due after the last.
    failures : tuple of FailedPumps
        Pumps and catheters that fail, by arm, where a study lets them.
    placebo_arms : tuple of (phase, arm)
        The arms whose drug is a sham.
    """

    title: str
    kind: Kind
    study_name: str
    description: str
    quantities: tuple[Quantity, ...]
    consort: tuple[ConsortRow, ...]
    scores: ScoreTable
    doses: polars.DataFrame
    course: xarray.Dataset
    run: Mapping[str, Any]
    events: tuple[tuple[float, str], ...] = ()
    findings: tuple[tuple[float, Finding], ...] = ()
    adverse: polars.DataFrame | None = None
    reactions: polars.DataFrame | None = None
    patients: polars.DataFrame | None = None
    lesion: Lesion | None = None
    zooms: tuple[Zoom, ...] = field(default=())
    endpoint: str = ""
    judged_at: tuple[str, float] | None = None
    responders: polars.DataFrame | None = None
    predictors: polars.DataFrame | None = None
    analysed: Analysed | None = None
    dose_finding: DoseFinding | None = None
    series: SeriesFound | None = None
    potential_scores: ScoreTable | None = None
    caveats: tuple[str, ...] = ()
    withdrawal: tuple[str, ...] = ()
    broken: tuple[BrokenRule, ...] = ()
    pump_dates: tuple[PumpDate, ...] = ()
    failures: tuple[FailedPumps, ...] = ()
    placebo_arms: tuple[tuple[str, str], ...] = ()

    @property
    def compared(self) -> tuple[Quantity, ...]:
        """Return the quantities that have a published value, in order."""
        return tuple(quantity for quantity in self.quantities if quantity.published is not None)

    @property
    def withheld(self) -> str:
        """Return why no verdict is given on the published values; empty where one is."""
        reasons = [quantity.withheld for quantity in self.compared]
        return reasons[0] if reasons and all(reasons) else ""

    @property
    def grades(self) -> dict[Grade, int]:
        """Return how many published values fall under each verdict."""
        given = [quantity.grade for quantity in self.compared]
        return {grade: given.count(grade) for grade in get_args(Grade)}

    def prose(self) -> str:
        """Return what was run and how it compares with what was published."""
        told = f"{self.title} ({self.kind} {self.study_name}, seed {self.run.get('seed')})."
        if self.withheld:
            told += f" No verdict on {len(self.compared)} published results: {self.withheld}."
        elif self.compared:
            inside, near, missed = self.grades.values()
            told += (
                f" Of {inside + near + missed} published results {inside} lie inside the predicted interval, {near} "
                f"more within their standard error, {missed} are missed."
            )
        return f"{told} {len(self.quantities)} quantities: see frame(). Research and teaching only, no medical device."

    def frame(self) -> polars.DataFrame:
        """Return every reported quantity, one row each, with its interval, unit, published value and verdict.

        Returns
        -------
        polars.DataFrame
            phase, arm, limb, scale, visit, time_h, statistic, detail, mean, sd, n, low, high, level, unit, published,
            grade, from_sample, from_parameters, from_site (shares of a variance) and the Monte Carlo error of each
            (from_sample_error and so on); null where there is none. Of a score at a visit the interval is that of the
            mean of one trial.
        """
        import polars as pl

        words = dict.fromkeys(("phase", "arm", "limb", "scale", "visit", "statistic", "detail", "unit"), pl.String)
        numbers = dict.fromkeys(("time_h", "mean", "sd", "n", "low", "high", "level"), pl.Float64)
        rows = [
            {name: getattr(one, name) for name in (*words, *numbers)}
            | {"published": None if one.published is None else one.published.value, "grade": one.grade}
            | _shares(one.width)
            for one in self.quantities
        ]
        last = {"published": pl.Float64, "grade": pl.String} | dict.fromkeys(_shares(None), pl.Float64)
        order = ["phase", "arm", "limb", "scale", "visit", "time_h", "statistic", "detail", "mean", "sd", "n"]
        table = pl.DataFrame(rows, schema={**words, **numbers, **last}).with_columns(pl.col(pl.Float64).fill_nan(None))
        return table.select(*order, "low", "high", "level", "unit", *last)


def _shares(width: Width | None) -> dict[str, float | None]:
    """Return the shares of a variance, and the Monte Carlo error of each, by column."""
    known = [None] * 2 * len(WIDTHS) if width is None else [*(getattr(width, name) for name in WIDTHS), *width.errors]
    return dict(zip([f"from_{name}{end}" for end in ("", "_error") for name in WIDTHS], known, strict=True))
