"""The analysis of a trial in words: what each endpoint compares, what trials find, how often they are right."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eutonia._bounds import FEWEST_FOR_VERDICT, FEWEST_OF_A_DRAW
from eutonia.assessment.scales import SCALES
from eutonia.report import words
from eutonia.report.trial import adaptive_words, interim_words, time_to_event
from eutonia.study.analysis_plan import EVENTS
from eutonia.trial.analysed import why_none
from eutonia.trial.result import Analysed, StudyResult

Row = Mapping[str, Any]

_ESTIMANDS = {
    "hypothetical": "as if nobody had left",
    "treatment policy": "whatever came of those who stopped; in this trial nobody leaves",
    "composite": "whoever left counts as no responder",
    "while on treatment": "up to the last visit on treatment at which a person was seen",
}
_RESCUES = {
    "hypothetical": "as if none had been given",
    "treatment policy": "whatever came of it",
    "composite": "whoever was given it counts as no responder",
    "while on treatment": "up to the visit at which it was given",
}
# Of an event both other ways are asked about leaving alone.
_OF_EVENTS = {
    ("time to rescue", "composite"): "whoever leaves has failed at that visit, as with rescue",
    ("time to leaving", "composite"): "leaving is the event",
}
_METHODS = {
    "MMRM": "mixed model for repeated measures (REML, Satterthwaite); visits that are not seen are missing at random",
    "ANCOVA": "analysis of covariance with the score at the first visit; whoever is not known does not count",
    "Wilcoxon": "Wilcoxon's rank sum, with Hodges and Lehmann's shift; whoever is not known does not count; where "
    "scores are tied an end of the interval may be zero although the test rejects, and zero itself is then outside",
    "proportional odds": "odds of a higher score, at the same first score; whoever is not known does not count",
    "crossover": "differences within people, with that of the periods removed (least squares: person, period, arm); "
    "whoever is not seen in both periods does not count, and nothing is supposed to be left over from the first",
    "N-of-1": "mixed model of the differences of pairs of periods, with people as blocks (REML, Satterthwaite); pairs "
    "that are not seen are missing at random, and nothing is supposed to be left over from the period before",
    "Fisher": "Fisher's exact test, with Newcombe's interval of the difference",
    "time to event": "log-rank test, and Cox's hazard ratio (Efron's ties) as a logarithm, with Wald's interval; times "
    "are those of the visits at which it is first found; whoever leaves before is censored there, or, where that is no "
    "improvement, waits to the end",
}
_MULTIPLICITY = {
    "none": "Each endpoint is tested at this level by itself, so together they err more often",
    "holm": "The endpoints are held to it together, by Holm's steps",
    "hierarchical": "The endpoints are tested in their order until one fails",
}


_USUAL_POWER = 0.8


@dataclass(frozen=True)
class EndpointWords:
    """One endpoint, already in words."""

    what: str
    role: str
    arms: str
    difference: str
    spread: str
    first: str
    first_p: str
    truth: str
    rate_name: str
    rate: str
    coverage: str
    bias: str
    how: str
    notes: tuple[str, ...]


def context(analysed: Analysed | None) -> dict[str, Any]:
    """Return what the page says of an analysis; empty pieces where the study says none."""
    if analysed is None:
        return {"analysis": [], "analysis_lead": "", "analysis_plain": [], "looks": [], "survival": []}
    return {
        "analysis": endpoints(analysed),
        "analysis_lead": lead(analysed),
        "analysis_plain": plain(analysed),
        "looks": interim_words.looks(analysed),
        "survival": time_to_event.curves(analysed),
    }


def lead(analysed: Analysed) -> str:
    """Return how the trials were analysed, in a few sentences."""
    trials = words.count(_trials(analysed))
    together, over = "", "" if analysed.looks is None else " over all looks"
    if len(analysed.characteristics) > 1:
        together = f" {_MULTIPLICITY[analysed.multiplicity]}."
    return (
        f"Each of {trials} replicate trials was analysed from what was seen in it, at a two-sided level of "
        f"{100 * analysed.alpha:g}%{over}.{together} What is true is known here: every person was computed in every "
        f"arm.{_own_truths(analysed)}"
    )


def _own_truths(analysed: Analysed) -> str:
    """Return why no endpoint says how often its interval holds the truth, where numbers are drawn for few trials."""
    rows = analysed.characteristics
    known = rows["truth"].is_not_null() & rows["estimate"].is_not_null()
    if _trials(analysed) < FEWEST_FOR_VERDICT or not (known & rows["coverage"].is_null()).any():
        return ""
    return (
        " How often an interval holds it is told where each draw of the numbers, which has a truth of its own, has "
        f"{FEWEST_OF_A_DRAW} trials: with more replicate trials, or with --parameters frozen."
    )


def plain(analysed: Analysed) -> list[str]:
    """Return for each primary endpoint what a trial of this size can find, in a sentence."""
    told = []
    for row, one in zip(analysed.characteristics.iter_rows(named=True), endpoints(analysed), strict=True):
        if one.role != "primary" or row["trials"] < FEWEST_FOR_VERDICT:
            continue
        share, error = row["rejected"], row["rejected_error"]
        if row["no_answer"] == row["trials"]:
            told.append(f"{one.what}: no trial has an answer.")
            continue
        if row["alike"]:
            told.append(
                f"{one.what}: nobody differs in it between the arms, and {100 * share:.1f}% of trials say that they do."
            )
            continue
        if one.rate_name == "Rejections":
            told.append(f"{one.what}: the true difference is close to zero; {100 * share:.1f}% of trials find one.")
            continue
        verdict = "less often than the 80% that trials are usually planned for"
        if share >= _USUAL_POWER:
            verdict = "as often as trials are usually planned for, which is 80%, or more"
        elif share - 2 * error <= analysed.alpha:
            verdict = f"not clearly more often than chance alone would, which is {100 * analysed.alpha:g}%"
        told.append(f"{one.what}: a trial of this size finds a difference in {100 * share:.0f} of 100, {verdict}.")
    return told + interim_words.plain(analysed) + adaptive_words.plain(analysed)


def endpoints(analysed: Analysed) -> list[EndpointWords]:
    """Return every endpoint in words, in the order of the study."""
    firsts = analysed.trials.filter(analysed.trials["replicate"] == 0).iter_rows(named=True)
    return [
        _endpoint(row, first, analysed)
        for row, first in zip(analysed.characteristics.iter_rows(named=True), firsts, strict=True)
    ]


def lines(result: StudyResult) -> list[str]:
    """Return a line for the screen for each primary endpoint: what trials find, and how often they reject."""
    if result.analysed is None:
        return []
    told = []
    for one in endpoints(result.analysed):
        if one.role != "primary":
            continue
        rate = f"{words.lower(one.rate_name)} {one.rate}" if "%" in one.rate else one.rate
        told.append(f"{one.what}, {one.arms}: {one.difference} ({one.spread}), {rate}.")
    return told + interim_words.plain(result.analysed) + adaptive_words.plain(result.analysed)


def _trials(analysed: Analysed) -> int:
    return int(analysed.characteristics["trials"][0])


def _endpoint(row: Row, first: Row, analysed: Analysed) -> EndpointWords:
    of_design = analysed.of_design.get(row["endpoint"], "")
    is_share = row["method"] == "Fisher"
    factor, unit = (100.0, "percentage points") if is_share else (1.0, words.unit(row["unit"]))
    numbers = ("estimate", "estimate_low", "estimate_high", "truth", "estimate_bias", "estimate_bias_error")
    shown = words.alike(None if row[key] is None else factor * row[key] for key in numbers)
    mean, low, high, true, bias, error = shown
    point, under, over = words.alike(
        None if first[key] is None else factor * first[key] for key in ("estimate", "low", "high")
    )
    enough = row["trials"] >= FEWEST_FOR_VERDICT
    rate = f"no rate from {row['trials']} replicate trials; it needs {FEWEST_FOR_VERDICT} or more"
    if enough:
        rate = _share(row, "rejected") if row["no_answer"] < row["trials"] else "no trial has an answer"
    answered = row["trials"] - row["no_answer"]
    middle = f"95% of trials {low} to {high}" if enough and row["unbounded"] < answered else ""
    if answered and row["unbounded"] == answered:
        middle = "the data of no trial bound the ratio"
    bounded = (
        f" in the {answered - row['unbounded']} trials of {row['trials']} that bound the ratio"
        if row["unbounded"]
        else ""
    )
    return EndpointWords(
        what=words.said(row["endpoint"]),
        role=row["role"],
        arms=f"{first['arm']} less {first['against']}",
        difference=words.with_unit(mean, unit),
        spread=middle or "mean over trials",
        first="not bounded" if first["estimate"] is None and first["p"] is not None else f"{point} ({under} to {over})",
        first_p=_first_p(first, analysed),
        truth=true,
        rate_name=_rate_name(row, true),
        rate=rate,
        coverage=f"{_share(row, 'coverage')}{bounded}" if enough and row["coverage"] is not None else "–",
        bias=f"bias {bias}\u00a0±\u00a0{error}{bounded}" if enough and row["estimate_bias"] is not None else "",
        how=_how(row, SCALES[first["scale"]].worse if first["scale"] else 1),
        notes=(
            *([of_design] if of_design else []),
            *_ratio(row, first),
            *_notes(row, analysed.alpha),
            *interim_words.estimate(row, factor),
        ),
    )


def _first_p(first: Row, analysed: Analysed) -> str:
    """Return the p value of one trial, and what becomes of it where several endpoints are held together."""
    if first["p"] is None:
        return "no answer"
    told = f"p {_p(first['p'])}"
    if len(analysed.characteristics) > 1:
        verdict = "rejects" if first["rejected"] else "does not reject"
        adjusted = f" by itself; adjusted {_p(first['p_adjusted'])}: {verdict}"
        told += ", not adjusted" if analysed.multiplicity == "none" else adjusted
    return told + interim_words.one_trial(first)


def _rate_name(row: Row, true: str) -> str:
    """Return what the share of trials that reject is called: nothing but that where the arms hardly differ."""
    if row["alike"]:
        return "Type I error"
    return "Power" if row["truth"] is None or any(digit in true for digit in "123456789") else "Rejections"


def _how(row: Row, worse: int) -> str:
    estimand, method, measure = row["estimand"], row["method"], row["measure"]
    is_event = measure in EVENTS
    hazard = f"A {'lower' if is_event else 'higher'} hazard of {measure.removeprefix('time to ')} is better"
    better = {"Fisher": "More responders are better", "time to event": hazard}.get(method)
    better = better or f"A {'lower' if worse > 0 else 'higher'} value is better"
    counted = _OF_EVENTS.get((measure, estimand), _ESTIMANDS[estimand])
    if row["rescue"]:
        counted += f"; rescue, {row['rescue']}: {_RESCUES[row['rescue']]}"
    return f"{better}. {words.capital(estimand)}: {counted}. {words.capital(method)}: {_METHODS[method]}."


def _share(row: Row, key: str) -> str:
    if row[key] is None:
        return "–"
    return f"{100 * row[key]:.1f}%\u00a0±\u00a0{100 * row[f'{key}_error']:.1f}"


def _ratio(row: Row, first: Row) -> list[str]:
    """Return in words what a logarithm of a ratio is as a ratio; nothing of a difference."""
    if not row["unit"].startswith("log ") or row["estimate"] is None:
        return []
    numbers = [row["estimate"], row["truth"], *(first[key] for key in ("estimate", "low", "high"))]
    mean, true, one, low, high = ("–" if value is None else words.three_digits(math.exp(value)) for value in numbers)
    ratio = row["unit"].removeprefix("log ")
    article = "an" if ratio.startswith("odds") else "a"
    return [f"As {article} {ratio}: {mean} in the middle, true {true}; the first trial {one} ({low} to {high})."]


def _carried_over(row: Row) -> str:
    """Return what an arm of a crossover does to the period after it."""
    amount, error = words.alike((row["carried_over"], row["carried_over_error"]))
    clear = abs(row["carried_over"]) > 3.0 * row["carried_over_error"]
    verdict = "the washout is too short, and the difference is wrong by half of it" if clear else "no more than chance"
    return (
        f"Left over from the first period, over all people of all trials: after the arm the second period is at "
        f"{amount}\u00a0±\u00a0{error} against that after the other, {verdict}."
    )


def _p(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"


def _notes(row: Row, alpha: float) -> list[str]:
    """Return what a reader has to know about the numbers of an endpoint."""
    told = []
    if row["fell_back"]:
        told.append(
            f"In {row['fell_back']} of {row['trials']} trials the covariance that was asked for could not be fitted, "
            "and one with fewer parameters was taken."
        )
    if row["no_answer"]:
        told.append(
            f"In {row['no_answer']} of {row['trials']} trials there was no answer; they count as not rejecting. Either "
            f"{why_none(row['method'])}."
        )
    if row["unbounded"]:
        told.append(
            f"In {row['unbounded']} of {row['trials']} trials the data do not bound the ratio: one arm has no event "
            "while anybody of the other waits. The test has an answer there, the ratio none; mean, bias and coverage "
            "are of the other trials only, whose ratios are the less extreme."
        )
    if row["trials"] < FEWEST_FOR_VERDICT:
        return told
    if row["truth"] is None and row["method"] == "proportional odds":
        told.append("The odds over all people are not known, so bias and coverage are not either.")
    if row["carried_over"] is not None:
        told.append(_carried_over(row))
    if row["rejected"] < row["rejected_alone"]:
        told.append(f"Tested by itself it rejects in {100 * row['rejected_alone']:.1f}% of trials.")
    if row["coverage"] is not None and row["coverage"] + 3 * row["coverage_error"] < 1 - alpha:
        told.append(f"Its interval holds the truth less often than {100 * (1 - alpha):g}%: do not rely on it.")
    return told
