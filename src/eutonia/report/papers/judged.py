"""Every published number beside its prediction, graded twice, with what two baselines would have scored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import norm

from eutonia.report import targets, words
from eutonia.report.papers import baselines
from eutonia.report.papers.criteria import OF_A_PAPER, SHARE_OF_A_PAPER, Criteria, Equivalence, Margin, equivalence
from eutonia.study.design import TrialStudy
from eutonia.trial.result import Quantity, StudyResult


@dataclass(frozen=True)
class Judged:
    """A published number and its prediction.

    Parameters
    ----------
    source : str
        The study or the folder of a paper that it belongs to.
    key : str
        Its name within it, of limb, scale, statistic, arm and visit.
    predicted, low, high : float
        Mean over replicate trials and the interval of one; of a paper's number what is computed, three times.
    grade : str
        Verdict by the interval.
    margin_name, margin : str, float
        The clinical margin, in the unit of the number.
    equivalence : str
        Verdict by the margin.
    crps, crps_no_change, crps_calibration_mean : float or None
        Of the prediction and of two baselines; none where nothing is to be had.
    """

    source: str
    key: str
    unit: str
    predicted: float
    low: float
    high: float
    published: float
    grade: str
    margin_name: str
    margin: float
    equivalence: Equivalence
    crps: float | None = None
    crps_no_change: float | None = None
    crps_calibration_mean: float | None = None


def what(quantity: Quantity, *, names_arm: bool) -> str:
    """Return what a number is of, in a few words."""
    statistic = "" if quantity.statistic in ("mean", quantity.scale) else quantity.statistic
    arm = f"({quantity.arm})" if names_arm else ""
    return " ".join(part for part in (quantity.limb, quantity.scale.replace("_", " "), statistic, arm) if part)


def of_trial(result: StudyResult, study: TrialStudy, criteria: Criteria, rows: baselines.Rows) -> list[Judged]:
    """Return the published numbers of a trial that has a verdict, judged."""
    found = []
    for quantity in result.compared:
        published, grade = quantity.published, quantity.grade
        if published is None or grade is None:
            continue
        margin = criteria.margin(quantity.statistic, quantity.scale)
        is_placebo = (quantity.phase, quantity.arm) in result.placebo_arms
        other = (
            baselines.no_change(quantity, result.doses),
            baselines.calibration_mean(quantity, rows, _route(study, quantity.phase), is_placebo=is_placebo),
        )
        score, unmoved, expected = baselines.scores(quantity.in_trials, published.value, *other)
        name = what(quantity, names_arm=words.of_several_arms(quantity, result.compared))
        what_is = (result.study_name, f"{name}, {quantity.visit}", quantity.unit)
        shown = (quantity.mean, quantity.low, quantity.high, published.value)
        one = _judged(what_is, shown, grade, margin, _standard_error(quantity), criteria)
        found.append(replace(one, crps=score, crps_no_change=unmoved, crps_calibration_mean=expected))
    return found


def of_paper(folder: Path, compared: Iterable[targets.Comparison], criteria: Criteria) -> list[Judged]:
    """Return the numbers of a paper's folder that are evidence, judged; one typical person has no distribution."""
    found = []
    for one in compared:
        target = one.target
        if target.basis not in targets.GRADED:
            continue
        margin = criteria.margin(SHARE_OF_A_PAPER if target.unit == "1" else OF_A_PAPER)
        what_is, shown = (folder.name, target.id, target.unit), (one.found,) * 3 + (target.value,)
        found.append(_judged(what_is, shown, one.verdict, margin, target.standard_error, criteria))
    return found


def _judged(
    what_is: tuple[str, str, str],
    shown: tuple[float, float, float, float],
    grade: str,
    margin: Margin,
    error: float | None,
    criteria: Criteria,
) -> Judged:
    """Judge a number (source, key, unit) by its margin: predicted with its ends, and published with its error."""
    predicted, _, _, published = shown
    wide = margin.of(published)
    half = None if error is None else norm.ppf((1.0 + criteria.confidence) / 2.0) * error
    return Judged(*what_is, *shown, grade, margin.name, wide, equivalence(predicted, published, half, wide))


def _standard_error(quantity: Quantity) -> float:
    """Return the standard error of the published number; where the paper leaves it open, that of a trial like it."""
    own = quantity.published_standard_error
    return own if own is not None else float(np.std(quantity.in_trials or (0.0,)))


def _route(study: TrialStudy, phase: str) -> str:
    """Return how the drug comes into people in a phase, as the calibration data call it."""
    given = [one.route for arm in study.phase(phase).arms for one in arm.treatments]
    return next((route.partition(" ")[0] for route in given if route.startswith(("intrathecal", "oral"))), "")


def summary(rows: Sequence[Judged]) -> str:
    """Return in a sentence how many predictions lie within their margins, and whether they beat the baselines."""
    if not rows:
        return "No number is judged by a margin."
    close = [row for row in rows if row.equivalence != "outside"]
    shown = sum(row.equivalence == "equivalent" for row in rows)
    said = [f"{len(close)} of {len(rows)} lie within the clinical margin, of which {shown} surely so."]
    for name, other in (("no change", "crps_no_change"), ("the calibration mean", "crps_calibration_mean")):
        both = [(row.crps, getattr(row, other)) for row in rows if row.crps is not None]
        pairs = np.array([pair for pair in both if pair[1] is not None])
        if pairs.size:
            beaten = int((pairs[:, 0] < pairs[:, 1]).sum())
            times = np.exp(np.mean(np.log(pairs[:, 0] / pairs[:, 1]))) if pairs.all() else np.nan
            said.append(f"CRPS beats {name} in {beaten} of {len(pairs)} ({times:.2f} times its own, geometric mean).")
    return " ".join(said)
